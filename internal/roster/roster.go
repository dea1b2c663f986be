// Package roster reads the CSV export of a company's directory and makes of it
// the directory that is desired, with every problem's line and column. It
// knows nothing of XC, and the order of the rows never matters to it.
package roster

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gocarina/gocsv"

	"xc-group-sync/internal/directory"
)

// Error says why a CSV cannot be used at all.
type Error struct {
	directory.Problem
	Rows []directory.Problem // what is wrong with rows, by line; nil where no row counts any more
}

// Error is the problem and, where the rows are to blame, the first that is bad.
func (e *Error) Error() string {
	text := e.Message
	if e.Line > 0 {
		text = fmt.Sprintf("line %d: %s", e.Line, e.Message)
	}
	if len(e.Rows) == 0 {
		return text
	}
	first := e.Rows[max(0, slices.IndexFunc(e.Rows, func(p directory.Problem) bool { return p.BadRow }))]
	return fmt.Sprintf("%s; line %d, %s: %s", text, first.Line, first.Column, nameless(first))
}

// nameless is a problem's message without what stands in place of an e-mail:
// whoever masks e-mails in this error would not know it for one.
func nameless(p directory.Problem) string {
	if _, err := directory.ParseEmail(p.Person); err == nil || p.Person == "" {
		return p.Message
	}
	return strings.NewReplacer(fmt.Sprintf("%q", p.Person), `"***"`, " "+p.Person+" ", " *** ").Replace(p.Message)
}

func fail(line int, column, format string, args ...any) error {
	return &Error{Problem: directory.Problem{Line: line, Column: column, Message: fmt.Sprintf(format, args...)}}
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
	m := newMerger(t)
	rows := make([]row, batchRows) // as many as a batch can have: else gocsv makes new ones each time
	for !t.eof {
		if err := gocsv.UnmarshalCSV(t, &rows); err != nil {
			return nil, err
		}
		for i := range t.positions {
			m.add(&rows[i].Cells, t.positions[i])
		}
	}
	if len(t.problems) > 0 {
		m.desired.KeepMemberships, m.desired.KeepUsers, m.desired.KeepGroups = true, true, true
		m.desired.Problems = append(m.desired.Problems, t.problems...)
	}
	desired := m.finish()
	if len(desired.Groups) == 0 {
		return nil, m.nothing(desired.Problems, t.oldLines())
	}
	return desired, nil
}

// nothing refuses a file in which no row names a group.
func (m *merger) nothing(problems []directory.Problem, hint string) error {
	what := "no row names a group"
	if len(problems) > 0 {
		what += " that can be read"
	}
	return &Error{Rows: problems, Problem: directory.Problem{
		Column:  m.titles[inEntitlements],
		Message: what + ", so the file is refused, since it would empty every group" + hint,
	}}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
