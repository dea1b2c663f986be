package roster_test

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/roster"
)

func utf16Text(order binary.AppendByteOrder, s string) string {
	b := order.AppendUint16(nil, 0xfeff)
	for _, unit := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

func TestReadEncodings(t *testing.T) {
	t.Parallel()
	text := header + "Jürgen@x.y,Jürgen 😀,A,\"CN=Ops,OU=Zürich\"\nx,,A,CN=Ops\n"
	want := read(t, text)
	for name, csv := range map[string]string{
		"byte-order mark":                     "\ufeff" + text,
		"byte-order mark, quoted first title": "\ufeff\"Email\"" + strings.TrimPrefix(text, "Email"),
		"UTF-16, little end first":            utf16Text(binary.LittleEndian, text),
		"UTF-16, big end first":               utf16Text(binary.BigEndian, text),
		"CRLF":                                strings.ReplaceAll(text, "\n", "\r\n"),
		"CR":                                  strings.ReplaceAll(text, "\n", "\r"),
		"CRCRLF":                              strings.ReplaceAll(text, "\n", "\r\r\n"),
		"an end-of-file character":            text + "\x1a",
		"UTF-16 and CR":                       utf16Text(binary.BigEndian, strings.ReplaceAll(text, "\n", "\r")),
		"UTF-16 and CRLF":                     utf16Text(binary.LittleEndian, strings.ReplaceAll(text, "\n", "\r\n")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for way, reader := range map[string]io.Reader{
				"at once":        strings.NewReader(csv),
				"byte by byte":   iotest.OneByteReader(strings.NewReader(csv)),
				"end with bytes": iotest.DataErrReader(strings.NewReader(csv)),
			} {
				got, err := roster.Read(reader, roster.Options{})
				if err != nil {
					t.Fatalf("%s: %v", way, err)
				}
				if diff := gocmp.Diff(want, got, byText); diff != "" {
					t.Errorf("%s (-want +got):\n%s", way, diff)
				}
			}
		})
	}
}

// byText compares DNs by how they are written.
var byText = gocmp.Options{
	cmpopts.EquateEmpty(),
	gocmp.Comparer(func(a, b directory.DN) bool { return a.String() == b.String() && a.Key() == b.Key() }),
}

func TestReadGivesExactlyTheMembershipsStated(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	stated := map[string]map[string]bool{}
	var rows []string
	for i := range 200 {
		address := fmt.Sprintf("person.%03d@example.com", i)
		active := i%10 != 0
		for range 1 + random.IntN(4) { // rows of one person
			var dns []string
			for range 1 + random.IntN(4) {
				n := random.IntN(20)
				name := fmt.Sprintf("team-%c-x", 'a'+n)
				if stated[name] == nil {
					stated[name] = map[string]bool{}
				}
				if active {
					stated[name][address] = true
				}
				separator := []string{" ", `\|`, `\7C`, "-"}[n%4] // of one group always the same
				dns = append(dns, mixed(random, fmt.Sprintf("CN=Team%s%c%sX,OU=Groups,DC=example", separator, 'A'+n, separator)))
			}
			rows = append(rows, fmt.Sprintf("%s,,%s,\"%s\"\n", mixed(random, address), map[bool]string{true: "A", false: "T"}[active], strings.Join(dns, []string{"|", " | "}[random.IntN(2)])))
		}
	}
	random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	desired := read(t, header+strings.Join(rows, ""))
	want := map[string]string{}
	for name, members := range stated {
		want[name] = strings.Join(slices.Sorted(maps.Keys(members)), " ")
	}
	same(t, "memberships", memberships(desired), want)
	if len(desired.People) != 200 || len(desired.Groups) != 20 || len(desired.Findings) != 0 {
		t.Errorf("%d people, %d groups, problems %v", len(desired.People), len(desired.Groups), desired.Findings)
	}
	for _, group := range desired.Groups {
		if len(group.DNs) != 1 {
			t.Errorf("group %s has the DNs %v, want one", group.Name, group.DNs)
		}
	}
}

// mixed writes s in mixed case, except for escapes.
func mixed(random *rand.Rand, s string) string {
	switch random.IntN(3) {
	case 0:
		return strings.ToUpper(s)
	case 1:
		return strings.ReplaceAll(strings.ToLower(s), `\7c`, `\7C`)
	}
	return s
}

