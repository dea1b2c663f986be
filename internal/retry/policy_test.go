package retry_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/retry"
)

const ms = time.Millisecond

func TestBackoff(t *testing.T) {
	t.Parallel()
	profiles := retry.Profiles()
	endless := retry.Policy{Multiplier: 1, Max: math.MaxInt64}
	tests := []struct {
		name   string
		policy retry.Policy
		after  int // the failed attempt
		want   time.Duration
	}{
		{"the specification's second attempt", retry.Default(), 1, time.Second},
		{"the specification's third attempt", retry.Default(), 2, 2 * time.Second},
		{"the specification's fourth attempt", retry.Default(), 3, 4 * time.Second},
		{"at most max", retry.Default(), 4, 4 * time.Second},
		{"huge", retry.Default(), math.MaxInt, 4 * time.Second},
		{"aggressive, 1", profiles["aggressive"], 1, time.Second},
		{"aggressive, 2", profiles["aggressive"], 2, 2 * time.Second},
		{"aggressive, 4", profiles["aggressive"], 4, 2 * time.Second},
		{"conservative, at least min", profiles["conservative"], 1, 2 * time.Second},
		{"conservative, 2", profiles["conservative"], 2, 2 * time.Second},
		{"conservative, 3", profiles["conservative"], 3, 4 * time.Second},
		{"conservative, 9", profiles["conservative"], 9, 10 * time.Second},
		{"multiplier 2", retry.Policy{Multiplier: 2 * time.Second, Min: 500 * ms, Max: 10 * time.Second}, 3, 8 * time.Second},
		{"fraction", retry.Policy{Multiplier: 250 * ms, Max: time.Minute}, 4, 2 * time.Second},
		{"multiplier over max", retry.Policy{Multiplier: time.Minute, Max: time.Second}, 1, time.Second},
		{"min is max", retry.Policy{Multiplier: 1, Min: time.Second, Max: time.Second}, 7, time.Second},
		{"no wait", retry.Policy{Multiplier: time.Second}, 5, 0},
		{"no overflow at 63", endless, 63, 1 << 62},
		{"no overflow at 64", endless, 64, math.MaxInt64},
		{"no overflow, huge", endless, math.MaxInt, math.MaxInt64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.policy.Backoff(tt.after); got != tt.want {
				t.Errorf("Backoff(%d) = %v, want %v", tt.after, got, tt.want)
			}
		})
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	want := map[string]retry.Policy{
		"aggressive":   {Attempts: 5, Multiplier: time.Second, Min: 500 * ms, Max: 2 * time.Second, Jitter: retry.NoJitter},
		"balanced":     {Attempts: 3, Multiplier: time.Second, Min: time.Second, Max: 4 * time.Second, Jitter: retry.NoJitter},
		"conservative": {Attempts: 2, Multiplier: time.Second, Min: 2 * time.Second, Max: 10 * time.Second, Jitter: retry.NoJitter},
	}
	if diff := cmp.Diff(want, retry.Profiles()); diff != "" {
		t.Errorf("profiles (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want["balanced"], retry.Default()); diff != "" {
		t.Errorf("default (-want +got):\n%s", diff)
	}
}

// waits returns the waits between an operation's failing attempts.
func waits(ctx context.Context, policy retry.Policy, random func() float64) []time.Duration {
	var all []time.Duration
	last := time.Now()
	r := retry.Retrier{Random: random}
	r.Do(ctx, "operation", policy, func(context.Context, retry.History) error {
		all = append(all, time.Since(last))
		last = time.Now()
		return refusal(503)
	}, nil)
	return all[1:]
}

// Whatever the numbers, a wait is never under the smaller nor over the larger
// bound of its kind of jitter.
func TestJitterStaysWithinBounds(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 11))
	synctest.Test(t, func(t *testing.T) {
		for range 500 {
			low := time.Duration(random.Int64N(int64(3 * time.Second)))
			policy := retry.Policy{
				Attempts: 2 + random.IntN(6), Multiplier: 1 + time.Duration(random.Int64N(int64(3*time.Second))),
				Min: low, Max: low + time.Duration(random.Int64N(int64(5*time.Second))),
			}
			for _, policy.Jitter = range []retry.Jitter{retry.NoJitter, retry.FullJitter, retry.EqualJitter, ""} {
				got := waits(t.Context(), policy, random.Float64)
				if len(got) != policy.Attempts-1 {
					t.Fatalf("%+v: %d waits", policy, len(got))
				}
				for i, wait := range got {
					backoff := policy.Backoff(i + 1)
					floor := map[retry.Jitter]time.Duration{retry.FullJitter: policy.Min, retry.EqualJitter: max(policy.Min, backoff/2)}[policy.Jitter]
					if policy.Jitter == retry.NoJitter || policy.Jitter == "" {
						floor = backoff
					}
					if wait < floor || wait > backoff || wait < policy.Min || wait > policy.Max {
						t.Errorf("%+v: wait %d is %v, want from %v to %v", policy, i+1, wait, floor, backoff)
					}
				}
			}
		}
	})
}

func TestJitterByKind(t *testing.T) {
	t.Parallel()
	policy := retry.Policy{Attempts: 3, Multiplier: 4 * time.Second, Min: time.Second, Max: time.Minute}
	tests := []struct {
		jitter retry.Jitter
		random float64
		want   []time.Duration
	}{
		{retry.NoJitter, 0.5, []time.Duration{4 * time.Second, 8 * time.Second}},
		{retry.FullJitter, 0, []time.Duration{time.Second, time.Second}},
		{retry.FullJitter, 0.5, []time.Duration{2500 * ms, 4500 * ms}},
		{retry.EqualJitter, 0, []time.Duration{2 * time.Second, 4 * time.Second}},
		{retry.EqualJitter, 0.5, []time.Duration{3 * time.Second, 6 * time.Second}},
	}
	for _, tt := range tests {
		t.Run(string(tt.jitter), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				policy := policy
				policy.Jitter = tt.jitter
				if diff := cmp.Diff(tt.want, waits(t.Context(), policy, func() float64 { return tt.random })); diff != "" {
					t.Errorf("waits (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Without a source of its own a retrier draws from math/rand/v2.
func TestJitterByDefault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		policy := retry.Policy{Attempts: 40, Multiplier: time.Second, Max: time.Second, Jitter: retry.FullJitter}
		different := map[time.Duration]bool{}
		for _, wait := range waits(t.Context(), policy, nil) {
			different[wait] = true
		}
		if len(different) < 2 {
			t.Errorf("all waits are %v", different)
		}
	})
}

// refusal is an answer with an HTTP status and, if given, a Retry-After.
func refusal(status int, after ...time.Duration) error {
	return retry.Answered(errors.New("refused"), status, append(after, 0)[0])
}

var errPlain = errors.New("a programming error")
