package report_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/doctor"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/run"
)

// whole is a limit in bytes that nothing here comes near.
const whole = 1 << 30

var update = flag.Bool("update", false, "write the golden files")

// example is a run in which a bit of everything happened.
func example(dryRun bool) *report.Report {
	p := &plan.Plan{
		Operations: []plan.Operation{
			{Action: plan.Create, Object: plan.User, User: directory.User{Email: "new@example.com", Name: directory.PersonName{First: "New", Last: "Person"}, IDMType: directory.IDMSSO}},
			{Action: plan.Create, Object: plan.User, User: directory.User{Email: "lost@example.com", Name: directory.PersonName{First: "Lost", Last: "Person"}, IDMType: directory.IDMLocal}},
			{Action: plan.Update, Object: plan.Group, Group: directory.Group{Name: "ops"},
				Add: []plan.Member{{Email: "new@example.com"}, {Email: "lost@example.com"}}, Remove: []plan.Member{{Email: "old@example.com", Username: "old"}}},
			{Action: plan.Create, Object: plan.Group, Group: directory.Group{Name: "dev", DisplayName: "Développement"}, Add: []plan.Member{{Email: "lost@example.com"}}},
			{Action: plan.Delete, Object: plan.User, User: directory.User{Email: "gone@example.com"}, Lost: 2},
		},
		Blocked: []plan.Blocked{{
			Object: plan.Group, Name: "a-b", Reason: `2 DNs map to this group name: "CN=a b", "CN=a-b"`,
			Roles: []directory.Role{{Namespace: "system", Role: "ves-io-monitor-role"}, {Namespace: "*", Role: "ves-io-admin-role"}},
		}},
		Withheld: []plan.Withheld{
			{Kind: plan.Membership, Group: "ops", Member: plan.Member{Email: "boss@example.com", Username: "boss"}, Reason: "protected"},
			{Kind: plan.GroupRemoval, Group: "old", Reason: "member boss@example.com stays: protected"},
			{Kind: plan.UserDeletion, Member: plan.Member{Email: "boss@example.com", Username: "boss"}, Reason: "protected"},
		},
		Users:  plan.Count{Desired: 12, Existing: 10, Unchanged: 10},
		Groups: plan.Count{Desired: 3, Existing: 8, Unchanged: 1},
		Digest: "sha256:" + strings.Repeat("0", 64),
	}
	r := &report.Report{
		Version: "v1.2.3", Tenant: "acme", API: "acme.example/api-path", URL: "https://github.example/o/r/actions/runs/1",
		Result: &run.Result{
			DryRun: dryRun, Plan: p, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Duration: 1234 * time.Millisecond,
			Findings: []directory.Finding{
				{Kind: directory.InvalidEmail, File: "groups.csv", Line: 7, Column: "Email", Subject: "`<b>@octocat</b>` |", Message: "invalid email \"`<b>@octocat</b>` |\"", Hint: "correct it"},
				{Severity: directory.Error, Kind: directory.Blocked, Message: `skipping group a-b: 2 DNs map to this group name: "CN=a b", "CN=a-b"`, Hint: "rename one of them"},
			},
		},
		Policy: &report.PolicyFile{Path: "policy.yml", SHA256: strings.Repeat("1", 64)},
		GitHub: &report.GitHub{
			Repository: "o/r", SHA: strings.Repeat("2", 40), Ref: "refs/heads/main", Event: "push", RunID: "1", RunAttempt: "2", Actor: "grace",
			PullRequest: 7, MergedBy: "grace", ApprovedBy: []string{"ben"},
		},
		HTTP: report.HTTP{Requests: 9, Retries: 1, P50: 20 * time.Millisecond, P95: 40 * time.Millisecond, Max: time.Second},
	}
	r.Inputs = []run.Input{{Path: "groups.csv", SHA256: strings.Repeat("3", 64), Rows: 12}, {Path: "-", SHA256: strings.Repeat("4", 64), Rows: 1}}
	r.Desired = &directory.Desired{OutOfScope: struct{ DNs, People int }{2, 1}}
	if dryRun {
		return r
	}
	r.Outcome = groupsync.Preview(p)
	results := r.Outcome.Results
	results[0].Status, results[0].Effect, results[0].Attempts = groupsync.Done, plan.Create, 2
	results[0].Ended, results[0].RequestID = r.Started.Add(time.Second).In(time.FixedZone("CET", 3600)), "id-1 tok_12345"
	results[1].Status, results[1].Attempts = groupsync.Failed, 3
	results[1].Err = errors.New("POST user_roles: HTTP 503\r\n::error::<b>down</b> tok_12345 (after 3 attempts)")
	results[2].Status, results[2].Effect, results[2].Attempts, results[2].Added, results[2].Removed = groupsync.Done, plan.Update, 1, 1, 1
	results[2].LeftOut = map[directory.Email]bool{"lost@example.com": true}
	results[3].Status, results[3].Err = groupsync.Skipped, errors.New("not created, because none of its members could be")
	r.Add(
		directory.Finding{Severity: directory.Error, Kind: directory.NotDone, Subject: "lost@example.com", Message: "create user lost@example.com: " + results[1].Err.Error()},
		directory.Finding{Severity: directory.Error, Kind: directory.NotDone, Message: "create group dev: " + results[3].Err.Error()},
	)
	left := 7
	r.Outcome.Budget, r.Outcome.Opened = &left, 1
	r.Outcome.Retry = retry.Counts{Attempts: 6, Retries: 3, Succeeded: 2, Recovered: 1, Exhausted: 1, Wait: 4 * time.Second, ByCause: map[string]int{"503": 3, "timeout": 1}}
	r.Outcome.ByOperation = map[string]retry.Counts{
		"create user":  {Attempts: 5, Retries: 3, Succeeded: 1, Recovered: 1, Exhausted: 1, Wait: 4 * time.Second},
		"update group": {Attempts: 1, Succeeded: 1},
	}
	return r
}

