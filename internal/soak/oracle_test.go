package soak

import (
	"strings"

	"xc-group-sync/internal/simulator"
)

// goal is where a run that nothing disturbs ends.
type goal struct {
	held    *held
	refused bool // by max-removals: held is as before
	blocked bool // some group of the export is left alone and counts as failed
}

// aim tells where a run from here must end. Where the caller is not known no
// user is deleted.
func (w *world) aim(from simulator.State, knowsCaller bool) goal {
	a := &planner{w: w, stated: w.stated(), before: heldOf(from), after: heldOf(from), knowsCaller: knowsCaller}
	for name := range a.stated.groups {
		a.group(name)
	}
	for _, group := range a.before.groups {
		a.blocked = a.blocked || group.Error != nil
	}
	a.renames()
	written := a.after.clone()
	a.prune()
	aim := goal{held: a.after, blocked: a.blocked}
	switch {
	case a.refused():
		aim.held, aim.refused = a.before, true
	case a.missing:
		aim.held = written // nothing is deleted where a group could not be created
	}
	return aim
}

type planner struct {
	w             *world
	stated        *stated
	before, after *held
	blocked       bool
	missing       bool // a group that is left alone does not exist
	knowsCaller   bool
}

// group brings the members of a group that the export names to what it says.
func (a *planner) group(name string) {
	wanted := a.stated.wants(name)
	stated := a.stated.groups[name]
	group, exists := a.before.groups[name]
	switch {
	case len(stated.dns) > 1 && !a.w.rules.merge:
		a.blocked, a.missing = true, a.missing || !exists
		return
	case exists && (group.Error != nil || group.SyncMode == "SCIM"), !exists && len(wanted) == 0:
		return
	case !exists:
		a.after.groups[name] = simulator.Group{Name: name, DisplayName: stated.cn, Description: marker, SyncMode: "SELF"}
		a.after.in[name] = map[string]bool{}
	}
	for username := range a.before.in[name] {
		if email := a.before.who(username); !wanted[email] && !a.stays(stated, email, username) {
			delete(a.after.in[name], username)
		}
	}
	for email := range wanted {
		a.after.in[name][a.somebody(email)] = true
	}
}

// stays tells whether something holds a member whom the export does not name.
func (a *planner) stays(group *statedGroup, email, username string) bool {
	person := a.stated.people[email]
	return a.stated.memberships || group.stay || person != nil && person.unread || person.doubtful() || a.protected(email, username)
}

func (a *planner) protected(email, username string) bool {
	return a.w.rules.protects(email) || a.w.rules.protects(username)
}

// somebody is the username of a person, who is created if there is none.
func (a *planner) somebody(email string) string {
	if username := a.after.username(email); username != "" {
		return username
	}
	user := simulator.User{Email: email, Name: email, IDMType: a.idm(), Type: "USER", SyncMode: "SELF"}
	user.FirstName, user.LastName = a.name(email)
	a.after.users[email] = user
	return email
}

func (a *planner) name(email string) (first, last string) {
	if name := a.stated.people[email].name; name.text != "" {
		return name.first, name.last
	}
	for _, person := range everybody {
		if person.email == email {
			return person.first, person.last
		}
	}
	return "", ""
}

// idm is what most of the ordinary users are.
func (a *planner) idm() string {
	if a.w.rules.idm != "auto" {
		return a.w.rules.idm
	}
	for _, owners := range []bool{false, true} {
		sso, local := 0, 0
		for _, user := range a.before.users {
			switch {
			case user.Type != "USER" || user.DomainOwner != owners:
			case user.IDMType == "SSO":
				sso++
			default:
				local++
			}
		}
		if sso+local > 0 {
			return map[bool]string{true: "SSO", false: "VOLTERRA_MANAGED"}[sso > local]
		}
	}
	return "VOLTERRA_MANAGED"
}

func (a *planner) renames() {
	for email, person := range a.stated.people {
		username := a.before.username(email)
		user := a.before.users[username]
		if a.w.rules.update && username != "" && person.active && !person.doubtful() && person.name.text != "" &&
			user.Type == "USER" && user.IDMType == "VOLTERRA_MANAGED" && user.SyncMode == "SELF" {
			user.FirstName, user.LastName = a.name(email)
			a.after.users[username] = user
		}
	}
}

// prune deletes what the export does not name.
func (a *planner) prune() {
	for name, group := range a.before.groups {
		if a.groupGoes(name, group) {
			delete(a.after.groups, name)
			delete(a.after.in, name)
		}
	}
	for username, user := range a.before.users {
		if a.userGoes(username, user) {
			delete(a.after.users, username)
			for _, members := range a.after.in {
				delete(members, username)
			}
		}
	}
}

func (a *planner) groupGoes(name string, group simulator.Group) bool {
	r := a.w.rules
	if !r.groups || a.stated.groups[name] != nil || a.stated.groupsStay || a.stated.memberships || group.Error != nil || group.SyncMode == "SCIM" ||
		group.ReferencesCount["policy"] > 0 || r.protects(name) || !r.unmanaged && !strings.HasPrefix(group.Description, marker) {
		return false
	}
	for username := range a.before.in[name] {
		if email := a.before.who(username); a.protected(email, username) || a.stated.people[email].doubtful() {
			return false
		}
	}
	return true
}

func (a *planner) userGoes(username string, user simulator.User) bool {
	r, email := a.w.rules, strings.ToLower(user.Email)
	if !r.users || !a.knowsCaller || a.stated.users || a.stated.memberships || user.Type != "USER" || user.SyncMode == "SCIM" || user.DomainOwner ||
		user.Email == a.w.caller || a.protected(email, username) {
		return false
	}
	person := a.stated.people[email]
	return person == nil || !person.active && !person.unclear && r.inactive && !person.unread
}

// refused asks the guard of max-removals about each kind of loss.
func (a *planner) refused() bool {
	groups, users, all, lost := 0, 0, 0, 0
	gone := func(username string) bool {
		return a.after.users[username].Name == "" && a.before.users[username].Name != ""
	}
	for username := range a.before.users {
		if gone(username) {
			users++
		}
	}
	refused := false
	for name, members := range a.before.in {
		left := 0 // without being deleted
		for username := range members {
			if !a.after.in[name][username] {
				lost++
				if !gone(username) {
					left++
				}
			}
		}
		all += len(members)
		if _, stays := a.after.groups[name]; !stays {
			groups++
		} else {
			refused = refused || !a.w.rules.allows(left, len(members))
		}
	}
	return refused || !a.w.rules.allows(groups, len(a.before.groups)) || !a.w.rules.allows(users, len(a.before.users)) || !a.w.rules.allows(lost, all)
}
