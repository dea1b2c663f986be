package soak

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"

	"xc-group-sync/internal/simulator"
)

// What a run must come to, told from docs/safety.md and the README alone:
// none of the program's own rules is used here.

// rules are the settings that say what may be done.
type rules struct {
	groups, users, unmanaged, inactive   bool // prune
	merge, update, strict, dry, syncRest bool
	protect                              []string
	limit, idm                           string
}

func (r *rules) protects(name string) bool {
	return slices.ContainsFunc(r.protect, func(pattern string) bool {
		match, _ := path.Match(strings.ToLower(pattern), strings.ToLower(name))
		return match
	})
}

// allows tells whether max-removals lets so many of so many go.
func (r *rules) allows(removed, of int) bool {
	if percent, is := strings.CutSuffix(r.limit, "%"); is {
		share, _ := strconv.Atoi(percent)
		return removed <= 5 || removed*100 <= share*of
	}
	most, err := strconv.Atoi(r.limit)
	return err != nil || removed <= most // none
}

// settings draws all settings.
func (w *world) settings(random *rand.Rand) {
	r := &w.rules
	set := func(name, value string) string {
		w.args = append(w.args, "--"+name+"="+value)
		return value
	}
	flag := func(name string, percent int) bool {
		is := chance(random, percent)
		set(name, strconv.FormatBool(is))
		return is
	}
	prune := set("prune", oneOf(random, "none", "groups", "users", "all", "all"))
	r.groups, r.users = prune == "groups" || prune == "all", prune == "users" || prune == "all"
	r.unmanaged, r.inactive, r.update = flag("prune-unmanaged", 40), flag("prune-inactive", 50), flag("update-users", 50)
	r.strict, r.dry = flag("strict", 4), flag("dry-run", 8)
	for range oneOf(random, 0, 0, 1, 2) {
		r.protect = append(r.protect, set("protect", oneOf(random, "*@partner.z", "BOB@x.y", "name of *", "team-?", "old-*", "ghost", "keep-me", "j*")))
	}
	r.limit = set("max-removals", oneOf(random, "none", "none", "none", "none", "none", "none", "none", "100%", "50%", "25%", "10%", "0%", "0", "2", "10", "20"))
	r.merge = set("name-collisions", oneOf(random, "refuse", "merge")) == "merge"
	r.syncRest = set("on-user-failure", oneOf(random, "skip-group", "sync-rest")) == "sync-rest"
	r.idm = set("idm-type", oneOf(random, "auto", "auto", "SSO", "VOLTERRA_MANAGED"))

	set("retry-profile", oneOf(random, "aggressive", "balanced", "conservative"))
	set("retry-attempts", oneOf(random, "1", "2", "3", "4"))
	set("backoff-jitter", oneOf(random, "none", "full", "equal"))
	set("retry-after-max", oneOf(random, "0", "5", "60"))
	set("group-retry-attempts", oneOf(random, "1", "1", "2", "3"))
	set("retry-budget", oneOf(random, "0", "0", "1", "5"))
	set("circuit-breaker-threshold", oneOf(random, "0", "1", "2", "5"))
	set("circuit-breaker-cooldown", oneOf(random, "0", "1", "30"))
	set("http-retry-attempts", oneOf(random, "1", "2", "3"))
	set("http-retry-scope", oneOf(random, "reads", "reads", "all", "none"))
	set("timeout", oneOf(random, "1", "30"))
	set("concurrency", oneOf(random, "1", "2", "4", "8"))
	set("rate-limit", oneOf(random, "0", "0", "0", "5", "50"))
}

// stated is what an export says.
type stated struct {
	people map[string]*statedPerson
	groups map[string]*statedGroup
	// Held back whole: every membership, every user, every group.
	memberships, users, groupsStay bool
	bad                            int // rows
}

type statedPerson struct {
	active, inactive bool
	unread           bool // a row has a DN that is no good
	unclear          bool // a row's status is not known
	name             nameCell
}

