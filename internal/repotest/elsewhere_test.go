package repotest

import (
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.yaml.in/yaml/v4"

	"xc-group-sync/internal/cli"
	"xc-group-sync/internal/simulator"
)

// TestMain makes the test binary the program, for the scripts that start it.
func TestMain(m *testing.M) {
	if os.Getenv("REPOTEST_PROGRAM") != "" {
		os.Exit(cli.Main(os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// elsewhere is where the recipes for other systems than GitHub are.
const elsewhere = "docs/recipes/elsewhere/"

// job is a machine of a CI system with a checkout of the example, and a tenant that
// its scripts reach.
type job struct {
	t      *testing.T
	dir    string // the checkout
	tenant atomic.Pointer[simulator.Tenant]
	env    map[string]string
	served sync.Mutex // held by a server of the test while it answers
}

func newJob(t *testing.T) *job {
	t.Helper()
	for _, program := range []string{"bash", "curl", "jq", "sha256sum"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	j := &job{t: t, dir: t.TempDir()}
	for _, name := range []string{"groups.csv", "policy.yml"} {
		j.write(name, text(t, "docs/recipes/example/"+name))
	}
	j.serve(simulator.Sample())
	tenant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { j.tenant.Load().ServeHTTP(w, r) }))
	t.Cleanup(tenant.Close)
	releases, ca, sum := serveRelease(t, "/v1.2.3/xc-group-sync_v1.2.3_linux_amd64")
	j.env = map[string]string{
		"PATH": t.TempDir() + ":" + os.Getenv("PATH"), "HOME": t.TempDir(), "TMPDIR": t.TempDir(),
		"CURL_CA_BUNDLE": ca, "XC_RELEASES": releases, "XC_VERSION": "v1.2.3", "XC_SHA256": sum,
		"XC_SYNC_TENANT": "acme", "XC_API_URL": tenant.URL, "XC_API_TOKEN": "tok-12345",
	}
	j.stub("sleep", "exit 0")
	return j
}

// serveRelease serves this program as v1.2.3 below a path, by TLS.
func serveRelease(t *testing.T, path string) (url, ca, sum string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := fmt.Sprintf("#!/bin/sh\n[ \"$1\" = version ] && echo xc-group-sync v1.2.3 && exit\nREPOTEST_PROGRAM=1 exec '%s' \"$@\"\n", self)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, program)
	}))
	t.Cleanup(server.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return server.URL, ca, fmt.Sprintf("%x", sha256.Sum256([]byte(program)))
}

// serve makes the tenant hold this, and forgets its requests.
func (j *job) serve(users []simulator.User, groups []simulator.Group) {
	j.tenant.Store(simulator.New(users, groups, simulator.WithToken("tok-12345")))
}

// change makes the tenant differ from the sample in what the example is about.
func (j *job) change() {
	users, groups := simulator.Sample()
	for i := range groups {
		if groups[i].Name == "xc-incident-response" {
			groups[i].Usernames = []string{"barbara.liskov@example.com"}
		}
	}
	j.serve(users, groups)
}

func (j *job) write(name, content string) {
	j.t.Helper()
	if err := os.WriteFile(filepath.Join(j.dir, name), []byte(content), 0o600); err != nil {
		j.t.Fatal(err)
	}
}

// stub puts a program before those of the machine.
func (j *job) stub(name, script string) {
	j.t.Helper()
	first, _, _ := strings.Cut(j.env["PATH"], ":")
	if err := os.WriteFile(filepath.Join(first, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		j.t.Fatal(err)
	}
}

// settle waits for a server that still answers, and lets the test see what it
// wrote: the shell between them is another process.
func (j *job) settle() {
	j.served.Lock()
	defer j.served.Unlock()
}

// run runs a script as the CI system does, with more variables than the job has.
func (j *job) run(shell []string, script string, more map[string]string) (code int, out string) {
	j.t.Helper()
	command := exec.Command(shell[0], append(shell[1:], script)...)
	command.Dir = j.dir
	for _, env := range []map[string]string{more, j.env} { // of two values the last counts
		for name, value := range env {
			command.Env = append(command.Env, name+"="+value)
		}
	}
	j.settle()
	output, err := command.CombinedOutput()
	j.settle()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		j.t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), string(output)
}

