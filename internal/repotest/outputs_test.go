package repotest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/cli"
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

// TestOutputs checks that a run sets the outputs that action.yml and
// docs/outputs.md describe, and no others, whether it works, only plans or fails.
func TestOutputs(t *testing.T) {
	t.Parallel()
	described := slices.Sorted(maps.Keys(actionOutputs(t)))
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllStringSubmatch(section(t, "docs/outputs.md", "Action outputs"), -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			told = append(told, strings.Trim(name, "`"))
		}
	}
	slices.Sort(told)
	if diff := cmp.Diff(described, told); diff != "" {
		t.Errorf("docs/outputs.md (-action.yml +docs/outputs.md): %s", diff)
	}
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

// TestExitCodes checks that the help, the README, the decision and the program know
// the same exit codes, in the same order of gravity.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	known, gravity := exitCodes(t)
	var out bytes.Buffer
	if code := cli.MainContext(t.Context(), []string{"--help"}, func(string) string { return "" }, strings.NewReader(""), &out, &out); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	_, help, _ := strings.Cut(out.String(), "\nExit codes:\n")
	page := section(t, "README.md", "Exit codes")
	meanings := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \| (.*) \|$`).FindAllStringSubmatch(page, -1) {
		meanings[row[1]] = strings.ReplaceAll(row[2], "`", "")
	}
	helped := map[string]bool{}
	for _, found := range regexp.MustCompile(`(\d+)  (\S.*)\n`).FindAllStringSubmatch(help, -1) {
		helped[found[1]] = true
		if meanings[found[1]] != found[2] {
			t.Errorf("%s is %q in the help and %q in the README", found[1], found[2], meanings[found[1]])
		}
	}
	decision := text(t, "docs/decisions/0005-exit-codes.md")
	_, codes, _ := strings.Cut(decision, "\n- One code for each")
	codes, _, _ = strings.Cut(codes, "\n")
	decided := map[string]bool{}
	for _, found := range regexp.MustCompile(`\b(\d+) `).FindAllStringSubmatch(codes, -1) {
		decided[found[1]] = true
	}
	for where, has := range map[string][]string{
		"the help": slices.Sorted(maps.Keys(helped)), "README.md": slices.Sorted(maps.Keys(meanings)), "the decision": slices.Sorted(maps.Keys(decided)),
	} {
		if diff := cmp.Diff(known, has); diff != "" {
			t.Errorf("%s (-program +it): %s", where, diff)
		}
	}
	if !strings.Contains(page, "the first of "+gravity+" counts") || !strings.Contains(decision, "**"+gravity+"**") {
		t.Errorf("README.md or the decision does not have the order %s", gravity)
	}
}

// exitCodes returns the program's exit codes, sorted as texts, and its order of
// gravity.
func exitCodes(t *testing.T) (known []string, gravity string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), root("internal/run/code.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{} // by the constant's name
	var order []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		switch value := spec.Values[0].(type) {
		case *ast.BasicLit:
			if _, err := strconv.Atoi(value.Value); err == nil {
				values[spec.Names[0].Name] = value.Value
			}
		case *ast.CompositeLit:
			for _, element := range value.Elts {
				if code, ok := element.(*ast.Ident); ok { // else it is another table
					order = append(order, values[code.Name])
				}
			}
		}
		return true
	})
	if len(order)+1 != len(values) { // 0 is none of them
		t.Fatalf("the codes are %v, their order is %v", values, order)
	}
	return slices.Sorted(maps.Values(values)), strings.Join(order, ", ")
}
