package soak

import (
	"cmp"
	"maps"
	"slices"

	"xc-group-sync/internal/simulator"
)

// goal is where a run that nothing disturbs ends.
type goal struct {
	held      *held
	refused   bool // by max-removals: held is as before
	badOnly   bool // a pattern of only matches nothing: likewise
	unguarded bool // a user stays only because the caller is not known
	missing   bool // something is planned and cannot be created, so nothing is deleted
	blocked   map[thing]bool
	withheld  map[thing]bool
}

// thing is something blocked or withheld, in the words of the report.
type thing struct{ kind, group, email string }

// aim returns where a run that starts here and is limited to only must end.
func (w *world) aim(from simulator.State, knowsCaller bool, only []string) goal {
	a := &planner{w: w, r: &w.rules, stated: w.stated(), before: heldOf(from), alike: map[string]bool{}}
	a.listed = w.listed(a.before)
	if knowsCaller {
		a.caller = w.callerUser
	}
	a.plan()
	if a.findAlike(); len(a.alike) > 0 {
		a.plan() // without them
	}
	aim := goal{}
	if len(only) > 0 {
		aim.badOnly = a.matchNothing(only)
		a.limit(only)
	}
	written, after := a.apply()
	aim.held, aim.blocked, aim.withheld, aim.unguarded = after, a.blocked, a.withheld, len(a.unguarded) > 0
	switch {
	case aim.badOnly:
		aim.held = a.before
	case a.refused(after):
		aim.held, aim.refused = a.before, true
	case a.fails():
		aim.held, aim.missing = written, true
	}
	return aim
}

type planner struct {
	w      *world
	r      *rules
	stated *stated
	before *held
	listed *held           // before, but for users that the listing lacks
	caller string          // folded username; empty: not known
	alike  map[string]bool // emails that look like others with which they would change places

	barred    map[string]bool // emails of people that nothing adds
	taken     map[string]bool // usernames that are also emails of people who are blocked
	changes   map[string]*change
	renamed   map[string]bool // usernames
	deleted   map[string]bool // usernames
	blocked   map[thing]bool
	withheld  map[thing]bool
	missing   bool            // something that is to be created is blocked
	unguarded map[string]bool // emails of users who stay only because the caller is not known
}

// change is what is to happen to a group.
type change struct {
	create, remove bool // the group
	join, leave    []member
	stay           []member // that the export does not name
	grant, revoke  []string // roles
}

// member is a person in a group; without a username one who is to be created.
type member struct{ email, username string }

// plan finds what is to be done.
func (a *planner) plan() {
	a.barred, a.taken, a.changes, a.renamed, a.deleted = map[string]bool{}, map[string]bool{}, map[string]*change{}, map[string]bool{}, map[string]bool{}
	a.blocked, a.withheld, a.unguarded = map[thing]bool{}, map[thing]bool{}, map[string]bool{}
	a.barPeople()
	for name := range a.stated.groups {
		a.namedGroup(name)
	}
	a.missing = a.isMissing()
	for name, group := range a.before.groups {
		switch {
		case !a.inScope(name):
		case group.Error != nil:
			a.block("group", name)
		case a.stated.groups[name] == nil && group.SyncMode != "SCIM":
			a.unnamedGroup(name, group)
		}
	}
	a.renames()
	for name, roles := range a.r.roles {
		a.listedRoles(name, roles)
	}
	for username, user := range a.listed.users {
		a.user(username, user)
	}
}

// listedRoles gives a group the roles that the policy lists for it, and takes the
// others away if they are enforced.
func (a *planner) listedRoles(name string, roles []string) {
	group, exists := a.before.groups[name]
	c := a.changes[name]
	switch {
	case !exists:
		if c != nil && c.create {
			c.grant = roles
		}
		return
	case !a.inScope(name) || group.Error != nil || group.SyncMode == "SCIM" || a.blocked[thing{"group", "", name}] || c != nil && c.remove:
		return
	case !a.r.mayChange(name, group.Description):
		a.block("group", name)
		return
	case c == nil:
		c = &change{}
		a.changes[name] = c
	}
	has := rolesOf(group)
	for _, role := range roles {
		if !has[role] && (!a.prunes(name, group) || a.r.protects(name)) { // nothing is granted to a group that should go
			c.grant = append(c.grant, role)
		}
	}
	for role := range has {
		switch {
		case !a.r.enforce || slices.Contains(roles, role):
		case a.r.withhold || a.stated.memberships:
			a.withheld[thing{"role", name, role}] = true
		default:
			c.revoke = append(c.revoke, role)
		}
	}
}

