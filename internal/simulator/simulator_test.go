package simulator_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"xc-group-sync/internal/openapitest"
	"xc-group-sync/internal/simulator"
)

const (
	base   = "https://example.console.ves.volterra.io/api/web/custom/namespaces/system/"
	users  = "user_roles"
	groups = "user_groups"
	remove = "users/cascade_delete"
	add    = "users/group_add"
	leave  = "users/group_remove"
)

// send sends a request through rt and returns the answer's status and body.
func send(t *testing.T, rt http.RoundTripper, method, path, body string) (int, string) {
	t.Helper()
	resp, err := rt.RoundTrip(newRequest(t, method, path, body))
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if kind := resp.Header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("%s %s: Content-Type = %q", method, path, kind)
	}
	return resp.StatusCode, string(text)
}

func newRequest(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, content)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

// odd is the sample and what it has no example of.
func odd(opts ...simulator.Option) *simulator.Tenant {
	u, g := simulator.Sample()
	g = append(g, simulator.Group{Name: "half-read", Error: &simulator.Error{Code: "EPARTIAL", Message: "members unknown"}})
	return simulator.New(u, g, opts...)
}

type operation struct {
	name, method, path, body string
	status                   int
	contains                 string // in the answer
	// undocumented marks requests that the documents do not allow.
	undocumented bool
	// users and groups are what is different in the tenant afterwards: by
	// email or name, nil for one that is gone.
	users  map[string]*simulator.User
	groups map[string]*simulator.Group
}

func operations() []operation {
	return slices.Concat(readOperations(), userOperations(), groupOperations(), roleOperations(), membershipOperations())
}

func readOperations() []operation {
	return []operation{
		{name: "users", method: "GET", path: users, status: 200,
			contains: `"email":"alan.turing@example.com","name":"aturing","first_name":"Alan","last_name":"Turing","idm_type":"SSO","type":"USER","sync_mode":"SELF","domain_owner":false,"disabled":false,"group_names":["xc-network-operators"],"namespace_roles":[]`},
		{name: "caller", method: "GET", path: "whoami", status: 200, contains: `"email":"admin@example.com"`},
		{name: "groups", method: "GET", path: groups, status: 200, contains: `"references_count":{"ves.io.schema.`},
		{name: "groups, half read", method: "GET", path: groups, status: 200,
			contains: `"usernames":[],"namespace_roles":[],"sync_id":"","sync_mode":"SELF","references_count":{},"error":{"code":"EPARTIAL"`},
		{name: "group", method: "GET", path: groups + "/scim-contractors", status: 200, contains: `"sync_mode":"SCIM"`},
		{name: "group, half read", method: "GET", path: groups + "/half-read", status: 200, contains: `"error":{"code":"EPARTIAL"`},
		{name: "group, missing", method: "GET", path: groups + "/nobody", status: 404, contains: `"code":"ENOTFOUND"`},
		{name: "unknown path", method: "GET", path: "users", status: 404, undocumented: true},
		{name: "unknown path below a group", method: "GET", path: groups + "/xc-auditors/usernames", status: 404, undocumented: true},
		{name: "other method", method: "PATCH", path: groups, status: 405, undocumented: true},
		{name: "other method on a group", method: "POST", path: groups + "/xc-auditors", status: 405, undocumented: true},
	}
}

