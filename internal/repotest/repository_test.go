// Package repotest checks the repository itself: imports, documentation, workflows
// and release scripts. It is the only package whose tests depend on all files of
// the repository; go test runs it again after any change.
package repotest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// repository is the root of the repository.
var repository = os.DirFS(root("."))

// root returns the path of a file, given by its path in the repository.
func root(path string) string { return filepath.Join("..", "..", path) }

// text returns the content of a file of the repository.
func text(t *testing.T, path string) string {
	t.Helper()
	content, err := fs.ReadFile(repository, path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// load decodes a YAML file of the repository and returns its text.
func load(t *testing.T, path string, into any) string {
	t.Helper()
	source := text(t, path)
	if err := yaml.Unmarshal([]byte(source), into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return source
}

// files returns the paths of the repository's own files that end with suffix.
func files(t *testing.T, suffix string) []string {
	t.Helper()
	var all []string
	err := fs.WalkDir(repository, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(path, suffix):
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
