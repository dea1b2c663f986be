package groupsync_test

import (
	gocmp "cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
)

// tripper is a transport.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func check(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// Users before the groups that need them, groups before deletions, and users
// are deleted last; however many operations are in flight.
func TestOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := company(simulator.WithLatency(time.Second))
		outcome := apply(t, tenant, []plan.Operation{
			createUser("new@example.com"), createUser("newer@example.com"),
			createGroup("dev", members("new:new@example.com", "dee@example.com")...),
			updateGroup(t, tenant, "ops", members("new:newer@example.com"), members("Bob.Builder")),
			deleteGroup(t, tenant, "old"), deleteUser(t, tenant, "bob@example.com"),
		}, groupsync.Options{Concurrency: 64})
		check(t, "outcome", []string{
			"create user new@example.com: done create", "create user newer@example.com: done create",
			"create group dev: done create +2 -0", "update group ops: done update +1 -1",
			"delete group old: done delete +0 -1", "delete user bob@example.com: done delete",
		}, told(outcome))
		got := writes(tenant)
		slices.Sort(got[2:4])
		check(t, "writes", []string{"POST user_roles", "POST user_roles", "POST user_groups", "PUT user_groups/ops",
			"DELETE user_groups/old", "POST users/cascade_delete"}, got)
		check(t, "members", []string{"ann@example.com", "newer@example.com"}, groupOf(t, tenant, "ops").Usernames)
		if outcome.Stopped != nil || outcome.Budget != nil || outcome.Opened != 0 || outcome.Retry.Succeeded != 6 {
			t.Errorf("outcome = %+v", outcome)
		}
	})
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	for limit, rounds := range map[int]int{0: 5, 1: 20, 3: 7, 4: 5, 64: 1} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			inFlight, most := 0, 0
			tenant := company(simulator.WithLatency(time.Second))
			counted := tripper(func(r *http.Request) (*http.Response, error) {
				mu.Lock()
				inFlight++
				most = max(most, inFlight)
				mu.Unlock()
				defer func() { mu.Lock(); inFlight--; mu.Unlock() }()
				return tenant.RoundTrip(r)
			})
			var operations []plan.Operation
			for i := range 20 {
				operations = append(operations, createUser(directory.Email(fmt.Sprintf("user%d@example.com", i))))
			}
			start := time.Now()
			apply(t, counted, operations, groupsync.Options{Concurrency: limit})
			if took := time.Since(start); most > gocmp.Or(limit, 4) || took != time.Duration(rounds)*time.Second {
				t.Errorf("limit %d: %d at once in %v", limit, most, took)
			}
		})
	}
}

func TestOnUserFailure(t *testing.T) {
	t.Parallel()
	tests := []struct {
		choice groupsync.OnUserFailure
		want   []string
		ops    []string
	}{
		{groupsync.SkipGroup, []string{
			"create user a@example.com: failed", "create user b@example.com: done create",
			"create group dev: skipped", "create group lone: skipped", "create group well: done create +1 -0", "update group ops: skipped",
		}, []string{"ann@example.com", "Bob.Builder"}},
		{groupsync.SyncRest, []string{
			"create user a@example.com: failed", "create user b@example.com: done create",
			"create group dev: done create +1 -0", "create group lone: skipped", "create group well: done create +1 -0", "update group ops: done update +1 -1",
		}, []string{"ann@example.com", "b@example.com"}},
	}
	for _, tt := range tests {
		t.Run(string(tt.choice), func(t *testing.T) {
			t.Parallel()
			tenant := company(on("POST", "user_roles", 1, simulator.Fault{Status: 400, Body: "no"}))
			outcome := apply(t, tenant, []plan.Operation{
				createUser("a@example.com"), createUser("b@example.com"),
				createGroup("dev", members("new:a@example.com", "dee@example.com")...), createGroup("lone", member("new:a@example.com")),
				createGroup("well", member("new:b@example.com")),
				updateGroup(t, tenant, "ops", members("new:a@example.com", "new:b@example.com"), members("Bob.Builder")),
			}, groupsync.Options{Concurrency: 1, OnUserFailure: tt.choice})
			check(t, "outcome", tt.want, told(outcome))
			check(t, "members", tt.ops, groupOf(t, tenant, "ops").Usernames)
			for _, result := range outcome.Results {
				if result.Status == groupsync.Skipped && result.Group.Name != "lone" && !strings.Contains(result.Err.Error(), "a@example.com") {
					t.Errorf("%s: error = %v", result.Name(), result.Err)
				}
				if result.Group.Name == "ops" && (result.LeftOut["a@example.com"] != (tt.choice == groupsync.SyncRest) || result.LeftOut["b@example.com"]) {
					t.Errorf("left out = %v", result.LeftOut)
				}
			}
		})
	}
}

