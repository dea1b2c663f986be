package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
)

// summaryLimit bounds the job summary, in bytes: GitHub drops one above 1 MiB
// whole.
const summaryLimit = 700 << 10

// Markdown is the report as a job summary: counts, changes by group, failures,
// retries, warnings. Where it would be too long, rows are left out at the end
// of a table, and it says how many.
func (r *Run) Markdown(s Sanitiser) string {
	m := &markdownWriter{s: s, left: summaryLimit}
	m.line("## User groups of %s", s.Code(r.Tenant))
	m.line("")
	m.line("%s", m.verdict(r))
	m.line("")
	m.tallies(r)
	m.refusals(r)
	m.failures(r)
	m.changes(r)
	m.retries(r)
	m.warnings(r)
	if r.Plan != nil {
		m.line("Plan digest: `%s`", r.Plan.Digest)
	}
	return m.String()
}

type markdownWriter struct {
	strings.Builder
	s    Sanitiser
	left int
}

func (m *markdownWriter) line(format string, args ...any) {
	n := m.Len()
	fmt.Fprintf(m, format, args...)
	m.WriteByte('\n')
	m.left -= m.Len() - n
}

// reserve is kept for what comes after a table that is cut.
const reserve = 20 << 10

// rows writes a table's rows while there is room, and says what is left out.
// Each table may take an equal part of what is left, so that a long one does
// not crowd out the next.
func (m *markdownWriter) rows(n, tablesToCome int, row func(i int) string) {
	room := (m.left - reserve) / (tablesToCome + 1)
	for i := range n {
		text := row(i)
		if room -= len(text) + 1; room < 0 {
			m.line("")
			m.line("… and %d more, left out because GitHub shows no longer summary; the JSON report (`report-file`) has them all.", n-i)
			return
		}
		m.line("%s", text)
	}
	m.line("")
}

func (m *markdownWriter) verdict(r *Run) string {
	t := r.Tallies()
	switch {
	case r.Verdict == Refused:
		return "**Refused** by a guard: nothing was changed."
	case r.Verdict == Interrupted:
		return "**Interrupted**: what was not begun was left as it is."
	case r.Failure != "":
		return "**Failed**: " + m.s.Prose(r.Failure)
	case r.Verdict == Failed:
		return fmt.Sprintf("**Failed** in part: %d errors.", t.Users.Failed+t.Groups.Failed)
	case r.DryRun && !t.Changed:
		return "**Dry run**: nothing to do."
	case r.DryRun:
		return "**Dry run**, nothing was changed: " + headline(r.Plan) + "."
	case !t.Changed:
		return "Nothing to do."
	}
	return "Done."
}

func (m *markdownWriter) tallies(r *Run) {
	t := r.Tallies()
	m.line("| | created | updated | deleted | unchanged | failed |")
	m.line("|---|--:|--:|--:|--:|--:|")
	for _, row := range []struct {
		name string
		Tally
	}{{"users", t.Users}, {"groups", t.Groups}} {
		m.line("| %s | %d | %d | %d | %d | %d |", row.name, row.Created, row.Updated, row.Deleted, row.Unchanged, row.Failed)
	}
	m.line("")
	m.line("Memberships: %d added, %d removed, %d withheld. %d requests in %.1f s.", t.Memberships.Added, t.Memberships.Removed, t.Memberships.Withheld, r.HTTP.Requests, r.Duration.Seconds())
	m.line("")
}

func (m *markdownWriter) refusals(r *Run) {
	if r.Plan == nil {
		return
	}
	for _, refusal := range r.Plan.Refusals {
		m.line("> %s", m.s.Prose(refusal.String()))
		m.line("")
	}
}

func (m *markdownWriter) failures(r *Run) {
	failures := r.failures()
	if len(failures) == 0 {
		return
	}
	m.line("### Failures")
	m.line("")
	m.line("| operation | cause |")
	m.line("|---|---|")
	m.rows(len(failures), 3, func(i int) string {
		return fmt.Sprintf("| %s | %s |", m.s.Code(failures[i].what), m.s.Prose(failures[i].cause))
	})
}

