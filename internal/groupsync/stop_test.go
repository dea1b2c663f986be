package groupsync_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/simulator"
	"xc-group-sync/internal/xc"
)

var errStopped = errors.New("stopped by hand")

// interrupt applies the operations and ends the context after a while.
func interrupt(t *testing.T, client *xc.Client, after time.Duration, operations []plan.Operation, options ...groupsync.Options) (*groupsync.Outcome, time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	time.AfterFunc(after, func() { cancel(errStopped) })
	start := time.Now()
	outcome := groupsync.New(client, optional(options)).Apply(ctx, &plan.Plan{Operations: operations})
	if !errors.Is(outcome.Stopped, errStopped) {
		t.Errorf("stopped = %v", outcome.Stopped)
	}
	return outcome, time.Since(start)
}

func some(n int) []plan.Operation {
	var operations []plan.Operation
	for i := range n {
		operations = append(operations, createUser(directory.Email(fmt.Sprintf("user%d@example.com", i))))
	}
	return operations
}

// Once the credentials are refused nothing new is begun.
func TestRefusedCredentialsStop(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"401":        {Status: 401, Body: `{"code":"EPERMS"}`},
		"login page": {Status: 200, Body: "<!DOCTYPE html><title>Log in</title>"},
		"redirect":   {Status: 302, Location: "https://login.example/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := company(on("POST", "user_roles", 2, fault))
			operations := append(some(4), createGroup("dev", member("cy@example.com")), deleteGroup(t, tenant, "old"), deleteUser(t, tenant, "dee@example.com"))
			outcome := apply(t, tenant, operations, groupsync.Options{Concurrency: 1})
			check(t, "outcome", []string{
				"create user user0@example.com: done create", "create user user1@example.com: failed",
				"create user user2@example.com: planned", "create user user3@example.com: planned",
				"create group dev: planned", "delete group old: planned", "delete user dee@example.com: planned",
			}, told(outcome))
			check(t, "writes", []string{"POST user_roles", "POST user_roles"}, writes(tenant))
			if !retry.FaultOf(outcome.Stopped).Unauthenticated || len(tenant.Requests()) != 2 {
				t.Errorf("stopped = %v after %d requests", outcome.Stopped, len(tenant.Requests()))
			}
		})
	}
}

// A 401 lets writes in flight finish, and ends the waits.
func TestRefusedCredentialsAndOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := company(simulator.WithFault(func(n int, _ *http.Request) simulator.Fault {
			return []simulator.Fault{
				{Delay: 2 * time.Second, Status: 401}, {Delay: 6 * time.Second}, {Delay: 1500 * time.Millisecond, Status: 503},
			}[n-1]
		}))
		start := time.Now()
		outcome := apply(t, tenant, some(5), groupsync.Options{Concurrency: 3})
		counts := map[groupsync.Status]int{}
		for _, result := range outcome.Results {
			counts[result.Status]++
		}
		check(t, "statuses", map[groupsync.Status]int{groupsync.Done: 1, groupsync.Failed: 2, groupsync.Planned: 2}, counts)
		if took := time.Since(start); took != 6*time.Second || len(writes(tenant)) != 3 {
			t.Errorf("%d writes in %v", len(writes(tenant)), took)
		}
	})
}

// A 403 on one write is that operation's own.
func TestForbiddenDoesNotStop(t *testing.T) {
	t.Parallel()
	outcome := apply(t, company(on("POST", "user_roles", 1, simulator.Fault{Status: 403})), some(2), groupsync.Options{Concurrency: 1})
	check(t, "outcome", []string{"create user user0@example.com: failed", "create user user1@example.com: done create"}, told(outcome))
}

// The wait before a retry ends at once; what was not begun stays planned.
func TestInterruptedWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := company(on("POST", "user_roles", 0, simulator.Fault{Status: 503}))
		outcome, took := interrupt(t, connect(tenant), 1500*time.Millisecond, some(3), groupsync.Options{Concurrency: 1})
		check(t, "outcome", []string{"create user user0@example.com: failed", "create user user1@example.com: planned", "create user user2@example.com: planned"}, told(outcome))
		var last *xc.Error
		if err := outcome.Results[0].Err; took != 1500*time.Millisecond || retry.FaultOf(err).Cause != retry.CauseInterrupted || !errors.As(err, &last) || last.Status != 503 {
			t.Errorf("error = %v after %v", err, took)
		}
		if len(tenant.Requests()) != 2 || outcome.Results[0].Attempts != 2 {
			t.Errorf("%d requests, %+v", len(tenant.Requests()), outcome.Results[0])
		}
	})
}

