package repotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"xc-group-sync/internal/cli"
)

// TestCIKnowsTheAction runs the job that tries out the action, with the program of
// this commit in place of the container: what the job expects must not be out of
// date.
func TestCIKnowsTheAction(t *testing.T) { // not parallel: it changes the directory
	for _, program := range []string{"bash", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	var w workflow
	load(t, ".github/workflows/ci.yml", &w)
	workspace := t.TempDir()
	if err := os.CopyFS(filepath.Join(workspace, "testdata"), os.DirFS(root("testdata"))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(workspace)
	outputs, checks := map[string]map[string]string{}, 0 // by step
	for _, step := range w.Jobs["action"].Steps {
		switch {
		case step.Uses == "./":
			outputs[step.ID] = runAction(t, step.With)
		case step.Run != "":
			checks++
			script := exec.Command("bash", "-e", "-c", step.Run)
			script.Env = os.Environ()
			for name, value := range step.Env {
				script.Env = append(script.Env, name+"="+withOutputs(t, value, outputs))
			}
			if out, err := script.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s\n%s", err, out, step.Run)
			}
		}
	}
	if len(outputs) == 0 || checks < len(outputs) {
		t.Errorf("%d runs, %d checks", len(outputs), checks)
	}
}

// runAction runs the program as the action does and returns its outputs.
func runAction(t *testing.T, with map[string]any) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "outputs")
	env := map[string]string{"GITHUB_OUTPUT": path}
	for name, value := range with {
		env["INPUT_"+strings.ToUpper(name)] = fmt.Sprint(value)
	}
	var out bytes.Buffer
	cli.MainContext(t.Context(), []string{"sync"}, func(name string) string { return env[name] }, strings.NewReader(""), &out, &out)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	outputs := map[string]string{}
	for rest := string(content); rest != ""; {
		begin, after, _ := strings.Cut(rest, "\n")
		name, end, found := strings.Cut(begin, "<<")
		value, next, ended := strings.Cut("\n"+after, "\n"+end+"\n")
		if !found || !ended {
			t.Fatalf("outputs: %q", rest)
		}
		outputs[name], rest = strings.TrimPrefix(value, "\n"), next
	}
	return outputs
}

// withOutputs evaluates an expression that is an output of a step, or all of them.
func withOutputs(t *testing.T, expression string, of map[string]map[string]string) string {
	t.Helper()
	found := regexp.MustCompile(`^\$\{\{ (?:toJSON\()?steps\.([\w-]+)\.outputs(?:\)|\.([\w-]+)) \}\}$`).FindStringSubmatch(expression)
	if found == nil || of[found[1]] == nil {
		t.Fatalf("%s: not an output of an earlier step", expression)
	}
	if found[2] != "" {
		value, ok := of[found[1]][found[2]]
		if !ok {
			t.Errorf("%s: must be one of %v", expression, slices.Sorted(maps.Keys(of[found[1]])))
		}
		return value
	}
	text, err := json.Marshal(of[found[1]])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
