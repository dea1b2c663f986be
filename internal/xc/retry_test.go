package xc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/xc"
)

// tenant answers by the number of the request, from 1, and keeps the times.
type tenant struct {
	start time.Time
	reply func(n int, r *http.Request) (*http.Response, error)

	mu    sync.Mutex
	times []time.Duration
}

func (s *tenant) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.times = append(s.times, time.Since(s.start))
	n := len(s.times)
	s.mu.Unlock()
	return s.reply(n, r)
}

func (s *tenant) seen() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.times)
}

func newTenant(reply func(n int, r *http.Request) (*http.Response, error)) *tenant {
	return &tenant{start: time.Now(), reply: reply}
}

func always(status int, header http.Header) func(int, *http.Request) (*http.Response, error) {
	return func(_ int, r *http.Request) (*http.Response, error) {
		return reply{status, header, ""}.response(r), nil
	}
}

func client(transport http.RoundTripper, change func(*xc.Options)) *xc.Client {
	options := xc.Options{BaseURL: "https://tenant.example", Transport: transport, Attempts: 3, RetryAfterMax: time.Minute, Timeout: 30 * time.Second}
	if change != nil {
		change(&options)
	}
	return xc.New(options)
}

// unbegun reports whether an error says that the run ended before a write was sent.
func unbegun(err error) bool {
	fault := retry.FaultOf(err)
	return fault.Cause == retry.CauseInterrupted && fault.NotSent
}

// The scope says which requests the client layer repeats.
func TestScopes(t *testing.T) {
	t.Parallel()
	for scope, repeats := range map[xc.Scope]func(method string) bool{
		xc.ScopeReads: func(method string) bool { return method == http.MethodGet },
		"":            func(method string) bool { return method == http.MethodGet },
		xc.ScopeAll:   func(string) bool { return true },
		xc.ScopeNone:  func(string) bool { return false },
	} {
		for _, operation := range operations {
			t.Run(fmt.Sprint(scope, ", ", operation.name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := newTenant(always(503, nil))
					c := client(server, func(o *xc.Options) { o.Scope, o.Attempts = scope, 4 })
					err := operation.do(c, t.Context())
					want := []time.Duration{0}
					if repeats(operation.method) {
						want = []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond}
					}
					if diff := cmp.Diff(want, server.seen()); diff != "" || retry.FaultOf(err).Cause != "503" {
						t.Errorf("error = %v, requests (-want +got):\n%s", err, diff)
					}
					if stats := c.Stats(); stats.Requests != len(want) || stats.Retries != len(want)-1 {
						t.Errorf("stats = %+v", stats)
					}
				})
			})
		}
	}
}

func TestWhatIsRepeated(t *testing.T) {
	t.Parallel()
	reset := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	tests := []struct {
		name   string
		first  func(int, *http.Request) (*http.Response, error)
		second time.Duration // 0: there is none
	}{
		{"500", always(500, nil), 500 * time.Millisecond},
		{"429", always(429, nil), 500 * time.Millisecond},
		{"Retry-After in seconds", always(429, http.Header{"Retry-After": {"7"}}), 7 * time.Second},
		{"Retry-After of a 503", always(503, http.Header{"Retry-After": {" 7 "}}), 7 * time.Second},
		{"Retry-After under the backoff", always(429, http.Header{"Retry-After": {"0"}}), 500 * time.Millisecond},
		{"Retry-After as a date", func(_ int, r *http.Request) (*http.Response, error) {
			date := time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat)
			return reply{429, http.Header{"Retry-After": {date}}, ""}.response(r), nil
		}, 9 * time.Second},
		{"Retry-After in the past", always(429, http.Header{"Retry-After": {"Fri, 01 Jan 1999 00:00:00 GMT"}}), 500 * time.Millisecond},
		{"Retry-After that is none", always(429, http.Header{"Retry-After": {"soon"}}), 500 * time.Millisecond},
		{"negative Retry-After", always(429, http.Header{"Retry-After": {"-5"}}), 500 * time.Millisecond},
		{"Retry-After at the limit", always(429, http.Header{"Retry-After": {"60"}}), time.Minute},
		{"Retry-After over the limit", always(429, http.Header{"Retry-After": {"61"}}), 0},
		{"Retry-After beyond all numbers", always(429, http.Header{"Retry-After": {"99999999999999999999"}}), 0},
		{"reset connection", func(int, *http.Request) (*http.Response, error) { return nil, reset }, 500 * time.Millisecond},
		{"time-out", func(_ int, r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, 30500 * time.Millisecond},
		{"400", always(400, nil), 0},
		{"401", always(401, nil), 0},
		{"403", always(403, nil), 0},
		{"404", always(404, nil), 0},
		{"redirect", always(302, nil), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newTenant(func(n int, r *http.Request) (*http.Response, error) {
					if n == 1 {
						return tt.first(n, r)
					}
					return reply{200, nil, oneUser}.response(r), nil
				})
				_, err := client(server, nil).Users(t.Context())
				want := []time.Duration{0, tt.second}
				if tt.second == 0 {
					want = want[:1]
				}
				if diff := cmp.Diff(want, server.seen()); diff != "" || (err == nil) != (tt.second > 0) {
					t.Errorf("error = %v, requests (-want +got):\n%s", err, diff)
				}
			})
		})
	}
}

