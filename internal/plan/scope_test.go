package plan_test

import (
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

func TestDNInScope(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		patterns plan.Patterns
		in, out  []string
	}{
		"no patterns":                  {nil, []string{"CN=Ops", "CN=x,OU=y"}, nil},
		"an API name":                  {plan.Patterns{"xc-*"}, []string{"CN=XC-Ops", "CN=xc ops,OU=y"}, []string{"CN=Ops", "CN=Ops,OU=xc-x"}},
		"a whole DN":                   {plan.Patterns{"*,OU=F5 XC,DC=example,DC=com"}, []string{"CN=a,OU=F5 XC,DC=example,DC=com", "cn=a,ou=f5 xc,dc=EXAMPLE,dc=com", "CN=a, OU=F5 XC, DC=example, DC=com"}, []string{"CN=a,OU=F5,DC=example,DC=com", "CN=a,OU=F5 XC,DC=example,DC=com,DC=org"}},
		"either":                       {plan.Patterns{"xc-*", "*,OU=x"}, []string{"CN=XC-a", "CN=a,OU=x"}, []string{"CN=a"}},
		"a name pattern is not a DN's": {plan.Patterns{"*ou*"}, []string{"CN=Group"}, []string{"CN=a,OU=x"}},
		"excluded by name":             {plan.Patterns{"xc-*", "!xc-sandbox-*"}, []string{"CN=XC-a"}, []string{"CN=XC-Sandbox-a", "CN=a"}},
		"excluded by DN":               {plan.Patterns{"xc-*", "!*,OU=Sandbox"}, []string{"CN=XC-a", "CN=XC-a,OU=x"}, []string{"CN=XC-a,OU=sandbox", "CN=XC-a, OU=Sandbox"}},
		"in by DN, excluded by name":   {plan.Patterns{"*,OU=x", "!admins"}, []string{"CN=a,OU=x"}, []string{"CN=Admins,OU=x"}},
		"exclusions only":              {plan.Patterns{"!xc-a", "!*,OU=Sandbox"}, []string{"CN=b", "CN=b,OU=x"}, []string{"CN=XC-a", "CN=b,OU=Sandbox"}},
		"however it is spelled":        {plan.Patterns{`commonName=Net\2CCore\20A, OU=F5+ou=x`}, []string{`CN=Net\,Core A,OU=F5+OU=x`, `cn=net\2ccore  a,ou=f5 + ou=x`}, []string{`CN=Net\,CoreA,OU=F5+OU=x`}},
		"accents, however composed":    {plan.Patterns{"cn=caf\u00e9,*"}, []string{"CN=Cafe\u0301,OU=x", "CN=Caf\u00e9,OU=x"}, []string{"CN=Cafe,OU=x"}},
	} {
		policy := plan.Policy{Groups: tt.patterns}
		for want, dns := range map[bool][]string{true: tt.in, false: tt.out} {
			for _, text := range dns {
				dn, err := directory.ParseDN(text)
				if err != nil {
					t.Fatal(err)
				}
				if got := policy.DNInScope(dn); got != want {
					t.Errorf("%s: %q: in scope: %v, want %v", name, text, got, want)
				}
			}
		}
	}
}

// TestDNInScopeByTheNameItMapsTo, which need not be formed from its CN.
func TestDNInScopeByTheNameItMapsTo(t *testing.T) {
	t.Parallel()
	dn, err := directory.ParseDN("CN=APP_F5XC_ADM_PRD")
	if err != nil {
		t.Fatal(err)
	}
	policy := plan.Policy{Groups: plan.Patterns{"xc-*"}}
	var names directory.Names
	names.Map(dn, "xc-admins")
	if mapped, _ := names.Apply(dn); !policy.DNInScope(mapped) || policy.DNInScope(dn) {
		t.Error("the name that the DN maps to does not count")
	}
}

// TestDNInScopeWithoutAName: what cannot be a group of any name is still in scope
// of everything.
func TestDNInScopeWithoutAName(t *testing.T) {
	t.Parallel()
	dn, err := directory.ParseAnyDN("CN=1st,OU=x")
	if err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]bool{"*": true, "**": true, "!xc-*": true, "*,OU=x": true, "xc-*": false, "?*": false, "*,OU=y": false} {
		if got := (plan.Policy{Groups: plan.Patterns{pattern}}).DNInScope(dn); got != want {
			t.Errorf("%q: in scope: %v, want %v", pattern, got, want)
		}
	}
}

