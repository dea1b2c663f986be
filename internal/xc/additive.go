package xc

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"xc-group-sync/internal/directory"
)

// holdings are what the tenant's groups and users held when they were last read.
// An additive client sends a replacement only if it carries all of that over: of
// a group the members and roles, of a user the groups and direct roles. It does
// not know what has been added since then, so read an object right before
// replacing it. A nil *holdings keeps nothing.
type holdings struct {
	mu     sync.Mutex
	groups map[directory.GroupName]holding
	users  map[userKey]holding // by username and by email: a replacement may be taken by either
}

// userKey is one of a user's two names: one user's username may be another's
// email.
type userKey struct {
	username string // Username.Key
	email    directory.Email
}

// holding is what an object held. Its names are keys of usernames or names of
// groups.
type holding struct {
	names      []string
	roles      []directory.Role
	incomplete bool // there may be more
}

func newHoldings() *holdings {
	return &holdings{groups: map[directory.GroupName]holding{}, users: map[userKey]holding{}}
}

// readUsers records a listing. Users that are listed without groups or roles may
// still have some.
func (h *holdings) readUsers(users []directory.User) {
	if h == nil {
		return
	}
	noted := make(map[userKey]holding, 2*len(users))
	for i := range users {
		user := &users[i]
		for _, key := range []userKey{{username: user.Username.Key()}, {email: user.Email}} {
			other := noted[key] // of another user with this email
			noted[key] = holding{
				slices.Concat(other.names, user.Groups), slices.Concat(other.roles, user.Roles), other.incomplete || user.Groups == nil || user.Roles == nil,
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users = noted
}

// readGroup records a group. What the response does not say stays as recorded
// before.
func (h *holdings) readGroup(group *directory.Group) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	held := h.groups[group.Name]
	held.incomplete = group.ReadError != ""
	if group.Usernames != nil {
		held.names = usernameKeys(group.Usernames)
	}
	if group.Roles != nil {
		held.roles = slices.Clone(group.Roles)
	}
	h.groups[group.Name] = held
}

// removal says what a write would or could remove, as in "would remove …", or
// returns "" if it removes nothing. It has a list of the requests that remove
// nothing, not of those that do.
func (h *holdings) removal(method, path string, in any) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch in := in.(type) {
	case userRequest:
		if method == http.MethodPost {
			return ""
		}
		username := directory.Username(cmp.Or(string(in.Name), in.Email))
		byUsername, known := h.users[userKey{username: username.Key()}]
		byEmail := h.users[userKey{email: directory.ObservedEmail(in.Email)}]
		return cmp.Or(byUsername.removal(known, in.GroupNames, in.Roles), byEmail.removal(known, in.GroupNames, in.Roles))
	case groupRequest:
		if method == http.MethodPost {
			return ""
		}
		held, known := h.groups[directory.GroupName(in.Name)]
		return held.removal(known, usernameKeys(in.Usernames), in.Roles)
	case rolesRequest:
		if strings.HasSuffix(path, assignRoles) {
			return ""
		}
	case membershipRequest:
		if path == groupAdd {
			return ""
		}
	}
	return "is a removal"
}

// removal says what a replacement with these names and roles would or could
// remove, or returns "".
func (h holding) removal(known bool, names []string, roles []directory.Role) string {
	if !known || h.incomplete {
		return "could remove something: the object was not read whole before"
	}
	kept := make(map[string]bool, len(names))
	for _, name := range names {
		kept[name] = true
	}
	for _, name := range h.names {
		if !kept[name] {
			return fmt.Sprintf("would remove %q", name)
		}
	}
	for _, role := range h.roles {
		if !slices.Contains(roles, role) {
			return fmt.Sprintf("would remove the role %s on %q", role.Role, role.Namespace)
		}
	}
	return ""
}

func usernameKeys(usernames []directory.Username) []string {
	keys := make([]string, len(usernames))
	for i, username := range usernames {
		keys[i] = username.Key()
	}
	return keys
}
