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
