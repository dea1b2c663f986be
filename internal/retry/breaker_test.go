package retry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/retry"
)

const (
	threshold = 3
	cooldown  = 30 * time.Second
)

// shop is a retrier with a breaker, and a record of the attempts.
type shop struct {
	retry.Retrier
	metrics retry.Metrics
	start   time.Time

	mu  sync.Mutex
	log []string // "1s a" for an attempt of operation a after a second
}

func newShop() *shop {
	s := &shop{start: time.Now()}
	s.Retrier = retry.Retrier{RetryAfterMax: time.Minute, Breaker: retry.NewBreaker(threshold, cooldown), Metrics: &s.metrics}
	return s
}

// once is a policy without retries, so that one attempt is one operation.
var once = retry.Policy{Attempts: 1}

func (s *shop) do(ctx context.Context, name string, policy retry.Policy, errs ...error) retry.Result {
	next := script(errs...)
	return s.Do(ctx, name, policy, func(ctx context.Context, history retry.History) error {
		s.mu.Lock()
		s.log = append(s.log, fmt.Sprint(time.Since(s.start).Round(ms*10), " ", name))
		s.mu.Unlock()
		return next(ctx, history)
	}, nil)
}

func (s *shop) attempts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// open opens the breaker.
func (s *shop) open(t *testing.T) {
	t.Helper()
	for range threshold {
		s.do(t.Context(), "row", once, busy)
	}
	if s.Breaker.Opened() != 1 {
		t.Fatalf("opened %d times", s.Breaker.Opened())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

var busy, bad error = refusal(503), refusal(400)

func TestBreakerOpens(t *testing.T) {
	t.Parallel()
	given := unanswered(context.Canceled)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	interrupted := retry.Interrupted(ended)
	tests := []struct {
		name   string
		row    []error
		opened int
	}{
		{"threshold in a row", []error{busy, busy, busy}, 1},
		{"one less", []error{busy, busy}, 0},
		{"a success ends the row", []error{busy, busy, nil, busy, busy}, 0},
		{"a permanent error ends the row", []error{busy, busy, bad, busy, busy}, 0},
		{"a new row", []error{busy, nil, busy, busy, busy}, 1},
		{"permanent errors", []error{bad, bad, bad, bad, bad}, 0},
		{"cancellations", []error{given, given, given, given}, 0},
		{"interruptions", []error{interrupted, interrupted, interrupted}, 0},
		{"a cancellation does not count either way", []error{busy, busy, given, busy}, 1},
		{"all kinds of transient errors", []error{refusal(429), reset, unanswered(context.DeadlineExceeded)}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newShop()
				for i, err := range tt.row {
					begun := 1
					if unbegun(err) {
						begun = 0 // nothing was sent
					}
					if got := s.do(t.Context(), "row", once, err); got.Attempts != begun {
						t.Errorf("operation %d: %+v", i, got)
					}
				}
				if got := s.Breaker.Opened(); got != tt.opened {
					t.Errorf("opened %d times, want %d", got, tt.opened)
				}
			})
		})
	}
}

// Operations count, not their attempts.
func TestBreakerCountsOperations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		policy := retry.Policy{Attempts: 5}
		s.do(t.Context(), "a", policy, busy)
		s.do(t.Context(), "b", policy, busy, busy, busy, busy, nil)
		s.do(t.Context(), "c", policy, busy)
		s.do(t.Context(), "d", policy, busy)
		if got := s.Breaker.Opened(); got != 0 {
			t.Errorf("opened %d times", got)
		}
	})
}

