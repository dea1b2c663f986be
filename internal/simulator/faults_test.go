package simulator_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/simulator"
)

const newGroup = `{"name":"new"}`

func TestFault(t *testing.T) {
	t.Parallel()
	const login = "<!DOCTYPE html><title>Log in</title>"
	tests := []struct {
		name   string
		fault  simulator.Fault
		status int // 0: the connection is dropped
		header http.Header
		body   string
		acts   bool
	}{
		{"none", simulator.Fault{}, 200, http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"00000000-0000-4000-8000-000000000001"}}, "", true},
		{"before", simulator.Fault{Status: 503}, 503, http.Header{}, "", false},
		{"after", simulator.Fault{Status: 500, AfterAct: true, Body: `{"code":"EINTERNAL"}`}, 500, http.Header{"Content-Type": {"application/json"}}, `{"code":"EINTERNAL"}`, true},
		{"throttled", simulator.Fault{Status: 429, RetryAfter: "7", Body: "slow down"}, 429,
			http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "Retry-After": {"7"}}, "slow down", false},
		{"login page", simulator.Fault{Status: 200, Body: login}, 200, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, login, false},
		{"redirect", simulator.Fault{Status: 302, Location: "https://login.example/"}, 302, http.Header{"Location": {"https://login.example/"}}, "", false},
		{"dropped before", simulator.Fault{Drop: true}, 0, nil, "", false},
		{"dropped after", simulator.Fault{Drop: true, AfterAct: true}, 0, nil, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := simulator.New(nil, nil, simulator.WithFault(func(n int, r *http.Request) simulator.Fault {
				if body, _ := io.ReadAll(r.Body); n != 1 || string(body) != newGroup {
					t.Errorf("request %d: %s", n, body)
				}
				return tt.fault
			}))
			resp, err := tenant.RoundTrip(newRequest(t, "POST", groups, newGroup))
			if tt.status == 0 {
				if !errors.Is(err, syscall.ECONNRESET) || !isNetError(err) {
					t.Errorf("error = %v, want a reset connection", err)
				}
			} else {
				body, _ := io.ReadAll(resp.Body)
				if resp.StatusCode != tt.status || tt.body != "" && string(body) != tt.body {
					t.Errorf("answer = %d %s", resp.StatusCode, body)
				}
				if diff := cmp.Diff(tt.header, resp.Header); diff != "" {
					t.Errorf("header (-want +got):\n%s", diff)
				}
			}
			if acted := len(tenant.Groups()) == 1; acted != tt.acts {
				t.Errorf("acted = %t", acted)
			}
			want := []simulator.Request{{Method: "POST", Path: strings.TrimPrefix(base, "https://example.console.ves.volterra.io") + groups, Body: []byte(newGroup), Status: tt.status, ID: tt.header.Get("X-Request-Id")}}
			if diff := cmp.Diff(want, tenant.Requests()); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

func isNetError(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}

// A fault's chooser may use the tenant: another run changes something between
// two requests.
func TestFaultSeesTheTenant(t *testing.T) {
	t.Parallel()
	var tenant *simulator.Tenant
	tenant = simulator.New(nil, nil,
		simulator.WithFault(func(n int, _ *http.Request) simulator.Fault {
			if n == 1 {
				send(t, tenant, "POST", groups, newGroup)
			}
			return simulator.Fault{}
		}),
		simulator.WithFault(func(n int, _ *http.Request) simulator.Fault {
			if n == 3 {
				return simulator.Fault{Status: 503, Body: "{}"}
			}
			return simulator.Fault{}
		}))
	for i, want := range []int{409, 503, 409} {
		if status, body := send(t, tenant, "POST", groups, newGroup); status != want {
			t.Errorf("request %d: %d %s, want %d", i, status, body, want)
		}
	}
}

func TestFaultsByShare(t *testing.T) {
	t.Parallel()
	const requests = 2000
	run := func(share float64, seed uint64) map[string]int {
		tenant := simulator.New(nil, nil, simulator.WithFaults(share, seed))
		kinds := make(map[string]int)
		for range requests {
			resp, err := tenant.RoundTrip(newRequest(t, "GET", groups, ""))
			if err != nil {
				kinds["dropped"]++
			} else {
				kinds[fmt.Sprintf("%d %s", resp.StatusCode, resp.Header.Get("Retry-After"))]++
			}
		}
		return kinds
	}
	if diff := cmp.Diff(map[string]int{"200 ": requests}, run(0, 1)); diff != "" {
		t.Errorf("share 0 (-want +got):\n%s", diff)
	}
	if n := run(1, 1)["200 "]; n != 0 {
		t.Errorf("share 1: %d requests went well", n)
	}
	quarter := run(0.25, 7)
	if diff := cmp.Diff(quarter, run(0.25, 7)); diff != "" {
		t.Errorf("one seed, two runs:\n%s", diff)
	}
	for kind, share := range map[string]float64{"200 ": 0.75, "503 ": 0.05, "429 1": 0.05, "500 ": 0.05, "dropped": 0.1} {
		if got := float64(quarter[kind]) / requests; got < share-0.025 || got > share+0.025 {
			t.Errorf("%s: share %.3f, want about %.2f", kind, got, share)
		}
	}
}

func TestLatencyAndDelay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		option  simulator.Option
		timeout time.Duration
		took    time.Duration
		err     error
		acts    bool
	}{
		{"in time", simulator.WithLatency(time.Second), time.Minute, time.Second, nil, true},
		{"latency", simulator.WithLatency(time.Hour), time.Minute, time.Minute, context.DeadlineExceeded, false},
		{"delay before", delay(simulator.Fault{Delay: time.Hour}), time.Minute, time.Minute, context.DeadlineExceeded, false},
		{"delay after", delay(simulator.Fault{Delay: time.Hour, AfterAct: true}), time.Minute, time.Minute, context.DeadlineExceeded, true},
		{"short delay", delay(simulator.Fault{Delay: time.Second, AfterAct: true}), time.Minute, time.Second, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := simulator.New(nil, nil, tt.option)
				client := &http.Client{Transport: tenant, Timeout: tt.timeout}
				start := time.Now()
				resp, err := client.Do(newRequest(t, "POST", groups, newGroup))
				if !errors.Is(err, tt.err) {
					t.Errorf("error = %v, want %v", err, tt.err)
				}
				if err == nil {
					_ = resp.Body.Close()
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
				if acted := len(tenant.Groups()) == 1; acted != tt.acts {
					t.Errorf("acted = %t", acted)
				}
			})
		})
	}
}

