// Package retry owns every rule about retries: how long to wait, which errors are
// transient, how many retries a run may spend, when to hold everything back, and
// how fast requests are sent. It knows nothing about users, groups or the API. It
// wraps retry-go.
package retry

import (
	"time"
)

// Jitter spreads waits, so that clients that failed together do not retry
// together.
type Jitter string

// The kinds of jitter. The zero value means NoJitter.
const (
	NoJitter    Jitter = "none"
	FullJitter  Jitter = "full"  // anywhere between Min and the computed wait
	EqualJitter Jitter = "equal" // half of the computed wait fixed, half random; never below Min
)

// Policy says how often one operation is tried and how long to wait before each
// retry: max(min(Multiplier × 2^(n-1), Max), Min) after the n-th attempt. The zero
// value tries once.
type Policy struct {
	Attempts   int           // total, the first included; less than 1 counts as 1
	Multiplier time.Duration // the first wait, before Min and Max apply; it doubles each time
	Min, Max   time.Duration // bounds of every wait but a Retry-After; 0 ≤ Min ≤ Max
	Jitter     Jitter        // empty: NoJitter
}

// Default returns the policy for user operations: 3 attempts, with waits of 1 s
// and 2 s between them.
func Default() Policy {
	return Policy{Attempts: 3, Multiplier: time.Second, Min: time.Second, Max: 4 * time.Second, Jitter: NoJitter}
}

// Profiles returns the predefined policies by name.
func Profiles() map[string]Policy {
	profile := func(attempts int, low, high time.Duration) Policy {
		return Policy{Attempts: attempts, Multiplier: time.Second, Min: low, Max: high, Jitter: NoJitter}
	}
	return map[string]Policy{
		"aggressive":   profile(5, 500*time.Millisecond, 2*time.Second),
		"balanced":     Default(),
		"conservative": profile(2, 2*time.Second, 10*time.Second),
	}
}

// Backoff returns the wait after the n-th attempt (from 1), before jitter.
func (p Policy) Backoff(n int) time.Duration {
	wait := p.Multiplier
	for range n - 1 {
		if wait > p.Max/2 {
			wait = p.Max // doubling again might overflow
			break
		}
		wait *= 2
	}
	return max(min(wait, p.Max), p.Min)
}

// wait returns Backoff with jitter; random returns numbers in [0, 1).
func (p Policy) wait(n int, random func() float64) time.Duration {
	backoff := p.Backoff(n)
	switch p.Jitter {
	case FullJitter:
		return p.Min + time.Duration(random()*float64(backoff-p.Min))
	case EqualJitter:
		return max(backoff/2+time.Duration(random()*float64(backoff-backoff/2)), p.Min)
	}
	return backoff
}