// While the breaker is open nothing is sent; after the cooldown one operation
// is, and its success lets the rest go on.
func TestBreakerTrialSucceeds(t *testing.T) {
	t.Parallel()
	for _, answer := range []error{nil, bad} { // a permanent error is an answer, too
		synctest.Test(t, func(t *testing.T) {
			s := newShop()
			s.open(t)
			var wg sync.WaitGroup
			for range 6 {
				wg.Go(func() { s.do(t.Context(), "held", retry.Default(), answer) })
			}
			time.Sleep(cooldown - time.Millisecond)
			if got := s.attempts(); len(got) > 0 {
				t.Errorf("attempts while it was open: %v", got)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if got := s.attempts(); len(got) != 6 || !strings.HasPrefix(got[0], "30s") {
				t.Errorf("attempts = %v, want 6 after 30s", got)
			}
			wg.Wait()
			if c := s.metrics.Counts(); c.Rejected != 0 || c.Attempts != threshold+6 {
				t.Errorf("counts = %+v", c)
			}
		})
	}
}

// Exactly one operation is sent while the trial is running, with its retries.
func TestBreakerTrialIsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.open(t)
		var tried atomic.Int64
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				s.Do(t.Context(), "held", retry.Default(), func(context.Context, retry.History) error {
					if tried.Add(1) < 3 {
						return busy
					}
					time.Sleep(10 * time.Second)
					return nil
				}, nil)
			})
		}
		time.Sleep(cooldown + 4*time.Second) // the trial waited 1 s and 2 s
		synctest.Wait()
		if n := tried.Load(); n != 3 {
			t.Errorf("%d attempts while the trial is on its way, want its 3", n)
		}
		s.do(t.Context(), "late", once, nil) // held back like the others
		if took := time.Since(s.start); took < cooldown+13*time.Second {
			t.Errorf("let through after %v, while the trial was on its way", took)
		}
		wg.Wait()
		if got := s.Breaker.Opened(); got != 1 {
			t.Errorf("opened %d times", got)
		}
	})
}

func TestBreakerTrialFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.open(t)
		results := make(chan retry.Result, 5)
		for range 5 {
			go func() { results <- s.do(t.Context(), "held", retry.Default(), busy) }()
		}
		rejected := 0
		for range 5 {
			if got := <-results; errors.Is(got.Err, retry.ErrRejected) {
				rejected++
				if got.Attempts != 0 {
					t.Errorf("rejected after %d attempts", got.Attempts)
				}
			} else if got.Attempts != 3 {
				t.Errorf("the trial: %+v", got)
			}
		}
		// What comes later is rejected at once.
		if got := s.do(t.Context(), "late", once, nil); !errors.Is(got.Err, retry.ErrRejected) {
			t.Errorf("late: %+v", got)
		}
		if took := time.Since(s.start).Round(10 * ms); took != cooldown+3*time.Second || rejected != 4 {
			t.Errorf("%d rejected after %v", rejected, took)
		}
		if diff := cmp.Diff([]string{"30s held", "31s held", "33s held"}, s.attempts()); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if c := s.metrics.Counts(); c.Rejected != 5 || c.Exhausted != threshold+1 || s.Breaker.Opened() != 1 {
			t.Errorf("counts = %+v, opened %d times", c, s.Breaker.Opened())
		}
	})
}

// An operation in the wait before a retry is held back with the rest, and goes
// on where it stopped.
func TestBreakerHoldsRetries(t *testing.T) {
	t.Parallel()
	policy := retry.Policy{Attempts: 3, Multiplier: 35 * time.Second, Max: time.Minute}
	for _, tt := range []struct {
		name    string
		trial   error
		want    int // attempts of the operation that was in flight
		success bool
	}{{"trial succeeds", nil, 2, true}, {"trial fails", busy, 1, false}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newShop()
				inFlight := make(chan retry.Result, 1)
				go func() { inFlight <- s.do(t.Context(), "in flight", policy, busy, nil) }()
				synctest.Wait()
				s.open(t)
				trial := make(chan retry.Result, 1)
				// It ends at 40 s, after the wait of the one in flight.
				go func() {
					trial <- s.Do(t.Context(), "trial", once, func(context.Context, retry.History) error { time.Sleep(10 * time.Second); return tt.trial }, nil)
				}()
				got, tried := <-inFlight, <-trial
				if tried.Attempts != 1 {
					t.Fatalf("the trial: %+v", tried)
				}
				if got.Attempts != tt.want || (got.Err == nil) != tt.success {
					t.Errorf("result = %+v", got)
				}
				if !tt.success && (!errors.Is(got.Err, retry.ErrRejected) || !errors.Is(got.Err, busy)) {
					t.Errorf("error = %v, want it to tell of the breaker and the last attempt", got.Err)
				}
				for _, attempt := range s.attempts() {
					if attempt != "40s in flight" {
						t.Errorf("attempt = %s", attempt)
					}
				}
			})
		})
	}
}

