package run_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/roster"
	"xc-group-sync/internal/run"
	"xc-group-sync/internal/simulator"
	"xc-group-sync/internal/xc"
)

// oneMore adds a member to a group, creates a user for it, and removes nobody.
const oneMore = "Email,Entitlement Display Name\nnew@example.com,CN=ops\nann@example.com,CN=ops\nbob@example.com,CN=ops\n"

// csv is a source of a text; strict refuses invalid rows.
func csv(text string, strict bool) run.Source {
	return run.CSV([]run.File{{Path: "groups.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}}, roster.Options{}, strict)
}

// newTenant has a group of two, and answers with faults.
func newTenant(fault func(*http.Request) simulator.Fault) *simulator.Tenant {
	return simulator.New(
		[]simulator.User{{Email: "owner@example.com", DomainOwner: true}, {Email: "ann@example.com"}, {Email: "bob@example.com"}},
		[]simulator.Group{{Name: "ops", Description: plan.Marker, Usernames: []string{"ann@example.com", "bob@example.com"}}},
		simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
			if fault == nil {
				return simulator.Fault{}
			}
			return fault(r)
		}))
}

func connect(tenant *simulator.Tenant) *xc.Client {
	return xc.New(xc.Options{BaseURL: "https://tenant.example", Attempts: 1, Concurrency: 1, Transport: tenant})
}

func writes(tenant *simulator.Tenant) (n int) {
	for _, request := range tenant.Requests() {
		if request.Method != http.MethodGet {
			n++
		}
	}
	return n
}

// answer is a fault for writes, or for reads.
func answer(status int, toWrites bool) func(*http.Request) simulator.Fault {
	return func(r *http.Request) simulator.Fault {
		if (r.Method != http.MethodGet) == toWrites {
			return simulator.Fault{Status: status}
		}
		return simulator.Fault{}
	}
}

// TestEachEndingHasItsCode, and all but a failed operation end before the first
// write.
func TestEachEndingHasItsCode(t *testing.T) {
	t.Parallel()
	no := errors.New("no")
	snapshot := func(tenant string) run.Source {
		return run.Snapshot("before.json", func() (*directory.Snapshot, string, error) {
			return &directory.Snapshot{Schema: directory.SnapshotSchema, Tenant: tenant}, "", nil
		})
	}
	for name, tt := range map[string]struct {
		source  run.Source
		fault   func(*http.Request) simulator.Fault
		options run.Options
		ends    func(context.CancelFunc, *run.Options) // sets what interrupts the run
		want    run.Code
		kind    directory.Kind // of the last finding; empty: there is none
		writes  bool
	}{
		"done":         {source: csv(oneMore, false), want: run.Done, writes: true},
		"dry run":      {source: csv(oneMore, false), options: run.Options{DryRun: true}, want: run.Done},
		"drift":        {source: csv(oneMore, false), options: run.Options{DryRun: true, FailOnDrift: true}, want: run.Drifted, kind: directory.Drift},
		"no drift":     {source: csv("Email,Entitlement Display Name\nann@example.com,CN=ops\nbob@example.com,CN=ops\n", false), options: run.Options{DryRun: true, FailOnDrift: true}},
		"no file":      {source: run.CSV([]run.File{{Path: "x", Open: func() (io.ReadCloser, error) { return nil, no }}}, roster.Options{}, false), want: run.CSVRefused, kind: directory.BadCSV},
		"no CSV":       {source: csv("<html>", false), want: run.CSVRefused, kind: directory.BadCSV},
		"strict":       {source: csv(oneMore+"bad,CN=ops\n", true), want: run.CSVRefused, kind: directory.BadCSV},
		"no snapshot":  {source: run.Snapshot("x", func() (*directory.Snapshot, string, error) { return nil, "", no }), want: run.Settings, kind: directory.BadSnapshot},
		"not its":      {source: snapshot("another"), want: run.Refused, kind: directory.Refusal},
		"nothing":      {source: snapshot("acme"), want: run.Done},
		"unread":       {source: csv(oneMore, false), fault: answer(http.StatusServiceUnavailable, false), want: run.Failed, kind: directory.TenantUnread},
		"logged out":   {source: csv(oneMore, false), fault: answer(http.StatusUnauthorized, false), want: run.Authentication, kind: directory.Authentication},
		"guard":        {source: csv("Email,Entitlement Display Name\nann@example.com,CN=ops\n", false), want: run.Refused, kind: directory.Refusal},
		"another plan": {source: csv(oneMore, false), options: run.Options{Expected: func(context.Context) (string, error) { return "sha256:0", nil }}, want: run.Refused, kind: directory.Refusal},
		"no review":    {source: csv(oneMore, false), options: run.Options{Expected: func(context.Context) (string, error) { return "", no }}, want: run.Refused, kind: directory.Refusal},
		"not approved": {source: csv(oneMore, false), options: run.Options{Planned: func(_ context.Context, _ *run.Result, applies bool) *directory.Finding {
			if !applies {
				return nil
			}
			return &directory.Finding{Severity: directory.Error, Kind: directory.Refusal}
		}}, want: run.Refused, kind: directory.Refusal},
		"not saved": {source: csv(oneMore, false), options: run.Options{Save: func(*directory.Snapshot) error { return no }}, want: run.Failed, kind: directory.NotSaved},
		"a bug": {source: func(plan.Policy) (run.Goal, []directory.Finding) {
			return run.Goal{Plan: func(*directory.Observed, plan.Policy) *plan.Plan { panic("bug") }}, nil
		}, want: run.Failed, kind: directory.Bug},
		"failed":      {source: csv(oneMore, false), fault: answer(http.StatusBadRequest, true), want: run.Failed, kind: directory.NotDone, writes: true},
		"logged off":  {source: csv(oneMore, false), fault: answer(http.StatusUnauthorized, true), want: run.Authentication, kind: directory.Authentication, writes: true},
		"blocked":     {source: csv(oneMore+"ann@example.com,\"CN=ops,OU=b\"\n", false), want: run.Failed, kind: directory.Blocked},
		"interrupted": {source: csv(oneMore, false), ends: func(stop context.CancelFunc, _ *run.Options) { stop() }, want: run.Interrupted, kind: directory.Interrupted},
		"interrupted in the end": {source: csv(oneMore, false), ends: func(stop context.CancelFunc, o *run.Options) {
			o.Save = func(*directory.Snapshot) error { stop(); return nil }
		}, want: run.Interrupted, kind: directory.Interrupted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			if tt.ends != nil {
				tt.ends(stop, &tt.options)
			}
			tenant := newTenant(tt.fault)
			var found []directory.Finding
			tt.options.Found = func(f []directory.Finding) { found = append(found, f...) }
			result := run.Run(ctx, tt.source, connect(tenant), plan.Policy{Tenant: "acme"}, tt.options)
			var kind directory.Kind
			if n := len(result.Findings); n > 0 {
				kind = result.Findings[n-1].Kind
			}
			if code := result.Code(); code != tt.want || kind != tt.kind || (writes(tenant) > 0) != tt.writes {
				t.Errorf("code %d, want %d; %d writes; findings %+v", code, tt.want, writes(tenant), result.Findings)
			}
			// All are told while the run goes on, but for operations: the log has them.
			if diff := cmp.Diff(result.Findings, found); diff != "" && !tt.writes {
				t.Errorf("findings (-kept +told):\n%s", diff)
			}
		})
	}
}

