package cli_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/actions/githubtest"
	"xc-group-sync/internal/simulator"
)

// repository is a repository on a GitHub, with a workspace and a tenant.
type repository struct {
	*githubtest.Server
	t      *testing.T
	tenant *simulator.Tenant
	csv    string // path
	env    map[string]string
}

const (
	headOne = "1111111111111111111111111111111111111111"
	headTwo = "2222222222222222222222222222222222222222"
	merged  = "3333333333333333333333333333333333333333"
)

func newRepository(t *testing.T) *repository {
	users, groups := simulator.Sample()
	r := &repository{
		Server: githubtest.New("acme/directory"), t: t,
		tenant: simulator.New(users, groups, simulator.WithToken("tok-12345")),
	}
	r.AddPull(githubtest.Pull{Number: 7, Author: "ada", Head: headOne})
	hub := httptest.NewServer(r.Server)
	tenant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.tenant.ServeHTTP(w, q) }))
	t.Cleanup(hub.Close)
	t.Cleanup(tenant.Close)
	workspace := t.TempDir()
	r.csv = filepath.Join(workspace, "access", "groups.csv")
	r.env = map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/directory", "GITHUB_WORKSPACE": workspace,
		"GITHUB_API_URL": hub.URL, "GITHUB_SERVER_URL": "https://github.example", "GITHUB_RUN_ID": "42",
		"GITHUB_EVENT_PATH": filepath.Join(workspace, "event.json"), "GITHUB_TOKEN": githubtest.Token,
		"XC_API_URL": tenant.URL, "XC_API_TOKEN": "tok-12345", "TENANT_ID": "acme",
	}
	if err := os.MkdirAll(filepath.Dir(r.csv), 0o700); err != nil {
		t.Fatal(err)
	}
	sample := read(t, root("testdata/sample.csv"))
	r.write(r.csv, sample)
	t.Cleanup(func() {
		for _, request := range r.Unexpected() {
			t.Errorf("GitHub was asked for %s", request)
		}
	})
	return r
}

func (r *repository) write(path, content string) {
	r.t.Helper()
	write(r.t, path, content)
}

// on runs the program for an event and returns what it printed.
func (r *repository) on(wantCode int, event, payload string, args ...string) string {
	r.t.Helper()
	r.env["GITHUB_EVENT_NAME"] = event
	r.write(r.env["GITHUB_EVENT_PATH"], payload)
	code, out := program(r.t.Context(), r.env, nil, append([]string{"sync", "--csv", r.csv}, args...)...)
	if code != wantCode {
		r.t.Fatalf("%s: exit code %d, want %d:\n%s", event, code, wantCode, out)
	}
	if shown := masks.ReplaceAllString(out, ""); strings.Contains(shown, "tok-12345") || strings.Contains(shown, githubtest.Token) {
		r.t.Errorf("%s: the log has a secret:\n%s", event, shown)
	}
	return out
}

func (r *repository) pullRequest(wantCode int, head string, args ...string) string {
	r.t.Helper()
	r.env["GITHUB_REF"], r.env["GITHUB_SHA"] = "refs/pull/7/merge", strings.Repeat("a", 40)
	payload := fmt.Sprintf(`{"number": 7, "pull_request": {"number": 7, "head": {"sha": %q, "repo": {"full_name": "acme/directory"}}},
		"repository": {"full_name": "acme/directory", "private": true}}`, head)
	return r.on(wantCode, "pull_request", payload, append(args, "--dry-run")...)
}

func (r *repository) push(wantCode int, args ...string) string {
	r.t.Helper()
	r.env["GITHUB_REF"], r.env["GITHUB_SHA"] = "refs/heads/main", merged
	return r.on(wantCode, "push", `{"after": "`+merged+`", "repository": {"full_name": "acme/directory", "private": true, "pushed_at": 1}}`, args...)
}

func (r *repository) schedule(wantCode int, args ...string) string {
	r.t.Helper()
	r.env["GITHUB_REF"], r.env["GITHUB_SHA"] = "refs/heads/main", merged
	return r.on(wantCode, "schedule", `{"schedule": "0 3 * * *"}`, args...)
}

