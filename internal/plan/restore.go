package plan

import (
	"cmp"
	"maps"
	"slices"

	"xc-group-sync/internal/directory"
)

// Snapshot returns what the plan is about to change, as it was observed when the
// plan was made. The caller adds the time.
func (p *Plan) Snapshot(policy Policy, observed *directory.Observed) *directory.Snapshot {
	then := newTenant(observed)
	s := &directory.Snapshot{
		Schema: directory.SnapshotSchema, Tenant: policy.Tenant, API: policy.API, Digest: p.Digest,
		Users: []directory.User{}, Groups: []directory.Group{}, Members: map[string]directory.Email{}, NewUsers: []directory.Email{}, NewGroups: []directory.GroupName{},
	}
	saved := map[directory.GroupName]bool{} // several operations can be about one group
	for i := range p.Operations {
		switch o := &p.Operations[i]; {
		case o.Action == Create && o.Object == User:
			s.NewUsers = append(s.NewUsers, o.User.Email)
		case o.Action == Create:
			s.NewGroups = append(s.NewGroups, o.Group.Name)
		case o.Object == User:
			s.Users = append(s.Users, *then.Username(o.User.Username))
		case saved[o.Group.Name]:
		default:
			saved[o.Group.Name] = true
			s.Groups = append(s.Groups, o.Group)
			for _, username := range o.Group.Usernames {
				s.Members[username.Key()] = then.member(username).Email
			}
		}
	}
	return s
}

// NewRestore plans the operations that go back to a snapshot: the groups in it
// get their members, roles, descriptions, display names and sync ids back,
// deleted groups and users are created again, and names are reverted. Nothing is
// deleted.
func NewRestore(snapshot *directory.Snapshot, observed *directory.Observed, policy Policy) *Plan {
	p := newPlanner(&directory.Desired{}, observed, policy)
	p.plan.Users.Desired, p.plan.Groups.Desired = len(snapshot.Users), len(snapshot.Groups)
	for _, group := range observed.Groups {
		if group.ReadError != "" && p.restorable(group.Name) {
			p.blockGroup(group.Name, "the tenant returned incomplete data about it: "+group.ReadError, "")
		}
	}
	users, returning := p.restoreUsers(snapshot)
	groups := p.restoreGroups(snapshot, returning)
	p.plan.Operations = slices.Concat(users, groups, p.restoreRoles(snapshot, groups))
	slices.SortStableFunc(p.plan.Operations, byPhase)
	for _, email := range snapshot.NewUsers {
		if user, _ := p.tenant.Email(email); user != nil {
			p.warn(directory.UserCreatedSince, string(email), "delete it by hand if it is not wanted", "user %s was created by the run being undone; leaving it", email)
		}
	}
	for _, name := range snapshot.NewGroups {
		if p.tenant.groups[name] != nil {
			p.warn(directory.GroupCreatedSince, string(name), "delete it by hand if it is not wanted", "group %q was created by the run being undone; leaving it", name)
		}
	}
	return p.finish()
}

// restoreUsers plans the users, and returns who comes back.
func (p *planner) restoreUsers(snapshot *directory.Snapshot) (operations []Operation, returning map[directory.Email]directory.User) {
	returning = map[directory.Email]directory.User{}
	for _, user := range snapshot.Users {
		now, shared := p.tenant.Email(user.Email)
		user.Name = user.Name.Complete(user.Email)
		switch {
		case !p.policy.PersonInScope(user.Email):
			// Left as they are.
		case shared:
			p.blockShared(user.Email)
		case now == nil && p.blockTaken(user.Email):
			// Not created.
		case now == nil:
			if other := p.tenant.Username(user.Username); other != nil {
				p.warn(directory.UsernameTaken, string(user.Email), "", "user %s is recreated with the email as username: the old username now belongs to %s", user.Email, cmp.Or(string(other.Email), "a user without an email"))
				user.Username = directory.Username(user.Email)
			}
			returning[user.Email] = user
			operations = append(operations, Operation{Action: Create, Object: User, User: user})
			password, hint := "", ""
			if user.IDMType == directory.IDMLocal {
				password, hint = "password, ", "they must reset their password"
			}
			p.warn(directory.RecreatedUser, string(user.Email), hint, "user %s is recreated without %sAPI credentials or personal settings", user.Email, password)
		case now.Name != user.Name && now.Local() && p.replaceable(now):
			update := *now
			update.Name = user.Name
			operations = append(operations, Operation{Action: Update, Object: User, User: update, Before: now.Name})
		default:
			p.plan.Users.Unchanged++
		}
	}
	return operations, returning
}

// restored is a group as it should be again. Its members are people, because
// usernames may have changed hands.
type restored struct {
	directory.Group
	members []Member // by the email and the username they had then
}

