package repotest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

type packageRule struct {
	name, owns string
	imports    []string // of this module
	why        string   // it imports nothing else
}

// packages has each package's allowed imports and the reason, by the path below
// internal. make docs generates the table and the picture in
// docs/architecture.md from it.
var packages = []packageRule{
	{"main.go", "the process", []string{"cli"}, "it only starts the program"},
	{
		"cli", "commands, wiring, signals",
		[]string{"actions", "config", "directory", "doctor", "explain", "export", "progress", "report", "retry", "roster", "run", "simulator", "xc"},
		"it wires the packages together; the rules live in them",
	},
	{
		"config", "the table of settings, the checks across settings",
		[]string{"directory", "groupsync", "plan", "retry", "roster", "xc"},
		"it knows the types that settings are parsed into, and runs nothing",
	},
	{"directory", "the vocabulary: email, DN, group name, user, group", nil, "everything else builds on it"},
	{"roster", "the CSV", []string{"directory"}, "a CSV knows nothing about XC"},
	{"xc", "the wire: credentials, requests, typed errors, the client layer's retry", []string{"directory", "retry"}, "it does not decide what to change"},
	{"retry", "backoff, classification, jitter, budget, breaker, metrics; errors' hints; `Throttle`, the gate every request passes", nil, "it knows nothing about users and groups"},
	{"plan", "operations, guards, digest", []string{"access", "directory"}, "a plan is pure"},
	{"access", "what a change means in access: who gains and who loses which role where", []string{"directory"}, "it is pure, and compares whatever it is given"},
	{"groupsync", "the sync service", []string{"directory", "plan", "retry"}, "it reaches the tenant through its own interface"},
	{
		"run", "one run from source to result: findings, exit codes", []string{"directory", "groupsync", "plan", "retry", "roster", "xc"},
		"it renders nothing and knows neither arguments nor GitHub",
	},
	{"export", "a tenant as CSV and policy file", []string{"directory", "plan"}, "an export is pure"},
	{"explain", "why somebody is in a group, or not", []string{"directory", "plan"}, "an explanation is pure"},
	{
		"doctor", "the checks of `doctor`, as values", []string{"directory", "plan", "retry", "run", "xc"},
		"it uses the same parts as a run, and renders nothing",
	},
	{"report", "text, Markdown, JSON, sanitizers", []string{"access", "directory", "doctor", "explain", "groupsync", "plan", "retry", "run"}, "it renders and does no I/O"},
	{"actions", "the edge to GitHub: masks, annotations, outputs, summary, comment, issue", []string{"retry"}, "it does not know what a plan is"},
	{"progress", "a progress bar on a terminal, an occasional line in a log", nil, "it does not know what it counts"},
	{"simulator", "the embedded tenant", nil, "it must be as independent of the program as a real tenant"},
	{"actions/githubtest", "a fake GitHub for tests", nil, "it must be as independent of the program as GitHub"},
	{"openapitest", "checks requests and answers against published OpenAPI documents, in tests", nil, "it checks from outside"},
}

// outside has the packages that may touch the outside world, and what of the
// standard library does.
var outside = []struct {
	does     string
	packages []string
	by       map[string]func(name string) bool // by import path
}{
	{"read the clock or wait", []string{"actions", "cli", "groupsync", "progress", "retry", "run", "simulator", "xc"}, map[string]func(string) bool{
		"time":    one("After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"),
		"context": one("WithDeadline", "WithDeadlineCause", "WithTimeout", "WithTimeoutCause"),
	}},
	{"touch files, processes, arguments or the environment", []string{"main.go", "actions", "cli", "config", "openapitest"}, map[string]func(string) bool{
		"os":            but("ErrNotExist", "NewSyscallError"),
		"os/exec":       but(),
		"os/signal":     but(),
		"io/ioutil":     but(),
		"path/filepath": one("Abs", "EvalSymlinks", "Glob", "Walk", "WalkDir"),
		"syscall":       but("ECONNRESET", "Errno"),
	}},
	{"open connections", []string{"actions", "cli", "xc"}, map[string]func(string) bool{
		"net":      but("DNSError", "Error", "OpError", "ParseIP"),
		"net/http": one("Client", "DefaultClient", "DefaultTransport", "Get", "Head", "ListenAndServe", "ListenAndServeTLS", "Post", "PostForm", "Serve", "ServeTLS", "Server", "Transport"),
	}},
	{"use random numbers", []string{"retry", "simulator"}, map[string]func(string) bool{
		"math/rand": but(), "math/rand/v2": but(), "crypto/rand": but(),
	}},
}

