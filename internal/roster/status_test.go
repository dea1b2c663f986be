package roster_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/roster"
)

func quote(s string) string { return fmt.Sprintf("%q", s) }

// Under each title a word means active, inactive, or is not known.
func TestReadStatusWords(t *testing.T) {
	t.Parallel()
	const active, inactive, unknown = "active", "inactive", "unknown"
	for _, tt := range []struct {
		columns string
		want    map[string][]string
	}{
		{"", map[string][]string{
			active:   {"A", "a", " A ", "\u00a0a\t"},
			inactive: {"I", "T", "x", "Z", " d ", "Inactive", "TERMINATED", "Disabled", "False", "no", "Suspended", "deprovisioned", "Staged"},
			unknown: {
				"", " ", "0", "Active", "active", "True", "1", "Yes", "Enabled", "Aktiv", "А", "а", "A.", "AA", "A\u200b", "\ufeffA", "Ａ", "#REF!", "NULL", "N/A", "?", "2", "é", "on leave",
				"Locked out", "\u0130", "ſ", strings.Repeat("A", 5000),
			},
		}},
		{"status=Employee Status", map[string][]string{
			active:   {"A", "Active", "TRUE", "enabled", "1", "yes", "Y", "ACTIVE", "PROVISIONED", "Locked out", "PASSWORD_EXPIRED", " Recovery "},
			inactive: {"I", "Inactive", "False", "DISABLED", "0", "no", "N", "SUSPENDED", "Deprovisioned", "staged", "Terminated", "Archived", "deleted"},
			unknown:  {"", " ", "T", "X", "Aktiv", "А", "A.", "#REF!", "NULL", "2", "-1", "wahr", "on leave"},
		}},
		{"status=!Employee Status", map[string][]string{
			active:   {"False", "FALSE", "no", "N", "0", " false "},
			inactive: {"True", "yes", "Y", "1"},
			unknown:  {"", "A", "I", "Active", "Suspended", "Enabled", "falsch", "#REF!"},
		}},
	} {
		columns, err := roster.ParseColumns(tt.columns)
		if err != nil {
			t.Fatal(err)
		}
		known := map[string]string{"": "A", "status=Employee Status": "A", "status=!Employee Status": "0"}[tt.columns]
		for want, words := range tt.want {
			for _, word := range words {
				csv := header + fmt.Sprintf("z@x.y,,%s,CN=Dev\na@x.y,,\"%s\",CN=Ops\n", known, word)
				desired, err := roster.Read(strings.NewReader(csv), roster.Options{Columns: columns})
				if err != nil {
					t.Fatalf("%s, %.20q: %v", tt.columns, word, err)
				}
				got := map[directory.Status]string{directory.Active: active, directory.Inactive: inactive, directory.Unclear: unknown}[desired.People[0].Status]
				if got != want {
					t.Errorf("%s: %.20q is %s, want %s", tt.columns, word, got, want)
				}
				if (desired.InvalidRows == 1) != (want == unknown) || len(desired.Findings) != desired.InvalidRows {
					t.Errorf("%s: %.20q gives the findings %+v", tt.columns, word, desired.Findings)
				}
				if want == unknown && (desired.Findings[0].Kind != directory.UnknownStatus || len(desired.Findings[0].Message) > 800) {
					t.Errorf("%s: %.20q gives the finding %+v", tt.columns, word, desired.Findings[0])
				}
			}
		}
	}
}

// Following the hint about a word that may mean active has it read that way.
func TestReadWithTheHintOfAStatusTaken(t *testing.T) {
	t.Parallel()
	csv := header + "a@x.y,,A,CN=Ops\nb@x.y,,Active,CN=Ops\nc@x.y,,I,CN=Ops\nd@x.y,,,CN=Ops\n"
	desired := read(t, csv)
	same(t, "people before", people(desired), map[string]string{
		"a@x.y": "a a: active, named false", "b@x.y": `b b: unclear "Active", named false`, "c@x.y": "c c: inactive, named false", "d@x.y": `d d: unclear "", named false`,
	})
	_, columns, _ := strings.Cut(desired.Findings[0].Hint, `set columns to "`)
	columns = strings.TrimSuffix(columns, `"`)
	_, _, people, _, problems := readColumns(t, columns, csv)
	same(t, "people", people, map[string]string{
		"a@x.y": "a a: active, named false", "b@x.y": "b b: active, named false", "c@x.y": "c c: inactive, named false", "d@x.y": `d d: unclear "", named false`,
	})
	same(t, "findings", problems, []at{{5, status, true}})

	_, err := roster.Read(strings.NewReader(header+"a@x.y,,Active,CN=Ops\nb@x.y,,I,CN=Ops\n"), roster.Options{})
	var bad *roster.Error
	if !errors.As(err, &bad) || !strings.Contains(bad.Hint, "status=Employee Status") {
		t.Errorf("Read: %v; want a hint at columns", err)
	}
}

// TestReadWarnsOfAStatusThatIsNotRead: titles that say who is active, or who is
// not, and others that only begin like them.
func TestReadWarnsOfAStatusThatIsNotRead(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"Status": `"status=Status"`, "enabled": `"status=enabled"`, " Account_Status ": `"status=Account_Status"`, "accountEnabled": `"status=accountEnabled"`,
		"Is Active": `"status=Is Active"`, "EmployeeStatus": `"status=EmployeeStatus"`, "Suspended": `"status=!Suspended"`, "user-disabled": `"status=!user-disabled"`,
		"Marital Status": "", "Account Locker": "", "Activity": "", "State": "", "": "", strings.Repeat("_", 5000) + "status": "",
	} {
		desired, err := roster.Read(strings.NewReader("Email,Entitlement Display Name,"+title+"\na@x.y,CN=Ops,I\n"), roster.Options{})
		if err != nil {
			t.Fatal(err)
		}
		hint := ""
		for _, f := range desired.Findings {
			if f.Kind == directory.UnreadStatus {
				hint = f.Hint
			}
		}
		if (hint != "") != (want != "") || !strings.Contains(hint, "set columns to "+want) && want != "" {
			t.Errorf("%.60q: hint %q; want one with %q", title, hint, want)
		}
	}
}