func (m *markdownWriter) changes(r *Run) {
	results := r.results()
	users := slices.DeleteFunc(slices.Clone(results), func(r groupsync.Result) bool { return r.Object != plan.User })
	groups := slices.DeleteFunc(slices.Clone(results), func(r groupsync.Result) bool { return r.Object != plan.Group })
	if len(groups) > 0 {
		m.line("### Groups")
		m.line("")
		m.line("| group | | + | − | added | removed |")
		m.line("|---|---|--:|--:|---|---|")
		m.rows(len(groups), 2, func(i int) string {
			g := &groups[i]
			return fmt.Sprintf("| %s | %s | %d | %d | %s | %s |", m.s.Code(g.Name()), m.what(g, r.DryRun), len(g.Add), len(g.Remove), m.people(g.Add), m.people(g.Remove))
		})
	}
	if len(users) > 0 {
		m.line("<details><summary>%s</summary>", count(len(users), "user"))
		m.line("")
		m.line("| user | |")
		m.line("|---|---|")
		m.rows(len(users), 1, func(i int) string {
			return fmt.Sprintf("| %s | %s |", m.s.Code(users[i].Name()), m.what(&users[i], r.DryRun))
		})
		m.line("</details>")
		m.line("")
	}
}

func (m *markdownWriter) what(result *groupsync.Result, dryRun bool) string {
	what := string(result.Action)
	if result.Attributes != nil {
		what += ", gets back " + m.s.Prose(result.Attributes.String())
	}
	if dryRun || result.Status == groupsync.Done {
		return what
	}
	return what + " (" + string(result.Status) + ")"
}

// shownPeople bounds the names in a cell; the counts stand beside it.
const shownPeople = 20

func (m *markdownWriter) people(members []plan.Member) string {
	var names []string
	for i, member := range members {
		if i == shownPeople {
			names = append(names, fmt.Sprintf("and %d more", len(members)-i))
			break
		}
		names = append(names, m.s.Code(string(member.Email)))
	}
	return strings.Join(names, ", ")
}

func (m *markdownWriter) retries(r *Run) {
	if r.Outcome == nil || r.Outcome.Retry.Retries+r.Outcome.Retry.Exhausted+r.HTTP.Retries == 0 {
		return
	}
	c := r.Outcome.Retry
	m.line("### Retries")
	m.line("")
	m.line("%d attempts, %d of them retries; %d operations recovered, %d failed for transient reasons, %d for good. %v waited. %d requests were repeated in the client layer.",
		c.Attempts, c.Retries, c.Recovered, c.Exhausted, c.Permanent, c.Wait.Round(time.Millisecond), r.HTTP.Retries)
	m.line("")
	m.line("A request took %v in the middle, %v at the 95th percentile, %v at most.", r.HTTP.P50.Round(time.Millisecond), r.HTTP.P95.Round(time.Millisecond), r.HTTP.Max.Round(time.Millisecond))
	m.line("")
	m.line("| operation | attempts | retries | recovered | failed in passing | failed for good | waited |")
	m.line("|---|--:|--:|--:|--:|--:|--:|")
	for _, kind := range slices.Sorted(maps.Keys(r.Outcome.ByOperation)) {
		o := r.Outcome.ByOperation[kind]
		m.line("| %s | %d | %d | %d | %d | %d | %v |", kind, o.Attempts, o.Retries, o.Recovered, o.Exhausted, o.Permanent, o.Wait.Round(time.Millisecond))
	}
	m.line("")
	if len(c.ByCause) > 0 {
		m.line("| cause | failed attempts |")
		m.line("|---|--:|")
		for _, cause := range slices.Sorted(maps.Keys(c.ByCause)) {
			m.line("| %s | %d |", cause, c.ByCause[cause])
		}
		m.line("")
	}
}

func (m *markdownWriter) warnings(r *Run) {
	problems := r.problems()
	if len(problems) == 0 {
		return
	}
	m.line("### Warnings")
	m.line("")
	m.line("| line | column | |")
	m.line("|--:|---|---|")
	m.rows(len(problems), 0, func(i int) string {
		line := ""
		if problems[i].Line > 0 {
			line = fmt.Sprint(problems[i].Line)
		}
		return fmt.Sprintf("| %s | %s | %s |", line, m.s.Prose(problems[i].Column), m.s.Prose(m.s.problem(problems[i])))
	})
}
