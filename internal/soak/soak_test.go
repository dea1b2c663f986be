package soak

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var (
	runs     = flag.Int("soak.runs", 500, "how many random worlds TestSoak runs through")
	first    = flag.Uint64("soak.first", 1, "the first seed of TestSoak")
	onlySeed = flag.Uint64("soak.seed", 0, "the one seed that TestSoak runs; 0: all")
)

// failedOnce has seeds that failed once, each for the reason next to it, and that
// are always run.
var failedOnce = []uint64{
	606,    // a blocked person reported who only excludes
	609,    // memberships of a deleted user counted before only cuts the plan
	4553,   // a username that is another's email, to a client that refuses removals
	12258,  // a look-alike without an email
	14845,  // two usernames that are two spellings of one email
	20787,  // a hidden member with the email of a member to add as username
	100631, // a DN without a CN under patterns of names
	216285, // a renamed user who loses a group to an administrator during the first single write
	234833, // a person of the export whose unlisted user an administrator deletes, and the run creates
	242129, // credentials refused after a single write that may have taken effect
	269806, // a user to delete who is given a protected group meanwhile
	307757, // a user to delete whose email is the username of an unlisted member
	334377, // an unlisted user who is created again, and not listed again
	369857, // two deletions of users that both may have taken effect, of which one is looked up
	388307, // a member deleted by an administrator between the read of a group and its write
	604829, // only names a member who is not in the user listing, of a group the run leaves alone
	627289, // a user to delete whose group a single write takes by mistake and gives back
	631223, // whoami cut after the email, and then without one
	700189, // a deletion that may have taken effect, of a user who changed before it is repeated
	729993, // a person of the scope whose user an administrator deletes before the group is created
}

// TestSoak runs random exports against random tenants under random settings,
// faults and cancellations, on virtual time, and holds each run to
// docs/safety.md.
func TestSoak(t *testing.T) {
	t.Parallel()
	seeds := slices.Clone(failedOnce)
	for seed := range uint64(*runs) {
		seeds = append(seeds, *first+seed)
	}
	if *onlySeed > 0 {
		seeds = []uint64{*onlySeed}
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
		if *onlySeed == 0 && *runs >= 500 && !t.Failed() {
			isNotVacuous(t, all)
		}
	})
	for i := range tallies {
		t.Run(fmt.Sprint("part ", i), func(t *testing.T) {
			t.Parallel()
			tallies[i] = map[string]int{}
			dir := t.TempDir()
			for j := i; j < len(seeds) && !t.Failed(); j += len(tallies) {
				checkWorld(t, seeds[j], dir, tallies[i])
			}
		})
	}
}

func checkWorld(t *testing.T, seed uint64, dir string, tally map[string]int) {
	t.Helper()
	over := false
	defer func() {
		if !over {
			t.Logf("seed %d did not end; again: go test -run '^TestSoak$' ./internal/soak -soak.seed=%d", seed, seed)
		}
	}()
	w := newWorld(seed, dir)
	var found complaints
	synctest.Test(t, func(*testing.T) { found = w.soak(tally) })
	over = true
	if len(found) > 0 {
		t.Errorf("seed %d; again: go test -run '^TestSoak$' ./internal/soak -soak.seed=%d\n%s\n%s", seed, seed, strings.Join(found, "\n"), w)
	}
}

// soak runs one world: undisturbed, then disturbed and, once that is over,
// until there is nothing left to do.
func (w *world) soak(tally map[string]int) (c complaints) {
	undisturbed := w.said(&c, tally, "undisturbed", w.sync(newSite(w), weather{}, "--dry-run=false"))
	if undisturbed.end == endBadCSV {
		return c
	}
	undisturbed.count(tally)
	if other := w.digest(undisturbed.before, undisturbed.config); other != undisturbed.report.Plan.Digest {
		c.add("rows in another order give another plan: %s, %s", other, undisturbed.report.Plan.Digest)
	}
	if random := rand.New(rand.NewPCG(w.seed, 7)); chance(random, 30) {
		extra := []string{"--dry-run=false"}
		for _, pattern := range w.only(random) {
			extra = append(extra, "--only="+pattern)
		}
		limited := w.said(&c, tally, "limited", w.sync(newSite(w), weather{}, extra...))
		for f := range missing(undisturbed.lost, limited.lost) {
			if undisturbed.settled() {
				c.add("limited run: it takes what the whole one does not: %s", f)
			}
		}
	}
	site := newSite(w)
	disturbed := w.said(&c, tally, "disturbed", w.sync(site, newWeather(w.seed), w.expectation(undisturbed)...))
	meddled := disturbed.meddled()
	unguarded := disturbed.end == endApplied && !site.knowsCaller() // the caller may have lost memberships
	tally["cancelled"] += bit(!site.cancelled.IsZero())
	tally["meddled"] += bit(meddled)
	time.Sleep(time.Hour) // virtual: anything left behind would show
	next := w.said(&c, tally, "next", w.sync(site, weather{}, "--dry-run=false"))
	if undisturbed.deletesUsers() || next.deletesUsers() {
		// An email that was a deleted user's username is free: a name can be
		// corrected from the next run on.
		for _, r := range []*trial{undisturbed, next} {
			maps.DeleteFunc(r.isFacts, func(f fact, _ bool) bool { return f.what == "name" })
		}
	}
	if undisturbed.settled() && !meddled && next.end != endRefused {
		if !next.settled() {
			c.add("next run: it does not do all, though the faults are over: %s", next)
		}
		if !unguarded && !maps.Equal(undisturbed.isFacts, next.isFacts) {
			c.add("next run: it does not end as the undisturbed one: without %v, with %v", missing(next.isFacts, undisturbed.isFacts), missing(undisturbed.isFacts, next.isFacts))
		}
	}
	if !next.settled() || len(next.report.Plan.Operations) == 0 {
		return c
	}
	last := w.said(&c, tally, "last", w.sync(site, weather{}, "--dry-run=false"))
	if left := last.operationsLeft(next); left > 0 || left == 0 && last.site.writes > len(last.report.Plan.Operations) {
		c.add("last run: there is still something to do: %s", last)
	}
	return c
}

