package roster_test

import (
	"errors"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/roster"
)

// refusal is the error of a file that cannot be used.
func refusal(t *testing.T, columns, delimiter, csv string) *roster.Error {
	t.Helper()
	var options roster.Options
	var bad *roster.Error
	var err error
	if options.Columns, err = roster.ParseColumns(columns); err != nil {
		t.Fatal(err)
	}
	if options.Delimiter, err = roster.ParseDelimiter(delimiter); err != nil {
		t.Fatal(err)
	}
	if _, err = roster.Read(strings.NewReader(csv), options); !errors.As(err, &bad) {
		t.Fatalf("Read: %v; want a *roster.Error", err)
	}
	return bad
}

func TestReadSaysHowToMendTheHeader(t *testing.T) {
	t.Parallel()
	const row = "a@x.y,CN=Ops\n"
	for name, tt := range map[string]struct{ columns, delimiter, csv, want string }{
		"another title": {
			"", "auto", "Mail,Entitlement Display Name\n" + row,
			`line 1: the column "Email" is missing; the file has: "Mail", "Entitlement Display Name"; if it has another title, name it: set columns to email=…,groups=…`,
		},
		"another title, and columns is set": {
			"email=Mail", "auto", "Mail,Groups\n" + row,
			`line 1: the column "Entitlement Display Name" is missing; the file has: "Mail", "Groups"; if it has another title, name it: add groups=… to columns`,
		},
		"a title of one's own": {
			"email=Post", "auto", "Mail,Entitlement Display Name\n" + row,
			`line 1: the column "Post" is missing; the file has: "Mail", "Entitlement Display Name"; columns gives this title: correct it there`,
		},
		"one that may be left out": {
			"active-directory", "auto", "EmailAddress,MemberOf,DisplayName\n" + row,
			`line 1: the column "Enabled" is missing; the file has: "EmailAddress", "MemberOf", "DisplayName"; columns gives this title: correct it there`,
		},
		"one column": {
			"", "auto", "Email|Entitlement Display Name\n" + row,
			`line 1: the column "Email" is missing; the file has: "Email|Entitlement Display Name"; if it has another title, name it: set columns to email=…,groups=…; or the fields are separated otherwise: save the file with commas between them`,
		},
		"one column by the delimiter that is given": {
			"", "semicolon", "Email,Entitlement Display Name\n" + row,
			`line 1: the column "Email" is missing; the file has: "Email,Entitlement Display Name"; if it has another title, name it: set columns to email=…,groups=…; or the fields are separated otherwise: correct delimiter, or leave it out`,
		},
		"lines as on an old Mac": {
			"", "auto", "Email,Entitlement Display Name\r" + row,
			`line 1: the column "Entitlement Display Name" is missing; the file has: "Email", "Entitlement Display Name\ra@x.y", "CN=Ops"; its lines end with a carriage return alone: save it with the line ends of Windows or Unix`,
		},
		"Excel's first line": {
			"", "auto", "sep=;\nEmail;Entitlement Display Name\na@x.y;CN=Ops\n", `line 1: the first line is Excel's "sep=" and not the titles: remove this line`,
		},
		"Excel's first line, with a comma": {
			"", "auto", "\ufeffSEP=,\r\nEmail,Entitlement Display Name\r\n" + row, `line 1: the first line is Excel's "sep=" and not the titles: remove this line`,
		},
		"PowerShell's first line": {
			"active-directory", "auto", "#TYPE Selected.Microsoft.ActiveDirectory.Management.ADUser\r\n\"EmailAddress\",\"MemberOf\"\r\n",
			"line 1: the first line is PowerShell's #TYPE and not the titles: remove this line, or export with -NoTypeInformation",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, "error", refusal(t, tt.columns, tt.delimiter, tt.csv).Error(), tt.want)
		})
	}
}

