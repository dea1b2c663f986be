package retry

import (
	"cmp"
	"context"
	"math"
	"sync"
	"time"
)

// Throttle is the gate that every request of a run passes, and what its workers
// learn together from a server that limits them. After a refusal fewer are in
// flight, growing again with each success (additive increase, multiplicative
// decrease), all wait for as long as the server asks one of them to, and
// requests keep the pace that the server has shown to bear. It is safe for
// concurrent use.
type Throttle struct {
	door chan struct{} // held by the one who is next

	mu      sync.Mutex
	most    float64
	limit   float64 // in flight at once, from 1 to most
	flying  int
	left    chan struct{} // tells the next one that a place may be free
	until   time.Time     // nobody is let in before
	lowered time.Time     // when a refusal last lowered limit
	pace    pace
}

// NewThrottle lets in at most so many at once and so many a second; as many as
// come where most or perSecond is 0.
func NewThrottle(most int, perSecond float64) *Throttle {
	limit := cmp.Or(float64(most), math.Inf(1))
	return &Throttle{
		door: make(chan struct{}, 1), left: make(chan struct{}, 1), most: limit, limit: limit,
		pace: pace{most: cmp.Or(perSecond, math.Inf(1))},
	}
}

// Enter waits for a place, which the caller leaves again with Leave, and tells
// when it got it. Whoever comes first is let in first. The error is the
// context's cause.
func (t *Throttle) Enter(ctx context.Context) (time.Time, error) {
	select {
	case <-ctx.Done():
		return time.Time{}, context.Cause(ctx)
	case t.door <- struct{}{}:
	}
	defer func() { <-t.door }()
	for {
		if ctx.Err() != nil {
			return time.Time{}, context.Cause(ctx)
		}
		now, wait, full := t.tryEnter()
		if wait <= 0 && !full {
			return now, nil
		}
		if err := t.pause(ctx, wait); err != nil {
			return time.Time{}, err
		}
	}
}

// tryEnter takes a place, or tells how long none is to be had, or that all are
// taken.
func (t *Throttle) tryEnter() (now time.Time, wait time.Duration, full bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now = time.Now()
	wait = max(t.until.Sub(now), t.pace.next.Sub(now))
	full = float64(t.flying+1) > t.limit
	if wait <= 0 && !full {
		t.flying++
		t.pace.sent(now)
	}
	return now, wait, full
}

// pause ends after d, or where there is none when a place may be free.
func (t *Throttle) pause(ctx context.Context, d time.Duration) error {
	var elapsed <-chan time.Time
	left := t.left
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		elapsed, left = timer.C, nil // nobody is let in earlier
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-left:
	case <-elapsed:
	}
	return nil
}

// Leave gives the place back that was got at a time, telling whether the server
// refused the request for coming too often.
func (t *Throttle) Leave(entered time.Time, refused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flying--
	switch {
	case !refused:
		t.limit = min(t.limit+1/t.limit, t.most)
		t.pace.admitted()
	default:
		now := time.Now()
		if !entered.Before(t.lowered) { // else it was in flight then: the same lesson
			t.limit = max(min(t.limit, float64(t.flying+1))/2, 1)
			t.lowered = now
		}
		t.pace.refused(entered, now, t.until)
	}
	select {
	case t.left <- struct{}{}:
	default:
	}
}

// Hold keeps everybody out for d from now on.
func (t *Throttle) Hold(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if until := time.Now().Add(d); until.After(t.until) {
		t.until = until
	}
}