// deletesUsers reports whether a user is deleted.
func (r *trial) deletesUsers() bool {
	return slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool { return o.is("delete", "user") })
}

// operationsLeft counts what there is to do after another run, but for names that
// can be corrected only since that one deleted a user.
func (r *trial) operationsLeft(after *trial) (n int) {
	for _, o := range r.report.Plan.Operations {
		n += bit(!o.is("update", "user") || !after.deletesUsers())
	}
	return n
}

// said adds what is wrong with a run to the complaints.
func (w *world) said(c *complaints, tally map[string]int, which string, r *trial) *trial {
	tally[which+": "+r.end]++
	if r.settled() {
		tally[which+": all done"]++
	}
	found := r.check()
	if r.end != endBadCSV {
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

// count records what a run has met.
func (r *trial) count(tally map[string]int) {
	met := map[string]bool{"withholding": r.world.rules.withhold && r.end == endApplied, "unguarded": !r.site.knowsCaller()}
	for _, b := range r.report.Plan.Blocked {
		met["blocked "+b.Object] = true
	}
	for _, held := range r.report.Plan.Withheld {
		met["withheld "+held.Kind] = true
		met["look-alikes"] = met["look-alikes"] || strings.HasPrefix(held.Reason, "looks the same")
	}
	for _, o := range r.report.Plan.Operations {
		met[o.Action+" "+o.Object] = met[o.Action+" "+o.Object] || o.Status == "done"
	}
	met["single"] = slices.ContainsFunc(r.site.requests, func(q *request) bool { return strings.HasPrefix(q.path, "users/group_") })
	met["not in scope"] = r.report.OutOfScope.DNs > 0
	met["people not in scope"] = r.report.OutOfScope.People > 0
	for what := range met {
		tally[what] += bit(met[what])
	}
}

// expectation is sometimes the digest of the plan, sometimes another.
func (w *world) expectation(undisturbed *trial) []string {
	switch {
	case w.seed%20 == 3:
		return []string{"--expect-plan=sha256:" + strings.Repeat("0", 64)}
	case w.seed%20 == 4:
		return []string{"--expect-plan=" + undisturbed.report.Plan.Digest}
	}
	return nil
}

// isNotVacuous checks that enough of everything has happened.
func isNotVacuous(t *testing.T, tally map[string]int) {
	t.Helper()
	for what, percent := range map[string]int{
		"undisturbed: " + endApplied: 50, "undisturbed: " + endRefused: 2, "undisturbed: " + endBadCSV: 2, "undisturbed: all done": 40,
		"disturbed: " + endApplied: 30, "disturbed: all done": 5, "disturbed: " + endDryRun: 1, "disturbed: " + endUnread: 5, "cancelled": 5, "meddled": 5,
		"limited: " + endApplied: 10, "blocked group": 15, "blocked user": 1, "withheld membership": 25, "withheld group": 10, "withheld user": 10, "withholding": 5,
		"look-alikes": 1, "not in scope": 5, "people not in scope": 4, "unguarded": 1, "delete group": 2, "delete user": 5, "update user": 5,
		"grant group": 10, "revoke group": 3, "withheld role": 1, "single": 5,
	} {
		if n := tally[what]; n*100 < percent**runs {
			t.Errorf("%q came about in %d of %d worlds only: they have become too tame", what, n, *runs)
		}
	}
}
