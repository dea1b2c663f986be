package groupsync_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
)

// Each operation that was begun or decided tells when it ended, and the tenant's
// name for its last write, if there was an answer to one.
func TestResultsTellWhenAndByWhichRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := company(simulator.WithLatency(time.Second),
			on("POST", "user_roles", 1, simulator.Fault{Status: 400, Body: "no"}),
			on("POST", "user_roles", 1, simulator.Fault{Drop: true, AfterAct: true}))
		start := time.Now()
		outcome := apply(t, tenant, []plan.Operation{
			createUser("a@example.com"), createUser("b@example.com"), createUser("c@example.com"),
			createGroup("lone", member("new:a@example.com")), createGroup("well", member("new:c@example.com")),
			deleteGroup(t, tenant, "ops"),
		}, groupsync.Options{Concurrency: 1, UserRetry: attempts(1)})
		writes := map[string]bool{} // by ID
		for _, request := range tenant.Requests() {
			writes[request.ID] = request.Method != http.MethodGet
		}
		for i, want := range []struct {
			status groupsync.Status
			ended  time.Duration // after the start; 0: not
			named  bool
		}{
			{groupsync.Failed, time.Second, false}, // the fault's answer has no name
			{groupsync.Done, 2 * time.Second, false},
			{groupsync.Done, 3 * time.Second, true},
			{groupsync.Skipped, 4 * time.Second, false}, // after the listing that settles the second
			{groupsync.Done, 5 * time.Second, true},
			{groupsync.Planned, 0, false},
		} {
			result := outcome.Results[i]
			ended := result.Ended.Sub(start)
			if result.Ended.IsZero() {
				ended = 0
			}
			if result.Status != want.status || ended != want.ended || (result.RequestID != "") != want.named || want.named && !writes[result.RequestID] {
				t.Errorf("%s %s: %s after %v as %q", result.Action, result.Name(), result.Status, ended, result.RequestID)
			}
		}
	})
}

// What was not begun has not ended.
func TestInterruptedResultsHaveNotEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outcome := groupsync.New(connect(company()), optional(nil)).Apply(ctx, &plan.Plan{Operations: []plan.Operation{createUser("a@example.com")}})
	if result := outcome.Results[0]; result.Status != groupsync.Planned || !result.Ended.IsZero() || result.RequestID != "" {
		t.Errorf("%+v", result)
	}
}