// TestDNInScopeWithoutACN: a row must not cause a removal because its CN is broken.
func TestDNInScopeWithoutACN(t *testing.T) {
	t.Parallel()
	for text, tests := range map[string]map[string]bool{
		"OU=xc-b,OU=x": {"xc-*": true, "!xc-*": true, "xc-* !xc-b": true, "*,OU=x": true, "*,OU=y": false, "xc-* !*,OU=x": false, "!*,OU=x": false},
		"CN=,OU=x":     {"xc-*": true, "*,OU=y": false},
		"N=xc-b,OU=x":  {"xc-*": true, "*,OU=y": false},
	} {
		dn, err := directory.ParseAnyDN(text)
		if err != nil {
			t.Fatal(err)
		}
		for patterns, want := range tests {
			if got := (plan.Policy{Groups: strings.Fields(patterns)}).DNInScope(dn); got != want {
				t.Errorf("%s with %q: in scope: %v, want %v", text, patterns, got, want)
			}
		}
	}
}

func TestPersonInScope(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		patterns plan.Patterns
		email    directory.Email
		want     bool
	}{
		{nil, "a@x.y", true},
		{plan.Patterns{"*@x.y"}, "a@x.y", true},
		{plan.Patterns{"*@X.Y"}, "a@x.y", true},
		{plan.Patterns{"*@x.y"}, "a@x.y.evil", false},
		{plan.Patterns{"*@x.y", "!admin@*"}, "admin@x.y", false},
		{plan.Patterns{"!admin@*"}, "a@x.y", true},
		{plan.Patterns{"*"}, "", false},
	} {
		if got := (plan.Policy{People: tt.patterns}).PersonInScope(tt.email); got != tt.want {
			t.Errorf("%q, %q: %v, want %v", tt.patterns, tt.email, got, tt.want)
		}
	}
}

// TestPeopleOutOfScopeAreLeftAlone, wherever they are named.
func TestPeopleOutOfScopeAreLeftAlone(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops", "in@x.y", "new@out.example", "there@out.example", "known@out.example")
	c.group("CN=New", "new@out.example")
	renamed := c.person("known@out.example", directory.Active)
	renamed.Name, renamed.Named = directory.PersonName{First: "New", Last: "Name"}, true
	observed := observe(locals("known@out.example", "idle@out.example"), managed("ops", "there@out.example", "gone@out.example"), managed("old", "gone@out.example"), managed("scrap"))
	policy := prunes()
	policy.UpdateUsers, policy.EmptyUnnamed, policy.People = true, true, plan.Patterns{"*@x.y"}
	p := plan.New(&c.Desired, observed, policy)
	same(t, "operations", shown(p), []string{"create user in@x.y", "update group ops +in@x.y", "delete group scrap"})
	same(t, "withheld", withheld(p), []string{
		"ops gone@out.example: not in scope (people)",
		"group old: member gone@out.example stays: not in scope (people)",
		"old gone@out.example: not in scope (people)",
	})
	same(t, "blocked", blocked(p), []string(nil))
}

// TestGroupsOutOfScopeAreLeftAlone: they are neither pruned nor emptied nor
// warned about, and nobody is deleted out of one.
func TestGroupsOutOfScopeAreLeftAlone(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=XC-Ops", "a@x.y")
	unread := managed("unread", "c@x.y")
	unread.ReadError = "boom"
	observed := observe(locals("a@x.y", "d@x.y"), managed("xc-ops"), managed("other", "b@x.y"), byHand("hand", "b@x.y"), unread)
	policy := prunes()
	policy.PruneUnmanaged, policy.EmptyUnnamed, policy.Groups = true, true, plan.Patterns{"xc-*"}
	p := plan.New(&c.Desired, observed, policy)
	same(t, "operations", shown(p), []string{"update group xc-ops +a@x.y", "delete user d@x.y"})
	same(t, "withheld", withheld(p), []string{
		"user b@x.y: member of group other, which this run does not change",
		"user c@x.y: member of group unread, which this run does not change",
	})
	same(t, "blocked", blocked(p), []string(nil))
	same(t, "findings", len(p.Findings), 0)
}

// TestGroupOfAnExcludedDNIsOutOfScope, although its API name matches: the CSV
// speaks of it, so it is not one that no row names.
func TestGroupOfAnExcludedDNIsOutOfScope(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops", "a@x.y")
	c.Outside = map[directory.GroupName]bool{"team": true}
	policy := prunes()
	policy.Groups, policy.EmptyUnnamed, policy.PruneUsers = plan.Patterns{"*", "!*,OU=G"}, true, false
	p := plan.New(&c.Desired, observe(nil, managed("ops", "a@x.y"), managed("team", "b@x.y"), managed("old", "b@x.y")), policy)
	same(t, "operations", shown(p), []string{"delete group old -b@x.y"})
}

func TestPatternsMeetBothFormsOfADomain(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"x@xn--bcher-kva.example", "*@xn--bcher-kva.example", "X@BÜCHER.example"} {
		patterns, err := parsePatterns(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"x@bücher.example", "x@xn--bcher-kva.example"} {
			if !patterns.Match(name) {
				t.Errorf("%q does not match %q", pattern, name)
			}
		}
	}
}
