// Package explain says why people are, or are not, in each group: from what the
// CSV states, what the tenant holds and what a run would do. It is pure.
package explain

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// Person is somebody the CSV or the tenant knows.
type Person struct {
	Email  directory.Email   // the key of the username for a user without one
	Stated *directory.Person // what the CSV says, with the rows; nil if it does not name the person
	Users  []*directory.User // in the tenant, by username; several if they share an email, or none
	Groups []Group           // by name
	Does   []string          // what a run would do about the user, or would not, and why
}

// Group is a group that the CSV or the tenant puts the person into.
type Group struct {
	Name     directory.GroupName
	Roles    []directory.Role // of the group, or those it would be created with
	Grant    []directory.Role // that a run would grant to it
	Revoke   []directory.Role // that a run would revoke from it
	Rows     []directory.Row  // of the person, that name it
	Desired  bool             // the CSV wants the person in it
	Observed bool             // the person is in it
	Outcome  string           // what a run would do about that, and why
}

// membership is a person's membership in a group.
type membership struct {
	group directory.GroupName
	email directory.Email
}

type explainer struct {
	desired  *directory.Desired
	observed *directory.Observed
	plan     *plan.Plan
	policy   plan.Policy

	groups           map[directory.GroupName]*directory.Group // of the tenant
	written          map[directory.GroupName]*plan.Operation  // operation that creates, updates or deletes the group
	granted, revoked map[directory.GroupName][]directory.Role
	added, removed   map[membership]bool
	withheld         map[membership]string
	blocked          map[string]string // reasons, by object and name

	people map[directory.Email]*Person // people who are explained
	member map[membership]*Group       // their groups
}

