package cli_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/actions/githubtest"
	"xc-group-sync/internal/simulator"
)

// evidence is what an auditor reads in a JSON report.
type evidence struct {
	Schema    int
	Result    string
	StartedAt time.Time `json:"started_at"`
	Source    []readFrom
	Policy    *readFrom
	GitHub    *hub
	Plan      struct {
		Digest     string
		Operations []written
		Blocked    []struct{ Name, Reason string }
		Refusals   []string
	}
	Warnings []struct{ Message string }
}

type readFrom struct {
	Path, SHA256 string
	Rows         int
}

type hub struct {
	Repository, SHA, Ref, Event, Actor string
	RunID                              string   `json:"run_id"`
	RunAttempt                         string   `json:"run_attempt"`
	PullRequest                        int      `json:"pull_request"`
	MergedBy                           string   `json:"merged_by"`
	ApprovedBy                         []string `json:"approved_by"`
}

type written struct {
	Action, Object, Name, Status, Error string
	At                                  *time.Time
	RequestID                           string `json:"request_id"`
}

func readEvidence(t *testing.T, path string) evidence {
	t.Helper()
	var e evidence
	if document := readJSON(t, path, &e); e.Schema != 2 {
		t.Fatalf("schema %d:\n%s", e.Schema, document)
	}
	return e
}

