// Package simulator is an embedded F5 Distributed Cloud tenant: the user and
// user-group part of the API with the real one's semantics, over plain maps.
// It serves --simulate and tests, as an [http.Handler] and, without any
// socket, as an [http.RoundTripper].
//
// It owns the tenant's state, its rules and its faults. It must not know about
// the program that it serves: it imports none of its packages, dials nothing,
// reads no environment and no files, and lets time pass only if a test asks for
// it. Only the command line and tests may import it.
//
// Where F5's documents leave a rule open, the stricter reading is taken, so that
// a client which passes here does not rely on leniency.
package simulator

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Values of the API's enumerations, as F5's documents spell them.
const (
	idmSSO    = "SSO"
	idmLocal  = "VOLTERRA_MANAGED"
	typeUser  = "USER"
	modeSelf  = "SELF"
	modeSCIM  = "SCIM"
	system    = "system"
	tenantID  = "example-com-simulated"
	timestamp = "2024-01-02T03:04:05Z" // of everything: the tenant has no clock of its own
)

// User is an item of the user listing, as far as it differs between users.
type User struct {
	Email       string `json:"email"`
	Name        string `json:"name"` // the username, which groups list; the email if empty
	FirstName   string `json:"first_name"`
	LastName    string `json:"last_name"`
	IDMType     string `json:"idm_type"`  // SSO (also where empty), VOLTERRA_MANAGED, UNDEFINED
	Type        string `json:"type"`      // USER (also where empty), SERVICE, DEBUG
	SyncMode    string `json:"sync_mode"` // SELF (also where empty), SCIM
	DomainOwner bool   `json:"domain_owner"`
	Disabled    bool   `json:"disabled"`
	// GroupNames is derived from the groups; [New] does not read it.
	GroupNames     []string `json:"group_names"`
	NamespaceRoles []Role   `json:"namespace_roles"`
}

// Group is an item of the group listing.
type Group struct {
	Name            string         `json:"name"`
	DisplayName     string         `json:"display_name"`
	Description     string         `json:"description"`
	Usernames       []string       `json:"usernames"`
	NamespaceRoles  []Role         `json:"namespace_roles"`
	SyncID          string         `json:"sync_id"`
	SyncMode        string         `json:"sync_mode"` // SELF (also where empty), SCIM
	ReferencesCount map[string]int `json:"references_count"`
	Error           *Error         `json:"error,omitempty"` // set if the tenant could read the group only in part
}

// Role is a role in a namespace; the namespace "*" stands for all.
type Role struct {
	Namespace string `json:"namespace"`
	Role      string `json:"role"`
}

// Error is an API error: the body of a refusal, or a group's own.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// group keeps a group's members apart: by folded name, in the tenant's spelling.
type group struct {
	Group
	members map[string]string
}

// Tenant is a simulated tenant. It is safe for concurrent use.
type Tenant struct {
	token   string
	latency time.Duration
	faults  []func(int, *http.Request) Fault

	addReplaces bool // group_add

	mu       sync.Mutex
	caller   string // a name or an email
	idm      string // the kind of ordinary users that can be created; "" for any
	users    map[string]*User
	emails   map[string]string // folded email to the key of users
	groups   map[string]*group
	requests []Request
}

// New returns a tenant that holds copies of users and groups. They are not
// checked, so that odd tenants can be made: a group may list a username that no
// user has.
func New(users []User, groups []Group, opts ...Option) *Tenant {
	t := &Tenant{
		idm:    usualIDM(users),
		users:  make(map[string]*User, len(users)),
		emails: make(map[string]string, len(users)),
		groups: make(map[string]*group, len(groups)),
	}
	for _, u := range users {
		t.putUser(u)
	}
	for _, g := range groups {
		t.putGroup(g)
	}
	if i := slices.IndexFunc(users, func(u User) bool { return u.DomainOwner }); i >= 0 {
		t.caller = users[i].Email
	} else if len(users) > 0 {
		t.caller = users[0].Email
	}
	for _, opt := range opts {
		opt(t)
	}
	return t
}