// comment is the report as a comment about a made commit.
func comment(r *report.Report, s report.Sanitizer, limit int) string {
	body, _ := r.Comment(s, report.CommentOptions{Limit: limit, Commit: "0123456789abcdef"})
	return body
}

// shown is all of a report that a reader of the log sees.
func shown(t *testing.T, r *report.Report, s report.Sanitizer, style report.Style) string {
	t.Helper()
	var text strings.Builder
	if err := r.WritePlan(&text, s, style); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteText(&text, s, style); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, dryRun := range []bool{true, false} {
		r := example(dryRun)
		s := report.Sanitizer{Secrets: report.NewSecrets("tok_12345")}
		document, err := r.JSON(s)
		if err != nil {
			t.Fatal(err)
		}
		for kind, got := range map[string]string{
			"txt": shown(t, r, s, report.Style{}), "terminal.txt": shown(t, r, s, report.Style{Color: true, Short: true}),
			"md": r.Summary(s, whole), "comment.md": comment(r, s, whole), "json": string(document),
		} {
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
		t.Errorf("%s (-want +got; go test -update writes it):\n%s", name, diff)
	}
}

// TestNoTextOfTheJSONShowsASecret, whichever it is.
func TestNoTextOfTheJSONShowsASecret(t *testing.T) {
	t.Parallel()
	withEveryText := example(false)
	withEveryText.Policy = &report.PolicyFile{Path: "policies/policy.yml", SHA256: "0123456789"}
	withEveryText.GitHub = &report.GitHub{Repository: "acme/directory", Actor: "somebody", ApprovedBy: []string{"reviewer"}}
	checks := &report.Doctor{Tenant: "acme-corp", API: "acme.example/path", Result: &doctor.Result{Checks: []doctor.Check{{
		Name: "credentials", Status: doctor.Warn, File: "some/file.csv", Column: "a-column", Detail: "detail & \"more\"", Hint: "do <this>",
		Items: []doctor.Item{{Name: "somebody's name", Note: "a note/remark"}},
	}}}}
	for name, document := range map[string]func(report.Sanitizer) ([]byte, error){"run": withEveryText.JSON, "doctor": checks.JSON} {
		whole, err := document(report.Sanitizer{})
		if err != nil {
			t.Fatal(err)
		}
		texts := textsOf(t, whole)
		if len(texts) < 8 {
			t.Fatalf("%s: only %q", name, texts)
		}
		for _, secret := range texts {
			hidden, err := document(report.Sanitizer{Secrets: report.NewSecrets(secret)})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range textsOf(t, hidden) {
				if strings.Contains(text, secret) {
					t.Errorf("%s: %q shows %q", name, text, secret)
				}
			}
		}
	}
}

func TestTheJSONOfAnyBytes(t *testing.T) {
	t.Parallel()
	r := &report.Report{Result: &run.Result{Inputs: []run.Input{{Path: "a\xffb.csv"}}}}
	document, err := r.JSON(report.Sanitizer{})
	if err != nil || !json.Valid(document) || !strings.Contains(string(document), "\"a\ufffdb.csv\"") {
		t.Errorf("%v: %s", err, document)
	}
}

// textsOf returns the distinct texts of a JSON document that are long enough to be
// secrets, without the keys.
func textsOf(t *testing.T, document []byte) []string {
	t.Helper()
	var value any
	if err := json.Unmarshal(document, &value); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	var walk func(any)
	walk = func(value any) {
		switch value := value.(type) {
		case string:
			if len(value) >= 4 {
				found[value] = true
			}
		case []any:
			for _, item := range value {
				walk(item)
			}
		case map[string]any:
			for _, item := range value {
				walk(item)
			}
		}
	}
	walk(value)
	return slices.Sorted(maps.Keys(found))
}

func TestMaskedEverywhereButInTheJSON(t *testing.T) {
	t.Parallel()
	r, s := example(false), report.Sanitizer{MaskEmails: true}
	for _, shown := range []string{shown(t, r, s, report.Style{}), r.Summary(s, whole), comment(r, s, whole), fmt.Sprint(s.Notes(r.Findings))} {
		if strings.Contains(shown, "lost@") || strings.Contains(shown, "boss@") {
			t.Errorf("an email is shown:\n%s", shown)
		}
	}
	dry := example(true)
	for _, plan := range []string{shown(t, dry, s, report.Style{}), comment(dry, s, whole)} {
		if strings.Contains(plan, "Person") || !strings.Contains(plan, "SSO") || !strings.Contains(plan, "local") {
			t.Errorf("not the kinds of the new users alone:\n%s", plan)
		}
	}
	document, err := r.JSON(s)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(document), "lost@example.com") {
		t.Error("the JSON report is masked")
	}
}

