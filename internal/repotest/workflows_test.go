package repotest

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// workflow is a workflow file, as far as the tests look at it.
type workflow struct {
	path        string
	source      string
	On          any
	Permissions map[string]string
	Concurrency *concurrency
	Jobs        map[string]workflowJob
}

type concurrency struct {
	Group            string
	CancelInProgress any `yaml:"cancel-in-progress"`
}

type workflowJob struct {
	Permissions map[string]string
	Concurrency *concurrency
	Environment string
	If          string
	Timeout     any `yaml:"timeout-minutes"`
	Uses        string
	With        map[string]any
	Steps       []struct {
		ID   string
		Uses string
		Run  string
		With map[string]any
		Env  map[string]string
	}
}

// triggers returns the names of the events that start the workflow.
func (w workflow) triggers() []string {
	events, _ := w.On.(map[string]any)
	return slices.Sorted(maps.Keys(events))
}

func (w workflow) isRecipe() bool { return strings.HasPrefix(w.path, "docs") }

// workflows returns the workflows of this repository and the recipes.
func workflows(t *testing.T) []workflow {
	t.Helper()
	var all []workflow
	for _, pattern := range []string{".github/workflows/*.yml", "docs/recipes/*.yml"} {
		paths, err := fs.Glob(repository, pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("no files match %s (%v)", pattern, err)
		}
		for _, path := range paths {
			w := workflow{path: path}
			w.source = load(t, path, &w)
			if len(w.Jobs) == 0 || len(w.triggers()) == 0 {
				t.Errorf("%s has no jobs or nothing that starts it", path)
			}
			all = append(all, w)
		}
	}
	return all
}

const (
	actionPlaceholder   = "ACTION_OWNER/xc-group-sync@v1"
	workflowPlaceholder = "ACTION_OWNER/xc-group-sync/.github/workflows/sync.yml@v1"
)

// TestReplacingTheOwnerChangesNothingElse checks that a user who replaces
// ACTION_OWNER everywhere gets the action of that account, and the rest as it was.
func TestReplacingTheOwnerChangesNothingElse(t *testing.T) {
	t.Parallel()
	token := regexp.MustCompile(`\w*OWNER\b[\w./-]*`)
	for _, path := range files(t, "") {
		page, recipe := strings.HasSuffix(path, ".md"), strings.HasPrefix(path, "docs/recipes/")
		if !page && !recipe {
			continue
		}
		source := text(t, path)
		for _, found := range token.FindAllString(source, -1) {
			_, ours := strings.CutPrefix(found, "ACTION_OWNER")
			if of := strings.Contains(found, "/xc-group-sync"); of && !ours || ours && !of && found != "ACTION_OWNER" {
				t.Errorf("%s: %s", path, found)
			}
		}
		if recipe && !page && strings.Contains(source, "ACTION_OWNER/") && !strings.Contains(source, " Replace: ACTION_OWNER (the account that publishes the ") {
			t.Errorf("%s does not say what ACTION_OWNER is", path)
		}
	}
}

