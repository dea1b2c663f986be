package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
)

// groupDeletions plans the deletion of the groups that the CSV does not name.
func (p *planner) groupDeletions() []Operation {
	if !p.policy.PruneGroups {
		return nil
	}
	var operations []Operation
	for i := range p.tenant.observed.Groups {
		group := &p.tenant.observed.Groups[i]
		if !p.unnamed(group) || !managed(group) && !p.policy.PruneUnmanaged {
			continue
		}
		members := p.membersOf(group)
		if reason := p.keepGroup(group, members); reason != "" {
			p.warn(directory.GroupKept, string(group.Name), "", "not deleting group %q: %s", group.Name, reason)
			continue
		}
		operations = append(operations, Operation{Action: Delete, Object: Group, Group: *group, Remove: members})
	}
	slices.SortFunc(operations, byName)
	return operations
}

// unnamed tells whether no row names the group, where it is this program's to
// change at all.
func (p *planner) unnamed(group *directory.Group) bool {
	return p.named[group.Name] == nil && group.ReadError == "" && group.SyncMode != directory.SyncSCIM
}

// managed tells whether this program created the group.
func managed(group *directory.Group) bool { return strings.HasPrefix(group.Description, Marker) }

// membersOf are the members of a group in the order in which a plan names them.
func (p *planner) membersOf(group *directory.Group) []Member {
	members := make([]Member, len(group.Usernames))
	for i, username := range group.Usernames {
		members[i] = Member{Email: p.tenant.who(username), Username: username}
	}
	sortMembers(members)
	return members
}

func byName(a, b Operation) int { return cmp.Compare(a.Name(), b.Name()) }

func (p *planner) keepGroup(group *directory.Group, members []Member) string {
	if p.desired.KeepGroups {
		return "the CSV has a row that could not be read, which may have named it"
	}
	if p.policy.Protect.Match(string(group.Name)) {
		return "it is protected"
	}
	if kinds := group.ReferredBy(); len(kinds) > 0 {
		return "it is referred to by " + strings.Join(kinds, ", ")
	}
	for _, member := range members {
		if p.protected(member) {
			return fmt.Sprintf("its member %s is protected", member.Email)
		}
		if reason := doubt(p.people[member.Email], fmt.Sprintf("its member %s", member.Email)); reason != "" {
			return reason
		}
	}
	return ""
}

// userDeletions plans the deletion of the users whom the CSV does not name.
// The operations on groups tell which of their memberships go anyway.
func (p *planner) userDeletions(groups []Operation) []Operation {
	if !p.policy.PruneUsers {
		return nil
	}
	if !p.policy.Caller.Known {
		p.warn(directory.UserKept, "", "", "not deleting users: could not determine which user the credentials belong to")
		return nil
	}
	lost := p.memberships()
	for _, operation := range groups {
		for _, member := range operation.Remove {
			lost[member.Email]--
		}
	}
	held := 0
	var operations []Operation
	for _, user := range p.tenant.observed.Users {
		if !p.prunable(user) {
			continue
		}
		if p.desired.KeepUsers {
			held++
			continue
		}
		if len(p.tenant.users[user.Email]) > 1 {
			p.warn(directory.UserKept, string(user.Email), "", "not deleting user %s: the tenant has several users with that email", user.Email)
			continue
		}
		operations = append(operations, Operation{Action: Delete, Object: User, User: user, Before: user.Name, Lost: lost[user.Email]})
	}
	if held > 0 {
		p.warn(directory.UserKept, "", "", "not deleting %s: an invalid row of the CSV may have named them", count(held, "user", "users"))
	}
	slices.SortFunc(operations, byName)
	return operations
}

// memberships counts the groups of everybody.
func (p *planner) memberships() map[directory.Email]int {
	counts := map[directory.Email]int{}
	for _, group := range p.tenant.observed.Groups {
		for _, username := range group.Usernames {
			counts[p.tenant.who(username)]++
		}
	}
	return counts
}

func (p *planner) prunable(user directory.User) bool {
	if user.Email == "" || !user.Ordinary() || user.SyncMode == directory.SyncSCIM || user.DomainOwner || p.policy.Caller.is(user) {
		return false
	}
	if person := p.people[user.Email]; person != nil && (person.Status != directory.Inactive || person.KeepMemberships || !p.policy.PruneInactive) {
		return false
	}
	return !p.protected(Member{Email: user.Email, Username: user.Username})
}

func byGroupName(a, b directory.Group) int { return cmp.Compare(a.Name, b.Name) }
