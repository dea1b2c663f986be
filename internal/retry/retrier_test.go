package retry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/retry"
)

// unbegun reports whether an operation ended before anything was sent.
func unbegun(err error) bool {
	fault := retry.FaultOf(err)
	return fault.Cause == retry.CauseInterrupted && fault.NotSent
}

// script answers with one error after the other, the last one for ever.
func script(errs ...error) func(context.Context, retry.History) error {
	n := -1
	return func(context.Context, retry.History) error {
		n = min(n+1, len(errs)-1)
		return errs[n]
	}
}

func TestDo(t *testing.T) {
	t.Parallel()
	busy, bad := refusal(503), refusal(400)
	after := func(d time.Duration) error { return refusal(429, d) }
	tests := []struct {
		name     string
		attempts int // of the default policy
		script   []error
		want     int // attempts
		took     time.Duration
		err      error
		says     string
	}{
		{"at once", 3, []error{nil}, 1, 0, nil, ""},
		{"third time", 3, []error{busy, after(0), nil}, 3, 3 * time.Second, nil, ""},
		{"exhausted", 3, []error{busy}, 3, 3 * time.Second, busy, "refused (after 3 attempts)"},
		{"last error counts", 3, []error{busy, busy, after(0)}, 3, 3 * time.Second, refusal(429), "refused (after 3 attempts)"},
		{"one attempt", 1, []error{busy, nil}, 1, 0, busy, "refused"},
		{"zero attempts are one", 0, []error{busy, nil}, 1, 0, busy, "refused"},
		{"negative attempts are one", -4, []error{busy, nil}, 1, 0, busy, "refused"},
		{"permanent", 3, []error{bad, nil}, 1, 0, bad, "refused"},
		{"permanent after transient", 3, []error{busy, bad, nil}, 2, time.Second, bad, "refused"},
		{"plain", 3, []error{errPlain, nil}, 1, 0, errPlain, errPlain.Error()},
		{"Retry-After over the backoff", 3, []error{after(10 * time.Second), nil}, 2, 10 * time.Second, nil, ""},
		{"Retry-After over backoff-max", 2, []error{after(time.Minute), nil}, 2, time.Minute, nil, ""},
		{"Retry-After under the backoff", 3, []error{after(time.Millisecond), nil}, 2, time.Second, nil, ""},
		{"Retry-After of a 503", 3, []error{refusal(503, 9*time.Second), nil}, 2, 9 * time.Second, nil, ""},
		{"Retry-After over its max", 3, []error{after(61 * time.Second), nil}, 1, 0, refusal(429, 61*time.Second),
			"refused (Retry-After 1m1s exceeds retry-after-max 1m0s)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				policy := retry.Default()
				policy.Attempts = tt.attempts
				r := retry.Retrier{RetryAfterMax: time.Minute}
				start := time.Now()
				got := r.Do(t.Context(), "operation", policy, script(tt.script...), nil)
				if took := time.Since(start); got.Attempts != tt.want || took != tt.took {
					t.Errorf("%d attempts in %v, want %d in %v", got.Attempts, took, tt.want, tt.took)
				}
				if got.Err == nil || tt.err == nil {
					if got.Err != nil || tt.err != nil {
						t.Errorf("error = %v, want %v", got.Err, tt.err)
					}
					return
				}
				is, want := retry.FaultOf(got.Err), retry.FaultOf(tt.err)
				if is.Cause != want.Cause || is.RetryAfter != want.RetryAfter || got.Err.Error() != tt.says {
					t.Errorf("error = %q, want %q", got.Err, tt.says)
				}
			})
		})
	}
}

// The zero value honours no Retry-After: any is longer than none.
func TestNoRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	var r retry.Retrier
	got := r.Do(t.Context(), "operation", retry.Default(), script(refusal(429, time.Second), nil), nil)
	if got.Attempts != 1 || got.Err == nil || !strings.Contains(got.Err.Error(), "retry-after-max") {
		t.Errorf("result = %+v", got)
	}
}

func TestDoLogs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := retry.Retrier{Log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))}
		busy := refusal(503)
		r.Do(t.Context(), "a", retry.Default(), script(busy, nil), nil)
		r.Do(t.Context(), "b", retry.Policy{Attempts: 2}, script(busy), nil)
		r.Do(t.Context(), "c", retry.Policy{}, script(busy), nil) // the caller's to tell
		want := `level=WARN msg="attempt failed, retrying" operation=a attempt=1 of=3 cause=503 error=refused wait=1s
level=INFO msg="succeeded after a retry" operation=a attempt=2
level=WARN msg="attempt failed, retrying" operation=b attempt=1 of=2 cause=503 error=refused wait=0s
level=WARN msg="attempt failed, giving up" operation=b attempt=2 of=2 cause=503 error=refused
`
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

