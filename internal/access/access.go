// Package access computes what a change to a tenant means for access: who gains
// and who loses which role on which namespace, counting every way to have it. It
// is pure.
package access

import (
	"cmp"
	"slices"

	"xc-group-sync/internal/directory"
)

// Change is a change to a tenant. Its order does not matter, and a group may be
// in it several times.
type Change struct {
	Created []directory.User // with their direct roles
	Deleted []directory.Username
	Groups  []GroupChange
}

// GroupChange is a change to a group. A group that the tenant does not have is
// created.
type GroupChange struct {
	Name          directory.GroupName
	Delete        bool
	Add, Remove   []Member
	Grant, Revoke []directory.Role // a role in both is granted
}

// Member is somebody to add to a group or to remove from it.
type Member struct {
	Email    directory.Email    // may be empty if Username is not
	Username directory.Username // as the group lists it; empty for somebody who is created
}

// key distinguishes accounts.
func (m Member) key() string { return cmp.Or(m.Username, directory.Username(m.Email)).Key() }

// Diff is the effect of a change on access. A role on all namespaces includes
// that role on each: somebody who has it gains nothing by having it on one of
// them, and somebody who keeps it on one loses only the role on all namespaces.
// Accounts that share an email are compared one by one: what one of them gains
// counts, even if another has it. They are listed together, by that email; a
// member that the user listing does not know is listed by the key of the
// username. All lists are sorted.
type Diff struct {
	Gained, Lost []Person
	// LastGroup are the people with an account that leaves its last group,
	// without accounts that are deleted.
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

// Compare returns the effect on access of a change to the observed tenant. Time
// and memory grow with the number of users, memberships and roles, not with
// products of them: only accounts that the change concerns are looked at one by
// one. No username may be listed twice, nor be the email of somebody else who is
// created.
func Compare(observed *directory.Observed, change Change) Diff {
	if len(change.Created)+len(change.Deleted)+len(change.Groups) == 0 {
		return Diff{}
	}
	c := newComparison(observed, change)
	c.findConcerned()
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
	deleted  map[string]bool // by Username.Key
	groups   []group
	accounts map[string]*account // accounts that the change concerns, by Member.key
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

// account is a user, or an unknown member, before and after the change.
type account struct {
	email                     directory.Email
	groupsBefore, groupsAfter int
	before, after             [][]directory.Role // direct roles, and those of each group
}

func newComparison(observed *directory.Observed, change Change) *comparison {
	c := &comparison{
		observed: observed, change: change,
		deleted:  make(map[string]bool, len(change.Deleted)),
		groups:   make([]group, len(observed.Groups), len(observed.Groups)+len(change.Groups)),
		accounts: map[string]*account{},
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
	for i := range change.Groups { // before the grants: what is granted is there in the end
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

// apply records everything in a group's change except what it revokes.
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

// concern returns an account that the change concerns. If nothing else is known
// about it, it is identified by its key.
func (c *comparison) concern(key string) *account {
	a := c.accounts[key]
	if a == nil {
		a = &account{email: directory.Email(key)}
		c.accounts[key] = a
	}
	return a
}

// findConcerned finds the accounts that the change concerns.
func (c *comparison) findConcerned() {
	for key := range c.deleted {
		c.concern(key)
	}
	for i := range c.groups {
		g := &c.groups[i]
		for _, member := range g.add {
			c.concern(member.key())
		}
		for key := range g.removed {
			c.concern(key)
		}
		if g.changed {
			for _, username := range g.usernames {
				c.concern(username.Key())
			}
		}
	}
}

// findAccounts finds out whose they are, and what they have outside of groups.
func (c *comparison) findAccounts() {
	for i := range c.observed.Users {
		user := &c.observed.Users[i]
		key := user.Username.Key()
		a := c.accounts[key]
		if a == nil {
			continue
		}
		a.email = directory.EmailOf(user.Username, user)
		a.before = with(a.before, user.Roles)
		if !c.deleted[key] {
			a.after = with(a.after, user.Roles)
		}
	}
	for i := range c.change.Created {
		user := &c.change.Created[i]
		a := c.concern(Member{Email: user.Email}.key())
		a.after = with(a.after, user.Roles)
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
			a := c.accounts[key]
			if a == nil {
				continue
			}
			a.groupsBefore++
			a.before = with(a.before, g.before)
			if stays {
				a.join(g)
			}
		}
		if g.deleted {
			continue
		}
		g.left += len(g.add)
		for _, member := range g.add {
			c.accounts[member.key()].join(g)
		}
	}
}

// join records that the account is in a group after the change.
func (a *account) join(g *group) {
	a.groupsAfter++
	a.after = with(a.after, g.after)
}

// with adds the roles of a group to those an account has, if it has any.
func with(lists [][]directory.Role, roles []directory.Role) [][]directory.Role {
	if len(roles) == 0 {
		return lists
	}
	return append(lists, roles)
}

// compare compares what each account has before and after the change.
func (c *comparison) compare() Diff {
	var diff Diff
	before, after := roleSet{}, roleSet{} // one pair of maps for all accounts is cheaper
	for key, a := range c.accounts {
		clear(before)
		clear(after)
		before.add(a.before...)
		after.add(a.after...)
		if gained := after.without(before); len(gained) > 0 {
			diff.Gained = append(diff.Gained, Person{a.email, gained})
		}
		if lost := before.without(after); len(lost) > 0 {
			diff.Lost = append(diff.Lost, Person{a.email, lost})
		}
		if a.groupsBefore > 0 && a.groupsAfter == 0 && !c.deleted[key] {
			diff.LastGroup = append(diff.LastGroup, a.email)
		}
	}
	diff.Gained, diff.Lost = byEmail(diff.Gained), byEmail(diff.Lost)
	slices.Sort(diff.LastGroup)
	diff.LastGroup = slices.Compact(diff.LastGroup)
	return diff
}

// byEmail sorts what accounts gain or lose, and joins those that share an email.
func byEmail(accounts []Person) []Person {
	slices.SortFunc(accounts, func(a, b Person) int { return cmp.Compare(a.Email, b.Email) })
	people := accounts[:0]
	for _, account := range accounts {
		last := len(people) - 1
		if last < 0 || people[last].Email != account.Email {
			people = append(people, account)
			continue
		}
		roles := roleSet{}
		roles.add(people[last].Roles, account.Roles)
		people[last].Roles = roles.without(nil)
	}
	return people
}

type roleSet map[directory.Role]bool

func (s roleSet) add(lists ...[]directory.Role) {
	for _, roles := range lists {
		for _, role := range roles {
			s[role] = true
		}
	}
}

// without returns the roles that another set does not have, sorted, except those
// that a role on all namespaces in either set includes.
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
