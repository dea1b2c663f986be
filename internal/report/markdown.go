package report

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

const inReport = "the JSON report (`report-file`) has them all"

// Summary is the report as a job summary of at most limit bytes.
func (r *Run) Summary(s Sanitiser, limit int) string {
	d := markdown{Run: r, s: s}
	d.line("## User groups of %s%s", s.Code(r.Tenant), r.simulated())
	d.line("")
	d.verdict()
	d.tallies()
	d.failures()
	d.groups()
	d.users()
	d.withheld()
	d.warnings()
	d.effort()
	d.digest()
	return d.render(limit, inReport)
}

// Comment is the report as the comment of a pull request, of at most limit
// bytes.
func (r *Run) Comment(s Sanitiser, limit int) string {
	d := markdown{Run: r, s: s}
	d.line("### User groups of %s%s", s.Code(r.Tenant), r.simulated())
	d.line("")
	d.verdict()
	d.failures()
	d.groups()
	d.users()
	d.withheld()
	d.warnings()
	d.digest()
	if r.URL != "" {
		d.line("")
		d.line("%s: summary and log.", link("The run", r.URL))
	}
	return d.render(limit, link("the summary of the run", r.URL)+" has more, "+inReport)
}

// markdown is a run as a page.
type markdown struct {
	page
	*Run
	s Sanitiser
}

var plainURL = regexp.MustCompile(`^https?://[A-Za-z0-9._~:/%-]+$`)

// link is a link, or the text alone where the URL could hold markup.
func link(text, url string) string {
	if !plainURL.MatchString(url) {
		return text
	}
	return "[" + text + "](" + url + ")"
}

// The kinds of boxes in which GitHub shows a text.
const (
	note    = "NOTE"
	warned  = "WARNING"
	caution = "CAUTION"
)

func (d *markdown) box(kind string, lines ...string) {
	d.line("> [!%s]", kind)
	for i, line := range lines {
		if i > 0 {
			d.line(">")
		}
		d.line("> %s", line)
	}
	d.line("")
}

// shownRefusals bounds the verdicts that stand above everything else.
const shownRefusals = 5

// verdict is what a reader needs to know if it is all that is read.
func (d *markdown) verdict() {
	switch {
	case d.Verdict == Refused:
		d.box(caution, append([]string{"**Refused**, nothing was changed. " + d.headline()}, d.refusals()...)...)
	case d.Verdict == Interrupted:
		d.box(warned, "**Interrupted**: what was not begun was left as it is. "+d.headline())
	case d.Failure != "":
		d.box(caution, "**Failed**: "+d.s.Prose(d.Failure))
	case d.Verdict == Failed && d.DryRun:
		d.box(warned, "**Dry run**, nothing was changed, and "+count(len(d.Run.failures()), "failure")+". "+d.headline())
	case d.Verdict == Failed:
		d.box(warned, "**Failed in part**: "+count(len(d.Run.failures()), "failure")+". "+d.headline())
	case d.Verdict == Drift:
		d.box(warned, "**Drift**: there is something to do. "+d.headline())
	case !d.Tallies().Changed:
		withheld := ""
		if d.Plan != nil && len(d.Plan.Withheld) > 0 {
			withheld = " Withheld: " + count(len(d.Plan.Withheld), "removal") + "."
		}
		d.line("**Nothing to do.**%s", withheld)
		d.line("")
	case d.DryRun:
		d.box(note, "**Dry run**, nothing was changed. "+d.headline())
	default:
		d.line("**Done.** %s", d.headline())
		d.line("")
	}
}

// refusals are why nothing was changed.
func (d *markdown) refusals() []string {
	var lines []string
	if d.Failure != "" {
		lines = append(lines, d.s.Prose(d.Failure))
	}
	if d.Plan == nil {
		return lines
	}
	for i, refusal := range d.Plan.Refusals {
		if i == shownRefusals {
			return append(lines, fmt.Sprintf("… and %d more.", len(d.Plan.Refusals)-i))
		}
		lines = append(lines, d.s.Prose(refusal.String()))
	}
	return lines
}