func userOperations() []operation {
	linus := func(change func(*simulator.User)) map[string]*simulator.User {
		u := &simulator.User{Email: "Linus@example.com", Name: "Linus@example.com", FirstName: "Linus", LastName: "T",
			IDMType: "SSO", Type: "USER", SyncMode: "SELF"}
		if change != nil {
			change(u)
		}
		return map[string]*simulator.User{"Linus@example.com": u}
	}
	const names = `"first_name":"Linus","last_name":"T"`
	const turing = `"email":"Alan.Turing@example.com","first_name":"A.","last_name":"T."`
	return []operation{
		{name: "create user", method: "POST", path: users, body: `{"email":"Linus@example.com",` + names + `}`, status: 200,
			contains: `"state":"StateActive"`, users: linus(nil)},
		{name: "create user with all", method: "POST", path: users, status: 200,
			body: `{"email":"Linus@example.com","name":"linus","namespace":"system","idm_type":"VOLTERRA_MANAGED","type":"SERVICE",
				"group_names":["xc-auditors"],"namespace_roles":[{"namespace":"*","role":"r"}],` + names + `}`,
			contains: `"kind":"user_group","name":"xc-auditors"`,
			users: linus(func(u *simulator.User) {
				u.Name, u.IDMType, u.Type, u.GroupNames = "linus", "VOLTERRA_MANAGED", "SERVICE", []string{"xc-auditors"}
				u.NamespaceRoles = []simulator.Role{{Namespace: "*", Role: "r"}}
			}),
			groups: map[string]*simulator.Group{"xc-auditors": with("xc-auditors", func(g *simulator.Group) {
				g.Usernames = []string{"donald.knuth@example.com", "john.backus@example.com", "linus"}
			})}},
		{name: "create user, email taken", method: "POST", path: users, body: `{"email":"ADMIN@example.com",` + names + `}`, status: 409, contains: `"code":"EEXISTS"`},
		{name: "create user, name taken", method: "POST", path: users, body: `{"email":"Linus@example.com","name":"ATuring",` + names + `}`, status: 409},
		{name: "create user, no last name", method: "POST", path: users, body: `{"email":"Linus@example.com","first_name":"Linus"}`, status: 400, contains: `"code":"EBADINPUT"`},
		{name: "create user, empty first name", method: "POST", path: users, body: `{"email":"Linus@example.com","first_name":"","last_name":"T"}`, status: 400},
		{name: "create user, no email", method: "POST", path: users, body: `{` + names + `}`, status: 400},
		{name: "create user, bad email", method: "POST", path: users, body: `{"email":"linus",` + names + `}`, status: 400},
		{name: "create user, other kind", method: "POST", path: users, body: `{"email":"Linus@example.com","idm_type":"VOLTERRA_MANAGED",` + names + `}`, status: 400, contains: "SSO users only"},
		{name: "create user, unknown kind", method: "POST", path: users, body: `{"email":"Linus@example.com","idm_type":"LDAP",` + names + `}`, status: 400, undocumented: true},
		{name: "create user, unknown type", method: "POST", path: users, body: `{"email":"Linus@example.com","type":"user",` + names + `}`, status: 400, undocumented: true},
		{name: "create user, unknown group", method: "POST", path: users, body: `{"email":"Linus@example.com","group_names":["nobody"],` + names + `}`, status: 400},
		{name: "create user, group of SCIM", method: "POST", path: users, body: `{"email":"Linus@example.com","group_names":["scim-contractors"],` + names + `}`, status: 400},
		{name: "create user, other namespace", method: "POST", path: users, body: `{"email":"Linus@example.com","namespace":"default",` + names + `}`, status: 400},
		{name: "create user, half a role", method: "POST", path: users, body: `{"email":"Linus@example.com","namespace_roles":[{"role":"r"}],` + names + `}`, status: 400},
		{name: "create user, unknown field", method: "POST", path: users, body: `{"email":"Linus@example.com","sync_mode":"SELF",` + names + `}`, status: 400, undocumented: true},
		{name: "create user, trailing data", method: "POST", path: users, body: `{"email":"Linus@example.com",` + names + `}{}`, status: 400, undocumented: true},
		{name: "create user, no object", method: "POST", path: users, body: `null`, status: 400, undocumented: true},
		{name: "create user, no body", method: "POST", path: users, status: 400, undocumented: true},

		{name: "replace user: what is left out is removed", method: "PUT", path: users, body: `{` + turing + `}`, status: 200,
			users: map[string]*simulator.User{"alan.turing@example.com": {
				Email: "alan.turing@example.com", Name: "aturing", FirstName: "A.", LastName: "T.", IDMType: "SSO", Type: "USER", SyncMode: "SELF"}},
			groups: map[string]*simulator.Group{"xc-network-operators": with("xc-network-operators", func(g *simulator.Group) {
				g.Usernames = g.Usernames[1:]
			})}},
		{name: "replace user: what is carried over stays", method: "PUT", path: users, status: 200,
			body: `{"email":"alan.turing@example.com","name":"aturing","first_name":"Alan","last_name":"Turing","idm_type":"SSO","type":"USER","group_names":["xc-network-operators"]}`},
		{name: "replace user, missing", method: "PUT", path: users, body: `{"email":"Linus@example.com",` + names + `}`, status: 404},
		{name: "replace user, no names", method: "PUT", path: users, body: `{"email":"alan.turing@example.com"}`, status: 400},
		{name: "replace user, other name", method: "PUT", path: users, body: `{"name":"alan",` + turing + `}`, status: 400},
		{name: "replace user, other kind", method: "PUT", path: users, body: `{"idm_type":"VOLTERRA_MANAGED",` + turing + `}`, status: 400},
		{name: "replace user, other type", method: "PUT", path: users, body: `{"type":"SERVICE",` + turing + `}`, status: 400},
		{name: "replace user, unknown group", method: "PUT", path: users, body: `{"group_names":["nobody"],` + turing + `}`, status: 400},
		{name: "replace user of SCIM", method: "PUT", path: users, body: `{"email":"radia.perlman@example.com","first_name":"R","last_name":"P"}`, status: 400, contains: "SCIM"},

		{name: "delete user", method: "POST", path: remove, body: `{"email":"Alan.Turing@example.com","namespace":"system"}`, status: 200,
			contains: `"delete_ok":true`, users: map[string]*simulator.User{"alan.turing@example.com": nil},
			groups: map[string]*simulator.Group{"xc-network-operators": with("xc-network-operators", func(g *simulator.Group) {
				g.Usernames = g.Usernames[1:]
			})}},
		{name: "delete user, missing", method: "POST", path: remove, body: `{"email":"Linus@example.com"}`, status: 404},
		{name: "delete user, no email", method: "POST", path: remove, body: `{"namespace":"system"}`, status: 400},
		{name: "delete user, other namespace", method: "POST", path: remove, body: `{"email":"alan.turing@example.com","namespace":"default"}`, status: 400},
		{name: "delete domain owner", method: "POST", path: remove, body: `{"email":"admin@example.com"}`, status: 200, contains: `"delete_ok":false,"items":[{"error_message":"the domain owner`},
		{name: "delete user of SCIM", method: "POST", path: remove, body: `{"email":"radia.perlman@example.com"}`, status: 200, contains: `"delete_ok":false`},
	}
}

