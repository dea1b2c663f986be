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
	p := newPlanner(desired, observed, policy)
	p.planDesired()
	if lookalikes := p.findLookalikes(); len(lookalikes) > 0 {
		// Neither address of such a pair may be touched anywhere.
		p = newPlanner(desired, observed, policy)
		p.lookalikes = lookalikes
		p.warnLookalikes()
		p.planDesired()
	}
	return p.finish()
}

// newPlanner prepares a plan that is still empty.
func newPlanner(desired *directory.Desired, observed *directory.Observed, policy Policy) *planner {
	p := &planner{
		policy:    policy,
		desired:   desired,
		tenant:    newTenant(observed),
		people:    make(map[directory.Email]*directory.Person, len(desired.People)),
		named:     make(map[directory.GroupName]*directory.DesiredGroup, len(desired.Groups)),
		shared:    map[directory.Email]bool{},
		barred:    map[directory.Email]bool{},
		taken:     map[string]bool{},
		blocked:   map[directory.GroupName]bool{},
		newcomers: map[directory.Email]*directory.Person{},
		plan: &Plan{
			Users:  Count{Desired: len(desired.People), Existing: len(observed.Users)},
			Groups: Count{Desired: len(desired.Groups), Existing: len(observed.Groups)},
		},
	}
	for i := range observed.Users {
		email := observed.Users[i].Email
		if _, known := p.shared[email]; !known && len(p.tenant.Emails(email)) > 1 {
			_, p.shared[email] = p.tenant.Email(email)
		}
	}
	for _, person := range desired.People {
		p.people[person.Email] = person
	}
	for _, group := range desired.Groups {
		p.named[group.Name] = group
	}
	return p
}

type planner struct {
	policy     Policy
	desired    *directory.Desired
	tenant     *tenant
	people     map[directory.Email]*directory.Person
	named      map[directory.GroupName]*directory.DesiredGroup
	shared     map[directory.Email]bool              // emails of several users: true if none of them counts
	barred     map[directory.Email]bool              // people who are blocked, look like others or are not in scope
	taken      map[string]bool                       // usernames, by key, that are also emails of people who are blocked
	blocked    map[directory.GroupName]bool          // groups in plan.Blocked
	lookalikes map[directory.Email]directory.Email   // people whose address looks like another's that is also touched
	newcomers  map[directory.Email]*directory.Person // people to create, to be put into a group
	plan       *Plan
}

// planDesired plans everything but what guards and only make of it.
func (p *planner) planDesired() {
	p.barPeople()
	groups := p.groups()
	emptied, groupDeletions := p.unnamedGroups()
	groups = append(groups, emptied...)
	slices.SortFunc(groups, byName)
	userDeletions := p.userDeletions(slices.Concat(groups, groupDeletions))
	p.plan.Operations = slices.Concat(p.users(userDeletions), groups, groupDeletions, userDeletions)
	p.warnStale(slices.Concat(groups, groupDeletions))
}

// finish limits the plan, asks the guards and seals it.
func (p *planner) finish() *Plan {
	slices.SortFunc(p.plan.Blocked, func(a, b Blocked) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Name, b.Name))
	})
	p.limit()
	p.hintAtAdopt()
	p.guard()
	p.plan.Digest = digest(p.policy, p.plan.Operations)
	return p.plan
}