// doubtful reports whether nothing about the person may change.
func (p *statedPerson) doubtful() bool { return p != nil && (p.active && p.inactive || p.unclear) }

type statedGroup struct {
	dns     map[string]bool // keys
	text    string          // the smallest spelling
	cn      string          // of it
	members map[string]bool // active, perhaps inactive elsewhere
	good    bool            // a good row names it
	stay    bool            // nobody is removed: a bad row may have named anybody
}

func (w *world) stated() *stated {
	s := &stated{people: map[string]*statedPerson{}, groups: map[string]*statedGroup{}}
	for _, row := range w.rows {
		if row.odd != 0 {
			s.memberships = true
			s.bad++
			continue
		}
		unread := slices.ContainsFunc(row.dns, dnCell.bad)
		unclear := !w.noStatus && row.unclear()
		good := !unread && row.email != "" && !unclear
		if !good {
			s.bad++
		}
		s.groupsStay = s.groupsStay || unread
		s.users = s.users || row.email == ""
		s.memberships = s.memberships || unread && row.email == "" // it may have said anything
		active := w.noStatus || row.active()
		if row.email != "" {
			s.person(row, active, unread, unclear, w.noNames)
		}
		for _, dn := range row.dns {
			if !dn.bad() {
				s.group(dn).name(row.email, active, good)
			}
		}
	}
	for name, g := range s.groups {
		g.stay = g.stay || !g.good || (s.groupsStay || s.memberships) && len(s.wants(name)) == 0
	}
	return s
}

func (s *stated) person(row exportRow, active, unread, unclear, noNames bool) {
	p := s.people[row.email]
	if p == nil {
		p = &statedPerson{}
		s.people[row.email] = p
	}
	p.active, p.inactive, p.unread, p.unclear = p.active || active, p.inactive || !active && !unclear, p.unread || unread, p.unclear || unclear
	if name := row.name; !noNames && name.text != "" && (p.name.text == "" || name.text < p.name.text) {
		p.name = name
	}
}

func (s *stated) group(dn dnCell) *statedGroup {
	g := s.groups[dn.group]
	if g == nil {
		g = &statedGroup{dns: map[string]bool{}, members: map[string]bool{}}
		s.groups[dn.group] = g
	}
	g.dns[dn.key] = true
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

// wants is who is to be in the group.
func (s *stated) wants(name string) map[string]bool {
	wanted := map[string]bool{}
	for email := range s.groups[name].members {
		if !s.people[email].doubtful() {
			wanted[email] = true
		}
	}
	return wanted
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

// who is the e-mail behind a username, or the username of somebody unknown.
func (h *held) who(username string) string {
	return cmp.Or(strings.ToLower(h.users[username].Email), username)
}

// username of somebody; no such user's is empty.
func (h *held) username(email string) string {
	for username, user := range h.users {
		if strings.ToLower(user.Email) == email {
			return username
		}
	}
	return ""
}

// facts are all that can be lost or won, one by one.
func (h *held) facts() map[string]bool {
	all := map[string]bool{}
	for username, user := range h.users {
		email := strings.ToLower(user.Email)
		all["user "+email+" as "+username+", "+user.IDMType+" "+user.Type+" "+user.SyncMode+" owner "+strconv.FormatBool(user.DomainOwner)+" disabled "+strconv.FormatBool(user.Disabled)] = true
		all["name "+user.FirstName+"/"+user.LastName+" of user "+email] = true
		for _, role := range user.NamespaceRoles {
			all["role "+role.Namespace+"/"+role.Role+" of user "+email] = true
		}
	}
	for name, group := range h.groups {
		all["group "+name+": "+group.DisplayName+"/"+group.Description+"/"+group.SyncID+" "+group.SyncMode] = true
		for _, role := range group.NamespaceRoles {
			all["role "+role.Namespace+"/"+role.Role+" of group "+name] = true
		}
		for username := range h.in[name] {
			all["member "+h.who(username)+" of group "+name] = true
		}
	}
	return all
}
