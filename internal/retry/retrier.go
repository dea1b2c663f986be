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

// Retrier repeats operations under a policy. Its zero value has no budget,
// breaker, metrics or log, and gives up at any Retry-After. It is safe for
// concurrent use as long as its fields stay as they are.
type Retrier struct {
	RetryAfterMax time.Duration  // the longest Retry-After that is honored
	Budget        *Budget        // nil: no limit
	Breaker       *Breaker       // nil: none
	Metrics       *Metrics       // nil: not counted
	Log           *slog.Logger   // nil: silent
	Random        func() float64 // in [0, 1), safe for concurrent use; nil: math/rand/v2
}

// Budget bounds the retries of a whole run exactly, however many operations share
// it. A nil Budget has no limit.
type Budget struct {
	size int64
	used atomic.Int64
}

// NewBudget returns a budget of n retries, or nil if n is 0.
func NewBudget(n int) *Budget {
	if n == 0 {
		return nil
	}
	return &Budget{size: int64(n)}
}

func (b *Budget) take() bool {
	return b == nil || b.used.Add(1) <= b.size
}

// Left returns how many retries remain, or false if there is no limit.
func (b *Budget) Left() (n int, limited bool) {
	if b == nil {
		return 0, false
	}
	return int(max(b.size-b.used.Load(), 0)), true
}

// ErrRejected is wrapped by the error of an operation that the circuit breaker
// rejected.
var ErrRejected = errors.New("rejected: the circuit breaker is open and its trial operation failed")

// History is what is known about an operation before an attempt.
type History struct {
	Attempts  int  // attempts so far; 0 before the first
	MaybeDone bool // one of them failed in a way that leaves open whether it took effect
}

// Result is how an operation ended.
type Result struct {
	Attempts int // begun; 0 if nothing was tried
	// Err is the last attempt's error, wrapped with what ended the attempts; nil
	// if the operation succeeded. Its Fault is the operation's: Ambiguous if any
	// attempt may have taken effect, NotSent if none sent a write.
	Err error
}

// Do repeats attempt until it succeeds or fails for good, or until the policy,
// the budget, the breaker or the context ends it; a wait ends with the context at
// once. If it failed but an attempt may have taken effect, settle gets the last
// error and finds out: if it did, the operation succeeded, for the breaker too. A
// nil settle never finds out.
func (r *Retrier) Do(ctx context.Context, operation string, policy Policy, attempt func(context.Context, History) error, settle func(context.Context, error) (done bool)) Result {
	t := &try{Retrier: r, operation: operation, policy: policy, attempt: attempt}
	t.policy.Attempts = max(policy.Attempts, 1)
	settled := false
	err := r.Breaker.run(ctx, func(trial bool) error {
		t.trial = trial
		err := t.run(ctx)
		if err != nil && err != errHeld && t.history.MaybeDone && settle != nil {
			settled = settle(ctx, err)
		}
		if settled {
			return nil
		}
		return err
	})
	err = t.failure(err)
	r.Metrics.ended(t.history.Attempts, err, settled || t.history.Attempts > 1)
	return Result{Attempts: t.history.Attempts, Err: err}
}

// try is one operation in progress.
type try struct {
	*Retrier
	operation string
	policy    Policy
	attempt   func(context.Context, History) error
	trial     bool // the breaker's trial: it is sent although the breaker is open

	history History
	sent    bool // an attempt sent a write
	last    error
	stopped error         // last, with what stopped the attempts
	wait    time.Duration // the one before the next attempt
	waiting time.Time     // when the wait began; zero: not waiting
}

func (t *try) run(ctx context.Context) error {
	err := retrygo.Do(
		func() error { return t.once(ctx) },
		retrygo.Context(ctx),
		retrygo.Attempts(uint(t.policy.Attempts-t.history.Attempts)),
		retrygo.LastErrorOnly(true),
		retrygo.RetryIf(t.again),
		retrygo.DelayType(func(uint, error, *retrygo.Config) time.Duration { return t.wait }),
	)
	t.waited() // the end of the context ended a wait
	switch {
	case t.stopped != nil:
		return t.stopped
	case err != nil && err == context.Cause(ctx) && err != t.last:
		// Before the first attempt, or in a wait.
		return Interrupted(ctx)
	}
	return err
}

// failure returns the error of the whole operation.
func (t *try) failure(err error) error {
	if err == nil {
		return nil
	}
	fault := FaultOf(err)
	if begun := t.last != nil; begun && (errors.Is(err, ErrRejected) || fault.Cause == CauseInterrupted && fault.NotSent) {
		err = fmt.Errorf("%w, after %s: %w", err, times(t.history.Attempts), t.last)
		fault = FaultOf(err)
	}
	fault.Ambiguous, fault.NotSent, fault.Err = t.history.MaybeDone, !t.sent, err
	return &fault
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
	if !t.trial && t.Breaker.holding() {
		return errHeld // it opened during the wait
	}
	err := t.attempt(ctx, t.history)
	fault := FaultOf(err)
	if fault.Cause == CauseInterrupted && fault.NotSent {
		return err // not begun
	}
	t.history.Attempts++
	t.history.MaybeDone = t.history.MaybeDone || fault.Ambiguous
	t.sent = t.sent || !fault.NotSent
	t.last = err
	t.Metrics.attempt(t.history.Attempts)
	if err == nil && t.history.Attempts > 1 {
		t.log(slog.LevelInfo, "succeeded after a retry", slog.Int("attempt", t.history.Attempts))
	}
	return err
}

// again decides whether another attempt follows the failed one, and after what
// wait.
func (t *try) again(err error) bool {
	fault := FaultOf(err) // errHeld has none, and so is not transient
	t.Metrics.fault(fault)
	if !fault.Transient {
		return false
	}
	attempts := t.history.Attempts
	failed := []slog.Attr{
		slog.Int("attempt", attempts), slog.Int("of", t.policy.Attempts),
		slog.String("cause", fault.Cause), slog.Any("error", err),
	}
	switch {
	case attempts >= t.policy.Attempts:
		if attempts > 1 {
			t.stopped = fmt.Errorf("%w (after %s)", err, times(attempts))
		}
	case fault.RetryAfter > t.RetryAfterMax:
		t.stopped = fmt.Errorf("%w (Retry-After %v exceeds retry-after-max %v)", err, fault.RetryAfter, t.RetryAfterMax)
	case !t.Budget.take():
		t.stopped = fmt.Errorf("%w (retry-budget of %d exhausted)", err, t.Budget.size)
	default:
		random := t.Random
		if random == nil {
			random = rand.Float64
		}
		t.wait = max(t.policy.wait(attempts, random), fault.RetryAfter)
		t.waiting = time.Now()
		t.log(slog.LevelWarn, "attempt failed, retrying", append(failed, slog.Duration("wait", t.wait))...)
		return true
	}
	if t.policy.Attempts > 1 { // otherwise the caller logs it
		t.log(slog.LevelWarn, "attempt failed, giving up", failed...)
	}
	return false
}

func (t *try) log(level slog.Level, message string, attrs ...slog.Attr) {
	if t.Log != nil {
		t.Log.LogAttrs(context.Background(), level, message, append([]slog.Attr{slog.String("operation", t.operation)}, attrs...)...)
	}
}