// restoreGroups plans the groups of the snapshot, and the memberships of users
// who come back in groups that are not in it.
func (p *planner) restoreGroups(snapshot *directory.Snapshot, returning map[directory.Email]directory.User) []Operation {
	wanted := map[directory.GroupName]*restored{}
	for _, group := range snapshot.Groups {
		then := &restored{Group: group}
		for _, username := range group.Usernames {
			then.members = append(then.members, Member{Email: snapshot.Members[username.Key()], Username: username})
		}
		wanted[group.Name] = then
	}
	for _, email := range slices.Sorted(maps.Keys(returning)) {
		for _, name := range returning[email].Groups {
			name := directory.GroupName(name)
			now := p.tenant.groups[name]
			if wanted[name] == nil && now != nil {
				wanted[name] = &restored{Group: *now, members: p.tenant.members(now)}
			}
			if group := wanted[name]; group != nil { // adding it twice does no harm
				group.members = append(group.members, Member{Email: email})
			}
		}
	}
	var operations []Operation
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if operation, ok := p.restoreGroup(wanted[name], returning); ok {
			operations = append(operations, operation)
		}
	}
	return operations
}

func (p *planner) restoreGroup(then *restored, returning map[directory.Email]directory.User) (Operation, bool) {
	if !p.restorable(then.Name) {
		return Operation{}, false
	}
	now, exists := p.tenant.groups[then.Name]
	if exists && now.SyncMode == directory.SyncSCIM {
		p.warn(directory.SCIMSynced, string(then.Name), "", "skipping group %q: it is synced by SCIM", then.Name)
	}
	if exists && (now.SyncMode == directory.SyncSCIM || now.ReadError != "") {
		return Operation{}, false
	}
	operation := Operation{Action: Update, Object: Group, Adopted: true, Attributes: attributesOf(then.Group)}
	if exists {
		operation.Group = *now
	} else {
		operation.Action, operation.Group = Create, then.Group
		operation.Group.Usernames, operation.Attributes = nil, nil
	}
	p.restoreMembers(&operation, then, returning)
	if exists && *attributesOf(*now) == *operation.Attributes {
		operation.Attributes = nil
		if len(operation.Add)+len(operation.Remove) == 0 {
			p.plan.Groups.Unchanged++
			return Operation{}, false
		}
	}
	return operation, true
}

// restoreRoles plans the grants and revocations of groups that still exist.
// Groups that are created again get their roles in their creation.
func (p *planner) restoreRoles(snapshot *directory.Snapshot, groups []Operation) (operations []Operation) {
	changed := map[directory.GroupName]bool{}
	for _, operation := range groups {
		changed[operation.Group.Name] = true
	}
	byName := func(a, b directory.Group) int { return cmp.Compare(a.Name, b.Name) }
	for _, then := range slices.SortedFunc(slices.Values(snapshot.Groups), byName) {
		now := p.tenant.groups[then.Name]
		if now == nil || !p.restorable(then.Name) || now.SyncMode == directory.SyncSCIM || now.ReadError != "" {
			continue
		}
		changes := roleChanges(now, p.revocable(then.Name, rolesBeyond(now.Roles, then.Roles)), rolesBeyond(then.Roles, now.Roles))
		if len(changes) > 0 && !changed[then.Name] {
			p.plan.Groups.Unchanged--
		}
		operations = append(operations, changes...)
	}
	return operations
}

// restoreMembers plans who comes back to a group and who leaves it again.
func (p *planner) restoreMembers(operation *Operation, then *restored, returning map[directory.Email]directory.User) {
	present := map[directory.Email]bool{}
	for _, member := range p.tenant.members(&operation.Group) {
		present[member.Email] = true
	}
	var wanted []Member
	for _, member := range then.members {
		email := member.Email
		user, _ := p.tenant.Email(email)
		if now := p.tenant.member(member.Username); now.user != nil && now.Email == email {
			user = now.user // otherwise whoever has the email
		}
		_, returns := returning[email]
		if user != nil || returns || present[email] {
			back := newMember(email, user)
			back.person = &person{exact: user != nil, barred: user == nil && !returns || !p.policy.PersonInScope(email)}
			wanted = append(wanted, back)
		} else {
			p.warn(directory.MemberNotRestored, string(email), "", "cannot put %s back into group %q: the tenant has no such user any more", email, then.Name)
		}
	}
	names := map[string]bool{}
	for _, username := range then.Usernames {
		names[username.Key()] = true
	}
	p.changeMembers(operation, wanted, func(member Member) string {
		if reason := p.keepMember(&operation.Group, nil, member); reason != "" {
			return reason
		}
		if names[member.Username.Key()] {
			return "the username was in the group with a different email: it may be the same person"
		}
		return ""
	})
}
