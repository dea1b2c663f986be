package roster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/roster"
)

const header = "Email,User Display Name,Employee Status,Entitlement Display Name\n"

// read reads a roster that must be good.
func read(t *testing.T, csv string) *directory.Desired {
	t.Helper()
	desired, err := roster.Read(strings.NewReader(csv), roster.Options{})
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return desired
}

// memberships is each group's members.
func memberships(desired *directory.Desired) map[string]string {
	groups := map[string]string{}
	for _, group := range desired.Groups {
		var members []string
		for _, person := range group.Members {
			members = append(members, string(person.Email))
		}
		groups[string(group.Name)] = strings.Join(members, " ")
	}
	return groups
}

// people is what is known of each person.
func people(desired *directory.Desired) map[string]string {
	all := map[string]string{}
	for _, p := range desired.People {
		status := [...]string{"active", "inactive", "contradicted", fmt.Sprintf("unclear %q", p.StatusWord)}[p.Status]
		all[string(p.Email)] = fmt.Sprintf("%s %s: %s, named %v", p.Name.First, p.Name.Last, status, p.Named)
	}
	return all
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestReadMemberships(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		csv  string
		want map[string]string
	}{
		"a row": {header + "a@x.y,Ann Lee,A,CN=Ops\n", map[string]string{"ops": "a@x.y"}},
		"several groups a row": {
			header + "a@x.y,,A,\"CN=Ops,DC=x|CN=Dev,DC=x | CN=Net\"\n",
			map[string]string{"ops": "a@x.y", "dev": "a@x.y", "net": "a@x.y"},
		},
		"a group twice in a row": {header + "a@x.y,,A,CN=Ops|cn=ops\n", map[string]string{"ops": "a@x.y"}},
		"an escaped pipe":        {header + `a@x.y,,A,CN=a\|b|CN=c` + "\n", map[string]string{"a-b": "a@x.y", "c": "a@x.y"}},
		"a pipe in hexadecimal":  {header + `a@x.y,,A,CN=a\7Cb|CN=c` + "\n", map[string]string{"a-b": "a@x.y", "c": "a@x.y"}},
		"backslash, then a pipe": {header + `a@x.y,,A,CN=a\\|CN=b` + "\n", map[string]string{"a": "a@x.y", "b": "a@x.y"}},
		"an escaped blank at the end": {
			header + `a@x.y,,A,"CN=a,O=x\ |CN=b,O=x\ "` + "\n", map[string]string{"a": "a@x.y", "b": "a@x.y"},
		},
		"rows of one person are merged": {
			header + "a@x.y,,A,CN=Ops\nA@X.Y,,A,CN=Dev\n a@x.y ,,A,CN=OPS\n",
			map[string]string{"ops": "a@x.y", "dev": "a@x.y"},
		},
		"members are sorted": {header + "c@x.y,,A,CN=Ops\nA@x.y,,A,CN=Ops\nb@x.y,,A,CN=Ops\n", map[string]string{"ops": "a@x.y b@x.y c@x.y"}},
		"inactive people are in no group": {
			header + "a@x.y,,A,CN=Ops\nb@x.y,,I,CN=Ops|CN=Old\nc@x.y,,T,CN=Ops\nd@x.y,,Inactive,CN=Ops\ne@x.y,, a ,CN=Ops\n",
			map[string]string{"ops": "a@x.y e@x.y", "old": ""},
		},
		"without a status everybody is active": {
			"Email,Entitlement Display Name\na@x.y,CN=Ops\nb@x.y,CN=Ops\n", map[string]string{"ops": "a@x.y b@x.y"},
		},
		"columns in any order, case and blanks, others allowed": {
			"X, ENTITLEMENT display name ,Y,email\n1,CN=Ops,2,a@x.y\n", map[string]string{"ops": "a@x.y"},
		},
		"other columns may be doubled": {"X,Email,X,Entitlement Display Name,\n1,a@x.y,2,CN=Ops,\n", map[string]string{"ops": "a@x.y"}},
		"a semicolon within a DN": {
			header + `a@x.y,,A,"CN=a;OU=x,DC=y|CN=b\;CN=c|CN=d\\\;CN=e"` + "\n", map[string]string{"a": "a@x.y", "b-cn-c": "a@x.y", "d-cn-e": "a@x.y"},
		},
		"empty pieces": {
			header + "a@x.y,,A,CN=Ops|\nb@x.y,,A,| |CN=Ops||CN=Dev| |\n", map[string]string{"ops": "a@x.y b@x.y", "dev": "b@x.y"},
		},
		"one person in two spellings": {
			header + "ju\u0308rgen@x.y,,A,CN=Ops\nJÜRGEN@x.y,,A,CN=Dev\nann@xn--bcher-kva.y,,A,CN=Ops\nann@bücher.y,,A,CN=Dev\n",
			map[string]string{"ops": "ann@bücher.y jürgen@x.y", "dev": "ann@bücher.y jürgen@x.y"},
		},
		"one group in two spellings": {
			header + "a@x.y,,A,CN=Zu\u0308rich  1\nb@x.y,,A,2.5.4.3=ZÜRICH 1\n", map[string]string{"z-rich-1": "a@x.y b@x.y"},
		},
		"rows of delimiters": {header + ",,,\na@x.y,,A,CN=Ops\n , ,,\n,,,,,,,,\n,\n", map[string]string{"ops": "a@x.y"}},
		"the header again": {
			"\ufeff" + header + "a@x.y,,A,CN=Ops\n\ufeff" + header + "b@x.y,,A,CN=Ops\n" + strings.ToUpper(header), map[string]string{"ops": "a@x.y b@x.y"},
		},
		"the header again, quoted, after a byte-order mark": {
			"\ufeff\"Email\",\"Entitlement Display Name\"\r\n\"a@x.y\",\"CN=Ops\"\r\n\ufeff\"Email\",\"Entitlement Display Name\"\r\n\"b@x.y\",\"CN=Ops\"\r\n",
			map[string]string{"ops": "a@x.y b@x.y"},
		},
		"two byte-order marks":                  {"\ufeff\ufeff\"Email\",Entitlement Display Name\na@x.y,CN=Ops\n", map[string]string{"ops": "a@x.y"}},
		"U+001A on a line":                      {header + "a@x.y,,A,CN=Ops\r\n\x1a", map[string]string{"ops": "a@x.y"}},
		"U+001A on a line, and a line end":      {header + "a@x.y,,A,CN=Ops\r\n\x1a\r\n", map[string]string{"ops": "a@x.y"}},
		"U+001A after the last cell":            {header + "a@x.y,,A,\"CN=Ops\"\x1a", map[string]string{"ops": "a@x.y"}},
		"a mark and a quote within quotes stay": {header + "a@x.y,\"x\n\ufeff\",A,CN=Ops\nb@x.y,\"\ufeff\"\"\",A,CN=Ops\n", map[string]string{"ops": "a@x.y b@x.y"}},
		"no line break at the end":              {header + "a@x.y,,A,CN=Ops", map[string]string{"ops": "a@x.y"}},
		"CRLF":                                  {strings.ReplaceAll(header+"a@x.y,,A,CN=Ops\nb@x.y,,A,CN=Ops\n", "\n", "\r\n"), map[string]string{"ops": "a@x.y b@x.y"}},
		"blank lines":                           {"\n\n" + header + "\na@x.y,,A,CN=Ops\n\n  \n\t\nb@x.y,,A,CN=Ops\n\n", map[string]string{"ops": "a@x.y b@x.y"}},
		"one group under several API DNs":       {header + "a@x.y,,A,\"CN=Ops,OU=a\"\nb@x.y,,A,\"CN=Ops,OU=b\"\n", map[string]string{"ops": "a@x.y b@x.y"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desired := read(t, tt.csv)
			same(t, "memberships", memberships(desired), tt.want)
			if desired.KeepGroups || desired.KeepUsers || desired.KeepMemberships || len(desired.Findings) > 0 {
				t.Errorf("something is held back: %+v", desired)
			}
		})
	}
}

