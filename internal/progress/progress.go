// Package progress shows that a long run is alive: a bar on a terminal, an
// occasional line in a log. It does not know what it counts.
package progress

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// State is how far a run is.
type State struct {
	Done, Total int
	Rate        float64       // per second, since the start; 0 if nothing is done yet
	Left        time.Duration // at that rate, in whole seconds; 0 if unknown
}

// barWidth is in characters.
const barWidth = 30

// Bar returns the state as a one-line picture.
func (s State) Bar() string {
	filled := barWidth * s.Done / max(s.Total, 1)
	bar := fmt.Sprintf("[%s%s] %d of %d", strings.Repeat("#", filled), strings.Repeat(".", barWidth-filled), s.Done, s.Total)
	if s.Rate > 0 {
		bar += fmt.Sprintf(", %.1f/s, %v left", s.Rate, s.Left)
	}
	return bar
}

// Meter counts what is done. It is safe for concurrent use.
type Meter struct {
	total   int
	done    atomic.Int64
	started time.Time
	quit    chan struct{}
	ended   sync.WaitGroup
}

// Start creates a meter that shows its state at each interval until Stop, first
// after one interval: a short run shows nothing.
func Start(total int, interval time.Duration, show func(State)) *Meter {
	m := &Meter{total: total, started: time.Now(), quit: make(chan struct{})}
	m.ended.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				show(m.state())
			case <-m.quit:
				return
			}
		}
	})
	return m
}

// Done counts one more thing as done.
func (m *Meter) Done() { m.done.Add(1) }

// Stop ends the display; nothing is shown after it has returned. Call it once.
func (m *Meter) Stop() {
	close(m.quit)
	m.ended.Wait()
}

func (m *Meter) state() State {
	s := State{Done: int(m.done.Load()), Total: m.total}
	if elapsed := time.Since(m.started).Seconds(); s.Done > 0 && elapsed > 0 {
		s.Rate = float64(s.Done) / elapsed
		s.Left = time.Duration(float64(s.Total-s.Done)/s.Rate) * time.Second
	}
	return s
}
