package roster_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/roster"
)

const (
	email       = "Email"
	entitlement = "Entitlement Display Name"
	status      = "Employee Status"
)

// keeps is what invalid rows hold back.
type keeps struct {
	Memberships, Users, Groups bool
	Members                    string // the groups whose members stay
	People                     string // who stays in all groups
}

func kept(desired *directory.Desired) keeps {
	k := keeps{Memberships: desired.KeepMemberships, Users: desired.KeepUsers, Groups: desired.KeepGroups}
	for _, group := range desired.Groups {
		if group.KeepMembers {
			k.Members += string(group.Name) + " "
		}
	}
	for _, person := range desired.People {
		if person.KeepMemberships {
			k.People += string(person.Email) + " "
		}
	}
	return k
}

type at struct {
	Line   int
	Column string
	BadRow bool
}

func TestReadHoldsBackWhatABadRowMayHaveStated(t *testing.T) {
	t.Parallel()
	const good = header + "a@x.y,,A,CN=Ops|CN=Dev\n"
	for name, tt := range map[string]struct {
		rows     string
		problems []at
		keeps    keeps
	}{
		"no email":          {",,A,CN=Ops\n", []at{{3, email, true}}, keeps{Users: true, Members: "ops "}},
		"a malformed one":   {"x,,A,CN=Ops|CN=New\n", []at{{3, email, true}}, keeps{Users: true, Members: "new ops "}},
		"inactive, no mail": {",,I,CN=Ops\n", []at{{3, email, true}}, keeps{Users: true, Members: "ops "}},
		"a DN that does not parse": {
			"b@x.y,,A,Ops\n", []at{{3, entitlement, true}}, keeps{Groups: true, People: "b@x.y "},
		},
		"a DN among others": {"b@x.y,,A,CN=Ops|zzz||CN=Dev\n", []at{{3, entitlement, true}}, keeps{Groups: true, People: "b@x.y "}},
		"two bad DNs":       {"b@x.y,,A,y|CN=Ops|z\n", []at{{3, entitlement, true}, {3, entitlement, true}}, keeps{Groups: true, People: "b@x.y "}},
		"a placeholder":     {"b@x.y,,A,NULL\n", []at{{3, entitlement, true}}, keeps{Groups: true, People: "b@x.y "}},
		"DNs joined by a comma": {
			"b@x.y,,A,\"CN=Ops,DC=x,CN=New,DC=x\"\n", []at{{3, entitlement, true}}, keeps{Groups: true, People: "b@x.y "},
		},
		"an invisible character": {"a\u200b@x.y,,A,CN=Ops\n", []at{{3, email, true}}, keeps{Users: true, Members: "ops "}},
		"a mark of another file": {"\ufeffa@x.y,,A,CN=Ops\n", []at{{3, email, true}}, keeps{Users: true, Members: "ops "}},
		"the same, in quotes":    {"\ufeff\"a@x.y\",,A,CN=Ops\n", []at{{3, email, true}}, keeps{Users: true, Members: "ops "}},
		"an unknown status":      {"b@x.y,,Aktiv,CN=Ops\n", []at{{3, status, true}}, keeps{}},
		"no status":              {"b@x.y,,,CN=Ops\n", []at{{3, status, true}}, keeps{}},
		"a group that only invalid rows name": {
			"b@x.y,,Aktiv,CN=Ops|CN=New\nc@x.y,,A,CN=New|zzz\n", []at{{3, status, true}, {4, entitlement, true}}, keeps{Groups: true, Members: "new ", People: "c@x.y "},
		},
		"an emptied group beside a DN that is not": {
			"b@x.y,,I,CN=Old\nc@x.y,,A,zzz\n", []at{{4, entitlement, true}}, keeps{Groups: true, Members: "old ", People: "c@x.y "},
		},
		"only separators": {"b@x.y,,A, | |\n", []at{{3, entitlement, false}}, keeps{}},
		"a control character": {
			"b@x.y,,A,\"CN=Ops\x01\"\n", []at{{3, entitlement, true}}, keeps{Groups: true, People: "b@x.y "},
		},
		"DNs joined by semicolons": {
			"b@x.y,,A,\"CN=Ops,DC=x; cn = New,DC=x\"\n", []at{{3, entitlement, true}}, keeps{Groups: true, People: "b@x.y "},
		},
		"a line break in a DN":       {"b@x.y,,A,\"CN=Ops,\nDC=x\"\n", []at{{3, entitlement, true}}, keeps{Groups: true, People: "b@x.y "}},
		"no group name":              {"b@x.y,,A,CN=1st\n", []at{{3, entitlement, true}}, keeps{Groups: true, People: "b@x.y "}},
		"a bad DN beside a good row": {"a@x.y,,A,CN=-\n", []at{{3, entitlement, true}}, keeps{Groups: true, People: "a@x.y "}},
		"an inactive person's DN":    {"b@x.y,,I,zzz\n", []at{{3, entitlement, true}}, keeps{Groups: true, People: "b@x.y "}},
		"both bad": {
			"x,,A,zzz|CN=Dev\n", []at{{3, entitlement, true}, {3, email, true}}, keeps{Memberships: true, Users: true, Groups: true, Members: "dev "},
		},
		"too few fields":          {"b@x.y,,A\n", []at{{3, entitlement, true}}, keeps{Memberships: true, Users: true, Groups: true}},
		"one field":               {"b@x.y\n", []at{{3, "User Display Name", true}}, keeps{Memberships: true, Users: true, Groups: true}},
		"too many fields":         {"b@x.y,,A,CN=Ops,DC=x\n", []at{{3, entitlement, true}}, keeps{Memberships: true, Users: true, Groups: true}},
		"no entitlement":          {"b@x.y,,A, \n", []at{{3, entitlement, false}}, keeps{}},
		"no entitlement, no mail": {",,A,\n", []at{{3, entitlement, false}, {3, email, true}}, keeps{Users: true}},
		"contradicted":            {"A@x.y,,I,CN=Ops\na@x.y,,A,CN=Ops\n", []at{{3, status, false}}, keeps{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desired := read(t, good+tt.rows)
			var problems []at
			bad := map[int]bool{}
			for _, p := range desired.Findings {
				problems = append(problems, at{p.Line, p.Column, p.Kind.InvalidRow()})
				if p.Kind.InvalidRow() {
					bad[p.Line] = true
				}
				if p.Message == "" {
					t.Errorf("line %d: no message", p.Line)
				}
			}
			same(t, "problems", problems, tt.problems)
			same(t, "held back", kept(desired), tt.keeps)
			same(t, "invalid rows", desired.InvalidRows, len(bad))
		})
	}
}

