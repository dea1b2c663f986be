package report_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/retry"
)

// whole is a limit in bytes that nothing here comes near.
const whole = 1 << 30

var update = flag.Bool("update", false, "write the golden files anew")

// example is a run in which a bit of everything happened.
func example(dryRun bool) *report.Run {
	p := &plan.Plan{
		Operations: []plan.Operation{
			{Action: plan.Create, Object: plan.User, User: directory.User{Email: "new@example.com"}},
			{Action: plan.Create, Object: plan.User, User: directory.User{Email: "lost@example.com"}},
			{Action: plan.Update, Object: plan.Group, Group: directory.Group{Name: "ops"},
				Add: []plan.Member{{Email: "new@example.com"}, {Email: "lost@example.com"}}, Remove: []plan.Member{{Email: "old@example.com", Username: "old"}}},
			{Action: plan.Create, Object: plan.Group, Group: directory.Group{Name: "dev"}, Add: []plan.Member{{Email: "lost@example.com"}}},
			{Action: plan.Delete, Object: plan.User, User: directory.User{Email: "gone@example.com"}, Lost: 2},
		},
		Blocked:  []plan.Blocked{{Name: "a-b", Reason: `the DNs "CN=a b", "CN=a-b" would become one group`}},
		Withheld: []plan.Withheld{{Group: "ops", Member: plan.Member{Email: "boss@example.com", Username: "boss"}, Reason: "protected"}},
		Problems: []directory.Finding{{Line: 7, Column: "Email", Message: "`<b>@octocat</b>` | is no e-mail"}},
		Users:    plan.Count{Desired: 12, Existing: 10, Unchanged: 10},
		Groups:   plan.Count{Desired: 3, Existing: 8, Unchanged: 1},
		Digest:   "sha256:" + strings.Repeat("0", 64),
	}
	run := &report.Run{
		Version: "v1.2.3", Tenant: "acme", DryRun: dryRun, Verdict: report.Success, Plan: p,
		URL:     "https://github.example/o/r/actions/runs/1",
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Duration: 1234 * time.Millisecond,
		HTTP: report.HTTP{Requests: 9, Retries: 1, P50: 20 * time.Millisecond, P95: 40 * time.Millisecond, Max: time.Second},
	}
	if dryRun {
		return run
	}
	run.Verdict = report.Failed
	run.Outcome = groupsync.Preview(p)
	results := run.Outcome.Results
	results[0].Status, results[0].Effect, results[0].Attempts = groupsync.Done, plan.Create, 2
	results[1].Status, results[1].Attempts = groupsync.Failed, 3
	results[1].Err = errors.New("POST user_roles: HTTP 503\r\n::error::<b>down</b> tok_12345 (after 3 attempts)")
	results[2].Status, results[2].Effect, results[2].Attempts, results[2].Added, results[2].Removed = groupsync.Done, plan.Update, 1, 1, 1
	results[2].LeftOut = map[directory.Email]bool{"lost@example.com": true}
	results[3].Status, results[3].Err = groupsync.Skipped, errors.New("not created, because none of its members could be")
	left := 7
	run.Outcome.Budget, run.Outcome.Opened = &left, 1
	run.Outcome.Retry = retry.Counts{Attempts: 6, Retries: 3, Succeeded: 2, Recovered: 1, Exhausted: 1, Wait: 4 * time.Second, ByCause: map[string]int{"503": 3, "timeout": 1}}
	run.Outcome.ByOperation = map[string]retry.Counts{
		"create user":  {Attempts: 5, Retries: 3, Succeeded: 1, Recovered: 1, Exhausted: 1, Wait: 4 * time.Second},
		"update group": {Attempts: 1, Succeeded: 1},
	}
	return run
}

// flat folds nothing away.
func flat(string) func() { return func() {} }

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, dryRun := range []bool{true, false} {
		run := example(dryRun)
		s := report.Sanitiser{Secrets: []string{"tok_12345"}}
		var text strings.Builder
		if err := run.Text(&text, s, flat); err != nil {
			t.Fatal(err)
		}
		document, err := run.JSON(s)
		if err != nil {
			t.Fatal(err)
		}
		for kind, got := range map[string]string{"txt": text.String(), "md": run.Summary(s, whole), "comment.md": run.Comment(s, whole), "json": string(document)} {
			golden(t, fmt.Sprintf("dry-run-%v.%s", dryRun, kind), got)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; go test -update writes it anew):\n%s", name, diff)
	}
}

func TestMaskedEverywhereButInTheJSON(t *testing.T) {
	t.Parallel()
	run, s := example(false), report.Sanitiser{MaskEmails: true}
	var text strings.Builder
	if err := run.Text(&text, s, flat); err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{text.String(), run.Summary(s, whole), run.Comment(s, whole), fmt.Sprint(run.Notes(s))} {
		if strings.Contains(shown, "lost@") || strings.Contains(shown, "boss@") {
			t.Errorf("an e-mail is shown:\n%s", shown)
		}
	}
	document, err := run.JSON(s)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(document), "lost@example.com") {
		t.Error("the JSON report is masked")
	}
}