// headline is what would be or was changed, in a sentence. What takes away
// stands out.
func (d *markdown) headline() string {
	switch {
	case d.Plan == nil:
		return ""
	case d.Outcome == nil:
		return "The plan: " + planned(d.Plan).sentence("to create", "to update", "to delete", "to add", "to remove", "**") + "."
	}
	return capital(d.Tallies().sentence("created", "updated", "deleted", "added", "removed", "**")) + "."
}

func (d *markdown) tallies() {
	t := d.Tallies()
	d.line("| | created | updated | deleted | unchanged | failed |")
	d.line("|---|--:|--:|--:|--:|--:|")
	for _, row := range []struct {
		name string
		Tally
	}{{"users", t.Users}, {"groups", t.Groups}} {
		d.line("| %s | %d | %d | %d | %d | %d |", row.name, row.Created, row.Updated, row.Deleted, row.Unchanged, row.Failed)
	}
	d.line("")
	d.line("Memberships: %d added, %d removed, %d withheld.", t.Memberships.Added, t.Memberships.Removed, t.Memberships.Withheld)
	d.line("")
}

func (d *markdown) failures() {
	failures := d.Run.failures()
	if len(failures) == 0 {
		return
	}
	d.heading(count(len(failures), "failure"), "| operation | cause |", "|---|---|")
	d.table("failures", rows(failures, func(f failure) string {
		return fmt.Sprintf("| %s | %s |", d.s.Code(f.what), d.s.Prose(f.cause))
	}))
}

// effort is what it took: requests, retries, time.
func (d *markdown) effort() {
	if d.HTTP.Requests == 0 {
		return
	}
	d.line("%s in %s; a request took %s in the middle, %s at the 95th percentile, %s at most.", capital(count(d.HTTP.Requests, "request")),
		span(d.Duration), span(d.HTTP.P50), span(d.HTTP.P95), span(d.HTTP.Max))
	d.line("")
	if d.Outcome == nil || d.Outcome.Retry.Retries+d.Outcome.Retry.Exhausted+d.HTTP.Retries == 0 {
		return
	}
	c := d.Outcome.Retry
	d.line("#### Retries")
	d.line("")
	d.line("%s, %d of them retries, with waits of %s; %s recovered, %d failed for a transient reason, %d for a permanent one. The client layer repeated %s.",
		capital(count(c.Attempts, "attempt")), c.Retries, span(c.Wait), count(c.Recovered, "operation"), c.Exhausted, c.Permanent, count(d.HTTP.Retries, "request"))
	d.line("")
	d.line("| operation | attempts | retries | recovered | failed (transient) | failed (permanent) | waited |")
	d.line("|---|--:|--:|--:|--:|--:|--:|")
	for _, kind := range slices.Sorted(maps.Keys(d.Outcome.ByOperation)) {
		o := d.Outcome.ByOperation[kind]
		d.line("| %s | %d | %d | %d | %d | %d | %s |", kind, o.Attempts, o.Retries, o.Recovered, o.Exhausted, o.Permanent, span(o.Wait))
	}
	d.line("")
	d.charts()
}

// digest names the plan, and says how to apply that and nothing else.
func (d *markdown) digest() {
	switch {
	case d.Plan == nil:
	case d.DryRun && len(d.Plan.Operations) > 0 && len(d.Plan.Refusals) == 0:
		d.line("<details><summary>Plan <code>%.14s…</code>: how to apply exactly this</summary>", d.Plan.Digest)
		d.line("")
		d.line("```yaml")
		d.line("expect-plan: %s", d.Plan.Digest)
		d.line("```")
		d.line("")
		d.line("It is applied so or not at all, without `dry-run`. On a merge, `expect-plan: pull-request` takes what the comment on the pull request showed.")
		d.line("")
		d.line("</details>")
	default:
		d.line("Plan `%s`", d.Plan.Digest)
	}
}

// span is a duration for readers.
func span(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