// A retry that is due while the breaker is open is not sent before the trial.
func TestBreakerHoldsRetriesWhileOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		inFlight := make(chan retry.Result, 1)
		go func() { inFlight <- s.do(t.Context(), "in flight", retry.Default(), busy, busy, nil) }()
		synctest.Wait()
		s.open(t)
		if got := <-inFlight; got.Attempts != 3 || got.Err != nil {
			t.Errorf("result = %+v", got)
		}
		if diff := cmp.Diff([]string{"30s in flight", "32s in flight"}, s.attempts()); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if c := s.metrics.Counts(); c.Wait != 3*time.Second || c.Recovered != 1 {
			t.Errorf("counts = %+v", c)
		}
	})
}

// Operations that began before the breaker opened and end after that do not
// affect it, however many there are.
func TestBreakerLateResults(t *testing.T) {
	t.Parallel()
	for _, late := range []error{nil, busy} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop()
			var lates sync.WaitGroup
			for _, takes := range []time.Duration{10 * time.Second, cooldown + 5*time.Second} { // open, then half open
				for range threshold {
					lates.Go(func() {
						s.Do(t.Context(), "late", once, func(context.Context, retry.History) error { time.Sleep(takes); return late }, nil)
					})
				}
			}
			synctest.Wait()
			s.open(t)
			got := s.Do(t.Context(), "trial", once, func(context.Context, retry.History) error { time.Sleep(time.Minute); return nil }, nil)
			if took := time.Since(s.start).Round(10 * ms); got.Err != nil || took != cooldown+time.Minute {
				t.Errorf("the trial: %+v after %v", got, took)
			}
			lates.Wait()
			if got := s.do(t.Context(), "after", once, nil); got.Err != nil {
				t.Errorf("after: %v", got.Err)
			}
			if got := s.Breaker.Opened(); got != 1 {
				t.Errorf("opened %d times", got)
			}
		})
	}
}

func TestBreakerOpensAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.open(t)
		if got := s.do(t.Context(), "trial", once, nil); got.Err != nil {
			t.Fatalf("the trial: %v", got.Err)
		}
		for range threshold {
			s.do(t.Context(), "row", once, busy)
		}
		start := time.Now()
		if got := s.do(t.Context(), "trial", once, nil); got.Err != nil || time.Since(start) < cooldown {
			t.Errorf("the second trial: %+v after %v", got, time.Since(start))
		}
		if got := s.Breaker.Opened(); got != 2 {
			t.Errorf("opened %d times, want 2", got)
		}
	})
}

// The end of the context ends the wait for the breaker at once.
func TestBreakerInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.open(t)
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		got := s.do(ctx, "held", retry.Default(), nil)
		if !unbegun(got.Err) || got.Attempts != 0 || time.Since(s.start) != 7*time.Second {
			t.Errorf("result = %+v after %v", got, time.Since(s.start))
		}
		if c := s.metrics.Counts(); c.Interrupted != 0 || c.Rejected != 0 {
			t.Errorf("counts = %+v: what was not begun counts nowhere", c)
		}
	})
}

// Without a cooldown the trial follows at once; without a threshold nothing
// ever opens.
func TestBreakerExtremes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := retry.Retrier{Breaker: retry.NewBreaker(1, 0)}
		r.Do(t.Context(), "a", once, script(busy), nil)
		start := time.Now()
		if got := r.Do(t.Context(), "b", once, script(nil), nil); got.Err != nil || time.Since(start) > 10*ms {
			t.Errorf("result = %+v after %v", got, time.Since(start))
		}
		off := retry.Retrier{Breaker: retry.NewBreaker(0, cooldown)}
		for range 20 {
			if got := off.Do(t.Context(), "c", once, script(busy), nil); got.Attempts != 1 {
				t.Errorf("result = %+v", got)
			}
		}
		if got := off.Breaker.Opened(); got != 0 {
			t.Errorf("opened %d times", got)
		}
	})
}
