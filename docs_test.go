package main_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func text(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// files are all below the root that are the project's own.
func files(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case !entry.IsDir():
			all = append(all, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// room is whose file it is, as the picture calls it; empty for tests and for
// what only they use.
func room(path string) string {
	folder, _ := strings.CutPrefix(filepath.ToSlash(filepath.Dir(path)), "internal/")
	switch {
	case strings.HasSuffix(path, "_test.go") || !strings.HasSuffix(path, ".go"):
		return ""
	case path == "main.go":
		return "main"
	case strings.HasPrefix(path, "internal/") && !strings.HasSuffix(folder, "test"):
		return folder
	}
	return ""
}

// TestArchitecturePicture: an arrow for each import between rooms, and no other.
func TestArchitecturePicture(t *testing.T) {
	t.Parallel()
	real := map[string]bool{}
	rooms := map[string]bool{}
	for _, path := range files(t) {
		from := room(path)
		if from == "" {
			continue
		}
		rooms[from] = true
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			if to, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "xc-group-sync/internal/"); ours {
				real[from+" --> "+to] = true
			}
		}
	}
	architecture := text(t, "docs/architecture.md")
	_, graph, found := strings.Cut(architecture, "```mermaid\ngraph TD\n")
	graph, _, closed := strings.Cut(graph, "```")
	if !found || !closed {
		t.Fatal("docs/architecture.md has no graph")
	}
	drawn := map[string]bool{}
	for line := range strings.Lines(graph) {
		arrow := strings.TrimSpace(line)
		if drawn[arrow] {
			t.Errorf("%s is drawn twice", arrow)
		}
		drawn[arrow] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(real)), slices.Sorted(maps.Keys(drawn))); diff != "" {
		t.Errorf("docs/architecture.md (-imports +arrows): %s", diff)
	}
	for name := range rooms {
		if !strings.Contains(architecture, "\n| `"+strings.Replace(name, "main", "main.go", 1)+"` |") {
			t.Errorf("docs/architecture.md has no row for the room %s", name)
		}
	}
}

// TestArchitectureTable: its cells "may import" say what the test of the house
// holds.
func TestArchitectureTable(t *testing.T) {
	t.Parallel()
	page := text(t, "docs/architecture.md")
	quoted := regexp.MustCompile("`([^`]+)`")
	drawn := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|[^|]*\\| ([^|]*) \\|[^|]*\\|$").FindAllStringSubmatch(page, -1) {
		room, cell := strings.Replace(row[1], "main.go", ".", 1), row[2]
		if _, known := mayImport[room]; !known {
			continue // another table's
		}
		all, exceptFor := strings.CutPrefix(cell, "every room but ")
		named := []string{}
		for _, found := range quoted.FindAllStringSubmatch(all, -1) {
			named = append(named, found[1])
		}
		drawn[room] = named
		if exceptFor {
			drawn[room] = everyRoomBut(append(named, room))
		} else if (cell == "none") != (len(named) == 0) {
			t.Errorf("%s: %q is neither a list nor none", room, cell)
		}
	}
	held := map[string][]string{}
	for room, rule := range mayImport {
		held[room] = append([]string{}, rule.rooms...)
		slices.Sort(held[room])
		slices.Sort(drawn[room])
	}
	if diff := cmp.Diff(held, drawn); diff != "" {
		t.Errorf("docs/architecture.md (-house_test.go +table): %s", diff)
	}
}

// everyRoomBut leaves out main and the rooms of tests, too.
func everyRoomBut(but []string) (rooms []string) {
	for room := range mayImport {
		if room != "." && !strings.Contains(room, "/") && !slices.Contains(but, room) {
			rooms = append(rooms, room)
		}
	}
	return rooms
}

// firstCells are the first cells of a page's tables, without their backticks.
func firstCells(page string) (cells []string) {
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(page, -1) {
		cells = append(cells, row[1])
	}
	slices.Sort(cells)
	return cells
}

// TestDependenciesAreReviewed: docs/dependencies.md has a row for each module
// that go.mod requires directly, and no other.
func TestDependenciesAreReviewed(t *testing.T) {
	t.Parallel()
	required := regexp.MustCompile(`(?m)^(?:require )?\s*(\S+\.\S+/\S+) v\S+$`) // an indirect one has a comment
	var direct []string
	for _, found := range required.FindAllStringSubmatch(text(t, "go.mod"), -1) {
		direct = append(direct, found[1])
	}
	slices.Sort(direct)
	if len(direct) == 0 {
		t.Fatal("go.mod requires nothing")
	}
	page := text(t, "docs/dependencies.md")
	if diff := cmp.Diff(direct, firstCells(page)); diff != "" {
		t.Errorf("docs/dependencies.md (-go.mod +rows): %s", diff)
	}
	_, tests, _ := strings.Cut(page, "\n## In the tests only\n")
	linked := linkedModules(t)
	for _, module := range firstCells(page) {
		if forTests := slices.Contains(firstCells(tests), module); forTests == linked[module] {
			t.Errorf("%s: it is in the program: %v, but its row says otherwise", module, linked[module])
		}
	}
}

