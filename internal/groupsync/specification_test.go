package groupsync_test

// The tests of the retry specification: its unit tests, its scenarios, its
// requirements (FR-RETRY) and its success criteria (SC-RETRY).

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/simulator"
)

const john = directory.Email("john@example.com")

// answers is a transport whose creation of users answers with one thing after
// the other, the last one for ever: a status, or an error. It keeps the times.
type answers struct {
	*httpmock.MockTransport
	start time.Time
	mu    sync.Mutex
	times []time.Duration
}

func script(things ...any) *answers {
	a := &answers{MockTransport: httpmock.NewMockTransport(), start: time.Now()}
	a.RegisterResponder("POST", base+users, func(*http.Request) (*http.Response, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.times = append(a.times, time.Since(a.start))
		switch thing := things[min(len(a.times), len(things))-1].(type) {
		case error:
			return nil, thing
		case int:
			return httpmock.NewJsonResponse(thing, map[string]any{})
		default:
			return nil, errors.New("neither a status nor an error")
		}
	})
	a.RegisterResponder("GET", base+users, httpmock.NewStringResponder(200, `{"items":[{"email":"owner@example.com"}]}`))
	return a
}

// create creates John.
func create(t *testing.T, a *answers, options ...groupsync.Options) groupsync.Result {
	t.Helper()
	result := apply(t, a, []plan.Operation{createUser(john)}, options...).Results[0]
	if result.Attempts != len(a.times) {
		t.Errorf("%d attempts, but %d requests", result.Attempts, len(a.times))
	}
	return result
}

func TestUserCreationRetrySuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		result := create(t, script(noRoute, 200), groupsync.Options{UserRetry: attempts(2)})
		if result.Status != groupsync.Done || result.Effect != plan.Create || result.Attempts != 2 {
			t.Errorf("result = %+v", result)
		}
	})
}

func TestUserCreationRetryExhausted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		result := create(t, script(noRoute), groupsync.Options{UserRetry: attempts(3)})
		if result.Status != groupsync.Failed || result.Attempts != 3 || !errors.Is(result.Err, noRoute) {
			t.Errorf("result = %+v", result)
		}
	})
}

func TestUserCreationNoRetryOnPermanentError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		result := create(t, script(400), groupsync.Options{UserRetry: attempts(3)})
		if result.Status != groupsync.Failed || result.Attempts != 1 || retry.FaultOf(result.Err).Cause != "400" {
			t.Errorf("result = %+v", result)
		}
	})
}

