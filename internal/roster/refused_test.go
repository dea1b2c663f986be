package roster_test

import (
	"errors"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/roster"
)

// refusal returns the error of a file that cannot be used.
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
	if bad.Kind != directory.BadCSV || bad.Severity != directory.Error {
		t.Errorf("the error is a finding %+v", bad.Finding)
	}
	return bad
}

func TestReadSaysHowToCorrectTheHeader(t *testing.T) {
	t.Parallel()
	const row = "a@x.y,CN=Ops\n"
	for name, tt := range map[string]struct{ columns, delimiter, csv, says, hint string }{
		"another title":                     {"", "auto", "Mail,Entitlement Display Name\n" + row, `"Mail", "Entitlement Display Name"`, "set columns to email=…"},
		"another title, and columns is set": {"email=Mail", "auto", "Mail,Groups\n" + row, `"Mail", "Groups"`, "add groups=… to columns"},
		"a title of one's own":              {"email=Post", "auto", "Mail,Entitlement Display Name\n" + row, `"Post"`, "correct the title in columns"},
		"one that may be left out":          {"active-directory", "auto", "EmailAddress,MemberOf,DisplayName\n" + row, `"Enabled"`, "correct the title in columns"},
		"one with a !":                      {"status=!Suspended", "auto", "Email,Entitlement Display Name\n" + row, `"Suspended"`, "correct the title in columns"},
		"one column":                        {"", "auto", "Email|Entitlement Display Name\n" + row, `"Email|Entitlement Display Name"`, "save the file with commas"},
		"the wrong delimiter":               {"", "semicolon", "Email,Entitlement Display Name\n" + row, `"Email,Entitlement Display Name"`, "delimiter"},
		"Excel's first line":                {"", "auto", "sep=;\nEmail;Entitlement Display Name\na@x.y;CN=Ops\n", "Excel", "remove the first line"},
		"Excel's first line, with a comma":  {"", "auto", "\ufeffSEP=,\r\nEmail,Entitlement Display Name\r\n" + row, "Excel", "remove the first line"},
		"PowerShell's first line":           {"active-directory", "auto", "#TYPE Selected.ADUser\r\n\"EmailAddress\",\"MemberOf\"\r\n", "PowerShell", "-NoTypeInformation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := refusal(t, tt.columns, tt.delimiter, tt.csv)
			if bad.Line != 1 || !strings.Contains(bad.Message, tt.says) || !strings.Contains(bad.Hint, tt.hint) {
				t.Errorf("line %d: %s; hint: %s; want %q and %q", bad.Line, bad.Message, bad.Hint, tt.says, tt.hint)
			}
		})
	}
}

func TestReadNamesWhatIsNotACSV(t *testing.T) {
	t.Parallel()
	utf16 := "\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00"
	for text, want := range map[string]string{
		"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00":   "Excel",
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00": "Excel",
		"<!DOCTYPE html>\n<html lang=\"en\">":      "HTML",
		"\ufeff\r\n <HTML><body>":                  "HTML",
		utf16:                                      "HTML",
		"<?xml version=\"1.0\"?><users/>":          "XML",
		"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n": "Git LFS",
		"dn: CN=Ops,DC=x\nchangetype: add\nmember: CN=Ann,DC=x\n":                   "LDIF",
		"dn:CN=Ops,DC=x\nobjectClass: group\n":                                      "LDIF",
		"version: 1\n\ndn:: Q049T3Bz\n":                                             "LDIF",
		"# extended LDIF\n#\n# LDAPv3\n":                                            "LDIF",
		"[{\"email\": \"a@x.y\"}]":                                                  "JSON",
		"%PDF-1.7\n%\xe2\xe3":                                                       "PDF",
		"\x1f\x8b\x08\x00\x00":                                                      "gzip",
	} {
		bad := refusal(t, "", "auto", text)
		if !strings.Contains(bad.Message, want) || bad.Hint == "" {
			t.Errorf("%.20q: %s; hint: %s; want %s named", text, bad.Message, bad.Hint, want)
		}
	}
	// A CSV that merely begins like one of them.
	if desired := read(t, "version,Email,Entitlement Display Name\n1,a@x.y,CN=Ops\n"); len(desired.People) != 1 {
		t.Error("a column called version is lost")
	}
}

func TestReadReportsAllRowsOfAFileItRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		csv, hint string // of the first row
		rows      []at
	}{
		"no row": {header, "", nil},
		"DNs without quotes": {
			header + "a@x.y,,A,CN=Ops,DC=x\nb@x.y,,A,CN=Ops,OU=x,DC=y\n", "a comma in quotes", []at{{2, entitlement, true}, {3, entitlement, true}},
		},
		"DNs without quotes, in the midst": {"Email,Entitlement Display Name,Site,Floor\na@x.y,CN=Ops,DC=x,Rome,2\n", "a comma in quotes", []at{{2, entitlement, true}}},
		"semicolons without quotes":        {"Email;Entitlement Display Name\na@x.y;CN=Ops;x\n", "a semicolon in quotes", []at{{2, entitlement, true}}},
		"a field more in another column":   {"Email,Entitlement Display Name,Name\na@x.y,Ops,Lee, Ann\n", "a comma in quotes", []at{{2, "Name", true}}},
		"fields too few":                   {header + "a@x.y\n", "missing field", []at{{2, "User Display Name", true}}},
		"several": {
			header + "a@x.y,,,\nb@x.y,,Active,Ops\n", "", []at{{2, entitlement, false}, {2, status, true}, {3, entitlement, true}, {3, status, true}},
		},
		"no group": {header + "a@x.y,,A,\n", "", []at{{2, entitlement, false}}},
		"lists that PowerShell did not join": {
			header + "a@x.y,,A,Microsoft.ActiveDirectory.Management.ADPropertyValueCollection \n", "-join", []at{{2, entitlement, true}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := refusal(t, "", "auto", tt.csv)
			var rows []at
			for i, p := range bad.Rows {
				rows = append(rows, at{p.Line, p.Column, p.Kind.InvalidRow()})
				if p.Message == "" || i == 0 && !strings.Contains(p.Hint, tt.hint) {
					t.Errorf("line %d: %s; hint: %s; want %q", p.Line, p.Message, p.Hint, tt.hint)
				}
			}
			same(t, "rows", rows, tt.rows)
			same(t, "column", bad.Column, entitlement)
			if !strings.Contains(bad.Message, "refusing") {
				t.Errorf("message %q", bad.Message)
			}
		})
	}
}

// A cell in place of an email must be found in the message to be masked there.
func TestSubjectsStandInTheirMessages(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 200)
	rows := "a@x.y,,A,CN=Ops\nAnn Lee,,A,Ops\n\"Ann \\Lee\",,A,\n" + long + ",,A,zzz\nB@x.y,,?,CN=Ops\nb@x.y,,A,\n“b@x.y”,,A,CN=Ops\nA@x.y,,I,\n"
	n := 0
	for _, finding := range read(t, header+rows).Findings {
		if finding.Subject == "" {
			t.Errorf("%q has no subject", finding.Message)
		}
		if quoted := strings.Trim(quote(finding.Subject), `"`); !strings.Contains(finding.Message, quoted) {
			t.Errorf("%q does not contain %s", finding.Message, quoted)
		}
		if strings.Contains(finding.Hint, "Lee") || len(finding.Message) > 1000 {
			t.Errorf("%q; hint: %q", finding.Message, finding.Hint)
		}
		n++
	}
	same(t, "findings", n, 11)
}