func TestReadDoesNotDependOnTheOrderOfRows(t *testing.T) {
	t.Parallel()
	pick := func(random *rand.Rand, from ...string) string { return from[random.IntN(len(from))] }
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 3))
		rows := []string{"z@x.y,,A,CN=Ops\n"}
		for range random.IntN(25) {
			rows = append(rows, pick(random, "a@x.y", "A@X.y", "b@x.y", " B@x.y", "c@x.y", "ü@x.y", "Ü@x.y", "x", "", "d@@x.y")+
				","+pick(random, "", "Ann Lee", " Zoe", "\"Bob\n Ray\"", "\u200e")+
				","+pick(random, "A", "A", "a", "A", "I", "")+
				","+pick(random, "CN=Ops", "cn=ops", "CN=Ops|CN=Dev", "\"CN=Dev,OU=a\"", "\"cn=dev,ou=A\"", "\"CN=Dev , OU=b\"", `CN=a\|b`, `CN=A\7CB`, "CN=1", "zzz|CN=Net", "", "CN=x,y")+"\n")
		}
		want := ordered(read(t, header+strings.Join(rows, "")))
		for range 3 {
			random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			got := ordered(read(t, header+strings.Join(rows, "")))
			if diff := gocmp.Diff(want, got, byText); diff != "" {
				t.Fatalf("seed %d, rows %q (-want +got):\n%s", seed, rows, diff)
			}
		}
	}
}

// TestSeveralFilesAreOneRoster: however rows are spread over files, and in whatever
// order these are read, they state what one file of all rows does.
func TestSeveralFilesAreOneRoster(t *testing.T) {
	t.Parallel()
	pick := func(random *rand.Rand, from ...string) string { return from[random.IntN(len(from))] }
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 5))
		files := make([][]string, 1+random.IntN(4))
		var all []string
		for i := range files {
			for n := range 1 + random.IntN(6) {
				row := pick(random, "a@x.y", "A@X.y", "b@x.y", "c@x.y", "ü@x.y", "x", "d@@x.y") + "," + pick(random, "", "Ann Lee", "Zoe") +
					"," + pick(random, "A", "A", "a", "I", "", "?") + "," + pick(random, "CN=Ops", "cn=ops", "CN=Ops|CN=Dev", "\"CN=Dev,OU=a\"", "CN=1", "", "CN=x,y") + "\n"
				if i == 0 && n == 0 {
					row = "z@x.y,,A,CN=Ops\n"
				}
				files[i], all = append(files[i], row), append(all, row)
			}
		}
		want := ordered(read(t, header+strings.Join(all, "")))
		var findings []directory.Finding
		for try := range 3 {
			r := roster.New(roster.Options{})
			for _, i := range random.Perm(len(files)) {
				if _, err := r.Add(fmt.Sprintf("%d.csv", i), strings.NewReader(header+strings.Join(files[i], ""))); err != nil {
					t.Fatal(err)
				}
			}
			got, err := r.Desired()
			if err != nil {
				t.Fatal(err)
			}
			for _, finding := range got.Findings { // each has its place
				var n int
				if _, err := fmt.Sscanf(finding.File, "%d.csv", &n); err != nil || finding.Line < 2 || finding.Line > len(files[n])+1 {
					t.Fatalf("seed %d: %+v", seed, finding)
				}
			}
			if first := got.FirstInvalidRow; (first.Line > 0) != (got.InvalidRows > 0) {
				t.Fatalf("seed %d: first %+v of %d", seed, first, got.InvalidRows)
			}
			inPlace := slices.DeleteFunc(slices.Clone(got.Findings), func(f directory.Finding) bool {
				return f.Kind == directory.ContradictoryStatus // it is where the second of two rows was read
			})
			if try == 0 {
				findings = inPlace
			} else if diff := gocmp.Diff(findings, inPlace); diff != "" {
				t.Fatalf("seed %d (-first +another order):\n%s", seed, diff)
			}
			if diff := gocmp.Diff(want, ordered(got), byText); diff != "" {
				t.Fatalf("seed %d, files %q (-one file +several):\n%s", seed, files, diff)
			}
		}
	}
}

// TestAFileWithoutRowsIsRefused, even among others: its export may have failed.
func TestAFileWithoutRowsIsRefused(t *testing.T) {
	t.Parallel()
	r := roster.New(roster.Options{})
	for file, csv := range map[string]string{"a.csv": header + "a@x.y,,A,CN=Ops\n", "b.csv": header} {
		if _, err := r.Add(file, strings.NewReader(csv)); err != nil {
			t.Fatal(err)
		}
	}
	var broken *roster.Error
	if _, err := r.Desired(); !errors.As(err, &broken) || broken.File != "b.csv" {
		t.Errorf("%+v", err)
	}
}

