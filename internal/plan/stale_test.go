package plan_test

import (
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

func TestNewWarnsOfGroupsThatNoRowNamesAnyMore(t *testing.T) {
	t.Parallel()
	const lead = `group "xc-old" is no longer in the CSV, but its `
	const hint = " to delete it or unnamed-groups: empty to empty it, or add it to protect if another export manages it"
	for name, tt := range map[string]struct {
		csv    func(*csv)
		group  func(*directory.Group)
		policy plan.Policy
		want   []string
	}{
		"one member":   {want: []string{lead + "1 member keeps access; set prune: groups" + hint}},
		"two members":  {group: func(g *directory.Group) { g.Usernames = []directory.Username{"b@x.y", "ghost"} }, want: []string{lead + "2 members keep access; set prune: groups" + hint}},
		"users pruned": {policy: plan.Policy{PruneUsers: true, Caller: known}},
		"users pruned, but one who is named": {
			csv:   func(c *csv) { c.group("CN=Ops", "a@x.y", "b@x.y") },
			group: func(g *directory.Group) { g.Usernames = []directory.Username{"b@x.y", "c@x.y"} }, policy: plan.Policy{PruneUsers: true, Caller: known},
			want: []string{lead + "1 member keeps access; set prune: all" + hint},
		},
		"referred to": {
			group: func(g *directory.Group) { g.References = map[string]int{"policy": 1} },
			want:  []string{lead + "1 member keeps access; set unnamed-groups: empty to empty it, or add it to protect if another export manages it (prune: groups would not delete it: it is referenced by policy (1))"},
		},
		"its member is protected": {
			policy: plan.Policy{Protect: plan.Patterns{"b@*"}},
			want:   []string{lead + "1 member keeps access; set unnamed-groups: empty to empty it, or add it to protect if another export manages it (prune: groups would not delete it: member b@x.y stays: protected)"},
		},
		"it is protected":         {policy: plan.Policy{Protect: plan.Patterns{"xc-*"}}},
		"nobody in it":            {group: func(g *directory.Group) { g.Usernames = nil }},
		"made by somebody else":   {group: func(g *directory.Group) { g.Description = "" }, policy: plan.Policy{PruneUnmanaged: true}},
		"synced by SCIM":          {group: func(g *directory.Group) { g.SyncMode = directory.SyncSCIM }},
		"unreadable":              {group: func(g *directory.Group) { g.ReadError = "boom" }},
		"named":                   {csv: func(c *csv) { c.group("CN=XC-Old", "b@x.y") }},
		"named, of nobody active": {csv: func(c *csv) { c.group("CN=XC-Old") }},
		"a bad row may name it":   {csv: func(c *csv) { c.KeepGroups = true }},
		"not in scope":            {policy: plan.Policy{Groups: plan.Patterns{"ops"}}},
		"adopted": {
			group: func(g *directory.Group) { g.Description = "" }, policy: plan.Policy{Adopt: plan.Patterns{"xc-*"}},
			want: []string{lead + "1 member keeps access; set prune: groups" + hint},
		},
		"emptied": {policy: plan.Policy{EmptyUnnamed: true, Groups: plan.Patterns{"*"}}},
		"inactive in another's": {
			csv:   func(c *csv) { c.person("b@x.y", directory.Inactive) },
			group: func(g *directory.Group) { g.Description = "" },
			want:  []string{`b@x.y is inactive, but keeps access to group "xc-old", which is not in the CSV; `},
		},
		"inactive in another's, and pruned": {
			csv:    func(c *csv) { c.person("b@x.y", directory.Inactive) },
			group:  func(g *directory.Group) { g.Description = "" },
			policy: plan.Policy{PruneUsers: true, PruneInactive: true, Caller: known},
		},
		"inactive and protected": {
			csv:    func(c *csv) { c.person("b@x.y", directory.Inactive) },
			group:  func(g *directory.Group) { g.Description = "" },
			policy: plan.Policy{Protect: plan.Patterns{"b@*"}},
		},
		"inactive in what is deleted": {
			csv:    func(c *csv) { c.person("b@x.y", directory.Inactive) },
			group:  func(g *directory.Group) { g.Description = "" },
			policy: plan.Policy{PruneGroups: true, PruneUnmanaged: true},
		},
		"pruned":                           {policy: plan.Policy{PruneGroups: true}},
		"pruned, but protected (withheld)": {policy: plan.Policy{PruneGroups: true, Protect: plan.Patterns{"b@*"}}},
		"pruned, but made by somebody else": {
			group: func(g *directory.Group) { g.Description = "" }, policy: plan.Policy{PruneGroups: true},
			want: []string{`group "xc-old" is not deleted: this program did not create it; `},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, group := newCSV(), managed("xc-old", "b@x.y")
			c.group("CN=Ops", "a@x.y")
			if tt.csv != nil {
				tt.csv(c)
			}
			if tt.group != nil {
				tt.group(&group)
			}
			p := plan.New(&c.Desired, observe(nil, managed("ops", "a@x.y"), group), tt.policy)
			var got []string
			for _, f := range p.Findings {
				got = append(got, f.Message+"; "+f.Hint)
			}
			same(t, "findings", got, tt.want)
		})
	}
}

func TestNewChangesNothingForAGroupThatNoRowNames(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops", "a@x.y")
	ops := managed("ops", "a@x.y")
	before := plan.New(&c.Desired, &directory.Observed{Users: locals("a@x.y"), Groups: []directory.Group{ops}}, plan.Policy{})
	after := plan.New(&c.Desired, &directory.Observed{Users: locals("a@x.y"), Groups: []directory.Group{ops, managed("old", "b@x.y")}}, plan.Policy{})
	same(t, "operations", shown(after), []string{})
	same(t, "digest", after.Digest, before.Digest)
	same(t, "blocked", len(after.Blocked), 0)
	restored := plan.NewRestore(&directory.Snapshot{}, &directory.Observed{Groups: []directory.Group{managed("old", "b@x.y")}}, plan.Policy{})
	same(t, "findings of a restore", len(restored.Findings), 0)
}