// TestMaskedWhereThereIsNoEmail hides what takes the email's place, too.
func TestMaskedWhereThereIsNoEmail(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{"jane.roe.x.com", "Jane Roe <jane.roe@x.com>", "jane.roe@x@y", `jane.roe"q@x.com`, "jane.roe%40x.com", "jane.roe@x.com Jane Roe", "x@y (Jane)", "x@y;jane"} {
		r := &report.Report{Result: &run.Result{Findings: []directory.Finding{
			{Kind: directory.InvalidEmail, Line: 2, Column: "Email", Subject: cell, Message: fmt.Sprintf("invalid email %q", cell)},
			{Kind: directory.InvalidDN, Line: 2, Column: "Email", Subject: cell, Message: cell + " will not be removed from any group"},
		}}}
		s := report.Sanitizer{MaskEmails: true}
		if all := shown(t, r, s, report.Style{}) + r.Summary(s, whole) + comment(r, s, whole) + fmt.Sprint(s.Notes(r.Findings)); strings.Contains(strings.ToLower(all), "jane") {
			t.Errorf("%q is shown:\n%s", cell, all)
		}
	}
}

func TestMarkdownOfALargePlanStaysUnderTheLimits(t *testing.T) {
	t.Parallel()
	const n = 8000 // more than any page can show
	r := large(n)
	for _, page := range []struct {
		text, rest string
		limit      int
	}{
		{r.Summary(report.Sanitizer{}, 700_000), "GitHub limits the length: the JSON report", 700_000},
		{comment(r, report.Sanitizer{}, 64_000), "GitHub limits the length: [the summary of the run](https://github.example/o/r/actions/runs/1) has more", 64_000},
		{comment(r, report.Sanitizer{MaskEmails: true}, 64_000), "GitHub limits the length", 64_000},
	} {
		if len(page.text) > page.limit || len(page.text) < page.limit*9/10 {
			t.Errorf("%d bytes of at most %d", len(page.text), page.limit)
		}
		for _, part := range []string{"| group |", fmt.Sprintf("%d users to create", n), fmt.Sprintf("%d warnings", n), "more groups, left out", "more warnings, left out", page.rest, "expect-plan: sha256:"} {
			if !strings.Contains(page.text, part) {
				t.Errorf("%q is missing", part)
			}
		}
		// What is left out and what is shown add up, and no row is cut.
		shown := strings.Count(page.text, "| `group-")
		if !strings.Contains(page.text, fmt.Sprintf("… and %d more groups", n-shown)) {
			t.Errorf("%d groups are shown, and not all others are said to be left out", shown)
		}
		if opened := strings.Count(page.text, "<details>"); opened != strings.Count(page.text, "</details>") {
			t.Errorf("%d details are opened, but not as many closed", opened)
		}
	}
}