func (a *planner) block(object, name string) { a.blocked[thing{object, "", name}] = true }

// inScope reports whether a group of the tenant is.
func (a *planner) inScope(name string) bool {
	return a.stated.groups[name] != nil || !a.stated.outsideGroups[name] && a.r.includesGroup(name, owned(a.before.groups[name].Description))
}

// barPeople finds the people who cannot be put into any group.
func (a *planner) barPeople() {
	placed := map[string]bool{}
	for name := range a.stated.groups {
		if a.before.groups[name].SyncMode != "SCIM" {
			maps.Copy(placed, a.stated.wants(name))
		}
	}
	for email, person := range a.stated.people {
		username, shared := a.listed.user(email)
		switch {
		case person.out || a.alike[email]:
			a.barred[email] = true
		case shared:
			a.barred[email] = true
			a.block("user", email)
		case username == "" && placed[email]:
			for username := range a.listed.users {
				if mail(username) == email {
					a.barred[email], a.taken[username] = true, true
					a.block("user", email)
				}
			}
		}
	}
}

// namedGroup makes the members of a group that the export names what the export
// says.
func (a *planner) namedGroup(name string) {
	group, exists := a.before.groups[name]
	switch {
	case a.stated.groups[name].collides() && !a.r.merge:
		a.block("group", name)
	case !exists:
		c := a.change(name, a.stated.wants(name))
		if c.create = len(c.join) > 0; c.create {
			a.changes[name] = c
		}
	case group.Error != nil || group.SyncMode == "SCIM":
	case !a.r.mayChange(name, group.Description):
		a.block("group", name)
	default:
		a.changes[name] = a.change(name, a.stated.wants(name))
		a.withhold(a.changes[name], name)
	}
}

// unnamedGroup deletes or empties a group that no row names, or leaves it alone.
func (a *planner) unnamedGroup(name string, group simulator.Group) {
	if a.prunes(name, group) {
		if !a.groupStays(name, group) {
			a.changes[name] = &change{remove: true}
			return
		}
		if group.ReferencesCount["policy"] == 0 { // else it is warned about
			a.withheld[thing{"group", name, ""}] = true
		}
	}
	if a.r.empty && a.r.mayChange(name, group.Description) {
		a.changes[name] = a.change(name, nil)
		a.withhold(a.changes[name], name)
	}
}

// prunes reports whether a group is to be deleted, though something may keep it.
func (a *planner) prunes(name string, group simulator.Group) bool {
	return a.stated.groups[name] == nil && a.r.groups && (a.r.unmanaged || owned(group.Description))
}

// change is what makes the people who are wanted the members of a group.
func (a *planner) change(name string, wanted map[string]bool) *change {
	c := &change{}
	for username := range a.before.in[name] {
		switch m := (member{a.listed.who(username), username}); {
		case wanted[m.email]:
		case a.memberStays(name, m):
			c.stay = append(c.stay, m)
		default:
			c.leave = append(c.leave, m)
		}
	}
	for email := range wanted {
		username, _ := a.listed.user(email)
		if !a.barred[email] && !a.before.in[name][cmp.Or(username, email)] {
			c.join = append(c.join, member{email, username})
		}
	}
	return c
}

func (a *planner) withhold(c *change, name string) {
	for _, m := range c.stay {
		a.withheld[thing{"membership", name, m.email}] = true
	}
}

// memberStays reports whether something holds a member that the export does not
// name.
func (a *planner) memberStays(name string, m member) bool {
	stay := a.stated.groupsStay
	if named := a.stated.groups[name]; named != nil {
		stay = named.stay
	}
	return stay || a.r.withhold || a.r.protects(name) || a.stated.memberships || a.personStays(m)
}

// personStays reports whether a person keeps what they have, whatever the group.
func (a *planner) personStays(m member) bool {
	user, listed := a.listed.users[m.username]
	_, shared := a.listed.user(mail(user.Email))
	return !listed || a.isCaller(m.username) || user.DomainOwner || user.Type != "USER" || shared || a.taken[m.username] ||
		!a.r.includesPerson(mail(user.Email)) || a.r.protects(m.email, m.username) || a.alike[m.email] || a.stated.people[m.email].stays()
}

