package main_test

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeTellsOfRetry holds the README to DOC-RETRY-001 to 005.
func TestReadmeTellsOfRetry(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(readme), "\n## Retry\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("there is no section Retry")
	}
	for requirement, words := range map[string][]string{
		"DOC-RETRY-001": {"three times", "1 s and 2 s", "retry-profile", "balanced"},
		"DOC-RETRY-002": {"create a user", "create, update or delete a group", "not retried", "read ("},
		"DOC-RETRY-003": {"time-out", "5xx", "429", "400", "401", "403", "404", "409", "TLS"},
		"DOC-RETRY-005": {"flaky network", "429", "first load of thousands", "nightly"},
		"the layers":    {"http-retry-scope", "9"},
	} {
		for _, word := range words {
			if !strings.Contains(section, word) {
				t.Errorf("%s: the section does not say %q", requirement, word)
			}
		}
	}
}

// TestConstructorIsDocumented holds the Go documentation to DOC-RETRY-004.
func TestConstructorIsDocumented(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "internal/groupsync/service.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	documentation, err := doc.NewFromFiles(fset, []*ast.File{file}, "xc-group-sync/internal/groupsync")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, f := range documentation.Types {
		for _, constructor := range f.Funcs {
			documented[constructor.Name] = constructor.Doc
		}
	}
	for name, says := range map[string]string{
		"New": "3 times", "WithRetryAttempts": "default is 3", "WithBackoffMultiplier": "default is 1 s", "WithBackoffMin": "default is 1 s", "WithBackoffMax": "default is 4 s",
	} {
		if !strings.Contains(strings.ReplaceAll(documented[name], "\n", " "), says) {
			t.Errorf("%s: the documentation does not say %q: %q", name, says, documented[name])
		}
	}
}

// TestRequirementsHaveTests checks that every requirement has a row in
// docs/retry.md, and that every test exists that it and docs/safety.md name.
func TestRequirementsHaveTests(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/retry.md")
	if err != nil {
		t.Fatal(err)
	}
	exists := testNames(t)
	rows := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| ((?:FR|SC|DOC)-RETRY-\d+) \|[^|]*\|([^|]*)\|$`).FindAllStringSubmatch(string(page), -1) {
		rows[row[1]] = row[2]
		if !strings.Contains(row[2], "Test") {
			t.Errorf("%s names no test", row[1])
		}
	}
	for kind, last := range map[string]int{"FR": 12, "SC": 6, "DOC": 5} {
		for i := 1; i <= last; i++ {
			if id := fmt.Sprintf("%s-RETRY-%03d", kind, i); rows[id] == "" {
				t.Errorf("%s has no row", id)
			}
		}
	}
	safety, err := os.ReadFile("docs/safety.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(string(page)+string(safety), -1) {
		if !exists[name[1]] {
			t.Errorf("there is no test %s", name[1])
		}
	}
}

// testNames are the tests and fuzz targets of all packages.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"internal/*/*_test.go", "internal/*/*/*_test.go"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(string(source), -1) {
			names[name[1]] = true
		}
	}
	return names
}
