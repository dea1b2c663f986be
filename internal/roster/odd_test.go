package roster_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/roster"
)

func TestReadDelimiters(t *testing.T) {
	t.Parallel()
	const rows = "Email,Entitlement Display Name,User Display Name\na@x.y,CN=Ops|CN=Dev,Ann Lee\nb@x.y,CN=Ops,\n"
	const quoted = `"Email","Entitlement Display Name","X"` + "\n" + `"a@x.y","CN=Ops,OU=a",";` + "\t" + `,"` + "\n"
	swap := func(csv, delimiter string) string { return strings.ReplaceAll(csv, ",", delimiter) }
	both, one := map[string]string{"ops": "a@x.y b@x.y", "dev": "a@x.y"}, map[string]string{"ops": "a@x.y"}
	for name, tt := range map[string]struct {
		csv       string
		delimiter string
		want      map[string]string
	}{
		"comma":                      {rows, "auto", both},
		"semicolon":                  {swap(rows, ";"), "auto", both},
		"tab":                        {swap(rows, "\t"), "auto", both},
		"comma, given":               {rows, "comma", both},
		"semicolon, given":           {swap(rows, ";"), "semicolon", both},
		"tab, given":                 {swap(rows, "\t"), "tab", both},
		"comma, quoted":              {quoted, "auto", one},
		"semicolon, quoted":          {strings.ReplaceAll(quoted, `","`, `";"`), "auto", one},
		"tab, quoted":                {strings.ReplaceAll(quoted, `","`, "\"\t\""), "auto", one},
		"commas in a semicolon file": {"X,Y;Email;Entitlement Display Name\n1,2;a@x.y;CN=Ops,OU=a\n", "auto", one},
		"semicolons in a comma file": {"X;Y;Z,Email,Entitlement Display Name\n1;2,a@x.y,CN=Ops\n", "auto", one},
		"line breaks in the header":  {"\n\n\"X\n\ny\";Email;Entitlement Display Name\n1;a@x.y;CN=Ops\n", "auto", one},
		"a long header":              {strings.Repeat("x;", 100_000) + "Email;Entitlement Display Name\n" + strings.Repeat("1;", 100_000) + "a@x.y;CN=Ops\n", "auto", one},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			delimiter, err := roster.ParseDelimiter(tt.delimiter)
			if err != nil {
				t.Fatal(err)
			}
			desired, err := roster.Read(strings.NewReader(tt.csv), roster.Options{Delimiter: delimiter})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "memberships", memberships(desired), tt.want)
			same(t, "bad rows", desired.InvalidRows, 0)
		})
	}
}

func TestReadTellsTheLineWhateverTheDelimiter(t *testing.T) {
	t.Parallel()
	desired := read(t, "\n\"Email\";Entitlement Display Name\na@x.y;CN=Ops\n\nb;CN=Ops\n")
	same(t, "line", desired.Findings[0].Line, 5)
	_, err := roster.Read(strings.NewReader("Mail;Entitlement Display Name\n"), roster.Options{})
	if err == nil || !strings.Contains(err.Error(), `"Mail", "Entitlement Display Name"`) {
		t.Errorf("Read = %v, want the titles", err)
	}
	if _, err = roster.Read(strings.NewReader(header+"a@x.y,,A,CN=Ops\n"), roster.Options{Delimiter: ';'}); err == nil {
		t.Error("a semicolon was asked for, and a comma taken")
	}
}

func TestReadRefusesWhatIsNotText(t *testing.T) {
	t.Parallel()
	good := header + "a@x.y,,A,CN=Ops\n"
	for name, tt := range map[string]struct {
		csv  string
		line int
		says string
	}{
		"Windows-1252":                   {good + "b@x.y,J\xfcrgen,A,CN=Ops\n", 3, "byte 8 of this line is not UTF-8"},
		"Windows-1252, far into it":      {good + strings.Repeat("b@x.y,Jürgen,A,CN=Ops\n", 9000) + "\xe9", 9003, "byte 1 of this line"},
		"a character cut off at the end": {good + "b@x.y,\xe2\x82", 3, "byte 7 of this line is not UTF-8"},
		"a NUL byte":                     {good + "b@x.y,\x00,A,CN=Ops\n", 3, "NUL byte at byte 7"},
		"a NUL byte in the header":       {"a\x00," + good, 1, "NUL byte at byte 2"},
		"a hole in the file":             {good + "b@x.y,," + strings.Repeat("\x00", 5000) + ",A,CN=Ops\n", 3, "corrupted"},
		"a NUL byte in UTF-16":           {utf16Text(binary.LittleEndian, good+"\x00"), 3, "NUL"},
		"UTF-16, a surrogate alone":      {utf16Text(binary.LittleEndian, good+"b@x.y,") + "\x00\xd8A\x00,\x00", 3, "broken UTF-16"},
		"UTF-16, the second half alone":  {utf16Text(binary.BigEndian, good+"b@x.y,") + "\xdc\x00\x00A", 3, "broken UTF-16"},
		"UTF-16, half a pair at the end": {utf16Text(binary.BigEndian, good+"b@x.y,") + "\xd8\x00", 3, "broken UTF-16"},
		"UTF-16, half a unit at the end": {utf16Text(binary.LittleEndian, good) + "b", 3, "broken UTF-16"},
		"UTF-16, cut in the header":      {utf16Text(binary.LittleEndian, "Email") + ",", 1, "broken UTF-16"},
		"UTF-16, little end, no mark":    {utf16Text(binary.LittleEndian, good)[2:], 1, "UTF-16 without a byte-order mark"},
		"UTF-16, big end, no mark":       {utf16Text(binary.BigEndian, good)[2:], 1, "UTF-16 without a byte-order mark"},
		"CR, then a bad byte":            {strings.ReplaceAll(good, "\n", "\r") + "b@x.y,\xff", 3, "byte 7 of this line"},
		"CRCRLF, then a bad byte":        {strings.ReplaceAll(good, "\n", "\r\r\n") + "b@x.y,\xff", 3, "byte 7 of this line"},
		"a quote, then no text":          {good + "b@x.y,B\"ob,A,CN=Ops\n\xff", 3, "broken CSV at character"},
		"where the row with it begins":   {good + "b@x.y,\"Bob,A,CN=Ops\nc@x.y,,A,CN=Ops\n", 4, "a row that begins on line 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := roster.Read(strings.NewReader(tt.csv), roster.Options{})
			var bad *roster.Error
			if !errors.As(err, &bad) || bad.Line != tt.line || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Read = %v; want line %d, %q", err, tt.line, tt.says)
			}
		})
	}
}