func TestReadUsesTheGoodPartOfABadRow(t *testing.T) {
	t.Parallel()
	desired := read(t, header+"b@x.y,,A,CN=Ops|zzz|CN=Dev\n,,A,CN=Lost\na@x.y,,A,CN=Ops\n")
	same(t, "memberships", memberships(desired), map[string]string{"ops": "a@x.y b@x.y", "dev": "b@x.y", "lost": ""})
}

func TestReadTellsTheLine(t *testing.T) {
	t.Parallel()
	desired := read(t, "\n"+header+ // 1, 2
		"a@x.y,\"Ann\nMary\nLee\",A,CN=Ops\n"+ // 3 to 5
		"\n"+ // 6
		"x,,A,CN=Ops\n"+ // 7
		"b@x.y,\"Bob\n\nRay\",A,\"CN=1\"\n"+ // 8 to 10: the DN is on the last
		"c@x.y,\"\n\",A\n"+ // 11 and 12
		"  \n"+ // 13
		",,\"A\n\",CN=Dev\r\n") // 14 and 15
	var problems []at
	for _, p := range desired.Findings {
		problems = append(problems, at{p.Line, p.Column, p.Kind.InvalidRow()})
	}
	same(t, "problems", problems, []at{{7, email, true}, {10, entitlement, true}, {11, entitlement, true}, {14, email, true}})
	same(t, "the name of the row over three lines", people(desired)["a@x.y"], "Ann Mary Lee: active, named true")
}

