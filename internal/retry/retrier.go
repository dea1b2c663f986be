package retry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	retrygo "github.com/avast/retry-go/v4"
)

// Retrier tries operations again under a policy. Its zero value retries
// without budget, breaker or metrics, ends the tries at any Retry-After, and
// logs nowhere. It is safe for concurrent use once it is made.
type Retrier struct {
	RetryAfterMax time.Duration  // the longest Retry-After that is honoured
	Budget        *Budget        // nil: no limit
	Breaker       *Breaker       // nil: none
	Metrics       *Metrics       // nil: not counted
	Log           *slog.Logger   // nil: silent
	Random        func() float64 // in [0, 1), safe for concurrent use; nil: math/rand/v2
}

// Budget bounds the retries of a whole run, exactly, however many share it.
type Budget struct {
	size int64
	used atomic.Int64
}

// NewBudget makes a budget of n retries; nil, no limit, where n is 0.
func NewBudget(n int) *Budget {
	if n == 0 {
		return nil
	}
	return &Budget{size: int64(n)}
}

func (b *Budget) take() bool {
	return b == nil || b.used.Add(1) <= b.size
}

// Left is what remains of the budget; false where there is none.
func (b *Budget) Left() (int, bool) {
	if b == nil {
		return 0, false
	}
	return int(max(b.size-b.used.Load(), 0)), true
}

// ErrInterrupted is wrapped by the error of an operation that was given up
// because its context ended. The context's cause is wrapped too.
var ErrInterrupted = errors.New("interrupted")

// ErrRejected is wrapped by the error of an operation that the circuit breaker
// turned away for good.
var ErrRejected = errors.New("held back by the circuit breaker, whose trial operation failed as well")

// Result is how an operation ended.
type Result struct {
	Attempts int // begun; 0 where nothing was tried
	Err      error
}

// Do tries the operation until it succeeds, fails for good, or the policy, the
// budget or the context ends it; a wait ends with the context at once. The
// error is the last attempt's, wrapped with what ended the tries.
func (r *Retrier) Do(ctx context.Context, operation string, policy Policy, attempt func(context.Context) error) Result {
	return r.DoSettled(ctx, operation, policy, attempt, func(context.Context, error) bool { return false })
}

// DoSettled is Do for an operation of which settled finds out, after the last
// attempt failed with an error, whether it was carried out all the same: then
// it is a success, for the breaker, too.
func (r *Retrier) DoSettled(ctx context.Context, operation string, policy Policy, attempt func(context.Context) error, settled func(context.Context, error) bool) Result {
	t := &try{Retrier: r, operation: operation, policy: policy, attempt: attempt}
	t.policy.Attempts = max(policy.Attempts, 1)
	recovered := false
	err := r.Breaker.run(ctx, func(trial bool) error {
		t.trial = trial
		err := t.run(ctx)
		if err != nil && err != errHeld && settled(ctx, err) {
			recovered = true
			return nil
		}
		return err
	})
	if t.last != nil && (errors.Is(err, ErrRejected) || errors.Is(err, ErrInterrupted)) {
		err = fmt.Errorf("%w, after %s: %w", err, times(t.attempts), t.last)
	}
	r.Metrics.ended(t.attempts, err, recovered || t.attempts > 1)
	return Result{Attempts: t.attempts, Err: err}
}

// try is one operation on its way.
type try struct {
	*Retrier
	operation string
	policy    Policy
	attempt   func(context.Context) error
	trial     bool // the breaker's: it is sent while the breaker is open

	attempts int
	last     error
	ended    error // last with the reason to stop, where that needs saying
	wait     time.Duration
	waiting  time.Time // since when; zero: it does not wait
}

func (t *try) run(ctx context.Context) error {
	err := retrygo.Do(
		func() error { return t.once(ctx) },
		retrygo.Context(ctx),
		retrygo.Attempts(uint(t.policy.Attempts-t.attempts)),
		retrygo.LastErrorOnly(true),
		retrygo.RetryIf(t.again),
		retrygo.DelayType(func(uint, error, *retrygo.Config) time.Duration { return t.wait }),
	)
	t.waited() // the end of the context ends a wait
	switch {
	case t.ended != nil:
		return t.ended
	case err != nil && err == context.Cause(ctx) && err != t.last:
		// Before the first attempt, or in a wait.
		return fmt.Errorf("%w: %w", ErrInterrupted, err)
	}
	return err
}

// waited counts a wait that has ended.
func (t *try) waited() {
	if !t.waiting.IsZero() {
		t.Metrics.waits(min(time.Since(t.waiting), t.wait))
		t.waiting = time.Time{}
	}
}

func times(attempts int) string {
	if attempts == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", attempts)
}

func (t *try) once(ctx context.Context) error {
	t.waited()
	if !t.trial && t.Breaker.Holding() {
		return errHeld // it opened during the wait
	}
	t.attempts++
	err := t.attempt(ctx)
	if errors.Is(err, ErrInterrupted) {
		t.attempts-- // it was not begun
		return err
	}
	t.Metrics.attempt(t.attempts)
	t.last = err
	if t.last == nil && t.attempts > 1 {
		t.log(slog.LevelInfo, "succeeded after a retry", slog.Int("attempt", t.attempts))
	}
	return t.last
}

// again decides whether the failed attempt is followed by another, and after
// what wait.
func (t *try) again(err error) bool {
	if err == errHeld {
		return false
	}
	fault := Classify(err)
	t.Metrics.fault(fault)
	if !fault.Transient {
		return false
	}
	failed := []slog.Attr{
		slog.Int("attempt", t.attempts), slog.Int("of", t.policy.Attempts),
		slog.String("cause", fault.Cause), slog.Any("error", err),
	}
	switch {
	case t.attempts >= t.policy.Attempts:
		if t.attempts > 1 {
			t.ended = fmt.Errorf("%w (after %s)", err, times(t.attempts))
		}
	case fault.RetryAfter > t.RetryAfterMax:
		t.ended = fmt.Errorf("%w (the server asks to wait %v, longer than retry-after-max, %v)", err, fault.RetryAfter, t.RetryAfterMax)
	case !t.Budget.take():
		t.ended = fmt.Errorf("%w (no retry: the retry-budget of %d is used up)", err, t.Budget.size)
	default:
		random := t.Random
		if random == nil {
			random = rand.Float64
		}
		t.wait = max(t.policy.wait(t.attempts, random), fault.RetryAfter)
		t.waiting = time.Now()
		t.log(slog.LevelWarn, "attempt failed, trying again", append(failed, slog.Duration("wait", t.wait))...)
		return true
	}
	if t.policy.Attempts > 1 { // else it is the caller's to tell
		t.log(slog.LevelWarn, "attempt failed, giving up", failed...)
	}
	return false
}

func (t *try) log(level slog.Level, message string, attrs ...slog.Attr) {
	if t.Log != nil {
		t.Log.LogAttrs(context.Background(), level, message, append([]slog.Attr{slog.String("operation", t.operation)}, attrs...)...)
	}
}
