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

// position is where the two fields of a row that can be invalid begin, in lines
// from 1.
type position struct {
	emailLine, entitlementsLine int
}

// How much of the file is held in memory: gocsv decodes slices fastest, but
// memory must not grow with the file.
const (
	batchRows  = 1024
	batchBytes = 1 << 20 // rows with more bytes than that are a batch
)

// table is the export, narrowed to the columns that are read. It is the
// gocsv.CSVReader from which gocsv decodes a batch of rows at a time.
type table struct {
	given    Delimiter // 0: the header shows it
	headings headings
	findings *findings

	text       *textReader
	csv        *csv.Reader
	header     []string
	headerLine int
	index      [len(columns)]int // of each column in header; -1 if absent

	titles    []string   // the header of rows
	rows      [][]string // the narrowed batch, its header first
	cells     []string   // backs rows
	positions []position // of rows[1:]

	records  int    // records after the header, so far
	count    int    // those of them that state something
	offset   int64  // bytes read before the row being read
	last     string // the last field that was read
	lastLine int    // where it begins
	eof      bool

	unreadable bool // after an error that trying another delimiter cannot fix
}

// newTable reads the header.
func newTable(export io.Reader, given Delimiter, headings headings, findings *findings) (*table, error) {
	text, err := decode(export)
	if err != nil {
		return nil, err
	}
	t := &table{text: newTextReader(text), given: given, headings: headings, findings: findings}
	for _, column := range columns {
		t.titles = append(t.titles, column.title)
	}
	delimiters := []Delimiter{',', ';', '\t'}
	if given != 0 {
		delimiters = []Delimiter{given}
	}
	export = t.text
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
	t.lastLine, t.last, t.offset = 0, "", 0
	t.csv = csv.NewReader(export)
	t.csv.Comma = rune(delimiter)
	t.csv.FieldsPerRecord = -1 // counted here: one odd row must not end the run
	t.csv.ReuseRecord = true
	header, err := t.record()
	t.header = slices.Clone(header)
	if errors.Is(err, io.EOF) {
		return fail(0, "", "export it again: its first line must contain the titles", "the file is empty")
	}
	if err != nil {
		return err
	}
	t.headerLine, _ = t.csv.FieldPos(0)
	return t.locate()
}

// record reads the next record, with any number of fields.
func (t *table) record() ([]string, error) {
	t.text.nextRow()
	record, err := t.csv.Read()
	if err == nil {
		line, _ := t.csv.FieldPos(0)
		size := t.csv.InputOffset() - t.offset
		if size > maxRow && size-int64(line-t.nextLine()) > maxRow { // blank lines before it belong to no row
			return nil, tooLong(line)
		}
		last := len(record) - 1
		t.offset, t.last = t.offset+size, record[last]
		t.lastLine, _ = t.csv.FieldPos(last)
		return record, nil
	}
	if errors.Is(err, io.EOF) {
		return nil, err
	}
	return nil, t.failure(err)
}

// failure says where and why reading the file failed.
func (t *table) failure(err error) error {
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		what := `a field with a " in it must be in quotes`
		if errors.Is(err, csv.ErrQuote) {
			what = `a quote is not closed, or followed by more text`
		}
		return fail(syntax.Line, "", `close every quote, and write a " within quotes twice`, "broken CSV at character %d of this line%s: %s", syntax.Column, startOf(syntax), what)
	}
	t.unreadable = true
	var unusable *Error
	switch {
	case errors.As(err, &unusable):
		return unusable
	case errors.Is(err, errLongRow):
		return tooLong(t.nextLine())
	}
	return fail(0, "", "", "could not read the file: %v", err)
}

// nextLine returns the line after the last record.
func (t *table) nextLine() int { return t.lastLine + strings.Count(t.last, "\n") + 1 }

func tooLong(line int) error {
	return fail(line, "", "look for a quote that is not closed", "%v", errLongRow)
}

func startOf(syntax *csv.ParseError) string {
	if syntax.StartLine == syntax.Line {
		return ""
	}
	return fmt.Sprintf(", in a row that begins on line %d", syntax.StartLine)
}

// ReadAll returns the next batch of rows, narrowed, under the standard titles.
// It makes table a gocsv.CSVReader. Rows with a wrong number of fields become
// findings instead.
func (t *table) ReadAll() ([][]string, error) {
	t.cells, t.positions = t.cells[:0], t.positions[:0]
	for start := t.offset; len(t.positions) < batchRows && t.offset-start < batchBytes && !t.eof; {
		record, err := t.record()
		if errors.Is(err, io.EOF) {
			t.eof = true
			break
		}
		if err != nil {
			return nil, err
		}
		t.records++
		if t.statesNothing(record) {
			continue
		}
		t.count++
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

// maxAround is more than the spaces and the byte-order mark around a repeated
// title take, in bytes: a longer cell, as nearly all are, is not a title.
const maxAround = 16

// statesNothing reports whether a record is not one of the export's rows: empty
// fields, which spreadsheets leave, a repeated header, where files were joined,
// or DOS's end-of-file character.
func (t *table) statesNothing(record []string) bool {
	first := record[min(t.index[inEmail], len(record)-1)]
	if first == "" || first[0] <= ' ' || first[0] >= 0x7f {
		if !slices.ContainsFunc(record, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			return true
		}
		if len(record) == 1 && strings.TrimSpace(first) == string(rune(substitute)) {
			return true
		}
	}
	if title := t.headings[inEmail].title; len(record) != len(t.header) || len(first) > len(title)+maxAround || !isTitle(first, title) {
		return false
	}
	for i, cell := range record {
		if cell != t.header[i] && !isTitle(cell, strings.TrimSpace(strings.TrimLeft(t.header[i], mark))) {
			return false
		}
	}
	return true
}

const quotedRow = "the row is one quoted field: a spreadsheet with another list separator saved it; use the original export"

// isQuotedRow reports whether a record is one field that holds a whole row.
func (t *table) isQuotedRow(record []string) bool {
	return len(record) == 1 && strings.ContainsRune(record[0], t.csv.Comma)
}

// miscounted adds the finding about a row with a wrong number of fields, which
// may have stated anything.
func (t *table) miscounted(record []string) {
	line, _ := t.csv.FieldPos(0)
	t.findings.invalidRow(line)
	t.findings.add(directory.FieldCount, func() directory.Finding {
		column, hint := t.header[min(len(record), len(t.header)-1)], "look for a missing field, or a line break in a field without quotes"
		switch {
		case t.isQuotedRow(record):
			hint = quotedRow
		case len(record) > len(t.header):
			hint = fmt.Sprintf("put fields that contain %s in quotes", Delimiter(t.csv.Comma))
			if at := t.index[inEntitlements]; strings.Contains(record[at], "=") { // it looks like the beginning of a DN
				column = t.header[at]
			}
		}
		return directory.Finding{
			Line: line, Column: column, Hint: hint,
			Message: fmt.Sprintf("expected %d fields, got %d; row skipped, nothing will be removed in this run", len(t.header), len(record)),
		}
	})
}
