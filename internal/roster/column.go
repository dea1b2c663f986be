package roster

import (
	"fmt"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
)

// The indexes of a narrowed row, and of everything else that has one entry per
// column.
const (
	inEmail = iota
	inEntitlements
	inName
	inStatus
)

// columns are the columns that are read: their titles in the standard export, and
// their names in Columns. The required ones must be in the file.
var columns = [...]struct {
	title, role string
	required    bool
}{
	inEmail:        {"Email", "email", true},
	inEntitlements: {"Entitlement Display Name", "groups", true},
	inName:         {"User Display Name", "name", false},
	inStatus:       {"Employee Status", "status", false},
}

// columnOf returns the column with a role; -1 if there is none.
func columnOf(role string) int {
	for c := range columns {
		if columns[c].role == role {
			return c
		}
	}
	return -1
}

// cells are one record, narrowed.
type cells [len(columns)]string

// row is what gocsv makes of one record. It takes structs only, and their tags
// would repeat all of columns.
type row struct{ Cells cells }

// UnmarshalCSVWithFields takes a cell. So gocsv sets no field by reflection,
// which would cost four more allocations per row.
func (r *row) UnmarshalCSVWithFields(title, cell string) error {
	for c := range columns {
		if columns[c].title == title {
			r.Cells[c] = cell
			break
		}
	}
	return nil
}

// heading is a column to look for.
type heading struct {
	title string // empty: the file has no such column
	own   bool   // the title is the user's own
	not   bool   // true in the column means not active
}

// headings are the columns to look for.
type headings [len(columns)]heading

func (c Columns) headings() (all headings) {
	for i, column := range columns {
		title, given := c[column.role]
		if !given {
			title = column.title
		}
		not := false
		if given && i == inStatus {
			title, not = strings.CutPrefix(title, "!")
		}
		all[i] = heading{title: title, own: given, not: not}
	}
	return all
}

// isTitle reports whether a cell is a title, ignoring case, surrounding spaces
// and a byte-order mark.
func isTitle(cell, title string) bool {
	return strings.EqualFold(strings.TrimSpace(strings.TrimLeft(cell, mark)), title)
}

// locate finds the columns by name.
func (t *table) locate() error {
	for c, heading := range t.headings {
		t.index[c] = -1
		if heading.title == "" {
			continue
		}
		for i, cell := range t.header {
			if !isTitle(cell, heading.title) {
				continue
			}
			if t.index[c] >= 0 {
				return fail(t.headerLine, "", "rename one of the two, or remove it from the export", "duplicate column %q", directory.Quotable(heading.title))
			}
			t.index[c] = i
		}
		if t.index[c] < 0 && (heading.own || columns[c].required) {
			return t.missing(c)
		}
	}
	return nil
}

// maxTitles limits a list of titles in a message.
const maxTitles = 30

// missing returns the error about a column that is not there, and what is
// likely to help.
func (t *table) missing(c int) error {
	title := t.headings[c].title
	switch first := strings.ToLower(strings.TrimSpace(t.header[0])); {
	case strings.HasPrefix(first, "sep="):
		return fail(t.headerLine, title, "remove the first line", `the first line is Excel's "sep=", not the titles`)
	case strings.HasPrefix(first, "#type "):
		return fail(t.headerLine, title, "remove the first line, or export with -NoTypeInformation", "the first line is PowerShell's #TYPE, not the titles")
	}
	var absent []string // of the columns that are required, or seem to be there under another title
	for i, heading := range t.headings {
		wanted := columns[i].required || i == inStatus && slices.ContainsFunc(t.header, looksLikeStatus)
		if wanted && !slices.ContainsFunc(t.header, func(cell string) bool { return isTitle(cell, heading.title) }) {
			absent = append(absent, columns[i].role+"=…")
		}
	}
	hint := "if it has another title, " + t.headings.advice(strings.Join(absent, ","), columns[c].role+"=…")
	if t.headings[c].own {
		hint = "correct the title in columns"
	}
	switch {
	case t.isQuotedRow(t.header):
		hint = quotedRow
	case len(t.header) == 1:
		hint += "; if the file has another delimiter, " + t.delimiterAdvice() + "; if there are lines above the titles, remove them"
	}
	return fail(t.headerLine, "", hint, "missing column %q (the file has %s)", directory.Quotable(title), directory.List(t.header, maxTitles, func(title string) string { return fmt.Sprintf("%.60q", title) }))
}

// delimiterAdvice says what to do about fields that are not separated. Unless
// delimiter was set, all delimiters were tried.
func (t *table) delimiterAdvice() string {
	if t.given != 0 {
		return "correct or remove the delimiter setting"
	}
	return "save the file with commas"
}

// advice says what to set columns to or, if it is set already, what to add to it.
func (h headings) advice(whole, addition string) string {
	if slices.ContainsFunc(h[:], func(column heading) bool { return column.own }) {
		return "add " + addition + " to columns"
	}
	return "set columns to " + whole
}

// statusAdvice says how to have the standard status column read in the words that
// directories use.
func (h headings) statusAdvice() string {
	pair := fmt.Sprintf("%q", columns[inStatus].role+"="+columns[inStatus].title)
	return h.advice(pair, pair)
}
