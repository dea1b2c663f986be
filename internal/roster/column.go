package roster

import (
	"fmt"
	"slices"
	"strings"
)

// Where a narrow row, and all else that is kept by column, holds what.
const (
	inEmail = iota
	inEntitlements
	inName
	inStatus
)

// columns are the columns that are read: their titles in the standard export,
// and what Columns calls them. Nothing can be read without those that are
// required.
var columns = [...]struct {
	title, role string
	required    bool
}{
	inEmail:        {"Email", "email", true},
	inEntitlements: {"Entitlement Display Name", "groups", true},
	inName:         {"User Display Name", "name", false},
	inStatus:       {"Employee Status", "status", false},
}

// columnOf is the column of a role; -1 if there is none.
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

// row is what gocsv makes of one record. It takes structs only, whose tags
// would say all of columns once more.
type row struct{ Cells cells }

// UnmarshalCSVWithFields takes a cell: gocsv then sets no field by reflection,
// which costs it four allocations a row more than it takes with this.
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
	title string // empty: the file has none
	own   bool   // the title is the user's own
}

// headings are the columns to look for.
func (c Columns) headings() (all [len(columns)]heading) {
	for i, column := range columns {
		title, given := c[column.role]
		if !given {
			title = column.title
		}
		all[i] = heading{title: title, own: given}
	}
	return all
}

// locate finds the columns by name, case and outer blanks ignored.
func (t *table) locate() error {
	for c, heading := range t.headings {
		t.index[c] = -1
		if heading.title == "" {
			continue
		}
		for i, title := range t.header {
			if !strings.EqualFold(strings.TrimSpace(title), heading.title) {
				continue
			}
			if t.index[c] >= 0 {
				return fail(1, heading.title, "the column %q stands there twice: which one counts cannot be known", heading.title)
			}
			t.index[c] = i
		}
		if t.index[c] < 0 && (heading.own || columns[c].required) {
			return t.missing(c)
		}
	}
	return nil
}

// missing says that a column is not there, and what is likely to mend that.
func (t *table) missing(c int) error {
	title := t.headings[c].title
	switch first := strings.ToLower(strings.TrimSpace(t.header[0])); {
	case strings.HasPrefix(first, "sep="):
		return fail(1, title, `the first line is Excel's "sep=" and not the titles: remove this line`)
	case strings.HasPrefix(first, "#type "):
		return fail(1, title, "the first line is PowerShell's #TYPE and not the titles: remove this line, or export with -NoTypeInformation")
	}
	cure := "; if it has another title, name it: " + t.advice("email=…,groups=…", columns[c].role+"=…")
	if t.headings[c].own {
		cure = "; columns gives this title: correct it there"
	}
	if old := t.oldLines(); old != "" {
		cure = old
	} else if len(t.header) == 1 {
		cure += "; or the fields are separated otherwise: " + t.separation()
	}
	return fail(1, title, "the column %q is missing; the file has: %s%s", title, quoted(t.header), cure)
}

// separation says what to do about fields that are not separated. Without a
// given delimiter all were tried.
func (t *table) separation() string {
	if t.given != 0 {
		return "correct delimiter, or leave it out"
	}
	return "save the file with commas between them"
}

// advice says what to set columns to where it is not set yet, else what to add
// to it.
func (t *table) advice(whole, addition string) string {
	if slices.ContainsFunc(t.headings[:], func(h heading) bool { return h.own }) {
		return "add " + addition + " to columns"
	}
	return "set columns to " + whole
}

// statusAdvice says how to have the words of the standard status read as those
// of other directories.
func (t *table) statusAdvice() string {
	pair := fmt.Sprintf("%q", columns[inStatus].role+"="+columns[inStatus].title)
	return t.advice(pair, pair)
}

// oldLines is said where a file comes to nothing because all of it is one line.
func (t *table) oldLines() string {
	if !slices.ContainsFunc(t.header, func(title string) bool { return strings.Contains(title, "\r") }) {
		return ""
	}
	return "; its lines end with a carriage return alone: save it with the line ends of Windows or Unix"
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
