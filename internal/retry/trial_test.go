package retry_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"xc-group-sync/internal/retry"
)

// TestATrialThatDoesNotCount leaves its turn to another.
func TestATrialThatDoesNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.open(t)
		time.Sleep(cooldown + time.Second)
		ended := make(chan retry.Result)
		go s.Do(t.Context(), "trial", once, func(context.Context, retry.History) error {
			time.Sleep(time.Second)
			return unanswered(context.Canceled) // of its own: the run goes on
		}, nil)
		synctest.Wait()
		go func() { ended <- s.do(t.Context(), "next", once, nil) }()
		start := time.Now()
		if result := <-ended; result.Err != nil || time.Since(start) > time.Minute {
			t.Errorf("the next one ended with %v after %v", result.Err, time.Since(start))
		}
	})
}
