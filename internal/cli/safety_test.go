package cli_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
)

// everything is a run that creates, updates and deletes users and groups.
var everything = []string{"--prune", "all", "--max-removals", "none", "--update-users", "--concurrency", "1",
	"--retry-attempts", "1", "--http-retry-attempts", "1", "--circuit-breaker-threshold", "0"}

// estate is a tenant in which a run over the sample has everything to do.
func estate(options ...simulator.Option) *simulator.Tenant {
	users, groups := simulator.Sample()
	for i := range users {
		if users[i].Email != "ci-pipeline@example.com" && users[i].SyncMode == "" {
			users[i].IDMType = "VOLTERRA_MANAGED"
		}
	}
	users = append(users, simulator.User{Email: "left@example.com", IDMType: "VOLTERRA_MANAGED"})
	groups = append(groups, simulator.Group{Name: "old-team", Description: "Managed by xc-group-sync", Usernames: []string{"left@example.com", "ada.lovelace@example.com"},
		NamespaceRoles: []simulator.Role{{Namespace: "system", Role: "ves-io-monitor-role"}}})
	return simulator.New(users, groups, options...)
}

func sample(t *testing.T) string {
	t.Helper()
	csv := read(t, root("testdata/sample.csv"))
	return strings.Replace(csv, "Donald Knuth", "Donald E. Knuth", 1)
}

// undisturbed is the state after a run in which nothing went wrong.
func undisturbed(t *testing.T) (simulator.State, []simulator.Request) {
	t.Helper()
	tenant := estate()
	if code, out := run(t, tenant, sample(t), everything...); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	return tenant.State(), tenant.Requests()
}

// lost names what a tenant held and does not hold any more: users, groups,
// memberships, roles.
func lost(before, after simulator.State) []string {
	var all []string
	holds := map[string]bool{}
	for _, fact := range facts(after) {
		holds[fact] = true
	}
	for _, fact := range facts(before) {
		if !holds[fact] {
			all = append(all, fact)
		}
	}
	return all
}

func facts(s simulator.State) []string {
	var all []string
	for _, user := range s.Users {
		all = append(all, "user "+user.Email)
		for _, role := range user.NamespaceRoles {
			all = append(all, fmt.Sprintf("role %v of %s", role, user.Email))
		}
	}
	for _, group := range s.Groups {
		all = append(all, "group "+group.Name, fmt.Sprintf("description %q of %s, %q, %q", group.Description, group.Name, group.DisplayName, group.SyncID))
		for _, role := range group.NamespaceRoles {
			all = append(all, fmt.Sprintf("role %v of %s", role, group.Name))
		}
		for _, username := range group.Usernames {
			all = append(all, "member "+strings.ToLower(username)+" of "+group.Name)
		}
	}
	return all
}

// halfReads are the ways in which a read can go wrong.
var halfReads = map[string]simulator.Fault{
	"no key":      {Status: http.StatusOK, Body: `{}`},
	"null":        {Status: http.StatusOK, Body: `{"items": null, "user_groups": null}`},
	"truncated":   {Status: http.StatusOK, Body: `{"items": [{"email": "admin@example.com"`},
	"not JSON":    {Status: http.StatusOK, Body: `OK`},
	"an array":    {Status: http.StatusOK, Body: `[]`},
	"login page":  {Status: http.StatusOK, Body: `<!DOCTYPE html><title>Log in</title>`},
	"redirect":    {Status: http.StatusFound, Location: "https://login.example/auth"},
	"error field": {Status: http.StatusOK, Body: `{"items": [{"email": "admin@example.com"}], "user_groups": [], "usernames": [], "error": {"code": "EPARTIAL", "message": "half"}}`},
	"doubled":     {Status: http.StatusOK, Body: `{"items": [{"email": "a@x.y"}, {"email": "A@x.y"}], "user_groups": [{"name": "a", "usernames": []}, {"name": "a", "usernames": []}]}`},
	"401":         {Status: http.StatusUnauthorized, Body: `{}`},
	"403":         {Status: http.StatusForbidden, Body: `{}`},
	"404":         {Status: http.StatusNotFound, Body: `{}`},
	"429":         {Status: http.StatusTooManyRequests, Body: `{}`},
	"500":         {Status: http.StatusInternalServerError, Body: `{}`},
	"503 HTML":    {Status: http.StatusServiceUnavailable, Body: `<html>`},
	"dropped":     {Drop: true},
}