// comment is the only one on the pull request.
func (r *repository) comment() string {
	r.t.Helper()
	comments := r.Comments(7)
	if len(comments) != 1 {
		r.t.Fatalf("%d comments", len(comments))
	}
	return comments[0].Body
}

// writes counts what was changed in the tenant.
func (r *repository) writes() int { return len(writesOf(r.tenant.Requests())) }

var masks = regexp.MustCompile(`(?m)^::add-mask::.*$`)

var digest = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// TestWhatWasReviewedIsApplied walks a change from the pull request to the
// tenant.
func TestWhatWasReviewedIsApplied(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.pullRequest(0, headOne)
	first := r.comment()
	for _, part := range []string{"Dry run, nothing was changed", "**Merging takes away 1 membership.**", "Who loses access", "Commit `111111111111`", "4 users to create", "`xc-app-developers`", "annie.easley@example.com", "https://github.example/acme/directory/actions/runs/42"} {
		if !strings.Contains(first, part) {
			t.Errorf("%q is missing from the comment:\n%s", part, first)
		}
	}

	// A newer commit of the pull request edits the same comment.
	r.write(r.csv, "Email,Entitlement Display Name\nannie.easley@example.com,CN=xc-app-developers\n")
	r.Push(7, headTwo)
	r.pullRequest(0, headTwo)
	second := r.comment()
	if digest.FindString(second) == digest.FindString(first) || !strings.Contains(second, "1 user to create") {
		t.Errorf("the comment is not up to date:\n%s", second)
	}

	r.Merge(7, merged)
	r.push(0, "--expect-plan", "pull-request")
	third := r.comment()
	if !strings.Contains(third, "1 user to create") || !strings.Contains(third, "**Done.** 1 user created, 1 group created, 1 membership added.") || !strings.Contains(third, digest.FindString(second)) {
		t.Errorf("the comment does not keep the plan and what became of it:\n%s", third)
	}

	// The job is run again: nothing is left, so nothing needs a review.
	before := r.writes()
	if out := r.push(0, "--expect-plan", "pull-request"); !strings.Contains(out, "nothing to do") || r.writes() != before {
		t.Errorf("a second run had something to do:\n%s", out)
	}
}

// TestApplyByComment applies what the comment on an open pull request shows, by
// the word of a reviewer who may write.
func TestApplyByComment(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.Writers = map[string]string{"grace": "write"}
	r.pullRequest(0, headOne)
	command := func(wantCode int, author string) string {
		t.Helper()
		id := r.AddComment(7, author, "/xc apply")
		r.env["GITHUB_REF"], r.env["GITHUB_SHA"] = "refs/heads/main", strings.Repeat("b", 40)
		return r.on(wantCode, "issue_comment", fmt.Sprintf(`{"action": "created", "issue": {"number": 7, "pull_request": {}},
			"comment": {"id": %d, "body": "/xc apply", "created_at": %q, "user": {"login": %q}}, "repository": {"full_name": "acme/directory", "private": true}}`,
			id, r.Now().Format(time.RFC3339), author), "--expect-plan", "pull-request")
	}
	if out := command(5, "eve"); !strings.Contains(out, "eve") || r.writes() != 0 {
		t.Errorf("%d writes:\n%s", r.writes(), out)
	}
	command(0, "grace")
	if comment := r.Comments(7)[0].Body; !strings.Contains(comment, "4 users to create") || !strings.Contains(comment, "**Refused**") || !strings.Contains(comment, "**Done.** 4 users created") {
		t.Errorf("the comment is not a record:\n%s", comment)
	}
}

// TestMaskedCommentsApproveOnRequest: that nobody sees who is meant is for the run
// that applies to accept, not for the policy file that a pull request brings.
func TestMaskedCommentsApproveOnRequest(t *testing.T) {
	t.Parallel()
	for _, accepts := range []bool{true, false} {
		r := newRepository(t)
		r.pullRequest(0, headOne, "--mask-emails", "true", "--approve-masked")
		if comment := r.comment(); strings.Contains(comment, "approves nothing") || strings.Contains(comment, "annie.easley") || !strings.Contains(comment, "Commit `111111111111`, lines as in its merge `aaaaaaaaaaaa`,") {
			t.Errorf("the comment is\n%s", comment)
		}
		r.Merge(7, merged)
		if accepts {
			r.push(0, "--expect-plan", "pull-request", "--approve-masked")
		} else if out := r.push(5, "--expect-plan", "pull-request"); !strings.Contains(out, "masks emails") {
			t.Errorf("another reason:\n%s", out)
		}
		if applied := r.writes() > 0; applied != accepts {
			t.Errorf("applied: %t, accepted: %t", applied, accepts)
		}
	}
}

