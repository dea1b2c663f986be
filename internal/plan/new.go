package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
)

// New plans the operations that lead from what is observed to what is desired, as
// far as the policy allows.
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
	p.warnUnmatched()
	return p.finish()
}

// newPlanner prepares an empty plan.
func newPlanner(desired *directory.Desired, observed *directory.Observed, policy Policy) *planner {
	p := &planner{
		policy:     policy,
		desired:    desired,
		tenant:     newTenant(observed),
		people:     make(map[directory.Email]*person, len(desired.People)),
		byUsername: make(map[string]*person, len(desired.People)),
		taken:      map[string]bool{},
		blocked:    map[directory.GroupName]bool{},
		notDeleted: map[directory.GroupName]string{},
		staying:    map[directory.GroupName][]stayer{},
		plan: &Plan{
			Users:  Count{Desired: len(desired.People), Existing: len(observed.Users)},
			Groups: Count{Desired: len(desired.Groups), Existing: len(observed.Groups)},
		},
	}
	p.persons = make([]person, len(desired.People))
	for i, named := range desired.People {
		user, shared := p.tenant.Email(named.Email)
		joined := &p.persons[i]
		*joined = person{Person: named, member: newMember(named.Email, user), shared: shared}
		joined.member.person = joined
		p.people[named.Email] = joined
		if user != nil {
			p.byUsername[user.Username.Key()] = joined
		}
	}
	return p
}

type planner struct {
	policy     Policy
	desired    *directory.Desired
	tenant     *tenant
	persons    []person                            // by Person.Rank
	people     map[directory.Email]*person         // the same
	taken      map[string]bool                     // usernames, by key, that are also emails of people who are blocked
	byUsername map[string]*person                  // people who are users, by Username.Key
	blocked    map[directory.GroupName]bool        // groups in plan.Blocked
	notDeleted map[directory.GroupName]string      // groups that prune would delete, and why they stay
	staying    map[directory.GroupName][]stayer    // members who should leave, but do not in this run
	uncreated  string                              // why nothing may be deleted, or "": see cannotCreate
	lookalikes map[directory.Email]directory.Email // people whose address looks like another one in the plan
	plan       *Plan
}

// person is somebody the CSV names, joined with the tenant.
type person struct {
	*directory.Person
	member Member // in a group; without a user if there is none yet
	shared bool   // several users have the email, and none of them counts
	barred bool   // may not be put into any group: blocked, looks like somebody else or not in scope
	needed bool   // must be created, to be put into a group
	exact  bool   // this user is meant, and no other with the email: a snapshot has usernames

	wantedBy *directory.DesiredGroup // the group that inSync compares, or compared last
}

// person returns what is known about somebody the CSV names.
func (p *planner) person(named *directory.Person) *person {
	if i := named.Rank; i < len(p.persons) && p.persons[i].Person == named {
		return &p.persons[i] // no map look-up is needed: the usual case
	}
	return p.people[named.Email]
}

// planDesired plans everything, before guards and only apply.
func (p *planner) planDesired() {
	p.barPeople()
	groups := p.groups()
	p.uncreated = p.cannotCreate()
	changes := append(groups, p.unnamedGroups()...)
	roles := p.roles(changes) // first, because members of groups that it blocks stay
	userDeletions := p.userDeletions(changes)
	p.plan.Operations = p.users(userDeletions, len(changes)+len(roles)+len(userDeletions))
	for _, more := range [][]Operation{changes, roles, userDeletions} {
		p.plan.Operations = append(p.plan.Operations, more...)
	}
	slices.SortStableFunc(p.plan.Operations, byPhase)
	p.warnStale(changes, userDeletions)
}

// finish applies only, then the guards, and computes the digest.
func (p *planner) finish() *Plan {
	slices.SortFunc(p.plan.Blocked, func(a, b Blocked) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Name, b.Name))
	})
	p.limit()
	p.hintAtAdopt()
	p.warnStaying()
	p.plan.Access = p.accessChange()
	p.warnVacant()
	p.warnCaller()
	p.guard()
	p.plan.Digest = digest(p.policy, p.plan.Operations)
	return p.plan
}

