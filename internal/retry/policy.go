// Package retry owns every rule about trying again: how long to wait, which
// errors are transient, how many retries a run may spend, when to hold
// everything back. Users, groups and HTTP requests are its users; it knows of
// none of them. It wraps retry-go and gobreaker.
package retry

import (
	"time"
)

// Jitter spreads waits, so that many clients do not come back at once.
type Jitter string

// The kinds of jitter. The zero value is NoJitter's.
const (
	NoJitter    Jitter = "none"
	FullJitter  Jitter = "full"  // anywhere between Min and the computed wait
	EqualJitter Jitter = "equal" // half of the computed wait fixed, half random, never under Min
)

// Policy says how often one operation is tried and how long the waits between
// are. The zero value tries once.
type Policy struct {
	Attempts   int           // in all, the first included; under 1 counts as 1
	Multiplier time.Duration // the first wait, before Min and Max apply; it doubles each time
	Min, Max   time.Duration // bounds of every wait; 0 ≤ Min ≤ Max
	Jitter     Jitter
}

// Default is the policy for creating users: 3 attempts, waits of 1 s and 2 s.
func Default() Policy {
	return Policy{Attempts: 3, Multiplier: time.Second, Min: time.Second, Max: 4 * time.Second, Jitter: NoJitter}
}

// Profiles are the ready policies, by name.
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

// Backoff is the wait after the n-th attempt (from 1), before jitter:
// multiplier × 2^(n-1), at most Max, at least Min.
func (p Policy) Backoff(n int) time.Duration {
	wait := p.Multiplier
	for range n - 1 {
		if wait > p.Max/2 {
			wait = p.Max // no overflow, however many attempts
			break
		}
		wait *= 2
	}
	return max(min(wait, p.Max), p.Min)
}

// wait is Backoff with jitter; random gives numbers in [0, 1).
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
