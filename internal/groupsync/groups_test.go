package groupsync_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/simulator"
)

// An update changes the members and nothing else.
func TestGroupUpdateLosesNothing(t *testing.T) {
	t.Parallel()
	tenant := company()
	want := groupOf(t, tenant, "ops")
	want.Usernames = []string{"Bob.Builder", "cy@example.com"}
	outcome := apply(t, tenant, []plan.Operation{updateGroup(t, tenant, "ops", members("cy@example.com"), members("ANN@example.com"))})
	check(t, "outcome", []string{"update group ops: done update +1 -1"}, told(outcome))
	check(t, "group", want, groupOf(t, tenant, "ops"))
}

// What others changed since the plan was made, members included, stays; the
// plan's changes are applied to it.
func TestGroupUpdateMerges(t *testing.T) {
	t.Parallel()
	const others = `{"name":"ops","display_name":"Ops!","description":"Changed.","sync_id":"ops-2",` +
		`"namespace_roles":[{"namespace":"system","role":"admin"},{"namespace":"*","role":"monitor"}],"usernames":[`
	tests := []struct {
		name      string
		usernames string // of the others' replacement
		want      []string
		outcome   string
		writes    int
	}{
		{"somebody came", `"ann@example.com","Bob.Builder","dee@example.com"`, []string{"ann@example.com", "cy@example.com", "dee@example.com"}, "done update +1 -1", 1},
		{"somebody went", `"Bob.Builder"`, []string{"cy@example.com"}, "done update +1 -1", 1},
		{"everybody went", ``, []string{"cy@example.com"}, "done update +1 -0", 1},
		{"half of it is done", `"ann@example.com","cy@example.com","Bob.Builder"`, []string{"ann@example.com", "cy@example.com"}, "done update +0 -1", 1},
		{"all of it is done", `"CY@example.com","dee@example.com"`, []string{"cy@example.com", "dee@example.com"}, "done", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := company()
			operation := updateGroup(t, tenant, "ops", members("cy@example.com"), members("Bob.Builder"))
			send(t, tenant, "PUT", "user_groups/ops", others+tt.usernames+`]}`)
			want := groupOf(t, tenant, "ops")
			want.Usernames = tt.want
			check(t, "outcome", []string{"update group ops: " + tt.outcome}, told(apply(t, tenant, []plan.Operation{operation})))
			check(t, "group", want, groupOf(t, tenant, "ops"))
			if got := len(writes(tenant)) - 1; got != tt.writes {
				t.Errorf("%d writes, want %d", got, tt.writes)
			}
		})
	}
}

// TestEmptyGroupIsCreated: a restore brings one back.
func TestEmptyGroupIsCreated(t *testing.T) {
	t.Parallel()
	tenant := company()
	check(t, "outcome", []string{"create group empty: done create"}, told(apply(t, tenant, []plan.Operation{createGroup("empty")})))
	if members := groupOf(t, tenant, "empty").Usernames; len(members) > 0 {
		t.Errorf("members %v", members)
	}
}

// Groups that must not be changed are left alone: members and roles.
func TestGroupsLeftAlone(t *testing.T) {
	t.Parallel()
	first := company()
	for name, tt := range map[string]struct {
		change func(*simulator.Group) // since the plan was made; nil: deleted
		says   string
	}{
		"gone":      {nil, "no longer exists"},
		"half read": {func(g *simulator.Group) { g.Error = &simulator.Error{Code: "EPARTIAL", Message: "half"} }, "EPARTIAL"},
		"SCIM":      {func(g *simulator.Group) { g.SyncMode = "SCIM" }, "SCIM"},
	} {
		for _, operation := range []plan.Operation{
			updateGroup(t, first, "ops", members("cy@example.com"), nil),
			changeRoles(t, first, plan.Grant, "ops", "n/a"), changeRoles(t, first, plan.Revoke, "ops", "*/monitor"),
		} {
			groups := first.Groups()[:1]
			if tt.change != nil {
				groups = first.Groups()
				tt.change(&groups[1])
			}
			tenant := simulator.New(first.Users(), groups)
			result := apply(t, tenant, []plan.Operation{operation}).Results[0]
			if result.Status != groupsync.Skipped || result.Attempts != 1 || !strings.Contains(result.Err.Error(), tt.says) || len(writes(tenant)) > 0 {
				t.Errorf("%s, %s: %+v, writes %v", name, operation.Action, result, writes(tenant))
			}
		}
	}
}

// A group recreated under the same name is another group; an answer without
// the identifier says nothing of that.
func TestGroupMadeAnewIsNotDeleted(t *testing.T) {
	t.Parallel()
	for uid, deleted := range map[string]bool{"": true, "another": false} {
		tenant := company()
		operation := deleteGroup(t, tenant, "ops")
		operation.Group.UID = uid
		result := apply(t, tenant, []plan.Operation{operation}).Results[0]
		if (result.Status == groupsync.Done) != deleted {
			t.Errorf("identifier %q: %+v", uid, result)
		}
	}
}

