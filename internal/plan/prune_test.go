package plan_test

import (
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

func TestPruneOfGroups(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		csv    func(*csv)
		group  func(*directory.Group)
		policy func(*plan.Policy)
		want   bool
		says   string
	}{
		"deleted":                     {want: true},
		"not asked for":               {policy: func(p *plan.Policy) { p.PruneGroups = false }},
		"the marker begins it":        {group: func(g *directory.Group) { g.Description += ", edited" }, want: true},
		"not created by this program": {group: func(g *directory.Group) { g.Description = "Mine, not " + plan.Marker }},
		"unmanaged, but asked for": {
			group: func(g *directory.Group) { g.Description = "" }, policy: func(p *plan.Policy) { p.PruneUnmanaged = true }, want: true,
		},
		"named by the CSV":                      {csv: func(c *csv) { c.group("CN=Old", "a@x.y", "b@x.y") }},
		"named by colliding DNs":                {csv: func(c *csv) { c.group("CN=Old|CN=Old,OU=x", "a@x.y") }},
		"synced by SCIM":                        {group: func(g *directory.Group) { g.SyncMode = directory.SyncSCIM }},
		"unreadable":                            {group: func(g *directory.Group) { g.ReadError = "boom" }},
		"a row of the CSV is bad":               {csv: func(c *csv) { c.KeepGroups = true }, says: `not deleting group "old": the CSV has a row`},
		"protected":                             {policy: func(p *plan.Policy) { p.Protect = plan.Patterns{"o*d"} }, says: `not deleting group "old": it is protected`},
		"a member is protected":                 {policy: func(p *plan.Policy) { p.Protect = plan.Patterns{"b@*"} }, says: "its member b@x.y is protected"},
		"a member's username is protected":      {policy: func(p *plan.Policy) { p.Protect = plan.Patterns{"ghost"} }, says: "its member ghost is protected"},
		"a contradicted member":                 {csv: func(c *csv) { c.person("b@x.y", directory.Contradicted) }, says: "the CSV calls its member b@x.y both active and inactive"},
		"a member of an unknown status":         {csv: func(c *csv) { c.unclear("b@x.y", "maybe") }, says: `the status "maybe" of its member b@x.y is not known`},
		"referred to":                           {group: func(g *directory.Group) { g.References = map[string]int{"b": 2, "a": 1, "c": 0} }, says: "referred to by a (1), b (2)"},
		"referred to by nothing":                {group: func(g *directory.Group) { g.References = map[string]int{"a": 0} }, want: true},
		"the caller is not known":               {policy: func(p *plan.Policy) { p.Caller = plan.Caller{} }, want: true},
		"a bad e-mail elsewhere":                {csv: func(c *csv) { c.KeepUsers = true }, want: true},
		"a person's rows are bad in name alone": {csv: func(c *csv) { c.person("b@x.y", directory.Inactive) }, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, policy, group := newCSV(), prunes(), managed("old", "a@x.y", "Ghost", "b@x.y")
			policy.PruneUsers = false
			if tt.csv != nil {
				tt.csv(c)
			}
			if tt.policy != nil {
				tt.policy(&policy)
			}
			if tt.group != nil {
				tt.group(&group)
			}
			p := plan.New(&c.Desired, &directory.Observed{Users: locals("a@x.y", "b@x.y"), Groups: []directory.Group{group}}, policy)
			want := []string{}
			if tt.want {
				want = []string{"delete group old -a@x.y -b@x.y -Ghost"}
			}
			deletions := []string{}
			for i := range p.Operations {
				if p.Operations[i].Action == plan.Delete {
					deletions = append(deletions, shown(p)[i])
				}
			}
			same(t, "deletions", deletions, want)
			if tt.says != "" && !says(p, tt.says) {
				t.Errorf("no finding says %q: %+v", tt.says, p.Findings)
			}
		})
	}
}

