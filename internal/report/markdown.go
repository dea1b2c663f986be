package report

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/run"
)

const inReport = "the JSON report (`report-file`) has them all"

// Summary returns the report as a job summary of at most limit bytes.
func (r *Report) Summary(s Sanitizer, limit int) string {
	d := markdown{Report: r, s: s, cell: limit / 4}
	d.paragraph("## User groups of %s%s", s.Code(r.Tenant), r.simulated())
	d.verdict()
	d.tallies()
	d.failures()
	if d.Plan != nil {
		d.access("Access", d.accessChanges(), d.Plan.Access.LastGroup)
	}
	d.groups()
	d.users()
	d.withheld()
	d.warnings()
	d.effort()
	d.digest(r.URL != "") // else there is no pull request on GitHub
	return d.render(limit, inReport)
}

// markdown is a run as a page.
type markdown struct {
	page
	*Report
	s    Sanitizer
	cell int // the most bytes that the people in one cell take; 0: no limit

	secret bool // a secret is hidden in what a plan would send
}

// who names a person. A masked address does not identify anybody, so the first
// row of the CSV about the person is named instead.
func (d *markdown) who(email directory.Email) string {
	if d.s.MaskEmails && d.Desired != nil {
		if person := d.Desired.Person(email); person != nil && person.Line > 0 {
			return d.code(fmt.Sprintf("%s:%d", person.File, person.Line))
		}
	}
	return d.code(d.s.subject(string(email)))
}

// code and prose are the sanitizer's, for what a plan would send: an end that is
// not shown counts as left out.
func (d *markdown) code(text string) string {
	d.check(text, longestName)
	return d.s.Code(text)
}

func (d *markdown) prose(text string) string {
	d.check(text, longestProse)
	return d.s.Prose(text)
}

// check notes what keeps the reader from seeing a text whole.
func (d *markdown) check(text string, longest int) {
	d.cut = d.cut || directory.Cut(text, longest) != text
	d.secret = d.secret || d.s.Secrets.Hide(text) != text
}

var plainURL = regexp.MustCompile(`^https?://[A-Za-z0-9._~:/%-]+$`)

// link returns a link, or the text alone if the URL could contain markup.
func link(text, url string) string {
	if !plainURL.MatchString(url) {
		return text
	}
	return "[" + text + "](" + url + ")"
}

// The kinds of GitHub's alerts.
const (
	note    = "NOTE"
	warned  = "WARNING"
	caution = "CAUTION"
)

func (d *markdown) box(kind string, lines ...string) {
	d.paragraph("> [!%s]\n> %s", kind, strings.Join(lines, "\n>\n> "))
}

// shownReasons limits the reasons that are shown above everything else.
const shownReasons = 5

// verdict writes what a reader needs to know even if they read nothing else.
func (d *markdown) verdict() {
	errors := having(directory.Error, d.Findings)
	switch code := d.Code(); {
	case code == run.Refused:
		d.box(caution, append([]string{"**Refused**, nothing was changed. " + d.headline()}, d.reasons()...)...)
	case code == run.Interrupted:
		d.box(warned, append([]string{"**Interrupted.** " + d.headline()}, d.reasons()...)...)
	case code != run.Done && code != run.Drifted && (d.Plan == nil || d.Outcome == nil && !d.DryRun):
		d.box(caution, append([]string{"**Failed**, nothing was changed."}, d.reasons()...)...)
	case code == run.Drifted:
		d.box(warned, "**Drift**: there is something to do. "+d.headline())
	case code != run.Done && d.DryRun:
		d.box(warned, "**Dry run**, nothing was changed, and "+count(len(errors), "error")+". "+d.headline())
	case code != run.Done:
		d.box(warned, "**Partly failed**: "+count(len(errors), "error")+". "+d.headline())
	case !d.Tallies().Changed:
		withheld := ""
		if d.Plan != nil && len(d.Plan.Withheld) > 0 {
			withheld = " Withheld: " + count(len(d.Plan.Withheld), "removal") + "."
		}
		d.paragraph("**Nothing to do.**%s", withheld)
	case d.DryRun:
		d.box(note, "**Dry run**, nothing was changed. "+d.headline())
	default:
		d.paragraph("**Done.** %s", d.headline())
	}
}

// listed reports whether an error is about one operation, object or row, which a
// table lists.
func listed(f directory.Finding) bool {
	return f.Kind == directory.NotDone || f.Kind == directory.Blocked || f.Kind.InvalidRow()
}

// reasons returns the errors about the run as a whole.
func (d *markdown) reasons() []string {
	var reasons []string
	ending := slices.DeleteFunc(having(directory.Error, d.Findings), listed)
	for i, f := range ending {
		if i == shownReasons {
			return append(reasons, fmt.Sprintf("… and %d more.", len(ending)-i))
		}
		reasons = append(reasons, d.sentence(f))
	}
	return reasons
}

