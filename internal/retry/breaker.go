package retry

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Breaker holds everything back after several operations in a row failed, after
// their retries, for transient reasons. After a cooldown one operation is the
// trial: if it succeeds or fails for a permanent reason, the rest goes on; if it
// fails for a transient reason, the rest is rejected. A nil Breaker never opens.
type Breaker struct {
	circuit  *gobreaker.CircuitBreaker[struct{}]
	cooldown time.Duration

	mu      sync.Mutex
	changed chan struct{} // closed at each change of state
	opened  int           // how often consecutive failures opened it
	openTo  time.Time     // when the trial may begin
	dead    bool          // the trial failed
}

// NewBreaker returns a breaker that opens after threshold consecutive failures,
// or nil if threshold is 0.
func NewBreaker(threshold int, cooldown time.Duration) *Breaker {
	if threshold == 0 {
		return nil
	}
	b := &Breaker{cooldown: cooldown, changed: make(chan struct{})}
	b.circuit = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:   1,
		Timeout:       max(cooldown, 1), // gobreaker reads 0 as a minute
		ReadyToTrip:   func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= uint32(threshold) },
		IsSuccessful:  func(err error) bool { return !FaultOf(err).Transient },
		IsExcluded:    excluded,
		OnStateChange: b.transition,
	})
	return b
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

func (b *Breaker) transition(_ string, from, to gobreaker.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case from == gobreaker.StateClosed && to == gobreaker.StateOpen:
		b.opened++
		b.openTo = time.Now().Add(b.cooldown)
	case from == gobreaker.StateHalfOpen && to == gobreaker.StateOpen:
		b.dead = true
	}
	b.announce()
}

func (b *Breaker) announce() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// excluded reports whether err says nothing about the tenant.
func excluded(err error) bool {
	return errors.Is(err, errHeld) || FaultOf(err).Cause == CauseInterrupted
}

// errHeld is returned by an operation that finds the breaker open before a retry;
// it goes on where it stopped once the breaker lets it.
var errHeld = errors.New("held back")

// run runs the operation when the breaker lets it, and says whether it is the
// trial. An operation that returns errHeld is run again.
func (b *Breaker) run(ctx context.Context, operation func(trial bool) error) error {
	if b == nil {
		return operation(false)
	}
	for {
		if b.rejects() {
			return ErrRejected
		}
		changed := b.watch()
		_, err := b.circuit.Execute(func() (struct{}, error) {
			return struct{}{}, operation(b.circuit.State() == gobreaker.StateHalfOpen)
		})
		if excluded(err) { // if it was the trial, it is another's turn
			b.mu.Lock()
			b.announce()
			b.mu.Unlock()
		}
		if !errors.Is(err, gobreaker.ErrOpenState) && !errors.Is(err, gobreaker.ErrTooManyRequests) && !errors.Is(err, errHeld) {
			return err
		}
		if err := b.wait(ctx, changed); err != nil {
			return err
		}
	}
}

// Holding reports whether only the trial may be sent now.
func (b *Breaker) Holding() bool { return b != nil && b.circuit.State() != gobreaker.StateClosed }

func (b *Breaker) rejects() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dead
}

func (b *Breaker) watch() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// wait returns at the next change of state, or when the trial may begin.
func (b *Breaker) wait(ctx context.Context, changed <-chan struct{}) error {
	b.mu.Lock()
	cooldown := time.Until(b.openTo)
	b.mu.Unlock()
	var trial <-chan time.Time
	if cooldown > 0 {
		// gobreaker lets the trial through only once its timeout has passed.
		timer := time.NewTimer(cooldown + time.Millisecond)
		defer timer.Stop()
		trial = timer.C
	} else if b.circuit.State() == gobreaker.StateOpen {
		trial = time.After(time.Millisecond)
	}
	select {
	case <-ctx.Done():
		return Interrupted(ctx)
	case <-changed:
	case <-trial:
	}
	return nil
}