func TestPruneOfUsers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		csv    func(*csv)
		user   func(*directory.User)
		more   []directory.User
		policy func(*plan.Policy)
		want   bool
		says   string
	}{
		"deleted":                       {want: true},
		"an SSO user too":               {user: func(u *directory.User) { u.IdmType = directory.IdmSSO }, want: true},
		"not asked for":                 {policy: func(p *plan.Policy) { p.PruneUsers = false }},
		"active in the CSV":             {csv: func(c *csv) { c.person("b@x.y", directory.Active) }},
		"inactive in the CSV":           {csv: func(c *csv) { c.person("b@x.y", directory.Inactive) }},
		"inactive, and asked for":       {csv: func(c *csv) { c.person("b@x.y", directory.Inactive) }, policy: func(p *plan.Policy) { p.PruneInactive = true }, want: true},
		"active, though it is":          {csv: func(c *csv) { c.person("b@x.y", directory.Active) }, policy: func(p *plan.Policy) { p.PruneInactive = true }},
		"contradicted, though it is":    {csv: func(c *csv) { c.person("b@x.y", directory.Contradicted) }, policy: func(p *plan.Policy) { p.PruneInactive = true }},
		"unclear, though it is":         {csv: func(c *csv) { c.unclear("b@x.y", "maybe") }, policy: func(p *plan.Policy) { p.PruneInactive = true }},
		"inactive with a bad DN":        {csv: func(c *csv) { c.person("b@x.y", directory.Inactive).KeepMemberships = true }, policy: func(p *plan.Policy) { p.PruneInactive = true }},
		"a row has a bad e-mail":        {csv: func(c *csv) { c.KeepUsers = true }, says: "not deleting 1 user: an invalid row"},
		"a row has a bad DN":            {csv: func(c *csv) { c.KeepGroups = true }, want: true},
		"protected by e-mail":           {policy: func(p *plan.Policy) { p.Protect = plan.Patterns{"*@x.y"} }},
		"protected by username":         {policy: func(p *plan.Policy) { p.Protect = plan.Patterns{"bob"} }},
		"a service user":                {user: func(u *directory.User) { u.Type = directory.TypeService }},
		"a debug user":                  {user: func(u *directory.User) { u.Type = directory.TypeDebug }},
		"a SCIM user":                   {user: func(u *directory.User) { u.SyncMode = directory.SyncSCIM }},
		"the domain owner":              {user: func(u *directory.User) { u.DomainOwner = true }},
		"a user without an e-mail":      {user: func(u *directory.User) { u.Email = "" }},
		"the caller, by e-mail":         {policy: func(p *plan.Policy) { p.Caller = plan.Caller{Known: true, Email: "b@x.y"} }},
		"the caller, by username":       {policy: func(p *plan.Policy) { p.Caller = plan.Caller{Known: true, Username: "BOB"} }},
		"the caller is not known":       {policy: func(p *plan.Policy) { p.Caller = plan.Caller{} }, says: "not deleting users"},
		"two users of the e-mail":       {more: []directory.User{{Email: "b@x.y", Username: "b2", Type: directory.TypeUser}}, says: "several users with that email"},
		"a service user of the e-mail":  {more: []directory.User{{Email: "b@x.y", Username: "b2", Type: directory.TypeService}}},
		"a nameless user of the e-mail": {more: []directory.User{{Username: "B@x.y", Type: directory.TypeUser}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, policy, user := newCSV(), prunes(), local("b@x.y")
			user.Username = "Bob"
			c.group("CN=Ops", "a@x.y")
			if tt.csv != nil {
				tt.csv(c)
			}
			if tt.policy != nil {
				tt.policy(&policy)
			}
			if tt.user != nil {
				tt.user(&user)
			}
			observed := &directory.Observed{
				Users:  append([]directory.User{local("a@x.y"), user}, tt.more...),
				Groups: []directory.Group{managed("ops", "a@x.y"), {Name: "other", Usernames: []directory.Username{"bob", "a@x.y"}}},
			}
			p := plan.New(&c.Desired, observed, policy)
			want := []string{}
			if tt.want {
				want = []string{"delete user b@x.y lost 1"}
			}
			same(t, "operations", shown(p), want)
			if tt.says != "" && !says(p, tt.says) {
				t.Errorf("no finding says %q: %+v", tt.says, p.Findings)
			}
		})
	}
}

func TestPruneCountsEachMembershipOnce(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops", "a@x.y")
	p := plan.New(&c.Desired, &directory.Observed{
		Users: locals("a@x.y", "b@x.y", "c@x.y"),
		Groups: []directory.Group{
			managed("ops", "a@x.y", "b@x.y"),                                                        // b is taken out
			managed("old", "b@x.y", "c@x.y"),                                                        // goes with both
			{Name: "foreign", Usernames: []directory.Username{"B@x.y"}},                             // lost with b
			{Name: "scim", SyncMode: directory.SyncSCIM, Usernames: []directory.Username{"b@x.y"}},  // lost with b
			{Name: "unread", ReadError: "boom", Usernames: []directory.Username{"c@x.y", "nobody"}}, // lost with c
		},
	}, prunes())
	same(t, "operations", shown(p), []string{
		"update group ops -b@x.y", "delete group old -b@x.y -c@x.y", "delete user b@x.y lost 2", "delete user c@x.y lost 1",
	})
	same(t, "removed", p.Removed(), 6)
}

func TestPrunedUserWhomTheCSVCallsInactiveIsNotUnchanged(t *testing.T) {
	t.Parallel()
	c, policy := newCSV(), prunes()
	policy.PruneInactive, policy.UpdateUsers = true, true
	c.group("CN=Ops", "a@x.y")
	c.person("b@x.y", directory.Inactive)
	p := plan.New(&c.Desired, &directory.Observed{Users: locals("a@x.y", "b@x.y"), Groups: []directory.Group{managed("ops", "a@x.y", "b@x.y")}}, policy)
	same(t, "operations", shown(p), []string{"update group ops -b@x.y", "delete user b@x.y"})
	same(t, "users", p.Users, plan.Count{Desired: 2, Existing: 2, Unchanged: 1})
}
