package directory_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"xc-group-sync/internal/directory"
)

func TestParseEmailAcceptsAndFolds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   string
		want directory.Email
	}{
		"plain":                      {"ann@example.com", "ann@example.com"},
		"upper case":                 {"Ann.LEE@Example.COM", "ann.lee@example.com"},
		"outer blanks":               {" \t ann@example.com\r\n", "ann@example.com"},
		"no-break space outside":     {"\u00a0ann@example.com\u00a0", "ann@example.com"},
		"no dot in the domain":       {"root@localhost", "root@localhost"},
		"plus and dots":              {"a.b+c_d-e@x.y", "a.b+c_d-e@x.y"},
		"other marks":                {"o'neil!#$%&*/=?^`{|}~@x.y", "o'neil!#$%&*/=?^`{|}~@x.y"},
		"letters beyond ASCII":       {"Jürgen.MÜLLER@Bücher.example", "jürgen.müller@bücher.example"},
		"Greek and Cyrillic":         {"ΑΝΝΑ@ПРИМЕР.example", "αννα@пример.example"},
		"Han":                        {"王@例子.example", "王@例子.example"},
		"Kelvin sign is K in NFC":    {"\u212aim@example.com", "kim@example.com"},
		"decomposed":                 {"Ju\u0308rgen@Bu\u0308cher.example", "jürgen@bücher.example"},
		"a mark that composes small": {"H\u0331@example.com", "\u1e96@example.com"},
		"final sigma":                {"ΝΊΚΟΣ@example.com", "νίκοσ@example.com"},
		"Punycode":                   {"Ann@XN--Bcher-KVA.example", "ann@bücher.example"},
		"Punycode of a sharp s":      {"ann@xn--strae-oqa.example", "ann@straße.example"},
		"Punycode within":            {"ann@mail.xn--bcher-kva.example", "ann@mail.bücher.example"},
		"Punycode, damaged":          {"ann@xn--a.example", "ann@xn--a.example"},
		"Punycode of a symbol":       {"ann@xn--i-7iq.example", "ann@xn--i-7iq.example"},
		"Punycode before the @":      {"xn--bcher-kva@x.example", "xn--bcher-kva@x.example"},
		"254 bytes":                  {strings.Repeat("a", 242) + "@example.com", directory.Email(strings.Repeat("a", 242) + "@example.com")},
		"shorter once composed":      {strings.Repeat("u\u0308", 121) + "@example.com", directory.Email(strings.Repeat("ü", 121) + "@example.com")},
		"dotted capital I stays":     {"\u0130pek@example.com", "\u0130pek@example.com"},
		"long s stays":               {"\u017fam@example.com", "\u017fam@example.com"},
		"beyond the 16-bit letters":  {"\U00010400@example.com", "\U00010428@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := directory.ParseEmail(tt.in)
			if err != nil || got != tt.want {
				t.Errorf("ParseEmail(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
			}
		})
	}
}

func TestParseEmailRefusesMalformed(t *testing.T) {
	t.Parallel()
	inputs := []string{
		"", " ", "\t", "ann", "@", "@example.com", "ann@", "a@b@c", "ann@@example.com", "@ann@", " @example.com",
		"ann lee@example.com", "ann@exam ple.com", "ann @example.com", "ann@ example.com",
		"ann\tlee@example.com", "ann\nlee@example.com", "ann\rlee@example.com",
		"a\x00b@example.com", "a\x1fb@example.com", "a\x7fb@example.com", "a\u0085b@example.com",
		"a\u00a0b@example.com", "a\u2003b@example.com", "a\u3000b@example.com", // blanks beyond ASCII
		"a\u2028b@example.com", "a\u2029b@example.com", // separators
		"a\u202eb@example.com", "a\u2066b@example.com", "a\u200eb@example.com", // direction marks
		"a\xffb@example.com", "a\ufffdb@example.com", "ann@ex\xc3.com", // not text
		"ann@example.com.", "ann@.example.com", "ann@example..com", "ann@.", // an empty label
		"'ann@example.com", strings.Repeat("a", 243) + "@example.com", strings.Repeat("ü", 122) + "@example.com",
		"a=\u0338b@example.com",    // composes to a symbol
		"a\u1fefb@example.com",     // a symbol that decomposes to a valid character
		"ann@e\uff0example.com",    // a full stop that is not one
		"ann\uff20example.com",     // an @ that is not one
		"NULL", `\N`, "#REF!", "-", // stands for nothing
	}
	for _, mark := range `<>()[],;:\"` {
		inputs = append(inputs, "a"+string(mark)+"b@example.com", "ann@exa"+string(mark)+"mple.com")
	}
	for _, in := range inputs {
		if got, err := directory.ParseEmail(in); err == nil {
			t.Errorf("ParseEmail(%q) = %q, want an error", in, got)
		}
	}
}