// TestMaskedWhereThereIsNoEMail hides what stands in the e-mail's place, too.
func TestMaskedWhereThereIsNoEMail(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{"jane.roe.x.com", "Jane Roe <jane.roe@x.com>", "jane.roe@x@y", `jane.roe"q@x.com`, "jane.roe%40x.com"} {
		run := &report.Run{Problems: []directory.Finding{
			{Line: 2, Column: "Email", Subject: cell, Message: fmt.Sprintf("%q is no e-mail", cell)},
			{Line: 2, Column: "Email", Subject: cell, Message: cell + " is taken out of no group"},
		}}
		var text strings.Builder
		s := report.Sanitiser{MaskEmails: true}
		if err := run.Text(&text, s, flat); err != nil {
			t.Fatal(err)
		}
		if shown := text.String() + run.Summary(s, whole) + run.Comment(s, whole) + fmt.Sprint(run.Notes(s)); strings.Contains(strings.ToLower(shown), "jane") {
			t.Errorf("%q is shown:\n%s", cell, shown)
		}
	}
}

func TestMarkdownOfALargePlanStaysUnderTheLimits(t *testing.T) {
	t.Parallel()
	run := &report.Run{DryRun: true, Plan: large(20000), URL: "https://github.example/o/r/actions/runs/1"}
	for _, page := range []struct {
		text, rest string
		limit      int
	}{
		{run.Summary(report.Sanitiser{}, 700_000), "GitHub shows no longer text: the JSON report", 700_000},
		{run.Comment(report.Sanitiser{}, 64_000), "GitHub shows no longer text: [the summary of the run](https://github.example/o/r/actions/runs/1) has more", 64_000},
		{run.Comment(report.Sanitiser{MaskEmails: true}, 64_000), "GitHub shows no longer text", 64_000},
	} {
		if len(page.text) > page.limit || len(page.text) < page.limit*9/10 {
			t.Errorf("%d bytes of at most %d", len(page.text), page.limit)
		}
		for _, part := range []string{"| group |", "20000 users to create", "20000 warnings", "more groups, left out", "more warnings, left out", page.rest, "expect-plan: sha256:"} {
			if !strings.Contains(page.text, part) {
				t.Errorf("%q is missing", part)
			}
		}
		// What is left out and what is shown add up, and no row is cut.
		shown := strings.Count(page.text, "| `group-")
		if !strings.Contains(page.text, fmt.Sprintf("… and %d more groups", 20000-shown)) {
			t.Errorf("%d groups are shown, and not all others are said to be left out", shown)
		}
		if n := strings.Count(page.text, "<details>"); n != strings.Count(page.text, "</details>") {
			t.Errorf("%d details are opened, but not as many closed", n)
		}
	}
}

func large(n int) *plan.Plan {
	p := &plan.Plan{Digest: "sha256:" + strings.Repeat("0", 64)}
	for i := range n {
		email := directory.Email(fmt.Sprintf("somebody.with.a.long.name.%05d@example.com", i))
		p.Operations = append(p.Operations,
			plan.Operation{Action: plan.Create, Object: plan.User, User: directory.User{Email: email}},
			plan.Operation{Action: plan.Create, Object: plan.Group, Group: directory.Group{Name: directory.GroupName(fmt.Sprintf("group-%05d", i))}, Add: []plan.Member{{Email: email}}})
		p.Problems = append(p.Problems, directory.Finding{Line: i, Message: strings.Repeat("x", 200)})
	}
	return p
}

// TestOneCellCannotFillThePage shows people beside a cell, a name and a cause
// of a megabyte each, and a group of 20,000 people.
func TestOneCellCannotFillThePage(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("ä`|<", 1<<18)
	p := &plan.Plan{
		Operations: []plan.Operation{
			{Action: plan.Create, Object: plan.User, User: directory.User{Email: directory.Email(huge)}},
			{Action: plan.Update, Object: plan.Group, Group: directory.Group{Name: "ops"}},
		},
		Problems: []directory.Finding{{Line: 2, Column: huge, Message: huge}},
		Refusals: []plan.Refusal{{Guard: "max-removals", Reason: huge}},
	}
	for i := range 20000 {
		p.Operations[1].Add = append(p.Operations[1].Add, plan.Member{Email: directory.Email(fmt.Sprintf("somebody.%05d@example.com", i))})
	}
	run := &report.Run{DryRun: true, Plan: p, Verdict: report.Refused, Failure: huge}
	comment := run.Comment(report.Sanitiser{}, 64_000)
	if len(comment) > 64_000 {
		t.Errorf("%d bytes", len(comment))
	}
	for _, part := range []string{"| `ops` | update | 20000 |", "somebody.00000@example.com", "19980 more", "| 2 |"} {
		if !strings.Contains(comment, part) {
			t.Errorf("%q is missing", part)
		}
	}
}