// report returns a JSON report in the checkout.
func (j *job) report(name string) (r struct {
	Result string
	Plan   struct {
		Digest     string
		Operations []struct{ Status string }
	}
}) {
	j.t.Helper()
	content, err := os.ReadFile(filepath.Join(j.dir, name))
	if err != nil {
		j.t.Fatal(err)
	}
	if err := json.Unmarshal(content, &r); err != nil {
		j.t.Fatal(err)
	}
	return r
}

// writes counts the tenant's requests that are not GETs.
func (j *job) writes() (n int) {
	for _, request := range j.tenant.Load().Requests() {
		if request.Method != http.MethodGet {
			n++
		}
	}
	return n
}

// wantApplied checks that a plan was applied with a report and a way back.
func (j *job) wantApplied(code int, out, report, snapshot string) {
	j.t.Helper()
	if code != 0 || j.writes() == 0 {
		j.t.Fatalf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	if r := j.report(report); r.Result != "success" || len(r.Plan.Operations) == 0 || r.Plan.Operations[0].Status != "done" {
		j.t.Errorf("%+v", r)
	}
	if _, err := os.Stat(filepath.Join(j.dir, snapshot)); err != nil {
		j.t.Error(err)
	}
}

// steps are the scripts of a job and what it gives them.
type steps struct {
	Variables            map[string]string
	BeforeScript, Script []string
}

// gitLabJobs returns the jobs of the GitLab recipe, with what they extend.
func gitLabJobs(t *testing.T) map[string]steps {
	t.Helper()
	var file map[string]struct {
		Variables    map[string]string
		BeforeScript []string `yaml:"before_script"`
		Script       []string
		Extends      string
	}
	load(t, elsewhere+"gitlab-ci.yml", &file)
	jobs := map[string]steps{}
	for name, job := range file {
		base := file[job.Extends]
		jobs[name] = steps{base.Variables, base.BeforeScript, job.Script}
	}
	return jobs
}

// gitLab is a project on GitLab, as its API shows it.
type gitLab struct {
	*job
	notes    []gitLabNote
	requests []map[string]any // of merge, that belong to the newest commit
	asked    int              // for those
	known    int              // asked so often before it knows them
}

type gitLabNote struct {
	ID     int    `json:"id"`
	Body   string `json:"body"`
	Author struct {
		ID int `json:"id"`
	} `json:"author"`
	UpdatedAt string `json:"updated_at"`
}

func (g *gitLab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("PRIVATE-TOKEN") != "glpat-1" {
		http.Error(w, `{"message":"401 Unauthorized"}`, http.StatusUnauthorized)
		return
	}
	g.served.Lock()
	defer g.served.Unlock()
	const notes = "/api/v4/projects/7/merge_requests/3/notes"
	note := gitLabNote{ID: 1000 + len(g.notes), UpdatedAt: "2026-01-02T03:04:05.000Z"}
	note.Author.ID = 42
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		if err := json.NewDecoder(r.Body).Decode(&note); err != nil {
			g.t.Error(err)
		}
	}
	var answer any
	switch page := r.URL.Query().Get("page"); r.Method + " " + r.URL.Path {
	case "GET /api/v4/user":
		answer = map[string]int{"id": 42}
	case "GET " + notes:
		from := 0
		_, _ = fmt.Sscan(page, &from)
		answer = g.notes[min((from-1)*100, len(g.notes)):min(from*100, len(g.notes))]
	case "POST " + notes:
		g.notes = append(g.notes, note)
	case "GET /api/v4/projects/7/repository/commits/cafe02/merge_requests":
		answer = []any{}
		if g.asked++; g.asked > g.known {
			answer = g.requests
		}
	default:
		i := slices.IndexFunc(g.notes, func(n gitLabNote) bool { return r.URL.Path == fmt.Sprint(notes, "/", n.ID) })
		if r.Method != http.MethodPut || i < 0 {
			http.NotFound(w, r)
			return
		}
		g.notes[i].Body = note.Body
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// others adds notes of other people.
func (g *gitLab) others(n int) {
	for range n {
		note := gitLabNote{ID: 1000 + len(g.notes), Body: "<!-- xc-group-sync commit=cafe01 plan=sha256:" + strings.Repeat("0", 64) + " -->"}
		note.Author.ID = 1
		g.notes = append(g.notes, note)
	}
}

// gitLabJob is a machine with the example and a project with other notes.
func gitLabJob(t *testing.T) (*job, *gitLab) {
	t.Helper()
	j := newJob(t)
	g := &gitLab{job: j, known: 2}
	g.others(130)
	g.requests = []map[string]any{
		{"iid": 2, "state": "opened", "target_branch": "main", "sha": "cafe01"},
		{"iid": 3, "state": "merged", "target_branch": "main", "sha": "cafe01", "merge_commit_sha": "cafe02", "merged_at": "2026-01-02T04:00:00.000Z", "web_url": "https://gitlab.example/3"},
	}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	j.stub("apk", "exit 0")
	for name, value := range map[string]string{
		"CI_API_V4_URL": server.URL + "/api/v4", "GITLAB_TOKEN": "glpat-1", "CI_PROJECT_ID": "7", "CI_MERGE_REQUEST_IID": "3",
		"CI_DEFAULT_BRANCH": "main", "CI_PROJECT_VISIBILITY": "private", "CI_COMMIT_SHA": "cafe01", "CI_JOB_ID": "9", "CI_JOB_URL": "https://gitlab.example/9",
	} {
		j.env[name] = value
	}
	return j, g
}

// gitLabRun runs a job of the recipe as GitLab's runner does where there is no bash.
func (j *job) gitLabRun(name string, more ...string) (code int, out string) {
	j.t.Helper()
	steps := gitLabJobs(j.t)[name]
	for _, variable := range more {
		key, value, _ := strings.Cut(variable, "=")
		j.env[key] = value
	}
	return j.run([]string{"sh", "-ec"}, strings.Join(slices.Concat(steps.BeforeScript, steps.Script), "\n"), steps.Variables)
}

// gitLabMerge runs the job that applies, after the merge.
func (j *job) gitLabMerge(more ...string) (code int, out string) {
	j.t.Helper()
	return j.gitLabRun("xc-apply", append([]string{"CI_COMMIT_SHA=cafe02"}, more...)...)
}

func TestGitLabShowsAPlanAndAppliesIt(t *testing.T) {
	t.Parallel()
	j, g := gitLabJob(t)
	if code, out := j.gitLabRun("xc-plan", "CI_COMMIT_SHA=cafe00"); code != 0 || j.writes() > 0 {
		t.Fatalf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	if code, out := j.gitLabRun("xc-plan", "CI_COMMIT_SHA=cafe01"); code != 0 { // a push
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	if len(g.notes) != 131 {
		t.Fatalf("%d notes of its own, want 1", len(g.notes)-130)
	}
	digest := j.report("report.json").Plan.Digest
	body := g.notes[130].Body
	if !strings.HasPrefix(body, "<!-- xc-group-sync commit=cafe01 plan="+digest+" -->\n") || !strings.Contains(body, "`grace.hopper@example.com`") || strings.Contains(body, "expect-plan: pull-request") {
		t.Error(body)
	}
	code, out := j.gitLabMerge()
	j.wantApplied(code, out, "report.json", "snapshot.json")
	if len(g.notes) != 131 {
		t.Errorf("%d notes of its own, want 1", len(g.notes)-130)
	}
}

// TestGitLabAppliesNothingElse checks what a note does not approve.
func TestGitLabAppliesNothingElse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, after func(*job, *gitLab) // the dry run
		env           string
	}{
		"no merge request":                 {after: func(_ *job, g *gitLab) { g.requests = g.requests[:1] }},
		"into another branch":              {after: func(_ *job, g *gitLab) { g.requests[1]["target_branch"] = "next" }},
		"another merge of the same commit": {after: func(_ *job, g *gitLab) { g.requests[1]["merge_commit_sha"] = "cafe05" }},
		"no note":                          {after: func(_ *job, g *gitLab) { g.notes = g.notes[:130] }},
		"somebody else's note":             {after: func(_ *job, g *gitLab) { g.notes[130].Author.ID = 1 }},
		"a note about an older commit":     {after: func(_ *job, g *gitLab) { g.requests[1]["sha"] = "cafe03" }},
		"edited after the merge":           {after: func(_ *job, g *gitLab) { g.notes[130].UpdatedAt = "2026-01-02T04:00:01.000Z" }},
		"quoted":                           {after: func(_ *job, g *gitLab) { g.notes[130].Body = "<!-- xc-group-sync -->\n" + g.notes[130].Body }},
		"the tenant changed":               {after: func(j *job, _ *gitLab) { j.change() }},
		"the CSV changed": {after: func(j *job, _ *gitLab) {
			j.write("groups.csv", "Email,Entitlement Display Name\ngrace.hopper@example.com,CN=XC-Incident-Response\n")
		}},
		"a public project":    {env: "CI_PROJECT_VISIBILITY=public"},
		"an internal project": {env: "CI_PROJECT_VISIBILITY=internal"},
		"refused by a guard":  {before: func(j *job, _ *gitLab) { j.change() }, env: "XC_SYNC_MAX_REMOVALS=0"},
		"no tenant":           {env: "XC_API_TOKEN=wrong"},
		"no CSV, but a report": {before: func(j *job, _ *gitLab) {
			j.write("report.json", `{"plan":{"digest":"sha256:`+strings.Repeat("0", 64)+`"}}`)
			if err := os.Remove(filepath.Join(j.dir, "groups.csv")); err != nil {
				j.t.Fatal(err)
			}
		}},
		"more than a note shows": {before: func(j *job, _ *gitLab) {
			var csv strings.Builder
			csv.WriteString("Email,Entitlement Display Name\n")
			for i := range 5000 {
				fmt.Fprintf(&csv, "somebody.with.a.long.name.%d@example.com,CN=XC-Incident-Response\n", i)
			}
			j.write("groups.csv", csv.String())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, g := gitLabJob(t)
			if tt.before != nil {
				tt.before(j, g)
			}
			_, out := j.gitLabRun("xc-plan", tt.env)
			if len(g.notes) != 131 {
				t.Fatalf("%d notes of its own, want 1:\n%s", len(g.notes)-130, out)
			}
			masked := tt.env != "" && strings.HasPrefix(tt.env, "CI_PROJECT_VISIBILITY")
			if all := out + g.notes[130].Body; strings.Contains(all, "grace.hopper@") && masked {
				t.Errorf("emails are not masked:\n%s", all)
			}
			if tt.after != nil {
				tt.after(j, g)
			}
			// What the dry run lacked is there for the apply, which does not even begin
			// without an approval.
			before := len(j.tenant.Load().Requests())
			if code, out := j.gitLabMerge("XC_API_TOKEN=tok-12345", "XC_SYNC_MAX_REMOVALS=none"); code != 5 || j.writes() > 0 || (len(j.tenant.Load().Requests()) > before) != strings.HasSuffix(name, "changed") {
				t.Errorf("exit code %d, %d writes:\n%s", code, j.writes(), out)
			}
		})
	}
}

// TestGitLabNotesAreNoCommands checks that no text from outside begins a line of the
// note: GitLab would carry out "/approve".
func TestGitLabNotesAreNoCommands(t *testing.T) {
	t.Parallel()
	j, g := gitLabJob(t)
	j.write("groups.csv", "Email,User Display Name,Entitlement Display Name\n\"a@example.com\",\"/approve\n/merge\",CN=XC-Incident-Response\n/approve,x,\"CN=/approve\n/merge\"\n")
	code, out := j.gitLabRun("xc-plan", "XC_SYNC_MAX_REMOVALS=none")
	if code > 1 || len(g.notes) != 131 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	if body := g.notes[130].Body; !strings.Contains(body, "/approve") || regexp.MustCompile(`(?m)^\s*/`).MatchString(body) {
		t.Error(body)
	}
}

func TestGitLabRaisesAnAlarm(t *testing.T) {
	t.Parallel()
	j, _ := gitLabJob(t)
	if code, out := j.gitLabRun("xc-drift"); code != 6 || j.writes() > 0 || j.report("report.json").Result != "drift" {
		t.Errorf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
}

// TestProgramsAreCheckedElsewhere checks that nothing of the recipes runs a program
// with another checksum.
func TestProgramsAreCheckedElsewhere(t *testing.T) {
	t.Parallel()
	j, _ := gitLabJob(t)
	j.env["XC_SHA256"] = strings.Repeat("0", 64)
	if code, out := j.gitLabRun("xc-drift"); code != 1 || len(j.tenant.Load().Requests()) > 0 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	jenkins, _ := jenkinsScripts(t)
	if code, out := j.run([]string{"sh", "-xe", "-c"}, jenkins[0]+jenkins[1], nil); code != 1 || len(j.tenant.Load().Requests()) > 0 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	for _, step := range azureSteps(t) {
		if code, out := j.run([]string{"bash", "-c"}, step.Bash, map[string]string{"AGENT_TEMPDIRECTORY": t.TempDir()}); code != 1 || len(j.tenant.Load().Requests()) > 0 {
			t.Errorf("exit code %d:\n%s", code, out)
		}
	}
}

// jenkinsScripts returns the shell scripts of the Jenkinsfile, the one that installs
// the program first, and its environment.
func jenkinsScripts(t *testing.T) (scripts []string, environment map[string]string) {
	t.Helper()
	source := text(t, elsewhere+"Jenkinsfile")
	for _, found := range regexp.MustCompile(`(?s)'''(.*?)'''`).FindAllStringSubmatch(source, -1) {
		scripts = append(scripts, strings.ReplaceAll(found[1], "\\\n", "")) // Groovy joins such lines
	}
	environment = map[string]string{}
	for _, found := range regexp.MustCompile(`(?m)^    (XC_\w+) = '([^']*)'`).FindAllStringSubmatch(source, -1) {
		environment[found[1]] = found[2]
	}
	if len(scripts) != 4 || len(environment) == 0 {
		t.Fatalf("the Jenkinsfile has %d scripts and the environment %v", len(scripts), environment)
	}
	return scripts, environment
}

func TestJenkinsShowsAPlanAndAppliesIt(t *testing.T) {
	t.Parallel()
	scripts, environment := jenkinsScripts(t)
	sh := func(j *job, i int) (int, string) {
		return j.run([]string{"sh", "-xe", "-c"}, scripts[0]+scripts[i], environment)
	}
	plan := func(j *job) string {
		t.Helper()
		if code, out := sh(j, 2); code != 0 || j.writes() > 0 || strings.Contains(out, "tok-12345") {
			t.Fatalf("exit code %d, %d writes:\n%s", code, j.writes(), out)
		}
		digest, err := os.ReadFile(filepath.Join(j.dir, "plan.txt"))
		if err != nil {
			t.Fatal(err)
		}
		return string(digest)
	}
	j := newJob(t)
	if code, out := sh(j, 1); code != 6 || j.writes() > 0 { // each night
		t.Errorf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	digest := plan(j)
	if digest != j.report("report.json").Plan.Digest || digest == "" {
		t.Fatalf("digest %q", digest)
	}
	if code, out := sh(j, 3); code == 0 || j.writes() > 0 { // nobody approved
		t.Errorf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	j.env["XC_PLAN"] = digest
	j.change()
	if code, out := sh(j, 3); code != 5 || j.writes() > 0 {
		t.Errorf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	j.serve(simulator.Sample())
	code, out := sh(j, 3)
	j.wantApplied(code, out, "report.json", "snapshot.json")
	j.serve(j.tenant.Load().Users(), j.tenant.Load().Groups())
	if digest := plan(j); digest != "" {
		t.Errorf("there is nothing to do, and the digest is %q", digest)
	}
}

// azureStep is a step of a job of Azure Pipelines.
type azureStep struct {
	Bash string
	Env  map[string]string
}

// azureSteps returns the scripts of the Azure recipe: the one that plans and the one
// that applies.
func azureSteps(t *testing.T) []azureStep {
	t.Helper()
	var file struct {
		Stages []struct {
			Jobs []struct {
				Steps    []azureStep
				Strategy struct {
					RunOnce struct{ Deploy struct{ Steps []azureStep } } `yaml:"runOnce"`
				}
			}
		}
	}
	load(t, elsewhere+"azure-pipelines.yml", &file)
	var all []azureStep
	for _, stage := range file.Stages {
		for _, job := range stage.Jobs {
			for _, step := range slices.Concat(job.Steps, job.Strategy.RunOnce.Deploy.Steps) {
				if step.Bash == "" {
					continue
				}
				if step.Env["XC_API_TOKEN"] != "$(XC_API_TOKEN)" {
					t.Error("a secret variable is not mapped, so the script does not get it")
				}
				all = append(all, step)
			}
		}
	}
	if len(all) != 2 {
		t.Fatalf("%d scripts, want 2", len(all))
	}
	return all
}

func TestAzureShowsAPlanAndAppliesIt(t *testing.T) {
	t.Parallel()
	steps := azureSteps(t)
	var file struct {
		Variables []struct{ Name, Value string }
	}
	load(t, elsewhere+"azure-pipelines.yml", &file)
	environment := map[string]string{}
	for _, variable := range file.Variables {
		environment[variable.Name] = variable.Value
	}
	bash := func(j *job, step int) (int, string) {
		j.env["AGENT_TEMPDIRECTORY"], j.env["BUILD_ARTIFACTSTAGINGDIRECTORY"] = t.TempDir(), filepath.Join(j.dir, "staging")
		if err := errors.Join(os.RemoveAll(j.env["BUILD_ARTIFACTSTAGINGDIRECTORY"]), os.Mkdir(j.env["BUILD_ARTIFACTSTAGINGDIRECTORY"], 0o700)); err != nil {
			t.Fatal(err)
		}
		return j.run([]string{"bash", "--noprofile", "--norc", "-c"}, steps[step].Bash, environment)
	}
	const report, snapshot = "staging/report.json", "staging/snapshot.json"
	told := regexp.MustCompile(`(?m)^##vso\[task\.setvariable variable=digest;isOutput=true;isReadOnly=true\](.*)$`)
	j := newJob(t)
	j.env["BUILD_REASON"] = "IndividualCI"
	code, out := bash(j, 0)
	digest := told.FindStringSubmatch(out)
	if code != 0 || j.writes() > 0 || digest == nil || digest[1] == "" || digest[1] != j.report(report).Plan.Digest || !strings.Contains(out, "##vso[task.uploadsummary]/") {
		t.Fatalf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	if code, out := bash(j, 1); code == 0 || j.writes() > 0 { // nobody approved
		t.Errorf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	j.env["DIGEST"] = digest[1]
	j.change()
	if code, out := bash(j, 1); code != 5 || j.writes() > 0 {
		t.Errorf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	j.serve(simulator.Sample())
	code, out = bash(j, 1)
	j.wantApplied(code, out, report, snapshot)
	j.serve(j.tenant.Load().Users(), j.tenant.Load().Groups())
	if code, out := bash(j, 0); code != 0 || told.FindStringSubmatch(out)[1] != "" {
		t.Errorf("there is nothing to do: exit code %d:\n%s", code, out)
	}

	// Each night it is an alarm, which shows what differs and approves nothing.
	j.change()
	j.env["BUILD_REASON"] = "Schedule"
	if code, out := bash(j, 0); code != 6 || told.MatchString(out) || !strings.Contains(out, "##vso[task.uploadsummary]/") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	j.write("groups.csv", "Email,User Display Name,Entitlement Display Name\na@example.com,##vso[task.complete result=Succeeded],CN=XC-Incident-Response\n")
	if _, out := bash(j, 0); !strings.Contains(out, "task.complete") || strings.Contains(out, "##vso[task.complete") {
		t.Errorf("a name is a command:\n%s", out)
	}
}

// object is one of the Kubernetes recipe, as far as the tests look at it.
type object struct {
	Kind string
	Data map[string]string
	Spec struct {
		JobTemplate struct {
			Spec struct {
				Template struct{ Spec podSpec }
			}
		} `yaml:"jobTemplate"`
	}
}

type podSpec struct {
	Containers []struct {
		Args []string
		Env  []struct {
			Name, Value string
			ValueFrom   map[string]struct{ Key string } `yaml:"valueFrom"`
		}
		Resources    struct{ Limits map[string]string }
		VolumeMounts []struct {
			Name string
			Path string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}
}

// TestCronJobRaisesAnAlarmAndApplies runs the container's command with the settings
// and mounts that Kubernetes would give it.
func TestCronJobRaisesAnAlarmAndApplies(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	settings := map[string]string{}
	var pod podSpec
	decoder := yaml.NewDecoder(strings.NewReader(text(t, elsewhere+"cronjob.yaml")))
	for {
		var o object
		if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for name, value := range o.Data {
			settings[name] = value
		}
		if o.Kind == "CronJob" {
			pod = o.Spec.JobTemplate.Spec.Template.Spec
		}
	}
	container := pod.Containers[0]
	for _, variable := range container.Env {
		settings[variable.Name] = strings.ReplaceAll(variable.Value, "$(POD_NAME)", "xc-group-sync-29400023-abcde")
		if variable.ValueFrom["secretKeyRef"].Key == "token" {
			settings[variable.Name] = "tok-12345"
		}
	}
	for _, mount := range container.VolumeMounts {
		at := map[string]string{"config": j.dir, "snapshots": t.TempDir()}[mount.Name]
		for name, value := range settings {
			if rest, below := strings.CutPrefix(value, mount.Path+"/"); below {
				settings[name] = filepath.Join(at, rest)
			}
		}
	}
	start := func() (int, string) {
		var out strings.Builder
		code := cli.MainContext(t.Context(), container.Args, func(name string) string {
			if value, ok := settings[name]; ok {
				return value
			}
			return map[string]string{"XC_SYNC_TENANT": "acme", "XC_API_URL": j.env["XC_API_URL"]}[name]
		}, strings.NewReader(""), &out, &out)
		return code, out.String()
	}
	if code, out := start(); code != 6 || j.writes() > 0 {
		t.Fatalf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	// As the recipe says how to apply.
	container.Args = []string{"sync"}
	if code, out := start(); code != 0 || j.writes() == 0 {
		t.Fatalf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	if _, err := os.Stat(settings["XC_SYNC_SNAPSHOT_FILE"]); err != nil || !strings.Contains(settings["XC_SYNC_SNAPSHOT_FILE"], "29400023") {
		t.Errorf("%s: %v", settings["XC_SYNC_SNAPSHOT_FILE"], err)
	}
	memory := func(text string) (mebibytes int) {
		if n, err := fmt.Sscanf(text, "%dMi", &mebibytes); n != 1 || err != nil {
			t.Fatal(text, err)
		}
		return mebibytes
	}
	if limit, soft := memory(container.Resources.Limits["memory"]), memory(settings["GOMEMLIMIT"]); soft > limit*9/10 || soft < limit*8/10 {
		t.Errorf("GOMEMLIMIT is %d MiB of %d MiB", soft, limit)
	}
}

// TestDocsNameVariablesThatExist checks the environment variables of settings in the
// docs and the recipes.
func TestDocsNameVariablesThatExist(t *testing.T) {
	t.Parallel()
	exists := map[string]bool{}
	for _, name := range firstCells(text(t, "docs/settings.md")) {
		exists["XC_SYNC_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = true
	}
	found := 0
	for _, path := range files(t, "") {
		if !strings.HasPrefix(path, "docs/") && !strings.HasSuffix(path, ".md") || strings.HasSuffix(path, ".png") {
			continue
		}
		for _, name := range regexp.MustCompile(`\bXC_SYNC_[A-Z_]+[A-Z]`).FindAllString(text(t, path), -1) {
			if found++; !exists[name] {
				t.Errorf("%s: there is no setting %s", path, name)
			}
		}
	}
	if found == 0 {
		t.Error("no variable was found")
	}
}

// TestProgramReadsEveryVariable starts the program with an invalid value in the
// variable of every setting: some command must complain about each.
func TestProgramReadsEveryVariable(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	page, _, _ := strings.Cut(text(t, "docs/settings.md"), "\n## Keys of the policy file only\n")
	env := []string{"REPOTEST_PROGRAM=1"}
	var variables []string
	for _, name := range firstCells(page) {
		if slices.Contains([]string{"p12-base64", "p12-password", "github-token"}, name) {
			continue // any text will do
		}
		variable := "XC_SYNC_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		variables, env = append(variables, variable), append(env, variable+"=\x01[")
	}
	var all strings.Builder
	for _, command := range []string{"sync", "restore", "export", "explain", "doctor"} {
		program := exec.Command(self, command)
		program.Env = env
		out, err := program.CombinedOutput()
		if err == nil {
			t.Errorf("%s runs with invalid settings", command)
		}
		all.Write(out)
	}
	for _, variable := range variables {
		if !regexp.MustCompile(`\b` + variable + `\b`).MatchString(all.String()) {
			t.Errorf("%s is not read", variable)
		}
	}
}
