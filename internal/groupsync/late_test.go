package groupsync_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"xc-group-sync/internal/directory"
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
		then         string // the user they create after that; empty: none
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
		"creation of what exists": {
			tenant: company, operation: func(*testing.T, *simulator.Tenant) plan.Operation {
				return createGroup("ops", member("cy@example.com"))
			},
			read: "user_groups/ops", method: "PUT", path: "user_groups/ops",
			by: "PUT", at: "user_groups/ops", body: ops,
			outcome: "create group ops: done update +1 -0", groups: map[string][]string{"ops": {"ann@example.com", "cy@example.com", "dee@example.com"}},
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
		"deletion of a user who is somebody else by now": {
			tenant: company, operation: func(t *testing.T, tenant *simulator.Tenant) plan.Operation {
				return deleteUser(t, tenant, "dee@example.com")
			},
			read: "user_roles", method: "POST", path: "users/cascade_delete",
			by: "POST", at: "users/cascade_delete", body: `{"email":"dee@example.com","namespace":"system"}`,
			then:    `{"email":"dee@example.com","name":"Dee","first_name":"Dee","last_name":"D","idm_type":"SSO","type":"USER","group_names":["ops"]}`,
			outcome: "delete user dee@example.com: done delete", groups: map[string][]string{"ops": {"ann@example.com", "Bob.Builder", "Dee"}},
		},
		"rename": {
			tenant: local, operation: func(*testing.T, *simulator.Tenant) plan.Operation { return renamed("bob@example.com") },
			read: "user_roles", method: "PUT", path: "user_roles",
			by: "PUT", at: "users/group_remove", body: `{"username":"bob@example.com","group_names":["dev"]}`,
			outcome: "update user bob@example.com: done update", groups: map[string][]string{"dev": {"Ann"}},
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
						if tt.then != "" {
							send(t, tenant, "POST", "user_roles", tt.then)
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

// TestLateWritesUnderARateLimit: writes that are late wait for no other reads, and
// operations share a listing, so a limit that the run does not know costs little more
// than the requests of an undisturbed one.
func TestLateWritesUnderARateLimit(t *testing.T) {
	t.Parallel()
	const n, flying, perSecond = 300, 64, 2
	for name, tt := range map[string]struct {
		operation func(directory.Group, directory.User) plan.Operation
		requests  int // of an undisturbed run
	}{
		"updates": {func(group directory.Group, user directory.User) plan.Operation {
			return plan.Operation{Action: plan.Update, Object: plan.Group, Group: group, Add: members(user.Username)}
		}, 2 * n},
		"deletions": {func(_ directory.Group, user directory.User) plan.Operation {
			return plan.Operation{Action: plan.Delete, Object: plan.User, User: user}
		}, n + 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var mu sync.Mutex
				admit, refusals := tokenBucket(perSecond, 10), 0
				users := []simulator.User{{Email: "owner@example.com", DomainOwner: true}}
				var groups []simulator.Group
				for i := range n {
					users = append(users, simulator.User{Email: fmt.Sprintf("u%d@example.com", i)})
					groups = append(groups, simulator.Group{Name: fmt.Sprintf("g%d", i), Usernames: []string{"owner@example.com"}})
				}
				tenant := simulator.New(users, groups, simulator.WithLatency(50*time.Millisecond), simulator.WithFault(func(int, *http.Request) simulator.Fault {
					mu.Lock()
					defer mu.Unlock()
					if admit(time.Since(start)) {
						return simulator.Fault{}
					}
					refusals++
					return simulator.Fault{Status: http.StatusTooManyRequests, RetryAfter: "10"}
				}))
				quiet := connect(simulator.New(users, groups))
				listedUsers, _ := quiet.Users(t.Context())
				listedGroups, _ := quiet.Groups(t.Context())
				p := &plan.Plan{}
				for i := range n {
					p.Operations = append(p.Operations, tt.operation(listedGroups[i], listedUsers[i+1]))
				}
				client := xc.New(xc.Options{BaseURL: base, Transport: tenant, Timeout: 30 * time.Second, Attempts: 3, RetryAfterMax: time.Minute, Concurrency: flying})
				outcome := groupsync.New(client, groupsync.Options{RetryAfterMax: time.Minute, Concurrency: flying, GroupRetry: attempts(3)}).Apply(t.Context(), p)
				for _, result := range outcome.Results {
					if result.Status != groupsync.Done {
						t.Errorf("%s: %v", result.Name(), result.Err)
					}
				}
				answered, took := len(tenant.Requests())-refusals, time.Since(start)
				if answered > tt.requests*11/10 || took > time.Duration(tt.requests)*time.Second/perSecond*4/3 || refusals > 2*flying {
					t.Errorf("%d answered requests and %d refusals in %v; an undisturbed run has %d", answered, refusals, took, tt.requests)
				}
			})
		})
	}
}

