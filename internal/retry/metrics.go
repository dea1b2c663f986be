package retry

import (
	"errors"
	"maps"
	"sync"
	"time"
)

// Metrics counts attempts and how operations ended. It is safe for concurrent use;
// a nil Metrics counts nothing.
type Metrics struct {
	mu     sync.Mutex
	counts Counts
}

// Counts are sums over a run. Attempts is the number of operations begun plus
// Retries, and each operation that was begun and failed counts as Exhausted,
// Permanent or Interrupted.
type Counts struct {
	Attempts    int
	Retries     int            // attempts after an operation's first
	Succeeded   int            // operations that succeeded, at whichever attempt
	Recovered   int            // those among them with a failed attempt
	Exhausted   int            // operations that failed for a transient reason
	Permanent   int            // operations that failed for a permanent reason
	Interrupted int            // operations that the end of the run ended
	Rejected    int            // operations that the breaker rejected without an attempt
	Wait        time.Duration  // spent in waits before a retry
	ByCause     map[string]int // failed attempts for transient reasons
}

// Add adds other to the sums.
func (c *Counts) Add(other Counts) {
	c.Attempts += other.Attempts
	c.Retries += other.Retries
	c.Succeeded += other.Succeeded
	c.Recovered += other.Recovered
	c.Exhausted += other.Exhausted
	c.Permanent += other.Permanent
	c.Interrupted += other.Interrupted
	c.Rejected += other.Rejected
	c.Wait += other.Wait
	if c.ByCause == nil {
		c.ByCause = map[string]int{}
	}
	for cause, n := range other.ByCause {
		c.ByCause[cause] += n
	}
}

func (m *Metrics) update(f func(*Counts)) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts.ByCause == nil {
		m.counts.ByCause = map[string]int{}
	}
	f(&m.counts)
}

// Counts returns a copy of the sums so far.
func (m *Metrics) Counts() Counts {
	var counts Counts
	m.update(func(c *Counts) {
		counts = *c
		counts.ByCause = maps.Clone(c.ByCause)
	})
	return counts
}

func (m *Metrics) attempt(n int) {
	m.update(func(c *Counts) {
		c.Attempts++
		if n > 1 {
			c.Retries++
		}
	})
}

func (m *Metrics) fault(f Fault) {
	m.update(func(c *Counts) {
		if f.Transient {
			c.ByCause[f.Cause]++
		}
	})
}

func (m *Metrics) waits(wait time.Duration) {
	m.update(func(c *Counts) { c.Wait += wait })
}

// ended counts an operation; hadFailed says whether one of its attempts did.
func (m *Metrics) ended(attempts int, err error, hadFailed bool) {
	m.update(func(c *Counts) {
		if sum := c.end(attempts, err); sum != nil {
			*sum++
		}
		if err == nil && hadFailed {
			c.Recovered++
		}
	})
}

// CarriedOut corrects the sums for an operation that was counted as failed and
// turns out to have succeeded.
func (m *Metrics) CarriedOut(failed Result) {
	m.update(func(c *Counts) {
		if sum := c.end(failed.Attempts, failed.Err); sum != nil {
			*sum--
		}
		c.Succeeded++
		if failed.Attempts > 1 || FaultOf(failed.Err).Ambiguous {
			c.Recovered++
		}
	})
}

// end returns the sum that counts operations with that end; nil if none does.
func (c *Counts) end(attempts int, err error) *int {
	switch fault := FaultOf(err); {
	case err == nil:
		return &c.Succeeded
	case attempts == 0 && errors.Is(err, ErrRejected):
		return &c.Rejected
	case attempts == 0:
		return nil
	case fault.Cause == CauseInterrupted:
		return &c.Interrupted
	case fault.Transient:
		return &c.Exhausted
	default:
		return &c.Permanent
	}
}
