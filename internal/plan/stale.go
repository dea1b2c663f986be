package plan

import (
	"slices"

	"xc-group-sync/internal/directory"
)

// warnStale warns about access that remains only because no row names its group:
// nobody is removed from such a group.
func (p *planner) warnStale(deletions []Operation) {
	if p.desired.KeepGroups {
		return // an invalid row may name them
	}
	deleted := map[directory.GroupName]bool{}
	for _, operation := range deletions {
		deleted[operation.Group.Name] = true
	}
	for _, group := range slices.SortedFunc(slices.Values(p.tenant.observed.Groups), byGroupName) {
		switch {
		case deleted[group.Name] || !p.unnamed(&group) || p.policy.Protect.Match(string(group.Name)):
		case managed(&group):
			if len(group.Usernames) > 0 && !p.policy.PruneGroups {
				p.warnStaleGroup(&group)
			}
		default:
			for _, member := range p.membersOf(&group) {
				if person := p.people[member.Email]; person != nil && person.Status == directory.Inactive && !p.protected(member) {
					p.warn(directory.StaleMember, string(member.Email), "", "%s is inactive, but keeps access to group %q, which is not in the CSV", member.Email, group.Name)
				}
			}
		}
	}
}

// warnStaleGroup warns about a group that this program created and that keeps
// its members because groups are not pruned.
func (p *planner) warnStaleGroup(group *directory.Group) {
	prune := "prune: groups"
	if p.policy.PruneUsers {
		prune = "prune: all"
	}
	hint := "set " + prune + " to delete it, or add it to protect if another export manages it"
	if reason := p.keepGroup(group, p.membersOf(group)); reason != "" {
		hint = prune + " would not delete it: " + reason
	}
	p.warn(directory.StaleGroup, string(group.Name), hint, "group %q is no longer in the CSV, but its %s access",
		group.Name, count(len(group.Usernames), "member keeps", "members keep"))
}
