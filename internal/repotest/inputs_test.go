package repotest

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"xc-group-sync/internal/cli"
	"xc-group-sync/internal/config"
	"xc-group-sync/internal/run"
)

// inputs are an action's or a workflow's, by name.
type inputs map[string]struct {
	Type     string // of a workflow's only
	Required bool
	Default  any
}

func actionInputs(t *testing.T) inputs {
	t.Helper()
	var action struct{ Inputs inputs }
	load(t, "action.yml", &action)
	return action.Inputs
}

// reusable returns sync.yml as its callers see it.
func reusable(t *testing.T) (given inputs, secrets map[string]any, outputs map[string]any, step map[string]any) {
	t.Helper()
	var w struct {
		On struct {
			Call struct {
				Inputs           inputs
				Secrets, Outputs map[string]any
			} `yaml:"workflow_call"`
		}
		Jobs map[string]workflowJob
	}
	load(t, ".github/workflows/sync.yml", &w)
	for _, s := range w.Jobs["sync"].Steps {
		if s.Uses == "./.xc-group-sync" {
			step = s.With
		}
	}
	return w.On.Call.Inputs, w.On.Call.Secrets, w.On.Call.Outputs, step
}

func TestWorkflowsUseInputsThatExist(t *testing.T) {
	t.Parallel()
	action := actionInputs(t)
	var setup struct{ Inputs inputs }
	load(t, "setup/action.yml", &setup)
	called, secrets, _, _ := reusable(t)
	check := func(where string, with map[string]any, known inputs) {
		for name := range with {
			if _, ok := known[name]; !ok {
				t.Errorf("%s: unknown input %s", where, name)
			}
		}
		for name, input := range known {
			if _, given := with[name]; input.Required && !given {
				t.Errorf("%s: missing input %s", where, name)
			}
		}
	}
	for _, w := range append(workflows(t), readmeWorkflow(t)) {
		for id, job := range w.Jobs {
			where := fmt.Sprintf("%s, job %s", w.path, id)
			if job.Uses == workflowPlaceholder {
				check(where, job.With, called)
			}
			for _, step := range job.Steps {
				switch {
				case step.Uses == "./setup":
					check(where, step.With, setup.Inputs)
				case step.Uses == actionPlaceholder || strings.HasPrefix(step.Uses, "./"):
					check(where, step.With, action)
				}
			}
		}
	}
	if len(secrets) == 0 {
		t.Error("sync.yml takes no secrets")
	}
}

// readmeWorkflow returns the workflow in the README's quick start.
func readmeWorkflow(t *testing.T) workflow {
	t.Helper()
	_, rest, _ := strings.Cut(text(t, "README.md"), "\n```yaml\n")
	w := workflow{path: "README.md"}
	w.source, _, _ = strings.Cut(rest, "\n```\n")
	if err := yaml.Unmarshal([]byte(w.source), &w); err != nil || !strings.Contains(w.source, "uses: "+actionPlaceholder) {
		t.Fatalf("the README has no workflow: %v", err)
	}
	return w
}

// TestExampleAdoptsAGroup follows docs/policy.md: the hand-made group that the
// example names is blocked until the policy file adopts it.
func TestExampleAdoptsAGroup(t *testing.T) {
	t.Parallel()
	plan := func(args ...string) (run.Code, string) {
		var out bytes.Buffer
		code := cli.MainContext(t.Context(), append([]string{"plan", "--simulate", "--csv", root("docs/recipes/example/groups.csv")}, args...),
			func(string) string { return "" }, strings.NewReader(""), &out, io.Discard)
		return run.Code(code), out.String()
	}
	if code, out := plan(); code != run.Failed || !strings.Contains(out, "adopt: xc-incident-response") {
		t.Errorf("without the policy file: exit code %d:\n%s", code, out)
	}
	if code, out := plan("--policy", root("docs/recipes/example/policy.yml")); code != run.Done || !strings.Contains(out, "~ group xc-incident-response") {
		t.Errorf("with the policy file: exit code %d:\n%s", code, out)
	}
}