func groupOperations() []operation {
	const admins = groups + "/xc-platform-admins"
	return []operation{
		{name: "create group", method: "POST", path: groups, body: `{"name":"new"}`, status: 200, contains: `"usernames":[]`,
			groups: map[string]*simulator.Group{"new": {Name: "new", SyncMode: "SELF"}}},
		{name: "create group with all", method: "POST", path: groups, status: 200,
			body: `{"name":"new-1","display_name":"New","description":"d","usernames":["ATURING","grace.hopper@example.com","aturing"],"namespace_roles":[{"namespace":"*","role":"r"}],"sync_id":"s"}`,
			groups: map[string]*simulator.Group{"new-1": {Name: "new-1", DisplayName: "New", Description: "d", SyncMode: "SELF", SyncID: "s",
				Usernames: []string{"aturing", "Grace.Hopper@example.com"}, NamespaceRoles: []simulator.Role{{Namespace: "*", Role: "r"}}}},
			users: map[string]*simulator.User{
				"alan.turing@example.com":  in("alan.turing@example.com", "new-1", "xc-network-operators"),
				"grace.hopper@example.com": in("grace.hopper@example.com", "new-1", "xc-platform-admins", "xc-security-analysts"),
			}},
		{name: "create group, exists", method: "POST", path: groups, body: `{"name":"xc-auditors"}`, status: 409, contains: `"code":"EEXISTS"`},
		{name: "create group, no name", method: "POST", path: groups, body: `{}`, status: 400},
		{name: "create group, upper case", method: "POST", path: groups, body: `{"name":"New"}`, status: 400},
		{name: "create group, digit first", method: "POST", path: groups, body: `{"name":"1st"}`, status: 400},
		{name: "create group, dash last", method: "POST", path: groups, body: `{"name":"new-"}`, status: 400},
		{name: "create group, 63 letters", method: "POST", path: groups, body: `{"name":"` + strings.Repeat("a", 63) + `"}`, status: 200,
			groups: map[string]*simulator.Group{strings.Repeat("a", 63): {Name: strings.Repeat("a", 63), SyncMode: "SELF"}}},
		{name: "create group, 64 letters", method: "POST", path: groups, body: `{"name":"` + strings.Repeat("a", 64) + `"}`, status: 400},
		{name: "create group, unknown user", method: "POST", path: groups, body: `{"name":"new","usernames":["alan.turing@example.com"]}`, status: 400, contains: "alan.turing@example.com"},
		{name: "create group, unknown field", method: "POST", path: groups, body: `{"name":"new","sync_mode":"SELF"}`, status: 400, undocumented: true},
		{name: "create group, no object", method: "POST", path: groups, body: `[]`, status: 400, undocumented: true},

		{name: "replace group: what is left out is removed", method: "PUT", path: admins, body: `{}`, status: 200, contains: `"namespace_roles":[]`,
			groups: map[string]*simulator.Group{"xc-platform-admins": {Name: "xc-platform-admins", SyncMode: "SELF"}},
			users: map[string]*simulator.User{
				"admin@example.com": in("admin@example.com"), "ada.lovelace@example.com": in("ada.lovelace@example.com"),
				"grace.hopper@example.com": in("grace.hopper@example.com", "xc-security-analysts"),
			}},
		{name: "replace group: references and error stay", method: "PUT", path: groups + "/xc-legacy-vpn", status: 200,
			body: `{"name":"xc-legacy-vpn","display_name":"XC-Legacy-VPN","description":"Managed by xc-group-sync, kept for the child tenants.","usernames":["KATHERINE.Johnson@example.com"]}`},
		{name: "replace group, missing", method: "PUT", path: groups + "/nobody", body: `{}`, status: 404},
		{name: "replace group, other name", method: "PUT", path: admins, body: `{"name":"admins"}`, status: 400},
		{name: "replace group, unknown user", method: "PUT", path: admins, body: `{"usernames":["nobody"]}`, status: 400},
		{name: "replace group, half a role", method: "PUT", path: admins, body: `{"namespace_roles":[{"namespace":"*"}]}`, status: 400},
		{name: "replace group of SCIM", method: "PUT", path: groups + "/scim-contractors", body: `{}`, status: 400, contains: "SCIM"},

		{name: "delete group", method: "DELETE", path: groups + "/xc-auditors", status: 200, contains: `{}`,
			groups: map[string]*simulator.Group{"xc-auditors": nil},
			users: map[string]*simulator.User{
				"donald.knuth@example.com": in("donald.knuth@example.com"), "john.backus@example.com": in("john.backus@example.com"),
			}},
		{name: "delete group, missing", method: "DELETE", path: groups + "/nobody", status: 404},
		{name: "delete group, referenced", method: "DELETE", path: groups + "/xc-legacy-vpn", status: 409},
		{name: "delete group, references kept", method: "DELETE", path: groups + "/xc-legacy-vpn?attempt_remove_references=false", status: 409},
		{name: "delete group, references and all", method: "DELETE", path: groups + "/xc-legacy-vpn?attempt_remove_references=true", status: 200,
			groups: map[string]*simulator.Group{"xc-legacy-vpn": nil},
			users:  map[string]*simulator.User{"katherine.johnson@example.com": in("katherine.johnson@example.com", "xc-incident-response")}},
		{name: "delete group of SCIM", method: "DELETE", path: groups + "/scim-contractors", status: 400},
	}
}

