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
			Users:  Count{Desired: len(desired.People), Existing: len(observed.Users)},
			Groups: Count{Desired: len(desired.Groups), Existing: len(observed.Groups)},
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
	p.warnStale(groupDeletions)
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

// warn adds a finding to the plan; subject is the name in the message that it is
// about.
func (p *planner) warn(kind directory.Kind, subject, hint, format string, args ...any) {
	p.plan.Findings = append(p.plan.Findings, directory.Finding{Kind: kind, Subject: subject, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// blockGroup leaves a group alone and counts it as failed.
func (p *planner) blockGroup(name directory.GroupName, reason, hint string) {
	p.plan.Blocked = append(p.plan.Blocked, Blocked{Object: Group, Name: string(name), Reason: reason, Hint: hint, Missing: p.tenant.groups[name] == nil})
}

func (p *planner) blocked(name directory.GroupName) bool {
	return slices.ContainsFunc(p.plan.Blocked, func(b Blocked) bool { return b.Object == Group && b.Name == string(name) })
}

// groups plans the creation and the update of the groups that the CSV names.
func (p *planner) groups() []Operation {
	var operations []Operation
	for _, desired := range p.desired.Groups {
		observed, exists := p.tenant.groups[desired.Name]
		if len(desired.DNs) > 1 && !p.policy.MergeCollisions {
			p.blockGroup(desired.Name, fmt.Sprintf("%d DNs map to this group name: %s", len(desired.DNs), list(desired.DNs)), "rename one of them, or set name-collisions: merge")
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
				p.warn(directory.SCIMSynced, string(desired.Name), "", "group %q is synced by SCIM; leaving its members to the identity provider (%d to add, %d to remove)", desired.Name, len(operation.Add), len(operation.Remove))
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
			p.blockGroup(group.Name, "the tenant returned it incomplete: "+group.ReadError, "")
		}
	}
}

// shownNames bounds the names that one message lists.
const shownNames = 3

// list quotes the first names and counts the rest.
func list[T fmt.Stringer](names []T) string {
	var quoted []string
	for _, name := range names[:min(len(names), shownNames)] {
		quoted = append(quoted, fmt.Sprintf("%q", name.String()))
	}
	if more := len(names) - shownNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(quoted, ", "), more)
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
	wanted := make([]directory.Email, len(desired.Members))
	for i, person := range desired.Members {
		wanted[i] = person.Email
	}
	p.changeMembers(&operation, wanted, func(member Member) string { return p.keep(desired, member) })
	return operation
}

// changeMembers plans who joins and who leaves the operation's group so that it
// has the wanted people. A member with a reason to stay is withheld instead.
func (p *planner) changeMembers(operation *Operation, wanted []directory.Email, stays func(Member) string) {
	meant := make(map[directory.Email]bool, len(wanted))
	for _, email := range wanted {
		meant[email] = true
	}
	present := make(map[directory.Email]bool, len(operation.Group.Usernames))
	for _, username := range operation.Group.Usernames {
		member := Member{Email: p.tenant.who(username), Username: username}
		present[member.Email] = true
		if meant[member.Email] {
			continue
		}
		if reason := stays(member); reason == "" {
			operation.Remove = append(operation.Remove, member)
		} else if operation.Group.SyncMode != directory.SyncSCIM { // there nothing would be removed anyway
			p.plan.Withheld = append(p.plan.Withheld, Withheld{Group: operation.Group.Name, Member: member, Reason: reason})
		}
	}
	for _, email := range wanted {
		if !present[email] {
			present[email] = true
			operation.Add = append(operation.Add, p.tenant.member(email))
		}
	}
	sortMembers(operation.Add)
	sortMembers(operation.Remove)
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