// TestReplay runs the job of a merge again after a later pull request took back
// what it did: what was approved then is not approved now.
func TestReplay(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	const without = "Email,Entitlement Display Name\nannie.easley@example.com,CN=xc-app-developers\n"
	const with = without + "grace.hopper@example.com,CN=xc-app-developers\n"
	r.write(r.csv, without)
	r.schedule(0) // the tenant is as the CSV says
	r.write(r.csv, with)
	r.pullRequest(0, headOne)
	r.Merge(7, merged)
	r.push(0, "--expect-plan", "pull-request")
	r.write(r.csv, without)
	r.schedule(0) // another merge took it back
	r.write(r.csv, with)
	before := r.writes()
	out := r.push(5, "--expect-plan", "pull-request")
	if !strings.Contains(out, "applied before") || r.writes() != before {
		t.Errorf("%d writes:\n%s", r.writes()-before, out)
	}
}

// TestMergeQueue lets only what the pull request shows be merged.
func TestMergeQueue(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.pullRequest(0, headOne)
	queue := func(wantCode int) string {
		t.Helper()
		r.env["GITHUB_REF"], r.env["GITHUB_SHA"] = "refs/heads/gh-readonly-queue/main/pr-7-"+headTwo, headTwo
		return r.on(wantCode, "merge_group", `{"repository": {"full_name": "acme/directory", "private": true}}`, "--dry-run", "--expect-plan", "pull-request")
	}
	queue(0)
	r.write(r.csv, "Email,Entitlement Display Name\nannie.easley@example.com,CN=xc-app-developers\n")
	queue(5)
	if len(r.Comments(7)) != 1 || strings.Contains(r.comment(), "1 user to create") {
		t.Errorf("the queue changed what reviewers see:\n%s", r.comment())
	}
}

// TestWhatWasNotReviewedIsRefused meets a tenant that changed since the review,
// comments that others wrote, and no comment at all.
func TestWhatWasNotReviewedIsRefused(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(r *repository){
		"the tenant changed": func(r *repository) {
			r.pullRequest(0, headOne)
			r.Merge(7, merged)
			r.write(r.csv, "Email,Entitlement Display Name\nannie.easley@example.com,CN=xc-app-developers\n")
		},
		"no comment": func(r *repository) { r.Merge(7, merged) },
		"somebody else's comment": func(r *repository) {
			r.pullRequest(0, headOne)
			comment := r.Comments(7)[0]
			r.EditComment(comment.ID, githubtest.Bot, "gone")
			r.AddComment(7, "mallory", comment.Body)
			r.Merge(7, merged)
		},
		"the comment masks who it is": func(r *repository) {
			r.pullRequest(0, headOne, "--mask-emails", "true")
			if comment := r.comment(); !strings.Contains(comment, "approves nothing") || strings.Contains(comment, "annie.easley") || !strings.Contains(comment, "`"+r.csv+":") {
				t.Errorf("the comment is\n%s", comment)
			}
			r.Merge(7, merged)
		},
		"the comment is not complete": func(r *repository) {
			rows := "Email,Entitlement Display Name\n"
			for i := range 1500 {
				rows += fmt.Sprintf("somebody.with.a.long.name.%04d@example.com,CN=xc-app-%04d\n", i, i)
			}
			r.write(r.csv, rows)
			r.pullRequest(0, headOne, "--max-removals", "none")
			if comment := r.comment(); !strings.Contains(comment, "**Incomplete.**") {
				t.Errorf("the comment is\n%s", comment)
			}
			r.Merge(7, merged)
		},
		"no pull request": func(*repository) {},
		"no token":        func(r *repository) { r.env["GITHUB_TOKEN"] = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t)
			prepare(r)
			for range 2 { // a second try must not find today's plan approved
				out := r.push(5, "--expect-plan", "pull-request")
				if !strings.Contains(out, "expect-plan") || !strings.Contains(out, "::error") || r.writes() != 0 {
					t.Errorf("%d writes:\n%s", r.writes(), out)
				}
			}
		})
	}
}