// TestWorkflowsPinTheirActions checks that actions are pinned by commit: moving a
// tag of an action must give nobody access to a job with credentials.
func TestWorkflowsPinTheirActions(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^([\w.-]+/[\w./-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	uses := regexp.MustCompile(`(?m)^\s*(?:- )?uses: (.*)$`)
	ours := map[string][]string{
		".github/workflows/ci.yml":      {"./"},
		".github/workflows/release.yml": {"./setup"},
		".github/workflows/sync.yml":    {"./.xc-group-sync"},
		"docs/recipes/many-tenants.yml": {workflowPlaceholder},
	}
	versions := map[string]string{} // one of each action
	for _, w := range workflows(t) {
		if w.isRecipe() && ours[w.path] == nil {
			ours[w.path] = []string{actionPlaceholder}
		}
		for _, found := range uses.FindAllStringSubmatch(w.source, -1) {
			if slices.Contains(ours[w.path], found[1]) {
				continue
			}
			action := pinned.FindStringSubmatch(found[1])
			if action == nil {
				t.Errorf("%s uses %s: must be a commit with its version in a comment", w.path, found[1])
				continue
			}
			if known, ok := versions[action[1]]; ok && known != found[1] {
				t.Errorf("%s uses %s, and others use %s", w.path, found[1], known)
			}
			versions[action[1]] = found[1]
		}
		for _, text := range ours[w.path] {
			if !strings.Contains(w.source, "uses: "+text) {
				t.Errorf("%s does not use %s", w.path, text)
			}
		}
	}
}

// TestAppliesByHandAreOfTheDefaultBranch checks that nobody can have another
// branch's CSV and policy file applied by starting a recipe for it. A tag can have
// the name of a branch.
func TestAppliesByHandAreOfTheDefaultBranch(t *testing.T) {
	t.Parallel()
	jobs := 0
	for _, w := range workflows(t) {
		if !w.isRecipe() || !slices.Contains(w.triggers(), "workflow_dispatch") {
			continue
		}
		for id, job := range w.Jobs {
			if job.Environment == "" {
				continue
			}
			jobs++
			if !strings.Contains(job.If, "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)") {
				t.Errorf("%s: %s may run for any branch: %q", w.path, id, job.If)
			}
		}
	}
	if jobs == 0 {
		t.Error("no recipe applies by hand")
	}
}

// mayDo has the permissions of each job; a job that is not in it has none of its
// own.
var mayDo = map[string]map[string]string{
	"dry-run plan":           {"contents": "read", "pull-requests": "write"},
	"p12 plan":               {"contents": "read", "pull-requests": "write"},
	"apply-on-merge plan":    {"contents": "read", "pull-requests": "write"},
	"apply-by-comment plan":  {"contents": "read", "pull-requests": "write"},
	"apply-by-comment apply": {"contents": "read", "pull-requests": "write"},
	"merge-queue plan":       {"contents": "read", "pull-requests": "write"},
	"merge-queue apply":      {"contents": "read", "pull-requests": "write", "issues": "write"},
	"apply-on-merge apply":   {"contents": "read", "pull-requests": "write", "issues": "write"},
	"audit plan":             {"contents": "read", "pull-requests": "write"},
	"audit apply":            {"contents": "read", "pull-requests": "write", "issues": "write"},
	"audit attest":           {"id-token": "write", "attestations": "write"},
	"many-tenants sync":      {"contents": "read", "pull-requests": "write", "issues": "write"},
	"nightly drift":          {"contents": "read", "issues": "write"},
	"nightly sync":           {"contents": "read", "issues": "write"},
	"first-load plan":        {"contents": "read"},
	"first-load apply":       {"contents": "read", "issues": "write"},
	"forks check":            {"contents": "read"},
	"forks plan":             {"contents": "read"},
	"fetched-csv sync":       {"contents": "read", "issues": "write"},

	"scorecard analysis":       {"actions": "read", "contents": "read", "id-token": "write", "security-events": "write"},
	"dependency-review review": {"contents": "read"},
	"codeql analyse":           {"actions": "read", "contents": "read", "security-events": "write"},
	"vulnerabilities check":    {"contents": "read"},

	"release check":    {"contents": "read"},
	"release binaries": {"contents": "read"},
	"release image":    {"contents": "read", "packages": "write"},
	"release try":      {},
	"release attest":   {"id-token": "write", "attestations": "write"},
	"release publish":  {"contents": "write", "packages": "write"},
	"release setup":    {"contents": "read"},
}

func TestWorkflowsHaveMinimalPermissions(t *testing.T) {
	t.Parallel()
	for _, w := range workflows(t) {
		name := strings.TrimSuffix(path.Base(w.path), ".yml")
		switch name {
		case "ci":
			if diff := cmp.Diff(map[string]string{"contents": "read"}, w.Permissions); diff != "" {
				t.Errorf("%s: %s", w.path, diff)
			}
		case "sync": // it gets its caller's
			if w.Permissions != nil {
				t.Errorf("%s declares permissions, which every caller would have to grant", w.path)
			}
		default:
			if !strings.Contains(w.source, "\npermissions: {}\n") {
				t.Errorf("%s must begin with permissions: {}", w.path)
			}
		}
		for id, job := range w.Jobs {
			if diff := cmp.Diff(mayDo[name+" "+id], job.Permissions); diff != "" {
				t.Errorf("%s, job %s (-want +has): %s", w.path, id, diff)
			}
		}
		if slices.Contains(w.triggers(), "pull_request_target") || slices.Contains(w.triggers(), "workflow_run") {
			t.Errorf("%s gives secrets to runs that strangers control", w.path)
		}
	}
}

func TestWorkflowsHaveSafeSteps(t *testing.T) {
	t.Parallel()
	for _, w := range workflows(t) {
		for id, job := range w.Jobs {
			if job.Uses == "" && job.Timeout == nil {
				t.Errorf("%s, job %s has no timeout-minutes", w.path, id)
			}
			for _, step := range job.Steps {
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s, job %s has an expression in a script, where its text becomes code: pass it in env", w.path, id)
				}
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
					t.Errorf("%s, job %s leaves the job's token in the checkout", w.path, id)
				}
			}
		}
	}
}

// TestAppliesNeverOverlap checks that two applies to one tenant never overlap, and
// that a running one is never cancelled by the next.
func TestAppliesNeverOverlap(t *testing.T) {
	t.Parallel()
	for _, w := range workflows(t) {
		for id, job := range w.Jobs {
			rule := job.Concurrency
			if rule == nil {
				rule = w.Concurrency
			}
			if job.Uses == workflowPlaceholder {
				continue // sync.yml has it
			}
			if rule == nil {
				t.Errorf("%s, job %s has no concurrency", w.path, id)
				continue
			}
			if !w.isRecipe() {
				continue
			}
			if job.plansOnly() {
				if strings.HasPrefix(rule.Group, "xc-groups-apply") || rule.CancelInProgress != true {
					t.Errorf("%s, job %s only plans, and must give way: %+v", w.path, id, *rule)
				}
			} else if rule.Group != "xc-groups-apply" || rule.CancelInProgress != false {
				t.Errorf("%s, job %s applies, and must be alone: %+v", w.path, id, *rule)
			}
			if !job.plansOnly() && job.Environment == "" {
				t.Errorf("%s, job %s applies outside any environment", w.path, id)
			}
		}
	}
}

// plansOnly reports whether no step of the job changes a tenant.
func (j workflowJob) plansOnly() bool {
	for _, step := range j.Steps {
		if step.Uses == actionPlaceholder && step.With["dry-run"] != true {
			return false
		}
	}
	return true
}