func TestCancellation(t *testing.T) {
	t.Parallel()
	stopped := errors.New("stopped by hand")
	t.Run("before", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(stopped)
		got := new(retry.Retrier).Do(ctx, "operation", retry.Default(), func(context.Context, retry.History) error { t.Error("tried"); return nil }, nil)
		if got.Attempts != 0 || !unbegun(got.Err) || !errors.Is(got.Err, stopped) {
			t.Errorf("result = %+v", got)
		}
	})
	t.Run("in a wait", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			time.AfterFunc(1500*ms, func() { cancel(stopped) })
			start := time.Now()
			var metrics retry.Metrics
			r := retry.Retrier{Metrics: &metrics}
			got := r.Do(ctx, "operation", retry.Default(), script(busy), nil)
			if took := time.Since(start); got.Attempts != 2 || took != 1500*ms {
				t.Errorf("%d attempts in %v, want 2 in 1.5s", got.Attempts, took)
			}
			if fault := retry.FaultOf(got.Err); fault.Cause != retry.CauseInterrupted || !fault.Ambiguous || fault.NotSent || !errors.Is(got.Err, stopped) || !errors.Is(got.Err, busy) {
				t.Errorf("error = %v, want it to tell of the interruption, its cause and the last attempt", got.Err)
			}
			want := retry.Counts{Attempts: 2, Retries: 1, Interrupted: 1, Wait: 1500 * time.Millisecond, ByCause: map[string]int{"503": 2}}
			if diff := cmp.Diff(want, metrics.Counts()); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("in an attempt that succeeds", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		got := new(retry.Retrier).Do(ctx, "operation", retry.Default(), func(context.Context, retry.History) error { cancel(); return nil }, nil)
		if got.Attempts != 1 || got.Err != nil {
			t.Errorf("result = %+v", got)
		}
	})
	t.Run("in an attempt that was never sent", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(stopped)
		unsent := retry.Interrupted(ctx)
		got := new(retry.Retrier).Do(t.Context(), "operation", retry.Default(), script(unsent), nil)
		if got.Attempts != 0 || !unbegun(got.Err) || got.Err.Error() != unsent.Error() {
			t.Errorf("result = %+v", got)
		}
	})
	t.Run("in an attempt that is given up", func(t *testing.T) {
		t.Parallel()
		var metrics retry.Metrics
		r := retry.Retrier{Metrics: &metrics}
		got := r.Do(t.Context(), "operation", retry.Default(), script(unanswered(context.Canceled)), nil)
		if got.Attempts != 1 || !errors.Is(got.Err, context.Canceled) {
			t.Errorf("result = %+v", got)
		}
		if diff := cmp.Diff(retry.Counts{Attempts: 1, Interrupted: 1, ByCause: map[string]int{}}, metrics.Counts()); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
	})
}

func TestBudgetIsExact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const operations, size = 40, 25
		var metrics retry.Metrics
		var attempts, refused atomic.Int64
		r := retry.Retrier{Budget: retry.NewBudget(size), Metrics: &metrics}
		var wg sync.WaitGroup
		for range operations {
			wg.Go(func() {
				got := r.Do(t.Context(), "operation", retry.Default(), func(context.Context, retry.History) error {
					attempts.Add(1)
					return refusal(503)
				}, nil)
				if strings.Contains(got.Err.Error(), "retry-budget of 25 exhausted") {
					refused.Add(1)
				}
			})
		}
		wg.Wait()
		left, limited := r.Budget.Left()
		if attempts.Load() != operations+size || left != 0 || !limited {
			t.Errorf("%d attempts of %d operations, %d left (%t), want %d retries", attempts.Load(), operations, left, limited, size)
		}
		if counts := metrics.Counts(); counts.Retries != size || counts.Exhausted != operations || refused.Load() == 0 {
			t.Errorf("counts = %+v, %d operations told of the budget", counts, refused.Load())
		}
	})
}

func TestBudgetLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := retry.Retrier{Budget: retry.NewBudget(5)}
		r.Do(t.Context(), "operation", retry.Default(), script(refusal(503), nil), nil)
		if left, limited := r.Budget.Left(); left != 4 || !limited {
			t.Errorf("left = %d, %t, want 4", left, limited)
		}
		if left, limited := retry.NewBudget(0).Left(); left != 0 || limited {
			t.Errorf("left of no budget = %d, %t", left, limited)
		}
	})
}