func sha256Of(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// TestReportNamesItsSources: the hash is that of the bytes of each file that was
// read to its end, whatever they are.
func TestReportNamesItsSources(t *testing.T) {
	t.Parallel()
	const title = "Email,Entitlement Display Name\n"
	files := map[string]string{
		"a.csv":      title + "ada.lovelace@example.com,CN=xc-auditors\n\"alan.turing@example.com\",\"CN=xc-auditors|\nCN=xc-admins\"\n,,\n",
		"b.csv":      "\ufeff" + strings.ReplaceAll(title+"grace.hopper@example.com,CN=xc-auditors\n", "\n", "\r\n") + "\x1a",
		"utf16.csv":  string([]byte{0xff, 0xfe}) + strings.Join(strings.Split(title+"grace.hopper@example.com,CN=xc-auditors\n", ""), "\x00") + "\x00",
		"policy.yml": "max-removals: none\n",
		"bad.csv":    title + "x,y\nz,CN=xc-auditors\n",
		"broken.csv": title + "\"a\"b,c\n",
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, content := range files {
		write(t, in(name), content)
	}
	from := func(name string, rows int) readFrom { return readFrom{in(name), sha256Of(files[name]), rows} }
	policy := from("policy.yml", 0)
	for name, tt := range map[string]struct {
		args   []string
		code   int
		source []readFrom
		policy *readFrom
	}{
		"one":             {[]string{"plan", "--csv", in("a.csv")}, 0, []readFrom{from("a.csv", 3)}, nil},
		"several":         {[]string{"sync", "--csv", in("b.csv"), "--csv", in("a.csv"), "--policy", in("policy.yml")}, 0, []readFrom{from("a.csv", 3), from("b.csv", 1)}, &policy},
		"UTF-16":          {[]string{"plan", "--csv", in("utf16.csv"), "--policy", in("policy.yml")}, 0, []readFrom{from("utf16.csv", 1)}, &policy},
		"standard input":  {[]string{"plan", "--csv", "-", "--policy", in("policy.yml")}, 0, []readFrom{{"-", sha256Of(files["b.csv"]), 1}}, &policy},
		"no row is valid": {[]string{"plan", "--csv", in("bad.csv")}, 4, []readFrom{from("bad.csv", 2)}, nil},
		"not a CSV":       {[]string{"plan", "--csv", in("broken.csv"), "--csv", in("a.csv")}, 4, []readFrom{from("a.csv", 3)}, nil},
		"missing":         {[]string{"plan", "--csv", in("none.csv")}, 4, []readFrom{}, nil},
		"doctor":          {[]string{"doctor", "--csv", in("a.csv"), "--policy", in("policy.yml")}, 0, []readFrom{from("a.csv", 3)}, &policy},
	} {
		report := in(strings.ReplaceAll(name, " ", "-") + ".json")
		if code, out := program(t.Context(), nil, strings.NewReader(files["b.csv"]), append(tt.args, "--simulate", "--report-file", report)...); code != tt.code {
			t.Fatalf("%s: exit code %d:\n%s", name, code, out)
		}
		e := readEvidence(t, report)
		if diff := cmp.Diff(tt.source, e.Source) + cmp.Diff(tt.policy, e.Policy); diff != "" || e.GitHub != nil {
			t.Errorf("%s: %+v (-want +got) %s", name, e.GitHub, diff)
		}
	}
}

func TestReportOfARestoreNamesTheSnapshot(t *testing.T) {
	t.Parallel()
	at := newAddress(t, estate())
	dir := t.TempDir()
	snapshot, report := filepath.Join(dir, "snapshot.json"), filepath.Join(dir, "report.json")
	if code, out := run(t, at, sample(t), append([]string{"--snapshot-file", snapshot}, everything...)...); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	content := read(t, snapshot)
	if code, out := command(t, at, "restore", "--snapshot", snapshot, "--dry-run", "--max-removals", "none", "--report-file", report); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	if diff := cmp.Diff([]readFrom{{snapshot, sha256Of(content), 0}}, readEvidence(t, report).Source); diff != "" {
		t.Errorf("(-want +got) %s", diff)
	}
}

// TestReportNamesWhoMergedAndApproved, and asks GitHub for it only if there is a
// report to write it into.
func TestReportNamesWhoMergedAndApproved(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.env["GITHUB_ACTOR"], r.env["GITHUB_RUN_ATTEMPT"] = "grace", "1"
	report := filepath.Join(t.TempDir(), "report.json")
	r.AddReview(7, githubtest.Review{Author: "ben", State: "APPROVED", Commit: headOne})
	r.pullRequest(0, headOne, "--report-file", report)
	want := &hub{Repository: "acme/directory", SHA: strings.Repeat("a", 40), Ref: "refs/pull/7/merge", Event: "pull_request", Actor: "grace", RunID: "42", RunAttempt: "1", PullRequest: 7, ApprovedBy: []string{"ben"}}
	if diff := cmp.Diff(want, readEvidence(t, report).GitHub); diff != "" {
		t.Errorf("of the dry run (-want +got) %s", diff)
	}
	reviewed := readEvidence(t, report).Plan.Digest

	r.EditPull(7, func(p *githubtest.Pull) { p.MergedBy = "grace" })
	r.Merge(7, merged)
	r.push(0, "--expect-plan", "pull-request", "--report-file", report)
	want.SHA, want.Ref, want.Event, want.MergedBy = merged, "refs/heads/main", "push", "grace"
	applied := readEvidence(t, report)
	if diff := cmp.Diff(want, applied.GitHub); diff != "" || applied.Plan.Digest != reviewed || len(applied.Warnings) > 0 {
		t.Errorf("of the apply, %v (-want +got) %s", applied.Warnings, diff)
	}

	asked := len(r.Requests())
	r.push(0)
	r.push(0, "--simulate", "--report-file", report)
	for _, request := range r.Requests()[asked:] {
		if strings.Contains(request, "/reviews") {
			t.Errorf("GitHub was asked for %s", request)
		}
	}
	want.PullRequest, want.MergedBy, want.ApprovedBy = 0, "", nil
	if diff := cmp.Diff(want, readEvidence(t, report).GitHub); diff != "" {
		t.Errorf("of a simulation (-want +got) %s", diff)
	}
}

// TestReportWithoutAReviewer: what GitHub does not say is at most a warning.
func TestReportWithoutAReviewer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		prepare func(*repository)
		warns   string // in a warning; empty: there is none
	}{
		"no pull request": {func(*repository) {}, ""},
		"no token":        {func(r *repository) { r.Merge(7, merged); r.env["GITHUB_TOKEN"] = "" }, ""},
		"no permission": {func(r *repository) {
			r.Merge(7, merged)
			r.Grant("ghs_none", githubtest.Bot, githubtest.None)
			r.env["GITHUB_TOKEN"] = "ghs_none"
		}, "pull-requests: read"},
		"no reviews": {func(r *repository) {
			r.Merge(7, merged)
			r.Fail(githubtest.Failure{Path: "/reviews", Status: 404, Times: 100, Body: `{"message":"no"}`})
		}, "read the reviews of pull request 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t)
			tt.prepare(r)
			report := filepath.Join(t.TempDir(), "report.json")
			out := r.push(0, "--dry-run", "--report-file", report)
			e := readEvidence(t, report)
			warned := ""
			for _, warning := range e.Warnings {
				warned += warning.Message
			}
			if e.GitHub == nil || e.GitHub.ApprovedBy != nil || e.GitHub.SHA != merged || e.Result != "success" {
				t.Errorf("%+v, %s", e.GitHub, e.Result)
			}
			if !strings.Contains(warned, tt.warns) || (tt.warns == "") != (warned == "") || strings.Contains(out, "warning") != (tt.warns != "") {
				t.Errorf("warnings %q:\n%s", warned, out)
			}
		})
	}
}

