package report

import (
	"fmt"
	"io"
	"strings"

	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
)

// Text writes the report for a terminal or a job's log: what is or would be
// changed, what was withheld and why, and the closing lines. fold begins a part
// that a reader may fold away, and returns what ends it.
func (r *Run) Text(w io.Writer, s Sanitiser, fold func(title string) (end func())) error {
	t := textWriter{w: w, s: s, fold: fold}
	if r.Plan != nil {
		t.plan(r)
	}
	t.warnings(r)
	t.failures(r)
	if r.Epilogue != "" {
		t.printf("%s\n", r.Epilogue)
	}
	if r.Verdict == Interrupted {
		t.printf("INTERRUPTED: what was not begun was left as it is.\n")
	}
	switch {
	case r.DryRun && r.Verdict == Refused && r.Plan != nil:
		t.printf("DRY RUN: nothing was changed. The figures are what the plan asks for; a run would be refused.\n")
	case r.DryRun && r.Plan != nil:
		t.printf("DRY RUN: nothing was changed. The figures are what a run would do.\n")
	case r.DryRun:
		t.printf("DRY RUN: nothing was changed.\n")
	}
	counts := r.Tallies()
	t.tally("Users", counts.Users)
	t.tally("Groups", counts.Groups)
	t.printf("Execution time: %.2f seconds\n", r.Duration.Seconds())
	return t.err
}

type textWriter struct {
	w    io.Writer
	s    Sanitiser
	fold func(title string) (end func())
	err  error
}

// printf keeps the first error. Its string arguments are sanitised.
func (t *textWriter) printf(format string, args ...any) {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = t.s.Line(text)
		}
	}
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

func (t *textWriter) tally(what string, c Tally) {
	t.printf("%s: created=%d, updated=%d, deleted=%d, unchanged=%d, errors=%d\n", what, c.Created, c.Updated, c.Deleted, c.Unchanged, c.Failed)
}

var signs = map[plan.Action]string{plan.Create: "+", plan.Update: "~", plan.Delete: "-"}

func (t *textWriter) plan(r *Run) {
	results := r.results()
	if len(results) == 0 {
		t.printf("Tenant %s: nothing to do.\n", r.place())
	} else {
		t.printf("Tenant %s: %s\n", r.place(), planned(r.Plan).sentence("to create", "to update", "to delete", "to add", "to remove", ""))
	}
	if len(results)+len(r.Plan.Withheld) > 0 {
		end := t.fold("The plan")
		for i := range results {
			t.operation(&results[i], r.DryRun)
		}
		for _, withheld := range r.Plan.Withheld {
			t.printf("  . %s stays in group %s: %s\n", string(withheld.Member.Email), string(withheld.Group), withheld.Reason)
		}
		end()
	}
	for _, refusal := range r.Plan.Refusals {
		t.printf("REFUSED: %s\n", refusal.String())
	}
	t.printf("Plan digest: %s\n", r.Plan.Digest)
}

func (t *textWriter) operation(result *groupsync.Result, dryRun bool) {
	status := ""
	if !dryRun && result.Status != groupsync.Done {
		status = " [" + string(result.Status) + "]"
	}
	t.printf("  %s %s %s%s\n", signs[result.Action], string(result.Object), result.Name(), status)
	for _, member := range result.Add {
		without := ""
		if result.LeftOut[member.Email] {
			without = " [could not be created]"
		}
		t.printf("      + %s%s\n", string(member.Email), without)
	}
	for _, member := range result.Remove {
		t.printf("      - %s\n", string(member.Email))
	}
	if result.Attributes != nil {
		t.printf("      gets back %s\n", result.Attributes.String())
	}
	if result.Lost > 0 {
		t.printf("      leaves %s\n", count(result.Lost, "group"))
	}
}

// planned are the counts of what the plan would change.
func planned(p *plan.Plan) (t Tallies) {
	t.plan(p)
	return t
}

// sentence tells what changes, in the words for it. around stands on both sides
// of what takes away.
func (t Tallies) sentence(create, update, remove, add, take, around string) string {
	var parts []string
	for _, part := range []struct {
		n        int
		what, is string
		around   string
	}{
		{t.Users.Created, "user", create, ""}, {t.Users.Updated, "user", update, ""}, {t.Users.Deleted, "user", remove, around},
		{t.Groups.Created, "group", create, ""}, {t.Groups.Updated, "group", update, ""}, {t.Groups.Deleted, "group", remove, around},
		{t.Memberships.Added, "membership", add, ""}, {t.Memberships.Removed, "membership", take, around},
	} {
		if part.n > 0 {
			parts = append(parts, part.around+count(part.n, part.what)+" "+part.is+part.around)
		}
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// shownWarnings bounds those that are not folded away.
const shownWarnings = 10

func (t *textWriter) warnings(r *Run) {
	problems := r.problems()
	if len(problems) > shownWarnings {
		defer t.fold(count(len(problems), "warning"))()
	}
	for _, problem := range problems {
		switch {
		case r.Failure != "" && strings.Contains(r.Failure, problem.Message): // said below
		case problem.Line > 0 && problem.Column != "":
			t.printf("warning: line %d, %s: %s\n", problem.Line, problem.Column, t.s.problem(problem))
		case problem.Line > 0:
			t.printf("warning: line %d: %s\n", problem.Line, t.s.problem(problem))
		default:
			t.printf("warning: %s\n", t.s.problem(problem))
		}
	}
}

func (t *textWriter) failures(r *Run) {
	for _, failure := range r.failures() {
		t.printf("failed: %s: %s\n", failure.what, failure.cause)
	}
	if r.Failure != "" {
		word := "failed"
		if r.Verdict == Refused {
			word = "REFUSED"
		}
		t.printf("%s: %s\n", word, r.Failure)
	}
}