func TestReadRefusesTheFile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		csv  string
		line int
		says string
	}{
		"empty":                       {"", 0, "empty"},
		"nothing but a mark":          {"\ufeff", 0, "empty"},
		"nothing but line breaks":     {"\n\r\n\n", 0, "empty"},
		"header only":                 {header, 0, "no rows"},
		"nobody is active":            {header + "a@x.y,,I,CN=Ops\nb@x.y,,T,CN=Ops\n", 0, "nobody is active"},
		"Active in every row":         {header + "a@x.y,,Active,CN=Ops\nb@x.y,,Active,CN=Ops\n", 0, "no row is valid"},
		"Active beside inactive":      {header + "a@x.y,,Active,CN=Ops\nb@x.y,,I,CN=Ops\n", 0, "nobody is active"},
		"no valid email":              {header + "a,,A,CN=Ops\nb\u200b@x.y,,A,CN=Ops\n", 0, "no row is valid"},
		"one invalid part in each":    {header + "a,,A,CN=Ops\nb@x.y,,A,zzz|CN=Ops\nc@x.y,,?,CN=Ops\nd@x.y\n", 0, "no row is valid"},
		"no group in any row":         {header + "a@x.y,,A,\nb@x.y,,A, \n", 0, "no row names a group"},
		"only invalid DNs":            {header + "a@x.y,,A,zzz\n", 0, "no row is valid"},
		"only odd rows":               {header + "a@x.y,,A\n", 0, "no row is valid"},
		"no email column":             {"Mail,Entitlement Display Name\na@x.y,CN=Ops\n", 1, `missing column "Email"`},
		"no entitlement column":       {"Email,Entitlement\na@x.y,CN=Ops\n", 1, `missing column "Entitlement Display Name"`},
		"the email column twice":      {"Email,Entitlement Display Name, EMAIL\na@x.y,CN=Ops,\n", 1, "duplicate"},
		"the entitlement twice":       {"Email,Entitlement Display Name,entitlement display name\na@x.y,CN=Ops,\n", 1, "duplicate"},
		"the wrong separator":         {"Email|Entitlement Display Name\na@x.y|CN=Ops\n", 1, "missing column"},
		"a bare quote":                {header + "a@x.y,,A,CN=Ops\nb@x.y,B\"ob,A,CN=Ops\n", 3, "broken CSV at character"},
		"a quote that is not closed":  {header + "a@x.y,\"Ann,A,CN=Ops\nb@x.y,,A,CN=Ops\n", 3, "broken CSV at character"},
		"text after a quote":          {header + "a@x.y,\"Ann\"x,A,CN=Ops\n", 2, "broken CSV at character"},
		"a quote in the header":       {"Em\"ail,Entitlement Display Name\n", 1, "broken CSV at character"},
		"not UTF-8":                   {header + "a@x.y,,A,CN=Ops\nb@x.y,\"B\n\xfcrgen\",A,CN=Ops\n", 4, "not UTF-8"},
		"not UTF-8 in another column": {"Email,Entitlement Display Name,X\n\na@x.y,CN=Ops,\xe9\n", 3, "not UTF-8"},
		"not UTF-8 in the header":     {"Email,Entitlement Display Name,\xe9\na@x.y,CN=Ops,\n", 1, "not UTF-8"},
		"broken far into the file":    {header + strings.Repeat("a@x.y,,A,CN=Ops\n", 3000) + "a\"b\n", 3002, "broken CSV at character"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desired, err := roster.Read(strings.NewReader(tt.csv), roster.Options{})
			var bad *roster.Error
			if !errors.As(err, &bad) || desired != nil {
				t.Fatalf("Read = %v, %v; want a *roster.Error", desired, err)
			}
			if bad.Line != tt.line || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("line %d: %v; want line %d, %q", bad.Line, err, tt.line, tt.says)
			}
		})
	}
}

func TestReadTellsOfAFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, reader := range map[string]io.Reader{
		"at once":            iotest.ErrReader(errors.New("disk on fire")),
		"within a character": io.MultiReader(strings.NewReader(header+"a@x.y,\xc3"), iotest.ErrReader(errors.New("disk on fire"))),
		"later":              io.MultiReader(strings.NewReader(header+"a@x.y,,A,CN=Ops\n"), iotest.ErrReader(errors.New("disk on fire"))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := roster.Read(reader, roster.Options{})
			var bad *roster.Error
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), "disk on fire") {
				t.Errorf("Read = %v, want a *roster.Error that names the fire", err)
			}
		})
	}
}