func TestEmailsThatLookAlikeStayDifferent(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"anna@example.com", "аnna@example.com"}, // Cyrillic
		{"jurgen@example.com", "jürgen@example.com"},
		{"strasse@example.com", "straße@example.com"},
		{"ann@example.com", "ａnn@example.com"},
		{"ann@example.com", "ann@ｅxample.com"},
		{"ann@xn--a.example", "ann@\u0080.example"},
		{"sam@example.com", "\u017fam@example.com"},
		{"ipek@example.com", "\u0130pek@example.com"},
	} {
		first, err := directory.ParseEmail(pair[0])
		if err != nil {
			t.Fatal(err)
		}
		if second, err := directory.ParseEmail(pair[1]); err == nil && second == first {
			t.Errorf("%q and %q became %q", pair[0], pair[1], first)
		}
	}
}

// Each is invisible, or is not what it seems to be, and is named by code point.
func TestParseEmailNamesForeignCharacters(t *testing.T) {
	t.Parallel()
	for _, r := range "\u200b\ufeff\u2060\u00ad\u3164\u115f\u1160\uffa0\u034f\u180e\u2065\ufe0f\U000e0041\U000e0101\u200d\u061c" +
		"“”‘’‐–—…·×€\ue000\U000f0000\u0378\u2028\u00a0\u3000\u0001" {
		for _, text := range []string{"bob" + string(r) + "@corp.example", "b" + string(r) + "ob@corp.example", "bob@" + string(r) + "corp.example", "bob@corp.example" + string(r) + "x"} {
			_, err := directory.ParseEmail(text)
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%U", r)) {
				t.Errorf("ParseEmail(%q): %v; want an error with %U", text, err, r)
			}
		}
	}
}

// TestParseEmailNamesAForeignAt: it looks like an address with an @.
func TestParseEmailNamesAForeignAt(t *testing.T) {
	t.Parallel()
	for _, r := range "\uff20\ufe6b" {
		for _, text := range []string{"bob" + string(r) + "corp.example", string(r), "b o" + string(r) + "x", "bob" + string(r) + "corp@example.com"} {
			_, err := directory.ParseEmail(text)
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%U", r)) {
				t.Errorf("ParseEmail(%q): %v; want an error with %U", text, err, r)
			}
		}
	}
}

