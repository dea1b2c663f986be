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
	c.findPlaces()
	diff := c.compare()
	diff.Vacant = c.vacant()
	return diff
}

// comparison holds a tenant and its change by number: usernames, groups, people
// and roles are numbered in the order in which they are met. Only people that the
// change concerns have a number, and only roles that one of them has.
type comparison struct {
	observed *directory.Observed
	change   Change
	groups   []group // the observed ones first

	usernames map[string]int // by Username.Key; those of observed users first
	keys      []string       // of each username
	deleted   []bool         // by username
	personOf  []int          // by username; -1: the change does not concern them

	people   map[directory.Email]int
	emails   []directory.Email // of each person
	accounts []account         // of each person
	places   []place

	roles     map[directory.Role]int
	roleNames []directory.Role
}

// group is a group before and after the change.
type group struct {
	members         []int // usernames before
	left            int   // members after
	before, after   []directory.Role
	deleted         bool
	changed         bool // its roles, or it is deleted
	add             []Member
	removed         map[int]bool // usernames
	numbered        bool
	beforeN, afterN []int // numbers of before and after, once numbered
}

// account is what a person has outside of groups.
type account struct {
	users, left   int // before and after the change together, and after it
	before, after []int
}

// place is a person's membership in a group.
type place struct {
	person, group int
	before, after bool
}

func newComparison(observed *directory.Observed, change Change) *comparison {
	c := &comparison{
		observed: observed, change: change,
		groups:    make([]group, len(observed.Groups), len(observed.Groups)+len(change.Groups)),
		usernames: make(map[string]int, len(observed.Users)), keys: make([]string, 0, len(observed.Users)),
		people: map[directory.Email]int{}, roles: map[directory.Role]int{},
	}
	for i := range observed.Users {
		c.username(observed.Users[i].Username)
	}
	byName := make(map[directory.GroupName]int, len(observed.Groups)+len(change.Groups))
	for i := range observed.Groups {
		g := &observed.Groups[i]
		byName[g.Name] = i
		members := make([]int, len(g.Usernames))
		for n, username := range g.Usernames {
			members[n] = c.username(username)
		}
		c.groups[i] = group{members: members, left: len(members), before: g.Roles, after: g.Roles}
	}
	for i := range change.Groups {
		name := change.Groups[i].Name
		if _, known := byName[name]; !known {
			byName[name] = len(c.groups)
			c.groups = append(c.groups, group{})
		}
	}
	for i := range change.Groups {
		c.groups[byName[change.Groups[i].Name]].revoke(change.Groups[i].Revoke)
	}
	for i := range change.Groups {
		c.apply(&c.groups[byName[change.Groups[i].Name]], &change.Groups[i])
	}
	var deleted []int
	for _, username := range change.Deleted {
		deleted = append(deleted, c.username(username))
	}
	c.deleted, c.personOf = make([]bool, len(c.keys)), slices.Repeat([]int{-1}, len(c.keys))
	for _, username := range deleted {
		c.deleted[username] = true
	}
	return c
}

