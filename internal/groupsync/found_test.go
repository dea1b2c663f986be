package groupsync_test

// What the soak found, each as small as it gets.

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/simulator"
	"xc-group-sync/internal/xc"
)

// inTurn answers the n-th (from 1) request of a method to a path with the n-th fault.
func inTurn(method, path string, faults ...simulator.Fault) simulator.Option {
	var mu sync.Mutex
	n := 0
	return simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
		mu.Lock()
		defer mu.Unlock()
		if r.Method != method || r.URL.Path != root+path || n >= len(faults) {
			return simulator.Fault{}
		}
		n++
		return faults[n-1]
	})
}

// repeating makes a client that repeats every request once.
func repeating(transport http.RoundTripper) *xc.Client {
	return xc.New(xc.Options{BaseURL: base, Transport: transport, Timeout: 30 * time.Second, RetryAfterMax: time.Minute, Attempts: 2, Scope: xc.ScopeAll})
}

var (
	unauthorized = simulator.Fault{Status: 401, Body: `{"code":"EPERMS","message":"no"}`}
	lostAnswer   = simulator.Fault{Drop: true, AfterAct: true}
)

// a 401 on the read that settles a write does not stop the run.
func TestFoundRefusedReadBackStops(t *testing.T) {
	tenant := company(inTurn("PUT", "user_groups/ops", simulator.Fault{Status: 500}), inTurn("GET", "user_groups/ops", simulator.Fault{}, unauthorized))
	plain := company()
	outcome := apply(t, tenant, []plan.Operation{
		updateGroup(t, plain, "ops", nil, members("ann@example.com")), deleteGroup(t, plain, "old"), deleteUser(t, plain, "dee@example.com"),
	}, groupsync.Options{Concurrency: 1})
	if outcome.Stopped == nil || len(writes(tenant)) != 1 {
		t.Errorf("stopped: %v, writes %v, %v", outcome.Stopped, writes(tenant), told(outcome))
	}
}

// a 401 on a write that may have been carried out before stops the run only
// after the read that settles it; others begin meanwhile.
func TestFoundStopsBeforeReadingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		seen := map[string]int{}
		tenant := company(simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
			mu.Lock()
			defer mu.Unlock()
			key := r.Method + r.URL.Path
			seen[key]++
			switch {
			case r.Method == "GET" && r.URL.Path == root+"user_groups/ops" && seen[key] == 3:
				return simulator.Fault{Delay: 5 * time.Second} // the read that settles
			case r.Method == "PUT" && seen[key] == 1:
				return simulator.Fault{Status: 500}
			case r.Method == "PUT":
				return unauthorized
			case r.URL.Path == root+"user_groups" && r.Method == "POST":
				return simulator.Fault{Delay: 2 * time.Second}
			}
			return simulator.Fault{}
		}))
		var operations []plan.Operation
		operations = append(operations, updateGroup(t, company(), "ops", nil, members("ann@example.com")))
		operations = append(operations, createGroup("new-a", member("cy@example.com")), createGroup("new-b", member("cy@example.com")), createGroup("new-c", member("cy@example.com")))
		policy := retry.Default() // the 401 comes after a second
		outcome := apply(t, tenant, operations, groupsync.Options{Concurrency: 2, GroupRetry: policy})
		// In flight beside the group that is refused is one other; the third begins after the 401.
		if n := len(writes(tenant)); n > 3 {
			t.Errorf("%d writes %v: %v", n, writes(tenant), told(outcome))
		}
	})
}

// what the client layer's earlier tries may have done is forgotten where the
// call ends with an error that is not ambiguous itself, or where the read after
// a 409 fails.
func TestFoundClientRepeatsAreRemembered(t *testing.T) {
	for name, tt := range map[string]struct {
		tenant    *simulator.Tenant
		operation plan.Operation
		attempts  int
		want      string
	}{
		"a group, 409, and the read fails": {
			company(inTurn("POST", "user_groups", lostAnswer), inTurn("GET", "user_groups/new", simulator.Fault{Status: 503}, simulator.Fault{Status: 503})),
			createGroup("new", member("cy@example.com")), 2, "create group new: done create +1 -0",
		},
		"a user, then 429, then a retry": {
			company(inTurn("POST", "user_roles", lostAnswer, simulator.Fault{Status: 429})), createUser("new@example.com"), 2, "create user new@example.com: done create",
		},
		"a user, then 400, no retry": {
			company(inTurn("POST", "user_roles", lostAnswer, simulator.Fault{Status: 400, Body: `{}`})), createUser("new@example.com"), 1, "create user new@example.com: done create",
		},
		"a group, then 429, no retry": {
			company(inTurn("POST", "user_groups", lostAnswer, simulator.Fault{Status: 429})), createGroup("new", member("cy@example.com")), 1, "create group new: done create +1 -0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				outcome := groupsync.New(repeating(tt.tenant), groupsync.Options{UserRetry: attempts(tt.attempts), GroupRetry: attempts(tt.attempts), RetryAfterMax: time.Minute}).
					Apply(t.Context(), &plan.Plan{Operations: []plan.Operation{tt.operation}})
				if got := told(outcome)[0]; got != tt.want {
					t.Errorf("%s, want %s (%v)", got, tt.want, outcome.Results[0].Err)
				}
			})
		})
	}
}

// a group that was created is reported as planned, where the run is
// interrupted between the 409 of the repeated request and the read.
func TestFoundCreatedGroupIsNotPlanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		tenant := company(inTurn("POST", "user_groups", lostAnswer), before("GET", "user_groups/new", 1, func() simulator.Fault {
			cancel(errors.New("interrupted"))
			return simulator.Fault{Delay: time.Second}
		}))
		outcome := groupsync.New(repeating(tenant), groupsync.Options{}).Apply(ctx, &plan.Plan{Operations: []plan.Operation{createGroup("new", member("cy@example.com"))}})
		created := len(tenant.Groups()) == 3
		if result := outcome.Results[0]; created && (result.Status == groupsync.Planned || result.Attempts == 0) {
			t.Errorf("the tenant has the group, and it is told as %q after %d attempts", result.Status, result.Attempts)
		}
	})
}
