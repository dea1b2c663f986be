package retry_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/retry"
)

// tally is what a test saw happen, to be compared with the metrics.
type tally struct {
	mu                                    sync.Mutex
	attempts, begun, succeeded, recovered int
	rejected                              int
	byCause                               map[string]int
}

func (s *tally) attempted(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts++
	if fault := retry.FaultOf(err); fault.Transient {
		s.byCause[fault.Cause]++
	}
}

func (s *tally) ended(result retry.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if result.Attempts > 0 {
		s.begun++
	} else if errors.Is(result.Err, retry.ErrRejected) {
		s.rejected++
	}
	if result.Err == nil {
		s.succeeded++
		if result.Attempts > 1 {
			s.recovered++
		}
	}
}

// The sums agree with each other and with what happened, whatever fails.
func TestMetricsAgree(t *testing.T) {
	t.Parallel()
	errs := []error{
		refusal(503), refusal(429, 2*time.Second), refusal(429, time.Hour), refusal(400), errPlain,
		unanswered(context.DeadlineExceeded), unanswered(operation("read", timeout{})), reset, unanswered(context.Canceled),
	}
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 3))
			var metrics retry.Metrics
			var mu sync.Mutex
			draw := func() float64 { mu.Lock(); defer mu.Unlock(); return random.Float64() }
			share := draw()
			r := retry.Retrier{
				RetryAfterMax: time.Minute, Metrics: &metrics, Random: draw,
				Budget:  retry.NewBudget(int(draw() * 30)),
				Breaker: retry.NewBreaker(int(draw()*6), time.Duration(draw()*float64(20*time.Second))),
			}
			policy := retry.Default()
			policy.Attempts, policy.Jitter = 1+int(draw()*5), retry.FullJitter
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if seed%3 == 0 {
				time.AfterFunc(time.Duration(draw()*float64(30*time.Second)), cancel)
			}
			seen := tally{byCause: map[string]int{}}
			work := make(chan int)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for range work {
						seen.ended(r.Do(ctx, "operation", policy, func(context.Context, retry.History) error {
							time.Sleep(time.Duration(draw() * float64(3*time.Second)))
							var err error
							if draw() < share {
								err = errs[int(draw()*float64(len(errs)))]
							}
							seen.attempted(err)
							return err
						}, nil))
					}
				})
			}
			for i := range 50 {
				work <- i
			}
			close(work)
			wg.Wait()
			compare(t, metrics.Counts(), &seen)
		})
	}
}

func compare(t *testing.T, c retry.Counts, seen *tally) {
	t.Helper()
	if c.Attempts != seen.attempts || c.Attempts != seen.begun+c.Retries {
		t.Errorf("attempts = %d with %d retries, but %d were made by %d operations", c.Attempts, c.Retries, seen.attempts, seen.begun)
	}
	if ended := c.Succeeded + c.Exhausted + c.Permanent + c.Interrupted; ended != seen.begun {
		t.Errorf("%d operations ended (%+v), but %d were begun", ended, c, seen.begun)
	}
	if c.Succeeded != seen.succeeded || c.Recovered != seen.recovered || c.Recovered > c.Succeeded {
		t.Errorf("%d succeeded, %d recovered, want %d and %d", c.Succeeded, c.Recovered, seen.succeeded, seen.recovered)
	}
	if c.Rejected != seen.rejected {
		t.Errorf("%d rejected untried, want %d", c.Rejected, seen.rejected)
	}
	if diff := cmp.Diff(seen.byCause, c.ByCause); diff != "" {
		t.Errorf("failed attempts by cause (-want +got):\n%s", diff)
	}
}

func TestNoMetrics(t *testing.T) {
	t.Parallel()
	var none *retry.Metrics
	if got := none.Counts(); got.Attempts != 0 {
		t.Errorf("counts = %+v", got)
	}
}

// Counts are copies.
func TestCountsAreCopies(t *testing.T) {
	t.Parallel()
	var metrics retry.Metrics
	r := retry.Retrier{Metrics: &metrics}
	r.Do(t.Context(), "operation", retry.Policy{}, script(refusal(503)), nil)
	metrics.Counts().ByCause["503"] = 7
	if diff := cmp.Diff(map[string]int{"503": 1}, metrics.Counts().ByCause); diff != "" {
		t.Errorf("by cause (-want +got):\n%s", diff)
	}
}
