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
			Problems: slices.Clone(desired.Findings),
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
	p.noteAbandoned(groupDeletions)
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
	plan      *Plan
}

func (p *planner) note(format string, args ...any) {
	p.plan.Problems = append(p.plan.Problems, directory.Finding{Message: fmt.Sprintf(format, args...)})
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
		return "an invalid row may have named a member of the group"
	case person != nil && person.KeepMemberships:
		return "a row of this person names a group that could not be read"
	}
	if reason := doubt(person, "this person"); reason != "" {
		return reason
	}
	if p.protected(member) {
		return "protected"
	}
	return ""
}

// doubt says why nothing of a person may be changed whom the CSV names but does
// not tell whether active; empty for all others, and for nobody.
func doubt(person *directory.Person, who string) string {
	switch {
	case person == nil:
	case person.Status == directory.Contradicted:
		return fmt.Sprintf("the CSV calls %s both active and inactive", who)
	case person.Status == directory.Unclear && person.StatusWord == "":
		return fmt.Sprintf("the status of %s is empty", who)
	case person.Status == directory.Unclear:
		return fmt.Sprintf("the status %q of %s is not known", person.StatusWord, who)
	}
	return ""
}

func (p *planner) protected(member Member) bool {
	return p.policy.Protect.Match(string(member.Email), string(member.Username))
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
			Email: email, Address: p.newcomers[email].Address, Username: directory.Username(cmp.Or(p.newcomers[email].Address, string(email))),
			Name: p.newcomers[email].Name, IdmType: idm, Type: directory.TypeUser,
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
