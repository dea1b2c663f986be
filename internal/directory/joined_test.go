package directory_test

import (
	"testing"

	"xc-group-sync/internal/directory"
)

// TestJoinedWithoutDC: a CN after an organization begins another DN, in one that
// begins with a CN.
func TestJoinedWithoutDC(t *testing.T) {
	t.Parallel()
	for text, valid := range map[string]bool{
		"CN=team,OU=G,O=corp,CN=ops,OU=G,O=corp": false,
		"CN=team,O=corp,CN=ops":                  false,
		"CN=team,OU=G,O=corp":                    true,
		"CN=team,O=corp,OU=G,C=US":               true,
		"O=corp,OU=G,CN=team":                    true,
		"C=US,O=corp,CN=team":                    true,
		"OU=xc,O=corp,CN=team":                   true,
		"cn=team,cn=groups,cn=accounts,dc=corp":  true,
	} {
		if _, err := directory.ParseDN(text); (err == nil) != valid {
			t.Errorf("%s: %v", text, err)
		}
	}
}
