package roster_test

import (
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/roster"
)

// TestRowOutOfScopeNamesNoGroup: somebody out of scope neither joins a group nor
// makes others leave it.
func TestRowOutOfScopeNamesNoGroup(t *testing.T) {
	t.Parallel()
	const csv = "Email,Entitlement Display Name\nx@other.example,CN=Ops\nx@other.example,CN=Dev\nada@corp.example,CN=Dev\n"
	desired, err := roster.Read(strings.NewReader(csv), roster.Options{PersonInScope: func(email directory.Email) bool {
		return strings.HasSuffix(string(email), "@corp.example")
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range desired.Groups {
		if onlyOthers := group.Name == "ops"; group.KeepMembers != onlyOthers {
			t.Errorf("group %s: KeepMembers = %v", group.Name, group.KeepMembers)
		}
	}
	if desired.OutOfScope.People != 1 || desired.InvalidRows != 2 || desired.KeepUsers || desired.KeepGroups {
		t.Errorf("desired = %+v", desired)
	}
}
