package plan_test

import (
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

func TestLookalikesAreLeftAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		csv      func(*csv)
		users    []directory.User
		groups   []directory.Group
		policy   func(*plan.Policy)
		want     []string
		withheld []string
		pairs    int
	}{
		"a mark": {
			csv:    func(c *csv) { c.group("CN=Ops", "josé@x.y", "ann@x.y") },
			groups: []directory.Group{managed("ops", "jose@x.y", "bob@x.y")},
			want:   []string{"create user ann@x.y", "update group ops +ann@x.y -bob@x.y"}, withheld: []string{"ops jose@x.y: looks the same as josé@x.y"}, pairs: 1,
		},
		"full width": {
			csv:    func(c *csv) { c.group("CN=Ops", "bob@x.y") },
			groups: []directory.Group{managed("ops", "ｂob@x.y")},
			want:   []string{}, withheld: []string{"ops ｂob@x.y: looks the same as bob@x.y"}, pairs: 1,
		},
		"the other has no email, but that username": {
			csv:   func(c *csv) { c.group("CN=Ops", "josé@x.y") },
			users: []directory.User{{Username: "jose@x.y", Type: directory.TypeUser}}, groups: []directory.Group{managed("ops", "jose@x.y")},
			want: []string{}, withheld: []string{"ops jose@x.y: looks the same as josé@x.y"}, pairs: 1,
		},
		"the newcomer is a user already": {
			csv:   func(c *csv) { c.group("CN=Ops", "josé@x.y") },
			users: locals("josé@x.y"), groups: []directory.Group{managed("ops", "jose@x.y")},
			want: []string{}, withheld: []string{"ops jose@x.y: looks the same as josé@x.y"}, pairs: 1,
		},
		"in different groups": { // which the CSV says about two people
			csv:    func(c *csv) { c.group("CN=Ops", "josé@x.y"); c.group("CN=Dev") },
			groups: []directory.Group{managed("ops"), managed("dev", "jose@x.y")},
			want:   []string{"create user josé@x.y", "update group dev -jose@x.y", "update group ops +josé@x.y"},
		},
		"nobody leaves": {
			csv:    func(c *csv) { c.group("CN=Ops", "josé@x.y", "jose@x.y") },
			groups: []directory.Group{managed("ops", "jose@x.y")},
			want:   []string{"create user josé@x.y", "update group ops +josé@x.y"},
		},
		"left alone in every group": {
			csv:    func(c *csv) { c.group("CN=Ops", "josé@x.y"); c.group("CN=Dev", "josé@x.y"); c.group("CN=Net") },
			groups: []directory.Group{managed("ops", "jose@x.y"), managed("net", "jose@x.y")}, want: []string{},
			withheld: []string{"net jose@x.y: looks the same as josé@x.y", "ops jose@x.y: looks the same as josé@x.y"}, pairs: 1,
		},
		"both are in the CSV": {
			csv:    func(c *csv) { c.group("CN=Ops", "josé@x.y"); c.group("CN=Dev", "jose@x.y") },
			groups: []directory.Group{managed("ops", "jose@x.y"), managed("dev", "jose@x.y")}, want: []string{},
			withheld: []string{"ops jose@x.y: looks the same as josé@x.y"}, pairs: 1,
		},
		"one comes, two go": {
			csv:    func(c *csv) { c.group("CN=Ops", "josé@x.y") },
			groups: []directory.Group{managed("ops", "jose@x.y", "ｊose@x.y")}, want: []string{},
			withheld: []string{"ops jose@x.y: looks the same as josé@x.y", "ops ｊose@x.y: looks the same as josé@x.y"}, pairs: 2,
		},
		"two come, one goes": {
			csv:    func(c *csv) { c.group("CN=Ops", "josé@x.y", "josè@x.y") },
			groups: []directory.Group{managed("ops", "jose@x.y")}, want: []string{},
			withheld: []string{"ops jose@x.y: looks the same as josé@x.y"}, pairs: 2,
		},
		"one is created, the other deleted": {
			csv:    func(c *csv) { c.group("CN=Ops", "josé@x.y") },
			users:  locals("jose@x.y", "idle@x.y"),
			policy: func(p *plan.Policy) { p.PruneUsers = true },
			want:   []string{"delete user idle@x.y"}, withheld: []string{"user jose@x.y: looks the same as josé@x.y"}, pairs: 1,
		},
		"the group of the other is pruned": {
			csv:    func(c *csv) { c.group("CN=Ops", "josé@x.y") },
			groups: []directory.Group{managed("ops", "jose@x.y"), managed("old", "jose@x.y")},
			policy: func(p *plan.Policy) { p.PruneGroups = true }, want: []string{},
			withheld: []string{"ops jose@x.y: looks the same as josé@x.y", "group old: member jose@x.y stays: looks the same as josé@x.y"}, pairs: 1,
		},
		"the other stays anyway": { // otherwise a later run would remove the right one
			csv:    func(c *csv) { c.group("CN=Ops", "josé@x.y") },
			groups: []directory.Group{managed("ops", "jose@x.y")},
			policy: func(p *plan.Policy) { p.Withhold = true }, want: []string{},
			withheld: []string{"ops jose@x.y: looks the same as josé@x.y"}, pairs: 1,
		},
		"neither is renamed": {
			csv: func(c *csv) {
				c.group("CN=Ops", "josé@x.y")
				for _, email := range []directory.Email{"josé@x.y", "jose@x.y"} {
					person := c.person(email, directory.Active)
					person.Name, person.Named = directory.PersonName{First: "New", Last: "Name"}, true
				}
			},
			users: locals("josé@x.y"), groups: []directory.Group{managed("ops", "jose@x.y")},
			policy: func(p *plan.Policy) { p.UpdateUsers = true }, want: []string{},
			withheld: []string{"ops jose@x.y: looks the same as josé@x.y"}, pairs: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, policy := newCSV(), plan.Policy{MaxRemovals: plan.Limit{None: true}, Caller: known}
			tt.csv(c)
			if tt.policy != nil {
				tt.policy(&policy)
			}
			p := plan.New(&c.Desired, observe(tt.users, tt.groups...), policy)
			same(t, "operations", shown(p), tt.want)
			same(t, "withheld", withheld(p), tt.withheld)
			pairs := 0
			for _, f := range p.Findings {
				if f.Kind == directory.Lookalike {
					pairs++
				}
			}
			same(t, "warnings about pairs", pairs, tt.pairs)
		})
	}
}
