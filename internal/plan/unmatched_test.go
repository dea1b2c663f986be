package plan_test

import (
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// TestSlipsInThePolicyAreToldOf: an entry that names one thing must name an
// existing one, in any spelling; patterns need not match anything, unless they
// are several in one.
func TestSlipsInThePolicyAreToldOf(t *testing.T) {
	t.Parallel()
	policy := plan.Policy{
		Protect: plan.Patterns{
			"Ada@X.Y", "gone@x.y", "svc-deploy", "ops", "new", "bob@b\u00fccher.example", // there
			"adda@x.y", "opps", // slips
			"*@none.example", "xc-?", "[!a]*q", "!nobody@x.y", // match nothing, and may
			"ada@x.y, b*@x.y", "name of *", // of which the second is the beginning of a username
		},
		Adopt:  plan.Patterns{"OPS", "new", "opss", "xc-*", "ops - new"},
		Groups: plan.Patterns{"*", "!xc-a, !xc-b", "!CN=a, b"},
		People: plan.Patterns{"*", "!c*@x.y !d@x.y"},
	}
	users := append(locals("ada@x.y", "bob@xn--bcher-kva.example"), directory.User{Username: "svc-deploy", Type: directory.TypeService}, directory.User{Username: "name of eve", Email: "eve@x.y"})
	for name, tt := range map[string]struct {
		sample bool
		want   []string
	}{
		"a tenant": {want: []string{`names: no DN in the CSV matches "CN=Typo"`, `protect: no person or group matches "adda@x.y"`, `protect: no person or group matches "opps"`, `adopt: no group matches "opss"`,
			`groups: nothing matches "!xc-a, !xc-b"`, `people: nothing matches "!c*@x.y !d@x.y"`, `protect: nothing matches "ada@x.y, b*@x.y"`, `adopt: nothing matches "ops - new"`}},
		"the sample's tenant": {sample: true, want: []string{`names: no DN in the CSV matches "CN=Typo"`}},
	} {
		c := newCSV()
		c.group("CN=New", "ada@x.y")
		c.person("gone@x.y", directory.Inactive)
		c.UnusedNames = []string{"CN=Typo"}
		policy.Sample = tt.sample
		var got []string
		for _, f := range plan.New(&c.Desired, observe(users, byHand("ops")), policy).Findings {
			if f.Kind == directory.Unmatched {
				got = append(got, f.Message)
			}
		}
		same(t, name, got, tt.want)
	}
}
