package roster

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
)

// position is where the two fields of a row that can be bad begin, in lines from 1.
type position struct {
	emailLine, entitlementsLine int
}

// batchRows bounds how many rows are held at a time: gocsv decodes slices
// fastest, and memory must not grow with the file.
const batchRows = 1024

// table is the export, narrowed to the columns that are read. It is the
// gocsv.CSVReader from which gocsv decodes a batch of rows at a time.
type table struct {
	text      *checkedText
	csv       *csv.Reader
	header    []string
	given     Delimiter // 0: the header shows it
	headings  [len(columns)]heading
	titles    []string          // the header of rows
	index     [len(columns)]int // where each column stands; -1 if absent
	rows      [][]string        // the narrowed batch, its header first
	cells     []string          // backs rows
	positions []position        // of rows[1:]
	last      string            // the last field that was read
	lastLine  int               // where it begins
	problems  []directory.Problem
	eof       bool
	// unreadable holds after an error that is not about how fields are separated.
	unreadable bool
}

// newTable reads the header.
func newTable(r io.Reader, options Options) (*table, error) {
	t := &table{text: newCheckedText(r), given: options.Delimiter, headings: options.Columns.headings()}
	for _, column := range columns {
		t.titles = append(t.titles, column.title)
	}
	delimiters := []Delimiter{',', ';', '\t'}
	if options.Delimiter != 0 {
		delimiters = []Delimiter{options.Delimiter}
	}
	var export io.Reader = t.text
	var failure error // with the delimiter that finds the most columns
	found := -1
	for _, delimiter := range delimiters {
		var begun bytes.Buffer
		err := t.begin(io.TeeReader(export, &begun), delimiter)
		export = io.MultiReader(&begun, export)
		if err == nil {
			return t, t.begin(export, delimiter)
		}
		if t.unreadable {
			return nil, err
		}
		if len(t.header) > found {
			failure, found = err, len(t.header)
		}
	}
	return nil, failure
}

// begin reads the header with a delimiter, and finds the columns in it.
func (t *table) begin(export io.Reader, delimiter Delimiter) error {
	t.lastLine, t.last = 0, ""
	t.csv = csv.NewReader(export)
	t.csv.Comma = rune(delimiter)
	t.csv.FieldsPerRecord = -1 // counted here: one odd row must not end the run
	t.csv.ReuseRecord = true
	header, err := t.record()
	t.header = slices.Clone(header)
	if errors.Is(err, io.EOF) {
		return fail(0, "", "the file is empty")
	}
	if err != nil {
		return err
	}
	return t.locate()
}

// record reads the next record, whatever its number of fields.
func (t *table) record() ([]string, error) {
	t.text.nextRow()
	record, err := t.csv.Read()
	if err == nil {
		last := len(record) - 1
		t.lastLine, _ = t.csv.FieldPos(last)
		t.last = record[last]
		return record, nil
	}
	if errors.Is(err, io.EOF) {
		return nil, err
	}
	return nil, t.failure(err)
}

// failure says where and why the file cannot be read on.
func (t *table) failure(err error) error {
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		return fail(syntax.Line, "", "the CSV is broken at character %d of this line%s: %v", syntax.Column, begunIn(syntax), syntax.Err)
	}
	t.unreadable = true
	var noText *Error
	switch {
	case errors.As(err, &noText):
		return noText
	case errors.Is(err, errLongRow):
		return fail(t.lastLine+strings.Count(t.last, "\n")+1, "", "%v", err)
	}
	return fail(0, "", "the file cannot be read: %v", err)
}

func begunIn(syntax *csv.ParseError) string {
	if syntax.StartLine == syntax.Line {
		return ""
	}
	return fmt.Sprintf(", in a row that begins in line %d", syntax.StartLine)
}

// ReadAll is the next batch of rows, narrowed, under the standard titles.
// It makes table a gocsv.CSVReader. Rows with a wrong number of fields go to
// problems instead.
func (t *table) ReadAll() ([][]string, error) {
	t.cells, t.positions = t.cells[:0], t.positions[:0]
	for len(t.positions) < batchRows && !t.eof {
		record, err := t.record()
		if errors.Is(err, io.EOF) {
			t.eof = true
			break
		}
		if err != nil {
			return nil, err
		}
		if len(record) != len(t.header) {
			t.miscounted(record)
			continue
		}
		for _, i := range t.index {
			if i < 0 {
				t.cells = append(t.cells, "")
			} else {
				t.cells = append(t.cells, record[i])
			}
		}
		t.positions = append(t.positions, position{t.line(inEmail), t.line(inEntitlements)})
	}
	t.rows = append(t.rows[:0], t.titles)
	for i := range t.positions {
		t.rows = append(t.rows, t.cells[i*len(columns):(i+1)*len(columns)])
	}
	return t.rows, nil
}

// Read is not used: gocsv decodes whole batches.
func (t *table) Read() ([]string, error) { return nil, io.EOF }

func (t *table) line(column int) int {
	line, _ := t.csv.FieldPos(t.index[column])
	return line
}

func (t *table) miscounted(record []string) {
	if len(record) == 1 && strings.TrimSpace(record[0]) == "" {
		return // a line of blanks states nothing
	}
	line, _ := t.csv.FieldPos(0)
	column, hint := t.header[min(len(record), len(t.header)-1)], "a field is missing, or one that holds a line break is not in quotes"
	if len(record) > len(t.header) {
		hint = fmt.Sprintf("a field that holds %s must be in quotes", Delimiter(t.csv.Comma))
		if at := t.index[inEntitlements]; strings.Contains(record[at], "=") { // it looks like the beginning of a DN
			column = t.header[at]
		}
	}
	t.problems = append(t.problems, directory.Problem{Line: line, Column: column, BadRow: true,
		Message: fmt.Sprintf("the row has %s where the header has %d (%s): it is left out, and nothing is removed in this run",
			count(len(record), "field", "fields"), len(t.header), hint)})
}
