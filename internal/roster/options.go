package roster

import (
	"encoding/csv"
	"errors"
	"fmt"
	"strings"

	"xc-group-sync/internal/directory"
)

// Options describe how an export is written. The zero value is the standard
// export: its own titles, and the delimiter that its header shows.
type Options struct {
	Delimiter Delimiter
	Columns   Columns
	Names     *directory.Names // API names of groups by DN; nil: all are formed from the CN
	// GroupInScope and PersonInScope report whether a DN and a person count. The
	// GroupName of a DN is empty if none can be formed. Nil: all are in scope.
	GroupInScope  func(directory.DN) bool
	PersonInScope func(directory.Email) bool
	// Trace reports whether to keep the rows about a person. Nil: for nobody.
	Trace func(directory.Email) bool
}

// Delimiter separates the fields of a row: ',', ';' or a tab. The zero value
// detects it from the header: the first of them, in this order, with which the
// required columns are found.
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
		return 0, errors.New("must be auto, comma, semicolon or tab (a pipe separates the DNs within a field)")
	}
	return 0, errors.New("must be auto, comma, semicolon or tab")
}

// String returns the delimiter as messages name it.
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
// "groups", "name" and "status". The rest have their standard titles. A title
// given here must be in the file; an empty one says that the file has no such
// column. A "!" before the title of the status says that true in that column
// means not active.
//
// If the title of the status is given, its words are those that directories use.
// If the title of the groups is given, a semicolon separates DNs too:
// PowerShell's users join them that way, and no DN contains an unescaped one.
type Columns map[string]string

// presets returns ready Columns, by the names that directories give to what
// they hold.
func presets() map[string]Columns {
	return map[string]Columns{
		// The properties of Get-ADUser, as Export-Csv writes them.
		"active-directory": {"email": "EmailAddress", "groups": "MemberOf", "name": "DisplayName", "status": "Enabled"},
		// The properties of a user in Microsoft Graph, and of the portal's download.
		"entra-id": {"email": "mail", "groups": "memberOf", "name": "displayName", "status": "accountEnabled"},
		// The attributes of Okta's user profile, and the user's status.
		"okta": {"email": "email", "groups": "groups", "name": "displayName", "status": "status"},
	}
}

// ParseColumns reads WHAT=TITLE pairs, separated by commas, which may follow
// the name of a preset (active-directory, entra-id, okta) and override it. The
// text is one row of CSV: a pair whose title contains a comma must be quoted.
// An empty text is the standard export.
func ParseColumns(text string) (Columns, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.TrimLeadingSpace = true
	items, err := reader.Read()
	if err != nil || reader.InputOffset() < int64(len(text)) {
		return nil, errors.New(`must be one line such as email=Mail,groups=MemberOf,name=Name,status=Enabled; a pair with a comma in it must be quoted`)
	}
	own := Columns{}
	if preset, ok := presets()[strings.ToLower(strings.TrimSpace(items[0]))]; ok {
		own, items = preset, items[1:]
	}
	given := map[string]bool{}
	for _, item := range items {
		what, title, isPair := strings.Cut(item, "=")
		what, title = strings.ToLower(strings.TrimSpace(what)), strings.TrimSpace(title)
		switch {
		case !isPair || columnOf(what) < 0:
			meant := ""
			for _, column := range columns {
				if isPair && strings.TrimSuffix(what, "s") == strings.TrimSuffix(column.role, "s") {
					meant = "; did you mean " + column.role + "?"
				}
			}
			return nil, fmt.Errorf("%.60q must be email=…, groups=…, name=… or status=…, or start with active-directory, entra-id or okta%s", item, meant)
		case given[what]:
			return nil, fmt.Errorf("%s is given twice", what)
		case title == "" && columns[columnOf(what)].required:
			return nil, fmt.Errorf("%s must not be empty", what)
		case what == "status":
			if title, err = statusTitle(title); err != nil {
				return nil, err
			}
		}
		own[what], given[what] = title, true
	}
	return own, nil
}

// statusTitle checks the title of a column of statuses. Read the wrong way round,
// it would let in exactly the people who should be kept out.
func statusTitle(title string) (string, error) {
	if bare, not := strings.CutPrefix(title, "!"); not {
		if bare = strings.TrimSpace(bare); bare == "" {
			return "", errors.New("status=! must be followed by a title")
		}
		return "!" + bare, nil
	}
	if meansInactive(title) {
		return "", fmt.Errorf("status=%.60s says who is not active: must be status=!%.60s", title, title)
	}
	return title, nil
}