// TestOperationsTellWhenAndByWhichRequest: an operation can be found in the tenant's
// own log.
func TestOperationsTellWhenAndByWhichRequest(t *testing.T) {
	t.Parallel()
	users, groups := simulator.Sample()
	tenant := simulator.New(users, groups, failing(simulator.Fault{Status: http.StatusBadRequest, Body: `{"message":"no"}`}, func(r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		body, err := io.ReadAll(r.Body)
		return err == nil && strings.Contains(string(body), "annie.easley")
	}))
	path := filepath.Join(t.TempDir(), "report.json")
	run(t, tenant, sample(t), "--report-file", path)
	e := readEvidence(t, path)
	writes := map[string]string{} // path by ID
	for _, request := range writesOf(tenant.Requests()) {
		writes[request.ID] = request.Path
	}
	seen := map[string]int{}
	for _, operation := range e.Plan.Operations {
		seen[operation.Status]++
		at := writes[operation.RequestID]
		delete(writes, operation.RequestID)
		switch {
		case operation.At == nil || operation.At.Before(e.StartedAt) || operation.At.After(time.Now()):
			t.Errorf("%s %s ended at %v", operation.Action, operation.Name, operation.At)
		case operation.Status == "done" && !strings.HasSuffix(at, "/"+operation.Object+"_roles") && !strings.HasSuffix(at, "/"+operation.Name) && !strings.HasSuffix(at, "/user_groups"):
			t.Errorf("%s %s: %q is the request %q", operation.Action, operation.Name, operation.RequestID, at)
		case operation.Status != "done" && operation.RequestID != "":
			t.Errorf("%s %s has the request %q", operation.Action, operation.Name, operation.RequestID)
		}
	}
	if delete(writes, ""); len(writes) > 0 || seen["done"] == 0 || seen["failed"] == 0 || seen["skipped"] == 0 {
		t.Errorf("%v, and writes of no operation: %v", seen, writes)
	}

	run(t, tenant, sample(t), "--dry-run", "--report-file", path)
	for _, operation := range readEvidence(t, path).Plan.Operations {
		if operation.At != nil || operation.RequestID != "" {
			t.Errorf("a dry run did %s %s at %v as %q", operation.Action, operation.Name, operation.At, operation.RequestID)
		}
	}
}

// TestRequestIDsAreHostile: a tenant or a proxy may send anything.
func TestRequestIDsAreHostile(t *testing.T) {
	t.Parallel()
	tenant := simulator.New(simulator.Sample())
	hostile := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		tenant.ServeHTTP(answer, r)
		w.Header().Set("X-Request-Id", "tok-12345 ##[add-mask]\u202e"+strings.Repeat("x", 5000))
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
	path := filepath.Join(t.TempDir(), "report.json")
	if code, out := run(t, hostile, sample(t), "--report-file", path); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	for _, operation := range readEvidence(t, path).Plan.Operations {
		if id := operation.RequestID; len(id) > 200 || strings.ContainsAny(id, "\u202e\n") || strings.Contains(id, "tok-12345") || id == "" {
			t.Errorf("%q", id)
		}
	}
}

// TestReportGivesTheCures: it has the hints with what is wrong.
func TestReportGivesTheCures(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "report.json")
	csv := "Email,Entitlement Display Name\nada.lovelace@example.com,CN=xc-incident-response\nbarbara.liskov@example.com,CN=xc-auditors\n"
	if code, out := run(t, simulator.New(simulator.Sample()), csv, "--max-removals", "0", "--dry-run", "--report-file", path); code != 5 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	e := readEvidence(t, path)
	for what, texts := range map[string][]string{"adopt: xc-incident-response": {e.Plan.Blocked[0].Reason}, "re-run with max-removals": e.Plan.Refusals} {
		if len(texts) == 0 || !strings.Contains(texts[0], what) {
			t.Errorf("%q is missing: %q", what, texts)
		}
	}
}

// TestReportIsAsDocumented: docs/outputs.md shows no key that a report has not.
func TestReportIsAsDocumented(t *testing.T) {
	t.Parallel()
	r := audited(t)
	document := read(t, filepath.Join(r.env["GITHUB_WORKSPACE"], "reports", "report-42-1.json"))
	page := read(t, root("docs/outputs.md"))
	written := map[string]bool{"simulated": true} // absent here
	keysOf(t, "", []byte(document), written)
	shown := map[string]bool{}
	for _, block := range regexp.MustCompile("(?ms)^```json\n(.*?)^```").FindAllStringSubmatch(page, -1) {
		text := strings.TrimSpace(block[1])
		if !strings.HasPrefix(text, "{") {
			text = "{" + text + "}"
		}
		keysOf(t, "", []byte(text), shown)
	}
	for key := range shown {
		if !written[key] {
			t.Errorf("docs/outputs.md shows %s", key)
		}
	}
	if len(shown) < 50 {
		t.Errorf("docs/outputs.md shows %d keys", len(shown))
	}
}

