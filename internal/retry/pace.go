package retry

import (
	"math"
	"slices"
	"time"
)

// pace is how many requests a second are sent. It has no bound but most until
// the first refusal; what was sent without one in the second before shows what
// the server bears. That is a guess at first, since a server may bear a burst
// that it does not bear for long, or refuse a burst that it would bear in a
// second: the pace starts at half of it and doubles every few seconds, and what
// was borne when it is refused again is known. From there the pace grows as the
// window of TCP CUBIC does (RFC 9438): back to what was borne, hardly at all
// around it, then faster and faster, until the next refusal.
type pace struct {
	most    float64     // requests a second
	next    time.Time   // nobody is let in before
	recent  []time.Time // when those of the last second were let in, but for the refused ones
	borne   float64     // requests a second when it was lowered; 0: it never was
	guess   bool        // borne is a guess
	since   time.Time   // when it began to grow
	strays  float64     // share of requests that were refused, the older the less it counts
	lowered time.Time   // when a refusal last lowered it
}

const (
	// lowest is the share of what was borne that the pace falls to, and recovery
	// how long it takes back to the whole of it.
	lowest   = 0.95
	recovery = 20 * time.Second
	// firstGuess is the lowest first guess, in requests a second.
	firstGuess = 20
	// doubling is how long the pace takes to double from half of a guess.
	doubling = 4 * time.Second
	// settling is how soon a refusal shows that a guess was still too high.
	settling = 3 * time.Second
	// slowest is the lowest pace, in requests a second.
	slowest = 2
	// memory is the weight of a request in strays, and bearable the share from
	// which refusals tell of a limit: the third within some hundred requests.
	// One that asks for a wait tells of it by itself.
	memory   = 1.0 / 128
	bearable = 0.02
)

// rate is the pace at a time, in requests a second.
func (p *pace) rate(now time.Time) float64 {
	if p.borne == 0 {
		return p.most
	}
	grown := now.Sub(p.since).Seconds()
	share := math.Exp2(grown/doubling.Seconds() - 1)
	if !p.guess {
		x := grown/recovery.Seconds() - 1
		share = 1 + (1-lowest)*x*x*x
	}
	return min(max(p.borne*share, slowest), p.most)
}

// gap is what so many requests take at the pace.
func (p *pace) gap(requests int, now time.Time) time.Duration {
	return time.Duration(float64(requests) * float64(time.Second) / p.rate(now))
}

// sent notes a request.
func (p *pace) sent(now time.Time) {
	p.next = now.Add(p.gap(1, now))
	p.forget(now.Add(-time.Second))
	p.recent = append(p.recent, now)
}

// forget drops what was sent before a time.
func (p *pace) forget(before time.Time) {
	old, _ := slices.BinarySearchFunc(p.recent, before, time.Time.Compare)
	p.recent = p.recent[old:]
}

// admitted notes a request that the server bore.
func (p *pace) admitted() { p.strays -= p.strays * memory }

// refused takes a request back that the server did not bear, and lowers the pace
// unless the refusal may be a stray. held is until when nothing is sent anyway.
func (p *pace) refused(sent, now, held time.Time) {
	p.strays += (1 - p.strays) * memory
	if i, found := slices.BinarySearchFunc(p.recent, sent, time.Time.Compare); found {
		p.recent = slices.Delete(p.recent, i, i+1)
	}
	switch {
	case sent.Before(p.lowered): // it was in flight then, and counted as borne
		p.borne = max(p.borne-1, 1)
	case held.After(now) || p.strays > bearable:
		p.lower(now, held)
		p.lowered, p.strays = now, 0
	}
}

// lower learns from a refusal what the server bears. The requests of the last
// second are paid for at the new pace, up to a second, before anything else is
// sent; held is until when nothing is sent anyway.
func (p *pace) lower(now, held time.Time) {
	p.forget(now.Add(-time.Second))
	n, before := len(p.recent), p.borne
	switch {
	case before == 0:
		p.borne, p.guess = max(float64(n), firstGuess), true
	case p.guess && now.Sub(p.since) < settling:
		p.borne = max(before/2, 1)
	default:
		p.borne = max(float64(n), 1)
		p.guess = p.borne < before/4 // it may be chance
	}
	p.since = now
	if n > 0 {
		p.next = later(p.next, p.recent[0].Add(min(p.gap(n, now), time.Second)))
	}
	p.since = later(later(now, held), p.next) // it grows while something is sent
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
