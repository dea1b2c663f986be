package directory_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"xc-group-sync/internal/directory"
)

func TestParseDNFindsTheGroup(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in, cn string
		group  directory.GroupName
	}{
		"plain":                     {"CN=Ops,OU=Groups,DC=example", "Ops", "ops"},
		"outer blanks":              {"  CN=Ops,DC=example\t", "Ops", "ops"},
		"blanks around the parts":   {"CN = Ops , DC = example", "Ops", "ops"},
		"lower-case attribute":      {"cn=Ops", "Ops", "ops"},
		"the CN is not first":       {"OU=Groups,CN=Ops,DC=example", "Ops", "ops"},
		"the first CN counts":       {"CN=Ops,CN=Groups,DC=example", "Ops", "ops"},
		"multi-valued RDN":          {"OU=Groups+CN=Ops,DC=example", "Ops", "ops"},
		"multi-valued, two CNs":     {"CN=Ops+CN=Dev,DC=example", "Ops", "ops"},
		"escaped comma":             {`CN=Ops\, Berlin,DC=example`, "Ops, Berlin", "ops-berlin"},
		"escaped plus and quote":    {`CN=Ops\+\"Dev\"`, `Ops+"Dev"`, "ops-dev"},
		"escaped backslash":         {`CN=a\\b`, `a\b`, "a-b"},
		"escaped pipe":              {`CN=a\7Cb`, "a|b", "a-b"},
		"escape at the end":         {`CN=Ops\ `, "Ops ", "ops"},
		"escaped and other blanks":  {` CN=Ops\    `, "Ops ", "ops"},
		"backslash, then a blank":   {`CN=Ops\\ `, `Ops\`, "ops"},
		"escaped blank in front":    {`CN=\ Ops`, " Ops", "ops"},
		"escaped number sign":       {`CN=\#Ops`, "#Ops", "ops"},
		"another name of CN":        {"commonName=Ops,DC=example", "Ops", "ops"},
		"CN as an identifier":       {"2.5.4.3=Ops,DC=example", "Ops", "ops"},
		"CN as OID.":                {"oid.2.5.4.3=Ops,DC=example", "Ops", "ops"},
		"full-width letters":        {"CN=Ｏｐｓ", "Ｏｐｓ", "ops"},
		"a ligature":                {"CN=O\ufb03ce", "O\ufb03ce", "office"},
		"decomposed":                {"CN=Zu\u0308rich", "Zu\u0308rich", "z-rich"},
		"sharp s":                   {"CN=Straße", "Straße", "strasse"},
		"an invisible character":    {"CN=O\u200bps\u00ad", "O\u200bps\u00ad", "ops"},
		"a byte-order mark first":   {"\ufeffCN=Ops", "Ops", "ops"},
		"no-break spaces":           {"CN=Net\u00a0Ops", "Net\u00a0Ops", "net-ops"},
		"UTF-8 in hexadecimal":      {`CN=B\C3\BCro`, "Büro", "b-ro"},
		"BER in hexadecimal":        {`CN=#04034F7073`, "Ops", "ops"},
		"an equals sign":            {`CN=a=b`, "a=b", "a-b"},
		"semicolon between RDNs":    {`CN=Ops;DC=example`, "Ops", "ops"},
		"beyond ASCII elsewhere":    {"CN=Ops,OU=Zürich", "Ops", "ops"},
		"beyond ASCII around":       {"CN=ÄOpsÖ", "ÄOpsÖ", "ops"},
		"an object identifier also": {"2.5.4.11=x,CN=Ops", "Ops", "ops"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dn, err := directory.ParseDN(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if dn.CN() != tt.cn || dn.GroupName() != tt.group {
				t.Errorf("ParseDN(%q): CN %q, group %q; want %q, %q", tt.in, dn.CN(), dn.GroupName(), tt.cn, tt.group)
			}
		})
	}
}

