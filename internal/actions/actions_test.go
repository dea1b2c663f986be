package actions_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/actions"
)

func environment(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func TestMaskHidesEachLineOfASecret(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	actions.New(environment(map[string]string{"GITHUB_ACTIONS": "true"}), &out).Mask([]string{"one\ntwo\r\n\n", "100%"})
	if diff := cmp.Diff("::add-mask::one\n::add-mask::two\n::add-mask::100%25\n", strings.ReplaceAll(out.String(), "\r", "")); diff != "" {
		t.Error(diff)
	}
}

// brokenPipe is standard output whose reader is gone.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestABrokenOutputIsNoPanic(t *testing.T) {
	t.Parallel()
	edge := actions.New(environment(map[string]string{"GITHUB_ACTIONS": "true"}), brokenPipe{})
	edge.Mask([]string{"secret"})
	edge.Annotate([]actions.Annotation{{Message: "x"}})
	edge.Group("y")()
}

func TestOutsideActionsNothingHappens(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	edge := actions.New(environment(nil), &out)
	edge.Mask([]string{"secret"})
	if err := edge.Outputs([][2]string{{"a", "b"}}); err != nil {
		t.Error(err)
	}
	if err := edge.Summary("# x"); err != nil {
		t.Error(err)
	}
	if edge.Active() || edge.Debug() || edge.Event().Private || out.Len() > 0 {
		t.Errorf("something happened: %q", out.String())
	}
}

func TestFilesOfTheRunner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	output, summary, event := filepath.Join(dir, "out"), filepath.Join(dir, "summary"), filepath.Join(dir, "event")
	for path, content := range map[string]string{output: "", summary: "", event: `{"repository":{"private":true}}`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	edge := actions.New(environment(map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": output, "GITHUB_STEP_SUMMARY": summary, "GITHUB_EVENT_PATH": event, "RUNNER_DEBUG": "1",
	}), &out)
	if err := edge.Outputs([][2]string{{"users-created", "4"}, {"result", "success"}}); err != nil {
		t.Fatal(err)
	}
	if err := edge.Summary("# Title"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(got), "users-created<<") || !strings.Contains(string(got), "\nsuccess\n") {
		t.Errorf("outputs: %q", got)
	}
	if got, err = os.ReadFile(summary); err != nil || !strings.Contains(string(got), "# Title") {
		t.Errorf("summary: %q, %v", got, err)
	}
	if !edge.Event().Private || !edge.Debug() {
		t.Error("the event or the debug mode is not seen")
	}
	if outside := actions.New(environment(map[string]string{"RUNNER_DEBUG": "1"}), &out); outside.Debug() {
		t.Error("the runner's debug mode counts outside Actions")
	}
}

func TestFilesThatCannotBeWrittenAreErrors(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "no", "such", "file")
	edge := actions.New(environment(map[string]string{"GITHUB_OUTPUT": missing, "GITHUB_STEP_SUMMARY": missing}), &bytes.Buffer{})
	if err := edge.Outputs([][2]string{{"a", "b"}}); err == nil {
		t.Error("no error for the outputs")
	}
	if err := edge.Summary("x"); err == nil {
		t.Error("no error for the summary")
	}
}
