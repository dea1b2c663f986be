package main_test

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var (
	soakRuns = flag.Int("soak.runs", 1000, "how many random worlds TestSoak runs through")
	soakSeed = flag.Uint64("soak.seed", 0, "the one seed that TestSoak runs; 0: all")
)

// soakSeeds failed once, each for the reason beside it, and are always run.
var soakSeeds = []uint64{
	808,   // a refusal of the credentials met by the read that settles a write
	1138,  // the same, with other writes on their way
	2999,  // a group that an earlier try of the client layer created, told as left alone
	7129,  // such a group counted as unchanged
	39054, // a place that another administrator gives between the reading and the replacing of a user
	10706, // as 2999
	11422, // a user whom an earlier try created, counted as unchanged after a 429
}

// TestSoak runs random exports against random tenants under random settings,
// faults and cancellations, on virtual time, and holds each run to
// docs/safety.md.
func TestSoak(t *testing.T) {
	t.Parallel()
	seeds := slices.Clone(soakSeeds)
	for seed := range uint64(*soakRuns) {
		seeds = append(seeds, seed+1)
	}
	if *soakSeed > 0 {
		seeds = []uint64{*soakSeed}
	}
	tallies := make([]map[string]int, runtime.GOMAXPROCS(0))
	t.Cleanup(func() {
		all := map[string]int{}
		for _, tally := range tallies {
			for what, n := range tally {
				all[what] += n
			}
		}
		t.Logf("%v", all)
		if *soakSeed == 0 && *soakRuns >= 500 && !t.Failed() {
			soakIsNotVacuous(t, all)
		}
	})
	for i := range tallies {
		t.Run(fmt.Sprint("part ", i), func(t *testing.T) {
			t.Parallel()
			tallies[i] = map[string]int{}
			for j := i; j < len(seeds) && !t.Failed(); j += len(tallies) {
				soakOne(t, seeds[j], tallies[i])
			}
		})
	}
}

func soakOne(t *testing.T, seed uint64, tally map[string]int) {
	t.Helper()
	over := false
	defer func() {
		if !over {
			t.Logf("seed %d did not end; again: go test -run '^TestSoak$' . -soak.seed=%d", seed, seed)
		}
	}()
	w := newSoakWorld(seed)
	var complaints soakComplaints
	synctest.Test(t, func(*testing.T) { complaints = w.soak(tally) })
	over = true
	if len(complaints) > 0 {
		t.Errorf("seed %d; again: go test -run '^TestSoak$' . -soak.seed=%d\n%s\n%s", seed, seed, strings.Join(complaints, "\n"), w)
	}
}

// soak runs one world: undisturbed, then disturbed and, once that is over,
// until there is nothing left to do.
func (w *soakWorld) soak(tally map[string]int) (c soakComplaints) {
	undisturbed := w.said(&c, tally, "undisturbed", w.sync(newSoakSite(w), soakWeather{}, "--dry-run=false"))
	if undisturbed.end == soakBadCSV {
		return c
	}
	if other := w.digest(undisturbed.before, undisturbed.config.Policy); other != undisturbed.report.Plan.Digest {
		c.add("rows in another order give another plan: %s, %s", other, undisturbed.report.Plan.Digest)
	}
	site := newSoakSite(w)
	disturbed := w.said(&c, tally, "disturbed", w.sync(site, newWeather(w.seed), w.expectation(undisturbed)...))
	meddled := disturbed.meddled()
	tally["cancelled"] += map[bool]int{true: 1}[!site.cancelled.IsZero()]
	tally["meddled"] += map[bool]int{true: 1}[meddled]
	time.Sleep(time.Hour) // virtual: whatever was left behind would show
	next := w.said(&c, tally, "next", w.sync(site, soakWeather{}, "--dry-run=false"))
	if undisturbed.settled() && !meddled && next.end != soakRefused {
		if !next.settled() {
			c.add("next run: it does not do all, though the faults are over: %s", next)
		}
		if !maps.Equal(undisturbed.isFacts, next.isFacts) {
			c.add("next run: it does not end as the undisturbed one")
		}
	}
	if !next.settled() || len(next.report.Plan.Operations) == 0 {
		return c
	}
	last := w.said(&c, tally, "last", w.sync(site, soakWeather{}, "--dry-run=false"))
	if len(last.report.Plan.Operations) > 0 || last.site.writes > 0 {
		c.add("last run: there is still something to do: %s", last)
	}
	return c
}

// said adds what is wrong with a run to the complaints.
func (w *soakWorld) said(c *soakComplaints, tally map[string]int, which string, r *soakRun) *soakRun {
	tally[which+": "+r.end]++
	if r.settled() {
		tally[which+": all done"]++
	}
	found := r.check()
	if r.end != soakBadCSV {
		r.checkWire(&found)
	}
	for _, complaint := range found {
		c.add("%s run: %s", which, complaint)
	}
	if len(found) > 0 {
		c.add("%s run was: %s", which, r)
	}
	return r
}

// expectation is sometimes the digest of the plan, sometimes another.
func (w *soakWorld) expectation(undisturbed *soakRun) []string {
	switch {
	case w.seed%20 == 3:
		return []string{"--expect-plan=sha256:" + strings.Repeat("0", 64)}
	case w.seed%20 == 4:
		return []string{"--expect-plan=" + undisturbed.report.Plan.Digest}
	}
	return nil
}

// soakIsNotVacuous: enough of everything must have come about.
func soakIsNotVacuous(t *testing.T, tally map[string]int) {
	t.Helper()
	for what, percent := range map[string]int{
		"undisturbed: " + soakApplied: 50, "undisturbed: " + soakRefused: 2, "undisturbed: " + soakBadCSV: 2, "undisturbed: all done": 40,
		"disturbed: " + soakApplied: 30, "disturbed: all done": 5, "disturbed: " + soakDry: 1, "disturbed: " + soakUnread: 5, "cancelled": 5, "meddled": 5,
	} {
		if n := tally[what]; n*100 < percent**soakRuns {
			t.Errorf("%q came about in %d of %d worlds only: they have become too tame", what, n, *soakRuns)
		}
	}
}