func large(n int) *report.Report {
	p := &plan.Plan{Digest: "sha256:" + strings.Repeat("0", 64)}
	result := &run.Result{DryRun: true, Plan: p}
	for i := range n {
		email := directory.Email(fmt.Sprintf("somebody.with.a.long.name.%05d@example.com", i))
		p.Operations = append(p.Operations,
			plan.Operation{Action: plan.Create, Object: plan.User, User: directory.User{Email: email}},
			plan.Operation{Action: plan.Create, Object: plan.Group, Group: directory.Group{Name: directory.GroupName(fmt.Sprintf("group-%05d", i))}, Add: []plan.Member{{Email: email}}})
		result.Add(directory.Finding{Kind: directory.InvalidDN, Line: i + 1, Message: strings.Repeat("x", 200)})
	}
	return &report.Report{Result: result, URL: "https://github.example/o/r/actions/runs/1"}
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
	}
	for i := range 20000 {
		p.Operations[1].Add = append(p.Operations[1].Add, plan.Member{Email: directory.Email(fmt.Sprintf("somebody.%05d@example.com", i))})
	}
	r := &report.Report{Result: &run.Result{DryRun: true, Plan: p, Findings: []directory.Finding{
		{Kind: directory.InvalidDN, Line: 2, Column: huge, Message: huge, Hint: huge},
		{Severity: directory.Error, Kind: directory.Refusal, Message: huge, Hint: huge},
	}}}
	comment := comment(r, report.Sanitizer{}, 64_000)
	if len(comment) > 64_000 {
		t.Errorf("%d bytes", len(comment))
	}
	for _, part := range []string{"| `ops` |  | update | 20000 |", "somebody.00000@example.com", " more</details>", "| 2 |", "approves nothing"} {
		if !strings.Contains(comment, part) {
			t.Errorf("%q is missing", part)
		}
	}
}