// TestEndDuringTheLastOperation: no report counts to zero.
func TestEndDuringTheLastOperation(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault simulator.Fault
		stops bool
		want  run.Code
	}{
		"interrupted":         {stops: true, want: run.Interrupted},
		"refused credentials": {fault: simulator.Fault{Status: http.StatusUnauthorized}, want: run.Authentication},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			tenant := newTenant(func(r *http.Request) simulator.Fault {
				if r.Method != http.MethodPut {
					return simulator.Fault{}
				}
				if tt.stops {
					stop()
				}
				return tt.fault
			})
			result := run.Run(ctx, csv(oneMore, false), connect(tenant), plan.Policy{Tenant: "acme"}, run.Options{})
			if code := result.Code(); code != tt.want {
				t.Errorf("code %d, want %d", code, tt.want)
			}
			for _, f := range result.Findings {
				if strings.Contains(f.Message, " 0 ") {
					t.Errorf("%q", f.Message)
				}
			}
		})
	}
}

// TestFindingsAreInTheOrderOfTheRun: settings, rows, plan, operations.
func TestFindingsAreInTheOrderOfTheRun(t *testing.T) {
	t.Parallel()
	text := "Email,Entitlement Display Name\nbad,CN=ops\nnew@example.com,CN=ops\nann@example.com,\"CN=dev,OU=a\"\nbob@example.com,\"CN=dev,OU=b\"\n"
	result := run.Run(t.Context(), csv(text, false), connect(newTenant(answer(http.StatusBadRequest, true))), plan.Policy{Tenant: "acme"}, run.Options{
		Warnings: []directory.Finding{{Kind: directory.BadSettings, Message: "first"}},
	})
	var kinds []directory.Kind
	for _, f := range result.Findings {
		kinds = append(kinds, f.Kind)
	}
	want := []directory.Kind{directory.BadSettings, directory.InvalidEmail, directory.Blocked, directory.NotDone, directory.NotDone}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("(-want +got):\n%s\n%+v", diff, result.Findings)
	}
}

// TestGravestFindingDecides, whatever came first.
func TestGravestFindingDecides(t *testing.T) {
	t.Parallel()
	var result run.Result
	for _, tt := range []struct {
		kind directory.Kind
		want run.Code
	}{
		{directory.Drift, run.Drifted},
		{directory.NotDone, run.Failed},
		{directory.Refusal, run.Refused},
		{directory.GitHub, run.Refused},
		{directory.Authentication, run.Authentication},
		{directory.InvalidEmail, run.CSVRefused},
		{directory.BadSnapshot, run.Settings},
		{directory.Interrupted, run.Interrupted},
		{directory.BadCSV, run.Interrupted},
	} {
		before := result.Code()
		result.Add(directory.Finding{Severity: directory.Warning, Kind: tt.kind})
		if code := result.Code(); code != before {
			t.Errorf("a warning %q makes it %d", tt.kind, code)
		}
		result.Add(directory.Finding{Severity: directory.Error, Kind: tt.kind})
		if code := result.Code(); code != tt.want {
			t.Errorf("with %q the code is %d, want %d", tt.kind, code, tt.want)
		}
	}
}