func TestReadTellsOfAllRowsOfAFileWithoutGroups(t *testing.T) {
	t.Parallel()
	const lead = "no row names a group that can be read, so the file is refused, since it would empty every group"
	for name, tt := range map[string]struct {
		csv, want string
		rows      []at
	}{
		"no row": {header, "no row names a group, so the file is refused, since it would empty every group", nil},
		"DNs without quotes": {
			header + "a@x.y,,A,CN=Ops,DC=x\nb@x.y,,A,CN=Ops,OU=x,DC=y\n",
			lead + "; line 2, Entitlement Display Name: the row has 5 fields where the header has 4 (a field that holds a comma must be in quotes): it is left out, and nothing is removed in this run",
			[]at{{2, entitlement, true}, {3, entitlement, true}},
		},
		"DNs without quotes, in the midst": {
			"Email,Entitlement Display Name,Site,Floor\na@x.y,CN=Ops,DC=x,Rome,2\n",
			lead + "; line 2, Entitlement Display Name: the row has 5 fields where the header has 4 (a field that holds a comma must be in quotes): it is left out, and nothing is removed in this run",
			[]at{{2, entitlement, true}},
		},
		"semicolons without quotes": {
			"Email;Entitlement Display Name\na@x.y;CN=Ops;x\n",
			lead + "; line 2, Entitlement Display Name: the row has 3 fields where the header has 2 (a field that holds a semicolon must be in quotes): it is left out, and nothing is removed in this run",
			[]at{{2, entitlement, true}},
		},
		"a field more in another column": {
			"Email,Entitlement Display Name,Name\na@x.y,Ops,Lee, Ann\n",
			lead + "; line 2, Name: the row has 4 fields where the header has 3 (a field that holds a comma must be in quotes): it is left out, and nothing is removed in this run",
			[]at{{2, "Name", true}},
		},
		"fields too few": {
			header + "a@x.y\n",
			lead + "; line 2, User Display Name: the row has 1 field where the header has 4 (a field is missing, or one that holds a line break is not in quotes): it is left out, and nothing is removed in this run",
			[]at{{2, "User Display Name", true}},
		},
		"the first bad row before others": {
			header + "a@x.y,,,\nb@x.y,,Active,Ops\n",
			lead + `; line 3, Entitlement Display Name: "Ops" is no DN: write it as CN=Ops; b@x.y is taken out of no group, and no group is deleted in this run`,
			[]at{{2, entitlement, false}, {2, status, false}, {3, entitlement, true}, {3, status, false}},
		},
		"no bad row": {
			header + "a@x.y,,A,\n", lead + "; line 2, Entitlement Display Name: a@x.y has an empty entitlement: the row names no group", []at{{2, entitlement, false}},
		},
		"lists that PowerShell did not write": {
			header + "a@x.y,,A,Microsoft.ActiveDirectory.Management.ADPropertyValueCollection \n",
			lead + `; line 2, Entitlement Display Name: "Microsoft.ActiveDirectory.Management.ADPropertyValueCollection" is what PowerShell writes in place of a list: join its items by | before the export; a@x.y is taken out of no group, and no group is deleted in this run`,
			[]at{{2, entitlement, true}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := refusal(t, "", "auto", tt.csv)
			same(t, "error", bad.Error(), tt.want)
			var rows []at
			for _, p := range bad.Rows {
				rows = append(rows, at{p.Line, p.Column, p.BadRow})
				if p.Message == "" {
					t.Errorf("line %d: no message", p.Line)
				}
			}
			same(t, "rows", rows, tt.rows)
			same(t, "the file's own problem", bad.Problem, directory.Problem{Column: entitlement, Message: strings.Split(tt.want, "; line ")[0]})
		})
	}
}

// Whoever masks e-mails would not know such a name for one.
func TestReadNamesNobodyInItsError(t *testing.T) {
	t.Parallel()
	for csv, want := range map[string]string{
		header + "Ann Lee,,A,Ops\n":    `line 2, Entitlement Display Name: "Ops" is no DN: write it as CN=Ops; *** is taken out of no group`,
		header + "\"Ann \\Lee\",,A,\n": `line 2, Email: "***" is no e-mail`,
	} {
		bad := refusal(t, "", "auto", csv)
		if text := bad.Error(); !strings.Contains(text, want) || strings.Contains(text, "Lee") {
			t.Errorf("%v; want %q", bad, want)
		}
		if !strings.Contains(bad.Rows[len(bad.Rows)-1].Message, "Ann") {
			t.Errorf("rows %+v", bad.Rows)
		}
	}
}
