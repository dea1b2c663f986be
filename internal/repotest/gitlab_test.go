package repotest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

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
