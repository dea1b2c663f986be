package soak

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"xc-group-sync/internal/simulator"
)

// matchNothing reports whether a pattern of only matches neither a person nor a
// group.
func (a *planner) matchNothing(only []string) bool {
	names := slices.Concat(slices.Collect(maps.Keys(a.stated.people)), slices.Collect(maps.Keys(a.stated.groups)), slices.Collect(maps.Keys(a.before.groups)))
	for _, user := range a.listed.users {
		names = append(names, mail(user.Email))
	}
	for _, members := range a.before.in {
		for username := range members {
			names = append(names, a.listed.who(username))
		}
	}
	return slices.ContainsFunc(only, func(pattern string) bool {
		return !selectsName([]string{strings.TrimPrefix(pattern, "!")}, slices.Clone(names)...)
	})
}

// limit reduces what is to be done to the people and groups that only selects.
func (a *planner) limit(only []string) {
	selected := func(names ...string) bool { return selectsName(only, names...) }
	for name, c := range a.changes {
		outside := func(m member) bool { return !selected(name, m.email) }
		if c.remove {
			for username := range a.before.in[name] {
				c.leave = append(c.leave, member{a.listed.who(username), username})
			}
			if selected(name) && !slices.ContainsFunc(c.leave, outside) {
				c.leave = nil
				continue
			}
			if c.remove = false; !a.r.mayChange(name, a.before.groups[name].Description) {
				c.leave = nil
			}
		}
		c.join, c.leave = slices.DeleteFunc(c.join, outside), slices.DeleteFunc(c.leave, outside)
		if c.create = c.create && len(c.join) > 0; !c.create && !selected(name) {
			c.grant, c.revoke = nil, nil
		}
	}
	excluded := func(username string) bool { // a member of a group that is
		for name := range a.before.groups {
			if a.before.in[name][username] && !selectsName(append(slices.Clone(only), "*"), name) {
				return true
			}
		}
		return false
	}
	maps.DeleteFunc(a.renamed, func(username string, _ bool) bool { return !selected(a.listed.who(username)) })
	maps.DeleteFunc(a.deleted, func(username string, _ bool) bool { return !selected(a.listed.who(username)) || excluded(username) })
	maps.DeleteFunc(a.unguarded, func(email string, _ bool) bool { return !selected(email) })
	maps.DeleteFunc(a.withheld, func(t thing, _ bool) bool {
		if t.kind == "role" {
			t.email = ""
		}
		return !selected(t.group, t.email)
	})
	maps.DeleteFunc(a.blocked, func(t thing, _ bool) bool { return !a.blocks(t, selected) })
}

// blocks reports whether what is blocked keeps anything that is selected from
// being done.
func (a *planner) blocks(t thing, selected func(...string) bool) bool {
	if selected(t.email) {
		return true
	}
	if t.kind == "user" {
		for name := range a.stated.groups {
			if a.stated.wants(name)[t.email] && selected(name, t.email) {
				return true
			}
		}
		return false
	}
	for username := range a.before.in[t.email] {
		if selected(t.email, a.listed.who(username)) {
			return true
		}
	}
	if a.stated.groups[t.email] != nil {
		for email := range a.stated.wants(t.email) {
			if selected(t.email, email) {
				return true
			}
		}
	}
	return false
}

// apply returns the tenant after all of that, before anything is deleted.
func (a *planner) apply() (written, after *held) {
	written = a.before.clone()
	idm := a.idm()
	for name, c := range a.changes {
		if c.create {
			cn := a.stated.groups[name].cn
			written.groups[name] = simulator.Group{Name: name, DisplayName: cmp.Or(cn, name), Description: marker, SyncMode: "SELF"}
			written.in[name] = map[string]bool{}
		}
		if group, exists := written.groups[name]; exists {
			roles := rolesOf(group)
			for _, role := range c.revoke {
				delete(roles, role)
			}
			for _, role := range c.grant {
				roles[role] = true
			}
			setRoles(&group, roles)
			written.groups[name] = group
		}
		for _, m := range c.leave {
			delete(written.in[name], m.username)
		}
		for _, m := range c.join {
			if m.username == "" {
				if m.username = strings.ToLower(a.stated.people[m.email].address); a.isTaken(m.email) {
					continue
				}
				user := simulator.User{Email: m.username, Name: m.username, IDMType: idm, Type: "USER", SyncMode: "SELF"}
				user.FirstName, user.LastName = a.name(m.email)
				written.users[m.username] = user
			}
			written.in[name][m.username] = true
		}
	}
	for username := range a.renamed {
		user := written.users[username]
		user.FirstName, user.LastName = a.name(mail(user.Email))
		written.users[username] = user
	}
	after = written.clone()
	for name, c := range a.changes {
		if c.remove {
			delete(after.groups, name)
			delete(after.in, name)
		}
	}
	for username := range a.deleted {
		delete(after.users, username)
		for _, members := range after.in {
			delete(members, username)
		}
	}
	return written, after
}

// isTaken reports whether a person cannot be created: the tenant has a user that
// the listing lacks.
func (a *planner) isTaken(email string) bool {
	for username := range a.w.unlisted {
		address := a.stated.people[email].address
		if user, exists := a.before.users[username]; exists && (strings.ToLower(user.Email) == address || username == address) {
			return true
		}
	}
	return false
}

// isMissing reports whether something that is to be created is blocked.
func (a *planner) isMissing() bool {
	for t := range a.blocked {
		username, shared := a.listed.user(t.email)
		if _, exists := a.before.groups[t.email]; t.kind == "group" && !exists || t.kind == "user" && username == "" && !shared {
			return true
		}
	}
	return false
}

// fails reports whether something that is planned cannot be created.
func (a *planner) fails() bool {
	for _, c := range a.changes {
		if slices.ContainsFunc(c.join, func(m member) bool { return m.username == "" && a.isTaken(m.email) }) {
			return true
		}
	}
	return false
}

func (a *planner) name(email string) (first, last string) {
	if name := a.stated.people[email].name; name.text != "" {
		return name.first, name.last
	}
	who := everybody[slices.IndexFunc(everybody, func(n named) bool { return n.email == email })]
	return who.first, who.last
}

// idm returns the kind of most of the ordinary users.
func (a *planner) idm() string {
	if a.r.idm != "auto" {
		return a.r.idm
	}
	for _, owners := range []bool{false, true} {
		sso, local := 0, 0
		for _, user := range a.listed.users {
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

// refused asks the guard of max-removals about each kind of loss.
func (a *planner) refused(after *held) bool {
	groups, all, lost, revoked, roles := 0, 0, 0, 0, 0
	refused := false
	for name, group := range a.before.groups {
		roles += len(group.NamespaceRoles)
		if c := a.changes[name]; c != nil {
			revoked += len(c.revoke)
		}
	}
	for name, members := range a.before.in {
		left := 0 // without being deleted
		for username := range members {
			if !after.in[name][username] {
				lost++
				if !a.deleted[username] {
					left++
				}
			}
		}
		all += len(members)
		if _, stays := after.groups[name]; !stays {
			groups++
		} else {
			refused = refused || !a.r.allows(left, len(members))
		}
	}
	return refused || !a.r.allows(groups, len(a.before.groups)) || !a.r.allows(len(a.deleted), len(a.listed.users)) || !a.r.allows(lost, all) || !a.r.allows(revoked, roles)
}