func TestReadPeople(t *testing.T) {
	t.Parallel()
	desired := read(t, header+
		"a@x.y,Zoe Lee,A,CN=Ops\n"+
		"A@x.y,  Ann  Lee ,A,CN=Ops\n"+
		"a@X.y,,A,CN=Ops\n"+
		"ann.lee@x.y,,A,CN=Ops\n"+
		"b@x.y,Bob,I,CN=Ops\n"+
		"c@x.y,,A,CN=Ops\n"+
		"C@x.y,Cy Hill,x,CN=Ops\n"+
		"bob.ray@x.y,\u200e\u0001,A,CN=Ops\n"+
		"d@x.y,Dee Dot,A,\n")
	same(t, "people", people(desired), map[string]string{
		"a@x.y":       "Ann Lee: active, named true",
		"ann.lee@x.y": "ann lee: active, named false",
		"b@x.y":       "Bob Bob: inactive, named true",
		"bob.ray@x.y": "bob ray: active, named false",
		"c@x.y":       "Cy Hill: contradicted, named true",
		"d@x.y":       "Dee Dot: active, named true",
	})
}

func TestReadKeepsTheSmallestSpellingOfADN(t *testing.T) {
	t.Parallel()
	rows := []string{"a@x.y,,A,\"cn=ops,dc=x\"\n", "b@x.y,,A,\"CN=Ops,DC=x\"\n", "c@x.y,,A,\"CN=OPS , DC=x\"\n", "d@x.y,,A,\"CN=Ops,OU=2\"\n"}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}} {
		csv := header
		for _, i := range order {
			csv += rows[i]
		}
		group := read(t, csv).Groups[0]
		var dns []string
		for _, dn := range group.DNs {
			dns = append(dns, dn.String())
		}
		same(t, "DNs", dns, []string{"CN=OPS , DC=x", "CN=Ops,OU=2"})
		same(t, "display name", group.DisplayName(), "OPS")
	}
}

