package doctor_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/doctor"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/roster"
	"xc-group-sync/internal/run"
	"xc-group-sync/internal/xc"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func ago(days int) time.Time { return now.AddDate(0, 0, -days) }

// tenant answers from memory. It has no writes: one would panic.
type tenant struct {
	run.Tenant
	probe    *doctor.Probe
	observed directory.Observed
	reads    int
}

func (t *tenant) WhoAmI(ctx context.Context) (directory.User, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1", nil)
	if err != nil {
		return directory.User{}, err
	}
	response, err := t.probe.RoundTrip(request)
	if err != nil {
		return directory.User{}, err
	}
	return t.observed.Users[0], response.Body.Close()
}

func (t *tenant) Observe(context.Context) (*directory.Observed, error) {
	t.reads++
	return &t.observed, nil
}

// examine runs the checks with a CSV whose rows are "email,DN".
func examine(t *testing.T, users []directory.User, groups []directory.Group, policy plan.Policy, rows ...string) map[string]doctor.Check {
	t.Helper()
	for i := range users {
		users[i].Email, users[i].Type, users[i].SyncMode = directory.ObservedEmail(string(users[i].Username)), directory.TypeUser, directory.SyncSelf
	}
	for i := range groups {
		groups[i].SyncMode = directory.SyncSelf
	}
	answer := roundTripper(func(*http.Request) (*http.Response, error) {
		recorder := httptest.NewRecorder()
		recorder.Header().Set("Date", now.Format(http.TimeFormat))
		return recorder.Result(), nil
	})
	fake := &tenant{probe: doctor.NewProbe(answer, nil, func() time.Time { return now }), observed: directory.Observed{Users: users, Groups: groups}}
	text := "Email,Entitlement Display Name\n" + strings.Join(rows, "\n") + "\n"
	policy.MaxRemovals.None = true
	result := doctor.Run(t.Context(), fake, fake.probe, doctor.Options{
		Tenant: "acme-abcdefgh", APIURL: "https://acme-abcdefgh.console.ves.volterra.io", Policy: policy, Now: now,
		Source: run.CSV([]run.File{{Path: "groups.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}}, roster.Options{}, false),
	})
	if fake.reads != 1 {
		t.Errorf("the tenant was read %d times", fake.reads)
	}
	checks := map[string]doctor.Check{}
	for _, check := range result.Checks {
		checks[check.Name] = check
	}
	return checks
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestRunTellsOfStaleAccess by the listing that is read anyway.
func TestRunTellsOfStaleAccess(t *testing.T) {
	t.Parallel()
	roles := []directory.Role{{Namespace: "*", Role: "admin"}}
	checks := examine(t,
		[]directory.User{
			{Username: "caller@x.org", Roles: roles, LastLogin: ago(1)},
			{Username: "fresh@x.org", LastLogin: ago(90)},
			{Username: "stale@x.org", LastLogin: ago(91), Created: ago(400)},
			{Username: "never@x.org", Created: ago(200)},
			{Username: "new@x.org", Created: ago(3)},
			{Username: "untold@x.org"},
			{Username: "direct@x.org", Roles: roles, LastLogin: ago(1)},
			{Username: "elsewhere@y.org", Roles: roles, LastLogin: ago(300)},
		},
		[]directory.Group{
			{Name: "ops", Description: plan.Marker, Roles: roles, Usernames: []directory.Username{"fresh@x.org"}},
			{Name: "empty", Description: plan.Marker, Usernames: []directory.Username{"fresh@x.org"}},
			{Name: "half", Description: plan.Marker, ReadError: "EPARTIAL"}, // its roles may be missing
		},
		plan.Policy{People: plan.Patterns{"*@x.org"}},
		"fresh@x.org,CN=ops", "stale@x.org,CN=ops", "never@x.org,CN=ops", "new@x.org,CN=ops", "untold@x.org,CN=ops")
	for name, want := range map[string][]doctor.Item{
		doctor.LastLogin:   {{Name: "stale@x.org", Note: "last 2026-03-02"}, {Name: "never@x.org", Note: "never; created 2025-11-13"}},
		doctor.Unlisted:    {{Name: "direct@x.org"}},
		doctor.DirectRoles: {{Name: "direct@x.org", Note: "*/admin"}},
		doctor.NoRoles:     {{Name: "empty", Note: "1 member", Group: true}},
	} {
		if diff := cmp.Diff(want, checks[name].Items); diff != "" || checks[name].Status != doctor.Warn {
			t.Errorf("%s is %s (-want +got):\n%s", name, checks[name].Status, diff)
		}
	}
}

// TestRunLeavesGroupsOutOfScopeAlone: it has nothing to say about groups that a sync
// would not touch.
func TestRunLeavesGroupsOutOfScopeAlone(t *testing.T) {
	t.Parallel()
	groups := []directory.Group{{Name: "ours", Description: plan.Marker}, {Name: "legacy", Description: plan.Marker}, {Name: "foreign"}}
	for pattern, want := range map[string][]string{"": {"ours", "legacy", "foreign"}, "ours": {"ours"}, "f*": {"foreign"}, "*,DC=x": {"ours", "legacy"}} {
		policy := plan.Policy{}
		if pattern != "" {
			policy.Groups = plan.Patterns{pattern}
		}
		var got []string
		for _, item := range examine(t, []directory.User{{Username: "ann@x.org"}}, slices.Clone(groups), policy, "ann@x.org,CN=other")[doctor.NoRoles].Items {
			got = append(got, item.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("groups: %q (-want +got):\n%s", pattern, diff)
		}
	}
}

// TestRunKnowsWhatTheTenantDoesNotSay, and calls nobody stale for it.
func TestRunKnowsWhatTheTenantDoesNotSay(t *testing.T) {
	t.Parallel()
	checks := examine(t, []directory.User{{Username: "ann@x.org", Created: ago(900)}}, nil, plan.Policy{}, "ann@x.org,CN=ops")
	if c := checks[doctor.LastLogin]; c.Status != doctor.Warn || !strings.HasPrefix(c.Detail, "not checked") || c.Items != nil {
		t.Errorf("%+v", c)
	}
	for _, name := range []string{doctor.Unlisted, doctor.DirectRoles, doctor.NoRoles, doctor.Adopt, doctor.NewUsers, doctor.Changes} {
		if checks[name].Status != doctor.OK {
			t.Errorf("%s is %s: %s", name, checks[name].Status, checks[name].Detail)
		}
	}
}

// TestRunTakesANameThatAnswersForAName, though it looks like a tenant ID.
func TestRunTakesANameThatAnswersForAName(t *testing.T) {
	t.Parallel()
	if c := examine(t, []directory.User{{Username: "ann@x.org"}}, nil, plan.Policy{}, "ann@x.org,CN=ops")[doctor.TenantName]; c.Status != doctor.OK {
		t.Errorf("%+v", c)
	}
}

// TestRunWarnsOfTheOtherKindOfUsers, which a tenant would refuse.
func TestRunWarnsOfTheOtherKindOfUsers(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]doctor.Status{"": doctor.OK, directory.IDMSSO: doctor.OK, directory.IDMLocal: doctor.Warn} {
		users := []directory.User{{Username: "ann@x.org", IDMType: directory.IDMSSO}, {Username: "bob@x.org", IDMType: directory.IDMSSO}}
		if c := examine(t, users, nil, plan.Policy{IDMType: kind}, "ann@x.org,CN=ops")[doctor.UserType]; c.Status != want {
			t.Errorf("idm-type %q: %+v", kind, c)
		}
	}
}

// TestRunTellsWhatIsBlocked for another reason than that it is not adopted.
func TestRunTellsWhatIsBlocked(t *testing.T) {
	t.Parallel()
	c := examine(t, []directory.User{{Username: "ann@x.org"}}, nil, plan.Policy{}, "ann@x.org,CN=Ops A", "ann@x.org,CN=Ops-A")[doctor.Changes]
	if c.Status != doctor.Warn || len(c.Items) != 1 || c.Items[0].Name != "ops-a" {
		t.Errorf("%+v", c)
	}
}

// TestRunFindsARefusalAfterTheHandshake: with TLS 1.3 the client has ended its part
// before the server misses a certificate.
func TestRunFindsARefusalAfterTheHandshake(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	probe := doctor.NewProbe(server.Client().Transport, nil, time.Now)
	result := doctor.Run(t.Context(), xc.New(xc.Options{BaseURL: server.URL, Transport: probe}), probe, doctor.Options{APIURL: server.URL, Now: now})
	failed := slices.DeleteFunc(result.Checks, func(c doctor.Check) bool { return c.Status != doctor.Fail })
	if len(failed) != 1 || failed[0].Name != doctor.TLS || !strings.Contains(failed[0].Hint, "client certificate") {
		t.Errorf("failed: %+v, want the TLS check, with a hint at the client certificate", failed)
	}
}