func TestCustomRetryConfiguration(t *testing.T) {
	t.Parallel()
	want := retry.Policy{Attempts: 5, Multiplier: time.Second, Min: 500 * time.Millisecond, Max: 2 * time.Second, Jitter: retry.NoJitter}
	service := groupsync.New(connect(script(200)), groupsync.Options{UserRetry: want})
	if diff := cmp.Diff(want, service.UserRetry()); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

// scenario plays one of the specification's examples, and compares its log.
func scenario(t *testing.T, things []any, status groupsync.Status, times []time.Duration, log string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a, j := script(things...), newJournal()
		result := create(t, a, groupsync.Options{Log: j.logger()})
		if result.Status != status {
			t.Errorf("result = %+v", result)
		}
		if diff := cmp.Diff(times, a.times); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(strings.TrimPrefix(log, "\n"), j.String()); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

func TestSuccessfulRetryScenario(t *testing.T) {
	t.Parallel()
	scenario(t, []any{timedOut, 503, 201}, groupsync.Done, []time.Duration{0, time.Second, 3 * time.Second}, `
at=0s level=WARN msg="attempt failed, retrying" layer=service operation="create user john@example.com" attempt=1 of=3 cause=timeout error="POST user_roles: dial tcp: i/o timeout" wait=1s
at=1s level=WARN msg="attempt failed, retrying" layer=service operation="create user john@example.com" attempt=2 of=3 cause=503 error="POST user_roles: HTTP 503 Service Unavailable: {}" wait=2s
at=3s level=INFO msg="succeeded after a retry" layer=service operation="create user john@example.com" attempt=3
at=3s level=INFO msg="created user" name=john@example.com attempts=3
`)
}

func TestFailedRetryScenario(t *testing.T) {
	t.Parallel()
	const cause = `POST user_roles: dial tcp: i/o timeout`
	scenario(t, []any{timedOut}, groupsync.Failed, []time.Duration{0, time.Second, 3 * time.Second}, `
at=0s level=WARN msg="attempt failed, retrying" layer=service operation="create user john@example.com" attempt=1 of=3 cause=timeout error="`+cause+`" wait=1s
at=1s level=WARN msg="attempt failed, retrying" layer=service operation="create user john@example.com" attempt=2 of=3 cause=timeout error="`+cause+`" wait=2s
at=3s level=WARN msg="attempt failed, giving up" layer=service operation="create user john@example.com" attempt=3 of=3 cause=timeout error="`+cause+`"
at=3s level=ERROR msg="could not create user" name=john@example.com attempts=3 error="`+cause+` (after 3 attempts)"
`)
}

func TestFastFailScenario(t *testing.T) {
	t.Parallel()
	scenario(t, []any{400}, groupsync.Failed, []time.Duration{0}, `
at=0s level=ERROR msg="could not create user" name=john@example.com error="POST user_roles: HTTP 400 Bad Request: {}"
`)
}

// FR-RETRY-001, FR-RETRY-005, SC-RETRY-005: the parameters, and their defaults.
func TestFRRetry001And005Parameters(t *testing.T) {
	t.Parallel()
	policy := func(attempts int, multiplier, low, high float64, jitter retry.Jitter) retry.Policy {
		seconds := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
		return retry.Policy{Attempts: attempts, Multiplier: seconds(multiplier), Min: seconds(low), Max: seconds(high), Jitter: jitter}
	}
	for _, tt := range []struct {
		name      string
		set, want retry.Policy
	}{
		{"default", retry.Policy{}, policy(3, 1, 1, 4, retry.NoJitter)},
		{"aggressive", policy(5, 1, 0.5, 2, retry.NoJitter), policy(5, 1, 0.5, 2, retry.NoJitter)},
		{"no waits", retry.Policy{Attempts: 3}, retry.Policy{Attempts: 3}},
		{"all", policy(5, 2, 0.5, 10, retry.EqualJitter), policy(5, 2, 0.5, 10, retry.EqualJitter)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			service := groupsync.New(connect(script(200)), groupsync.Options{UserRetry: tt.set})
			if diff := cmp.Diff(tt.want, service.UserRetry()); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
		})
	}
}

// FR-RETRY-002, SC-RETRY-001, SC-RETRY-002: as many attempts as configured,
// with the waits that the formula gives.
func TestFRRetry002Backoff(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                  string
		attempts              int
		multiplier, low, high time.Duration
		seconds               []float64 // at which requests are sent
	}{
		{"default", 3, time.Second, time.Second, 4 * time.Second, []float64{0, 1, 3}},
		{"capped", 6, time.Second, time.Second, 4 * time.Second, []float64{0, 1, 3, 7, 11, 15}},
		{"aggressive", 5, time.Second, time.Second / 2, 2 * time.Second, []float64{0, 1, 3, 5, 7}},
		{"conservative", 2, time.Second, 2 * time.Second, 10 * time.Second, []float64{0, 2}},
		{"the command line's", 5, 2 * time.Second, time.Second / 2, 10 * time.Second, []float64{0, 2, 6, 14, 24}},
		{"no waits", 4, time.Second, 0, 0, []float64{0, 0, 0, 0}},
		{"once", 1, time.Second, time.Second, time.Second, []float64{0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := script(503)
				create(t, a, groupsync.Options{UserRetry: retry.Policy{Attempts: tt.attempts, Multiplier: tt.multiplier, Min: tt.low, Max: tt.high}})
				var got []float64
				for _, at := range a.times {
					got = append(got, at.Seconds())
				}
				if diff := cmp.Diff(tt.seconds, got); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// FR-RETRY-003, SC-RETRY-003: transient errors are retried, others are not.
func TestFRRetry003Classification(t *testing.T) {
	t.Parallel()
	for thing, attempts := range map[any]int{
		noRoute: 3, timedOut: 3, context.DeadlineExceeded: 3, 429: 3, 500: 3, 502: 3, 503: 3, 504: 3,
		400: 1, 401: 1, 403: 1, 404: 1, 302: 1, 422: 1,
	} {
		t.Run(fmt.Sprint(thing), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if result := create(t, script(thing)); result.Attempts != attempts || result.Status != groupsync.Failed {
					t.Errorf("result = %+v, want %d attempts", result, attempts)
				}
			})
		})
	}
}

// faulty is a repository with a programming error.
type faulty struct {
	groupsync.Repository
	err error
}

func (f faulty) CreateUser(context.Context, directory.User) (directory.Username, error) {
	return "", f.err
}

func TestFRRetry003ProgrammingErrors(t *testing.T) {
	t.Parallel()
	err := errors.New("a programming error")
	outcome := groupsync.New(faulty{err: err}, groupsync.Options{}).Apply(t.Context(), &plan.Plan{Operations: []plan.Operation{createUser(john)}})
	if result := outcome.Results[0]; result.Attempts != 1 || !errors.Is(result.Err, err) {
		t.Errorf("result = %+v", result)
	}
}

// FR-RETRY-004, SC-RETRY-004: group operations are tried once, unless they
// have settings of their own.
func TestFRRetry004Groups(t *testing.T) {
	t.Parallel()
	for _, write := range []string{"POST user_groups", "PUT user_groups/ops", "DELETE user_groups/old", "PUT " + assign, "PUT " + remove} {
		for tries, options := range map[int]groupsync.Options{1: {UserRetry: attempts(9)}, 4: {GroupRetry: attempts(4)}} {
			t.Run(fmt.Sprint(write, " ", tries), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					method, path, _ := strings.Cut(write, " ")
					tenant := company(on(method, path, 0, simulator.Fault{Status: 503}))
					start := time.Now()
					result := apply(t, tenant, []plan.Operation{groupOperation(t, tenant, write)}, options).Results[0]
					if result.Status != groupsync.Failed || result.Attempts != tries || len(writes(tenant)) != tries {
						t.Errorf("result = %+v after %v", result, writes(tenant))
					}
					if took := time.Since(start); took != map[int]time.Duration{1: 0, 4: 7 * time.Second}[tries] {
						t.Errorf("took %v", took)
					}
				})
			})
		}
	}
}

// SC-RETRY-006: the defaults overcome nine of ten operations' transient
// failures.
func TestSCRetry006Defaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var operations []plan.Operation
		for i := range 500 {
			operations = append(operations, createUser(directory.Email(fmt.Sprintf("user%d@example.com", i))))
		}
		tenant := company(simulator.WithFaults(0.2, 1))
		counts := apply(t, tenant, operations, groupsync.Options{Concurrency: 1}).Retry
		if failed := counts.Recovered + counts.Exhausted; failed < 50 || counts.Recovered*10 < failed*9 {
			t.Errorf("%d of %d operations recovered", counts.Recovered, failed)
		}
		if counts.Attempts != len(operations)+counts.Retries {
			t.Errorf("counts = %+v", counts)
		}
	})
}