// TestMaskedPeopleAreCounted, since they all read the same.
func TestMaskedPeopleAreCounted(t *testing.T) {
	t.Parallel()
	r := large(3)
	r.Plan.Operations[1].Add = []plan.Member{{Email: "a@x.example"}, {Email: "b@x.example"}, {Email: "c@y.example"}}
	comment := comment(r, report.Sanitizer{MaskEmails: true}, whole)
	for _, part := range []string{"+&nbsp;`***@x.example` (2 times)<br>+&nbsp;`***@y.example`</details>", "| `***@example.com` | create (3 times) |"} {
		if !strings.Contains(comment, part) {
			t.Errorf("%q is missing from\n%s", part, comment)
		}
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	want := []directory.Finding{
		{Kind: directory.InvalidEmail, File: "groups.csv", Line: 7, Column: "Email", Message: "invalid email \"`<b>@octocat</b>` |\"", Hint: "correct it"},
		{Severity: directory.Error, Kind: directory.Blocked, Message: `skipping group a-b: 2 DNs map to this group name: "CN=a b", "CN=a-b"`, Hint: "rename one of them"},
		{Severity: directory.Error, Kind: directory.NotDone, Message: "create user lost@example.com: POST user_roles: HTTP 503  ::error::<b>down</b> *** (after 3 attempts)"},
		{Severity: directory.Error, Kind: directory.NotDone, Message: "create group dev: not created, because none of its members could be"},
	}
	if diff := cmp.Diff(want, report.Sanitizer{Secrets: report.NewSecrets("tok_12345")}.Notes(example(false).Findings)); diff != "" {
		t.Error(diff)
	}
}

// TestRefusedRun checks that a report has the guard's reason, and does not say
// how to apply the plan as it is.
func TestRefusedRun(t *testing.T) {
	t.Parallel()
	r := example(true)
	r.Simulate, r.Sample = true, true
	r.Plan.Refusals = []plan.Refusal{{Reason: "plan would remove 9 of 10 users"}}
	r.Add(directory.Finding{Severity: directory.Error, Kind: directory.Refusal, Message: "refusing to apply: plan would remove 9 of 10 users", Hint: "re-run"})
	document, err := r.JSON(report.Sanitizer{})
	if err != nil {
		t.Fatal(err)
	}
	text, page := shown(t, r, report.Sanitizer{}, report.Style{}), r.Summary(report.Sanitizer{}, whole)
	for _, part := range []struct{ in, part string }{
		{string(document), `"refusals": [
      "plan would remove 9 of 10 users"
    ]`}, {string(document), `"simulated": true`},
		{text, "error: refusing to apply: plan would remove 9 of 10 users\nhint: re-run\n"},
		{text, "a run would be refused"}, {text, "Tenant acme (an embedded sample tenant): "},
		{page, "## User groups of `acme` (an embedded sample tenant)"}, {page, "plan would remove 9 of 10 users"},
	} {
		if !strings.Contains(part.in, part.part) {
			t.Errorf("%q is missing from:\n%s", part.part, part.in)
		}
	}
	for _, page := range []string{page, text} {
		if strings.Contains(page, "apply exactly this") {
			t.Errorf("the report says how to apply what is refused:\n%s", page)
		}
	}
}

func TestEarlyEndHasClosingLines(t *testing.T) {
	t.Parallel()
	r := &report.Report{Tenant: "acme", Result: &run.Result{Findings: []directory.Finding{
		{Severity: directory.Error, Kind: directory.InvalidEmail, File: "groups.csv", Line: 3, Column: "Email", Message: "x"},
		{Severity: directory.Error, Kind: directory.BadCSV, File: "groups.csv", Message: "no row is valid", Hint: "fix one"},
	}}}
	want := "error: groups.csv: line 3, Email: x\nerror: groups.csv: no row is valid\nhint: fix one\n" +
		"Users: created=0, updated=0, deleted=0, unchanged=0, errors=0\nGroups: created=0, updated=0, deleted=0, unchanged=0, errors=0\nExecution time: 0.00 seconds\n"
	if diff := cmp.Diff(want, shown(t, r, report.Sanitizer{}, report.Style{})); diff != "" {
		t.Error(diff)
	}
}

// TestManyWarningsOfOneKindAreOneLine, whereas each error is named.
func TestManyWarningsOfOneKindAreOneLine(t *testing.T) {
	t.Parallel()
	r := &report.Report{Result: new(run.Result)}
	for i := range 19 {
		name := fmt.Sprintf("group-%02d", i)
		r.Add(
			directory.Finding{Kind: directory.StaleGroup, Subject: name, Message: "group " + name + " is no longer in the CSV"},
			directory.Finding{Severity: directory.Error, Kind: directory.NotDone, Message: "update group " + name + ": boom"},
		)
	}
	text := shown(t, r, report.Sanitizer{}, report.Style{})
	if want := "warning: 19 groups no longer in the CSV: group-00, group-01, group-02 and 16 more; for example, group group-00 is no longer in the CSV\n"; !strings.Contains(text, want) || strings.Count(text, "no longer") != 2 {
		t.Errorf("%q is missing from:\n%s", want, text)
	}
	if n := strings.Count(text, "error: update group"); n != 19 {
		t.Errorf("%d errors of 19:\n%s", n, text)
	}
}

// TestOneLineOfManyHasTheUsualCure, not that of whichever comes first.
func TestOneLineOfManyHasTheUsualCure(t *testing.T) {
	t.Parallel()
	r := &report.Report{Result: new(run.Result)}
	for name, hint := range map[string]string{"a": "", "b": "another", "c": "the usual", "d": "the usual", "e": "", "f": ""} {
		r.Add(directory.Finding{Kind: directory.StaleGroup, Subject: name, Message: name + " needs " + hint, Hint: hint})
	}
	text := shown(t, r, report.Sanitizer{}, report.Style{})
	if !strings.Contains(text, " needs the usual\nhint: the usual\n") || strings.Count(text, "hint:") != 1 {
		t.Error(text)
	}
}

// TestAHintIsSaidOnce for several findings in a row, also where it reads the same only
// because emails are masked.
func TestAHintIsSaidOnce(t *testing.T) {
	t.Parallel()
	r := &report.Report{Result: new(run.Result)}
	for _, who := range []string{"ann", "bob"} {
		r.Add(directory.Finding{Kind: directory.StaleGroup, Subject: who, Message: who + " stays", Hint: "remove " + who + "@x.y"})
	}
	for masked, want := range map[bool]string{
		true:  "warning: ann stays\nwarning: bob stays\nhint: remove ***@x.y\n",
		false: "warning: ann stays\nhint: remove ann@x.y\nwarning: bob stays\nhint: remove bob@x.y\n",
	} {
		if text := shown(t, r, report.Sanitizer{MaskEmails: masked}, report.Style{}); !strings.Contains(text, want) {
			t.Errorf("%q is missing from:\n%s", want, text)
		}
	}
}

// TestAHintThatAsksEndsWithItsQuestionMark.
func TestAHintThatAsksEndsWithItsQuestionMark(t *testing.T) {
	t.Parallel()
	page := report.InvalidSettings([]directory.Finding{{Message: "unknown flag", Hint: "did you mean this?"}, {Message: "missing value", Hint: "give one"}}, report.Sanitizer{}, whole)
	for _, want := range []string{"| unknown flag. Did you mean this? |", "| missing value. Give one. |"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing from:\n%s", want, page)
		}
	}
}

