// Package roster reads the CSV export of a company's directory and makes of it
// the directory that is desired, with every problem's line and column. It
// knows nothing of XC, and the order of the rows never matters to it.
package roster

import (
	"fmt"
	"io"

	"github.com/gocarina/gocsv"

	"xc-group-sync/internal/directory"
)

// Error says why a CSV cannot be used at all.
type Error struct{ directory.Problem }

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

func fail(line int, column, format string, args ...any) error {
	return &Error{directory.Problem{Line: line, Column: column, Message: fmt.Sprintf(format, args...)}}
}

// Read reads the export to its end. Rows that cannot be used become problems;
// the error, always an *Error, means that the file as a whole cannot: a broken
// CSV, a required column missing or doubled, no row that names a group. Memory
// is in proportion to people, memberships and problems, not to rows.
func Read(r io.Reader, options Options) (*directory.Desired, error) {
	t, err := newTable(r, options)
	if err != nil {
		return nil, err
	}
	m := newMerger(t, options.Columns)
	rows := make([]row, batchRows) // as many as a batch can have: else gocsv makes new ones each time
	for !t.eof {
		if err := gocsv.UnmarshalCSV(t, &rows); err != nil {
			return nil, err
		}
		for i := range t.positions {
			m.add(&rows[i], t.positions[i])
		}
	}
	if len(t.problems) > 0 {
		m.desired.KeepMemberships, m.desired.KeepUsers, m.desired.KeepGroups = true, true, true
		m.desired.Problems = append(m.desired.Problems, t.problems...)
	}
	desired := m.finish()
	if len(desired.Groups) == 0 {
		return nil, fail(0, m.titles[inEntitlements], "no row names a group: an export without groups would empty every group of the tenant, so it is refused%s%s", unusable(desired.Problems), t.oldLines())
	}
	return desired, nil
}

func unusable(problems []directory.Problem) string {
	if len(problems) == 0 {
		return ""
	}
	return fmt.Sprintf(" (the first of %d problems is in line %d)", len(problems), problems[0].Line)
}