// People explains everybody that patterns select, by email or by a group that the
// CSV or the tenant puts them in, sorted. p is the plan made of desired, observed
// and policy.
func People(desired *directory.Desired, observed *directory.Observed, p *plan.Plan, policy plan.Policy, selected plan.Patterns) []*Person {
	x := &explainer{
		desired: desired, observed: observed, plan: p, policy: policy,
		groups: map[directory.GroupName]*directory.Group{}, written: map[directory.GroupName]*plan.Operation{},
		granted: map[directory.GroupName][]directory.Role{}, revoked: map[directory.GroupName][]directory.Role{},
		added: map[membership]bool{}, removed: map[membership]bool{}, withheld: map[membership]string{}, blocked: map[string]string{},
		people: map[directory.Email]*Person{}, member: map[membership]*Group{},
	}
	x.readPlan()
	for i := range observed.Groups {
		x.groups[observed.Groups[i].Name] = &observed.Groups[i]
	}
	x.findPeople(selected)
	x.findGroups()
	for at, group := range x.member {
		group.Outcome = x.outcome(group, at)
		x.people[at.email].Groups = append(x.people[at.email].Groups, *group)
	}
	all := slices.SortedFunc(maps.Values(x.people), func(a, b *Person) int { return cmp.Compare(a.Email, b.Email) })
	for _, person := range all {
		slices.SortFunc(person.Groups, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
		slices.SortFunc(person.Users, func(a, b *directory.User) int { return cmp.Compare(a.Username, b.Username) })
	}
	x.about()
	return all
}

// findPeople finds the people selected by patterns of emails or groups, with what the CSV
// says of them and their users.
func (x *explainer) findPeople(selected plan.Patterns) {
	person := func(email directory.Email, groups ...string) *Person {
		if x.people[email] == nil && (selected.Match(string(email)) || selected.Match(append(groups, string(email))...)) { // either may be excluded
			x.people[email] = &Person{Email: email}
		}
		return x.people[email]
	}
	x.places(func(at membership, _ *directory.Row) { person(at.email, string(at.group)) })
	for _, stated := range x.desired.People {
		if p := person(stated.Email); p != nil {
			p.Stated = stated
		}
	}
	for i := range x.observed.Users {
		user := &x.observed.Users[i]
		if p := person(directory.EmailOf(user.Username, user)); p != nil {
			p.Users = append(p.Users, user)
		}
	}
}

// places visits each membership that the CSV or the tenant gives somebody. row is
// the CSV's row; nil: the tenant has the membership.
func (x *explainer) places(visit func(at membership, row *directory.Row)) {
	for _, person := range x.desired.People {
		for i := range person.Rows {
			for _, dn := range person.Rows[i].DNs {
				if dn.Group != "" {
					visit(membership{dn.Group, person.Email}, &person.Rows[i])
				}
			}
		}
	}
	index := directory.NewIndex(x.observed.Users)
	for i := range x.observed.Groups {
		for _, username := range x.observed.Groups[i].Usernames {
			visit(membership{x.observed.Groups[i].Name, directory.EmailOf(username, index.Username(username))}, nil)
		}
	}
}

// Concerns reports whether a finding about a group or a person has to do with
// somebody who is explained; one about neither concerns everybody.
func Concerns(people []*Person, f directory.Finding) bool {
	return f.Subject == "" || slices.ContainsFunc(people, func(person *Person) bool {
		if !f.Kind.OfGroup() {
			return string(person.Email) == f.Subject
		}
		return slices.ContainsFunc(person.Groups, func(group Group) bool { return string(group.Name) == f.Subject })
	})
}

// group returns a person's membership in a group; nil if the person is not
// explained.
func (x *explainer) group(at membership) *Group {
	if x.people[at.email] == nil {
		return nil
	}
	if x.member[at] == nil {
		group := &Group{Name: at.group, Grant: x.granted[at.group], Revoke: x.revoked[at.group]}
		if observed := x.groups[at.group]; observed != nil {
			group.Roles = observed.Roles
		} else if created := x.written[at.group]; created != nil {
			group.Roles = created.Group.Roles
		}
		x.member[at] = group
	}
	return x.member[at]
}

func (x *explainer) readPlan() {
	for i := range x.plan.Operations {
		o := &x.plan.Operations[i]
		switch name := o.Group.Name; {
		case o.Object != plan.Group:
		case o.Action == plan.Grant:
			x.granted[name] = o.Roles
		case o.Action == plan.Revoke:
			x.revoked[name] = o.Roles
		default:
			x.written[name] = o
			for _, member := range o.Add {
				x.added[membership{name, member.Email}] = true
			}
			for _, member := range o.Remove {
				x.removed[membership{name, member.Email}] = true
			}
		}
	}
	for _, w := range x.plan.Withheld {
		if w.Kind == plan.Membership {
			x.withheld[membership{w.Group, w.Member.Email}] = w.Reason
		}
	}
	for _, b := range x.plan.Blocked {
		x.blocked[string(b.Object)+" "+b.Name] = b.Reason
	}
}

// findGroups finds the groups of the people who are explained.
func (x *explainer) findGroups() {
	x.places(func(at membership, row *directory.Row) {
		switch group := x.group(at); {
		case group == nil:
		case row == nil:
			group.Observed = true
		case len(group.Rows) == 0 || group.Rows[len(group.Rows)-1].Line != row.Line || group.Rows[len(group.Rows)-1].File != row.File:
			group.Rows = append(group.Rows, *row)
		}
	})
	for _, desired := range x.desired.Groups {
		for _, member := range desired.Members {
			if group := x.group(membership{desired.Name, member.Email}); group != nil {
				group.Desired = true
			}
		}
	}
}

// outcome says what a run would do about a membership, and why.
func (x *explainer) outcome(group *Group, at membership) string {
	switch {
	case x.added[at] && x.written[at.group].Action == plan.Create:
		return "a run would create the group and add them"
	case x.added[at]:
		return "a run would add them"
	case x.removed[at] && x.written[at.group].Action == plan.Delete:
		return "a run would delete the group"
	case x.removed[at] && len(group.Rows) > 0:
		return "a run would remove them: " + x.unwanted(at.email)
	case x.removed[at]:
		return "a run would remove them: no row gives them this group"
	case group.Desired == group.Observed:
		if group.Desired {
			return "stays as it is"
		}
		return "not added: " + x.unwanted(at.email)
	}
	done := "stays"
	if group.Desired {
		done = "not added"
	}
	if reason := x.reason(group, at); reason != "" {
		return done + ": " + reason
	}
	return done
}

// reason says why a person is not added to a group, or not removed from it.
func (x *explainer) reason(group *Group, at membership) string {
	if reason := x.withheld[at]; reason != "" {
		return reason
	}
	if reason := x.blocked[string(plan.Group)+" "+string(at.group)]; reason != "" {
		return "the group is blocked: " + reason
	}
	if reason := x.blocked[string(plan.User)+" "+string(at.email)]; reason != "" {
		return "the person is blocked: " + reason
	}
	switch observed := x.groups[at.group]; {
	case observed != nil && observed.SyncMode == directory.SyncSCIM:
		return "SCIM syncs the group"
	case observed != nil && !x.policy.GroupInScope(observed, x.desired):
		return "the group is not in scope"
	case !x.policy.PersonInScope(at.email):
		return "the person is not in scope"
	case !group.Desired && x.desired.Group(at.group) == nil:
		return "no row names the group"
	case group.Desired && slices.ContainsFunc(x.plan.Findings, func(f directory.Finding) bool { return f.Kind == directory.Lookalike }):
		return "see the warnings"
	}
	return ""
}

// unwanted says why the CSV does not want a person in a group although it names
// the group for them.
func (x *explainer) unwanted(email directory.Email) string {
	if stated := x.people[email].Stated; stated != nil {
		switch stated.Status {
		case directory.Inactive:
			return "the CSV lists this person as inactive"
		case directory.Contradicted:
			return "the CSV lists this person as active and as inactive"
		case directory.Unclear:
			return "the status of this person is unknown"
		}
	}
	return "the person is not in scope"
}

// about adds what a run would do about the users themselves.
func (x *explainer) about() {
	tell := func(email directory.Email, format string, args ...any) {
		if person := x.people[email]; person != nil {
			person.Does = append(person.Does, fmt.Sprintf(format, args...))
		}
	}
	for i := range x.plan.Operations {
		o := &x.plan.Operations[i]
		if o.Object != plan.User {
			continue
		}
		does := fmt.Sprintf("a run would %s the user", o.Action)
		switch o.Action {
		case plan.Update:
			does = "a run would correct the name of the user"
		case plan.Delete:
			does += ", and with it all these memberships"
		}
		tell(o.User.Email, "%s", does)
	}
	for _, w := range x.plan.Withheld {
		if w.Kind == plan.UserDeletion {
			tell(w.Member.Email, "the user is not deleted: %s", w.Reason)
		}
	}
	for _, b := range x.plan.Blocked {
		if b.Object == plan.User {
			tell(directory.Email(b.Name), "blocked: %s", b.Reason)
		}
	}
}
