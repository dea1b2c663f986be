package plan_test

import (
	"slices"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// byHand is a group that somebody else created.
func byHand(name directory.GroupName, usernames ...directory.Username) directory.Group {
	group := managed(name, usernames...)
	group.Description = "created by hand"
	return group
}

// TestAttackRowIsBlocked: one row that names a group with an admin role neither
// gives nor takes anything.
func TestAttackRowIsBlocked(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Admins", "mallory@evil.example")
	admins := byHand("admins", "a@x.y", "b@x.y", "ghost")
	for _, name := range []string{"d", "c", "b", "a"} {
		admins.Roles = append(admins.Roles, directory.Role{Namespace: "*", Role: name})
	}
	p := plan.New(&c.Desired, &directory.Observed{Users: locals("a@x.y", "b@x.y"), Groups: []directory.Group{admins}}, plan.Policy{MaxRemovals: plan.Limit{None: true}})
	same(t, "operations", shown(p), []string{})
	if len(p.Blocked) != 1 {
		t.Fatalf("blocked: %+v", p.Blocked)
	}
	b := p.Blocked[0]
	same(t, "roles", b.Roles, slices.SortedFunc(slices.Values(admins.Roles), directory.Role.Compare))
	same(t, "object", []any{b.Object, b.Name}, []any{plan.Group, "admins"})
	for _, part := range []string{"3 members", "*/a, */b, */c", "1 more"} {
		if !strings.Contains(b.Reason, part) {
			t.Errorf("%q does not tell %q", b.Reason, part)
		}
	}
	if !strings.HasSuffix(b.Hint, "adopt: admins") {
		t.Errorf("hint = %q", b.Hint)
	}
	if len(p.Findings) > 0 {
		t.Errorf("findings: %+v", p.Findings) // about one group everything is said
	}
}

func TestAllGroupsToAdoptAreOneLine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		policy plan.Policy
		want   string
	}{
		"all":                  {want: "adopt: [net, ops, sec]"},
		"one is adopted":       {policy: plan.Policy{Adopt: plan.Patterns{"net"}}, want: "adopt: [ops, sec]"},
		"two are adopted":      {policy: plan.Policy{Adopt: plan.Patterns{"net", "S*"}}},
		"all are adopted":      {policy: plan.Policy{Adopt: plan.Patterns{"*"}}},
		"the run is about two": {policy: plan.Policy{Only: plan.Patterns{"net", "sec"}}, want: "adopt: [net, sec]"},
		"the run is about one": {policy: plan.Policy{Only: plan.Patterns{"sec"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCSV()
			for _, dn := range []string{"CN=Sec", "CN=Ops", "CN=Net", "CN=Own", "CN=Unread", "CN=Twice|CN=Twice,OU=x"} {
				c.group(dn, "a@x.y")
			}
			unread := byHand("unread")
			unread.ReadError = "boom"
			p := plan.New(&c.Desired, observe(locals("a@x.y"), byHand("sec"), byHand("ops"), byHand("net"), managed("own"), unread, byHand("twice")), tt.policy)
			var hints []string
			for _, f := range p.Findings {
				if f.Kind == directory.NotOwned {
					_, line, _ := strings.Cut(f.Hint, "adopt: ")
					hints = append(hints, "adopt: "+line)
				}
			}
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			same(t, "hints", hints, want)
		})
	}
}

// TestAdoptedGroupKeepsWhatItIs: description, display name, roles and sync id.
func TestAdoptedGroupKeepsWhatItIs(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=OPS", "a@x.y")
	group := byHand("ops", "b@x.y")
	group.Roles, group.SyncID, group.DisplayName = []directory.Role{{Namespace: "n", Role: "r"}}, "id", "Operations"
	p := plan.New(&c.Desired, observe(locals("a@x.y"), group), plan.Policy{Adopt: plan.Patterns{"OPS"}})
	same(t, "operations", shown(p), []string{"update group ops +a@x.y -b@x.y"})
	same(t, "group", p.Operations[0].Group, group)
	if p.Operations[0].Attributes != nil {
		t.Errorf("attributes: %v", p.Operations[0].Attributes)
	}
}

