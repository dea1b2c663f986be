package soak

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"xc-group-sync/internal/simulator"
)

// What a run must come to, by the documentation alone: none of the program's own
// rules are used here.

// stated is what an export states.
type stated struct {
	people map[string]*statedPerson
	groups map[string]*statedGroup
	// Held back as a whole: every membership, every user, every group.
	memberships, users, groupsStay bool
	bad                            int             // rows
	outside                        map[string]bool // DNs and people who are not in scope
	outsideGroups                  map[string]bool // that DNs out of scope name
}

type statedPerson struct {
	active, inactive bool
	unread           bool // a row has a DN that is invalid
	unclear          bool // a row's status is not known
	out              bool // not in scope
	name             nameCell
	address          string // as it is sent
}

// stays reports whether the export cannot take anything away from the person.
func (p *statedPerson) stays() bool {
	return p != nil && (p.active && p.inactive || p.unclear || p.unread || p.out)
}

// isActive reports whether the person should be in the groups that rows name.
func (p *statedPerson) isActive() bool { return p.active && !p.inactive && !p.unclear && !p.out }

type statedGroup struct {
	dns     map[string]bool // keys
	formed  bool            // the name is formed from the CN of one of them
	text    string          // the smallest spelling
	cn      string          // of it
	members map[string]bool // active, perhaps inactive elsewhere
	good    bool            // a valid row names it
	stay    bool            // nobody is removed: an invalid row may have named anybody
}

// collides reports whether several DNs have the group's name by accident.
func (g *statedGroup) collides() bool { return len(g.dns) > 1 && g.formed }

func (w *world) stated() *stated {
	s := &stated{people: map[string]*statedPerson{}, groups: map[string]*statedGroup{}, outside: map[string]bool{}, outsideGroups: map[string]bool{}}
	for _, row := range w.rows {
		if row.odd != 0 {
			s.memberships, s.users, s.groupsStay = true, true, true
			s.bad++
			continue
		}
		unread := slices.ContainsFunc(row.dns, w.isBad)
		out := row.email != "" && !w.rules.includesPerson(row.email)
		unclear := !out && !w.noStatus && row.unclear()
		good := !unread && row.email != "" && !unclear && !out
		if !good {
			s.bad++
		}
		s.groupsStay = s.groupsStay || unread
		s.users = s.users || row.email == ""
		s.memberships = s.memberships || unread && row.email == "" // it may have said anything
		active := !out && (w.noStatus || row.active())
		if row.email != "" {
			p := s.person(row)
			p.active, p.inactive, p.out = p.active || active, p.inactive || !out && !active && !unclear, out
			p.unread, p.unclear = p.unread || unread, p.unclear || unclear
			if name := row.name; !out && !w.noNames && name.text != "" && (p.name.text == "" || name.text < p.name.text) {
				p.name = name
			}
			if out {
				s.outside["person "+row.email] = true
			}
		}
		for _, dn := range row.dns {
			switch {
			case w.isBad(dn):
			case !w.rules.includesDN(dn):
				s.outside["dn "+dn.key], s.outsideGroups[w.rules.groupOf(dn)] = true, true
			default:
				s.group(dn, &w.rules).name(row.email, active, good)
			}
		}
	}
	for name, g := range s.groups {
		g.stay = g.stay || !g.good || s.groupsStay && len(s.wants(name)) == 0
	}
	return s
}

// isBad reports whether a DN makes its row invalid. One that is not in scope need
// not have a usable name.
func (w *world) isBad(dn dnCell) bool {
	return dn.key == "" || w.rules.groupOf(dn) == "" && w.rules.includesDN(dn)
}

func (s *stated) person(row exportRow) *statedPerson {
	p := s.people[row.email]
	if p == nil {
		p = &statedPerson{}
		s.people[row.email] = p
	}
	if sent := lower(strings.TrimSpace(row.cell)); p.address == "" || sent < p.address {
		p.address = sent
	}
	return p
}

func (s *stated) group(dn dnCell, r *rules) *statedGroup {
	name := r.groupOf(dn)
	g := s.groups[name]
	if g == nil {
		g = &statedGroup{dns: map[string]bool{}, members: map[string]bool{}}
		s.groups[name] = g
	}
	g.dns[dn.key] = true
	g.formed = g.formed || !r.isMapped(dn)
	if g.text == "" || dn.text < g.text {
		g.text, g.cn = dn.text, dn.cn
	}
	return g
}

func (g *statedGroup) name(email string, active, good bool) {
	g.good = g.good || good
	switch {
	case email == "":
		g.stay = true
	case active:
		g.members[email] = true
	}
}

// wants returns the people who should be in the group.
func (s *stated) wants(name string) map[string]bool {
	wanted := map[string]bool{}
	for email := range s.groups[name].members {
		if s.people[email].isActive() {
			wanted[email] = true
		}
	}
	return wanted
}

// isRefused reports whether the export could only empty groups.
func (w *world) isRefused() bool {
	s := w.stated()
	active := false
	for _, p := range s.people {
		active = active || p.active
	}
	return w.unusable != "" || len(s.groups) == 0 || s.bad == len(w.rows) || !active
}

