package retry

import (
	"context"
	"sync"
	"time"
)

// Throttle is what the workers of a run learn together from a server that
// limits them: all wait for as long as it asks one of them to, and after a
// refusal fewer requests are in flight, growing again with each success
// (additive increase, multiplicative decrease). It is safe for concurrent use.
type Throttle struct {
	mu      sync.Mutex
	most    float64
	limit   float64 // in flight at once, from 1 to most
	flying  int
	lowered time.Time // when limit was last lowered
	until   time.Time // nobody is let in before
	changed chan struct{}
}

// NewThrottle lets in at most so many at once; as many as come where most is 0.
func NewThrottle(most int) *Throttle {
	if most == 0 {
		most = 1 << 20
	}
	return &Throttle{most: float64(most), limit: float64(most), changed: make(chan struct{})}
}

// Enter waits for a place, which the caller leaves again with Leave. The error
// is the context's cause.
func (t *Throttle) Enter(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		t.mu.Lock()
		held := time.Until(t.until)
		if held <= 0 && t.flying < int(t.limit) {
			t.flying++
			t.mu.Unlock()
			return nil
		}
		changed := t.changed
		t.mu.Unlock()
		if err := pause(ctx, held, changed); err != nil {
			return err
		}
	}
}

// Pause waits while everybody is held back, and tells whether it had to. The
// error is the context's cause.
func (t *Throttle) Pause(ctx context.Context) (held bool, err error) {
	t.mu.Lock()
	left := time.Until(t.until)
	t.mu.Unlock()
	if left <= 0 {
		return false, nil
	}
	return true, pause(ctx, left, nil)
}

// pause ends after d, if there is one, or when changed is closed.
func pause(ctx context.Context, d time.Duration, changed <-chan struct{}) error {
	var elapsed <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		elapsed, changed = timer.C, nil // nobody is let in earlier
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-changed:
	case <-elapsed:
	}
	return nil
}

// Leave gives the place back, telling when the request was sent and whether the
// server refused it for coming too often.
func (t *Throttle) Leave(sent time.Time, refused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flying--
	switch {
	case !refused:
		t.limit = min(t.limit+1/t.limit, t.most)
	case !sent.Before(t.lowered): // not one of those that were in flight when it was lowered
		t.limit = max(min(t.limit, float64(t.flying+1))/2, 1)
		t.lowered = time.Now()
	}
	close(t.changed)
	t.changed = make(chan struct{})
}

// Hold keeps everybody out for d from now on.
func (t *Throttle) Hold(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if until := time.Now().Add(d); until.After(t.until) {
		t.until = until
	}
}
