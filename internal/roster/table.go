package roster

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"xc-group-sync/internal/directory"
)

// The columns that are read, by the names that the export gives them.
const (
	columnEmail        = "Email"
	columnEntitlements = "Entitlement Display Name"
	columnName         = "User Display Name"
	columnStatus       = "Employee Status"
)

// columns are the names in the order in which narrow rows hold them. The
// tags of row repeat them for gocsv.
var columns = [...]string{columnEmail, columnEntitlements, columnName, columnStatus}

// required counts the columns, from the first, without which nothing can be read.
const required = 2

// row is what gocsv makes of one record.
type row struct {
	Email        string `csv:"Email"`
	Entitlements string `csv:"Entitlement Display Name"`
	Name         string `csv:"User Display Name"`
	Status       string `csv:"Employee Status"`
}

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
	csv       *csv.Reader
	header    []string
	index     [len(columns)]int // where each column stands; -1 if absent
	rows      [][]string        // the narrowed batch, its header first
	cells     []string          // backs rows
	positions []position        // of rows[1:]
	problems  []directory.Problem
	eof       bool
}

func newTable(r io.Reader) (*table, error) {
	reader := csv.NewReader(decoded(r))
	reader.FieldsPerRecord = -1 // counted here: one odd row must not end the run
	reader.ReuseRecord = true
	t := &table{csv: reader}
	header, err := t.record()
	if errors.Is(err, io.EOF) {
		return nil, fail(0, "", "the file is empty")
	}
	if err != nil {
		return nil, err
	}
	t.header = slices.Clone(header)
	return t, t.locate()
}

// decoded strips a byte-order mark, and turns UTF-16 into UTF-8 where the mark
// says so.
func decoded(r io.Reader) io.Reader {
	buffered := bufio.NewReaderSize(r, 1<<16)
	mark, _ := buffered.Peek(3) // a shorter file has no mark, and its error comes back on the next read
	switch {
	case len(mark) == 3 && string(mark) == "\xef\xbb\xbf":
		_, _ = buffered.Discard(3)
	case len(mark) >= 2 && (string(mark[:2]) == "\xff\xfe" || string(mark[:2]) == "\xfe\xff"):
		return transform.NewReader(buffered, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder())
	}
	return buffered
}

// locate finds the columns by name, case and outer blanks ignored.
func (t *table) locate() error {
	for c, name := range columns {
		t.index[c] = -1
		for i, title := range t.header {
			if !strings.EqualFold(strings.TrimSpace(title), name) {
				continue
			}
			if t.index[c] >= 0 {
				return fail(1, name, "the column %q stands there twice: which one counts cannot be known", name)
			}
			t.index[c] = i
		}
		if t.index[c] < 0 && c < required {
			return fail(1, name, "the column %q is missing; the file has: %s", name, quoted(t.header))
		}
	}
	return nil
}

// shownColumns bounds a list of column names in a message.
const shownColumns = 30

func quoted(titles []string) string {
	var b strings.Builder
	for i, title := range titles {
		if i == shownColumns {
			fmt.Fprintf(&b, " and %d more", len(titles)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.60q", title)
	}
	return b.String()
}

// record reads the next record, whatever its number of fields.
func (t *table) record() ([]string, error) {
	record, err := t.csv.Read()
	var syntax *csv.ParseError
	switch {
	case errors.As(err, &syntax):
		return nil, fail(syntax.Line, "", "the CSV is broken at character %d of this line: %v", syntax.Column, syntax.Err)
	case errors.Is(err, io.EOF):
		return nil, err
	case err != nil:
		return nil, fail(0, "", "the file cannot be read: %v", err)
	}
	for i, field := range record {
		if !utf8.ValidString(field) {
			line, column := t.csv.FieldPos(i)
			return nil, fail(line, "", "the text at character %d of this line is not UTF-8: save the export as UTF-8, or as UTF-16 with a byte-order mark", column)
		}
	}
	return record, nil
}

// ReadAll is the next batch of rows, narrowed, under the columns' own names.
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
		t.positions = append(t.positions, position{t.line(0), t.line(1)})
	}
	t.rows = append(t.rows[:0], columns[:])
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
	column := t.header[min(len(record), len(t.header)-1)]
	t.problems = append(t.problems, directory.Problem{Line: line, Column: column, BadRow: true,
		Message: fmt.Sprintf("the row has %d fields where the header has %d: it is left out, and nothing is removed in this run", len(record), len(t.header))})
}