// TestAHalfReadListingRemovesNothing lets every read of a run go wrong in every
// way, one at a time.
func TestAHalfReadListingRemovesNothing(t *testing.T) {
	t.Parallel()
	want, requests := undisturbed(t)
	for n, request := range requests {
		if request.Method != http.MethodGet {
			continue
		}
		for name, fault := range halfReads {
			t.Run(fmt.Sprintf("%s %s of request %d", name, strings.TrimPrefix(request.Path, "/api/web/custom/namespaces/system"), n), func(t *testing.T) {
				t.Parallel()
				var hit atomic.Bool
				tenant := estate(failing(fault, func(r *http.Request) bool {
					return r.Method == request.Method && r.URL.Path == request.Path && hit.CompareAndSwap(false, true)
				}))
				before := tenant.State()
				code, out := run(t, tenant, sample(t), everything...)
				if !hit.Load() {
					t.Fatal("the fault was not met")
				}
				if name == "dropped" && code == 0 && cmp.Equal(want, tenant.State()) {
					return // net/http repeats a GET by itself where a kept connection turns out to be closed
				}
				listing := !strings.Contains(request.Path, "user_groups/")
				whoami := strings.HasSuffix(request.Path, "whoami")
				gone := lost(before, tenant.State())
				switch {
				case listing && !whoami && len(gone) > 0:
					t.Errorf("lost %q\n%s", gone, out)
				case whoami && slices.ContainsFunc(gone, func(fact string) bool { return strings.HasPrefix(fact, "user ") }):
					t.Errorf("users were deleted though the caller is not known: %q\n%s", gone, out)
				case whoami && name != "dropped" && code == 0:
					t.Errorf("exit code 0 though the caller is not known\n%s", out)
				case listing && !whoami && code == 0:
					t.Errorf("exit code 0\n%s", out)
				}
				// A group that could not be read again is left alone.
				if group, is := strings.CutPrefix(request.Path, "/api/web/custom/namespaces/system/user_groups/"); is {
					for _, fact := range gone {
						// left@ is deleted for reasons of their own.
						if strings.HasSuffix(fact, " of "+group) && name != "404" && !strings.Contains(fact, "left@") {
							t.Errorf("lost %q though the group could not be read\n%s", fact, out)
						}
					}
				}
			})
		}
	}
}

// TestCrashAnywhere ends the run after each of its writes in turn: from then on
// nothing reaches the tenant. One more run ends where an undisturbed one does,
// and the next has nothing to do.
func TestCrashAnywhere(t *testing.T) {
	t.Parallel()
	want, requests := undisturbed(t)
	writes := len(writesOf(requests))
	if writes < 10 {
		t.Fatalf("only %d writes: the estate is too small", writes)
	}
	for k := range writes {
		for _, answered := range []bool{true, false} {
			t.Run(fmt.Sprintf("after write %d, answered %v", k+1, answered), func(t *testing.T) {
				t.Parallel()
				var over atomic.Bool
				var seen atomic.Int64
				tenant := estate(simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
					switch {
					case over.Load():
						return simulator.Fault{}
					case int(seen.Load()) > k:
						return simulator.Fault{Drop: true}
					case r.Method != http.MethodGet && int(seen.Add(1)) > k && !answered:
						return simulator.Fault{Drop: true, AfterAct: true}
					}
					return simulator.Fault{}
				}))
				run(t, tenant, sample(t), everything...)
				over.Store(true)
				code, out := run(t, tenant, sample(t), everything...)
				if diff := cmp.Diff(want, tenant.State()); code != 0 || diff != "" {
					t.Errorf("exit code %d, state (-undisturbed +crashed):\n%s\n%s", code, diff, out)
				}
				mark := len(tenant.Requests())
				run(t, tenant, sample(t), everything...)
				if more := writesOf(tenant.Requests()[mark:]); len(more) > 0 {
					t.Errorf("the third run sends %v", more)
				}
			})
		}
	}
}

