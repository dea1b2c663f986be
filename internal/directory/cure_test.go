package directory_test

import (
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
)

func TestParseDNSaysWhatToWriteInstead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"XC-Admins":           `"XC-Admins" is no DN: write it as CN=XC-Admins`,
		" R&D (EU) ":          `"R&D (EU)" is no DN: write it as CN=R&D (EU)`,
		"#ops":                `"#ops" is no DN: write it as CN=\#ops`,
		`a\7Cb`:               `"a\\7Cb" is no DN: write it as CN=a\7Cb`,
		`ACME\Ops`:            `"ACME\\Ops" is no DN: write it as CN=ACME\\Ops`,
		"Ops <eu>":            `"Ops <eu>" is no DN: write it as CN=Ops \<eu\>`,
		"Ops, EU":             `"Ops, EU" is no DN: write each name as CN=…, with \, for a comma within it`,
		"Ops;Dev":             `"Ops;Dev" is no DN: write each name as CN=…, with \; for a semicolon within it`,
		"CN=Ops, EU":          `"CN=Ops, EU" is no DN: write \, for a comma within a name`,
		"CN=Ops, EU,DC=x":     `"CN=Ops, EU,DC=x" is no DN: write \, for a comma within a name`,
		"CN=R+D,DC=x":         `"CN=R+D,DC=x" is no DN: write \+ for a + within a name`,
		"CN=Ops; EU":          `"CN=Ops; EU" is no DN: write \; for a semicolon within a name`,
		`CN="Ops, EU"`:        `"CN=\"Ops, EU\"" is no DN: write \" for a " within a name`,
		"CN=a<b,DC=x":         `"CN=a<b,DC=x" is no DN: write \< for a < within a name`,
		`CN=ACME\Ops`:         `"CN=ACME\\Ops" is no DN: write \\ for a \ within a name`,
		`CN=Ops\`:             `"CN=Ops\\" is no DN: write \\ for a \ within a name`,
		"CN=Ops,":             `"CN=Ops," is no DN: a part of it is empty`,
		"CN=Ops, ,DC=x":       `"CN=Ops, ,DC=x" is no DN: a part of it is empty`,
		"Ops,OU=Groups,DC=x":  `"Ops,OU=Groups,DC=x" is no DN: it begins with a name alone: write that as CN=Ops`,
		`O\, ps ,OU=G\, EU,x`: `"O\\, ps ,OU=G\\, EU,x" is no DN: it begins with a name alone: write that as CN=O\, ps`,
	} {
		if _, err := directory.ParseDN(in); err == nil || err.Error() != want {
			t.Errorf("ParseDN(%q): %v\nwant %s", in, err, want)
		}
	}
	for _, in := range []string{"=Ops", "CN=#zz"} { // nothing better is known than what the parser says
		if _, err := directory.ParseDN(in); err == nil || !strings.HasPrefix(err.Error(), `"`+in+`" is no DN: `) || strings.HasSuffix(err.Error(), ": ") {
			t.Errorf("ParseDN(%q): %v", in, err)
		}
	}
}

// checkAdvice takes the advice of an error, where it is a whole DN: it must
// read as one, whether or not a group can be named after it.
func checkAdvice(t *testing.T, err error) {
	t.Helper()
	for _, lead := range []string{" is no DN: write it as ", " is no DN: it begins with a name alone: write that as "} {
		_, advice, found := strings.Cut(err.Error(), lead)
		if !found {
			continue
		}
		if _, again := directory.ParseDN(advice); again != nil && strings.Contains(again.Error(), "is no DN") {
			t.Fatalf("%v\nbut %v", err, again)
		}
	}
}