func TestFoldAddressTakesPatternsAndInvalidAddresses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"*@XN--Bcher-KVA.example": "*@bücher.example", "J*RGEN@x.y": "j*rgen@x.y", "u\u0308*": "ü*",
		"bob@corp.example\u200b": "bob@corp.example\u200b", "no address": "no address", "": "", "a@b@xn--bcher-kva": "a@b@bücher",
	} {
		if got := directory.FoldAddress(in); got != want {
			t.Errorf("FoldAddress(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAddressAsSentKeepsTheDomain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" Ann@XN--Bcher-KVA.example ": "ann@xn--bcher-kva.example", "Ann@Bu\u0308cher.example": "ann@bücher.example", "Νίκος@x.y": "νίκος@x.y",
	} {
		if got := directory.AddressAsSent(in); got != want {
			t.Errorf("AddressAsSent(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSkeletonsOfWhatLooksAlike(t *testing.T) {
	t.Parallel()
	for _, group := range [][]string{
		{"jurgen@x.y", "jürgen@x.y", "ju\u0308rgen@x.y", "ｊurgen@x.y"}, {"strasse@x.y", "straße@x.y", "STRASSE@x.y"},
		{"ali@x.y", "alı@x.y", "al\u0130@x.y"}, {"sam@x.y", "\u017fam@x.y"}, {"νίκος@x.y", "ΝΙΚΟΣ@x.y"}, {"ann@x.y", "ann@ｘ.y"},
		{"office@x.y", "oﬃce@x.y"},
	} {
		want := directory.Email(directory.FoldAddress(group[0])).Skeleton()
		for _, text := range group[1:] {
			if got := directory.Email(directory.FoldAddress(text)).Skeleton(); got != want {
				t.Errorf("%q has the skeleton %q, want %q", text, got, want)
			}
		}
	}
	if a, b := directory.Email("ann@x.y").Skeleton(), directory.Email("bob@x.y").Skeleton(); a == b {
		t.Errorf("two people have the skeleton %q", a)
	}
}

func TestEmailLocal(t *testing.T) {
	t.Parallel()
	if got := directory.Email("ann.lee@example.com").Local(); got != "ann.lee" {
		t.Errorf("Local() = %q", got)
	}
}

func TestNewPersonName(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		display     string
		email       directory.Email
		first, last string
	}{
		"two words":                 {"Ann Lee", "x@y.z", "Ann", "Lee"},
		"last word is the last":     {"Ann Mary van Lee", "x@y.z", "Ann Mary van", "Lee"},
		"blanks run together":       {"  Ann \t  Lee ", "x@y.z", "Ann", "Lee"},
		"one word fills both":       {"Madonna", "x@y.z", "Madonna", "Madonna"},
		"control characters":        {"Ann\nLee\x00", "x@y.z", "Ann", "Lee"},
		"direction marks":           {"Ann\u202eLee", "x@y.z", "Ann", "Lee"},
		"beyond ASCII":              {"Jürgen Groß", "x@y.z", "Jürgen", "Groß"},
		"from the email":            {"", "ann.lee@y.z", "ann", "lee"},
		"from the email, blank":     {" \t ", "ann_mary-lee+x@y.z", "ann mary lee", "x"},
		"from the email, invisible": {"\u200e \u200b\u3164", "ann.lee@y.z", "ann", "lee"},
		"invisible within":          {"Ann\u200c Lee", "x@y.z", "Ann\u200c", "Lee"},
		"one word from the email":   {"", "ann@y.z", "ann", "ann"},
		"dots at the ends":          {"", ".ann..lee.@y.z", "ann", "lee"},
		"nothing but dots":          {"", "...@y.z", "...", "..."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := directory.PersonName{First: tt.first, Last: tt.last}
			if got := directory.NewPersonName(tt.display, tt.email); got != want {
				t.Errorf("NewPersonName(%q, %q) = %q, want %q", tt.display, tt.email, got, want)
			}
		})
	}
}

func TestCleanNameLeavesWhatIsSeen(t *testing.T) {
	t.Parallel()
	if got, want := directory.CleanName("a\x00b\u2028c\u200fd é"), "a b c d é"; got != want {
		t.Errorf("CleanName = %q, want %q", got, want)
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, seed := range []string{"Ann@Example.com", " a@b ", "a@b@c", "\u212a@\u0130", "a\u0345@b", "\xff@x", "a\u202e@b", "\u01c5@ß"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		email, err := directory.ParseEmail(s)
		if err != nil {
			if email != "" || err.Error() == "" {
				t.Fatalf("ParseEmail(%q) = %q, %v", s, email, err)
			}
			return
		}
		text := string(email)
		local, domain, _ := strings.Cut(text, "@")
		if local == "" || domain == "" || strings.Count(text, "@") != 1 || local != email.Local() {
			t.Fatalf("%q became %q: not one @ with two sides", s, text)
		}
		if !utf8.ValidString(text) || strings.ContainsAny(text, `<>()[],;:\"`) ||
			strings.ContainsFunc(text, unicode.IsSpace) || strings.ContainsFunc(text, directory.IsControl) {
			t.Fatalf("%q became %q, which is malformed", s, text)
		}
		if again, err := directory.ParseEmail(text); err != nil || again != email {
			t.Fatalf("%q became %q, and that %q, %v", s, text, again, err)
		}
		if upper, err := directory.ParseEmail(asciiUpper(s)); err != nil || upper != email {
			t.Fatalf("%q became %q, in capitals %q, %v", s, text, upper, err)
		}
		sent := directory.AddressAsSent(s)
		if again, err := directory.ParseEmail(sent); err != nil || again != email || len(sent) > 254 {
			t.Fatalf("%q is sent as %q, which is %q, %v", s, sent, again, err)
		}
		if nfd, err := directory.ParseEmail(norm.NFD.String(s)); err != nil && !strings.Contains(err.Error(), "contains") || err == nil && nfd != email {
			t.Fatalf("%q became %q, in NFD %q, %v", s, text, nfd, err)
		}
		if name := directory.NewPersonName("", email); name.First == "" || name.Last == "" {
			t.Fatalf("%q has the name %q", text, name)
		}
	})
}

func asciiUpper(s string) string {
	upper := []byte(s)
	for i, c := range upper {
		if 'a' <= c && c <= 'z' {
			upper[i] = c - 'a' + 'A'
		}
	}
	return string(upper)
}

// TestUsernames: a username keeps the tenant's spelling and is compared without
// case; a letter beyond ASCII never equals an ASCII one.
func TestUsernames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, address, want, key string }{
		{"Ann.Lee", "ann@example.com", "Ann.Lee", "ann.lee"},
		{"", "Ann@Example.com", "Ann@Example.com", "ann@example.com"},
		{"JÜRGEN", "", "JÜRGEN", "jürgen"},
		{"\u212Aate", "", "\u212Aate", "\u212Aate"}, // the Kelvin sign
	} {
		got, err := directory.NewUsername(tt.name, tt.address)
		if err != nil || string(got) != tt.want || got.Key() != tt.key {
			t.Errorf("NewUsername(%q, %q) = %q (key %q), %v; want %q (key %q)", tt.name, tt.address, got, got.Key(), err, tt.want, tt.key)
		}
	}
	if got, err := directory.NewUsername("", ""); err == nil {
		t.Errorf("nobody is %q", got)
	}
}
