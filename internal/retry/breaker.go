package retry

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Breaker holds everything back after several operations in a row
// failed, after their retries, for transient reasons. After a cooldown one
// operation is the trial: if it succeeds or fails for a permanent reason, the
// rest goes on; if it fails for a transient reason, the rest is rejected. A nil
// Breaker never opens.
type Breaker struct {
	threshold int
	cooldown  time.Duration

	mu       sync.Mutex
	state    breakerState
	failures int           // consecutive failures
	opened   int           // how often they opened it
	openTo   time.Time     // when the trial may start
	changed  chan struct{} // closed at each change of state
}

type breakerState int

const (
	closed breakerState = iota
	open                // until the trial begins
	trying              // the trial is running
	dead                // the trial failed
)

// NewBreaker returns a breaker that opens after threshold consecutive failures, or
// never if threshold is 0.
func NewBreaker(threshold int, cooldown time.Duration) *Breaker {
	return &Breaker{threshold: threshold, cooldown: cooldown, changed: make(chan struct{})}
}

// Opened returns how often consecutive failures opened the breaker.
func (b *Breaker) Opened() int {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.opened
}

// Cooled returns when the latest cooldown ended or will end; zero if there was none.
func (b *Breaker) Cooled() time.Time {
	if b == nil {
		return time.Time{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.openTo
}

// holding reports whether only the trial may be sent now.
func (b *Breaker) holding() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state != closed
}

// errHeld is returned by an operation that finds the breaker open before a retry;
// it continues where it stopped once the breaker allows it.
var errHeld = errors.New("held back")

// run runs the operation when the breaker allows it, and tells it whether it is
// the trial. An operation that returns errHeld is run again.
func (b *Breaker) run(ctx context.Context, operation func(trial bool) error) error {
	if b == nil {
		return operation(false)
	}
	for {
		opened, trial, err := b.admit(ctx)
		if err != nil {
			return err
		}
		err = operation(trial)
		b.count(opened, trial, err)
		if err != errHeld {
			return err
		}
	}
}

// admit waits until the operation may run: with a closed breaker, or as the
// trial. It returns how often the breaker had opened by then.
func (b *Breaker) admit(ctx context.Context) (opened int, trial bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		cooldown := time.Until(b.openTo)
		switch {
		case b.state == closed:
			return b.opened, false, nil
		case b.state == dead:
			return 0, false, ErrRejected
		case b.state == open && cooldown <= 0:
			b.state = trying
			return b.opened, true, nil
		}
		if ctx.Err() != nil {
			return 0, false, Interrupted(ctx)
		}
		b.wait(ctx, cooldown)
	}
}

// wait unlocks the breaker until the next change of state, or the end of the
// cooldown or the context.
func (b *Breaker) wait(ctx context.Context, cooldown time.Duration) {
	changed := b.changed
	b.mu.Unlock()
	defer b.mu.Lock()
	var cooled <-chan time.Time // nil while the trial is running
	if cooldown > 0 {
		cooled = time.After(cooldown)
	}
	select {
	case <-ctx.Done():
	case <-changed:
	case <-cooled:
	}
}

// count records the result of an operation that began when the breaker had opened
// so many times. An operation that began before the breaker opened again says
// nothing about the API now.
func (b *Breaker) count(opened int, trial bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if opened != b.opened {
		return
	}
	fault := FaultOf(err)
	switch {
	case err == errHeld || fault.Cause == CauseInterrupted: // says nothing about the tenant
		if trial {
			b.become(open) // it is the next operation's turn
		}
	case !fault.Transient:
		b.failures = 0
		if trial {
			b.become(closed)
		}
	case trial:
		b.become(dead)
	default:
		if b.failures++; b.failures == b.threshold {
			b.failures = 0
			b.opened++
			b.openTo = time.Now().Add(b.cooldown)
			b.become(open)
		}
	}
}

func (b *Breaker) become(state breakerState) {
	b.state = state
	close(b.changed)
	b.changed = make(chan struct{})
}
