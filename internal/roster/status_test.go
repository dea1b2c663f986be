package roster_test

import (
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/roster"
)

func TestReadWarnsOncePerWordThatMayMeanActive(t *testing.T) {
	t.Parallel()
	const active, empty = `; if it means active, set columns to "status=Employee Status"`, `; to leave such people as they are, set columns to "status=Employee Status"`
	const since = " counts as inactive, since only A is active under the standard titles "
	for name, tt := range map[string]struct {
		columns, csv string
		want         []directory.Problem
	}{
		"what is meant as it is read": {"", header + "a@x.y,,A,CN=Ops\nb@x.y,, a ,CN=Ops\nc@x.y,,I,CN=Ops\nd@x.y,,T,CN=Ops\ne@x.y,,Inactive,CN=Ops\nf@x.y,,on leave,CN=Ops\n", nil},
		"no status at all":            {"", "Email,Entitlement Display Name\na@x.y,CN=Ops\n", nil},
		"words of one's own":          {"status=Employee Status", header + "a@x.y,,Active,CN=Ops\nb@x.y,,yes,CN=Ops\n", nil},
		"one person": {"", header + "a@x.y,,A,CN=Ops\nb@x.y,,Active,CN=Ops\nB@x.y,,Active,CN=Dev\n", []directory.Problem{
			{Line: 3, Column: status, Message: `"Active"` + since + "(1 person)" + active},
		}},
		"a word in several spellings, the smallest is shown": {"", header + "a@x.y,,active,CN=Ops\nb@x.y,,ACTIVE,CN=Ops\nc@x.y,, Active ,CN=Ops\nd@x.y,,A,CN=Ops\n", []directory.Problem{
			{Line: 2, Column: status, Message: `"ACTIVE"` + since + "(3 people)" + active},
		}},
		"every word": {"", header + "z@x.y,,A,CN=Ops\na@x.y,,True,CN=Ops\nb@x.y,,1,CN=Ops\nc@x.y,,yes,CN=Ops\nd@x.y,,Enabled,CN=Ops\ne@x.y,,Locked out,CN=Ops\na@x.y,,1,CN=Ops\n", []directory.Problem{
			{Line: 3, Column: status, Message: `"True"` + since + "(1 person)" + active},
			{Line: 4, Column: status, Message: `"1"` + since + "(2 people)" + active},
			{Line: 5, Column: status, Message: `"yes"` + since + "(1 person)" + active},
			{Line: 6, Column: status, Message: `"Enabled"` + since + "(1 person)" + active},
			{Line: 7, Column: status, Message: `"Locked out"` + since + "(1 person)" + active},
		}},
		"nothing": {"", header + "z@x.y,,A,CN=Ops\na@x.y,,,CN=Ops\nb@x.y,, ,CN=Ops\n", []directory.Problem{
			{Line: 3, Column: status, Message: "an empty status" + since + "(2 people)" + empty},
		}},
		"beside other columns of one's own": {"groups=G", "Email,G,Employee Status\na@x.y,CN=Ops,true\n", []directory.Problem{
			{Line: 2, Column: status, Message: `"true"` + since + `(1 person); if it means active, add "status=Employee Status" to columns`},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			columns, err := roster.ParseColumns(tt.columns)
			if err != nil {
				t.Fatal(err)
			}
			desired, err := roster.Read(strings.NewReader(tt.csv), roster.Options{Columns: columns})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "problems", desired.Problems, tt.want)
			same(t, "held back", kept(desired), keeps{})
		})
	}
}

// The advice of the warnings, taken.
func TestReadWithTheAdviceOfAWordTaken(t *testing.T) {
	t.Parallel()
	csv := header + "a@x.y,,A,CN=Ops\nb@x.y,,Active,CN=Ops\nc@x.y,,I,CN=Ops\nd@x.y,,,CN=Ops\n"
	same(t, "people before", people(read(t, csv)), map[string]string{
		"a@x.y": "a a: active, named false", "b@x.y": "b b: inactive, named false", "c@x.y": "c c: inactive, named false", "d@x.y": "d d: inactive, named false",
	})
	_, _, people, _, problems := readColumns(t, "status=Employee Status", csv)
	same(t, "people", people, map[string]string{
		"a@x.y": "a a: active, named false", "b@x.y": "b b: active, named false", "c@x.y": "c c: inactive, named false", "d@x.y": `d d: unclear "", named false`,
	})
	same(t, "problems", problems, []at{{5, status, true}})
}
