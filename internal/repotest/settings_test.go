package repotest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"reflect"
	"strings"
	"testing"

	"xc-group-sync/internal/config"
)

// TestSettingsAreRead checks that every field of Config is read where the program
// is wired together: a setting that nobody reads would do nothing.
func TestSettingsAreRead(t *testing.T) {
	t.Parallel()
	ours := shallow{"xc-group-sync/internal/config": check(t, "internal/config", shallow{}, nil)}
	uses := map[*ast.Ident]types.Object{}
	check(t, "internal/cli", ours, uses)
	read := map[string]bool{}
	for _, object := range uses {
		if field, ok := object.(*types.Var); ok && field.IsField() && field.Pkg() == ours["xc-group-sync/internal/config"] {
			read[field.Name()] = true
		}
	}
	for field := range reflect.TypeFor[config.Config]().Fields() {
		if field.IsExported() && !read[field.Name] {
			t.Errorf("internal/cli does not read %s of config.Config", field.Name)
		}
	}
}

// check type-checks a package, as far as it goes with the imports there are.
func check(t *testing.T, directory string, imports shallow, uses map[*ast.Ident]types.Object) *types.Package {
	t.Helper()
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, file := range files(t, ".go") {
		if path.Dir(file) != directory || strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(fset, root(file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, tree)
	}
	ignore := types.Config{Importer: imports, Error: func(error) {}} // what it does not know
	checked, _ := ignore.Check("xc-group-sync/"+directory, fset, parsed, &types.Info{Uses: uses})
	return checked
}

// shallow imports the packages that it has, and all others as empty ones.
type shallow map[string]*types.Package

func (s shallow) Import(path string) (*types.Package, error) {
	if s[path] == nil {
		s[path] = types.NewPackage(path, nameOf(path))
		s[path].MarkComplete()
	}
	return s[path], nil
}