// TestAmbiguousWritesAreSettled lets each write fail after it was carried out:
// the run finds out by reading back, and sends no group write twice.
func TestAmbiguousWritesAreSettled(t *testing.T) {
	t.Parallel()
	want, requests := undisturbed(t)
	writes := writesOf(requests)
	for k, request := range writes {
		for name, fault := range map[string]simulator.Fault{
			"dropped": {Drop: true, AfterAct: true},
			"500":     {Status: http.StatusInternalServerError, AfterAct: true},
			"504":     {Status: http.StatusGatewayTimeout, AfterAct: true, Body: "<html>gateway</html>"},
		} {
			t.Run(fmt.Sprintf("%s on write %d, %s %s", name, k+1, request.Method, request.Path), func(t *testing.T) {
				t.Parallel()
				var seen atomic.Int64
				tenant := estate(failing(fault, func(r *http.Request) bool { return r.Method != http.MethodGet && int(seen.Add(1)) == k+1 }))
				code, out := run(t, tenant, sample(t), everything...)
				if diff := cmp.Diff(want, tenant.State()); code != 0 || diff != "" {
					t.Errorf("exit code %d, state (-undisturbed +faulty):\n%s\n%s", code, diff, out)
				}
				if n := int(seen.Load()); n != len(writes) {
					t.Errorf("%d writes where %d are to be made\n%s", n, len(writes), out)
				}
			})
		}
	}
}

func writesOf(requests []simulator.Request) []simulator.Request {
	return slices.DeleteFunc(slices.Clone(requests), func(r simulator.Request) bool { return r.Method == http.MethodGet })
}

// TestTheTenantsSpellingIsKept where a user is changed or deleted.
func TestTheTenantsSpellingIsKept(t *testing.T) {
	t.Parallel()
	tenant := simulator.New([]simulator.User{
		{Email: "Ada@Example.com", FirstName: "A", LastName: "L", IDMType: "VOLTERRA_MANAGED"}, {Email: "BoB@Example.com"}, {Email: "owner@example.com", DomainOwner: true},
	}, []simulator.Group{{Name: "g", Description: plan.Marker, Usernames: []string{"Ada@Example.com"}}})
	if code, out := run(t, tenant, "Email,Entitlement Display Name,User Display Name\nada@example.com,CN=g,Ada Lovelace\n", "--update-users", "--prune", "users", "--max-removals", "none"); code != 0 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	writes := writesOf(tenant.Requests())
	if len(writes) != 2 || !strings.Contains(string(writes[0].Body), `"email":"Ada@Example.com"`) || !strings.Contains(string(writes[1].Body), `"email":"BoB@Example.com"`) {
		t.Errorf("writes %v", writes)
	}
}

// TestTwoRunsAtOnce end where one does.
func TestTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	want, _ := undisturbed(t)
	for range 20 {
		tenant := estate()
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() { run(t, tenant, sample(t), everything...) })
		}
		both.Wait()
		code, out := run(t, tenant, sample(t), everything...)
		if diff := cmp.Diff(want, tenant.State()); code != 0 || diff != "" {
			t.Fatalf("exit code %d, state (-one +two):\n%s\n%s", code, diff, out)
		}
	}
}

// TestAPageIsNoAnswerAboutAnObject: what a proxy or a missing endpoint answers
// says nothing of users and groups.
func TestAPageIsNoAnswerAboutAnObject(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"404 page": {Status: http.StatusNotFound, Body: "<html>not found</html>"},
		"404":      {Status: http.StatusNotFound, Body: `{"code":"ENOTFOUND","message":"no such method"}`},
		"409 page": {Status: http.StatusConflict, Body: "<html>conflict</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := estate(failing(fault, func(r *http.Request) bool {
				return r.Method == http.MethodPost && (strings.HasSuffix(r.URL.Path, "cascade_delete") || strings.HasSuffix(r.URL.Path, "user_roles"))
			}))
			before := tenant.State()
			code, out := run(t, tenant, "Email,Entitlement Display Name\ndonald.knuth@example.com,CN=xc-auditors\n", "--prune", "users", "--max-removals", "none")
			if code != 1 || strings.Contains(out, "deleted=1") || !strings.Contains(out, "error: delete user left@example.com") {
				t.Errorf("exit code %d:\n%s", code, out)
			}
			for _, fact := range lost(before, tenant.State()) {
				if strings.HasPrefix(fact, "user ") {
					t.Errorf("lost %q", fact)
				}
			}
			if code, out := run(t, tenant, oneNewcomer); name != "404" && (code != 1 || !strings.Contains(out, "created=0")) {
				t.Errorf("creation: exit code %d:\n%s", code, out)
			}
		})
	}
}

// bug panics with a secret where the program reads.
type bug struct{}

func (bug) Read([]byte) (int, error) { panic("the token is tok-12345") }

func TestABugShowsNoSecret(t *testing.T) {
	t.Parallel()
	code, out := program(t.Context(), nil, bug{}, "sync", "--csv", "-", "--tenant", "acme", "--api-token", "tok-12345")
	if code != 1 || strings.Contains(out, "tok-12345") || strings.Contains(out, "goroutine") || !strings.Contains(out, "this is a bug") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
