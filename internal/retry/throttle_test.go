package retry_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"xc-group-sync/internal/retry"
)

func TestThrottleHoldsEverybodyBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttle := retry.NewThrottle(0)
		start := time.Now()
		enter := func(want time.Duration) {
			t.Helper()
			err := throttle.Enter(t.Context())
			if err != nil || time.Since(start) != want {
				t.Errorf("let in after %v (%v), want %v", time.Since(start), err, want)
				return
			}
			throttle.Leave(time.Now(), false)
		}
		enter(0)
		throttle.Hold(5 * time.Second)
		throttle.Hold(2 * time.Second) // shortens nothing
		enter(5 * time.Second)
		// Held again while somebody waits already.
		throttle.Hold(time.Second)
		time.AfterFunc(500*time.Millisecond, func() { throttle.Hold(3 * time.Second) })
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { enter(8500 * time.Millisecond) })
		}
		all.Wait()
		stopped := errors.New("stopped by hand")
		ctx, cancel := context.WithCancelCause(t.Context())
		throttle.Hold(time.Hour)
		time.AfterFunc(time.Second, func() { cancel(stopped) })
		if err := throttle.Enter(ctx); !errors.Is(err, stopped) || time.Since(start) != 9500*time.Millisecond {
			t.Errorf("error = %v after %v", err, time.Since(start))
		}
	})
}

// TestThrottleLowersAndRaises drives eight workers through one that is refused.
func TestThrottleLowersAndRaises(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttle := retry.NewThrottle(8)
		var flying atomic.Int64
		most := func(requests int, refuse bool) int64 {
			var most atomic.Int64
			var all sync.WaitGroup
			for range requests {
				all.Go(func() {
					if err := throttle.Enter(t.Context()); err != nil {
						t.Error(err)
						return
					}
					sent := time.Now()
					for n := flying.Add(1); n > most.Load(); {
						most.Store(n)
					}
					time.Sleep(time.Second)
					flying.Add(-1)
					throttle.Leave(sent, refuse)
				})
			}
			all.Wait()
			return most.Load()
		}
		if n := most(32, false); n != 8 {
			t.Errorf("%d in flight at first, want 8", n)
		}
		most(8, true) // refused together: one lesson, not eight
		if n := most(4, false); n != 4 {
			t.Errorf("%d in flight after a refusal, want 4", n)
		}
		if n := most(200, false); n != 8 {
			t.Errorf("%d in flight in the end, want 8 again", n)
		}
	})
}