// username returns the number of a username.
func (c *comparison) username(username directory.Username) int {
	key := username.Key()
	n, known := c.usernames[key]
	if !known {
		n = len(c.keys)
		c.usernames[key] = n
		c.keys = append(c.keys, key)
	}
	return n
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
func (c *comparison) apply(g *group, change *GroupChange) {
	if len(change.Grant) > 0 {
		g.changed = true
		g.after = slices.Concat(g.after, change.Grant)
	}
	if change.Delete {
		g.changed, g.deleted = true, true
	}
	if g.removed == nil && len(change.Remove) > 0 {
		g.removed = make(map[int]bool, len(change.Remove))
	}
	for _, member := range change.Remove {
		g.removed[c.username(member.Username)] = true
	}
	for _, member := range change.Add {
		if member.Email == "" {
			c.username(member.Username)
		}
	}
	g.add = append(g.add, change.Add...)
}

// email returns whose a username is.
func (c *comparison) email(username int) directory.Email {
	if username < len(c.observed.Users) {
		return cmp.Or(c.observed.Users[username].Email, directory.Email(c.keys[username]))
	}
	return directory.Email(c.keys[username])
}

// person returns the number of a person.
func (c *comparison) person(email directory.Email) int {
	n, known := c.people[email]
	if !known {
		n = len(c.emails)
		c.people[email] = n
		c.emails = append(c.emails, email)
	}
	return n
}

// personWith returns the number of the person with a username.
func (c *comparison) personWith(username int) int {
	if c.personOf[username] < 0 {
		c.personOf[username] = c.person(c.email(username))
	}
	return c.personOf[username]
}

func (c *comparison) newcomer(user *directory.User) int {
	return c.person(cmp.Or(user.Email, directory.Email(user.Username.Key())))
}

func (c *comparison) added(member Member) int {
	if member.Email != "" {
		return c.person(member.Email)
	}
	return c.personWith(c.usernames[member.Username.Key()])
}

// findPeople finds the people that the change concerns.
func (c *comparison) findPeople() {
	for i := range c.change.Created {
		c.newcomer(&c.change.Created[i])
	}
	for username, deleted := range c.deleted {
		if deleted {
			c.personWith(username)
		}
	}
	for i := range c.groups {
		g := &c.groups[i]
		for _, member := range g.add {
			c.added(member)
		}
		for username := range g.removed {
			c.personWith(username)
		}
		if g.changed {
			for _, username := range g.members {
				c.personWith(username)
			}
		}
	}
	for username, person := range c.personOf { // one person may have several
		if person >= 0 {
			continue
		}
		if person, concerned := c.people[c.email(username)]; concerned {
			c.personOf[username] = person
		}
	}
}

// findAccounts finds what they have outside of groups.
func (c *comparison) findAccounts() {
	c.accounts = make([]account, len(c.emails))
	for i := range c.observed.Users {
		if c.personOf[i] < 0 {
			continue
		}
		account, roles := &c.accounts[c.personOf[i]], c.numbers(c.observed.Users[i].Roles)
		account.users++
		account.before = join(account.before, roles)
		if !c.deleted[i] {
			account.left++
			account.after = join(account.after, roles)
		}
	}
	for i := range c.change.Created {
		user := &c.change.Created[i]
		account := &c.accounts[c.newcomer(user)]
		account.users++
		account.left++
		account.after = join(account.after, c.numbers(user.Roles))
	}
}

// join returns both lists as one. It may be one of them: neither is written to.
func join(a, b []int) []int {
	if len(a) == 0 {
		return b
	}
	return slices.Concat(a, b)
}

// findPlaces finds their places in groups, before and after the change.
func (c *comparison) findPlaces() {
	for i := range c.groups {
		g := &c.groups[i]
		for _, username := range g.members {
			person := c.personOf[username]
			if person < 0 {
				continue
			}
			stays := !g.deleted && !g.removed[username] && !c.deleted[username]
			if !stays {
				g.left--
			}
			c.places = append(c.places, place{person, i, true, stays})
		}
		if !g.deleted {
			for _, member := range g.add {
				g.left++
				c.places = append(c.places, place{c.added(member), i, false, true})
			}
		}
	}
	for _, p := range c.places {
		if g := &c.groups[p.group]; !g.numbered {
			g.numbered, g.beforeN, g.afterN = true, c.numbers(g.before), c.numbers(g.after)
		}
	}
}

// numbers returns the numbers of roles.
func (c *comparison) numbers(roles []directory.Role) []int {
	if len(roles) == 0 {
		return nil
	}
	numbers := make([]int, len(roles))
	for i, role := range roles {
		number, known := c.roles[role]
		if !known {
			number = len(c.roleNames)
			c.roles[role] = number
			c.roleNames = append(c.roleNames, role)
		}
		numbers[i] = number
	}
	return numbers
}

// byPerson returns the places of each person.
func (c *comparison) byPerson() [][]place {
	counts := make([]int, len(c.emails))
	for i := range c.places {
		counts[c.places[i].person]++
	}
	sorted, of := make([]place, len(c.places)), make([][]place, len(c.emails))
	start := 0
	for person, n := range counts {
		of[person] = sorted[start : start : start+n]
		start += n
	}
	for _, p := range c.places {
		of[p.person] = append(of[p.person], p)
	}
	return of
}

// compare compares what each person has before and after the change.
func (c *comparison) compare() Diff {
	everywhere := make([]int, len(c.roleNames)) // the role on all namespaces; -1: nobody has it
	for i, role := range c.roleNames {
		everywhere[i] = -1
		if n, known := c.roles[role.Everywhere()]; known && n != i {
			everywhere[i] = n
		}
	}
	before, after := newRoleSet(len(c.roleNames)), newRoleSet(len(c.roleNames))
	var diff Diff
	for person, places := range c.byPerson() {
		account := &c.accounts[person]
		before.clear()
		after.clear()
		before.add(account.before)
		after.add(account.after)
		groupsBefore, groupsAfter := 0, 0
		for _, p := range places {
			g := &c.groups[p.group]
			if p.before {
				groupsBefore++
				before.add(g.beforeN)
			}
			if p.after {
				groupsAfter++
				after.add(g.afterN)
			}
		}
		if gained := c.difference(after, before, everywhere); gained != nil {
			diff.Gained = append(diff.Gained, Person{c.emails[person], gained})
		}
		if lost := c.difference(before, after, everywhere); lost != nil {
			diff.Lost = append(diff.Lost, Person{c.emails[person], lost})
		}
		if groupsBefore > 0 && groupsAfter == 0 && (account.left > 0 || account.users == 0) {
			diff.LastGroup = append(diff.LastGroup, c.emails[person])
		}
	}
	byEmail := func(a, b Person) int { return cmp.Compare(a.Email, b.Email) }
	slices.SortFunc(diff.Gained, byEmail)
	slices.SortFunc(diff.Lost, byEmail)
	slices.Sort(diff.LastGroup)
	return diff
}

// difference returns the roles that are in one set and not in another, sorted,
// without those that a role on all namespaces includes; nil if there are none.
func (c *comparison) difference(in, notIn *roleSet, everywhere []int) []directory.Role {
	var buffer [8]directory.Role
	roles := buffer[:0]
	for _, role := range in.roles {
		all := everywhere[role]
		if notIn.has(role) || all >= 0 && (notIn.has(all) || in.has(all)) {
			continue
		}
		roles = append(roles, c.roleNames[role])
	}
	if len(roles) == 0 {
		return nil
	}
	slices.SortFunc(roles, directory.Role.Compare)
	return slices.Clone(roles)
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
		note(g.before, len(g.members) > 0, false)
		note(g.after, false, !g.deleted && g.left > 0)
	}
	for i := range c.observed.Users {
		note(c.observed.Users[i].Roles, true, !c.deleted[i])
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

// roleSet is a set of roles by number that is cheap to clear.
type roleSet struct {
	roles []int
	round []int // in which the role was added last
	now   int
}

func newRoleSet(size int) *roleSet { return &roleSet{round: make([]int, size)} }

func (s *roleSet) clear() {
	s.roles = s.roles[:0]
	s.now++
}

func (s *roleSet) add(roles []int) {
	for _, role := range roles {
		if s.round[role] != s.now {
			s.round[role] = s.now
			s.roles = append(s.roles, role)
		}
	}
}

func (s *roleSet) has(role int) bool { return s.round[role] == s.now }
