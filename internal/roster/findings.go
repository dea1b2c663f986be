package roster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"xc-group-sync/internal/directory"
)

// maxFindings is how many findings of one kind are kept.
const maxFindings = 1000

// findings collects the findings about rows.
type findings struct {
	kept        []directory.Finding
	counts      map[directory.Kind]int
	invalidRows int
	first       directory.Row // the first invalid row, by file; zero if there is none
	file        string        // being read
}

func newFindings() *findings { return &findings{counts: map[directory.Kind]int{}} }

// add counts a finding and, up to the limit, keeps it. finding is called only
// then.
func (f *findings) add(kind directory.Kind, finding func() directory.Finding) {
	f.counts[kind]++
	if f.counts[kind] > maxFindings {
		return
	}
	found := finding()
	found.Kind, found.File = kind, f.file
	f.kept = append(f.kept, found)
}

// invalidRow counts an invalid row.
func (f *findings) invalidRow(line int) {
	f.invalidRows++
	if f.first.Line == 0 || cmp.Or(cmp.Compare(f.file, f.first.File), cmp.Compare(line, f.first.Line)) < 0 {
		f.first = directory.Row{File: f.file, Line: line}
	}
}

// fill puts the findings into desired, by file and line.
func (f *findings) fill(desired *directory.Desired) {
	desired.InvalidRows, desired.FirstInvalidRow = f.invalidRows, f.first
	slices.SortStableFunc(f.kept, func(a, b directory.Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	for _, kind := range slices.Sorted(maps.Keys(f.counts)) {
		if more := f.counts[kind] - maxFindings; more > 0 {
			f.kept = append(f.kept, directory.Finding{Kind: directory.Unlisted, Message: fmt.Sprintf("%s: %s not listed", kind, directory.Count(more, "more row is", "more rows are"))})
		}
	}
	desired.Findings = f.kept
}