// keysOf collects the keys of a document, with those above them.
func keysOf(t *testing.T, above string, document []byte, keys map[string]bool) {
	t.Helper()
	var object map[string]json.RawMessage
	var array []json.RawMessage
	switch {
	case json.Unmarshal(document, &object) == nil:
		for key, value := range object {
			keys[above+key] = true
			keysOf(t, above+key+".", value, keys)
		}
	case json.Unmarshal(document, &array) == nil:
		for _, value := range array {
			keysOf(t, above, value, keys)
		}
	case above == "":
		t.Errorf("not a document:\n%s", document)
	}
}

// audited is a directory with what a workspace has after eve was let in by a pull
// request, and the reports of the dry run and of the apply, as docs/audit.md has it.
func audited(t *testing.T) *repository {
	t.Helper()
	r := newRepository(t)
	const managed = "Managed by xc-group-sync"
	r.tenant = simulator.New(
		[]simulator.User{
			{Email: "owner@example.com", DomainOwner: true, IDMType: "SSO"}, {Email: "ada@example.com", IDMType: "SSO"}, {Email: "bob@example.com", IDMType: "SSO"},
		},
		[]simulator.Group{
			{Name: "xc-admins", Description: managed, Usernames: []string{"ada@example.com", "bob@example.com"}, NamespaceRoles: []simulator.Role{{Namespace: "*", Role: "ves-io-admin-role"}}},
			{Name: "xc-auditors", Description: managed, Usernames: []string{"ada@example.com"}, NamespaceRoles: []simulator.Role{{Namespace: "system", Role: "ves-io-monitor-role"}}},
		}, simulator.WithToken("tok-12345"))
	workspace := r.env["GITHUB_WORKSPACE"]
	r.csv = filepath.Join(workspace, "groups.csv")
	r.write(r.csv, "Email,User Display Name,Employee Status,Entitlement Display Name\n"+
		"ada@example.com,Ada Lovelace,A,CN=XC-Admins|CN=XC-Auditors\neve@example.com,Eve Adams,A,CN=XC-Admins\n")
	r.write(filepath.Join(workspace, "policy.yml"), "tenant: acme\napi-url: "+r.env["XC_API_URL"]+"\ngroups: [\"xc-*\"]\n")
	if err := os.Mkdir(filepath.Join(workspace, "reports"), 0o700); err != nil {
		t.Fatal(err)
	}
	sync := func(env map[string]string, payload string, args ...string) {
		r.write(r.env["GITHUB_EVENT_PATH"], payload)
		command := exec.CommandContext(t.Context(), "xc-group-sync", append([]string{"sync", "--csv", "groups.csv", "--policy", "policy.yml"}, args...)...)
		command.Dir = workspace
		command.Env = os.Environ()
		for _, all := range []map[string]string{r.env, env} {
			for name, value := range all {
				command.Env = append(command.Env, name+"="+value)
			}
		}
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
	}
	r.AddReview(7, githubtest.Review{Author: "ben", State: "APPROVED", Commit: headOne})
	sync(map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge", "GITHUB_SHA": strings.Repeat("a", 40), "GITHUB_RUN_ID": "41", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_ACTOR": "dora"},
		`{"number": 7, "pull_request": {"number": 7, "head": {"sha": "`+headOne+`", "repo": {"full_name": "acme/directory"}}}, "repository": {"full_name": "acme/directory", "private": true}}`,
		"--dry-run", "--report-file", "reports/report-41-1.json")
	r.EditPull(7, func(p *githubtest.Pull) { p.MergedBy = "grace" })
	r.Merge(7, merged)
	sync(map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": merged, "GITHUB_RUN_ID": "42", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_ACTOR": "grace"},
		`{"after": "`+merged+`", "repository": {"full_name": "acme/directory", "private": true, "pushed_at": 1}}`,
		"--expect-plan", "pull-request", "--report-file", "reports/report-42-1.json")
	return r
}

// TestAuditPage runs what docs/audit.md tells auditors to run, on the reports that
// it is about.
func TestAuditPage(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"sh", "jq", "sha256sum"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	r := audited(t)
	page := read(t, root("docs/audit.md"))
	// Times, and what depends on the address of the tenant, differ from run to run.
	varies := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|[0-9a-f]{40,64}`)
	ran := 0
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```\n\n```text\n(.*?)^```").FindAllStringSubmatch(page, -1) {
		command := exec.CommandContext(t.Context(), "sh", "-c", block[1])
		command.Dir = r.env["GITHUB_WORKSPACE"]
		command.Env = append(os.Environ(), "XC_API_TOKEN=tok-12345")
		got, err := command.Output()
		if err != nil {
			t.Errorf("%v:\n%s", err, block[1])
		}
		if diff := cmp.Diff(varies.ReplaceAllString(block[2], "…"), varies.ReplaceAllString(string(got), "…")); diff != "" {
			t.Errorf("%s(-docs/audit.md +got) %s", block[1], diff)
		}
		ran++
	}
	if ran == 0 {
		t.Error("docs/audit.md has no commands")
	}
}
