package roster

import (
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
)

// Options say how an export is written. The zero value is the standard export:
// its own titles, and the delimiter that its header shows.
type Options struct {
	Delimiter Delimiter
	Columns   Columns
}

// Delimiter is what separates the fields of a row: ',', ';' or a tab. The zero
// value leaves it to the header: it is the first of them, in this order, with
// which the required columns are found.
type Delimiter rune

// ParseDelimiter reads "auto", "comma", "semicolon" or "tab", or the character
// itself.
func ParseDelimiter(text string) (Delimiter, error) {
	switch strings.ToLower(text) {
	case "auto":
		return 0, nil
	case "comma", ",":
		return ',', nil
	case "semicolon", ";":
		return ';', nil
	case "tab", "\t", `\t`:
		return '\t', nil
	case "pipe", "|":
		return 0, errors.New("a pipe separates the DNs within a field; wanted is auto, comma, semicolon, tab")
	}
	return 0, errors.New("wanted is auto, comma, semicolon, tab")
}

// String is the delimiter as a sentence names it.
func (d Delimiter) String() string {
	switch d {
	case ',':
		return "a comma"
	case ';':
		return "a semicolon"
	case '\t':
		return "a tab"
	}
	return "the delimiter that the header shows"
}

// Columns are titles of an export's columns by what they hold: "email",
// "groups", "name" and "status". What is not in it goes by its standard title.
// A title that is given must be in the file; an empty one says that the file
// has no such column.
//
// Where the title of the status is given, its words are known ones (see
// ParseColumns), and where that of the groups is, a semicolon too separates
// DNs: that is how PowerShell's users join them, and no DN holds a bare one.
type Columns map[string]string

// sets are ready Columns, by the names that the directories give to what they
// hold.
func sets() map[string]Columns {
	return map[string]Columns{
		// The properties of Get-ADUser, as Export-Csv writes them.
		"active-directory": {"email": "EmailAddress", "groups": "MemberOf", "name": "DisplayName", "status": "Enabled"},
		// The properties of a user in Microsoft Graph, and of the portal's download.
		"entra-id": {"email": "mail", "groups": "memberOf", "name": "displayName", "status": "accountEnabled"},
		// The attributes of Okta's user profile, and the user's status.
		"okta": {"email": "email", "groups": "groups", "name": "displayName", "status": "status"},
	}
}

// ParseColumns reads what=title pairs, separated by commas, after the name of a
// ready set (active-directory, entra-id, okta) or without one; they go before
// the set's. It is one row of CSV: a pair whose title holds a comma stands in
// quotes. An empty text is the standard export.
func ParseColumns(text string) (Columns, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.TrimLeadingSpace = true
	items, err := reader.Read()
	if err != nil || reader.InputOffset() < int64(len(text)) {
		return nil, errors.New(`wanted is one line such as email=Mail,groups=MemberOf,name=Name,status=Enabled; a pair with a comma in it stands in quotes`)
	}
	own := Columns{}
	if set, ok := sets()[strings.ToLower(strings.TrimSpace(items[0]))]; ok {
		own, items = set, items[1:]
	}
	given := map[string]bool{}
	for _, item := range items {
		what, title, isPair := strings.Cut(item, "=")
		what, title = strings.ToLower(strings.TrimSpace(what)), strings.TrimSpace(title)
		switch {
		case !isPair || columnOf(what) < 0:
			return nil, fmt.Errorf("%.60q is none of email=…, groups=…, name=…, status=…, nor at the beginning active-directory, entra-id or okta", item)
		case given[what]:
			return nil, fmt.Errorf("%s is given twice", what)
		case title == "" && columns[columnOf(what)].required:
			return nil, fmt.Errorf("%s cannot be left out", what)
		}
		own[what], given[what] = title, true
	}
	return own, nil
}
