package repotest

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/run"
)

// actionOutputs returns the outputs that action.yml describes, by name.
func actionOutputs(t *testing.T) map[string]struct{ Description string } {
	t.Helper()
	var action struct {
		Outputs map[string]struct{ Description string }
	}
	load(t, "action.yml", &action)
	return action.Outputs
}

// section returns a part of a page, from its heading to the next of that level.
func section(t *testing.T, page, title string) string {
	t.Helper()
	_, rest, found := strings.Cut(text(t, page), "\n## "+title+"\n")
	part, _, _ := strings.Cut(rest, "\n## ")
	if !found {
		t.Fatalf("%s has no section %s", page, title)
	}
	return part
}

// TestOutputs checks that a run sets the outputs that action.yml describes, and no
// others, whether it works, only plans or fails.
func TestOutputs(t *testing.T) {
	t.Parallel()
	described := slices.Sorted(maps.Keys(actionOutputs(t)))
	sample := root("testdata/sample.csv")
	for name, with := range map[string]map[string]any{
		"sync": {"csv": sample}, "dry run": {"csv": sample, "dry-run": true}, "no CSV": {"csv": "no-such.csv"},
	} {
		with["simulate"] = true
		if diff := cmp.Diff(described, slices.Sorted(maps.Keys(runAction(t, with)))); diff != "" {
			t.Fatalf("%s (-action.yml +set): %s", name, diff)
		}
	}
}

// TestReusableWorkflowReturnsOutputs checks that outputs get from the action's step
// to the caller.
func TestReusableWorkflowReturnsOutputs(t *testing.T) {
	t.Parallel()
	_, _, outputs, _ := reusable(t)
	var w struct {
		Jobs map[string]struct{ Outputs map[string]string }
	}
	load(t, ".github/workflows/sync.yml", &w)
	described, want := actionOutputs(t), map[string]string{}
	for name, output := range outputs {
		if _, ok := described[name]; !ok {
			t.Errorf("the action has no output %s", name)
		}
		if value := output.(map[string]any)["value"]; value != "${{ jobs.sync.outputs."+name+" }}" {
			t.Errorf("%s is returned as %v", name, value)
		}
		want[name] = "${{ steps.sync.outputs." + name + " }}"
	}
	if diff := cmp.Diff(want, w.Jobs["sync"].Outputs); diff != "" {
		t.Errorf("(-want +returned) %s", diff)
	}
}

// TestExitCodesAreExplained checks that every code but 0 is in docs/outputs.md, and
// that the decision about them knows the same codes and the same order.
func TestExitCodesAreExplained(t *testing.T) {
	t.Parallel()
	var failing []string
	for _, code := range run.Codes() {
		if code != run.Done {
			failing = append(failing, strconv.Itoa(int(code)))
		}
	}
	numbers := func(pattern, text string) (all []string) {
		for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			all = append(all, found[1])
		}
		return all
	}
	if diff := cmp.Diff(failing, numbers(`(?m)^\| (\d+) \|`, section(t, "docs/outputs.md", "Exit codes"))); diff != "" {
		t.Errorf("docs/outputs.md (-program +page): %s", diff)
	}
	decision := text(t, "docs/decisions/0005-exit-codes.md")
	decided := numbers(`\b([1-9]\d*)\b`, regexp.MustCompile(`(?m)^- One code for each.*`).FindString(decision))
	if diff := cmp.Diff(failing, decided); diff != "" {
		t.Errorf("the decision (-program +page): %s", diff)
	}
	if order := inOrder(run.Gravity()); !strings.Contains(decision, "**"+order+"**") {
		t.Errorf("the decision does not have the order %s", order)
	}
}