// A conflict means that the user is there: unchanged, and known by the name
// that the tenant gives.
func TestUserExists(t *testing.T) {
	t.Parallel()
	tenant := company()
	outcome := apply(t, tenant, []plan.Operation{
		createUser("bob@example.com"), createUser("new@example.com"),
		createGroup("dev", members("new:bob@example.com", "new:new@example.com")...),
	})
	check(t, "outcome", []string{
		"create user bob@example.com: done", "create user new@example.com: done create", "create group dev: done create +2 -0",
	}, told(outcome))
	check(t, "members", []string{"Bob.Builder", "new@example.com"}, groupOf(t, tenant, "dev").Usernames)
}

// Another user who has the username, be it the email or one given before, is not
// the one who is meant.
func TestUsernameOfSomebodyElse(t *testing.T) {
	t.Parallel()
	for _, username := range []directory.Username{"new@example.com", "Earlier.Name"} {
		tenant := simulator.New([]simulator.User{{Email: "owner@example.com"}, {Email: "other@example.com", Name: string(username)}}, nil)
		create := createUser("new@example.com")
		create.User.Username = username
		outcome := apply(t, tenant, []plan.Operation{create, createGroup("dev", member("new:new@example.com"))})
		check(t, "outcome", []string{"create user new@example.com: failed", "create group dev: skipped"}, told(outcome))
		if err := outcome.Results[0].Err; err == nil || !strings.Contains(err.Error(), "other@example.com") {
			t.Errorf("error = %v", err)
		}
	}
}

// A conflict after an attempt that may have been carried out is a creation.
func TestUserCreatedByLostAttempt(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"time-out": {Delay: time.Hour, AfterAct: true}, "dropped": {Drop: true, AfterAct: true}, "500": {Status: 500, AfterAct: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := company(on("POST", "user_roles", 1, fault))
				outcome := apply(t, tenant, []plan.Operation{createUser("new@example.com"), createGroup("dev", member("new:new@example.com"))})
				check(t, "outcome", []string{"create user new@example.com: done create", "create group dev: done create +1 -0"}, told(outcome))
				check(t, "writes", []string{"POST user_roles", "POST user_roles", "POST user_groups"}, writes(tenant))
				if outcome.Retry.Recovered != 1 {
					t.Errorf("counts = %+v", outcome.Retry)
				}
			})
		})
	}
}

// After the last attempt the listing shows whether it was carried out.
func TestUserCreationSettled(t *testing.T) {
	t.Parallel()
	for acted, want := range map[bool][]string{
		true:  {"create user new@example.com: done create", "create group dev: done create +1 -0", "delete user dee@example.com: done delete"},
		false: {"create user new@example.com: failed", "create group dev: skipped", "delete user dee@example.com: planned"},
	} {
		tenant := company(on("POST", "user_roles", 1, simulator.Fault{Drop: true, AfterAct: acted}))
		outcome := apply(t, tenant, []plan.Operation{
			createUser("new@example.com"), createGroup("dev", member("new:new@example.com")), deleteUser(t, tenant, "dee@example.com"),
		}, groupsync.Options{UserRetry: attempts(1)})
		check(t, "outcome", want, told(outcome))
		if counts := outcome.ByOperation["create user"]; counts.Recovered == counts.Exhausted || (counts.Recovered == 1) != acted {
			t.Errorf("counts = %+v", counts)
		}
	}
}

