package main_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport is who may import whom of our rooms, and why no more.
var mayImport = map[string]struct {
	rooms []string
	why   string
}{
	".":         {[]string{"cli"}, "main only starts the program"},
	"cli":       {[]string{"actions", "config", "directory", "groupsync", "plan", "progress", "report", "roster", "simulator", "xc"}, "it wires the rooms; rules live in them"},
	"config":    {[]string{"directory", "groupsync", "plan", "retry", "roster", "xc"}, "it knows the types that settings become, and nothing that runs"},
	"directory": {nil, "it is the vocabulary of all the others"},
	"roster":    {[]string{"directory"}, "a CSV says nothing of XC"},
	"xc":        {[]string{"directory", "retry"}, "the wire decides nothing about what to change"},
	"retry":     {nil, "it knows of neither users nor groups"},
	"plan":      {[]string{"directory"}, "a plan is pure"},
	"groupsync": {[]string{"directory", "plan", "retry"}, "it reaches the tenant through its own interface"},
	"report":    {[]string{"directory", "groupsync", "plan", "retry"}, "it renders and does no I/O"},
	"actions":   {[]string{"retry"}, "the edge to GitHub does not know what a plan is"},
	"progress":  {nil, "it counts, whatever it is"},
	"simulator": {nil, "it must be as strange to the program as the real tenant"},

	"actions/githubtest":    {nil, "it stands in for GitHub, in tests"},
	"simulator/openapitest": {nil, "it checks from outside"},
}

// mayUse is who may touch the world outside, by package and name.
var mayUse = []struct {
	what  string
	rooms []string
	uses  map[string][]string
}{
	{"the clock", []string{".", "cli", "progress", "retry", "xc", "simulator"}, map[string][]string{"time": {"Now", "Sleep", "After", "NewTimer", "NewTicker", "Since", "Until", "AfterFunc", "Tick"}}},
	{"files and the environment", []string{".", "cli", "actions", "simulator/openapitest"}, map[string][]string{
		"os": {"Args", "Create", "CreateTemp", "Environ", "Getenv", "LookupEnv", "Open", "OpenFile", "ReadFile", "Remove", "Rename", "Setenv", "WriteFile"},
	}},
	{"the network", []string{"actions", "cli", "xc", "simulator"}, map[string][]string{
		"net/http": {"Get", "Post", "Client", "Transport", "DefaultClient", "Server", "ListenAndServe"},
		"net":      {"Dial", "Dialer", "Listen", "Listener"},
	}},
}

// longest bounds a file, in lines, so that a reader can hold it.
const longest = 400

func TestHouse(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if path == "docs" {
			return fs.SkipDir // a module of its own draws the chart there
		}
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := bytes.Count(source, []byte("\n")); n > longest {
			t.Errorf("%s has %d lines, more than %d", path, n, longest)
		}
		if path == "main.go" && bytes.Count(source, []byte("\n")) >= 60 {
			t.Errorf("%s is to stay under 60 lines", path)
		}
		if !strings.HasSuffix(path, "_test.go") {
			checkRoom(t, path, source)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkRoom(t *testing.T, path string, source []byte) {
	t.Helper()
	room := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "internal/")
	rule, known := mayImport[room]
	if !known {
		t.Errorf("%s is in a room that the table of imports does not know", path)
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	imported := map[string]string{} // by the name in the file
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imported[name[strings.LastIndex(name, "/")+1:]] = name
		if ours, is := strings.CutPrefix(name, "xc-group-sync/internal/"); is && !slices.Contains(rule.rooms, ours) {
			t.Errorf("%s imports %s: %s", path, ours, rule.why)
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if name, ok := selector.X.(*ast.Ident); ok {
			checkUse(t, path, room, imported[name.Name], selector.Sel.Name)
		}
		return true
	})
}

func checkUse(t *testing.T, path, room, imported, name string) {
	t.Helper()
	for _, rule := range mayUse {
		names, watched := rule.uses[imported]
		if watched && slices.Contains(names, name) && !slices.Contains(rule.rooms, room) {
			t.Errorf("%s uses %s.%s, but %s belongs to %v", path, imported, name, rule.what, rule.rooms)
		}
	}
}
