// Package roster reads CSV exports of a company's directory into the desired
// directory, with a finding (with file, line and column) for everything that is
// wrong. It knows nothing about XC, and the order of the rows never matters.
package roster

import (
	"errors"
	"fmt"
	"io"
	"slices"

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

// Roster is what one or more exports state together. The order in which they are
// added does not matter. Make it with New.
type Roster struct {
	options  Options
	headings headings

	// Of the export being read.
	everyoneActive bool // there is no status column
	readStatus     func(word string) (active, known bool)

	files, without []string // files that were read, and those without rows

	numbers   map[directory.Email]int32
	people    [][]person // by number, in pages: the garbage collector's cost depends on the number of objects and pointers
	groups    map[directory.GroupName]*group
	dns       map[string]*statedDN // by key
	spellings map[string]*statedDN // by the text as written: an export repeats them
	rowDNs    []*statedDN          // of the row being read
	anyActive bool                 // at least one person is active
	desired   directory.Desired
	findings  *findings
}

// New returns a roster without rows.
func New(options Options) *Roster {
	return &Roster{
		options:   options,
		headings:  options.Columns.headings(),
		numbers:   map[directory.Email]int32{},
		groups:    map[directory.GroupName]*group{},
		dns:       map[string]*statedDN{},
		spellings: map[string]*statedDN{},
		findings:  newFindings(),
	}
}

// Add reads an export to its end and counts the records after its header. file
// names it in findings. Rows that cannot be used become findings of
// Desired. The error, always an *Error, means that the file as a whole cannot be
// used: broken CSV or text, or a required column missing or doubled. Nothing can be
// said about the roster after it.
func (r *Roster) Add(file string, export io.Reader) (records int, err error) {
	r.findings.file = file
	records, err = r.read(export)
	var broken *Error
	if errors.As(err, &broken) {
		broken.File = file
	}
	return records, err
}

// Desired returns the directory that the exports state. The error, always an
// *Error, means that it cannot be used: an export without rows, no valid row, no
// row that names a group, or nobody who is active. It is called once.
func (r *Roster) Desired() (*directory.Desired, error) {
	desired := r.finish()
	if err := r.refusal(desired); err != nil {
		return nil, err
	}
	return desired, nil
}

// Read returns the directory that one export states. Its error is that of Add or
// of Desired. Memory is proportional to people, groups and memberships, not to
// rows.
func Read(export io.Reader, options Options) (*directory.Desired, error) {
	r := New(options)
	if _, err := r.Add("", export); err != nil {
		return nil, err
	}
	return r.Desired()
}

// read adds the rows of an export, and counts its records.
func (r *Roster) read(export io.Reader) (records int, err error) {
	t, err := newTable(export, r.options.Delimiter, r.headings, r.findings)
	if err != nil {
		return 0, err
	}
	r.begin(t)
	rows := make([]row, batchRows) // as many as a batch can have: else gocsv makes new ones each time
	for !t.eof {
		if err := gocsv.UnmarshalCSV(t, &rows); err != nil {
			return 0, err
		}
		for i := range t.positions {
			r.add(&rows[i].Cells, t.positions[i])
		}
	}
	r.files = append(r.files, r.findings.file)
	r.desired.Rows += t.count
	if t.count == 0 {
		r.without = append(r.without, r.findings.file)
	}
	return t.records, nil
}

// refusal returns an error if applying what the file says could only empty
// groups.
func (r *Roster) refusal(desired *directory.Desired) error {
	column, message, hint := inEntitlements, "", ""
	file := ""
	if len(r.files) == 1 {
		file = r.files[0]
	}
	switch {
	case len(r.without) > 0:
		file, message = slices.Min(r.without), "the CSV has no rows"
		hint = "export it again: it has titles but no people"
		if len(r.files) > 1 {
			hint = "remove the file from the list if nobody is left in it"
		}
	case desired.OutOfScope.DNs > 0 && len(desired.Groups) == 0:
		message, hint = "no row names a group in scope", "check the patterns of groups"
	case desired.OutOfScope.People > 0 && desired.OutOfScope.People == len(desired.People):
		column, message, hint = inEmail, "nobody in the CSV is in scope", "check the patterns of people"
	case desired.InvalidRows == desired.Rows:
		message = "no row is valid"
	case len(desired.Groups) == 0:
		message = "no row names a group"
	case !r.anyActive:
		column, message = inStatus, "nobody is active"
		if !r.everyoneActive && !r.headings[inStatus].own {
			hint = "only A means active; if other words do, " + r.headings.statusAdvice()
		}
	default:
		return nil
	}
	return &Error{Rows: desired.Findings, Finding: directory.Finding{
		Severity: directory.Error, Kind: directory.BadCSV, File: file, Column: r.headings[column].title,
		Message: message + "; refusing to continue, since that could only empty groups", Hint: hint,
	}}
}