func roleOperations() []operation {
	const (
		admins = groups + "/xc-platform-admins"
		assign = "/assign_namespace_roles"
		revoke = "/remove_namespace_roles"
	)
	changed := func(name string, roles ...simulator.Role) map[string]*simulator.Group {
		return map[string]*simulator.Group{name: with(name, func(g *simulator.Group) { g.NamespaceRoles = roles })}
	}
	admin := simulator.Role{Namespace: "*", Role: "ves-io-admin-role"}
	monitor := simulator.Role{Namespace: "system", Role: "ves-io-monitor-role"}
	all := []operation{
		{name: "assign roles: those that are there stay", method: "PUT", path: admins + assign, status: 200,
			body:     `{"name":"xc-platform-admins","namespace_roles":[{"namespace":"system","role":"ves-io-monitor-role"},{"namespace":"*","role":"ves-io-admin-role"}]}`,
			contains: `{"namespace":"system","role":"ves-io-monitor-role"}`, groups: changed("xc-platform-admins", admin, monitor)},
		{name: "remove roles: others stay", method: "PUT", path: groups + "/xc-auditors" + revoke, status: 200,
			body:     `{"name":"xc-auditors","namespace_roles":[{"namespace":"payments","role":"ves-io-waap-monitor-role"},{"namespace":"*","role":"ves-io-monitor-role"}]}`,
			contains: `"usernames":["donald.knuth@example.com"`, groups: changed("xc-auditors", monitor)},
		{name: "remove all roles", method: "PUT", path: admins + revoke, status: 200, contains: `"namespace_roles":[]`, groups: changed("xc-platform-admins"),
			body: `{"name":"xc-platform-admins","namespace_roles":[{"namespace":"*","role":"ves-io-admin-role"}]}`},
	}
	for _, end := range []string{assign, revoke} {
		all = append(all,
			operation{name: end + ", missing group", method: "PUT", path: groups + "/nobody" + end, body: `{"name":"nobody","namespace_roles":[{"namespace":"*","role":"r"}]}`, status: 404},
			operation{name: end + ", other name", method: "PUT", path: admins + end, body: `{"name":"admins","namespace_roles":[{"namespace":"*","role":"r"}]}`, status: 400},
			operation{name: end + ", no roles", method: "PUT", path: admins + end, body: `{"name":"xc-platform-admins"}`, status: 400},
			operation{name: end + ", half a role", method: "PUT", path: admins + end, body: `{"name":"xc-platform-admins","namespace_roles":[{"role":"r"}]}`, status: 400},
			operation{name: end + ", unknown field", method: "PUT", path: admins + end, body: `{"name":"xc-platform-admins","roles":[{"namespace":"*","role":"r"}]}`, status: 400, undocumented: true},
			operation{name: end + ", group of SCIM", method: "PUT", path: groups + "/scim-contractors" + end, body: `{"name":"scim-contractors","namespace_roles":[{"namespace":"staging","role":"ves-io-default-role"}]}`, status: 400, contains: "SCIM"},
			operation{name: end + ", other method", method: "POST", path: admins + end, body: `{}`, status: 405, undocumented: true},
		)
	}
	return all
}

