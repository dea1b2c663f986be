package report

import (
	"fmt"
	"io"
	"strings"

	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
)

// Text writes the report for a terminal or a job's log: what is or would be
// changed, what was withheld and why, and the closing lines.
func (r *Run) Text(w io.Writer, s Sanitiser) error {
	t := textWriter{w: w, s: s}
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
	w   io.Writer
	s   Sanitiser
	err error
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
		t.printf("Tenant %s: nothing to do.\n", r.Tenant)
	} else {
		t.printf("Tenant %s: %s\n", r.Tenant, headline(r.Plan))
	}
	for i := range results {
		t.operation(&results[i], r.DryRun)
	}
	for _, withheld := range r.Plan.Withheld {
		t.printf("  . %s stays in group %s: %s\n", string(withheld.Member.Email), string(withheld.Group), withheld.Reason)
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
		t.printf("      + %s\n", string(member.Email))
	}
	for _, member := range result.Remove {
		t.printf("      - %s\n", string(member.Email))
	}
	if result.Attributes != nil {
		t.printf("      gets back %s\n", result.Attributes.String())
	}
	if result.Lost > 0 {
		t.printf("      leaves %d groups\n", result.Lost)
	}
}

// headline is the plan in a sentence.
func headline(p *plan.Plan) string {
	counts := map[plan.Object]map[plan.Action]int{plan.User: {}, plan.Group: {}}
	for i := range p.Operations {
		counts[p.Operations[i].Object][p.Operations[i].Action]++
	}
	var parts []string
	for _, object := range []plan.Object{plan.User, plan.Group} {
		for _, action := range []plan.Action{plan.Create, plan.Update, plan.Delete} {
			if n := counts[object][action]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s to %s", count(n, string(object)), action))
			}
		}
	}
	if n := p.Added(); n > 0 {
		parts = append(parts, count(n, "membership")+" to add")
	}
	if n := p.Removed(); n > 0 {
		parts = append(parts, count(n, "membership")+" to remove")
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

func (t *textWriter) warnings(r *Run) {
	for _, problem := range r.problems() {
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
		t.printf("failed: %s\n", r.Failure)
	}
}
