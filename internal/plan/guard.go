package plan

import (
	"fmt"

	"xc-group-sync/internal/directory"
)

// removal is a number that max-removals limits: how many of the objects that the
// tenant holds are removed.
type removal struct {
	removed, of int
	one, many   string
	where       string // appended to the words; may be empty
}

// guard refuses a plan that removes more than the policy allows.
func (p *planner) guard() {
	removals := p.removals()
	most := 0 // include the removals within the limit: a percentage may allow more than that number
	for _, r := range removals {
		most = max(most, r.removed)
	}
	for _, r := range removals {
		if !p.policy.MaxRemovals.allows(r.removed, r.of) {
			p.plan.Refusals = append(p.plan.Refusals, Refusal{
				Reason: fmt.Sprintf("plan would remove %d of %s%s, over the max-removals limit of %s", r.removed, directory.Count(r.of, r.one, r.many), r.where, p.policy.MaxRemovals),
				Hint:   fmt.Sprintf("to allow it once, re-run with max-removals: %d; to add people and remove nobody, with removals: withhold", most),
			})
		}
	}
}

// removals are counted for groups, users, all memberships, roles, and the
// memberships of each group that is updated.
func (p *planner) removals() []removal {
	memberships, roles, groups, revoked := 0, 0, 0, 0
	deleted := map[directory.Email]bool{}
	for _, group := range p.tenant.observed.Groups {
		memberships += len(group.Usernames)
		roles += len(group.Roles)
	}
	for i := range p.plan.Operations {
		switch operation := &p.plan.Operations[i]; operation.Kind().Takes {
		case GroupRemoval:
			groups++
		case UserDeletion:
			deleted[operation.User.Email] = true
		case RoleRevocation:
			revoked += len(operation.Roles)
		}
	}
	all := []removal{
		{groups, len(p.tenant.observed.Groups), "group", "groups", ""},
		{len(deleted), len(p.tenant.observed.Users), "user", "users", ""},
		{p.plan.Removed(), memberships, "membership", "memberships", ""},
		{revoked, roles, "role", "roles", ""},
	}
	for i := range p.plan.Operations {
		if operation := &p.plan.Operations[i]; operation.Action == Update && operation.Object == Group {
			// Deleted users count only toward all memberships.
			removed := 0
			for _, member := range operation.Remove {
				if !deleted[member.Email] {
					removed++
				}
			}
			all = append(all, removal{removed, len(operation.Group.Usernames), "membership", "memberships", fmt.Sprintf(" of group %q", operation.Group.Name)})
		}
	}
	return all
}