func delay(f simulator.Fault) simulator.Option {
	return simulator.WithFault(func(int, *http.Request) simulator.Fault { return f })
}

func TestRoundTripOfACancelledRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tenant := simulator.New(nil, nil)
	_, err := tenant.RoundTrip(newRequest(t, "POST", groups, newGroup).WithContext(ctx))
	if !errors.Is(err, context.Canceled) || len(tenant.Requests()) != 0 {
		t.Errorf("error = %v after %d requests", err, len(tenant.Requests()))
	}
}

func TestServer(t *testing.T) {
	t.Parallel()
	u, g := simulator.Sample()
	tenant := simulator.New(u, g, simulator.WithFault(func(n int, _ *http.Request) simulator.Fault {
		return simulator.Fault{Drop: n == 2}
	}))
	server := httptest.NewServer(tenant)
	defer server.Close()
	get := func() (int, error) {
		resp, err := server.Client().Post(server.URL+"/api/web/custom/namespaces/system/user_groups", "application/json", strings.NewReader(newGroup))
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	if status, err := get(); status != 200 || err != nil {
		t.Errorf("first: %d, %v", status, err)
	}
	if status, err := get(); err == nil {
		t.Errorf("second: %d, want a dropped connection", status)
	}
	if status, err := get(); status != 409 || err != nil {
		t.Errorf("third: %d, %v", status, err)
	}
}

func TestCallerTokenAndKind(t *testing.T) {
	t.Parallel()
	const create = `{"email":"linus@example.com","first_name":"L","last_name":"T","idm_type":"VOLTERRA_MANAGED"}`
	ann, bob := simulator.User{Email: "ann@example.com", IDMType: "VOLTERRA_MANAGED"}, simulator.User{Email: "bob@example.com", Name: "bob"}
	owner := simulator.User{Email: "owner@example.com", DomainOwner: true}
	tests := []struct {
		name   string
		users  []simulator.User
		option simulator.Option
		caller string // "" for none
		create int
	}{
		{"owner calls", []simulator.User{ann, owner}, simulator.WithToken(""), "owner@example.com", 200},
		{"first calls", []simulator.User{bob, ann}, simulator.WithToken(""), "bob@example.com", 400},
		{"caller by name", []simulator.User{owner, bob}, simulator.WithCaller("BOB"), "bob@example.com", 400},
		{"caller unknown", []simulator.User{owner}, simulator.WithCaller("bob"), "", 200},
		{"no users", nil, simulator.WithToken(""), "", 200},
		{"kind", []simulator.User{bob}, simulator.WithIDM("VOLTERRA_MANAGED"), "bob@example.com", 200},
		{"any kind", []simulator.User{bob}, simulator.WithIDM(""), "bob@example.com", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := simulator.New(tt.users, nil, tt.option)
			status, body := send(t, tenant, "GET", "whoami", "")
			if tt.caller == "" && status != 404 || tt.caller != "" && !strings.Contains(body, tt.caller) {
				t.Errorf("whoami = %d %s, want %q", status, body, tt.caller)
			}
			if status, body := send(t, tenant, "POST", users, create); status != tt.create {
				t.Errorf("create = %d %s, want %d", status, body, tt.create)
			}
		})
	}
}

