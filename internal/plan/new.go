package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
)

// New plans the way from what is observed to what is desired, as far as the
// policy allows it.
func New(desired *directory.Desired, observed *directory.Observed, policy Policy) *Plan {
	p := &planner{
		policy:    policy,
		desired:   desired,
		tenant:    newTenant(observed),
		people:    make(map[directory.Email]*directory.Person, len(desired.People)),
		named:     make(map[directory.GroupName]*directory.DesiredGroup, len(desired.Groups)),
		newcomers: map[directory.Email]*directory.Person{},
		plan: &Plan{
			Problems: slices.Clone(desired.Problems),
			Users:    Count{Desired: len(desired.People), Existing: len(observed.Users)},
			Groups:   Count{Desired: len(desired.Groups), Existing: len(observed.Groups)},
		},
	}
	for _, person := range desired.People {
		p.people[person.Email] = person
	}
	for _, group := range desired.Groups {
		p.named[group.Name] = group
	}
	groups := p.groups()
	groupDeletions := p.groupDeletions()
	userDeletions := p.userDeletions(slices.Concat(groups, groupDeletions))
	p.plan.Operations = slices.Concat(p.users(userDeletions), groups, groupDeletions, userDeletions)
	p.guard()
	p.plan.Digest = digest(policy.Tenant, p.plan.Operations)
	return p.plan
}

type planner struct {
	policy    Policy
	desired   *directory.Desired
	tenant    *tenant
	people    map[directory.Email]*directory.Person
	named     map[directory.GroupName]*directory.DesiredGroup
	newcomers map[directory.Email]*directory.Person // who must be created to be put into a group
	most      int                                   // the most that one check of the guard counted
	plan      *Plan
}

func (p *planner) note(format string, args ...any) {
	p.plan.Problems = append(p.plan.Problems, directory.Problem{Message: fmt.Sprintf(format, args...)})
}

func (p *planner) block(name directory.GroupName, format string, args ...any) {
	blocked := Blocked{Name: name, Reason: fmt.Sprintf(format, args...), Missing: p.tenant.groups[name] == nil}
	p.plan.Blocked = append(p.plan.Blocked, blocked)
	p.note("group %q is left alone: %s", name, blocked.Reason)
}

func (p *planner) blocked(name directory.GroupName) bool {
	return slices.ContainsFunc(p.plan.Blocked, func(b Blocked) bool { return b.Name == name })
}

// groups plans the creation and the update of the groups that the CSV names.
func (p *planner) groups() []Operation {
	var operations []Operation
	for _, desired := range p.desired.Groups {
		observed, exists := p.tenant.groups[desired.Name]
		if len(desired.DNs) > 1 && !p.policy.MergeCollisions {
			p.block(desired.Name, "the DNs %s would become one group; rename one, or set name-collisions to merge", list(desired.DNs))
			continue
		}
		switch {
		case !exists:
			if operation, ok := p.newGroup(desired); ok {
				operations = append(operations, operation)
			}
		case observed.ReadError != "":
			// Blocked with all the others that could not be read.
		default:
			operation := p.groupUpdate(desired, observed)
			switch {
			case len(operation.Add)+len(operation.Remove) == 0:
				p.plan.Groups.Unchanged++
			case observed.SyncMode == directory.SyncSCIM:
				p.plan.Groups.Unchanged++
				p.note("group %q is synced by SCIM: its members (%d to add, %d to remove) are left to the identity provider", desired.Name, len(operation.Add), len(operation.Remove))
			default:
				p.need(operation.Add)
				operations = append(operations, operation)
			}
		}
	}
	p.blockUnread()
	return operations
}

// blockUnread leaves alone what the tenant could not read whole.
func (p *planner) blockUnread() {
	for _, group := range p.tenant.observed.Groups {
		if group.ReadError != "" && !p.blocked(group.Name) {
			p.block(group.Name, "the tenant could not read it whole: %s", group.ReadError)
		}
	}
}

func list(dns []directory.DN) string {
	quoted := make([]string, len(dns))
	for i, dn := range dns {
		quoted[i] = fmt.Sprintf("%q", dn)
	}
	return strings.Join(quoted, ", ")
}

// need remembers who of the members must be created.
func (p *planner) need(members []Member) {
	for _, member := range members {
		if member.Username == "" {
			p.newcomers[member.Email] = p.people[member.Email]
		}
	}
}

func (p *planner) newGroup(desired *directory.DesiredGroup) (Operation, bool) {
	if len(desired.Members) == 0 {
		return Operation{}, false
	}
	add := make([]Member, len(desired.Members))
	for i, person := range desired.Members {
		add[i] = p.tenant.member(person.Email)
	}
	p.need(add)
	return Operation{Action: Create, Object: Group, Add: add, Group: directory.Group{
		Name:        desired.Name,
		DisplayName: desired.DisplayName(),
		Description: Marker,
	}}, true
}