func TestWithoutTheRightToComment(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.Grant(githubtest.Token, githubtest.Bot, githubtest.Read)
	out := r.pullRequest(0, headOne)
	if !strings.Contains(out, "::warning") || !strings.Contains(out, "pull-requests: write") || len(r.Comments(7)) != 0 {
		t.Errorf("no warning:\n%s", out)
	}
	out = r.pullRequest(1, headOne, "--comment", "true")
	if !strings.Contains(out, "::error") {
		t.Errorf("no error:\n%s", out)
	}
	if out = r.pullRequest(0, headOne, "--comment", "false"); strings.Contains(out, "::warning") {
		t.Errorf("a warning without a comment to write:\n%s", out)
	}
	r.schedule(1, "--dry-run", "--comment", "true")
}

// TestAnApplyWithoutARecordIsToldOf: what the comment does not say was applied is
// still approved.
func TestAnApplyWithoutARecordIsToldOf(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.pullRequest(0, headOne)
	r.Merge(7, merged)
	r.Grant(githubtest.Token, githubtest.Bot, githubtest.Read)
	out := r.push(0, "--expect-plan", "pull-request")
	if !strings.Contains(out, "::warning title=Tenant acme::the apply is not recorded on its pull request") || !strings.Contains(out, "hint: give the job `permissions: pull-requests: write`\n") {
		t.Errorf("no warning:\n%s", out)
	}
}

func TestSimulationTouchesNoPullRequest(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.pullRequest(0, headOne, "--simulate")
	if requests := r.Requests(); len(requests) != 0 {
		t.Errorf("GitHub was asked: %q", requests)
	}
	r.pullRequest(0, headOne, "--simulate", "--comment", "true")
	r.comment()
}

func TestIssueWhileRunsFail(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.schedule(0, "--issue-on-failure", "--dry-run")
	if len(r.Issues()) != 0 {
		t.Fatal("an issue without a failure")
	}
	r.schedule(6, "--issue-on-failure", "--dry-run", "--fail-on-drift")
	r.schedule(5, "--issue-on-failure", "--max-removals", "0")
	issues := r.Issues()
	if len(issues) != 1 || issues[0].State != "open" || issues[0].Title != "xc-group-sync: group sync is failing for acme" || !strings.Contains(issues[0].Body, "max-removals") {
		t.Fatalf("%+v", issues)
	}
	if strings.Contains(issues[0].Body, "annie.easley") {
		t.Errorf("an email is shown though the repository may be public:\n%s", issues[0].Body)
	}
	r.pullRequest(0, headOne, "--issue-on-failure")
	if issues = r.Issues(); issues[0].State != "open" {
		t.Error("a pull request closed the issue")
	}
	r.schedule(0, "--issue-on-failure")
	if issues = r.Issues(); len(issues) != 1 || issues[0].State != "closed" {
		t.Errorf("%+v", issues)
	}
	r.env["GITHUB_TOKEN"] = ""
	r.schedule(1, "--issue-on-failure")
}

// TestIssueSaysWhatToDoNext, whatever made the run fail.
func TestIssueSaysWhatToDoNext(t *testing.T) {
	t.Parallel()
	for want, tt := range map[string]struct {
		code int
		args []string
	}{
		"correct what the errors name": {1, nil},
		"correct the CSV":              {4, []string{"--csv", "none.csv"}},
		"check that the token":         {3, []string{"--api-token", "tok-wrong"}},
		"look at the plan":             {5, []string{"--max-removals", "0"}},
		"apply the plan":               {6, []string{"--dry-run", "--fail-on-drift"}},
	} {
		r := newRepository(t)
		if tt.code == 1 {
			r.tenant = simulator.New(nil, nil)
		}
		r.schedule(tt.code, append(tt.args, "--issue-on-failure")...)
		issues := r.Issues()
		if len(issues) != 1 || strings.Count(issues[0].Body, "**Next:** ") != 1 || !strings.Contains(issues[0].Body, "**Next:** "+want) {
			t.Errorf("exit code %d: %+v, want %q", tt.code, issues, want)
		}
	}
	r := newRepository(t)
	if r.pullRequest(5, headOne, "--max-removals", "0"); strings.Contains(r.comment(), "**Next:**") {
		t.Errorf("a comment is not closed by the next run:\n%s", r.comment())
	}
}