// The listing tells also where the breaker holds everything else back.
func TestUserCreationSettledBehindTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := company(on("POST", "user_roles", 0, simulator.Fault{Drop: true, AfterAct: true}))
		outcome := apply(t, tenant, []plan.Operation{createUser("a@example.com"), createUser("b@example.com"), createUser("c@example.com")},
			groupsync.Options{UserRetry: attempts(1), Concurrency: 1, BreakerThreshold: 1, BreakerCooldown: time.Second})
		check(t, "outcome", []string{"create user a@example.com: done create", "create user b@example.com: done create", "create user c@example.com: failed"}, told(outcome))
		if outcome.Retry.Rejected != 1 || outcome.Retry.Recovered != 2 {
			t.Errorf("counts = %+v", outcome.Retry)
		}
	})
}

// If a user or a group could not be created nothing is deleted.
func TestDeletionsWithheld(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][]string{
		"user_roles": {"create user new@example.com: failed", "create group dev: done create +1 -0", "update group ops: done update +1 -0",
			"delete group old: planned", "delete user dee@example.com: planned"},
		"user_groups": {"create user new@example.com: done create", "create group dev: failed", "update group ops: done update +1 -0",
			"delete group old: planned", "delete user dee@example.com: planned"},
		"user_groups/ops": {"create user new@example.com: done create", "create group dev: done create +1 -0", "update group ops: failed",
			"delete group old: done delete +0 -1", "delete user dee@example.com: done delete"},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			bad := simulator.Fault{Status: 400}
			tenant := company(on("POST", path, 0, bad), on("PUT", path, 0, bad))
			outcome := apply(t, tenant, []plan.Operation{
				createUser("new@example.com"), createGroup("dev", member("cy@example.com")), updateGroup(t, tenant, "ops", members("cy@example.com"), nil),
				deleteGroup(t, tenant, "old"), deleteUser(t, tenant, "dee@example.com"),
			})
			check(t, "outcome", want, told(outcome))
			for _, result := range outcome.Results {
				if result.Status == groupsync.Planned && (result.Err != nil || result.Attempts != 0) {
					t.Errorf("%s: %+v", result.Name(), result)
				}
			}
		})
	}
}

// A user or group that is gone counts as deleted.
func TestDeletedElsewhere(t *testing.T) {
	t.Parallel()
	tenant := company(before("DELETE", "user_groups/old", 1, func() simulator.Fault { return simulator.Fault{Status: 404} }))
	operations := []plan.Operation{deleteGroup(t, tenant, "ops"), deleteGroup(t, tenant, "old"), deleteUser(t, tenant, "nobody@example.com")}
	send(t, tenant, "DELETE", "user_groups/ops", "")
	check(t, "outcome", []string{
		"delete group ops: done delete +0 -2", "delete group old: done delete +0 -1", "delete user nobody@example.com: done delete",
	}, told(apply(t, tenant, operations)))
}

// A 200 that says delete_ok: false is a failure.
func TestUserNotDeleted(t *testing.T) {
	t.Parallel()
	tenant := company()
	outcome := apply(t, tenant, []plan.Operation{deleteUser(t, tenant, "owner@example.com")})
	if result := outcome.Results[0]; result.Status != groupsync.Failed || !strings.Contains(result.Err.Error(), "domain owner") || result.Attempts != 1 {
		t.Errorf("result = %+v", result)
	}
}

// All operations share one retry budget, and the outcome says what is left of it.
func TestBudgetAndBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var operations []plan.Operation
		for i := range 8 {
			operations = append(operations, createUser(directory.Email(fmt.Sprintf("user%d@example.com", i))))
		}
		tenant := company(on("POST", "user_roles", 0, simulator.Fault{Status: 503}))
		outcome := apply(t, tenant, operations, groupsync.Options{RetryBudget: 5, BreakerThreshold: 3, BreakerCooldown: time.Minute, Concurrency: 1})
		// Three operations with 2, 2 and 1 retries, then the trial.
		if got := len(writes(tenant)); got != 3+5+1 || outcome.Budget == nil || *outcome.Budget != 0 {
			t.Errorf("%d requests, budget %v", got, outcome.Budget)
		}
		if outcome.Opened != 1 || outcome.Retry.Rejected != 4 || outcome.Retry.Exhausted != 4 {
			t.Errorf("opened %d times, counts %+v", outcome.Opened, outcome.Retry)
		}
		for _, result := range outcome.Results {
			if result.Status != groupsync.Failed || result.Err == nil {
				t.Errorf("%s: %+v", result.Name(), result)
			}
		}
	})
}
