package retry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
		throttle := retry.NewThrottle(0, 0)
		start := time.Now()
		enter := func(want time.Duration) {
			t.Helper()
			entered, err := throttle.Enter(t.Context())
			if err != nil || time.Since(start) != want {
				t.Errorf("let in after %v (%v), want %v", time.Since(start), err, want)
				return
			}
			throttle.Leave(entered, false)
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
		if _, err := throttle.Enter(ctx); !errors.Is(err, stopped) || time.Since(start) != 9500*time.Millisecond {
			t.Errorf("error = %v after %v", err, time.Since(start))
		}
	})
}

// TestThrottleLetsWritesFollowTheirRead: they go before others, and if they are held
// they take no place.
func TestThrottleLetsWritesFollowTheirRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttle := retry.NewThrottle(1, 1)
		start := time.Now()
		var mu sync.Mutex
		var order []string
		enter := func(what string) {
			entered, late, err := time.Time{}, false, error(nil)
			if what == "write" {
				entered, late, err = throttle.EnterNext(t.Context())
			} else {
				entered, err = throttle.Enter(t.Context())
			}
			if late {
				what = "late " + what
			}
			mu.Lock()
			order = append(order, fmt.Sprint(what, " at ", time.Since(start)))
			mu.Unlock()
			if err == nil && !late {
				throttle.Leave(entered, false)
			}
		}
		var all sync.WaitGroup
		for _, what := range []string{"read", "read", "read", "read", "write", "write"} {
			all.Go(func() { enter(what) })
			synctest.Wait()
		}
		all.Wait()
		throttle.Hold(10 * time.Second)
		for _, what := range []string{"write", "write", "read"} {
			all.Go(func() { enter(what) })
			synctest.Wait()
		}
		all.Wait()
		enter("write")
		want := []string{
			"read at 0s", "read at 1s", "write at 2s", "write at 3s", "read at 4s", "read at 5s",
			"late write at 15s", "late write at 15s", "read at 15s", "write at 16s",
		}
		if !slices.Equal(order, want) {
			t.Errorf("%q, want %q", order, want)
		}
		if n := throttle.Flying(); n != 0 {
			t.Errorf("%d in flight", n)
		}
	})
}

// TestThrottleLowersAndRaises drives eight workers through one that is refused.
func TestThrottleLowersAndRaises(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttle := retry.NewThrottle(8, 0)
		var flying atomic.Int64
		most := func(requests int, refuse bool) int64 {
			var most atomic.Int64
			var all sync.WaitGroup
			for range requests {
				all.Go(func() {
					entered, err := throttle.Enter(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					for n := flying.Add(1); n > most.Load(); {
						most.Store(n)
					}
					time.Sleep(time.Minute) // long enough that the pace lets all in meanwhile
					flying.Add(-1)
					throttle.Leave(entered, refuse)
				})
			}
			all.Wait()
			return most.Load()
		}
		if n := most(32, false); n != 8 {
			t.Errorf("%d in flight at first, want 8", n)
		}
		most(8, true) // refused together: one lesson, not eight
		if n := most(6, false); n != 4 {
			t.Errorf("%d in flight after a refusal, want 4", n)
		}
		if n := most(200, false); n != 8 {
			t.Errorf("%d in flight in the end, want 8 again", n)
		}
	})
}

// gaps are the times between so many requests that are all borne.
func gaps(t *testing.T, throttle *retry.Throttle, requests int) []time.Duration {
	t.Helper()
	all := make([]time.Duration, requests)
	last := time.Now()
	for i := range all {
		entered, err := throttle.Enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		throttle.Leave(entered, false)
		all[i], last = entered.Sub(last), entered
	}
	return all
}

// TestThrottleFindsThePace refuses one request after 40 that were borne within a
// second.
func TestThrottleFindsThePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttle := retry.NewThrottle(0, 40)
		start := time.Now()
		refuse := func() {
			entered, err := throttle.Enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			throttle.Hold(time.Millisecond) // the server asks for it
			throttle.Leave(entered, true)
		}
		is := func(what string, got, want time.Duration) {
			t.Helper()
			if got < want*97/100 || got > want*103/100 {
				t.Errorf("%s: %v apart, want %v", what, got, want)
			}
		}
		all := gaps(t, throttle, 40)
		is("at first, as rate-limit says", all[39], 25*time.Millisecond)
		refuse()
		all = gaps(t, throttle, 200)
		if all[0] < 25*time.Millisecond {
			t.Errorf("%v after the refusal, want no less than rate-limit allows", all[0])
		}
		is("half of what was borne", all[1], 50*time.Millisecond)
		is("doubled since", all[199], 25*time.Millisecond)
		if took := time.Since(start); took < 5*time.Second || took > 9*time.Second {
			t.Errorf("doubled after %v", took)
		}
		refuse()
		all = gaps(t, throttle, 3000)
		is("95 % of what was borne", all[1], 26*time.Millisecond)
		is("back to all of it", all[20*40], 25*time.Millisecond)
		is("never over rate-limit", slices.Min(all[1:]), 25*time.Millisecond)
	})
}

// TestThrottleHalvesAGuess refuses each first request after another refusal.
func TestThrottleHalvesAGuess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttle := retry.NewThrottle(0, 0)
		gaps(t, throttle, 64)
		for _, want := range []time.Duration{time.Second / 32, time.Second / 16, time.Second / 8, time.Second / 4, time.Second / 2, time.Second / 2} {
			entered, err := throttle.Enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			throttle.Hold(time.Millisecond) // the server asks for it
			throttle.Leave(entered, true)
			if all := gaps(t, throttle, 2); all[1] < want*9/10 || all[1] > want {
				t.Errorf("%v apart, want %v", all[1], want)
			}
		}
	})
}

// TestThrottleBearsAStray: a stray refusal signals no limit.
func TestThrottleBearsAStray(t *testing.T) {
	t.Parallel()
	for between, slower := range map[int]bool{400: false, 100: false, 20: true} {
		synctest.Test(t, func(t *testing.T) {
			throttle := retry.NewThrottle(0, 100)
			for range 4 {
				gaps(t, throttle, between)
				entered, err := throttle.Enter(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				throttle.Leave(entered, true)
			}
			if all := gaps(t, throttle, 2); (all[1] > 11*time.Millisecond) != slower {
				t.Errorf("%v apart after a refusal in %d, slower: %t", all[1], between, slower)
			}
		})
	}
}

// TestThrottleCountsWhatWasBorne has 64 in flight at once, of which 24 are
// refused one after the other.
func TestThrottleCountsWhatWasBorne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttle := retry.NewThrottle(0, 0)
		var flying []time.Time
		for range 64 {
			entered, err := throttle.Enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			flying = append(flying, entered)
		}
		time.Sleep(100 * time.Millisecond)
		for i, entered := range flying {
			throttle.Leave(entered, i%8 < 3)
		}
		if all := gaps(t, throttle, 2); all[1] < 48*time.Millisecond || all[1] > 51*time.Millisecond {
			t.Errorf("%v apart, want 50ms: half of the 40 that were borne", all[1])
		}
	})
}
