package roster_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/roster"
)

var update = flag.Bool("update", false, "rewrite the golden files of the exports")

// TestReadExports reads exports as directories, spreadsheets and scripts write
// them. Next to each is a file with what it states: the columns to set, the
// groups with their members, and every finding by line, column and kind.
func TestReadExports(t *testing.T) {
	t.Parallel()
	goldens, err := filepath.Glob("testdata/exports/*.golden")
	if err != nil || len(goldens) < 20 {
		t.Fatalf("%d golden files, %v", len(goldens), err)
	}
	for _, golden := range goldens {
		t.Run(strings.TrimSuffix(filepath.Base(golden), ".golden"), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(want), "\n")
			columns, err := roster.ParseColumns(strings.TrimPrefix(first, "columns:"))
			if err != nil {
				t.Fatal(err)
			}
			csv, err := os.ReadFile(strings.TrimSuffix(golden, ".golden"))
			if err != nil {
				t.Fatal(err)
			}
			got := first + "\n" + stated(roster.Read(bytes.NewReader(csv), roster.Options{Columns: columns}))
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			same(t, "what the export states", strings.Split(got, "\n"), strings.Split(string(want), "\n"))
		})
	}
}

// stated writes what an export states, a fact on each line.
func stated(desired *directory.Desired, err error) string {
	if err != nil {
		return fmt.Sprintf("error: %v\n", err)
	}
	var b strings.Builder
	in := memberships(desired)
	for _, name := range slices.Sorted(maps.Keys(in)) {
		fmt.Fprintf(&b, "group %s: %s\n", name, in[name])
	}
	everybody := people(desired)
	for _, email := range slices.Sorted(maps.Keys(everybody)) {
		fmt.Fprintf(&b, "person %s: %s\n", email, everybody[email])
	}
	if held := kept(desired); held != (keeps{}) {
		fmt.Fprintf(&b, "kept: %+v\n", held)
	}
	for _, finding := range desired.Findings {
		fmt.Fprintf(&b, "line %d, %s: %s\n", finding.Line, finding.Column, finding.Kind)
	}
	return b.String()
}