// Two plans that would send different things never read the same in a comment that
// says it is complete: a reviewer could not tell them apart.
func TestCommentTellsPlansApart(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 400)
	member := func(email string) []plan.Member {
		return []plan.Member{{Email: directory.Email(email), Username: directory.Username(email)}}
	}
	role := func(role string) []directory.Role { return []directory.Role{{Namespace: "system", Role: role}} }
	user := func(action plan.Action, user directory.User) plan.Operation {
		return plan.Operation{Action: action, Object: plan.User, User: user}
	}
	group := func(action plan.Action, change func(*plan.Operation)) plan.Operation {
		o := plan.Operation{Action: action, Object: plan.Group, Group: directory.Group{Name: "ops", DisplayName: "Ops"}}
		change(&o)
		return o
	}
	person := directory.User{Email: "ann@example.com", Name: directory.PersonName{First: "Ann", Last: "Lee"}, IDMType: directory.IDMSSO}
	renamed, local, other, named, powerful := person, person, person, person, person
	named.Username, powerful.Roles = "ann", role("a")
	renamed.Name.First, local.IDMType, other.Email = long+"Anna", directory.IDMLocal, "an\u043d@example.com"
	longer := renamed
	longer.Name.First = long + "Anne"
	set := func(change func(*plan.Operation)) func(plan.Action) plan.Operation {
		return func(action plan.Action) plan.Operation { return group(action, change) }
	}
	attributes := func(name string) func(plan.Action) plan.Operation {
		return set(func(o *plan.Operation) { o.Attributes = &plan.Attributes{DisplayName: name} })
	}
	tests := map[string][2]plan.Operation{
		"who":                     {user(plan.Create, person), user(plan.Create, other)},
		"kind":                    {user(plan.Create, person), user(plan.Create, local)},
		"username":                {user(plan.Create, person), user(plan.Create, named)},
		"direct role":             {user(plan.Create, person), user(plan.Create, powerful)},
		"name":                    {user(plan.Create, person), user(plan.Create, renamed)},
		"end of a long name":      {user(plan.Create, renamed), user(plan.Create, longer)},
		"new name":                {user(plan.Update, person), user(plan.Update, renamed)},
		"create or delete":        {user(plan.Create, person), user(plan.Delete, person)},
		"members":                 {set(func(o *plan.Operation) { o.Add = member("a@x.com") })(plan.Update), set(func(o *plan.Operation) { o.Add = member("b@x.com") })(plan.Update)},
		"sign":                    {set(func(o *plan.Operation) { o.Add = member("a@x.com") })(plan.Update), set(func(o *plan.Operation) { o.Remove = member("a@x.com") })(plan.Update)},
		"role":                    {set(func(o *plan.Operation) { o.Roles = role("a") })(plan.Grant), set(func(o *plan.Operation) { o.Roles = role("b") })(plan.Grant)},
		"grant or revoke":         {set(func(o *plan.Operation) { o.Roles = role("a") })(plan.Grant), set(func(o *plan.Operation) { o.Roles = role("a") })(plan.Revoke)},
		"role of a new group":     {set(func(o *plan.Operation) { o.Group.Roles = role("a") })(plan.Create), set(func(o *plan.Operation) { o.Group.Roles = role("b") })(plan.Create)},
		"API name":                {set(func(o *plan.Operation) { o.Group.Name = "a" })(plan.Create), set(func(o *plan.Operation) { o.Group.Name = "b" })(plan.Create)},
		"display name":            {set(func(o *plan.Operation) { o.Group.DisplayName = "A" })(plan.Create), set(func(o *plan.Operation) { o.Group.DisplayName = "B" })(plan.Create)},
		"description":             {set(func(o *plan.Operation) { o.Group.Description = "by hand" })(plan.Create), set(func(o *plan.Operation) { o.Group.Description = plan.Marker })(plan.Create)},
		"sync id":                 {set(func(o *plan.Operation) { o.Group.SyncID = "a" })(plan.Create), set(func(o *plan.Operation) { o.Group.SyncID = "b" })(plan.Create)},
		"end of a display name":   {set(func(o *plan.Operation) { o.Group.DisplayName = long + "A" })(plan.Create), set(func(o *plan.Operation) { o.Group.DisplayName = long + "B" })(plan.Create)},
		"an invisible character":  {set(func(o *plan.Operation) { o.Group.DisplayName = "A\u200b" })(plan.Create), set(func(o *plan.Operation) { o.Group.DisplayName = "A" })(plan.Create)},
		"the direction of text":   {set(func(o *plan.Operation) { o.Group.DisplayName = "\u202eAB" })(plan.Create), set(func(o *plan.Operation) { o.Group.DisplayName = "AB" })(plan.Create)},
		"attribute":               {attributes("A")(plan.Update), attributes("B")(plan.Update)},
		"end of a long attribute": {attributes(long + "A")(plan.Update), attributes(long + "B")(plan.Update)},
	}
	for name, pair := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bodies [2]string
			complete := true
			for i, o := range pair {
				r := &report.Report{Tenant: "acme", Result: &run.Result{DryRun: true, Plan: &plan.Plan{Operations: []plan.Operation{o}, Digest: "sha256:0"}}}
				body, whole := r.Comment(report.Sanitizer{}, report.CommentOptions{Limit: 64_000})
				bodies[i], complete = body, complete && whole
			}
			if complete && bodies[0] == bodies[1] {
				t.Errorf("both are\n%s", bodies[0])
			}
		})
	}
}