// usualIDM returns the kind of most ordinary users, SSO on a tie, and "" without
// any.
func usualIDM(users []User) string {
	var sso, local int
	for _, u := range users {
		switch {
		case cmp.Or(u.Type, typeUser) != typeUser || u.DomainOwner:
		case u.IDMType == idmLocal:
			local++
		default:
			sso++
		}
	}
	switch {
	case sso+local == 0:
		return ""
	case local > sso:
		return idmLocal
	default:
		return idmSSO
	}
}

// State is everything a tenant holds.
type State struct {
	Users  []User
	Groups []Group
}

// State returns a copy of what the tenant holds now, sorted as [Tenant.Users] and
// [Tenant.Groups] are.
func (t *Tenant) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	return State{t.userList(), t.groupList()}
}

// Users returns copies of the users, sorted by email. No slice is nil.
func (t *Tenant) Users() []User {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.userList()
}

// Groups returns copies of the groups, sorted by name. No slice or map is nil.
func (t *Tenant) Groups() []Group {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.groupList()
}

func (t *Tenant) userList() []User {
	memberships := make(map[string][]string, len(t.users))
	for _, name := range slices.Sorted(maps.Keys(t.groups)) {
		for key := range t.groups[name].members {
			memberships[key] = append(memberships[key], name)
		}
	}
	list := make([]User, 0, len(t.users))
	for key, u := range t.users {
		list = append(list, u.snapshot(memberships[key]))
	}
	slices.SortFunc(list, func(a, b User) int {
		return cmp.Or(cmp.Compare(fold(a.Email), fold(b.Email)), cmp.Compare(a.Name, b.Name))
	})
	return list
}

func (t *Tenant) groupList() []Group {
	list := make([]Group, 0, len(t.groups))
	for _, name := range slices.Sorted(maps.Keys(t.groups)) {
		list = append(list, t.groups[name].snapshot())
	}
	return list
}

func (u User) snapshot(groupNames []string) User {
	u.GroupNames = append([]string{}, groupNames...)
	u.NamespaceRoles = append([]Role{}, u.NamespaceRoles...)
	return u
}

func (g *group) snapshot() Group {
	s := g.Group
	s.Usernames = make([]string, 0, len(g.members))
	for _, key := range slices.Sorted(maps.Keys(g.members)) {
		s.Usernames = append(s.Usernames, g.members[key])
	}
	s.NamespaceRoles = append([]Role{}, g.NamespaceRoles...)
	s.ReferencesCount = make(map[string]int, len(g.ReferencesCount))
	maps.Copy(s.ReferencesCount, g.ReferencesCount)
	if g.Error != nil {
		e := *g.Error
		s.Error = &e
	}
	return s
}

func (t *Tenant) putUser(u User) *User {
	u = u.snapshot(nil)
	u.Name = cmp.Or(u.Name, u.Email)
	u.IDMType = cmp.Or(u.IDMType, idmSSO)
	u.Type = cmp.Or(u.Type, typeUser)
	u.SyncMode = cmp.Or(u.SyncMode, modeSelf)
	t.users[fold(u.Name)] = &u
	t.emails[fold(u.Email)] = fold(u.Name)
	return &u
}

func (t *Tenant) putGroup(g Group) *group {
	kept := &group{Group: g, members: make(map[string]string, len(g.Usernames))}
	for _, name := range g.Usernames {
		kept.members[fold(name)] = name
	}
	kept.Group = kept.snapshot()
	kept.Usernames = nil
	kept.SyncMode = cmp.Or(g.SyncMode, modeSelf)
	t.groups[g.Name] = kept
	return kept
}

// find returns the user of that email or, failing that, of that name.
func (t *Tenant) find(who string) *User {
	if key, ok := t.emails[fold(who)]; ok {
		return t.users[key]
	}
	return t.users[fold(who)]
}

func (t *Tenant) groupsOf(u *User) []string {
	var names []string
	for name, g := range t.groups {
		if _, in := g.members[fold(u.Name)]; in {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// fold makes names and emails comparable: the API compares them without case.
func fold(s string) string { return strings.ToLower(s) }

// uid returns a UUID that depends only on the object's kind and name.
func uid(kind, name string) string {
	h := sha256.Sum256([]byte(kind + "/" + name))
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
