package plan_test

import (
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// TestSlipsInThePolicyAreToldOf: an entry that names one thing must name an
// existing one, in any spelling; patterns need not match anything.
func TestSlipsInThePolicyAreToldOf(t *testing.T) {
	t.Parallel()
	policy := plan.Policy{
		Protect: plan.Patterns{
			"Ada@X.Y", "gone@x.y", "svc-deploy", "ops", "new", "bob@b\u00fccher.example", // there
			"adda@x.y", "opps", // slips
			"*@none.example", "xc-?", "[!a]*q", "!nobody@x.y", // match nothing, and may
		},
		Adopt: plan.Patterns{"OPS", "new", "opss", "xc-*"},
	}
	users := append(locals("ada@x.y", "bob@xn--bcher-kva.example"), directory.User{Username: "svc-deploy", Type: directory.TypeService})
	for name, tt := range map[string]struct {
		sample bool
		want   []string
	}{
		"a tenant":            {want: []string{`names: no DN in the CSV matches "CN=Typo"`, `protect: no person or group matches "adda@x.y"`, `protect: no person or group matches "opps"`, `adopt: no group matches "opss"`}},
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
