package groupsync_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
	"xc-group-sync/internal/xc"
)

// TestRequestsAtWorst counts what goes over the wire while every write fails:
// the table of docs/retry.md and the README.
func TestRequestsAtWorst(t *testing.T) {
	t.Parallel()
	user := plan.Operation{Action: plan.Create, Object: plan.User, User: directory.User{
		Email: "new@example.com", Username: "new@example.com", Name: directory.PersonName{First: "N", Last: "N"}, IDMType: directory.IDMSSO, Type: directory.TypeUser,
	}}
	group := plan.Operation{Action: plan.Create, Object: plan.Group, Group: directory.Group{Name: "ops"},
		Add: []plan.Member{{Email: "admin@example.com", Username: "admin@example.com"}}}
	for _, tt := range []struct {
		name          string
		operation     plan.Operation
		scope         xc.Scope
		groupAttempts int
		want          int
	}{
		{"user, reads", user, xc.ScopeReads, 1, 3},
		{"user, all", user, xc.ScopeAll, 1, 9},
		{"user, none", user, xc.ScopeNone, 1, 3},
		{"group, reads", group, xc.ScopeReads, 1, 1},
		{"group, all", group, xc.ScopeAll, 1, 3},
		{"group, none", group, xc.ScopeNone, 1, 1},
		{"group retried, reads", group, xc.ScopeReads, 4, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := simulator.New([]simulator.User{{Email: "admin@example.com"}}, nil, simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
					if r.Method == http.MethodGet {
						return simulator.Fault{}
					}
					return simulator.Fault{Status: http.StatusServiceUnavailable}
				}))
				client := xc.New(xc.Options{BaseURL: "https://tenant.example", Transport: tenant, Timeout: time.Minute, Attempts: 3, Scope: tt.scope, RetryAfterMax: time.Minute})
				outcome := groupsync.New(client, groupsync.Options{GroupRetry: attempts(tt.groupAttempts)}).Apply(context.Background(), &plan.Plan{Operations: []plan.Operation{tt.operation}})
				if outcome.Results[0].Status != groupsync.Failed {
					t.Errorf("status %s", outcome.Results[0].Status)
				}
				writes := 0
				for _, request := range tenant.Requests() {
					if request.Method != http.MethodGet {
						writes++
					}
				}
				if writes != tt.want {
					t.Errorf("%d writes were sent, want %d", writes, tt.want)
				}
			})
		})
	}
}