// warn adds a finding to the plan; subject is the name in the message that it is
// about.
func (p *planner) warn(kind directory.Kind, subject, hint, format string, args ...any) {
	p.plan.Findings = append(p.plan.Findings, directory.Finding{Kind: kind, Subject: subject, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// blockGroup leaves a group alone and counts it as failed.
func (p *planner) blockGroup(name directory.GroupName, reason, hint string) {
	blocked := Blocked{Object: Group, Name: string(name), Reason: reason, Hint: hint, Missing: true}
	if group := p.tenant.groups[name]; group != nil {
		blocked.Missing, blocked.Roles = false, group.Roles
	}
	p.plan.Blocked = append(p.plan.Blocked, blocked)
	p.blocked[name] = true
}

// hintAtAdopt gives the groups that adopt would unblock as one line to paste.
func (p *planner) hintAtAdopt() {
	if names := p.plan.Adoptable(); len(names) > 1 {
		for i := range p.plan.Blocked { // one line for all of them
			if b := &p.plan.Blocked[i]; b.Adoptable {
				b.Hint = ""
			}
		}
		p.warn(directory.NotOwned, "", "to take all of them over, add to the policy file: "+AdoptLine(names),
			"%d groups in the CSV exist, and this program did not create them", len(names))
	}
}

// Adoptable returns the blocked groups that adopt would unblock.
func (p *Plan) Adoptable() []directory.GroupName {
	var names []directory.GroupName
	for _, b := range p.Blocked {
		if b.Adoptable {
			names = append(names, directory.GroupName(b.Name))
		}
	}
	return names
}

// AdoptLine returns the line of a policy file that adopts groups.
func AdoptLine(groups []directory.GroupName) string {
	names := make([]string, len(groups))
	for i, name := range groups {
		names[i] = yamlString(string(name))
	}
	return "adopt: [" + strings.Join(names, ", ") + "]"
}

// yamlString writes the name of a group so that a policy file has it as text.
func yamlString(name string) string {
	switch name {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return `"` + name + `"`
	}
	return name
}

// barPeople finds out who may not be put into any group: people who cannot be
// told apart from others, who look like others, or who are not in scope.
func (p *planner) barPeople() {
	placed := p.placed()
	for _, person := range p.desired.People {
		email := person.Email
		user, shared := p.tenant.Email(email)
		switch {
		case !p.policy.PersonInScope(email) || p.lookalikes[email] != "":
			p.barred[email] = true
		case shared:
			p.blockShared(email)
		case user == nil && placed[email]:
			p.blockTaken(email)
		}
	}
}

// placed are the people in groups of the CSV, but for those that SCIM syncs.
func (p *planner) placed() map[directory.Email]bool {
	placed := make(map[directory.Email]bool, len(p.people))
	for _, group := range p.desired.Groups {
		if observed := p.tenant.groups[group.Name]; observed != nil && observed.SyncMode == directory.SyncSCIM {
			continue
		}
		for _, person := range group.Members {
			placed[person.Email] = true
		}
	}
	return placed
}

// blockShared blocks somebody whose email several users have.
func (p *planner) blockShared(email directory.Email) {
	p.barred[email] = true
	p.plan.Blocked = append(p.plan.Blocked, Blocked{Object: User, Name: string(email),
		Reason: fmt.Sprintf("%d users have this email, and it is the username of none", len(p.tenant.Emails(email))),
		Hint:   "give each user an email of their own"})
}

// blockTaken blocks somebody to be created whose email is another user's
// username, and reports whether it did.
func (p *planner) blockTaken(email directory.Email) bool {
	other := p.tenant.Username(directory.Username(email))
	if other == nil {
		return false
	}
	p.barred[email], p.taken[other.Username.Key()] = true, true
	p.plan.Blocked = append(p.plan.Blocked, Blocked{Object: User, Name: string(email), Missing: true,
		Reason: fmt.Sprintf("this email is the username of another user (%s)", cmp.Or(string(other.Email), "who has no email")),
		Hint:   "rename that user, or correct the email in the CSV"})
	return true
}

// groups plans the creation and the update of the groups that the CSV names.
func (p *planner) groups() []Operation {
	var operations []Operation
	for _, desired := range p.desired.Groups {
		observed := p.tenant.groups[desired.Name]
		switch {
		case desired.Collides() && !p.policy.MergeCollisions:
			p.blockGroup(desired.Name, fmt.Sprintf("%d DNs map to this group name: %s", len(desired.DNs), list(desired.DNs)), "rename one of them, or set name-collisions: merge")
		case observed == nil:
			if operation, ok := p.newGroup(desired); ok {
				operations = append(operations, operation)
			}
		case observed.ReadError != "":
			// Blocked below, with all the others.
		case observed.SyncMode == directory.SyncSCIM:
			p.plan.Groups.Unchanged++
			if o := p.groupUpdate(desired, observed); len(o.Add)+len(o.Remove) > 0 {
				p.warn(directory.SCIMSynced, string(desired.Name), "", "group %q is synced by SCIM; leaving its members to the identity provider (%d to add, %d to remove)", desired.Name, len(o.Add), len(o.Remove))
			}
		case !p.changeable(observed):
			p.blockGroup(desired.Name, fmt.Sprintf("it exists, and this program did not create it (%s; %s)", count(len(observed.Usernames), "member", "members"), rolesText(observed.Roles)),
				fmt.Sprintf("to take it over, add it to adopt: %s", desired.Name))
			p.plan.Blocked[len(p.plan.Blocked)-1].Adoptable = true
		default:
			operation := p.groupUpdate(desired, observed)
			if len(operation.Add)+len(operation.Remove) == 0 {
				p.plan.Groups.Unchanged++
				continue
			}
			p.need(operation.Add)
			operations = append(operations, operation)
		}
	}
	for i := range p.tenant.observed.Groups {
		group := &p.tenant.observed.Groups[i]
		if group.ReadError != "" && !p.blocked[group.Name] && p.groupInScope(group) {
			p.blockGroup(group.Name, "the tenant returned it incomplete: "+group.ReadError, "")
		}
	}
	return operations
}

// changeable reports whether a group is this program's to change.
func (p *planner) changeable(group *directory.Group) bool {
	return Owned(group) || p.policy.Adopt.Match(string(group.Name))
}

// shownNames bounds the names that one message lists.
const shownNames = 3

// list quotes the first names and counts the rest.
func list(dns []directory.DN) string {
	var quoted []string
	for _, dn := range dns[:min(len(dns), shownNames)] {
		quoted = append(quoted, fmt.Sprintf("%.100q", dn.String()))
	}
	if more := len(dns) - shownNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(quoted, ", "), more)
	}
	return strings.Join(quoted, ", ")
}

// rolesText names the roles of a group, as NAMESPACE/ROLE.
func rolesText(roles []directory.Role) string {
	if len(roles) == 0 {
		return "no roles"
	}
	names := make([]string, len(roles))
	for i, role := range slices.SortedFunc(slices.Values(roles), byNamespace) {
		names[i] = role.String()
	}
	more := ""
	if len(names) > shownNames {
		names, more = names[:shownNames], fmt.Sprintf(" and %d more", len(names)-shownNames)
	}
	return "roles " + strings.Join(names, ", ") + more
}

// need remembers which of the members must be created.
func (p *planner) need(members []Member) {
	for _, member := range members {
		if member.user == nil {
			p.newcomers[member.Email] = p.people[member.Email]
		}
	}
}

func (p *planner) newGroup(desired *directory.DesiredGroup) (Operation, bool) {
	operation := Operation{Action: Create, Object: Group, Adopted: p.policy.Adopt.Match(string(desired.Name)), Group: directory.Group{
		Name:        desired.Name,
		DisplayName: desired.DisplayName(),
		Description: Marker,
	}}
	p.changeMembers(&operation, p.wanted(desired.Members), nil)
	p.need(operation.Add)
	return operation, len(operation.Add) > 0
}

func (p *planner) groupUpdate(desired *directory.DesiredGroup, observed *directory.Group) Operation {
	operation := Operation{Action: Update, Object: Group, Adopted: !Owned(observed), Group: *observed}
	p.changeMembers(&operation, p.wanted(desired.Members), func(member Member) string { return p.keepMember(observed, desired, member) })
	return operation
}

// wanted are the members that a group has for the people the CSV names.
func (p *planner) wanted(people []*directory.Person) []Member {
	members := make([]Member, len(people))
	for i, person := range people {
		user, _ := p.tenant.Email(person.Email)
		members[i] = newMember(person.Email, user)
	}
	return members
}

// changeMembers plans who joins and who leaves the operation's group so that it
// has the members wanted, as far as keep, which says why a member stays, lets it.
// People who are barred are neither added nor removed.
func (p *planner) changeMembers(operation *Operation, wanted []Member, keep func(Member) string) {
	meant := make(map[directory.Email]bool, len(wanted))
	for _, member := range wanted {
		meant[member.Email] = true
	}
	present := make(map[string]bool, len(operation.Group.Usernames)) // by Username.Key
	for _, username := range operation.Group.Usernames {
		present[username.Key()] = true
		member := p.tenant.member(username)
		if meant[member.Email] {
			continue
		}
		if reason := keep(member); reason == "" {
			operation.Remove = append(operation.Remove, member)
		} else if operation.Group.SyncMode != directory.SyncSCIM { // there nothing would be removed anyway
			p.plan.Withheld = append(p.plan.Withheld, Withheld{Kind: Membership, Group: operation.Group.Name, Member: member, Reason: reason})
		}
	}
	for _, member := range wanted {
		key := cmp.Or(member.Username, directory.Username(member.Email)).Key()
		if !present[key] && !p.barred[member.Email] {
			present[key] = true
			operation.Add = append(operation.Add, member)
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

func byName(a, b Operation) int { return cmp.Compare(a.Name(), b.Name()) }

// users plans the creation and the update of users, and counts the rest of
// those the CSV names.
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
		user, _ := p.tenant.Email(person.Email)
		switch {
		case user == nil || deleted[person.Email]:
		case p.policy.UpdateUsers && !p.barred[person.Email] && renamed(person, user) && p.replaceable(user):
			update := *user
			update.Name = person.Name
			operations = append(operations, Operation{Action: Update, Object: User, User: update, Before: user.Name})
		default:
			p.plan.Users.Unchanged++
		}
	}
	return operations
}

// renamed reports whether the CSV gives an existing user another name, and
// whether that name is this program's to change.
func renamed(person *directory.Person, user *directory.User) bool {
	return person.Status == directory.Active && person.Named && person.Name != user.Name && user.Local()
}

// replaceable reports whether a replacement, which the API takes by email, can
// only be about the user.
func (p *planner) replaceable(user *directory.User) bool {
	other := p.tenant.Username(directory.Username(user.Email))
	return len(p.tenant.Emails(user.Email)) == 1 && (other == nil || other == user)
}
