package report

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
)

const inReport = "the JSON report (`report-file`) has them all"

// Summary is the report as a job summary of at most limit bytes.
func (r *Run) Summary(s Sanitiser, limit int) string {
	d := markdown{Run: r, s: s}
	d.line("## User groups of %s", s.Code(r.Tenant))
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
	d.line("### User groups of %s", s.Code(r.Tenant))
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
		d.box(warned, "**Drift**: the tenant is not as the CSV says. "+d.headline())
	case !d.Tallies().Changed:
		d.line("**Nothing to do**: the tenant is as the CSV says.")
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
	d.line("#### %s", capital(count(len(failures), "failure")))
	d.line("")
	d.line("| operation | cause |")
	d.line("|---|---|")
	d.table("failures", rows(failures, func(f failure) string {
		return fmt.Sprintf("| %s | %s |", d.s.Code(f.what), d.s.Prose(f.cause))
	}))
}

func (d *markdown) of(object plan.Object) []groupsync.Result {
	return slices.DeleteFunc(slices.Clone(d.results()), func(r groupsync.Result) bool { return r.Object != object })
}

func (d *markdown) groups() {
	groups := d.of(plan.Group)
	if len(groups) == 0 {
		return
	}
	d.line("#### %s", capital(count(len(groups), "group")))
	d.line("")
	d.line("| group | change | + | − | people |")
	d.line("|---|---|--:|--:|---|")
	d.table("groups", rows(groups, func(g groupsync.Result) string {
		added, removed := len(g.Add), len(g.Remove)
		if g.Status == groupsync.Done {
			added, removed = g.Added, g.Removed
		}
		return fmt.Sprintf("| %s | %s | %d | %s | %s |", d.s.Code(g.Name()), d.what(&g), added, strong(removed), d.people(&g))
	}))
}

func (d *markdown) users() {
	users := d.of(plan.User)
	if len(users) == 0 {
		return
	}
	title := count(len(users), "user")
	if d.Outcome == nil {
		var changes Tallies
		for i := range users {
			changes.count(users[i].Operation, users[i].Action)
		}
		title = changes.sentence("to create", "to update", "to delete", "", "", "")
		if changes.Users.Deleted > 0 {
			title = "<b>" + title + "</b>" // Markdown does not count here
		}
	}
	d.line("<details><summary>%s</summary>", title)
	d.line("")
	d.line("| user | change |")
	d.line("|---|---|")
	d.table("users", alike(rows(users, func(u groupsync.Result) string {
		return fmt.Sprintf("| %s | %s", d.s.Code(u.Name()), d.what(&u))
	}), " |"))
	d.line("</details>")
	d.line("")
}

// what is done with an object, and what became of it.
func (d *markdown) what(result *groupsync.Result) string {
	what := string(result.Action)
	if result.Action == plan.Delete {
		what = "**delete**"
	}
	if result.Attributes != nil {
		what += ", gets back " + d.s.Prose(result.Attributes.String())
	}
	if d.Outcome == nil || result.Status == groupsync.Done {
		return what
	}
	return what + " (" + string(result.Status) + ")"
}

// shownPeople bounds the names in a cell of each sign; the counts stand beside.
const shownPeople = 20

// people are folded away, so that a row a group stays a line a group.
func (d *markdown) people(result *groupsync.Result) string {
	var names []string
	for _, part := range []struct {
		sign    string
		members []plan.Member
	}{{"+", result.Add}, {"−", result.Remove}} {
		labels := alike(rows(part.members, func(m plan.Member) string {
			label := part.sign + "&nbsp;" + d.s.Code(string(m.Email))
			if result.LeftOut[m.Email] {
				label += " (could not be created)"
			}
			return label
		}), "")
		if more := len(labels) - shownPeople; more > 0 {
			labels = append(labels[:shownPeople], fmt.Sprintf("%s&nbsp;%d more", part.sign, more))
		}
		names = append(names, labels...)
	}
	if len(names) == 0 {
		return ""
	}
	people := "people"
	if len(result.Add)+len(result.Remove) == 1 {
		people = "person"
	}
	return fmt.Sprintf("<details><summary>%d&nbsp;%s</summary>%s</details>", len(result.Add)+len(result.Remove), people, strings.Join(names, "<br>"))
}

func (d *markdown) withheld() {
	if d.Plan == nil || len(d.Plan.Withheld) == 0 {
		return
	}
	d.line("<details><summary>%s withheld</summary>", count(len(d.Plan.Withheld), "removal"))
	d.line("")
	d.line("| group | person stays | why |")
	d.line("|---|---|---|")
	d.table("removals", alike(rows(d.Plan.Withheld, func(w plan.Withheld) string {
		return fmt.Sprintf("| %s | %s | %s", d.s.Code(string(w.Group)), d.s.Code(string(w.Member.Email)), d.s.Prose(w.Reason))
	}), " |"))
	d.line("</details>")
	d.line("")
}

func (d *markdown) warnings() {
	problems := d.problems()
	if len(problems) == 0 {
		return
	}
	d.line("#### %s", capital(count(len(problems), "warning")))
	d.line("")
	d.line("| line | column | warning |")
	d.line("|--:|---|---|")
	table := make([]string, len(problems))
	for i, problem := range problems {
		line := ""
		if problem.Line > 0 {
			line = fmt.Sprint(problem.Line)
		}
		table[i] = fmt.Sprintf("| %s | %s | %s |", line, d.s.Prose(problem.Column), d.s.Prose(d.s.problem(problem)))
	}
	d.table("warnings", table)
}

// effort is what it took: requests, retries, time.
func (d *markdown) effort() {
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
	case d.DryRun && len(d.Plan.Operations) > 0:
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

// strong makes a number stand out that is above 0.
func strong(n int) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("**%d**", n)
}

// span is a duration for readers.
func span(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// rows turns each of things into a row.
func rows[T any](things []T, row func(T) string) []string {
	all := make([]string, len(things))
	for i, thing := range things {
		all[i] = row(thing)
	}
	return all
}

// alike makes one row of those that read the same, as those of masked people
// do, says how many they are, and ends each.
func alike(all []string, end string) []string {
	counts := map[string]int{}
	for _, row := range all {
		counts[row]++
	}
	var distinct []string
	for _, row := range all {
		n := counts[row]
		if n == 0 {
			continue // it stands already
		}
		delete(counts, row)
		if n > 1 {
			row += fmt.Sprintf(" (%d times)", n)
		}
		distinct = append(distinct, row+end)
	}
	return distinct
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