func TestReadWithoutOptionalColumns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ csv, want string }{
		"neither":   {"Email,Entitlement Display Name\nann.lee@x.y,CN=Ops\n", "ann lee: active, named false"},
		"no status": {"Email,Entitlement Display Name,User Display Name\nann.lee@x.y,CN=Ops,Ann Ray\n", "Ann Ray: active, named true"},
		"no name":   {"Email,Entitlement Display Name,Employee Status\nann.lee@x.y,CN=Ops,A\n", "ann lee: active, named false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, "people", people(read(t, tt.csv)), map[string]string{"ann.lee@x.y": tt.want})
		})
	}
}

func TestReadMoreThanABatch(t *testing.T) {
	t.Parallel()
	// 1024 rows are decoded at a time: at, around and far beyond that number.
	for _, n := range []int{1023, 1024, 1025, 2048, 2049, 5000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			var csv strings.Builder
			csv.WriteString(header)
			for i := range n {
				name := ""
				if i%2 == 0 {
					name = fmt.Sprintf("Given%d Family%d", i, i)
				}
				fmt.Fprintf(&csv, "p%d@x.y,%s,A,CN=Group %c\n", i, name, 'a'+i%3)
			}
			csv.WriteString("bad,,A,CN=Group a\n")
			desired := read(t, csv.String())
			if len(desired.People) != n || len(desired.Groups) != 3 {
				t.Fatalf("%d people in %d groups, want %d in 3", len(desired.People), len(desired.Groups), n)
			}
			for _, p := range desired.People {
				var i int
				if _, err := fmt.Sscanf(string(p.Email), "p%d@x.y", &i); err != nil {
					t.Fatal(err)
				}
				if p.Named != (i%2 == 0) || p.Named && p.Name.Last != fmt.Sprintf("Family%d", i) {
					t.Fatalf("%s is called %q", p.Email, p.Name)
				}
			}
			members := 0
			for _, group := range desired.Groups {
				members += len(group.Members)
			}
			if members != n {
				t.Errorf("%d memberships, want %d", members, n)
			}
			if len(desired.Findings) != 1 || desired.Findings[0].Line != n+2 {
				t.Errorf("problems %+v, want one in line %d", desired.Findings, n+2)
			}
		})
	}
}

func TestReadKeepsTheSmallestSpellingOfAnAddress(t *testing.T) {
	t.Parallel()
	for _, rows := range []string{
		"Ann@XN--Bcher-KVA.y,,A,CN=Ops\nann@bücher.y,,A,CN=Ops\n", "ann@bücher.y,,A,CN=Ops\nAnn@XN--Bcher-KVA.y,,A,CN=Ops\n",
	} {
		desired := read(t, header+rows)
		same(t, "people", len(desired.People), 1)
		same(t, "email", desired.People[0].Email, directory.Email("ann@bücher.y"))
		same(t, "address", desired.People[0].Address, "ann@bücher.y")
	}
	same(t, "address", read(t, header+"Ann@XN--Bcher-KVA.y,,A,CN=Ops\n").People[0].Address, "ann@xn--bcher-kva.y")
	same(t, "address", read(t, header+"Ann@X.y,,A,CN=Ops\n").People[0].Address, "ann@x.y")
}

func TestReadPutsContradictedPeopleInNoGroup(t *testing.T) {
	t.Parallel()
	desired := read(t, header+"a@x.y,,A,CN=Ops\nA@x.y,,T,CN=Dev\nb@x.y,,A,CN=Ops\n")
	same(t, "memberships", memberships(desired), map[string]string{"ops": "b@x.y", "dev": ""})
	desired = read(t, header+"a@x.y,,A,CN=Ops\nA@x.y,,T,CN=Dev\n") // nobody else
	same(t, "memberships", memberships(desired), map[string]string{"ops": "", "dev": ""})
}

func TestReadCountsRows(t *testing.T) {
	t.Parallel()
	desired := read(t, header+"a@x.y,,A,CN=Ops\n,,,\nx,,A,zzz|y\n"+header+"b@x.y\nb@x.y,,?,CN=Ops\n")
	same(t, "rows", desired.Rows, 4)
	same(t, "invalid rows", desired.InvalidRows, 3)
	same(t, "first invalid row", desired.FirstInvalidRow, directory.Row{Line: 4})
}
