// Package roster reads the CSV export of a company's directory into the
// directory that is desired, with a finding, its line and column for everything
// that is wrong. It knows nothing about XC, and the order of the rows never
// matters.
package roster

import (
	"fmt"
	"io"

	"github.com/gocarina/gocsv"

	"xc-group-sync/internal/directory"
)

// Error says why a CSV cannot be used at all. Its Kind is directory.BadCSV.
type Error struct {
	directory.Finding
	Rows []directory.Finding // what is wrong with rows, by line; nil if they were not read
}

// Error returns the line, the message and the hint.
func (e *Error) Error() string {
	text := e.Message
	if e.Line > 0 {
		text = fmt.Sprintf("line %d: %s", e.Line, text)
	}
	if e.Hint != "" {
		text += "; hint: " + e.Hint
	}
	return text
}

func fail(line int, column, hint, format string, args ...any) error {
	return &Error{Finding: directory.Finding{
		Severity: directory.Error, Kind: directory.BadCSV, Line: line, Column: column, Message: fmt.Sprintf(format, args...), Hint: hint,
	}}
}

// Read reads an export to its end. Rows that cannot be used become findings.
// The error, always an *Error, means that the file as a whole cannot be used:
// broken CSV or text, a required column missing or doubled, no valid row, no
// row that names a group, or nobody who is active. Memory is proportional to
// people, groups and memberships, not to rows.
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
	desired := m.finish()
	if err := m.refusal(desired); err != nil {
		return nil, err
	}
	return desired, nil
}

// refusal returns an error if applying what the file says could only empty
// groups.
func (m *merger) refusal(desired *directory.Desired) error {
	column, message, hint := inEntitlements, "", ""
	switch {
	case desired.Rows == 0:
		message = "the CSV has no rows"
	case desired.OutOfScope.DNs > 0 && len(desired.Groups) == 0:
		message, hint = "no row names a group in scope", "check the patterns of groups"
	case desired.OutOfScope.People > 0 && desired.OutOfScope.People == len(desired.People):
		column, message, hint = inEmail, "nobody in the CSV is in scope", "check the patterns of people"
	case desired.InvalidRows == desired.Rows:
		message = "no row is valid"
	case len(desired.Groups) == 0:
		message = "no row names a group"
	case !m.anyActive:
		column, message = inStatus, "nobody is active"
		if !m.everyoneActive && !m.ownStatus {
			hint = "only A means active; if other words do, " + m.statusAdvice
		}
	default:
		return nil
	}
	return &Error{Rows: desired.Findings, Finding: directory.Finding{
		Severity: directory.Error, Kind: directory.BadCSV, Column: m.titles[column],
		Message: message + "; refusing to continue, since that could only empty groups", Hint: hint,
	}}
}
