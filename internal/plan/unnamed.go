package plan

import (
	"cmp"
	"fmt"
	"slices"

	"xc-group-sync/internal/directory"
)

// unnamed reports whether no row names a group that is in scope and may be
// changed at all.
func (p *planner) unnamed(group *directory.Group) bool {
	return p.desired.Group(group.Name) == nil && group.ReadError == "" && group.SyncMode != directory.SyncSCIM && p.policy.GroupInScope(group, p.desired)
}

// unnamedGroups plans which of the groups that no row names lose their members,
// and which are deleted.
func (p *planner) unnamedGroups() (operations []Operation) {
	if !p.policy.EmptyUnnamed && !p.policy.PruneGroups {
		return nil
	}
	for _, group := range p.tenant.groupsByName() {
		if !p.unnamed(group) {
			continue
		}
		if p.policy.PruneGroups && (Owned(group) || p.policy.PruneUnmanaged) {
			if operation, ok := p.groupDeletion(group); ok {
				operations = append(operations, operation)
				continue
			}
		}
		switch {
		case p.policy.EmptyUnnamed && p.changeable(group):
			if operation := p.groupUpdate(group, nil); len(operation.Remove) > 0 {
				operations = append(operations, operation)
			}
		case p.policy.EmptyUnnamed && len(group.Usernames) > 0:
			p.warnNotOwned(group, "emptied")
			continue
		}
		if p.policy.PruneGroups && !Owned(group) && !p.policy.PruneUnmanaged {
			p.warnNotOwned(group, "deleted")
		}
	}
	return operations
}

func (p *planner) groupDeletion(group *directory.Group) (Operation, bool) {
	reason := p.keepGroup(group)
	switch {
	case reason == "":
		return Operation{Action: Delete, Object: Group, Group: *group, Remove: p.tenant.members(group)}, true
	case group.ReferredBy() != nil: // in every run
		p.warn(directory.GroupKept, string(group.Name), "", "group %q is not deleted: %s", group.Name, reason)
	default:
		p.plan.Withheld = append(p.plan.Withheld, Withheld{Kind: GroupRemoval, Group: group.Name, Reason: reason})
	}
	p.notDeleted[group.Name] = reason
	return Operation{}, false
}

func (p *planner) warnNotOwned(group *directory.Group, what string) {
	p.warn(directory.NotOwned, string(group.Name), "", "group %q is not %s: this program did not create it", group.Name, what)
}

// userDeletions plans the deletion of the users that the CSV does not name. The
// operations on groups show which of their memberships are removed anyway.
func (p *planner) userDeletions(groups []Operation) []Operation {
	if !p.policy.PruneUsers {
		return nil
	}
	memberships, fixed := p.memberships(groups)
	unlisted := p.unlistedMembers()
	unguarded := false
	var operations []Operation
	for i := range p.tenant.observed.Users {
		user := &p.tenant.observed.Users[i]
		if !p.prunable(user) {
			continue
		}
		if reason := p.keepUser(user, cmp.Or(unlisted[user.Email], fixed[user.Username.Key()])); reason != "" {
			unguarded = unguarded || reason == callerUnknown && p.policy.Only.includes(string(user.Email))
			p.plan.Withheld = append(p.plan.Withheld, Withheld{Kind: UserDeletion, Member: newMember(user.Email, user), Reason: reason})
			continue
		}
		operations = append(operations, Operation{Action: Delete, Object: User, User: *user, Lost: memberships[user.Username.Key()]})
	}
	if unguarded {
		p.plan.Findings = append(p.plan.Findings, directory.Finding{Severity: directory.Error, Kind: directory.CallerUnknown,
			Message: "not deleting users: could not determine which user the credentials belong to"})
	}
	return operations
}

// prunable reports whether a user is one that prune is about: a person in scope
// that no row names, or only as inactive.
func (p *planner) prunable(user *directory.User) bool {
	if user.Email == "" || !user.Ordinary() || user.SyncMode == directory.SyncSCIM || user.DomainOwner || p.policy.Caller.is(*user) || !p.policy.PersonInScope(user.Email) {
		return false
	}
	person := p.people[user.Email]
	return person == nil || person.Status == directory.Inactive && p.policy.PruneInactive
}

// allPrunable reports whether prune could delete all members of a group, and so
// empty it.
func (p *planner) allPrunable(group *directory.Group) bool {
	return !slices.ContainsFunc(group.Usernames, func(username directory.Username) bool {
		user := p.tenant.Username(username)
		return user == nil || !p.prunable(user)
	})
}

