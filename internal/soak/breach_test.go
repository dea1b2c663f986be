package soak

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"xc-group-sync/internal/simulator"
)

// breach returns what a write is about to do that no write may, whatever the
// plan; empty if nothing. It compares what is sent with what the tenant holds
// now.
func (s *site) breach(r *request, body []byte) string {
	var sent struct {
		Name, Email, Username string
		Usernames             []string
		Groups                []string         `json:"group_names"`
		Roles                 []simulator.Role `json:"namespace_roles"`
	}
	_ = json.Unmarshal(body, &sent) // nil for a deletion
	now := heldOf(s.tenant.State())
	switch {
	case r.action == "grant" || r.action == "revoke":
		return cmp.Or(s.breachOfRoles(r, sent.Roles), s.breachOfGroup(r, now, slices.Collect(maps.Keys(now.in[r.about])), now.groups[r.about].NamespaceRoles))
	case r.action == "update": // one membership
		members := maps.Clone(now.in[r.about])
		if r.path == "users/group_add" {
			members[strings.ToLower(sent.Username)] = true
		} else {
			delete(members, strings.ToLower(sent.Username))
		}
		if !s.world.rules.single || len(sent.Groups) != 1 || members == nil {
			return "memberships are not written singly"
		}
		return s.breachOfGroup(r, now, slices.Collect(maps.Keys(members)), now.groups[r.about].NamespaceRoles)
	case strings.HasPrefix(r.path, "user_groups"):
		return s.breachOfGroup(r, now, sent.Usernames, sent.Roles)
	case r.path == "user_roles" && r.method == http.MethodPost:
		if !s.world.rules.includesPerson(r.about) {
			return "the person is not in scope"
		}
	case r.path == "users/cascade_delete":
		return s.breachOfDeletion(now, r.about)
	default:
		return s.breachOfUser(r, now, sent.Name, sent.Groups, sent.Roles)
	}
	return ""
}

func (s *site) breachOfGroup(r *request, now *held, usernames []string, roles []simulator.Role) string {
	rules, name := &s.world.rules, r.about
	group, exists := now.groups[name]
	description := group.Description
	if before, was := s.before.groups[name]; was {
		description = before.Description // an administrator may have edited it
	}
	deletes := r.method == http.MethodDelete
	switch {
	case !rules.includesGroup(name, owned(description)) && s.world.stated().groups[name] == nil:
		return "the group is not in scope"
	case exists && r.method != http.MethodPost && !rules.mayChange(name, description) && !(deletes && rules.unmanaged):
		return "the group is not this program's to change"
	case deletes && rules.withhold:
		return "removals are withheld"
	}
	kept := map[string]bool{}
	for _, username := range usernames {
		key := strings.ToLower(username)
		kept[key] = true
		if now.in[name][key] || s.hasTaken(key, name) { // an administrator may have removed them since the group was read
			continue
		}
		s.joined[name] = true
		at := now
		if _, exists := now.users[key]; !exists { // an administrator may have deleted them since the listing
			at = s.before
		}
		switch {
		case s.granted[name]:
			return "it adds " + username + " after roles were granted"
		case !rules.includesPerson(s.world.listed(at).who(key)):
			return "it adds " + username + ", who is not in scope"
		}
	}
	if r.method == http.MethodPost {
		for _, role := range roles {
			if !slices.Contains(rules.roles[name], role.Namespace+"/"+role.Role) {
				return "it gives a role that is not listed"
			}
		}
		return ""
	}
	for _, role := range roles {
		if !deletes && !slices.Contains(group.NamespaceRoles, role) {
			return "it gives a role"
		}
	}
	for _, role := range group.NamespaceRoles {
		if !deletes && !slices.Contains(roles, role) {
			return "it takes a role away"
		}
	}
	for username := range now.in[name] {
		if reason := s.mustStay(now, username); !kept[username] && (reason != "" || rules.protects(name)) {
			return "it removes " + username + ", who must stay: " + reason
		}
	}
	return ""
}

// breachOfRoles: a group gets what the policy lists, after its members, and loses
// what it does not list if that is enforced, before anybody is added.
func (s *site) breachOfRoles(r *request, roles []simulator.Role) string {
	rules, name := &s.world.rules, r.about
	listed, isListed := rules.roles[name]
	for _, role := range roles {
		if slices.Contains(listed, role.Namespace+"/"+role.Role) != (r.action == "grant") {
			return "it is about a role that it must leave alone"
		}
	}
	switch {
	case !isListed:
		return "the policy does not list the group"
	case r.action == "grant":
		s.granted[name] = true
	case rules.withhold || !rules.enforce:
		return "nothing may be revoked"
	case s.joined[name] || s.granted[name]:
		return "it revokes after others were added or roles granted"
	}
	return ""
}

// hasTaken reports whether somebody else removed a member.
func (s *site) hasTaken(username, group string) bool {
	for f := range s.taken {
		if f.what == "member" && f.username == username && f.group == group {
			return true
		}
	}
	return false
}

func (s *site) breachOfUser(r *request, now *held, name string, groups []string, roles []simulator.Role) string {
	username := strings.ToLower(name)
	user, exists := now.users[username]
	if s.world.rules.single && len(s.given)+len(s.taken) > 0 {
		return "" // an administrator's doing may look like the tenant's, and is put right
	}
	for group := range now.in {
		// An administrator may have removed the user meanwhile.
		if is, was, will := now.in[group][username], s.before.in[group][username], slices.Contains(groups, group); exists && (is && !will || will && !is && !was) {
			return "it changes groups"
		}
	}
	switch {
	case !exists:
	case !slices.Equal(user.NamespaceRoles, roles):
		return "it changes roles"
	case !s.world.rules.includesPerson(r.about):
		return "the person is not in scope"
	case len(now.withEmail(r.about)) > 1:
		return "several users have this email"
	case user.Type != "USER" || user.IDMType != "VOLTERRA_MANAGED" || user.SyncMode != "SELF":
		return "it is not a local user"
	}
	return ""
}

func (s *site) breachOfDeletion(now *held, email string) string {
	usernames := now.withEmail(email)
	switch len(usernames) {
	case 0:
		return "" // an earlier attempt did it
	case 1:
	default:
		return "several users have this email"
	}
	username := usernames[0]
	for name := range maps.Keys(now.in) {
		if now.in[name][username] && s.world.rules.protects(name) {
			return "a member of a protected group"
		}
	}
	if now.users[username].SyncMode == "SCIM" {
		return "SCIM syncs the user"
	}
	return s.mustStay(now, username)
}

// mustStay returns why nothing may be taken away from a user; empty if it may.
func (s *site) mustStay(now *held, username string) string {
	rules, user := &s.world.rules, now.users[username]
	email := mail(user.Email)
	_, shared := s.world.listed(now).user(email)
	switch {
	case rules.withhold:
		return "removals are withheld"
	case user.Name == "" || s.world.unlisted[username]:
		return "not in the listing"
	case user.DomainOwner:
		return "the domain owner"
	case user.Type != "USER":
		return "not a person"
	case username == s.world.callerUser && s.knowsCaller():
		return "the caller"
	case shared:
		return "several users have this email"
	case !rules.includesPerson(email):
		return "not in scope"
	case rules.protects(email, username):
		return "protected"
	}
	return ""
}

// knowsCaller reports whether the run was told who the caller is.
func (s *site) knowsCaller() bool {
	return slices.ContainsFunc(s.requests, func(q *request) bool { return q.path == "whoami" && q.whole() })
}