// isCaller reports whether somebody is the caller, or cannot be told apart.
func (a *planner) isCaller(username string) bool {
	email := mail(a.before.users[username].Email)
	return a.caller != "" && (username == a.caller || email != "" && email == mail(a.before.users[a.caller].Email))
}

func (a *planner) groupStays(name string, group simulator.Group) bool {
	if a.missing || a.r.withhold || a.r.protects(name) || a.stated.memberships || a.stated.groupsStay || group.ReferencesCount["policy"] > 0 {
		return true
	}
	for username := range a.before.in[name] {
		if a.personStays(member{a.listed.who(username), username}) {
			return true
		}
	}
	return false
}

func (a *planner) renames() {
	for email, person := range a.stated.people {
		username, _ := a.listed.user(email)
		user := a.listed.users[username]
		if a.r.update && person.isActive() && person.name.text != "" && !a.barred[email] && len(a.listed.withEmail(email)) == 1 &&
			user.Type == "USER" && user.IDMType == "VOLTERRA_MANAGED" && user.SyncMode == "SELF" && (user.FirstName != person.name.first || user.LastName != person.name.last) {
			a.renamed[username] = true
		}
	}
}

// deletable reports whether the export lets a user be deleted, though something may
// hold them.
func (a *planner) deletable(username string) bool {
	user, known := a.listed.users[username]
	email := mail(user.Email)
	person := a.stated.people[email]
	return known && a.r.users && email != "" && user.Type == "USER" && user.SyncMode != "SCIM" && !user.DomainOwner && !a.isCaller(username) && a.r.includesPerson(email) &&
		(person == nil || !person.active && !person.unclear && person.inactive && a.r.inactive)
}

// allDeletable reports whether nobody else is in a group.
func (a *planner) allDeletable(name string) bool {
	for username := range a.before.in[name] {
		if !a.deletable(username) {
			return false
		}
	}
	return true
}

// user deletes a user that the export does not name, unless something holds them.
func (a *planner) user(username string, user simulator.User) {
	email := mail(user.Email)
	if !a.deletable(username) {
		return
	}
	stays := a.missing || a.stated.users || a.stated.memberships || a.r.withhold || len(a.listed.withEmail(email)) > 1 || a.personStays(member{email, username})
	for other, user := range a.listed.users {
		stays = stays || user.Email == "" && mail(other) == email // deletions go by email
	}
	for name := range a.before.groups {
		for member := range a.before.in[name] {
			_, listed := a.listed.users[member]
			stays = stays || !listed && mail(member) == email // and the listing lacks somebody who may have it
		}
		stays = stays || a.before.in[name][username] && (!a.inScope(name) || a.before.groups[name].SyncMode == "SCIM" || a.blocked[thing{"group", "", name}] || a.r.protects(name) ||
			a.withheld[thing{"membership", name, email}] || a.stated.groupsStay && a.stated.groups[name] == nil && a.allDeletable(name))
	}
	if stays || a.caller == "" {
		a.withheld[thing{"user", "", email}] = true
		if !stays {
			a.unguarded[email] = true
		}
		return
	}
	a.deleted[username] = true
	delete(a.renamed, username)
}

// findAlike finds the emails that look like others with which they would change
// places: one comes, and the other leaves or would leave if nothing held it.
func (a *planner) findAlike() {
	compare := func(coming, going []member) {
		for _, m := range coming {
			for _, other := range going {
				if m.email != other.email && looks(m.email) == looks(other.email) {
					a.alike[m.email], a.alike[other.email] = true, true
				}
			}
		}
	}
	var created, deleted []member
	for _, c := range a.changes {
		compare(c.join, slices.Concat(c.leave, c.stay))
		created = append(created, slices.DeleteFunc(slices.Clone(c.join), func(m member) bool { return m.username != "" })...)
	}
	for username := range a.deleted {
		deleted = append(deleted, member{a.listed.who(username), username})
	}
	for t := range a.withheld {
		if t.kind == "user" {
			deleted = append(deleted, member{email: t.email})
		}
	}
	compare(created, deleted)
}