// endless yields a text, then repeats another without end, and counts.
type endless struct {
	first, again string
	given        int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.first)
	e.first = e.first[n:]
	for n < len(p) {
		n += copy(p[n:], e.again)
	}
	e.given += n
	return n, nil
}

func TestReadBoundsARow(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first, again string
		line         int
	}{
		"a line without end":          {header + "a@x.y,\"Ann\n\nLee\",A,CN=Ops\n", "x", 5},
		"a quote that is not closed":  {header + "a@x.y,,A,CN=Ops\nb@x.y,,A,\"CN=Ops\n", "b@x.y,,A,CN=Ops\n", 3},
		"a header without end":        {"Email,", "Mail,", 1},
		"a quote in the header":       {"\"Email,", strings.Repeat("x", 99) + "\n", 1},
		"blank lines in quotes":       {header + "a@x.y,,A,\"", "\n", 2},
		"a line break after the rest": {header + "a@x.y,,A,\"\n\n\"\n", "x", 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := &endless{first: tt.first, again: tt.again}
			_, err := roster.Read(io.LimitReader(file, 64<<20), roster.Options{})
			var bad *roster.Error
			if !errors.As(err, &bad) || bad.Line != tt.line || !strings.Contains(err.Error(), "longer than 4 MiB") {
				t.Errorf("Read = %v; want line %d, and that it is too long", err, tt.line)
			}
			if file.given > 5<<20 {
				t.Errorf("%d bytes were read", file.given)
			}
		})
	}
	long := header + "a@x.y," + strings.Repeat("x", 3<<20) + ",A,CN=Ops\n" // and one that is long enough
	same(t, "memberships", memberships(read(t, long+long[len(header):])), map[string]string{"ops": "a@x.y"})
}

func TestReadAMillionColumns(t *testing.T) {
	t.Parallel()
	commas := strings.Repeat(",", 1_000_000)
	desired := read(t, "Email"+commas+"Entitlement Display Name\na@x.y"+commas+"CN=Ops\nb@x.y,"+commas+"CN=Ops\n")
	same(t, "memberships", memberships(desired), map[string]string{"ops": "a@x.y"})
	same(t, "bad rows", desired.InvalidRows, 1)
}

func TestReadCharactersAcrossPieces(t *testing.T) {
	t.Parallel()
	for shift := range 4 {
		csv := header + strings.Repeat("x", shift) + "a@x.y,,A,CN=Ops\n" + strings.Repeat("b@x.y,\U00010400€ü,A,CN=Ops\n", 5_000)
		if desired := read(t, csv); people(desired)["b@x.y"] != "\U00010400€ü \U00010400€ü: active, named true" {
			t.Errorf("shifted by %d: %v", shift, people(desired))
		}
	}
}

func TestReadAPipeAndADirectory(t *testing.T) {
	t.Parallel()
	out, in := io.Pipe()
	go func() {
		_, _ = fmt.Fprint(in, header, "a@x.y,,A,", "CN=Ops\n")
		_ = in.Close()
	}()
	desired, err := roster.Read(out, roster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "memberships", memberships(desired), map[string]string{"ops": "a@x.y"})

	directory, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = directory.Close() }()
	_, err = roster.Read(directory, roster.Options{})
	var bad *roster.Error
	if !errors.As(err, &bad) || !strings.Contains(err.Error(), "could not read the file") {
		t.Errorf("Read = %v, want a *roster.Error", err)
	}
}

// Not in parallel: it looks at the heap.
func TestReadHoldsNoRepetitions(t *testing.T) {
	const rows = 200_000
	file := &held{Reader: io.MultiReader(strings.NewReader(header), io.LimitReader(&endless{again: "a@x.y,,A,CN=Ops\nb@x.y,,A,CN=Ops\n"}, rows*16))}
	before := inUse()
	desired, err := roster.Read(file, roster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(map[string]string{"ops": "a@x.y b@x.y"}, memberships(desired)); diff != "" {
		t.Error(diff)
	}
	if grown := int64(file.most) - int64(before); grown > 1<<20 {
		t.Errorf("%d bytes are held for %d rows that say the same", grown, rows)
	}
}
