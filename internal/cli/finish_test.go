package cli_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xc-group-sync/internal/actions/githubtest"
	"xc-group-sync/internal/cli"
	"xc-group-sync/internal/simulator"
)

// replaceTenant replaces the repository's tenant, at the same URL, by one with
// options.
func (r *repository) replaceTenant(options ...simulator.Option) {
	users, groups := simulator.Sample()
	r.tenant = simulator.New(users, groups, append(options, simulator.WithToken("tok-12345"))...)
}

// refusing is a tenant that answers those requests with a 400.
func refusing(which func(*http.Request) bool) simulator.Option {
	return failing(simulator.Fault{Status: http.StatusBadRequest, Body: `{"message":"not today"}`}, which)
}

// reports are all that a run leaves behind for its readers.
func (r *repository) reports(run func()) (all map[string]string) {
	r.t.Helper()
	dir := r.t.TempDir()
	r.env["GITHUB_STEP_SUMMARY"], r.env["GITHUB_OUTPUT"], r.env["INPUT_REPORT-FILE"] = filepath.Join(dir, "summary"), filepath.Join(dir, "outputs"), filepath.Join(dir, "report")
	run()
	all = map[string]string{}
	for _, name := range []string{"summary", "outputs", "report"} {
		all[name] = read(r.t, filepath.Join(dir, name))
	}
	return all
}

// TestTroubleBesideTheOperationsIsTold, wherever the result is.
func TestTroubleBesideTheOperationsIsTold(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.replaceTenant(refusing(func(q *http.Request) bool { return strings.HasSuffix(q.URL.Path, "whoami") }))
	r.write(r.csv, "Email,Entitlement Display Name\nada.lovelace@example.com,CN=xc-auditors\n")
	var log string
	all := r.reports(func() { log = r.schedule(1, "--prune", "users", "--issue-on-failure") })
	all["log"], all["issue"] = log, r.Issues()[0].Body
	all["annotation"] = strings.Join(strings.SplitAfter(log, "::error")[1:], "")
	delete(all, "outputs")
	for where, text := range all {
		if !strings.Contains(text, "identify the caller: GET whoami: HTTP 400 Bad Request: not today") {
			t.Errorf("%s does not tell why the run failed:\n%s", where, text)
		}
	}

	r = newRepository(t)
	r.Grant(githubtest.Token, githubtest.Bot, githubtest.Read)
	all = r.reports(func() { r.pullRequest(1, headOne, "--comment", "true") })
	for _, where := range []string{"summary", "report"} {
		if !strings.Contains(all[where], "pull-requests: write") {
			t.Errorf("%s does not tell of the comment:\n%s", where, all[where])
		}
	}
}

// TestABugIsReported as any other failure.
func TestABugIsReported(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.env["GITHUB_EVENT_NAME"] = "schedule"
	r.write(r.env["GITHUB_EVENT_PATH"], `{}`)
	var code int
	var out string
	all := r.reports(func() { code, out = program(t.Context(), r.env, bug{}, "sync", "--csv", "-", "--issue-on-failure") })
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	if len(r.Issues()) != 1 {
		t.Fatal("no issue was opened")
	}
	all["output"], all["issue"] = out, r.Issues()[0].Body
	for where, want := range map[string]string{
		"output": "\nExecution time:", "outputs": "failed", "summary": "this is a bug", "report": "this is a bug", "issue": "this is a bug",
	} {
		if !strings.Contains(all[where], want) {
			t.Errorf("%s has no %q:\n%s", where, want, all[where])
		}
	}
}

// TestAlarmIsEndedByWhatWorks, not by a run that tried nothing.
func TestAlarmIsEndedByWhatWorks(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.replaceTenant(refusing(func(q *http.Request) bool { return q.Method != http.MethodGet }))
	state := func(want string) {
		t.Helper()
		if issues := r.Issues(); len(issues) != 1 || issues[0].State != want {
			t.Fatalf("issues = %+v, want one that is %s", issues, want)
		}
	}
	r.schedule(1, "--issue-on-failure")
	state("open")
	r.schedule(0, "--issue-on-failure", "--dry-run")
	state("open")
	r.schedule(0, "--issue-on-failure", "--simulate", "--tenant", "acme", "--api-url=", "--api-token=")
	state("open")
	r.replaceTenant()
	r.schedule(0, "--issue-on-failure")
	state("closed")
}