// A write in flight has seven seconds to finish, and counts.
func TestInterruptedWrite(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		delay   time.Duration
		took    time.Duration
		outcome []string
	}{
		{"in time", 7 * time.Second, 7 * time.Second, []string{"create user user0@example.com: done create", "create user user1@example.com: planned"}},
		{"too late", 20 * time.Second, 8 * time.Second, []string{"create user user0@example.com: failed", "create user user1@example.com: planned"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := company(on("POST", "user_roles", 0, simulator.Fault{Delay: tt.delay}))
				outcome, took := interrupt(t, connect(tenant), time.Second, some(2), groupsync.Options{Concurrency: 1})
				check(t, "outcome", tt.outcome, told(outcome))
				if took != tt.took || len(tenant.Requests()) != 1 {
					t.Errorf("%d requests in %v, want 1 in %v", len(tenant.Requests()), took, tt.took)
				}
			})
		})
	}
}

// An interruption in the reading before a group's write leaves it planned.
func TestInterruptedRead(t *testing.T) {
	t.Parallel()
	for _, name := range []directory.GroupName{"ops", "old"} {
		synctest.Test(t, func(t *testing.T) {
			tenant := company(on("GET", "user_groups/"+string(name), 0, simulator.Fault{Delay: 20 * time.Second}))
			operation := updateGroup(t, tenant, name, members("dee@example.com"), nil)
			if name == "old" {
				operation = deleteGroup(t, tenant, name)
			}
			outcome, took := interrupt(t, connect(tenant), time.Second, []plan.Operation{operation})
			if result := outcome.Results[0]; result.Status != groupsync.Planned || result.Err != nil || result.Attempts != 0 || took != time.Second {
				t.Errorf("result = %+v after %v", result, took)
			}
			check(t, "writes", []string{}, writes(tenant))
		})
	}
}

// What only waited for its turn was not begun: it stays planned and is no
// error, whatever it waited for.
func TestInterruptedTurn(t *testing.T) {
	t.Parallel()
	want := []string{"create user user0@example.com: done create", "create user user1@example.com: planned", "create user user2@example.com: planned"}
	t.Run("rate limit", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			tenant := company()
			client := xc.New(xc.Options{BaseURL: base, Transport: tenant, RateLimit: 0.1})
			outcome, took := interrupt(t, client, time.Second, some(3))
			counts := map[groupsync.Status]int{}
			for _, result := range outcome.Results {
				counts[result.Status]++
				if result.Err != nil {
					t.Errorf("%s: %v", result.Name(), result.Err)
				}
			}
			check(t, "statuses", map[groupsync.Status]int{groupsync.Done: 1, groupsync.Planned: 2}, counts)
			if took != time.Second || len(writes(tenant)) != 1 {
				t.Errorf("%d writes in %v", len(writes(tenant)), took)
			}
		})
	})
	t.Run("Retry-After", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			tenant := company(on("POST", "user_roles", 2, simulator.Fault{Status: 429, RetryAfter: "30"}))
			outcome, took := interrupt(t, connect(tenant), time.Second, some(3), groupsync.Options{Concurrency: 1, UserRetry: attempts(1)})
			want := append([]string{}, want...)
			want[1] = "create user user1@example.com: failed" // it was sent, and refused
			check(t, "outcome", want, told(outcome))
			if took != time.Second || len(writes(tenant)) != 2 {
				t.Errorf("%d writes in %v", len(writes(tenant)), took)
			}
		})
	})
	t.Run("circuit breaker", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			tenant := company(on("POST", "user_roles", 0, simulator.Fault{Status: 503}))
			outcome, _ := interrupt(t, connect(tenant), time.Second, some(3), groupsync.Options{Concurrency: 1, UserRetry: attempts(1), BreakerThreshold: 1, BreakerCooldown: time.Minute})
			check(t, "outcome", append([]string{"create user user0@example.com: failed"}, want[1:]...), told(outcome))
		})
	})
	t.Run("group writes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			tenant := company()
			operations := []plan.Operation{createGroup("dev", member("cy@example.com")), updateGroup(t, tenant, "ops", members("cy@example.com"), nil)}
			client := xc.New(xc.Options{BaseURL: base, Transport: tenant, RateLimit: 0.1})
			// The creation goes at once, the update's reading at 10 s, its writing would at 20 s.
			outcome, took := interrupt(t, client, 15*time.Second, operations, groupsync.Options{Concurrency: 1})
			check(t, "outcome", []string{"create group dev: done create +1 -0", "update group ops: planned"}, told(outcome))
			if took != 15*time.Second || len(writes(tenant)) != 1 {
				t.Errorf("%d writes in %v", len(writes(tenant)), took)
			}
		})
	})
}