func TestBadRowsAreShownAtTheirLines(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	rows := "Email,Entitlement Display Name\nada.lovelace@example.com,CN=xc-auditors\n"
	for i := range 15 {
		rows += fmt.Sprintf("no%% ::error::email %d,CN=xc-auditors\n", i)
	}
	r.write(r.csv, rows)
	out := r.pullRequest(0, headOne)
	if !strings.Contains(out, "::warning file=access/groups.csv,line=3,title=Email::") {
		t.Errorf("no annotation at line 3:\n%s", out)
	}
	if n := strings.Count(out, "\n::warning "); n != 10 {
		t.Errorf("%d warnings are annotated, want 10", n)
	}
	// Five rows, and four groups that no row names.
	if !strings.Contains(out, "::notice::9 more warnings") || strings.Contains(out, "\n::error") {
		t.Errorf("the rest is not counted:\n%s", out)
	}
	if !strings.Contains(out, "\n::group::") || strings.Count(out, "::group::") != strings.Count(out, "::endgroup::") {
		t.Errorf("no groups:\n%s", out)
	}
	out = r.pullRequest(4, headOne, "--strict")
	if n := strings.Count(out, "\n::error "); n != 10 {
		t.Errorf("%d errors are annotated, want 10:\n%s", n, out)
	}
	if !strings.Contains(r.comment(), "15 errors") {
		t.Errorf("the comment does not tell:\n%s", r.comment())
	}
}

var update = flag.Bool("update", false, "rewrite the pages of docs/screenshots")

// TestPagesOfTheScreenshots keeps the pages that the pictures of the README are
// made of as real runs write them.
func TestPagesOfTheScreenshots(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	sample := read(t, root("testdata/sample.csv"))
	bad := `"EXAMPLE\ex0016","ex0016","Joan Clarke","User","Active Directory","memberOf","CN=XC-Auditors,OU=F5 XC,OU=Groups,DC=example,DC=com","F5 XC","false","50","Analyst","2025-11-01 00:00:00","0","A","joan.clarke","IT-119","Platform Engineering","ex0001","Ada Lovelace","ada.lovelace@example.com"` + "\r\n"
	r.write(r.csv, sample+bad)
	r.pullRequest(0, headOne)
	page(t, "comment.md", regexp.MustCompile(`api=\S+`).ReplaceAllString(r.comment(), "api=acme.console.ves.volterra.io"))

	r.env["GITHUB_STEP_SUMMARY"] = filepath.Join(r.env["GITHUB_WORKSPACE"], "summary.md")
	r.write(r.env["GITHUB_STEP_SUMMARY"], "")
	r.push(1, "--simulate", "--simulate-faults", "0.35", "--concurrency", "1", "--http-retry-attempts", "9",
		"--backoff-min", "0", "--backoff-max", "0.01", "--comment", "false")
	summary := read(t, r.env["GITHUB_STEP_SUMMARY"])
	page(t, "summary.md", summary)
}

var (
	times   = regexp.MustCompile(`[0-9.]+ m?s\b|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`)
	digests = regexp.MustCompile(`sha256(?::|%3A)[0-9a-f]+`)
)

// page compares a page, but for its times and digests, with the one in docs/screenshots.
func page(t *testing.T, name, got string) {
	t.Helper()
	path := root("docs/screenshots/" + name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := read(t, path)
	// The tenant's port, which the digest covers, is another each time.
	same := func(page string) string {
		return times.ReplaceAllString(digests.ReplaceAllString(page, "sha256:D"), "T")
	}
	if diff := cmp.Diff(same(want), same(got)); diff != "" {
		t.Errorf("%s is not what a run writes (-it +the run); go test -run TestPagesOfTheScreenshots -update ./internal/cli rewrites it:\n%s", path, diff)
	}
}