// mail is the form in which emails are compared. There is one internationalized
// domain in these worlds.
func mail(address string) string {
	return strings.Replace(lower(strings.TrimSpace(address)), "xn--bcher-kva", "bücher", 1)
}

// held is a tenant in a form that is easily changed.
type held struct {
	users  map[string]simulator.User // by folded username
	groups map[string]simulator.Group
	in     map[string]map[string]bool // by group, folded usernames
}

func heldOf(s simulator.State) *held {
	h := &held{users: map[string]simulator.User{}, groups: map[string]simulator.Group{}, in: map[string]map[string]bool{}}
	for _, user := range s.Users {
		h.users[strings.ToLower(user.Name)] = user
	}
	for _, group := range s.Groups {
		h.groups[group.Name], h.in[group.Name] = group, map[string]bool{}
		for _, username := range group.Usernames {
			h.in[group.Name][strings.ToLower(username)] = true
		}
	}
	return h
}

func (h *held) clone() *held {
	c := &held{users: maps.Clone(h.users), groups: maps.Clone(h.groups), in: map[string]map[string]bool{}}
	for name, members := range h.in {
		c.in[name] = maps.Clone(members)
	}
	return c
}

// listed is the tenant as its user listing shows it.
func (w *world) listed(h *held) *held {
	c := h.clone()
	for username := range w.unlisted {
		delete(c.users, username)
	}
	return c
}

// who is the email behind a username, or the username of somebody without one.
func (h *held) who(username string) string {
	return cmp.Or(mail(h.users[username].Email), username)
}

// withEmail returns the usernames of those who have an email, sorted.
func (h *held) withEmail(email string) []string {
	var usernames []string
	for username, user := range h.users {
		if email != "" && mail(user.Email) == email {
			usernames = append(usernames, username)
		}
	}
	slices.Sort(usernames)
	return usernames
}

// user is the username of the one who counts for an email; empty if there is no
// such user. Of several the only person among them counts, or the only one whose
// username the email is; shared if there is neither.
func (h *held) user(email string) (username string, shared bool) {
	all := h.withEmail(email)
	if len(all) < 2 {
		return strings.Join(all, ""), false
	}
	people := slices.DeleteFunc(slices.Clone(all), func(username string) bool { return h.users[username].Type != "USER" })
	if len(people) == 1 {
		return people[0], false
	}
	named := slices.DeleteFunc(all, func(username string) bool { return mail(username) != email })
	if len(named) != 1 {
		return "", true
	}
	return named[0], false
}

// fact is something that can be lost or gained.
type fact struct {
	what     string // user, name, role; group, group role; member
	person   string // who, by email
	username string
	group    string
	detail   string
}

func (f fact) String() string {
	return fmt.Sprintf("%s %s", f.what, strings.Join(slices.DeleteFunc([]string{f.person, f.username, f.group, f.detail}, func(s string) bool { return s == "" }), ", "))
}

type facts map[fact]bool

// facts are all that there are of a tenant.
func (h *held) facts() facts {
	all := facts{}
	for username, user := range h.users {
		about := fact{person: h.who(username), username: username}
		add := func(what, format string, args ...any) {
			about.what, about.detail = what, fmt.Sprintf(format, args...)
			all[about] = true
		}
		add("user", "%s %s %s owner %v disabled %v", user.IDMType, user.Type, user.SyncMode, user.DomainOwner, user.Disabled)
		add("name", "%s/%s", user.FirstName, user.LastName)
		for _, role := range user.NamespaceRoles {
			add("role", "%s/%s", role.Namespace, role.Role)
		}
	}
	for name, group := range h.groups {
		all[fact{what: "group", group: name, detail: group.DisplayName + "/" + group.Description + "/" + group.SyncID + " " + group.SyncMode}] = true
		for _, role := range group.NamespaceRoles {
			all[fact{what: "group role", group: name, detail: role.Namespace + "/" + role.Role}] = true
		}
		for username := range h.in[name] {
			all[fact{what: "member", person: h.who(username), username: username, group: name}] = true
		}
	}
	return all
}

// rolesOf are the roles of a group, as NAMESPACE/ROLE.
func rolesOf(group simulator.Group) map[string]bool {
	roles := map[string]bool{}
	for _, role := range group.NamespaceRoles {
		roles[role.Namespace+"/"+role.Role] = true
	}
	return roles
}

// setRoles gives a group roles, in any order.
func setRoles(group *simulator.Group, roles map[string]bool) {
	group.NamespaceRoles = nil
	for text := range roles {
		namespace, role, _ := strings.Cut(text, "/")
		group.NamespaceRoles = append(group.NamespaceRoles, simulator.Role{Namespace: namespace, Role: role})
	}
}

// missing returns what the second has and the first does not.
func missing(from, in facts) facts {
	all := facts{}
	for f := range in {
		if !from[f] {
			all[f] = true
		}
	}
	return all
}