func membershipOperations() []operation {
	const auditors, operators = "xc-auditors", "xc-network-operators"
	all := []operation{
		{name: "add to groups: others stay", method: "PUT", path: add, body: `{"username":"ATURING","group_names":["xc-auditors","xc-network-operators"]}`, status: 200, contains: `{}`,
			users: map[string]*simulator.User{"alan.turing@example.com": in("alan.turing@example.com", auditors, operators)},
			groups: map[string]*simulator.Group{auditors: with(auditors, func(g *simulator.Group) {
				g.Usernames = []string{"aturing", "donald.knuth@example.com", "john.backus@example.com"}
			})}},
		{name: "remove from a group: others stay", method: "PUT", path: leave, body: `{"username":"grace.hopper@example.com","group_names":["xc-platform-admins"]}`, status: 200, contains: `{}`,
			users: map[string]*simulator.User{"grace.hopper@example.com": in("grace.hopper@example.com", "xc-security-analysts")},
			groups: map[string]*simulator.Group{"xc-platform-admins": with("xc-platform-admins", func(g *simulator.Group) {
				g.Usernames = []string{"ada.lovelace@example.com", "admin@example.com"}
			})}},
		{name: "remove from a group without that member", method: "PUT", path: leave, body: `{"username":"aturing","group_names":["xc-auditors"]}`, status: 200},
		{name: "add to a group that is missing, too", method: "PUT", path: add, body: `{"username":"aturing","group_names":["nobody","xc-auditors"]}`, status: 200,
			contains: `{"error":{"code":"EPARTIAL","message":"no group \"nobody\""}}`,
			users:    map[string]*simulator.User{"alan.turing@example.com": in("alan.turing@example.com", auditors, operators)},
			groups: map[string]*simulator.Group{auditors: with(auditors, func(g *simulator.Group) {
				g.Usernames = []string{"aturing", "donald.knuth@example.com", "john.backus@example.com"}
			})}},
	}
	for _, path := range []string{add, leave} {
		all = append(all,
			operation{name: path + ", missing group", method: "PUT", path: path, body: `{"username":"aturing","group_names":["nobody"]}`, status: 200, contains: `"code":"EPARTIAL"`},
			operation{name: path + ", group of SCIM", method: "PUT", path: path, body: `{"username":"radia.perlman@example.com","group_names":["scim-contractors"]}`, status: 200, contains: `"code":"EPARTIAL"`},
			operation{name: path + ", missing user", method: "PUT", path: path, body: `{"username":"alan.turing@example.com","group_names":["xc-auditors"]}`, status: 404},
			operation{name: path + ", no user", method: "PUT", path: path, body: `{"username":"","group_names":["xc-auditors"]}`, status: 400, undocumented: true},
			operation{name: path + ", long username", method: "PUT", path: path, body: `{"username":"` + strings.Repeat("a", 321) + `","group_names":["xc-auditors"]}`, status: 400, undocumented: true},
			operation{name: path + ", no groups", method: "PUT", path: path, body: `{"username":"aturing"}`, status: 400},
			operation{name: path + ", unknown field", method: "PUT", path: path, body: `{"email":"aturing","group_names":["xc-auditors"]}`, status: 400, undocumented: true},
			operation{name: path + ", other method", method: "POST", path: path, body: `{"username":"aturing","group_names":["xc-auditors"]}`, status: 405, undocumented: true},
		)
	}
	return all
}