// A write is ambiguous if any of its tries may have taken effect, whatever the
// last response was. A read never is.
func TestAmbiguousTries(t *testing.T) {
	t.Parallel()
	for _, operation := range operations {
		for first, want := range map[int]bool{503: true, 429: false} {
			for _, last := range []int{409, 429} {
				t.Run(fmt.Sprint(operation.name, ", ", first, " ", last), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						c := client(newTenant(func(n int, r *http.Request) (*http.Response, error) {
							return reply{[]int{first, last}[n-1], nil, ""}.response(r), nil
						}), func(o *xc.Options) { o.Scope, o.Attempts = xc.ScopeAll, 2 })
						reads := operation.method == http.MethodGet
						fault := retry.FaultOf(operation.do(c, t.Context()))
						if fault.Status != last || fault.Ambiguous != (want && !reads) || fault.NotSent != reads {
							t.Errorf("fault = %+v", fault)
						}
					})
				})
			}
		}
	}
}

// One 429 holds back all requests that come after it.
func TestThrottledRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newTenant(func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				return reply{429, http.Header{"Retry-After": {"20"}}, ""}.response(r), nil
			}
			return reply{200, nil, oneUser}.response(r), nil
		})
		c := client(server, nil)
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				if _, err := c.Users(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		seen := server.seen()
		if len(seen) != 7 || seen[1] != 20*time.Second || seen[6] > 21*time.Second {
			t.Errorf("requests at %v, want the first at 0, the others within a second from 20 s on", seen)
		}
	})
}

// A Retry-After that is not honored holds nobody back.
func TestTooLongThrottle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newTenant(always(429, http.Header{"Retry-After": {"3600"}}))
		c := client(server, nil)
		for range 2 {
			if _, err := c.Users(t.Context()); err == nil {
				t.Error("no error")
			}
		}
		if diff := cmp.Diff([]time.Duration{0, 0}, server.seen()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newTenant(func(_ int, r *http.Request) (*http.Response, error) { return reply{200, nil, oneUser}.response(r), nil })
		c := client(server, func(o *xc.Options) { o.RateLimit = 4 })
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() { _, _ = c.Users(t.Context()) })
		}
		wg.Wait()
		var want []time.Duration
		for i := range 12 {
			want = append(want, time.Duration(i)*250*time.Millisecond)
		}
		if diff := cmp.Diff(want, server.seen()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

// An interruption ends a read at once; a write has seven seconds.
func TestInterruption(t *testing.T) {
	t.Parallel()
	stopped := errors.New("stopped by hand")
	for _, operation := range operations {
		for _, takes := range []time.Duration{6 * time.Second, time.Minute} {
			t.Run(fmt.Sprint(operation.name, ", ", takes), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := newTenant(func(_ int, r *http.Request) (*http.Response, error) {
						select {
						case <-r.Context().Done():
							return nil, r.Context().Err()
						case <-time.After(takes):
							return reply{200, nil, operation.answer}.response(r), nil
						}
					})
					ctx, cancel := context.WithCancelCause(t.Context())
					time.AfterFunc(time.Second, func() { cancel(stopped) })
					err := operation.do(client(server, func(o *xc.Options) { o.Timeout = 0 }), ctx)
					took := time.Since(server.start)
					switch {
					case operation.method == http.MethodGet:
						if !unbegun(err) || !errors.Is(err, stopped) || took != time.Second {
							t.Errorf("error = %v after %v, want the interruption at once", err, took)
						}
					case takes < xc.Grace:
						if err != nil || took != takes {
							t.Errorf("error = %v after %v, want the answer", err, took)
						}
					case !errors.Is(err, context.Canceled) || unbegun(err) || !retry.FaultOf(err).Ambiguous || took != time.Second+xc.Grace:
						t.Errorf("error = %v after %v, want it given up", err, took)
					}
				})
			})
		}
	}
}

// A request that waits for its turn is not sent, and the error says so; that of a
// write that was sent and would have been repeated does not.
func TestInterruptionInAWait(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*xc.Options)
		first  int // status of the first answer
		unsent bool
	}{
		{"for the rate limit", func(o *xc.Options) { o.RateLimit = 0.1 }, 200, true},
		{"for a Retry-After of another", nil, 429, true},
		{"for the second try", func(o *xc.Options) { o.Scope = xc.ScopeAll }, 503, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newTenant(always(tt.first, http.Header{"Retry-After": {"30"}}))
				c := client(server, tt.change)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				if tt.unsent {
					_ = c.DeleteGroup(ctx, "first")
				}
				_, err := c.CreateUser(ctx, ann)
				if len(server.seen()) != 1 || time.Since(server.start) != time.Second {
					t.Errorf("%d requests in %v", len(server.seen()), time.Since(server.start))
				}
				var refused *xc.Error
				if unbegun(err) != tt.unsent || errors.As(err, &refused) == tt.unsent || retry.FaultOf(err).Ambiguous == tt.unsent {
					t.Errorf("error = %v, want it to say that nothing was sent: %t", err, tt.unsent)
				}
			})
		})
	}
}
