package retry

import (
	"math"
	"slices"
	"time"
)

// pace is how many requests per second are sent. Until the first refusal only most
// bounds it; what was accepted in the second before shows what the server allows.
// At first that is a guess, since a server may accept a burst that it would not
// accept for long, or refuse a burst that it would accept in a second: the pace
// starts at half of it and doubles every few seconds, and what was accepted when
// the server refuses again is known. From there the pace grows like the window of
// TCP CUBIC (RFC 9438, https://www.rfc-editor.org/rfc/rfc9438): back to what was
// accepted, hardly at all around it, then faster and faster until the next refusal.
type pace struct {
	most     float64     // requests per second
	next     time.Time   // no request may enter before this time
	recent   []time.Time // when those of the last second entered, without the refused ones
	accepted float64     // requests per second when the pace was lowered; 0: it never was
	guess    bool        // accepted is a guess
	since    time.Time   // when the pace began to grow
	strays   float64     // share of requests that were refused; older ones count less
	lowered  time.Time   // when a refusal last lowered the pace
}

const (
	// lowest is the share of accepted that the pace falls to, and recovery how long
	// it takes back to all of it.
	lowest   = 0.95
	recovery = 20 * time.Second
	// firstGuess is the lowest first guess, in requests per second.
	firstGuess = 20
	// doubling is how long the pace takes to double from half of a guess.
	doubling = 4 * time.Second
	// tooSoon is how soon a refusal shows that a guess was still too high.
	tooSoon = 3 * time.Second
	// slowest is the lowest pace, in requests per second.
	slowest = 2
	// memory is the weight of a request in strays, and tolerable the share up to
	// which refusals do not indicate a limit: the third within some hundred requests
	// does. A refusal that asks for a wait indicates one by itself.
	memory    = 1.0 / 128
	tolerable = 0.02
)

// rate returns the pace at a time, in requests per second.
func (p *pace) rate(now time.Time) float64 {
	if p.accepted == 0 {
		return p.most
	}
	grown := now.Sub(p.since).Seconds()
	share := math.Exp2(grown/doubling.Seconds() - 1)
	if !p.guess {
		x := grown/recovery.Seconds() - 1
		share = 1 + (1-lowest)*x*x*x
	}
	return min(max(p.accepted*share, slowest), p.most)
}

// gap returns how long so many requests take at the pace.
func (p *pace) gap(requests int, now time.Time) time.Duration {
	return time.Duration(float64(requests) * float64(time.Second) / p.rate(now))
}

// sent records a request.
func (p *pace) sent(now time.Time) {
	p.next = now.Add(p.gap(1, now))
	p.forget(now.Add(-time.Second))
	p.recent = append(p.recent, now)
}

// forget drops the requests sent before a time.
func (p *pace) forget(before time.Time) {
	old, _ := slices.BinarySearchFunc(p.recent, before, time.Time.Compare)
	p.recent = p.recent[old:]
}

// admitted records a request that the server accepted.
func (p *pace) admitted() { p.strays -= p.strays * memory }

// refused takes back a request that the server refused, and lowers the pace
// unless the refusal may be a stray. Nothing is sent before held anyway.
func (p *pace) refused(sent, now, held time.Time) {
	p.strays += (1 - p.strays) * memory
	if i, found := slices.BinarySearchFunc(p.recent, sent, time.Time.Compare); found {
		p.recent = slices.Delete(p.recent, i, i+1)
	}
	switch {
	case sent.Before(p.lowered): // it was in flight then, and counted as accepted
		p.accepted = max(p.accepted-1, 1)
	case held.After(now) || p.strays > tolerable:
		p.lower(now, held)
		p.lowered, p.strays = now, 0
	}
}

// lower learns from a refusal what the server accepts. The requests of the last
// second are paid for at the new pace, up to a second, before anything else is
// sent. Nothing is sent before held anyway.
func (p *pace) lower(now, held time.Time) {
	p.forget(now.Add(-time.Second))
	n, before := len(p.recent), p.accepted
	switch {
	case before == 0:
		p.accepted, p.guess = max(float64(n), firstGuess), true
	case p.guess && now.Sub(p.since) < tooSoon:
		p.accepted = max(before/2, 1)
	default:
		p.accepted = max(float64(n), 1)
		p.guess = p.accepted < before/4 // it may be chance
	}
	p.since = now
	if n > 0 {
		p.next = later(p.next, p.recent[0].Add(min(p.gap(n, now), time.Second)))
	}
	p.since = later(later(now, held), p.next) // it grows only while something is sent
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