// A group that changed since the plan was made is not deleted.
func TestChangedGroupIsNotDeleted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(*simulator.Group)
		deleted bool
	}{
		{"nothing", func(*simulator.Group) {}, true},
		{"spelling", func(g *simulator.Group) { g.Usernames[1] = "BOB.builder" }, true},
		{"order of the members", func(g *simulator.Group) { g.Usernames[0], g.Usernames[1] = g.Usernames[1], g.Usernames[0] }, true},
		{"a member came", func(g *simulator.Group) { g.Usernames = append(g.Usernames, "dee@example.com") }, false},
		{"a member went", func(g *simulator.Group) { g.Usernames = g.Usernames[:1] }, false},
		{"description", func(g *simulator.Group) { g.Description = "Mine." }, false},
		{"display name", func(g *simulator.Group) { g.DisplayName = "Mine" }, false},
		{"roles", func(g *simulator.Group) { g.NamespaceRoles[0].Role = "admin" }, false},
		{"sync id", func(g *simulator.Group) { g.SyncID = "ops-2" }, false},
		{"sync mode", func(g *simulator.Group) { g.SyncMode = "SCIM" }, false},
		{"references", func(g *simulator.Group) { g.ReferencesCount["x"] = 1 }, false},
		{"half read", func(g *simulator.Group) { g.Error = &simulator.Error{Code: "EPARTIAL"} }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			first := company()
			operation := deleteGroup(t, first, "ops")
			groups := first.Groups()
			tt.change(&groups[1])
			tenant := simulator.New(first.Users(), groups)
			result := apply(t, tenant, []plan.Operation{operation}).Results[0]
			if deleted := len(tenant.Groups()) == 1; deleted != tt.deleted || deleted != (result.Status == groupsync.Done) {
				t.Errorf("result = %+v", result)
			}
			if !tt.deleted && (result.Status != groupsync.Skipped || len(writes(tenant)) > 0) {
				t.Errorf("result = %+v, writes %v", result, writes(tenant))
			}
		})
	}
}

// groupOperation is an operation on a group of the company that comes to one write.
func groupOperation(t *testing.T, tenant *simulator.Tenant, write string) plan.Operation {
	t.Helper()
	return map[string]func() plan.Operation{
		"POST user_groups": func() plan.Operation { return createGroup("dev", members("cy@example.com", "Bob.Builder")...) },
		"PUT user_groups/ops": func() plan.Operation {
			return updateGroup(t, tenant, "ops", members("cy@example.com"), members("Bob.Builder"))
		},
		"DELETE user_groups/old": func() plan.Operation { return deleteGroup(t, tenant, "old") },
		"PUT " + assign:          func() plan.Operation { return changeRoles(t, tenant, plan.Grant, "ops", "n/a") },
		"PUT " + remove:          func() plan.Operation { return changeRoles(t, tenant, plan.Revoke, "ops", "*/monitor") },
	}[write]()
}

// A write whose answer is lost is settled by reading back, never by a second
// write.
func TestAmbiguousGroupWrites(t *testing.T) {
	t.Parallel()
	done := map[string]string{
		"POST user_groups": "create group dev: done create +2 -0", "PUT user_groups/ops": "update group ops: done update +1 -1", "DELETE user_groups/old": "delete group old: done delete +0 -1",
		"PUT " + assign: "grant group ops: done grant", "PUT " + remove: "revoke group ops: done revoke",
	}
	faults := map[string]simulator.Fault{
		"time-out": {Delay: time.Hour}, "dropped": {Drop: true}, "500": {Status: 500}, "504": {Status: 504, Body: "slow"},
	}
	for write, want := range done {
		for name, fault := range faults {
			for _, tookEffect := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %s, took effect: %t", write, name, tookEffect), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						want, fault := want, fault
						fault.AfterAct = tookEffect
						method, path, _ := strings.Cut(write, " ")
						tenant := company(on(method, path, 0, fault))
						outcome := apply(t, tenant, []plan.Operation{groupOperation(t, tenant, write)})
						ended := retry.Counts{Attempts: 1, Succeeded: 1, Recovered: 1}
						if !fault.AfterAct {
							object, _, _ := strings.Cut(want, ":")
							want, ended = object+": failed", retry.Counts{Attempts: 1, Exhausted: 1}
						}
						check(t, "outcome", []string{want}, told(outcome))
						check(t, "writes", []string{write}, writes(tenant))
						ended.ByCause = outcome.Retry.ByCause
						check(t, "counts", ended, outcome.Retry)
						if result := outcome.Results[0]; result.Attempts != 1 || (result.Err == nil) != fault.AfterAct {
							t.Errorf("result = %+v", result)
						}
					})
				})
			}
		}
	}
}