// TestDeletionAfterACooldown: what the users were before it does not count.
func TestDeletionAfterACooldown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tenant *simulator.Tenant
		tenant = company(before("POST", "users/cascade_delete", 1, func() simulator.Fault {
			time.AfterFunc(time.Second, func() {
				send(t, tenant, "PUT", "users/group_add", `{"username":"dee@example.com","group_names":["ops"]}`)
			})
			return simulator.Fault{Status: http.StatusServiceUnavailable}
		}))
		outcome := apply(t, tenant, []plan.Operation{deleteUser(t, tenant, "cy@example.com"), deleteUser(t, tenant, "dee@example.com"), deleteUser(t, tenant, "bob@example.com")},
			groupsync.Options{UserRetry: attempts(1), Concurrency: 1, BreakerThreshold: 1, BreakerCooldown: 30 * time.Second})
		check(t, "outcome", []string{"delete user cy@example.com: failed", "delete user dee@example.com: skipped", "delete user bob@example.com: done delete"}, told(outcome))
	})
}

// TestWhatChangesAllTheTimeIsSkipped: nor is anything sent without an end.
func TestWhatChangesAllTheTimeIsSkipped(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{http.StatusTooManyRequests: "skipped", http.StatusServiceUnavailable: "failed"} {
		synctest.Test(t, func(t *testing.T) {
			var tenant *simulator.Tenant
			tenant = company(on("PUT", "user_groups/ops", 0, simulator.Fault{Status: status}), before("GET", "user_groups/ops", 0, func() simulator.Fault {
				send(t, tenant, "PUT", "users/"+[]string{"group_add", "group_remove"}[len(tenant.Requests())%2], `{"username":"dee@example.com","group_names":["ops"]}`)
				return simulator.Fault{}
			}))
			operation := updateGroup(t, tenant, "ops", members("cy@example.com"), nil)
			client := xc.New(xc.Options{BaseURL: base, Transport: tenant, Timeout: 30 * time.Second, RetryAfterMax: time.Minute, Attempts: 3, Scope: xc.ScopeAll})
			outcome := groupsync.New(client, groupsync.Options{}).Apply(t.Context(), &plan.Plan{Operations: []plan.Operation{operation}})
			check(t, "outcome", []string{"update group ops: " + want}, told(outcome))
		})
	}
}

// TestStaleAfterALostResponse: what an earlier request did counts, although somebody
// else changed the group before it could be repeated.
func TestStaleAfterALostResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tenant *simulator.Tenant
		tenant = company(on("PUT", "user_groups/ops", 1, simulator.Fault{Status: http.StatusServiceUnavailable, AfterAct: true}), before("GET", "user_groups/ops", 2, func() simulator.Fault {
			send(t, tenant, "PUT", "users/group_add", `{"username":"dee@example.com","group_names":["ops"]}`)
			return simulator.Fault{}
		}))
		operation := updateGroup(t, tenant, "ops", members("cy@example.com"), nil)
		client := xc.New(xc.Options{BaseURL: base, Transport: tenant, Timeout: 30 * time.Second, RetryAfterMax: time.Minute, Attempts: 3, Scope: xc.ScopeAll})
		outcome := groupsync.New(client, groupsync.Options{}).Apply(t.Context(), &plan.Plan{Operations: []plan.Operation{operation}})
		check(t, "outcome", []string{"update group ops: done update +1 -0"}, told(outcome))
		check(t, "members", []string{"ann@example.com", "Bob.Builder", "cy@example.com", "dee@example.com"}, groupOf(t, tenant, "ops").Usernames)
	})
}

// TestLateRestorationOfAUser: what a first single write took is given back after a
// wait, too, unless somebody changed the user meanwhile.
func TestLateRestorationOfAUser(t *testing.T) {
	t.Parallel()
	refused, lost := simulator.Fault{Status: http.StatusTooManyRequests, RetryAfter: "4"}, simulator.Fault{Status: http.StatusServiceUnavailable, AfterAct: true}
	for name, tt := range map[string]struct {
		fault     simulator.Fault
		meanwhile bool // the user is removed from ops
		dev, ops  []string
		says      string
	}{
		"refused":              {fault: refused, dev: []string{"Ann", "bob@example.com"}, ops: []string{"Ann", "bob@example.com"}, says: "what was lost was restored"},
		"response lost":        {fault: lost, dev: []string{"Ann", "bob@example.com"}, ops: []string{"Ann", "bob@example.com"}, says: "what was lost was restored"},
		"refused, and changed": {fault: refused, meanwhile: true, dev: []string{"Ann"}, ops: []string{"Ann"}, says: "could not be undone: the user changed meanwhile"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var tenant *simulator.Tenant
			tenant = local(simulator.WithGroupAddReplaces(), on("PUT", "user_roles", 1, tt.fault), before("GET", "user_roles", 3, func() simulator.Fault {
				if tt.meanwhile {
					send(t, tenant, "PUT", "users/group_remove", `{"username":"bob@example.com","group_names":["ops"]}`)
				}
				return simulator.Fault{}
			}))
			operation := updateGroup(t, tenant, "ops", members("bob@example.com"), nil)
			client := xc.New(xc.Options{BaseURL: base, Transport: tenant, Timeout: 30 * time.Second, RetryAfterMax: time.Minute, Attempts: 3, Scope: xc.ScopeAll})
			outcome := groupsync.New(client, groupsync.Options{MembershipWrites: groupsync.SingleMembers}).Apply(t.Context(), &plan.Plan{Operations: []plan.Operation{operation}})
			if err := outcome.Results[0].Err; err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %v", name, err)
			}
			check(t, name+": dev", tt.dev, groupOf(t, tenant, "dev").Usernames)
			check(t, name+": ops", tt.ops, groupOf(t, tenant, "ops").Usernames)
		})
	}
}
