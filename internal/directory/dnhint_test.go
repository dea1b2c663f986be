package directory_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
)

func invalidDN(t *testing.T, text string) *directory.InvalidError {
	t.Helper()
	_, err := directory.ParseDN(text)
	var invalid *directory.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("ParseDN(%q): %v; want an *InvalidError", text, err)
	}
	return invalid
}

// A hint that says what to write says a whole DN or an escape.
func TestParseDNSaysWhatToWriteInstead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"XC-Admins":           "CN=XC-Admins",
		" R&D (EU) ":          "CN=R&D (EU)",
		"#ops":                `CN=\#ops`,
		`a\7Cb`:               `CN=a\7Cb`,
		"Ops <eu>":            `CN=Ops \<eu\>`,
		"Ops, EU":             `\,`,
		"Ops;Dev":             `\;`,
		"CN=Ops, EU":          `\,`,
		"CN=Ops, EU,DC=x":     `\,`,
		"CN=R+D,DC=x":         `\+`,
		"CN=Ops; EU":          `\;`,
		`CN="Ops, EU"`:        `\"`,
		"CN=a<b,DC=x":         `\<`,
		`CN=ACME\Ops`:         `\\`,
		`CN=Ops\`:             `\\`,
		"Ops,OU=Groups,DC=x":  "CN=Ops",
		`O\, ps ,OU=G\, EU,x`: `CN=O\, ps`,
	} {
		if hint := invalidDN(t, in).Hint; !strings.HasSuffix(hint, want) && !strings.Contains(hint, want+" ") {
			t.Errorf("ParseDN(%q) hints %q; want %s in it", in, hint, want)
		}
	}
}

// What names no group must not be turned into the name of one: that would take
// the person out of all others.
func TestParseDNGivesNoCureThatHarms(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"NULL": "missing value", "null": "missing value", `\N`: "missing value", "N/A": "missing value", "none": "missing value", "nan": "missing value",
		"(null)": "missing value", "<null>": "missing value", "-": "missing value", "?": "missing value", "0": "missing value", "[]": "type",
		"#REF!": "spreadsheet", "#N/A": "spreadsheet", "#NAME?": "spreadsheet",
		"System.Object[]": "PowerShell", "System.String[]": "PowerShell", "Microsoft.ActiveDirectory.Management.ADPropertyValueCollection": "PowerShell",
		"System.Collections.ArrayList": "PowerShell",
		"x.example/Groups/team":        "canonicalName", "corp.x.example/Groups/Zürich & Co": "canonicalName",
		`ACME\Ops`: "distinguishedName", "S-1-5-21-1004336348-1177238915-682003330-512": "object ID", "{3F2504E0-4F89-41D3-9A0C-0305E82C3301}": "object ID",
		"CN=a,DC=x,CN=b,DC=x": "|",
	} {
		invalid := invalidDN(t, in)
		if !strings.Contains(invalid.Hint, want) || strings.Contains(invalid.Hint, "CN=") || strings.Contains(invalid.Hint, "merge") {
			t.Errorf("ParseDN(%q) hints %q; want %q, and no DN", in, invalid.Hint, want)
		}
	}
}

// realDNs are as directories write them.
var realDNs = []string{
	"CN=Ops,OU=F5 XC,OU=Groups,DC=corp,DC=example,DC=com",                              // Active Directory
	"CN=Domain Admins,CN=Users,DC=corp,DC=example,DC=com",                              // a container
	`CN=Lee\, Ann (Admins),OU=Groups,DC=corp,DC=example`,                               // an escaped comma
	`CN=R&D \+ QA,OU=Groups,DC=corp,DC=example`,                                        // an escaped plus
	"CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=corp,DC=example",                      // a well-known group
	"CN=Ops,OU=G,DC=corp-eu,DC=example,DC=co,DC=uk",                                    // more components
	"CN=Ops,OU=G,DC=Corp_Legacy,DC=local",                                              // an underscore
	"cn=ops,cn=groups,cn=accounts,dc=ipa,dc=example,dc=com",                            // FreeIPA
	"cn=admins+ipauniqueid=3f2504e0-4f89-11e9,cn=groups,cn=accounts,dc=example,dc=com", // a conflict entry of FreeIPA
	"cn=ops,ou=groups,dc=example,dc=com",                                               // OpenLDAP
	"cn=ops,ou=groups,o=example",                                                       // without a domain
	"cn=Ops Team , ou=Groups , o=Example Inc. , c=DE",                                  // eDirectory, blanks
	"cn=ops,dc=example",                                  // a single component
	"DC=com,DC=example,OU=Groups,CN=Ops",                 // big-endian
	"dc=com,dc=example,cn=Ops",                           // big-endian
	"C=DE,O=Example,OU=Groups,CN=Ops",                    // big-endian, X.500
	"CN=a=b,OU=G,DC=x", "CN=CN=Ops,DC=x", `CN=a\=b,DC=x`, // an equals sign
	`CN=x\, CN\=y,DC=x`, `CN=x\;CN=y,DC=x`, `CN=x\,CN=y,DC=x`, // escapes say that it is one name
	"OU=Groups+CN=Ops,DC=example", "CN=Ops+UID=7,DC=example", "CN=Ops+CN=Dev,OU=G,DC=example", // multi-valued
	"CN=discount=5%,OU=G,DC=x", "CN=Ops #1,OU=G,DC=x", "CN=Ops/Dev ~ EU,OU=G,DC=x",
	"CN=Ops;OU=G;DC=x",                                             // LDAPv2
	"UID=1,CN=Ops,DC=xn--bcher-kva,DC=example", "CN=Ops,DC=zürich", // internationalized
	"2.5.4.3=Ops,2.5.4.11=G,0.9.2342.19200300.100.1.25=x", "CN=#04034F7073,DC=x", // identifiers, BER
}

func TestRealDNsAreValid(t *testing.T) {
	t.Parallel()
	for _, text := range realDNs {
		if dn, err := directory.ParseDN(text); err != nil || dn.GroupName() == "" {
			t.Errorf("ParseDN(%q): %v", text, err)
		}
	}
}

// Several DNs as one would name the first group and take the person out of the
// others. With a domain every way of joining is found, without one those that
// leave a trace.
func TestJoinedDNsAreInvalid(t *testing.T) {
	t.Parallel()
	separators := []string{",", ", ", " ", "  ", "#", " # ", "~", "/", "//", "+", " + ", ";", "; ", "\t", "&", "^", ":", "!", "$", "*", "%", "_", "-", " - ", "=", "\\\\", ")(", "‖", "，", "、", "·", "\u00a0", "\u200b"}
	for _, separator := range separators {
		for _, end := range []string{"DC=corp,DC=example", "OU=G,DC=x", "CN=Users,DC=x"} {
			for _, pair := range [][2]string{{"CN=Ops," + end, "CN=Dev," + end}, {"cn=ops," + strings.ToLower(end), "cn=dev," + strings.ToLower(end)}, {"CN=Ops," + end, "OU=G2,CN=Dev," + end}} {
				text := pair[0] + separator + pair[1]
				if dn, err := directory.ParseDN(text); err == nil {
					t.Errorf("ParseDN(%q) gives the group %q, want an error", text, dn.GroupName())
				}
			}
		}
	}
	for _, text := range []string{
		"CN=Ops CN=Dev", "CN=Ops#CN=Dev", "CN=Ops~CN=Dev", "CN=Ops/CN=Dev", "CN=Ops;CN=Dev", "CN=Ops; commonName=Dev", "CN=Ops,O=x CN=Dev,O=x",
		"CN=Ops,OU=G OU=H,CN=Dev", "CN=Ops，OU=G，CN=Dev", "CN=Ops/OU=G/O=x",
		"DC=com,DC=x,CN=Ops,DC=com,DC=x,CN=Dev", "DC=com,DC=x,OU=G,DC=com",
		"CN=Ops,DC=x+CN=Dev,DC=x", "CN=Ops,DC=corp.example", "CN=Ops,DC=", "CN=Ops,DC=a b", "CN=Ops,DC=-a", "CN=Ops,DC=" + strings.Repeat("a", 64),
		"2.5.4.3=Ops,DC=x,2.5.4.3=Dev", "CN=Ops,0.9.2342.19200300.100.1.25=x,OU=G",
	} {
		if dn, err := directory.ParseDN(text); err == nil {
			t.Errorf("ParseDN(%q) gives the group %q, want an error", text, dn.GroupName())
		}
	}
	for i, first := range realDNs { // any two of the corpus with a domain at the end
		for _, second := range realDNs[:i] {
			if !strings.Contains(first, ",DC=") || !strings.HasPrefix(second, "CN=") || strings.HasPrefix(first, "DC=") {
				continue
			}
			for _, separator := range []string{",", " ", ";", "#"} {
				if dn, err := directory.ParseDN(first + separator + second); err == nil {
					t.Errorf("ParseDN(%q) gives the group %q, want an error", first+separator+second, dn.GroupName())
				}
			}
		}
	}
}

func TestInvalidValuesAreQuotedInPart(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("é", 5000), strings.Repeat("a", 5000), "CN=" + strings.Repeat("9", 5000), "CN=a," + strings.Repeat("Z", 5000) + "&=x"} {
		if invalid := invalidDN(t, text); len(fmt.Sprint(invalid)) > 800 {
			t.Errorf("%d bytes of text give %d of error", len(text), len(fmt.Sprint(invalid)))
		}
		if _, err := directory.ParseEmail(text + "@@"); err == nil || len(err.Error()) > 800 {
			t.Errorf("%v", err)
		}
	}
}

// checkAdvice takes the advice of an error if it is a whole DN: it must read as
// one, whether or not a group can be named after it.
func checkAdvice(t *testing.T, err error) {
	t.Helper()
	var invalid *directory.InvalidError
	if !errors.As(err, &invalid) || invalid.Kind == "" || !invalid.Kind.InvalidRow() {
		t.Fatalf("%v is not an *InvalidError with a kind of invalid rows", err)
	}
	for _, lead := range []string{"write it as ", "write that as "} {
		_, advice, found := strings.Cut(invalid.Hint, lead)
		if !found {
			continue
		}
		var again *directory.InvalidError
		if _, err := directory.ParseDN(advice); errors.As(err, &again) && again.Kind != directory.UnusableCN {
			t.Fatalf("%v; hint: %s\nbut %v", invalid, invalid.Hint, again)
		}
	}
}
