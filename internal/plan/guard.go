package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"xc-group-sync/internal/directory"
)

// removal is what max-removals is asked about: so many of what the tenant holds.
type removal struct {
	removed, of int
	one, many   string
	where       string // behind the words; may be empty
}

// guard refuses what removes more than the policy allows.
func (p *planner) guard() {
	removals := p.removals()
	most := 0 // also of what passes: a share may let through what a number does not
	for _, r := range removals {
		most = max(most, r.removed)
	}
	for _, r := range removals {
		if !p.policy.MaxRemovals.allows(r.removed, r.of) {
			p.plan.Refusals = append(p.plan.Refusals, Refusal{
				Guard:  "max-removals",
				Reason: fmt.Sprintf("plan would remove %d of %s%s, over the max-removals limit of %s", r.removed, count(r.of, r.one, r.many), r.where, p.policy.MaxRemovals),
				Hint:   fmt.Sprintf("to allow it once, re-run with max-removals: %d; to add people and remove nobody, with removals: withhold", most),
			})
		}
	}
}

// removals are counted of groups, of users, of all memberships, and of the
// memberships of each group that is updated.
func (p *planner) removals() []removal {
	memberships, groups := 0, 0
	deleted := map[directory.Email]bool{}
	for _, group := range p.tenant.observed.Groups {
		memberships += len(group.Usernames)
	}
	for i := range p.plan.Operations {
		switch operation := &p.plan.Operations[i]; {
		case operation.Action == Delete && operation.Object == Group:
			groups++
		case operation.Action == Delete && operation.Object == User:
			deleted[operation.User.Email] = true
		}
	}
	all := []removal{
		{groups, len(p.tenant.observed.Groups), "group", "groups", ""},
		{len(deleted), len(p.tenant.observed.Users), "user", "users", ""},
		{p.plan.Removed(), memberships, "membership", "memberships", ""},
	}
	for i := range p.plan.Operations {
		if operation := &p.plan.Operations[i]; operation.Action == Update && operation.Object == Group {
			// Who is deleted counts among all memberships only.
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

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// digest hashes the tenant, its API and every attribute that the operations would send.
// Neither the order of the CSV's rows nor that of the tenant's lists reaches it:
// all is sorted.
func digest(policy Policy, operations []Operation) string {
	hash := sha256.New()
	encoder := json.NewEncoder(hash)
	// Neither a hash nor these types can fail.
	_ = encoder.Encode([]string{policy.Tenant, policy.API})
	for i := range operations {
		_ = encoder.Encode(canonical(&operations[i]))
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}

// sent is what the digest covers of one operation.
type sent struct {
	Action      Action
	Object      Object
	Name        string
	Username    directory.Username
	Address     string
	Person      directory.PersonName
	IdmType     string
	Type        string
	DisplayName string
	Description string
	SyncID      string
	Roles       []directory.Role
	Groups      []string             // the user's own
	Usernames   []directory.Username // the group's own, before the change
	Add, Remove []string
	Attributes  *Attributes
}

func canonical(o *Operation) sent {
	return sent{
		Action: o.Action, Object: o.Object, Name: o.Name(),
		Username: o.User.Username, Address: o.User.Address, Person: o.User.Name, IdmType: o.User.IdmType, Type: o.User.Type,
		DisplayName: o.Group.DisplayName, Description: o.Group.Description, SyncID: o.Group.SyncID,
		Roles:     slices.SortedFunc(slices.Values(slices.Concat(o.User.Roles, o.Group.Roles)), byNamespace),
		Groups:    slices.Sorted(slices.Values(o.User.Groups)),
		Usernames: slices.Sorted(slices.Values(o.Group.Usernames)),
		Add:       names(o.Add), Remove: names(o.Remove),
		Attributes: o.Attributes,
	}
}

func byNamespace(a, b directory.Role) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Role, b.Role))
}

func names(members []Member) []string {
	all := make([]string, len(members))
	for i, member := range members {
		all[i] = cmp.Or(string(member.Username), string(member.Email))
	}
	return all
}