// InvalidSettings returns a job summary of at most limit bytes that says what is
// wrong with the settings.
func InvalidSettings(findings []directory.Finding, s Sanitizer, limit int) string {
	d := markdown{s: s}
	d.paragraph("## User groups: invalid settings")
	d.paragraph("Nothing was read or changed.")
	d.line("| error |")
	d.line("|---|")
	d.table(changes, "errors", each(findings, func(f directory.Finding) string { return "| " + d.sentence(f) + " |" }))
	return d.render(limit, "the log has them all")
}

// sentence returns a finding with its hint.
func (d *markdown) sentence(f directory.Finding) string {
	text := d.s.Prose(prefix(f) + d.s.message(f))
	if f.Hint != "" {
		text += ". " + capital(d.s.Prose(f.Hint))
		if !strings.HasSuffix(f.Hint, "?") {
			text += "."
		}
	}
	return text
}

// headline returns a sentence about what would be or was changed, with removals
// in bold.
func (d *markdown) headline() string {
	switch {
	case d.Plan == nil:
		return ""
	case d.Outcome == nil || len(d.Plan.Operations) == 0:
		return "The plan: " + d.planned("**") + "."
	}
	return capital(d.Tallies().sentence(done, "**")) + "."
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
	d.paragraph("Memberships: %d added, %d removed, %d withheld.", t.Memberships.Added, t.Memberships.Removed, t.Memberships.Withheld)
}

// failures lists the errors, except those in the verdict.
func (d *markdown) failures() {
	failures := having(directory.Error, d.Findings)
	if d.Code() == run.Refused || d.Code() == run.Interrupted || d.Plan == nil {
		failures = slices.DeleteFunc(failures, func(f directory.Finding) bool { return !listed(f) })
	}
	if len(failures) == 0 {
		return
	}
	d.section(count(len(failures), "error"), "| what | error |\n|---|---|", changes, "errors", each(failures, func(f directory.Finding) string {
		return fmt.Sprintf("| %s | %s |", d.s.Prose(string(f.Kind)), d.sentence(f))
	}))
}

// effort writes what the run took: requests, retries, time.
func (d *markdown) effort() {
	if d.HTTP.Requests == 0 {
		return
	}
	d.paragraph("%s in %s; latency p50 %s, p95 %s, max %s.", capital(count(d.HTTP.Requests, "request")),
		span(d.Duration), span(d.HTTP.P50), span(d.HTTP.P95), span(d.HTTP.Max))
	if d.Outcome == nil || d.Outcome.Retry.Retries+d.Outcome.Retry.Exhausted+d.HTTP.Retries == 0 {
		return
	}
	c := d.Outcome.Retry
	d.paragraph("#### Retries")
	d.paragraph("%s, %d of them retries, with waits of %s; %s recovered, %d failed for a transient reason, %d for a permanent one. The client layer repeated %s.",
		capital(count(c.Attempts, "attempt")), c.Retries, span(c.Wait), count(c.Recovered, "operation"), c.Exhausted, c.Permanent, count(d.HTTP.Retries, "request"))
	d.line("| operation | attempts | retries | recovered | failed (transient) | failed (permanent) | waited |")
	d.line("|---|--:|--:|--:|--:|--:|--:|")
	for _, kind := range slices.Sorted(maps.Keys(d.Outcome.ByOperation)) {
		o := d.Outcome.ByOperation[kind]
		d.line("| %s | %d | %d | %d | %d | %d | %s |", kind, o.Attempts, o.Retries, o.Recovered, o.Exhausted, o.Permanent, span(o.Wait))
	}
	d.line("")
	d.charts()
}

// digest writes the plan's digest and how to apply exactly this plan; approves
// says whether a comment lets a merge do that.
func (d *markdown) digest(approves bool) {
	switch {
	case d.Plan == nil:
	case d.DryRun && len(d.Plan.Operations) > 0 && len(d.Plan.Refusals) == 0:
		d.paragraph("<details><summary>Plan <code>%.14s…</code>: how to apply exactly this</summary>", d.Plan.Digest)
		d.line("```yaml")
		d.line("expect-plan: %s", d.Plan.Digest)
		d.paragraph("```")
		d.line("Run without `dry-run` and with this digest to apply exactly this plan.")
		if approves {
			d.line("On a merge, `expect-plan: pull-request` takes the plan that the comment on the pull request showed.")
		}
		d.line("")
		d.line("</details>")
	default:
		d.line("Plan `%s`", d.Plan.Digest)
	}
}

// span formats a duration for readers.
func span(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
