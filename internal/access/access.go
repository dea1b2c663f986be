// Package access says what a change of a tenant means in access: who gains and
// who loses which role on which namespace, counting every way to have it. It is
// pure.
package access

import (
	"cmp"
	"slices"

	"xc-group-sync/internal/directory"
)

// Change is what is to become of a tenant. Its order does not matter, and a group
// may be in it several times.
type Change struct {
	Created []directory.User // with their direct roles
	Deleted []directory.Username
	Groups  []GroupChange
}

// GroupChange is what is to become of a group. One that the tenant does not have
// is created.
type GroupChange struct {
	Name          directory.GroupName
	Delete        bool
	Add, Remove   []Member
	Grant, Revoke []directory.Role // a role in both is granted
}

// Member is somebody to add to a group or to remove from it.
type Member struct {
	Email    directory.Email    // may be empty if Username is not
	Username directory.Username // what the group lists; may be empty for an addition
}

// Diff is what a change means in access. A role on all namespaces includes that
// role on each: who has it gains nothing by having it on one of them, and who
// keeps it on one loses it on all namespaces only. People are told apart by email,
// which several users may share; a member that the user listing does not know goes
// by the key of the username. All lists are sorted.
type Diff struct {
	Gained, Lost []Person
	// LastGroup are the people who are in a group and will be in none, but for
	// those who are deleted.
	LastGroup []directory.Email
	// Vacant are the roles on all namespaces or on system that somebody has and
	// nobody will have, not even as part of one on all namespaces.
	Vacant []directory.Role
}

// Person is somebody and the roles gained or lost.
type Person struct {
	Email directory.Email
	Roles []directory.Role
}

// Compare returns what a change of the observed tenant means in access. Time and
// memory grow with the number of users, memberships and roles, not with products
// of them: only people that the change concerns are looked at one by one. No
// username may be listed twice.
func Compare(observed *directory.Observed, change Change) Diff {
	if len(change.Created)+len(change.Deleted)+len(change.Groups) == 0 {
		return Diff{}
	}
	c := newComparison(observed, change)
	c.findPeople()
	c.findAccounts()
	c.findMemberships()
	diff := c.compare()
	diff.Vacant = c.vacant()
	return diff
}

// comparison holds a tenant and its change.
type comparison struct {
	observed *directory.Observed
	change   Change
	emails   map[string]directory.Email // of the observed users, by Username.Key
	deleted  map[string]bool            // by Username.Key
	groups   []group
	people   map[directory.Email]*person // those that the change concerns
}

// group is a group before and after the change.
type group struct {
	usernames     []directory.Username // before
	left          int                  // members after
	before, after []directory.Role
	deleted       bool
	changed       bool // its roles, or it is deleted
	add           []Member
	removed       map[string]bool // by Username.Key
}

// person is somebody before and after the change.
type person struct {
	users, left               int // before and after together, and after
	groupsBefore, groupsAfter int
	before, after             [][]directory.Role // direct roles, and those of each group
}

func newComparison(observed *directory.Observed, change Change) *comparison {
	c := &comparison{
		observed: observed, change: change,
		emails:  make(map[string]directory.Email, len(observed.Users)),
		deleted: make(map[string]bool, len(change.Deleted)),
		groups:  make([]group, len(observed.Groups), len(observed.Groups)+len(change.Groups)),
		people:  map[directory.Email]*person{},
	}
	for i := range observed.Users {
		c.emails[observed.Users[i].Username.Key()] = directory.EmailOf(observed.Users[i].Username, &observed.Users[i])
	}
	for _, username := range change.Deleted {
		c.deleted[username.Key()] = true
	}
	byName := make(map[directory.GroupName]*group, cap(c.groups))
	for i := range observed.Groups {
		g := &observed.Groups[i]
		c.groups[i] = group{usernames: g.Usernames, before: g.Roles, after: g.Roles}
		byName[g.Name] = &c.groups[i]
	}
	for i := range change.Groups {
		name := change.Groups[i].Name
		if byName[name] == nil {
			c.groups = append(c.groups, group{})
			byName[name] = &c.groups[len(c.groups)-1]
		}
	}
	for i := range change.Groups { // before what is granted, which is then there
		byName[change.Groups[i].Name].revoke(change.Groups[i].Revoke)
	}
	for i := range change.Groups {
		byName[change.Groups[i].Name].apply(&change.Groups[i])
	}
	return c
}

func (g *group) revoke(roles []directory.Role) {
	if len(roles) == 0 {
		return
	}
	revoked := make(map[directory.Role]bool, len(roles))
	for _, role := range roles {
		revoked[role] = true
	}
	g.changed = true
	g.after = slices.DeleteFunc(slices.Clone(g.after), func(role directory.Role) bool { return revoked[role] })
}

// apply notes all of a group's change but for what it revokes.
func (g *group) apply(change *GroupChange) {
	g.deleted = g.deleted || change.Delete
	g.changed = g.changed || change.Delete || len(change.Grant) > 0
	g.after = slices.Concat(g.after, change.Grant)
	g.add = append(g.add, change.Add...)
	if g.removed == nil {
		g.removed = make(map[string]bool, len(change.Remove))
	}
	for _, member := range change.Remove {
		g.removed[member.Username.Key()] = true
	}
}

// email returns whose a username is, by its key.
func (c *comparison) email(key string) directory.Email {
	return cmp.Or(c.emails[key], directory.Email(key))
}