// A tenant may take group_add for a replacement: a client can find out by this.
func TestGroupAddReplaces(t *testing.T) {
	t.Parallel()
	tenant := odd(simulator.WithGroupAddReplaces())
	if status, body := send(t, tenant, "PUT", add, `{"username":"radia.perlman@example.com","group_names":["xc-auditors"]}`); status != 200 || body != "{}" {
		t.Errorf("answer = %d %s", status, body)
	}
	// Only the identity provider changes its own group.
	if diff := cmp.Diff([]string{"scim-contractors", "xc-auditors"}, byEmail(tenant)["radia.perlman@example.com"].GroupNames); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

// with is a group of the sample, changed.
func with(name string, change func(*simulator.Group)) *simulator.Group {
	for _, g := range odd().Groups() {
		if g.Name == name {
			change(&g)
			return &g
		}
	}
	return nil
}

// in is a user of the sample who is in just these groups.
func in(email string, names ...string) *simulator.User {
	for _, u := range odd().Users() {
		if u.Email == email {
			u.GroupNames = names
			return &u
		}
	}
	return nil
}

func TestOperations(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			tenant := odd()
			wantUsers, wantGroups := byEmail(tenant), byName(tenant)
			status, body := send(t, tenant, op.method, op.path, op.body)
			if status != op.status || !strings.Contains(body, op.contains) {
				t.Errorf("answer = %d %s\nwant %d with %s", status, body, op.status, op.contains)
			}
			if !json.Valid([]byte(body)) {
				t.Errorf("answer is no JSON: %s", body)
			}
			apply(wantUsers, op.users)
			apply(wantGroups, op.groups)
			if diff := cmp.Diff(wantUsers, byEmail(tenant), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("users (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(wantGroups, byName(tenant), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOperationsAreAsDocumented(t *testing.T) {
	t.Parallel()
	checker := openapitest.Load(t)
	for _, op := range operations() {
		if op.undocumented {
			continue
		}
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			tenant := odd(simulator.WithToken("secret"))
			rt := checker.Transport(t, tenant)
			if status, body := send(t, rt, op.method, op.path, op.body); status != http.StatusUnauthorized {
				t.Errorf("without a token: %d %s", status, body)
			}
			if status, body := send(t, authorized{rt, "secret"}, op.method, op.path, op.body); status != op.status {
				t.Errorf("with a token: %d %s, want %d", status, body, op.status)
			}
		})
	}
}

type authorized struct {
	next  http.RoundTripper
	token string
}

func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "APIToken "+a.token)
	return a.next.RoundTrip(r)
}

// TestListingsAreComplete holds the listings' items against all that the
// documents name, for a client may come to read any of it.
func TestListingsAreComplete(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][]string{
		users: {"creation_timestamp", "disabled", "domain_owner", "email", "first_name", "group_names", "idm_type",
			"last_login_timestamp", "last_name", "name", "namespace", "namespace_roles", "otp_enabled", "sync_mode",
			"tenant", "tenant_type", "type"},
		groups: {"description", "display_name", "id", "name", "namespace_roles", "references_count", "sync_id",
			"sync_mode", "uid", "usernames"},
	} {
		u, g := simulator.Sample()
		_, body := send(t, simulator.New(u, g), "GET", path, "")
		var listing map[string][]map[string]any
		if err := json.NewDecoder(bytes.NewBufferString(body)).Decode(&listing); err != nil {
			t.Fatal(err)
		}
		for _, items := range listing {
			for _, item := range items {
				var got []string
				for name, value := range item {
					if got = append(got, name); value == nil {
						t.Errorf("%s: %s is null", path, name)
					}
				}
				if diff := cmp.Diff(want, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", path, diff)
				}
			}
		}
	}
}

func apply[T any](state map[string]T, changes map[string]*T) {
	for key, change := range changes {
		if change == nil {
			delete(state, key)
		} else {
			state[key] = *change
		}
	}
}

func byEmail(t *simulator.Tenant) map[string]simulator.User {
	all := make(map[string]simulator.User)
	for _, u := range t.Users() {
		all[u.Email] = u
	}
	return all
}

func byName(t *simulator.Tenant) map[string]simulator.Group {
	all := make(map[string]simulator.Group)
	for _, g := range t.Groups() {
		all[g.Name] = g
	}
	return all
}