// TestMaskedPeopleAreCounted, since they all read the same.
func TestMaskedPeopleAreCounted(t *testing.T) {
	t.Parallel()
	run := &report.Run{DryRun: true, Plan: large(3)}
	run.Plan.Operations[1].Add = []plan.Member{{Email: "a@x.example"}, {Email: "b@x.example"}, {Email: "c@y.example"}}
	comment := run.Comment(report.Sanitiser{MaskEmails: true}, whole)
	for _, part := range []string{"+&nbsp;`***@x.example` (2 times)<br>+&nbsp;`***@y.example`</details>", "| `***@example.com` | create (3 times) |"} {
		if !strings.Contains(comment, part) {
			t.Errorf("%q is missing from\n%s", part, comment)
		}
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	s := report.Sanitiser{Secrets: []string{"tok_12345"}}
	want := []report.Note{
		{Line: 7, Title: "CSV, Email", Message: "`<b>@octocat</b>` | is no e-mail"},
		{Error: true, Title: "Tenant acme: sync group a-b failed", Message: `the DNs "CN=a b", "CN=a-b" would become one group`},
		{Error: true, Title: "Tenant acme: create user lost@example.com failed", Message: "POST user_roles: HTTP 503  ::error::<b>down</b> *** (after 3 attempts)"},
		{Error: true, Title: "Tenant acme: create group dev failed", Message: "not created, because none of its members could be"},
	}
	if diff := cmp.Diff(want, example(false).Notes(s)); diff != "" {
		t.Error(diff)
	}
	broken := &report.Run{Tenant: "acme", Failure: "csv: x.csv: line 3: broken", BadCSV: true, Problems: []directory.Finding{{Line: 3, Message: "line 3: broken"}}}
	if diff := cmp.Diff([]report.Note{{Error: true, Line: 3, Title: "CSV", Message: "line 3: broken"}}, broken.Notes(s)); diff != "" {
		t.Error(diff)
	}
	refused := example(true)
	refused.Verdict, refused.Failure = report.Refused, "expect-plan: another"
	refused.Plan.Refusals = []plan.Refusal{{Guard: "max-removals", Reason: "the plan removes 9 of 10 users"}}
	notes := refused.Notes(s)
	if len(notes) != 4 || notes[1].Message != "expect-plan: another" || !strings.Contains(notes[2].Message, "9 of 10 users") {
		t.Errorf("%v", notes)
	}
}

// TestRefusedRun: the report has the guard's reasons, and says nowhere how to
// apply the plan as it is.
func TestRefusedRun(t *testing.T) {
	t.Parallel()
	run := example(true)
	run.Verdict, run.Failure, run.Simulate = report.Refused, "expect-plan: another", true
	run.Plan.Refusals = []plan.Refusal{{Guard: "max-removals", Reason: "the plan removes 9 of 10 users"}}
	document, err := run.JSON(report.Sanitiser{})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := run.Text(&text, report.Sanitiser{}, flat); err != nil {
		t.Fatal(err)
	}
	page := run.Summary(report.Sanitiser{}, whole)
	for _, part := range []struct{ in, part string }{
		{string(document), `"refusals": [
      "the plan removes 9 of 10 users"
    ]`}, {string(document), `"simulated": true`},
		{text.String(), "REFUSED: the plan removes 9 of 10 users\n"}, {text.String(), "REFUSED: expect-plan: another\n"},
		{text.String(), "a run would be refused"}, {text.String(), "Tenant acme (simulated): "},
		{page, "## User groups of `acme` (simulated)"}, {page, "the plan removes 9 of 10 users"},
	} {
		if !strings.Contains(part.in, part.part) {
			t.Errorf("%q is missing from:\n%s", part.part, part.in)
		}
	}
	if strings.Contains(page, "how to apply exactly this") {
		t.Errorf("the page says how to apply what is refused:\n%s", page)
	}
}

func TestARunThatEndedEarlyHasClosingLines(t *testing.T) {
	t.Parallel()
	run := &report.Run{Tenant: "acme", Verdict: report.Failed, Failure: "csv: broken", Problems: []directory.Finding{{Line: 3, Column: "Email", Message: "x"}}}
	var text strings.Builder
	if err := run.Text(&text, report.Sanitiser{}, flat); err != nil {
		t.Fatal(err)
	}
	want := "warning: line 3, Email: x\nfailed: csv: broken\n" +
		"Users: created=0, updated=0, deleted=0, unchanged=0, errors=0\nGroups: created=0, updated=0, deleted=0, unchanged=0, errors=0\nExecution time: 0.00 seconds\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Error(diff)
	}
}
