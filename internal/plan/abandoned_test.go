package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

func TestNewWarnsOfGroupsThatNoRowNamesAnyMore(t *testing.T) {
	t.Parallel()
	const lead = `group "xc-old" was made by this program and no row names it any more: it and its `
	for name, tt := range map[string]struct {
		csv    func(*csv)
		group  func(*directory.Group)
		policy plan.Policy
		want   []string
	}{
		"one member":   {want: []string{lead + "1 member stay as they are; prune: groups deletes it; protect it if another export feeds it"}},
		"two members":  {group: func(g *directory.Group) { g.Usernames = []directory.Username{"b@x.y", "ghost"} }, want: []string{lead + "2 members stay as they are; prune: groups deletes it; protect it if another export feeds it"}},
		"users pruned": {policy: plan.Policy{PruneUsers: true, Caller: known}, want: []string{lead + "1 member stay as they are; prune: all deletes it; protect it if another export feeds it"}},
		"referred to": {
			group: func(g *directory.Group) { g.References = map[string]int{"policy": 1} },
			want:  []string{lead + "1 member stay as they are; prune: groups would not delete it, for it is referred to by policy (1)"},
		},
		"its member is protected": {
			policy: plan.Policy{Protect: plan.Patterns{"b@*"}},
			want:   []string{lead + "1 member stay as they are; prune: groups would not delete it, for its member b@x.y is protected"},
		},
		"it is protected":         {policy: plan.Policy{Protect: plan.Patterns{"xc-*"}}},
		"nobody in it":            {group: func(g *directory.Group) { g.Usernames = nil }},
		"made by somebody else":   {group: func(g *directory.Group) { g.Description = "" }, policy: plan.Policy{PruneUnmanaged: true}},
		"synced by SCIM":          {group: func(g *directory.Group) { g.SyncMode = directory.SyncSCIM }},
		"unreadable":              {group: func(g *directory.Group) { g.ReadError = "boom" }, want: []string{`group "xc-old" is left alone: the tenant could not read it whole: boom`}},
		"named":                   {csv: func(c *csv) { c.group("CN=XC-Old", "b@x.y") }},
		"named, of nobody active": {csv: func(c *csv) { c.group("CN=XC-Old") }},
		"a bad row may name it":   {csv: func(c *csv) { c.KeepGroups = true }},
		"inactive in another's": {
			csv:   func(c *csv) { c.person("b@x.y", directory.Inactive) },
			group: func(g *directory.Group) { g.Description = "" },
			want:  []string{`b@x.y is inactive, and stays in the group "xc-old", which no row names: nobody is taken out of such a group`},
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
		"pruned":                {policy: plan.Policy{PruneGroups: true}},
		"pruned, but protected": {policy: plan.Policy{PruneGroups: true, Protect: plan.Patterns{"b@*"}}, want: []string{`group "xc-old" is not deleted: its member b@x.y is protected`}},
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
			observed := &directory.Observed{Users: locals("a@x.y"), Groups: []directory.Group{managed("ops", "a@x.y"), group}}
			p := plan.New(&c.Desired, observed, tt.policy)
			var got []string
			for _, problem := range p.Problems {
				got = append(got, problem.Message)
				if problem.Line != 0 {
					t.Errorf("%+v is of no row", problem)
				}
			}
			same(t, "problems", got, tt.want)
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
	same(t, "problems of a restore", len(restored.Problems), 0)
}

func TestNewBoundsTheWarningsOfGroups(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 4, 25} {
		c := newCSV()
		observed := &directory.Observed{}
		for i := range n {
			person := directory.Email(fmt.Sprintf("p%02d@x.y", i))
			c.person(person, directory.Inactive)
			other := managed(directory.GroupName(fmt.Sprintf("other-%02d", i)), directory.Username(person))
			other.Description = ""
			observed.Groups = append(observed.Groups, managed(directory.GroupName(fmt.Sprintf("old-%02d", i)), "b@x.y"), other)
		}
		slices.Reverse(observed.Groups)
		var got []string
		for _, problem := range plan.New(&c.Desired, observed, plan.Policy{}).Problems {
			got = append(got, problem.Message)
		}
		if n <= 3 {
			same(t, "warnings", len(got), 2*n)
			continue
		}
		same(t, "warnings", got, []string{
			fmt.Sprintf("%d groups were made by this program, and no row names them any more (old-00, old-01, old-02, …): their members stay; prune: groups deletes those that nothing else holds; protect what another export feeds", n),
			fmt.Sprintf("inactive people stay %d times in groups that no row names, which nobody is taken out of: p00@x.y in other-00, p01@x.y in other-01, p02@x.y in other-02, …", n),
		})
	}
}