// A group that was there already is updated, however late that is known.
func TestConflictWithALostReplacement(t *testing.T) {
	t.Parallel()
	for _, attempts := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			tenant := company(inTurn("PUT", "user_groups/ops", lostAnswer))
			outcome := apply(t, tenant, []plan.Operation{createGroup("ops", members("ann@example.com", "cy@example.com")...)},
				groupsync.Options{GroupRetry: retry.Policy{Attempts: attempts}})
			check(t, "outcome", []string{"create group ops: done update +1 -0"}, told(outcome))
		})
	}
}

// With retries of groups the next attempt finds out what the last one did.
func TestAmbiguousGroupWritesRetried(t *testing.T) {
	t.Parallel()
	for write, want := range map[string]struct {
		outcome string
		writes  []string
	}{
		"POST user_groups":       {"create group dev: done create +2 -0", []string{"POST user_groups", "POST user_groups"}},
		"PUT user_groups/ops":    {"update group ops: done update +1 -1", []string{"PUT user_groups/ops"}},
		"DELETE user_groups/old": {"delete group old: done delete +0 -1", []string{"DELETE user_groups/old"}},
		"PUT " + assign:          {"grant group ops: done grant", []string{"PUT " + assign}},
		"PUT " + remove:          {"revoke group ops: done revoke", []string{"PUT " + remove}},
	} {
		t.Run(write, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(write, " ")
			tenant := company(on(method, path, 1, simulator.Fault{Drop: true, AfterAct: true}))
			outcome := apply(t, tenant, []plan.Operation{groupOperation(t, tenant, write)}, groupsync.Options{GroupRetry: retry.Policy{Attempts: 3}})
			check(t, "outcome", []string{want.outcome}, told(outcome))
			check(t, "writes", want.writes, writes(tenant))
		})
	}
}

// What was carried out is a success for the breaker, too.
func TestBreakerCountsWhatWasCarriedOut(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			var groups []simulator.Group
			for i := range 8 {
				groups = append(groups, simulator.Group{Name: fmt.Sprintf("g%d", i)})
			}
			tenant := simulator.New([]simulator.User{{Email: "ann@example.com"}}, groups, simulator.WithFault(func(_ int, q *http.Request) simulator.Fault {
				if q.Method != http.MethodPut {
					return simulator.Fault{}
				}
				return simulator.Fault{Status: 504, AfterAct: true}
			}))
			var operations []plan.Operation
			for i := range 8 {
				operations = append(operations, updateGroup(t, tenant, directory.GroupName(fmt.Sprintf("g%d", i)), members("ann@example.com"), nil))
			}
			outcome := apply(t, tenant, operations, groupsync.Options{BreakerThreshold: 5, BreakerCooldown: time.Second, Concurrency: concurrency})
			if outcome.Opened != 0 || outcome.Retry.Succeeded != 8 || outcome.Retry.Recovered != 8 || outcome.Retry.Exhausted != 0 {
				t.Errorf("%d at once: opened %d times, %+v, %v", concurrency, outcome.Opened, outcome.Retry, told(outcome))
			}
		})
	}
}

// With a deleted user goes what a failed operation left.
func TestDeletedUserTakesAlongWhatWasLeft(t *testing.T) {
	t.Parallel()
	refused := simulator.Fault{Status: 400}
	for name, option := range map[string]simulator.Option{
		"update group ops: failed": on("PUT", "user_groups/ops", 1, refused), "delete group old: failed": on("DELETE", "user_groups/old", 1, refused),
	} {
		tenant := company(option)
		outcome := apply(t, tenant, []plan.Operation{
			updateGroup(t, tenant, "ops", nil, members("ann@example.com")), deleteGroup(t, tenant, "old"),
			deleteUser(t, tenant, "ann@example.com"), deleteUser(t, tenant, "cy@example.com"),
		})
		removed := 0
		for _, result := range outcome.Results {
			if result.Status == groupsync.Done {
				removed += result.Removed
			}
		}
		if told := told(outcome); !slices.Contains(told, name) || removed != 2 {
			t.Errorf("%d memberships are told of, want 2: %v", removed, told)
		}
	}
}

// The deletion of a user whose answer is lost is settled, too.
func TestAmbiguousUserDeletion(t *testing.T) {
	t.Parallel()
	for acted, want := range map[bool]string{true: "delete user dee@example.com: done delete", false: "delete user dee@example.com: failed"} {
		tenant := company(on("POST", "users/cascade_delete", 0, simulator.Fault{Status: 504, AfterAct: acted}))
		outcome := apply(t, tenant, []plan.Operation{deleteUser(t, tenant, "dee@example.com")}, groupsync.Options{UserRetry: attempts(1)})
		check(t, "outcome", []string{want}, told(outcome))
		check(t, "writes", []string{"POST users/cascade_delete"}, writes(tenant))
	}
}