// ordered returns desired without lines, and its findings by what they say.
func ordered(desired *directory.Desired) *directory.Desired {
	for i := range desired.Findings {
		desired.Findings[i].File, desired.Findings[i].Line = "", 0
	}
	for _, person := range desired.People {
		person.File, person.Line = "", 0
	}
	desired.FirstInvalidRow = directory.Row{}
	slices.SortFunc(desired.Findings, func(a, b directory.Finding) int {
		return cmp.Or(cmp.Compare(a.Message, b.Message), cmp.Compare(a.Column, b.Column))
	})
	return desired
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		header + "a@x.y,Ann Lee,A,CN=Ops|CN=Dev\nA@x.y,,I,CN=Ops\n", header + "x,,A,zzz|CN=a\\|b\n,,\n", "", "\ufeff" + header, header + "\"",
		utf16Text(binary.LittleEndian, header+"a@x.y,,A,CN=Ops\n"), utf16Text(binary.BigEndian, header+"ü@x.y,,A,CN=Ops\n"),
		"Email;Entitlement Display Name\na@x.y;CN=Ops,DC=x\n", "Email\tEntitlement Display Name\na@x.y\tCN=Ops;CN=Dev\n", "E\x00",
		"Email,Entitlement Display Name\na@x.y,\"CN=Ops,O=x\\ \"\n\n  \nb@x.y,CN=\\\n", "\xff\xfeE",
		header + "a@x.y,,A,CN=Ops\r\r\nb@x.y,,,CN=Dev\r\ufeff\"Email\",,,\n\x1a", "\xff\xfeE\x00\x00\xd8", header + "a@x.y,,A,CN=Ops||\n" + header,
		header + "a@xn--bcher-kva.y,,A,\"CN=Ops,DC=x,CN=Dev,DC=x\"\nb\u200b@x.y,,A,NULL\nc@x.y,,A,CN=Ops\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, csv []byte) {
		desired, err := roster.Read(strings.NewReader(string(csv)), roster.Options{})
		if err != nil {
			var bad *roster.Error
			if !errors.As(err, &bad) || bad.Message == "" || desired != nil {
				t.Fatalf("Read = %v, %v", desired, err)
			}
			return
		}
		checkDesired(t, desired)
	})
}

func checkDesired(t *testing.T, desired *directory.Desired) {
	t.Helper()
	known := map[*directory.Person]bool{}
	for i, person := range desired.People {
		if i > 0 && desired.People[i-1].Email >= person.Email {
			t.Fatalf("%q does not come before %q", desired.People[i-1].Email, person.Email)
		}
		if again, err := directory.ParseEmail(person.Address); err != nil || again != person.Email || person.Name.First == "" || person.Name.Last == "" {
			t.Fatalf("a person %+v (%v)", person, err)
		}
		known[person] = true
	}
	if len(desired.Groups) == 0 {
		t.Fatal("no group and no error")
	}
	for i, group := range desired.Groups {
		if i > 0 && desired.Groups[i-1].Name >= group.Name {
			t.Fatalf("%q does not come before %q", desired.Groups[i-1].Name, group.Name)
		}
		if len(group.DNs) == 0 || group.DisplayName() == "" {
			t.Fatalf("group %q has the DNs %v", group.Name, group.DNs)
		}
		for j, member := range group.Members {
			if !known[member] || member.Status != directory.Active || j > 0 && group.Members[j-1].Email >= member.Email {
				t.Fatalf("group %q: member %d, %+v", group.Name, j, member)
			}
		}
	}
	held, holds := desired.KeepGroups || desired.KeepUsers || desired.KeepMemberships, false
	for _, finding := range desired.Findings {
		holds = holds || finding.Kind.InvalidRow() && finding.Kind != directory.UnknownStatus
		if len(finding.Message) > 3000 || len(finding.Hint) > 3000 || finding.Message == "" {
			t.Fatalf("a finding %+v", finding)
		}
	}
	if held != holds || desired.InvalidRows >= desired.Rows {
		t.Fatalf("%d of %d rows are invalid, held back: %v", desired.InvalidRows, desired.Rows, held)
	}
	if !slices.ContainsFunc(desired.People, func(p *directory.Person) bool { return p.Status != directory.Inactive }) {
		t.Fatal("everybody is inactive and no error")
	}
	unlisted := slices.ContainsFunc(desired.Findings, func(f directory.Finding) bool { return f.Kind == directory.Unlisted })
	if !unlisted && !slices.IsSortedFunc(desired.Findings, func(a, b directory.Finding) int { return cmp.Compare(a.Line, b.Line) }) {
		t.Fatalf("findings out of order: %+v", desired.Findings)
	}
}