// linkedModules are those with a package in the program.
func linkedModules(t *testing.T) map[string]bool {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{}
	for _, module := range strings.Fields(string(out)) {
		linked[module] = true
	}
	return linked
}

func TestLicencesOfAllThatIsLinked(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	var complaints bytes.Buffer
	collect := exec.Command(shell, "scripts/licences.sh", "LICENSE", "no-such-file")
	collect.Stderr = &complaints
	out, err := collect.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &complaints)
	}
	titled := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^==== (\S+)(?: \S+)?: (?:LICEN[CS]E|COPYING)`).FindAllSubmatch(out, -1) {
		titled[string(found[1])] = true
	}
	if !titled["Go"] {
		t.Error("Go's own licence is not there")
	}
	for module := range linkedModules(t) {
		if !titled[module] {
			t.Errorf("%s is linked, but its licence is not there", module)
		}
	}
	if !bytes.Contains(out, []byte("\n==== LICENSE\n")) || bytes.Contains(out, []byte("no-such-file")) {
		t.Error("the given file is not there, or the one that does not exist is")
	}
}

// manifests is which kind of updates a file of that name needs.
var manifests = map[string]string{"go.mod": "gomod", "package.json": "npm", "Dockerfile": "docker"}

// TestDependabotLooksEverywhere: where anything is pinned, and nowhere else.
func TestDependabotLooksEverywhere(t *testing.T) {
	t.Parallel()
	var settings struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directories []string
		}
	}
	load(t, ".github/dependabot.yml", &settings)
	looks := map[string]bool{} // a kind of updates and a folder
	for _, update := range settings.Updates {
		for _, directory := range update.Directories {
			looks[update.Ecosystem+" "+directory] = true
		}
	}
	pinned := map[string]bool{}
	for _, path := range files(t) {
		if kind := manifests[filepath.Base(path)]; kind != "" {
			pinned[kind+" "+filepath.ToSlash(filepath.Join("/", filepath.Dir(path)))] = true
		}
	}
	for _, w := range workflows(t) {
		folder, ofGitHub := filepath.ToSlash(filepath.Join("/", filepath.Dir(w.path))), false
		if folder, ofGitHub = strings.CutSuffix(folder, "/.github/workflows"); ofGitHub {
			folder += "/" // GitHub's own folder is part of the root
		}
		pinned["github-actions "+folder] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(pinned)), slices.Sorted(maps.Keys(looks))); diff != "" {
		t.Errorf(".github/dependabot.yml (-pinned +looked at): %s", diff)
	}
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("docs/decisions/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are none (%v)", err)
	}
	tests := testNames(t)
	for i, path := range paths {
		page := text(t, path)
		number := string(rune('1' + i))
		if !strings.HasPrefix(filepath.Base(path), "000"+number+"-") || !strings.HasPrefix(page, "# "+number+". ") {
			t.Errorf("%s is not number %s", path, number)
		}
		var parts []string
		for _, found := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(page, -1) {
			parts = append(parts, found[1])
		}
		if diff := cmp.Diff([]string{"Context", "Decision", "Consequences", "Rejected"}, parts); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
		for _, name := range regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(page, -1) {
			if !tests[name[1]] {
				t.Errorf("%s names %s, which is no test", path, name[1])
			}
		}
	}
}

// TestDocsNameFilesThatThereAre: links within the repository, and paths below
// internal, scripts and .github.
func TestDocsNameFilesThatThereAre(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)
	named := regexp.MustCompile("`((?:internal|scripts|\\.github)/[\\w./-]+)`")
	for _, path := range files(t) {
		if !strings.HasSuffix(path, ".md") || strings.HasPrefix(path, "docs/screenshots/") {
			continue
		}
		page := text(t, path)
		for _, found := range link.FindAllStringSubmatch(page, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), found[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", path, found[1])
			}
		}
		for _, found := range named.FindAllStringSubmatch(page, -1) {
			if _, err := os.Stat(found[1]); err != nil && !strings.HasPrefix(found[1], ".github/workflows/xc-") {
				t.Errorf("%s names %s, which is not there", path, found[1])
			}
		}
	}
}