// unlistedMembers returns, by email, why a user with it must stay: the API
// deletes by email, and somebody with that username is in a group but not in the
// user listing.
func (p *planner) unlistedMembers() map[directory.Email]string {
	reasons := map[directory.Email]string{}
	for _, group := range p.tenant.groupsByName() {
		for _, username := range group.Usernames {
			if p.tenant.Username(username) != nil {
				continue
			}
			if email := directory.ObservedEmail(string(username)); reasons[email] == "" {
				reasons[email] = fmt.Sprintf("this email is the username of a member of group %s who is not in the tenant's user listing", group.Name)
			}
		}
	}
	return reasons
}

// memberships counts by Username.Key the memberships that operations on groups do
// not remove, and says why somebody must stay in a group, if only one. That
// somebody is in a group is what either listing says: the one of groups may lack
// the group, or some of its members.
func (p *planner) memberships(operations []Operation) (counts map[string]int, fixed map[string]string) {
	counts, fixed = map[string]int{}, map[string]string{}
	reasons := make(map[string]string, len(p.tenant.groups))
	for _, group := range p.tenant.groupsByName() {
		reason := p.keepAllMembers(group)
		reasons[string(group.Name)] = reason
		for _, username := range group.Usernames {
			key := username.Key()
			counts[key]++
			if reason != "" {
				fixed[key] = reason
			}
		}
	}
	for i := range p.tenant.observed.Users {
		user := &p.tenant.observed.Users[i]
		for _, name := range user.Groups {
			reason, listed := reasons[name]
			if !listed {
				reason = "member of group " + name + ", which is not in the tenant's group listing"
			}
			if reason != "" {
				fixed[user.Username.Key()] = reason
			}
		}
	}
	for _, w := range p.plan.Withheld {
		if key := w.Member.Username.Key(); w.Kind == Membership && w.Reason != withheld && fixed[key] == "" {
			fixed[key] = "stays in group " + string(w.Group) + ": " + w.Reason
		}
	}
	for _, operation := range operations {
		for _, member := range operation.Remove {
			counts[member.Username.Key()]--
		}
	}
	return counts, fixed
}

// warnStale warns about access that remains only because no row names its group,
// so that nobody is removed from it. changed are the operations on groups;
// deleted users keep no access.
func (p *planner) warnStale(changed, deletions []Operation) {
	if p.desired.KeepGroups || p.policy.Sample {
		return // an invalid row may name them, or it is the embedded sample
	}
	touched := map[directory.GroupName]bool{}
	for _, operation := range changed {
		touched[operation.Group.Name] = true
	}
	deleted := map[string]bool{}
	for i := range deletions {
		deleted[deletions[i].User.Username.Key()] = true
	}
	staying := func(group *directory.Group) []directory.Username {
		return slices.DeleteFunc(slices.Clone(group.Usernames), func(username directory.Username) bool { return deleted[username.Key()] })
	}
	for _, group := range p.tenant.groupsByName() {
		switch {
		case touched[group.Name] || !p.unnamed(group) || p.policy.EmptyUnnamed || p.policy.Protect.Match(string(group.Name)):
		case p.changeable(group):
			if members := len(staying(group)); members > 0 && !p.policy.PruneGroups {
				p.warnStaleGroup(group, members)
			}
		default:
			for _, username := range staying(group) {
				member := p.tenant.member(username)
				if person := p.people[member.Email]; person != nil && person.Status == directory.Inactive && !p.protected(member) {
					p.warn(directory.StaleMember, string(member.Email), "", "%s is inactive, but keeps access to group %q, which is not in the CSV", member.Email, group.Name)
				}
			}
		}
	}
}

// warnStaleGroup warns about a group of this program that keeps its members
// because groups are neither emptied nor pruned.
func (p *planner) warnStaleGroup(group *directory.Group, members int) {
	prune := "prune: groups"
	if p.policy.PruneUsers {
		prune = "prune: all"
	}
	const other = "unnamed-groups: empty to empty it, or add it to protect if another export manages it"
	hint := "set " + prune + " to delete it or " + other
	if reason := p.keepGroup(group); reason != "" {
		hint = "set " + other + " (" + prune + " would not delete it: " + reason + ")"
	}
	p.warn(directory.StaleGroup, string(group.Name), hint, "group %q is no longer in the CSV, but its %s access",
		group.Name, directory.Count(members, "member keeps", "members keep"))
}