// TestDirectRolesOfARecreatedUser: they are evidence, too.
func TestDirectRolesOfARecreatedUser(t *testing.T) {
	t.Parallel()
	user := directory.User{Email: "ann@example.com", Roles: []directory.Role{{Namespace: "system", Role: "a"}}}
	p := &plan.Plan{Operations: []plan.Operation{{Action: plan.Create, Object: plan.User, User: user}}}
	document, err := (&report.Report{Result: &run.Result{DryRun: true, Plan: p}}).JSON(report.Sanitizer{})
	if text := strings.Join(strings.Fields(string(document)), " "); err != nil || !strings.Contains(text, `"roles": [ "system/a" ]`) {
		t.Errorf("%v: %s", err, text)
	}
}

// TestSummaryOfAnUpdateThatFailed says what it changed, and never that there was
// nothing to do.
func TestSummaryOfAnUpdateThatFailed(t *testing.T) {
	t.Parallel()
	for _, removed := range []int{0, 1} {
		p := &plan.Plan{Operations: []plan.Operation{{Action: plan.Update, Object: plan.Group, Group: directory.Group{Name: "ops"}, Remove: make([]plan.Member, 2)}}}
		r := &report.Report{Result: &run.Result{Plan: p, Outcome: groupsync.Preview(p)}}
		result := &r.Outcome.Results[0]
		result.Status, result.Err, result.Removed = groupsync.Failed, errors.New("HTTP 403"), removed
		if removed > 0 {
			result.Effect = plan.Update
		}
		r.Add(directory.Finding{Severity: directory.Error, Kind: directory.NotDone, Message: "update group ops: HTTP 403"})
		summary := r.Summary(report.Sanitizer{}, whole)
		if strings.Contains(strings.ToLower(summary), "nothing to do") || strings.Contains(summary, "**1 membership removed**") != (removed > 0) || r.Tallies().Changed != (removed > 0) {
			t.Errorf("removed %d:\n%s", removed, summary)
		}
	}
}
