package retry

import (
	"cmp"
	"context"
	"math"
	"sync"
	"time"
)

// Throttle is the gate that every request of a run passes. It enforces the limits
// in the settings and learns from the server's refusals: after one, fewer
// requests are in flight, growing again with each success (additive increase,
// multiplicative decrease); all requests wait for as long as the server asks one
// of them to; and they keep to the pace that the server has accepted. It is safe
// for concurrent use.
type Throttle struct {
	queue chan struct{} // held by the first of those that Enter
	door  chan struct{} // held by the next request to enter

	mu      sync.Mutex
	most    float64
	limit   float64 // requests in flight at once, from 1 to most
	flying  int
	freed   chan struct{} // receives a value when a place may be free
	until   time.Time     // no request may enter before this time
	lowered time.Time     // when a refusal last lowered limit
	pace    pace
}

// NewThrottle returns a throttle for at most so many requests in flight and per
// second; 0 means no limit.
func NewThrottle(most int, perSecond float64) *Throttle {
	limit := cmp.Or(float64(most), math.Inf(1))
	return &Throttle{
		queue: make(chan struct{}, 1), door: make(chan struct{}, 1), freed: make(chan struct{}, 1), most: limit, limit: limit,
		pace: pace{most: cmp.Or(perSecond, math.Inf(1))},
	}
}

// Enter waits for a place, first come first served, and returns the time at which
// it got one; the caller must call Leave. If the context ends first, the error is
// Interrupted.
func (t *Throttle) Enter(ctx context.Context) (time.Time, error) {
	select {
	case <-ctx.Done():
	case t.queue <- struct{}{}:
		defer func() { <-t.queue }()
	}
	entered, _, err := t.enter(ctx, time.Time{})
	return entered, err
}

// EnterNext is Enter for a write that follows a read: it goes before those that
// Enter, so that what was read is still so. If Hold makes it wait all the same, it
// gets no place: late is true, when the wait is over.
func (t *Throttle) EnterNext(ctx context.Context) (entered time.Time, late bool, err error) {
	return t.enter(ctx, time.Now())
}

// enter waits for a place; unless since is zero, only if nobody is held after it.
func (t *Throttle) enter(ctx context.Context, since time.Time) (entered time.Time, late bool, err error) {
	select {
	case <-ctx.Done():
	case t.door <- struct{}{}:
		defer func() { <-t.door }()
	}
	for ctx.Err() == nil {
		now, wait, full, late := t.tryEnter(since)
		if wait <= 0 && !full {
			return now, late, nil
		}
		t.pause(ctx, wait)
	}
	return time.Time{}, false, Interrupted(ctx)
}

// tryEnter takes a place, or returns how long none will be free, or that all are
// taken, or that it is too late for one.
func (t *Throttle) tryEnter(since time.Time) (now time.Time, wait time.Duration, full, late bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now = time.Now()
	wait = t.until.Sub(now)
	if !since.IsZero() && t.until.After(since) {
		return now, wait, false, true
	}
	wait = max(wait, t.pace.next.Sub(now))
	full = float64(t.flying+1) > t.limit
	if wait <= 0 && !full {
		t.flying++
		t.pace.sent(now)
	}
	return now, wait, full, false
}

// pause returns after d or, if d is 0, when a place may be free; or with the context.
func (t *Throttle) pause(ctx context.Context, d time.Duration) {
	var elapsed <-chan time.Time
	freed := t.freed
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		elapsed, freed = timer.C, nil // no request enters earlier
	}
	select {
	case <-ctx.Done():
	case <-freed:
	case <-elapsed:
	}
}

// Flying returns how many requests are in flight.
func (t *Throttle) Flying() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.flying
}

// Leave gives back the place that was entered at a time. refused says whether the
// server refused the request because there were too many.
func (t *Throttle) Leave(entered time.Time, refused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flying--
	if !refused {
		t.limit = min(t.limit+1/t.limit, t.most)
		t.pace.admitted()
	} else {
		now := time.Now()
		if !entered.Before(t.lowered) { // else it was already in flight when the limit was lowered
			t.limit = max(min(t.limit, float64(t.flying+1))/2, 1)
			t.lowered = now
		}
		t.pace.refused(entered, now, t.until)
	}
	select {
	case t.freed <- struct{}{}:
	default:
	}
}

// Hold lets no request enter for d from now on.
func (t *Throttle) Hold(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if until := time.Now().Add(d); until.After(t.until) {
		t.until = until
	}
}