func (c *comparison) added(member Member) directory.Email {
	if member.Email != "" {
		return member.Email
	}
	return c.email(member.Username.Key())
}

// findPeople finds the people that the change concerns.
func (c *comparison) findPeople() {
	concern := func(email directory.Email) {
		if c.people[email] == nil {
			c.people[email] = &person{}
		}
	}
	for i := range c.change.Created {
		concern(directory.EmailOf(c.change.Created[i].Username, &c.change.Created[i]))
	}
	for key := range c.deleted {
		concern(c.email(key))
	}
	for i := range c.groups {
		g := &c.groups[i]
		for _, member := range g.add {
			concern(c.added(member))
		}
		for key := range g.removed {
			concern(c.email(key))
		}
		if g.changed {
			for _, username := range g.usernames {
				concern(c.email(username.Key()))
			}
		}
	}
}

// findAccounts finds what they have outside of groups.
func (c *comparison) findAccounts() {
	for i := range c.observed.Users {
		user := &c.observed.Users[i]
		p := c.people[directory.EmailOf(user.Username, user)]
		if p == nil {
			continue
		}
		p.users++
		p.before = with(p.before, user.Roles)
		if !c.deleted[user.Username.Key()] {
			p.left++
			p.after = with(p.after, user.Roles)
		}
	}
	for i := range c.change.Created {
		user := &c.change.Created[i]
		p := c.people[directory.EmailOf(user.Username, user)]
		p.users++
		p.left++
		p.after = with(p.after, user.Roles)
	}
}

// findMemberships finds the groups they are in, and how many members each group
// keeps.
func (c *comparison) findMemberships() {
	for i := range c.groups {
		g := &c.groups[i]
		for _, username := range g.usernames {
			key := username.Key()
			stays := !g.deleted && !g.removed[key] && !c.deleted[key]
			if stays {
				g.left++
			}
			p := c.people[c.email(key)]
			if p == nil {
				continue
			}
			p.groupsBefore++
			p.before = with(p.before, g.before)
			if stays {
				p.join(g)
			}
		}
		if g.deleted {
			continue
		}
		g.left += len(g.add)
		for _, member := range g.add {
			c.people[c.added(member)].join(g)
		}
	}
}

// join notes that the person is in a group after the change.
func (p *person) join(g *group) {
	p.groupsAfter++
	p.after = with(p.after, g.after)
}

// with adds the roles of a group to those a person has, if it has any.
func with(lists [][]directory.Role, roles []directory.Role) [][]directory.Role {
	if len(roles) == 0 {
		return lists
	}
	return append(lists, roles)
}

// compare compares what each person has before and after the change.
func (c *comparison) compare() Diff {
	var diff Diff
	before, after := roleSet{}, roleSet{} // one pair for all: cheaper than a pair each
	for email, p := range c.people {
		clear(before)
		clear(after)
		before.add(p.before)
		after.add(p.after)
		if gained := after.without(before); len(gained) > 0 {
			diff.Gained = append(diff.Gained, Person{email, gained})
		}
		if lost := before.without(after); len(lost) > 0 {
			diff.Lost = append(diff.Lost, Person{email, lost})
		}
		if p.groupsBefore > 0 && p.groupsAfter == 0 && (p.left > 0 || p.users == 0) {
			diff.LastGroup = append(diff.LastGroup, email)
		}
	}
	byEmail := func(a, b Person) int { return cmp.Compare(a.Email, b.Email) }
	slices.SortFunc(diff.Gained, byEmail)
	slices.SortFunc(diff.Lost, byEmail)
	slices.Sort(diff.LastGroup)
	return diff
}

type roleSet map[directory.Role]bool

func (s roleSet) add(lists [][]directory.Role) {
	for _, roles := range lists {
		for _, role := range roles {
			s[role] = true
		}
	}
}

// without returns the roles that another set does not have, sorted, but for those
// that a role on all namespaces in either includes.
func (s roleSet) without(other roleSet) []directory.Role {
	var roles []directory.Role
	for role := range s {
		all := role.Everywhere()
		if !other[role] && !other[all] && (role == all || !s[all]) {
			roles = append(roles, role)
		}
	}
	slices.SortFunc(roles, directory.Role.Compare)
	return roles
}

// vacant returns the roles on all namespaces or on system that nobody has any
// more.
func (c *comparison) vacant() []directory.Role {
	type held struct{ before, after bool }
	roles := map[directory.Role]held{}
	note := func(all []directory.Role, before, after bool) {
		for _, role := range all {
			if role.Namespace == directory.AllNamespaces || role.Namespace == directory.SystemNamespace {
				h := roles[role]
				roles[role] = held{h.before || before, h.after || after}
			}
		}
	}
	for i := range c.groups {
		g := &c.groups[i]
		note(g.before, len(g.usernames) > 0, false)
		note(g.after, false, !g.deleted && g.left > 0)
	}
	for i := range c.observed.Users {
		user := &c.observed.Users[i]
		note(user.Roles, true, !c.deleted[user.Username.Key()])
	}
	for i := range c.change.Created {
		note(c.change.Created[i].Roles, false, true)
	}
	var vacant []directory.Role
	for role, h := range roles {
		if h.before && !h.after && !roles[role.Everywhere()].after {
			vacant = append(vacant, role)
		}
	}
	slices.SortFunc(vacant, directory.Role.Compare)
	return vacant
}
