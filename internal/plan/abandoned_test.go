package plan_test

import (
	"fmt"
	"slices"
	"strings"
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
		"one member":   {want: []string{lead + "1 member stay as they are; prune: groups deletes it"}},
		"two members":  {group: func(g *directory.Group) { g.Usernames = []string{"b@x.y", "ghost"} }, want: []string{lead + "2 members stay as they are; prune: groups deletes it"}},
		"users pruned": {policy: plan.Policy{PruneUsers: true, Caller: known}, want: []string{lead + "1 member stay as they are; prune: all deletes it"}},
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
		"pruned":                  {policy: plan.Policy{PruneGroups: true}},
		"pruned, but protected":   {policy: plan.Policy{PruneGroups: true, Protect: plan.Patterns{"b@*"}}, want: []string{`group "xc-old" is not deleted: its member b@x.y is protected`}},
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
				if problem.BadRow || problem.Line != 0 {
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
	for n, want := range map[int]string{
		20: "", 21: "and 1 more group that was made by this program stays, though no row names it any more",
		25: "and 5 more groups that were made by this program stay, though no row names them any more",
	} {
		observed := &directory.Observed{}
		for i := range n {
			observed.Groups = append(observed.Groups, managed(directory.GroupName(fmt.Sprintf("old-%02d", i)), "b@x.y"))
		}
		slices.Reverse(observed.Groups)
		problems := plan.New(&directory.Desired{}, observed, plan.Policy{}).Problems
		if !strings.Contains(problems[0].Message, `"old-00"`) || !strings.Contains(problems[19].Message, `"old-19"`) {
			t.Errorf("of %d groups the first is told by %q, the twentieth by %q", n, problems[0].Message, problems[19].Message)
		}
		last := ""
		if len(problems) > 20 {
			last = problems[20].Message
		}
		if last != want || len(problems) > 21 {
			t.Errorf("of %d groups %d problems, and then %q; want %q", n, len(problems), last, want)
		}
	}
}