func TestOwnershipIsTheBeginningOfTheDescription(t *testing.T) {
	t.Parallel()
	for description, own := range map[string]bool{
		plan.Marker: true, plan.Marker + ", for the night shift": true,
		"": false, "managed by xc-group-sync": false, " " + plan.Marker: false, "was " + plan.Marker: false, plan.Marker[:20]: false,
	} {
		c, group := newCSV(), managed("ops")
		group.Description = description
		c.group("CN=Ops", "a@x.y")
		p := plan.New(&c.Desired, observe(locals("a@x.y"), group), plan.Policy{})
		if got := len(p.Blocked) == 0 && len(p.Operations) == 1; got != own {
			t.Errorf("%q: %v, want %v", description, got, own)
		}
	}
}

func TestUnnamedGroups(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		csv      func(*csv)
		group    func(*directory.Group)
		policy   func(*plan.Policy)
		want     []string
		withheld []string
		warns    string // about a group that is not owned
	}{
		"emptied":                         {want: []string{"update group old -a@x.y -b@x.y"}},
		"kept":                            {policy: func(p *plan.Policy) { p.EmptyUnnamed = false }, want: []string{}},
		"empty already":                   {group: func(g *directory.Group) { g.Usernames = nil }, want: []string{}},
		"named":                           {csv: func(c *csv) { c.group("CN=Old", "a@x.y") }, want: []string{"update group old -b@x.y"}},
		"not in scope":                    {policy: func(p *plan.Policy) { p.Groups = plan.Patterns{"xc-*"} }, want: []string{}},
		"synced by SCIM":                  {group: func(g *directory.Group) { g.SyncMode = directory.SyncSCIM }, want: []string{}},
		"unread":                          {group: func(g *directory.Group) { g.ReadError = "boom" }, want: []string{}},
		"in scope, with DN patterns only": {policy: func(p *plan.Policy) { p.Groups = plan.Patterns{"*,OU=x"} }, want: []string{"update group old -a@x.y -b@x.y"}},
		"adopted, with DN patterns only": {
			group:  func(g *directory.Group) { g.Description = "" },
			policy: func(p *plan.Policy) { p.Groups, p.Adopt = plan.Patterns{"*,OU=x"}, plan.Patterns{"*"} }, want: []string{},
		},
		"not owned": {group: func(g *directory.Group) { g.Description = "" }, want: []string{}, warns: "emptied"},
		"not owned, and empty": {
			group: func(g *directory.Group) { g.Description, g.Usernames = "", nil }, want: []string{},
		},
		"not owned, but may be pruned": { // which is not asked for
			group: func(g *directory.Group) { g.Description = "" }, policy: func(p *plan.Policy) { p.PruneUnmanaged = true }, want: []string{}, warns: "emptied",
		},
		"adopted": {
			group: func(g *directory.Group) { g.Description = "" }, policy: func(p *plan.Policy) { p.Adopt = plan.Patterns{"old"} },
			want: []string{"update group old -a@x.y -b@x.y"},
		},
		"pruned": {policy: func(p *plan.Policy) { p.PruneGroups = true }, want: []string{"delete group old -a@x.y -b@x.y"}},
		"not owned, not pruned": {
			group: func(g *directory.Group) { g.Description = "" }, policy: func(p *plan.Policy) { p.PruneGroups = true },
			want: []string{}, warns: "emptied",
		},
		"not owned, empty, not pruned": {
			group: func(g *directory.Group) { g.Description, g.Usernames = "", nil }, policy: func(p *plan.Policy) { p.PruneGroups = true },
			want: []string{}, warns: "deleted",
		},
		"not owned, but pruned": {
			group: func(g *directory.Group) { g.Description = "" }, policy: func(p *plan.Policy) { p.PruneGroups, p.PruneUnmanaged = true, true },
			want: []string{"delete group old -a@x.y -b@x.y"},
		},
		"adopted, not pruned": {
			group: func(g *directory.Group) { g.Description = "" }, policy: func(p *plan.Policy) { p.PruneGroups, p.Adopt = true, plan.Patterns{"old"} },
			want: []string{"update group old -a@x.y -b@x.y"}, warns: "deleted",
		},
		"referred to, so emptied instead": {
			group: func(g *directory.Group) { g.References = map[string]int{"policy": 1} }, policy: func(p *plan.Policy) { p.PruneGroups = true },
			want: []string{"update group old -a@x.y -b@x.y"},
		},
		"somebody stays, so emptied of the others": {
			policy:   func(p *plan.Policy) { p.PruneGroups, p.Protect = true, plan.Patterns{"a@*"} },
			want:     []string{"update group old -b@x.y"},
			withheld: []string{"group old: member a@x.y stays: protected", "old a@x.y: protected"},
		},
		"protected": {
			policy: func(p *plan.Policy) { p.PruneGroups, p.Protect = true, plan.Patterns{"old"} }, want: []string{},
			withheld: []string{"group old: it is protected", "old a@x.y: the group is protected", "old b@x.y: the group is protected"},
		},
		"an invalid row may name it": {
			csv: func(c *csv) { c.KeepGroups = true }, want: []string{},
			withheld: []string{"old a@x.y: an invalid row may have named the group", "old b@x.y: an invalid row may have named the group"},
		},
		"an invalid email elsewhere": {csv: func(c *csv) { c.KeepUsers = true }, want: []string{"update group old -a@x.y -b@x.y"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, group := newCSV(), managed("old", "a@x.y", "b@x.y")
			c.group("CN=Ops", "a@x.y")
			policy := plan.Policy{EmptyUnnamed: true, Groups: plan.Patterns{"*"}, MaxRemovals: plan.Limit{None: true}, Caller: known}
			if tt.csv != nil {
				tt.csv(c)
			}
			if tt.group != nil {
				tt.group(&group)
			}
			if tt.policy != nil {
				tt.policy(&policy)
			}
			p := plan.New(&c.Desired, observe(locals("a@x.y", "b@x.y"), managed("ops", "a@x.y"), group), policy)
			same(t, "operations", shown(p), tt.want)
			same(t, "withheld", withheld(p), tt.withheld)
			var warnings []string
			for _, f := range p.Findings {
				warnings = append(warnings, f.Message)
			}
			if tt.warns != "" {
				same(t, "warnings", warnings, []string{`group "old" is not ` + tt.warns + `: this program did not create it`})
			} else if slices.ContainsFunc(p.Findings, func(f directory.Finding) bool { return f.Kind == directory.NotOwned }) {
				t.Errorf("warnings: %v", warnings)
			}
		})
	}
}

// TestEmptyingIsGuarded like any other removal.
func TestEmptyingIsGuarded(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops", "a@x.y")
	p := plan.New(&c.Desired, observe(nil, managed("ops", "a@x.y"), managed("old", "b@x.y")), plan.Policy{EmptyUnnamed: true, Groups: plan.Patterns{"*"}})
	same(t, "refusals", refused(p), []string{"memberships 1/2", `membership of group "old" 1/1`})
}

// TestNoGroupBesideOneThatDiffersInCaseOnly: people could not tell them apart.
func TestNoGroupBesideOneThatDiffersInCaseOnly(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops", "ann@x.y")
	c.group("CN=Dev", "ann@x.y")
	p := plan.New(&c.Desired, observe(locals("ann@x.y"), managed("Ops", "bob@x.y")), plan.Policy{})
	same(t, "operations", shown(p), []string{"create group dev +ann@x.y"})
	same(t, "blocked", blocked(p), []string{"ops"})
}
