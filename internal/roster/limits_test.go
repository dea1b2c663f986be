package roster_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/roster"
)

func TestReadKeepsTheFirstThousandFindingsOfAKind(t *testing.T) {
	t.Parallel()
	var csv strings.Builder
	csv.WriteString(header + "a@x.y,,A,CN=Ops\n")
	for i := range 1500 {
		fmt.Fprintf(&csv, "bad%d,,A,CN=Ops\n", i)
	}
	csv.WriteString("b@x.y,,A,zzz\n")
	desired := read(t, csv.String())
	same(t, "invalid rows", desired.InvalidRows, 1501)
	counts := map[directory.Kind]int{}
	for _, finding := range desired.Findings {
		counts[finding.Kind]++
	}
	same(t, "findings", counts, map[directory.Kind]int{directory.InvalidEmail: 1000, directory.InvalidDN: 1, directory.Unlisted: 1})
	same(t, "the last that is kept", desired.Findings[999].Line, 1002)
	same(t, "what is said of the rest", desired.Findings[1001].Message, "invalid email: 500 more rows are not listed")
}

// held is a file that measures how much is in use after every MiB of it.
type held struct {
	io.Reader
	read, most uint64
}

func (h *held) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if before := h.read; before>>20 != (before+uint64(n))>>20 {
		h.most = max(h.most, inUse())
	}
	h.read += uint64(n)
	return n, err
}

func inUse() uint64 {
	var now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&now)
	return now.HeapAlloc
}

// Not in parallel: it looks at the heap. None of these exports states more than
// a few people, groups and memberships.
func TestReadBoundsWhatIsSaidOfLongCells(t *testing.T) {
	long := strings.Repeat("x", 40_000)
	for name, tt := range map[string]struct {
		row  string
		rows int
	}{
		"a long email and many pipes":         {long + ",,A," + strings.Repeat("|", 40_000) + "\n", 60},
		"a long email, many bad DNs":          {long + ",,A," + strings.Repeat("z|", 20_000) + "\n", 4},
		"long bad DNs":                        {"b@x.y,,A,CN=1" + long + "|" + long + "\n", 60},
		"a long status":                       {"b@x.y,," + long + ",CN=Ops\n", 150},
		"a long email of NFD":                 {strings.Repeat("u\u0308", 20_000) + "@x.y,,A,CN=Ops\n", 35},
		"rows of many ignored cells":          {"b@x.y,\"" + strings.Repeat(",", 1<<18) + "\",A,CN=Ops\n", 24},
		"one DN in many spellings":            {"", 0},
		"one person with many rows of a name": {"b@x.y," + long + ",A,CN=Ops\n", 150},
	} {
		t.Run(name, func(t *testing.T) {
			csv := header + "a@x.y,,A,CN=Ops\n" + strings.Repeat(tt.row, tt.rows)
			if tt.rows == 0 {
				csv += spellings(10_000)
			}
			file, before := &held{Reader: strings.NewReader(csv)}, inUse()
			desired, err := roster.Read(file, roster.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if grown := int64(file.most) - int64(before); grown > 4<<20 {
				t.Errorf("%d bytes are held for %d people in %d groups", grown, len(desired.People), len(desired.Groups))
			}
			runtime.KeepAlive(csv)
		})
	}
}

// spellings returns so many rows that spell one DN, each in another way.
func spellings(n int) string {
	var csv strings.Builder
	unit := strings.Repeat("x", 500)
	for i := range n {
		cn := []byte("abcdefghijklmnopqrstuvwxyz")
		for bit := range cn {
			if i>>bit&1 == 1 {
				cn[bit] -= 'a' - 'A'
			}
		}
		fmt.Fprintf(&csv, "b@x.y,,A,\"CN=%s,OU=%s\"\n", cn, unit)
	}
	return csv.String()
}

// If learning a DN took time linear in the DNs of its group, this would take
// minutes.
func TestReadManyDNsOfOneName(t *testing.T) {
	t.Parallel()
	const dns = 30_000
	var csv strings.Builder
	csv.WriteString(header)
	for i := range dns {
		fmt.Fprintf(&csv, "a@x.y,,A,\"CN=Ops,OU=%d\"\n", i)
	}
	desired := read(t, csv.String())
	same(t, "groups", len(desired.Groups), 1)
	same(t, "DNs", len(desired.Groups[0].DNs), dns)
}

func TestReadBoundsARowExactly(t *testing.T) {
	t.Parallel()
	const most = 4 << 20
	row := func(bytes int) string {
		const start, end = "b@x.y,", ",A,CN=Dev\n"
		return start + strings.Repeat("x", bytes-len(start)-len(end)) + end
	}
	for _, before := range []string{"", strings.Repeat("a@x.y,,A,CN=Ops\n", 1000)} {
		csv := header + "a@x.y,,A,CN=Ops\n" + before
		same(t, "memberships", memberships(read(t, csv+row(most)+"c@x.y,,A,CN=Dev\n")), map[string]string{"ops": "a@x.y", "dev": "b@x.y c@x.y"})
		if _, err := roster.Read(strings.NewReader(csv+row(most+1)+"c@x.y,,A,CN=Dev\n"), roster.Options{}); err == nil || !strings.Contains(err.Error(), "longer than 4 MiB") {
			t.Errorf("Read = %v, want that the row is too long", err)
		}
	}
}

func TestReadTakesAnyNumberOfBlankLines(t *testing.T) {
	t.Parallel()
	blank, most := strings.Repeat("\n", 4<<20+1), strings.Repeat("x", 4<<20-len("b@x.y,,A,CN=Dev\n"))
	for place, csv := range map[string]string{
		"before the header":      blank + header + "a@x.y,,A,CN=Ops\nb@x.y,,A,CN=Dev\n",
		"before the longest row": header + "a@x.y,\"Lee\n\nAnn\",A,CN=Ops\n" + blank + "b@x.y," + most + ",A,CN=Dev\n",
	} {
		same(t, place, memberships(read(t, csv)), map[string]string{"ops": "a@x.y", "dev": "b@x.y"})
	}
	_, err := roster.Read(strings.NewReader(header+"a@x.y,,A,CN=Ops\n"+blank+"b@x.y,x"+most+",A,CN=Dev\n"), roster.Options{})
	if err == nil || !strings.Contains(err.Error(), "longer than 4 MiB") {
		t.Errorf("Read = %v, want that the row after blank lines is too long", err)
	}
}
