package groupsync_test

import (
	"testing"
	"testing/synctest"
	"time"

	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
	"xc-group-sync/internal/xc"
)

// If somebody changes something while a write waits, because the server holds the
// run back or because the client repeats the write, it is neither undone nor
// deleted.
func TestLateWrites(t *testing.T) {
	t.Parallel()
	const ops = `{"name":"ops","display_name":"Operations","description":"On call.","sync_id":"ops-1",` +
		`"namespace_roles":[{"namespace":"*","role":"monitor"},{"namespace":"system","role":"admin"}],"usernames":["ann@example.com","dee@example.com"]}`
	update := func(t *testing.T, tenant *simulator.Tenant) plan.Operation {
		return updateGroup(t, tenant, "ops", members("cy@example.com"), nil)
	}
	for name, tt := range map[string]struct {
		tenant       func(...simulator.Option) *simulator.Tenant
		operation    func(*testing.T, *simulator.Tenant) plan.Operation
		read         string // before the write
		method, path string // of the write
		by, at, body string // what somebody else sends meanwhile; empty: nothing
		outcome      string
		groups       map[string][]string // and their members in the end
	}{
		"update": {
			tenant: company, operation: update, read: "user_groups/ops", method: "PUT", path: "user_groups/ops",
			by: "PUT", at: "user_groups/ops", body: ops,
			outcome: "update group ops: done update +1 -0", groups: map[string][]string{"ops": {"ann@example.com", "cy@example.com", "dee@example.com"}},
		},
		"update of what nobody changes": {
			tenant: company, operation: update, read: "user_groups/ops", method: "PUT", path: "user_groups/ops",
			outcome: "update group ops: done update +1 -0", groups: map[string][]string{"ops": {"ann@example.com", "Bob.Builder", "cy@example.com"}},
		},
		"deletion": {
			tenant: company, operation: func(t *testing.T, tenant *simulator.Tenant) plan.Operation { return deleteGroup(t, tenant, "old") },
			read: "user_groups/old", method: "DELETE", path: "user_groups/old",
			by: "PUT", at: "users/group_add", body: `{"username":"dee@example.com","group_names":["old"]}`,
			outcome: "delete group old: skipped", groups: map[string][]string{"old": {"cy@example.com", "dee@example.com"}},
		},
		"deletion of a user": {
			tenant: company, operation: func(t *testing.T, tenant *simulator.Tenant) plan.Operation {
				return deleteUser(t, tenant, "dee@example.com")
			},
			read: "user_roles", method: "POST", path: "users/cascade_delete",
			by: "PUT", at: "users/group_add", body: `{"username":"dee@example.com","group_names":["old"]}`,
			outcome: "delete user dee@example.com: skipped", groups: map[string][]string{"old": {"cy@example.com", "dee@example.com"}},
		},
		"rename": {
			tenant: local, operation: func(*testing.T, *simulator.Tenant) plan.Operation { return renamed("bob@example.com") },
			read: "user_roles", method: "PUT", path: "user_roles",
			by: "PUT", at: "users/group_remove", body: `{"username":"bob@example.com","group_names":["dev"]}`,
			outcome: "update user bob@example.com: skipped", groups: map[string][]string{"dev": {"Ann"}},
		},
	} {
		for _, way := range []string{"held", "repeated"} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var tenant *simulator.Tenant
					var client *xc.Client
					options := []simulator.Option{before("GET", tt.read, 2, func() simulator.Fault {
						if tt.by != "" {
							send(t, tenant, tt.by, tt.at, tt.body)
						}
						return simulator.Fault{}
					})}
					refused := simulator.Fault{Status: 429, RetryAfter: "4"}
					scope := xc.ScopeNone
					if way == "held" {
						options = append(options, on("GET", "whoami", 1, refused), before("GET", tt.read, 1, func() simulator.Fault {
							_, _ = client.WhoAmI(t.Context())
							return simulator.Fault{}
						}))
					} else {
						scope = xc.ScopeAll
						options = append(options, on(tt.method, tt.path, 1, refused))
					}
					tenant = tt.tenant(options...)
					operation := tt.operation(t, tenant)
					client = xc.New(xc.Options{BaseURL: base, Transport: tenant, Timeout: 30 * time.Second, RetryAfterMax: time.Minute, Attempts: 3, Scope: scope})
					outcome := groupsync.New(client, groupsync.Options{}).Apply(t.Context(), &plan.Plan{Operations: []plan.Operation{operation}})
					check(t, "outcome", []string{tt.outcome}, told(outcome))
					for name, want := range tt.groups {
						check(t, "members of "+name, want, groupOf(t, tenant, name).Usernames)
					}
					if tt.body == ops {
						check(t, "roles", 2, len(groupOf(t, tenant, "ops").NamespaceRoles))
					}
				})
			})
		}
	}
}