// TestBadRowsStayWarnings when the tenant is what fails.
func TestBadRowsStayWarnings(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.replaceTenant(refusing(func(*http.Request) bool { return true }))
	r.write(r.csv, "Email,Entitlement Display Name\nada.lovelace@example.com,CN=xc-auditors\nbad,CN=xc-auditors\n")
	if out := r.schedule(1); !strings.Contains(out, "::warning file=access/groups.csv,line=3") || strings.Contains(out, "::error file") {
		t.Error(out)
	}
	all := r.reports(func() { r.schedule(4, "--strict") })
	if !strings.Contains(all["report"], `"desired": 1`) {
		t.Errorf("the report does not tell what the CSV names:\n%s", all["report"])
	}
}

// TestWhatTheCSVIsRefusedFor names file, place and row.
func TestWhatTheCSVIsRefusedFor(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.write(r.csv, "Email,Entitlement Display Name\nada.lovelace@example.com,CN=xc-auditors\nbad,CN=xc-auditors\n")
	if out := r.schedule(4, "--strict"); !strings.Contains(out, "1 invalid row (the first on line 3); not allowed with strict") {
		t.Error(out)
	}
	r.csv = "none/such.csv"
	if out := r.schedule(4); !strings.Contains(out, "::none/such.csv: file not found in /") || !strings.Contains(out, "hint: commit the file and run actions/checkout") {
		t.Error(out)
	}
}

// TestAppliedPlanMayRunAgain: nothing is left to apply.
func TestAppliedPlanMayRunAgain(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	reviewed := digest.FindString(r.schedule(0, "--dry-run"))
	r.schedule(0, "--expect-plan", reviewed)
	writes := r.writes()
	r.schedule(0, "--expect-plan", reviewed)
	if r.writes() != writes {
		t.Error("something was applied again")
	}
}

// TestASignalWhileGitHubHangs leaves little time for it.
func TestASignalWhileGitHubHangs(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	ctx, interrupt := context.WithCancel(t.Context())
	hub := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		interrupt()
		<-q.Context().Done()
	}))
	t.Cleanup(hub.Close)
	r.env["GITHUB_API_URL"], r.env["GITHUB_EVENT_NAME"], r.env["GITHUB_REF"] = hub.URL, "pull_request", "refs/pull/7/merge"
	r.write(r.env["GITHUB_EVENT_PATH"], `{"number": 7, "pull_request": {"number": 7, "head": {"sha": "`+headOne+`", "repo": {"full_name": "acme/directory"}}}}`)
	_, out := program(ctx, r.env, nil, "sync", "--csv", r.csv, "--dry-run")
	if !strings.Contains(out, "context canceled") || !strings.Contains(out, "\nExecution time:") {
		t.Error(out)
	}
}

// TestNoTokenForTheComment is a warning on a pull request, and none elsewhere.
func TestNoTokenForTheComment(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.env["GITHUB_TOKEN"] = ""
	if out := r.pullRequest(0, headOne); !strings.Contains(out, "::warning title=Tenant acme::comment: ") {
		t.Error(out)
	}
	if out := r.push(0); strings.Contains(out, "::warning") {
		t.Error(out)
	}
}

// TestASecretBeforeTheCommandIsNotShown.
func TestASecretBeforeTheCommandIsNotShown(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--api-token=tok-12345", "--api-token:tok-12345"} {
		code, out := program(t.Context(), nil, nil, flag, "sync")
		if code != 2 || strings.Contains(out, "tok-12345") || !strings.Contains(out, "missing command before \"--api-token\"") {
			t.Errorf("exit code %d: %s", code, out)
		}
	}
}

// TestOneFileForBothStreams: with 2>&1 the log and the text are one stream, on
// which nothing is said twice.
func TestOneFileForBothStreams(t *testing.T) {
	t.Parallel()
	both, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer both.Close()
	code := cli.MainContext(t.Context(), []string{"plan", "--simulate", "--csv", "missing.csv"}, func(string) string { return "" }, strings.NewReader(""), both, both)
	out, err := os.ReadFile(both.Name())
	if code != 4 || err != nil || strings.Count(string(out), "file not found") != 1 || strings.Contains(string(out), "api_url") {
		t.Errorf("exit code %d, %v:\n%s", code, err, out)
	}
}