func one(of ...string) func(string) bool {
	return func(name string) bool { return slices.Contains(of, name) }
}

func but(harmless ...string) func(string) bool {
	return func(name string) bool { return !slices.Contains(harmless, name) }
}

// TestImports checks that the packages import and use what the tables allow,
// and that the tables allow nothing that is no longer needed.
func TestImports(t *testing.T) {
	t.Parallel()
	needed := map[string]bool{} // "package what"
	for _, file := range files(t, ".go") {
		if !strings.HasSuffix(file, "_test.go") {
			checkImports(t, file, needed)
		}
	}
	for _, p := range packages {
		for _, other := range p.imports {
			if !needed[p.name+" "+other] {
				t.Errorf("%s does not import %s any more, but the table allows it", p.name, other)
			}
		}
	}
	for _, rule := range outside {
		for _, name := range rule.packages {
			if !needed[name+" "+rule.does] {
				t.Errorf("%s does not %s any more, but the table allows it", name, rule.does)
			}
		}
	}
}

func checkImports(t *testing.T, path string, needed map[string]bool) {
	t.Helper()
	name := packageOf(path)
	known := slices.IndexFunc(packages, func(p packageRule) bool { return p.name == name })
	if known < 0 {
		t.Fatalf("%s: package %s is missing from the table packages", path, name)
	}
	allowed, why := packages[known].imports, packages[known].why
	file, err := parser.ParseFile(token.NewFileSet(), root(path), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	imported := map[string]string{} // by the name in the file
	for _, spec := range file.Imports {
		full, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case spec.Name == nil:
			imported[nameOf(full)] = full
		case spec.Name.Name == ".":
			t.Errorf("%s imports the names of %s, which hides where they are from", path, full)
		default:
			imported[spec.Name.Name] = full
		}
		if ours, is := strings.CutPrefix(full, "xc-group-sync/internal/"); is {
			needed[name+" "+ours] = true
			if !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s: %s", path, ours, why)
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		from, ok := selector.X.(*ast.Ident)
		if !ok {
			return true
		}
		for _, rule := range outside {
			if touches := rule.by[imported[from.Name]]; touches == nil || !touches(selector.Sel.Name) {
				continue
			}
			needed[name+" "+rule.does] = true
			if !slices.Contains(rule.packages, name) {
				t.Errorf("%s uses %s.%s, but only %v may %s", path, from.Name, selector.Sel.Name, rule.packages, rule.does)
			}
		}
		return true
	})
}

// nameOf returns the name of a package by its import path.
func nameOf(path string) string {
	parts := strings.Split(path, "/")
	last := parts[len(parts)-1]
	if len(parts) > 1 && regexp.MustCompile(`^v[0-9]+$`).MatchString(last) {
		return parts[len(parts)-2]
	}
	return last
}

// packageOf returns the name in the table of the package that a file is in.
func packageOf(file string) string {
	if file == "main.go" {
		return file
	}
	return strings.TrimPrefix(path.Dir(file), "internal/")
}

// architecture renders the tables for docs/architecture.md.
func architecture() string {
	var b strings.Builder
	b.WriteString("| package | owns | may import | reason |\n|---|---|---|---|\n")
	for _, p := range packages {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.name, p.owns, quoted(p.imports), p.why)
	}
	b.WriteString("\nThe outside world:\n\n")
	for _, rule := range outside {
		fmt.Fprintf(&b, "- Only %s %s.\n", quoted(rule.packages), rule.does)
	}
	b.WriteString("\n```mermaid\ngraph TD\n")
	for _, p := range packages {
		for _, other := range p.imports {
			fmt.Fprintf(&b, "  %s --> %s\n", strings.TrimSuffix(p.name, ".go"), other)
		}
	}
	b.WriteString("```\n")
	return b.String()
}

func quoted(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return "`" + strings.Join(names, "`, `") + "`"
}