// warn adds a finding to the plan; subject is the name in the message that it is
// about.
func (p *planner) warn(kind directory.Kind, subject, hint, format string, args ...any) {
	p.plan.Findings = append(p.plan.Findings, directory.Finding{Kind: kind, Subject: subject, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// groups plans the creation and the update of the groups that the CSV names.
func (p *planner) groups() []Operation {
	shown, folded := map[string]*directory.Group{}, map[string]*directory.Group{}
	for _, group := range p.tenant.groupsByName() {
		shown[strings.ToLower(group.DisplayName)] = group
		folded[strings.ToLower(string(group.Name))] = group
	}
	var operations []Operation
	for _, desired := range p.desired.Groups {
		observed := p.tenant.groups[desired.Name]
		switch {
		case desired.Collides() && !p.policy.MergeCollisions:
			p.blockGroup(desired.Name, fmt.Sprintf("%d DNs map to this group name: %s", len(desired.DNs), directory.List(desired.DNs, 3, quotedDN)), "rename one of them, or set name-collisions: merge")
		case observed == nil && folded[string(desired.Name)] != nil:
			p.blockGroup(desired.Name, fmt.Sprintf("the tenant has group %q, whose name differs only in case", folded[string(desired.Name)].Name), "rename one of them, or map the DN to another name with names")
		case observed == nil:
			if operation := p.newGroup(desired); len(operation.Add) > 0 {
				operations = append(operations, operation)
				p.warnTwin(desired, shown)
			}
		case observed.ReadError != "":
			// Blocked below, with all the others.
		case observed.SyncMode == directory.SyncSCIM:
			p.plan.Groups.Unchanged++
			if o := p.groupUpdate(observed, desired); len(o.Add)+len(o.Remove) > 0 {
				p.warn(directory.SCIMSynced, string(desired.Name), "", "group %q is synced by SCIM; leaving its members to the identity provider (%d to add, %d to remove)", desired.Name, len(o.Add), len(o.Remove))
			}
		case !p.changeable(observed):
			p.blockUnowned(observed)
		default:
			operation := p.groupUpdate(observed, desired)
			if len(operation.Add)+len(operation.Remove) == 0 {
				p.plan.Groups.Unchanged++
				continue
			}
			need(operation.Add)
			operations = append(operations, operation)
		}
	}
	for i := range p.tenant.observed.Groups {
		group := &p.tenant.observed.Groups[i]
		if group.ReadError != "" && !p.blocked[group.Name] && p.policy.GroupInScope(group, p.desired) {
			p.blockGroup(group.Name, "the tenant returned incomplete data about it: "+group.ReadError, "")
		}
	}
	return operations
}

// changeable reports whether this program may change a group.
func (p *planner) changeable(group *directory.Group) bool {
	return Owned(group) || p.policy.Adopt.Match(string(group.Name))
}

func quotedDN(dn directory.DN) string { return fmt.Sprintf("%.100q", dn.String()) }

// rolesText names roles, as NAMESPACE/ROLE.
func rolesText(roles []directory.Role) string {
	if len(roles) == 0 {
		return "no roles"
	}
	return "roles " + directory.ListRoles(roles)
}

// need remembers which of the members must be created.
func need(members []Member) {
	for _, member := range members {
		if member.user == nil {
			member.person.needed = true
		}
	}
}

func (p *planner) newGroup(desired *directory.DesiredGroup) Operation {
	operation := Operation{Action: Create, Object: Group, Adopted: p.policy.Adopt.Match(string(desired.Name)), Group: directory.Group{
		Name:        desired.Name,
		DisplayName: desired.DisplayName(),
		Description: Marker,
		Roles:       rolesBeyond(p.policy.Roles[desired.Name], nil),
	}}
	p.changeMembers(&operation, p.wanted(desired.Members), nil)
	need(operation.Add)
	return operation
}

// warnTwin warns about a new group that people could not tell from another, since
// the console shows display names. shown has the tenant's groups by display name.
func (p *planner) warnTwin(desired *directory.DesiredGroup, shown map[string]*directory.Group) {
	if other := shown[strings.ToLower(desired.DisplayName())]; other != nil {
		p.warn(directory.TwinGroup, string(desired.Name), fmt.Sprintf("to sync that group instead, add %q: %s to names in the policy file", desired.DNs[0], other.Name),
			"new group %q has the display name of group %q: %q", desired.Name, other.Name, other.DisplayName)
	}
}

// groupUpdate plans the members of a group that exists. desired is what the CSV
// says about it; nil if no row names it, which empties it.
func (p *planner) groupUpdate(observed *directory.Group, desired *directory.DesiredGroup) Operation {
	operation := Operation{Action: Update, Object: Group, Group: *observed}
	var wanted []Member
	if desired != nil {
		if p.inSync(observed, desired) {
			return operation
		}
		wanted = p.wanted(desired.Members)
	}
	p.changeMembers(&operation, wanted, func(member Member) string { return p.keepMember(observed, desired, member) })
	return operation
}

// inSync reports whether a group has exactly the members that the CSV names, which
// is the usual case.
func (p *planner) inSync(observed *directory.Group, desired *directory.DesiredGroup) bool {
	if len(desired.Members) != len(observed.Usernames) {
		return false
	}
	for _, named := range desired.Members {
		p.person(named).wantedBy = desired
	}
	for _, username := range observed.Usernames {
		person := p.byUsername[username.Key()]
		if person == nil || person.wantedBy != desired {
			return false
		}
		person.wantedBy = nil // somebody listed twice counts once
	}
	return true
}

// wanted returns the members that a group has for the people the CSV names.
func (p *planner) wanted(people []*directory.Person) []Member {
	members := make([]Member, len(people))
	for i, named := range people {
		members[i] = p.person(named).member
	}
	return members
}

// changeMembers plans who joins and who leaves the operation's group so that it
// gets the members wanted, except that members stay if keep returns a
// reason. Barred people are neither added nor removed.
func (p *planner) changeMembers(operation *Operation, wanted []Member, keep func(Member) string) {
	if len(operation.Group.Usernames) == 0 {
		operation.Add = slices.DeleteFunc(wanted, Member.barred)
		sortMembers(operation.Add)
		operation.Add = slices.CompactFunc(operation.Add, func(a, b Member) bool { return a.key() == b.key() })
		return
	}
	places := make(map[string]int, len(wanted)) // in wanted, by Member.key
	for i, member := range wanted {
		places[member.key()] = i
	}
	present := make([]bool, len(wanted))
	var meant map[directory.Email]bool // made for the first member who is not found by username
	for _, username := range operation.Group.Usernames {
		if i, known := places[username.Key()]; known {
			present[i] = true
			if wanted[i].user != nil {
				continue // the usual case
			}
		}
		member := p.tenant.member(username)
		if meant == nil {
			meant = make(map[directory.Email]bool, len(wanted))
			for _, member := range wanted {
				if !member.person.exact {
					meant[member.Email] = true
				}
			}
		}
		if meant[member.Email] {
			continue
		}
		if reason := keep(member); reason == "" {
			operation.Remove = append(operation.Remove, member)
		} else if operation.Group.SyncMode != directory.SyncSCIM { // nothing would be removed there anyway
			p.plan.Withheld = append(p.plan.Withheld, Withheld{Kind: Membership, Group: operation.Group.Name, Member: member, Reason: reason})
			if !p.policy.Protect.Match(string(operation.Group.Name)) && p.keepExempt(member) == "" {
				p.staying[operation.Group.Name] = append(p.staying[operation.Group.Name], stayer{member, reason})
			}
		}
	}
	for i, member := range wanted {
		if present[i] || member.barred() {
			continue
		}
		if i := places[member.key()]; !present[i] {
			present[i] = true
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