func TestParseDNRefuses(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"empty":                       "",
		"blank":                       " \t ",
		"no DN":                       "Ops",
		"no value's type":             "=Ops",
		"a part without a type":       "CN=Ops,example",
		"a comma at the end":          "CN=Ops,",
		"a comma in front":            ",CN=Ops",
		"an escape without an end":    `CN=Ops\`,
		"half an escape":              `CN=Ops\7`,
		"an unknown escape":           `CN=Ops\zz`,
		"a raw quote":                 `CN="Ops"`,
		"no hexadecimal":              "CN=#zz",
		"bytes after the BER value":   "CN=#04034F707300",
		"no CN":                       "OU=Ops,DC=example",
		"a CN in name only":           "CNX=Ops",
		"an empty CN":                 "CN=,DC=example",
		"an empty first CN":           "CN=,CN=Ops",
		"no group name, digit":        "CN=1st Line",
		"no group name, no letter":    "CN=---",
		"no group name, beyond ASCII": "CN=Ωμέγα",
		"a raw line break":            "CN=Ops\nDev",
		"a raw zero":                  "CN=Ops\x00",
		"an escaped zero":             `CN=Ops\00`,
		"an escaped line break":       `CN=Ops\0A`,
		"an escaped delete":           `CN=Ops\7F`,
		"a next-line character":       "CN=Ops\u0085Dev",
		"a line separator":            "CN=Ops\u2028Dev",
		"a direction mark":            "CN=Ops\u202eDev",
		"an escaped direction mark":   `CN=Ops\E2\80\AEDev`,
		"control in another value":    "CN=Ops,OU=a\x01b",
		"control in a type":           "CN=Ops,O\x01U=a",
		"escaped control in a type":   `CN=Ops,O\01U=a`,
		"line break between RDNs":     "CN=Ops,\nOU=a",
		"not UTF-8":                   "CN=Ops\xff",
		"not UTF-8 elsewhere":         "CN=Ops,OU=\xc3",
		"not UTF-8, escaped":          `CN=Ops\FF`,
		"not UTF-8, in BER":           "CN=Ops,OU=#0401FF",
		"a type that is not one":      "CN=Ops,a b=c",
		"a type with a sign":          "CN=Ops,R&D=c",
		"digit first in the type":     "CN=Ops,1a=c",
		"nothing but the invisible":   "CN=\u200b\u3164",
		"a digit in NFKC":             "CN=①st",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if dn, err := directory.ParseDN(in); err == nil {
				t.Errorf("ParseDN(%q) gives the group %q, want an error", in, dn.GroupName())
			}
		})
	}
}

func TestDNKey(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		a, b  string
		equal bool
	}{
		"case":                   {"CN=Ops,DC=Example", "cn=OPS,dc=example", true},
		"case beyond ASCII":      {"CN=Ops,OU=ZÜRICH", "CN=Ops,OU=zürich", true},
		"blanks":                 {" CN=Ops,DC=example ", "CN = Ops , DC = example", true},
		"escapes":                {`CN=Ops\, x`, `CN=Ops\2C\20x`, true},
		"escaped letters":        {`CN=\4fps`, `CN=Ops`, true},
		"BER":                    {"CN=#04034F7073", "CN=Ops", true},
		"order of a multi-value": {"CN=Ops+OU=x", "OU=x+CN=Ops", true},
		"separators":             {"CN=Ops;OU=x", "CN=Ops,OU=x", true},
		"Kelvin sign":            {"CN=Ops,OU=k", "CN=Ops,OU=\u212a", true},
		"NFC and NFD":            {"CN=Zürich", "CN=Zu\u0308rich", true},
		"full width":             {"CN=Ops", "CN=Ｏｐｓ", true},
		"sharp s":                {"CN=Straße", "CN=STRASSE", true},
		"dotted capital I":       {"CN=\u0130pek", "CN=i\u0307pek", true},
		"runs of blanks":         {"CN=Net  Ops", "CN=Net\u00a0 \u3000Ops", true},
		"invisible characters":   {"CN=Ops,OU=a", "CN=O\u200bp\u2060s\ufeff,O\u200bU=\u00ada\u3164", true},
		"a mark that counts":     {"CN=Zurich", "CN=Zürich", false},
		"another script":         {"CN=Ops,OU=a", "CN=Ops,OU=а", false},
		"names of types":         {"CN=Ops,OU=a,DC=x", "commonName=Ops,OID.2.5.4.11=a,0.9.2342.19200300.100.1.25=x", true},
		"two types":              {"CN=Ops,OU=a", "CN=Ops,O=a", false},
		"another place":          {"CN=Ops,OU=a", "CN=Ops,OU=b", false},
		"order of RDNs":          {"CN=Ops,OU=a,OU=b", "CN=Ops,OU=b,OU=a", false},
		"multi-value or two":     {"CN=Ops+OU=x", "CN=Ops,OU=x", false},
		"escaped comma or two":   {`CN=Ops\,OU\=x`, "CN=Ops,OU=x", false},
		"escaped blanks around":  {`CN=\ Ops\ `, "CN=Ops", true},
		"same API name":          {"CN=Ops Team", "CN=Ops-Team", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, errA := directory.ParseDN(tt.a)
			b, errB := directory.ParseDN(tt.b)
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			if (a.Key() == b.Key()) != tt.equal {
				t.Errorf("keys %q and %q; want equal: %v", a.Key(), b.Key(), tt.equal)
			}
		})
	}
}

func TestDNStringIsAsWritten(t *testing.T) {
	t.Parallel()
	dn, err := directory.ParseDN("  cn = Ops\\, X , DC=Example ")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dn.String(), `cn = Ops\, X , DC=Example`; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
}

func TestNewGroupName(t *testing.T) {
	t.Parallel()
	a63 := strings.Repeat("a", 63)
	for name, tt := range map[string]struct {
		in   string
		want directory.GroupName // empty: refused
	}{
		"as it is":                     {"ops", "ops"},
		"lower case":                   {"OpsTEAM", "opsteam"},
		"digits inside":                {"L2 Support 24x7", "l2-support-24x7"},
		"a run becomes one":            {"a -_. b", "a-b"},
		"many hyphens become one":      {"a----b", "a-b"},
		"ends":                         {"--(ops)--", "ops"},
		"beyond ASCII inside":          {"Büro", "b-ro"},
		"beyond ASCII at the ends":     {"éa€", "a"},
		"Kelvin sign is no k":          {"a\u212ab", "a-b"},
		"not UTF-8":                    {"a\xff\xfeb", "a-b"},
		"63":                           {a63, directory.GroupName(a63)},
		"64":                           {a63 + "b", directory.GroupName(a63)},
		"far too long":                 {strings.Repeat("Ab", 5000), directory.GroupName(strings.Repeat("ab", 32)[:63])},
		"cut before a hyphen":          {a63 + " b", directory.GroupName(a63)},
		"cut after a hyphen":           {a63[:62] + " b", directory.GroupName(a63[:62])},
		"cut after a run":              {a63[:62] + "   b", directory.GroupName(a63[:62])},
		"62 and one more":              {a63[:61] + " b", directory.GroupName(a63[:61] + "-b")},
		"a long run in front":          {strings.Repeat("é", 100) + "a", "a"},
		"empty":                        {"", ""},
		"blank":                        {"   ", ""},
		"no letter":                    {"-_-", ""},
		"only beyond ASCII":            {"Ωμέγα", ""},
		"digit first":                  {"1st", ""},
		"digit first after other text": {"-- 9 lives", ""},
		"only digits":                  {"42", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := directory.NewGroupName(tt.in)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("NewGroupName(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
			}
		})
	}
}

func FuzzParseDN(f *testing.F) {
	for _, seed := range []string{
		"CN=Ops,OU=Groups,DC=example", `CN=a\, b\7C+OU=x;DC=y`, "CN=#04034F7073", "CN=#3000", "cn = x , dc = y ", `CN=x\ `, `CN=x\\ `,
		"CN=\u212a,OU=\u0130", "CN=a\x00", "CN=a,=b", `CN=a,\20=b`, "CN=a,\u00a0", "CN=a\\\u00a0",
		"Ops", "Ops, EU", `a\b`, "#a", " a", `"a"`, "a,OU=x", "CN=a, b", `CN=a\zz`, "CN=a,", "a+b;c", "<",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		dn, err := directory.ParseDN(s)
		if err != nil {
			checkAdvice(t, err)
			return
		}
		checkGroupName(t, dn.GroupName())
		text := dn.String()
		if !strings.Contains(s, text) || !utf8.ValidString(text) || strings.ContainsFunc(text+dn.CN(), directory.IsControl) {
			t.Fatalf("ParseDN(%q) is written %q, with the CN %q", s, text, dn.CN())
		}
		again, err := directory.ParseDN(text)
		if err != nil || again.Key() != dn.Key() || again.CN() != dn.CN() || again.String() != text || again.GroupName() != dn.GroupName() {
			t.Fatalf("%q reads as %q, and that as %q (%v)", s, dn.Key(), again.Key(), err)
		}
		for _, other := range []string{norm.NFD.String(text), norm.NFC.String(text), strings.ReplaceAll(text, " ", " \u200b ")} {
			spelled, err := directory.ParseDN(other)
			if err != nil && !strings.Contains(other, "\u200b") { // it may come between a backslash and what it escapes
				t.Fatalf("%q is valid, %q is not: %v", text, other, err)
			}
			if err == nil && spelled.Key() == dn.Key() && spelled.GroupName() != dn.GroupName() {
				t.Fatalf("%q and %q are equal, but name %q and %q", text, other, dn.GroupName(), spelled.GroupName())
			}
		}
	})
}

func FuzzNewGroupName(f *testing.F) {
	for _, seed := range []string{"Ops", "1a", "--a--", strings.Repeat("a-", 40), "Ä", "a\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := directory.NewGroupName(s)
		if err != nil {
			if name != "" {
				t.Fatalf("NewGroupName(%q) = %q with %v", s, name, err)
			}
			return
		}
		checkGroupName(t, name)
		if again, err := directory.NewGroupName(string(name)); err != nil || again != name {
			t.Fatalf("%q became %q, and that %q, %v", s, name, again, err)
		}
	})
}

// checkGroupName holds a name to DNS-1035 without runs of hyphens.
func checkGroupName(t *testing.T, name directory.GroupName) {
	t.Helper()
	s := string(name)
	if len(s) < 1 || len(s) > 63 || s[0] < 'a' || s[0] > 'z' || strings.HasSuffix(s, "-") || strings.Contains(s, "--") ||
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		t.Fatalf("%q is no name in the documented form", s)
	}
}