func (p *planner) groupUpdate(desired *directory.DesiredGroup, observed *directory.Group) Operation {
	operation := Operation{Action: Update, Object: Group, Group: *observed}
	wanted := make(map[directory.Email]bool, len(desired.Members))
	for _, person := range desired.Members {
		wanted[person.Email] = true
	}
	present := make(map[directory.Email]bool, len(observed.Usernames))
	for _, username := range observed.Usernames {
		member := Member{Email: p.tenant.who(username), Username: username}
		present[member.Email] = true
		if wanted[member.Email] {
			continue
		}
		if reason := p.keep(desired, member); reason != "" {
			if observed.SyncMode != directory.SyncSCIM { // there nothing would be removed anyway
				p.plan.Withheld = append(p.plan.Withheld, Withheld{Group: desired.Name, Member: member, Reason: reason})
			}
			continue
		}
		operation.Remove = append(operation.Remove, member)
	}
	for _, person := range desired.Members {
		if !present[person.Email] {
			operation.Add = append(operation.Add, p.tenant.member(person.Email))
		}
	}
	sortMembers(operation.Remove)
	return operation
}

func sortMembers(members []Member) {
	slices.SortFunc(members, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Email, b.Email), cmp.Compare(a.Username, b.Username))
	})
}

// keep says why a member stays whom the CSV does not name in the group; empty
// if nothing holds the member.
func (p *planner) keep(group *directory.DesiredGroup, member Member) string {
	person := p.people[member.Email]
	switch {
	case p.desired.KeepMemberships:
		return "a row of the CSV could not be read"
	case group.KeepMembers:
		return "a row that names the group has an unusable e-mail"
	case person != nil && person.KeepMemberships:
		return "a row of this person names a group that could not be read"
	case person != nil && person.Status == directory.Contradicted:
		return "the CSV calls this person both active and inactive"
	case p.protected(member):
		return "protected"
	}
	return ""
}

func (p *planner) protected(member Member) bool {
	return p.policy.Protect.match(string(member.Email)) || p.policy.Protect.match(member.Username)
}

// groupDeletions plans the deletion of the groups that the CSV does not name.
func (p *planner) groupDeletions() []Operation {
	if !p.policy.PruneGroups {
		return nil
	}
	var operations []Operation
	for i := range p.tenant.observed.Groups {
		group := &p.tenant.observed.Groups[i]
		managed := strings.HasPrefix(group.Description, Marker)
		if p.named[group.Name] != nil || group.ReadError != "" || group.SyncMode == directory.SyncSCIM || !managed && !p.policy.PruneUnmanaged {
			continue
		}
		members := make([]Member, len(group.Usernames))
		for i, username := range group.Usernames {
			members[i] = Member{Email: p.tenant.who(username), Username: username}
		}
		sortMembers(members)
		if reason := p.keepGroup(group, members); reason != "" {
			p.note("group %q is not deleted: %s", group.Name, reason)
			continue
		}
		operations = append(operations, Operation{Action: Delete, Object: Group, Group: *group, Remove: members})
	}
	slices.SortFunc(operations, byName)
	return operations
}

func byName(a, b Operation) int { return cmp.Compare(a.Name(), b.Name()) }

func (p *planner) keepGroup(group *directory.Group, members []Member) string {
	if p.desired.KeepGroups {
		return "the CSV has a row that could not be read, which may have named it"
	}
	if p.policy.Protect.match(string(group.Name)) {
		return "it is protected"
	}
	if kinds := group.ReferredBy(); len(kinds) > 0 {
		return "it is referred to by " + strings.Join(kinds, ", ")
	}
	for _, member := range members {
		if p.protected(member) {
			return fmt.Sprintf("its member %s is protected", member.Email)
		}
		if person := p.people[member.Email]; person != nil && person.Status == directory.Contradicted {
			return fmt.Sprintf("the CSV calls its member %s both active and inactive", member.Email)
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
		p.note("no user is deleted: whom the credentials belong to could not be found out, and that user must stay")
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
			p.note("user %s is not deleted: the tenant has several users of that e-mail", user.Email)
			continue
		}
		operations = append(operations, Operation{Action: Delete, Object: User, User: user, Before: user.Name, Lost: lost[user.Email]})
	}
	if held > 0 {
		p.note("%d users are not deleted: the CSV has a row that could not be read, which may have named them", held)
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

// users plans the creation and the update of users, and counts the rest of
// those whom the CSV names.
func (p *planner) users(deletions []Operation) []Operation {
	deleted := map[directory.Email]bool{}
	for _, operation := range deletions {
		deleted[operation.User.Email] = true
	}
	idm := cmp.Or(p.policy.IdmType, p.tenant.idmType())
	var operations []Operation
	for _, email := range slices.Sorted(maps.Keys(p.newcomers)) {
		operations = append(operations, Operation{Action: Create, Object: User, User: directory.User{
			Email: email, Username: string(email), Name: p.newcomers[email].Name, IdmType: idm, Type: directory.TypeUser,
		}})
	}
	for _, person := range p.desired.People {
		user, exists := p.tenant.user(person.Email)
		switch {
		case !exists || deleted[person.Email]:
		case p.policy.UpdateUsers && renamed(person, user):
			before := user.Name
			user.Name = person.Name
			operations = append(operations, Operation{Action: Update, Object: User, User: user, Before: before})
		default:
			p.plan.Users.Unchanged++
		}
	}
	return operations
}

// renamed tells whether the CSV gives an existing user another name, and
// whether that name is this program's to change.
func renamed(person *directory.Person, user directory.User) bool {
	return person.Status == directory.Active && person.Named && person.Name != user.Name && user.Local()
}