// Snapshots are the caller's own, and make the same tenant again.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	first := odd()
	u, g := first.Users(), first.Groups()
	second := simulator.New(u, g)
	if diff := cmp.Diff(first.Users(), second.Users()); diff != "" {
		t.Errorf("users (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(first.Groups(), second.Groups()); diff != "" {
		t.Errorf("groups (-first +second):\n%s", diff)
	}
	u[0].GroupNames = append(u[0].GroupNames[:0], "changed")
	g[0].Usernames, g[0].ReferencesCount["changed"] = nil, 1
	g[0].Error.Message = "changed"
	for _, tenant := range []*simulator.Tenant{first, second} {
		if diff := cmp.Diff(odd().Groups(), tenant.Groups()); diff != "" {
			t.Errorf("groups (-want +got):\n%s", diff)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	tenant := odd(simulator.WithFaults(0.2, 1))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				body := fmt.Sprintf(`{"name":"g-%d-%d","usernames":["aturing"]}`, i, j)
				for _, req := range []*http.Request{newRequest(t, "POST", groups, body), newRequest(t, "GET", users, "")} {
					if resp, err := tenant.RoundTrip(req); err == nil {
						_ = resp.Body.Close()
					}
				}
				_, _, _ = tenant.Users(), tenant.Groups(), tenant.Requests()
			}
		})
	}
	wg.Wait()
	if n := len(tenant.Requests()); n != 320 {
		t.Errorf("%d requests on record, want 320", n)
	}
}

// TestUsersOfOneEmailKeepTheirOrder: a run is repeatable, byte for byte.
func TestUsersOfOneEmailKeepTheirOrder(t *testing.T) {
	t.Parallel()
	var users []simulator.User
	for _, name := range []string{"e", "d", "c", "b", "a"} {
		users = append(users, simulator.User{Email: "one@example.com", Name: name})
	}
	tenant := simulator.New(users, nil)
	want := tenant.Users()
	for range 20 {
		if got := tenant.Users(); !reflect.DeepEqual(got, want) {
			t.Fatalf("the order changed: %v, was %v", got, want)
		}
	}
}