// TestReusableWorkflowPassesOnItsInputs checks that no input gets lost on the way: it
// may be a guard. A boolean that is off is left out if it would win over the policy
// file.
func TestReusableWorkflowPassesOnItsInputs(t *testing.T) {
	t.Parallel()
	given, secrets, _, step := reusable(t)
	want, known := map[string]any{}, map[string]bool{}
	for _, s := range config.Settings() {
		if !s.Action {
			continue
		}
		known[s.Name] = true
		why, left := leftOutOfSync[s.Name]
		input, isInput := given[s.Name]
		_, isSecret := secrets[s.Name]
		switch {
		case s.Name == "snapshot-file":
			want[s.Name] = "snapshot-${{ github.run_id }}-${{ github.run_attempt }}.json" // sync.yml uploads it
			continue
		case left && s.Guard != "":
			t.Errorf("%s is left out of sync.yml (%s), but it is a guard", s.Name, why)
		case left && (isInput || isSecret):
			t.Errorf("sync.yml has %s: remove it from leftOutOfSync", s.Name)
		case left:
			continue
		case isSecret:
			want[s.Name] = "${{ secrets." + s.Name + " }}"
			continue
		case !isInput:
			t.Errorf("%s: add it to inputs and to with in sync.yml, or to leftOutOfSync with a reason", s.Name)
			continue
		}
		kind, byDefault, passed := "string", any(nil), "${{ inputs."+s.Name+" }}"
		if s.Form == "" {
			kind, byDefault = "boolean", false
			if s.Policy {
				passed = "${{ inputs." + s.Name + " && 'true' || '' }}"
			}
		}
		if input.Type != kind || input.Default != byDefault || input.Required != (s.Name == "csv" || s.Name == "tenant") {
			t.Errorf("the input %s of sync.yml is %+v: must have the type %s and the default %v", s.Name, input, kind, byDefault)
		}
		want[s.Name] = passed
	}
	for name := range given {
		if !known[name] && name != "environment" && name != "runs-on" && name != "timeout-minutes" { // these are of the job
			t.Errorf("sync.yml has an input %s, but the action has none", name)
		}
	}
	for name := range leftOutOfSync {
		if !known[name] {
			t.Errorf("%s is left out of sync.yml, but the action has no such input", name)
		}
	}
	if diff := cmp.Diff(want, step); diff != "" {
		t.Errorf("sync.yml's with (-want +has) %s", diff)
	}
}

// leftOutOfSync has the action's inputs that sync.yml does not pass on, and why.
var leftOutOfSync = map[string]string{
	"p12-file": noFile, "cert-file": noFile, "key-file": noFile, "ca-bundle": noFile,
	"report-file": "it would be lost with the job",

	"retry-attempts": byProfile, "backoff-multiplier": byProfile, "backoff-min": byProfile, "backoff-max": byProfile, "backoff-jitter": byProfile,
	"group-retry-attempts": byProfile, "group-backoff-multiplier": byProfile, "group-backoff-min": byProfile, "group-backoff-max": byProfile,
	"retry-after-max": byProfile, "retry-budget": byProfile, "circuit-breaker-threshold": byProfile, "circuit-breaker-cooldown": byProfile,

	"http-retry-attempts": ofNetwork, "http-retry-scope": ofNetwork, "timeout": ofNetwork, "concurrency": ofNetwork, "rate-limit": ofNetwork, "proxy": ofNetwork, "expiry-warning": ofNetwork,

	"simulate-state": "it is for trying things out", "simulate-faults": "it is for trying things out", "yes": "nobody is asked in a job",
	"summary":      "it is on",
	"github-token": "the job's own is enough",
	"log-level":    "a re-run with debug logging shows everything",
	"log-format":   "people read it",
}

const (
	noFile    = "the job has only the repository's files, and keys do not belong there"
	byProfile = "retry-profile sets it, or its default is enough"
	ofNetwork = "its default is enough; other networks need a job of their own"
)

func TestRecipesAreInTheirReadme(t *testing.T) {
	t.Parallel()
	readme := text(t, "docs/recipes/README.md")
	for _, file := range files(t, "") {
		name, recipe := strings.CutPrefix(file, "docs/recipes/")
		if recipe && name != "README.md" && !strings.HasPrefix(name, "example/") && !strings.Contains(readme, "\n| ["+name+"]("+name+")") {
			t.Errorf("%s is not in a table of docs/recipes/README.md", name)
		}
	}
}
