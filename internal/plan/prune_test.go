package plan_test

import (
	"slices"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

func TestPruneOfGroups(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		csv      func(*csv)
		group    func(*directory.Group)
		policy   func(*plan.Policy)
		want     bool
		says     string
		withheld string
	}{
		"deleted":                     {want: true},
		"not asked for":               {policy: func(p *plan.Policy) { p.PruneGroups = false }},
		"the marker begins it":        {group: func(g *directory.Group) { g.Description += ", edited" }, want: true},
		"not created by this program": {group: func(g *directory.Group) { g.Description = "Mine, not " + plan.Marker }, says: `group "old" is not deleted: this program did not create it`},
		"adopted": {
			group:  func(g *directory.Group) { g.Description = "" },
			policy: func(p *plan.Policy) { p.Adopt = plan.Patterns{"old"} }, says: `group "old" is not deleted: this program did not create it`,
		},
		"in scope by its name":            {policy: func(p *plan.Policy) { p.Groups = plan.Patterns{"O*"} }, want: true},
		"not in scope":                    {policy: func(p *plan.Policy) { p.Groups = plan.Patterns{"xc-*"} }},
		"excluded":                        {policy: func(p *plan.Policy) { p.Groups = plan.Patterns{"*", "!old"} }},
		"in scope, with DN patterns only": {policy: func(p *plan.Policy) { p.Groups = plan.Patterns{"*,OU=x"} }, want: true},
		"not owned, with DN patterns only": {
			group:  func(g *directory.Group) { g.Description = "" },
			policy: func(p *plan.Policy) { p.Groups, p.PruneUnmanaged = plan.Patterns{"*,OU=x"}, true },
		},
		"not in scope, with DN and name patterns": {policy: func(p *plan.Policy) { p.Groups = plan.Patterns{"*,OU=x", "xc-*"} }},
		"unmanaged, but asked for": {
			group: func(g *directory.Group) { g.Description = "" }, policy: func(p *plan.Policy) { p.PruneUnmanaged = true }, want: true,
		},
		"named by the CSV":                      {csv: func(c *csv) { c.group("CN=Old", "a@x.y", "b@x.y") }},
		"named by colliding DNs":                {csv: func(c *csv) { c.group("CN=Old|CN=Old,OU=x", "a@x.y") }},
		"synced by SCIM":                        {group: func(g *directory.Group) { g.SyncMode = directory.SyncSCIM }},
		"unreadable":                            {group: func(g *directory.Group) { g.ReadError = "boom" }},
		"an invalid row may name it":            {csv: func(c *csv) { c.KeepGroups = true }, withheld: "an invalid row may have named it"},
		"an invalid row may name anybody in it": {csv: func(c *csv) { c.KeepMemberships = true }, withheld: "an invalid row may have named it"},
		"protected":                             {policy: func(p *plan.Policy) { p.Protect = plan.Patterns{"o*d"} }, withheld: "it is protected"},
		"a member is protected":                 {policy: func(p *plan.Policy) { p.Protect = plan.Patterns{"b@*"} }, withheld: "member b@x.y stays: protected"},
		"a member's username is protected":      {policy: func(p *plan.Policy) { p.Protect = plan.Patterns{"g?ost"} }, withheld: "member gus@x.y stays: protected"},
		"a contradicted member":                 {csv: func(c *csv) { c.person("b@x.y", directory.Contradicted) }, withheld: "member b@x.y stays: the CSV lists this person as active and as inactive"},
		"a member of an unknown status":         {csv: func(c *csv) { c.person("b@x.y", directory.Unclear) }, withheld: "member b@x.y stays: the status of this person is unknown"},
		"a member with an invalid DN":           {csv: func(c *csv) { c.person("b@x.y", directory.Active).KeepMemberships = true }, withheld: "member b@x.y stays: an invalid row is about this person"},
		"referred to":                           {group: func(g *directory.Group) { g.References = map[string]int{"b": 2, "a": 1, "c": 0} }, says: `group "old" is not deleted: it is referenced by a (1), b (2)`},
		"referred to by nothing":                {group: func(g *directory.Group) { g.References = map[string]int{"a": 0} }, want: true},
		"the caller is not known":               {policy: func(p *plan.Policy) { p.Caller = plan.Caller{} }, want: true},
		"an invalid email elsewhere":            {csv: func(c *csv) { c.KeepUsers = true }, want: true},
		"a person's rows are bad in name alone": {csv: func(c *csv) { c.person("b@x.y", directory.Inactive) }, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, policy, group := newCSV(), prunes(), managed("old", "a@x.y", "Ghost", "b@x.y")
			gus := local("gus@x.y")
			gus.Username = "ghost"
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
			p := plan.New(&c.Desired, &directory.Observed{Users: append(locals("a@x.y", "b@x.y"), gus), Groups: []directory.Group{group}}, policy)
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
			if tt.withheld != "" {
				same(t, "withheld", withheld(p), []string{"group old: " + tt.withheld})
			} else if len(p.Withheld) > 0 && len(p.Blocked) == 0 {
				t.Errorf("withheld: %v", withheld(p))
			}
			if tt.says != "" && !says(p, tt.says) {
				t.Errorf("no finding says %q: %+v", tt.says, p.Findings)
			}
		})
	}
}

func TestPruneOfUsers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		csv      func(*csv)
		user     func(*directory.User)
		more     []directory.User
		members  []directory.Username // more, of the group other
		policy   func(*plan.Policy)
		want     bool
		withheld string // why the user stays, if that is reported
	}{
		"deleted":                    {want: true},
		"an SSO user too":            {user: func(u *directory.User) { u.IDMType = directory.IDMSSO }, want: true},
		"not asked for":              {policy: func(p *plan.Policy) { p.PruneUsers = false }},
		"active in the CSV":          {csv: func(c *csv) { c.person("b@x.y", directory.Active) }},
		"inactive in the CSV":        {csv: func(c *csv) { c.person("b@x.y", directory.Inactive) }},
		"inactive, and asked for":    {csv: func(c *csv) { c.person("b@x.y", directory.Inactive) }, policy: func(p *plan.Policy) { p.PruneInactive = true }, want: true},
		"active, though it is":       {csv: func(c *csv) { c.person("b@x.y", directory.Active) }, policy: func(p *plan.Policy) { p.PruneInactive = true }},
		"contradicted, though it is": {csv: func(c *csv) { c.person("b@x.y", directory.Contradicted) }, policy: func(p *plan.Policy) { p.PruneInactive = true }},
		"unclear, though it is":      {csv: func(c *csv) { c.person("b@x.y", directory.Unclear) }, policy: func(p *plan.Policy) { p.PruneInactive = true }},
		"inactive with an invalid DN": {
			csv:    func(c *csv) { c.person("b@x.y", directory.Inactive).KeepMemberships = true },
			policy: func(p *plan.Policy) { p.PruneInactive = true }, withheld: "an invalid row is about this person",
		},
		"a row has an invalid email": {csv: func(c *csv) { c.KeepUsers = true }, withheld: "an invalid row may have named them"},
		"a row has too few fields":   {csv: func(c *csv) { c.KeepMemberships = true }, withheld: "an invalid row may have named them"},
		"a row has an invalid DN":    {csv: func(c *csv) { c.KeepGroups = true }, want: true},
		"protected by email":         {policy: func(p *plan.Policy) { p.Protect = plan.Patterns{"*@x.y"} }, withheld: "protected"},
		"protected by username":      {policy: func(p *plan.Policy) { p.Protect = plan.Patterns{"bob"} }, withheld: "protected"},
		"withheld":                   {policy: func(p *plan.Policy) { p.Withhold = true }, withheld: "removals are withheld in this run"},
		"not in scope":               {policy: func(p *plan.Policy) { p.People = plan.Patterns{"a@*"} }},
		"in scope":                   {policy: func(p *plan.Policy) { p.People = plan.Patterns{"?@*"} }, want: true},
		"in a group that is not in scope": {
			policy: func(p *plan.Policy) { p.Groups = plan.Patterns{"!other"} }, withheld: "member of group other, which this run does not change",
		},
		"in a protected group": {
			policy: func(p *plan.Policy) { p.Protect = plan.Patterns{"oth*"} }, withheld: "member of group other, which this run does not change",
		},
		"in a protected group that does not list them": {
			user: func(u *directory.User) { u.Username, u.Groups = "bert", []string{"other"} }, policy: func(p *plan.Policy) { p.Protect = plan.Patterns{"oth*"} },
			withheld: "member of group other, which this run does not change",
		},
		"in a group that is not listed": {
			user: func(u *directory.User) { u.Groups = []string{"other", "secret"} }, withheld: "member of group secret, which is not in the tenant's group listing",
		},
		"in a blocked group":                  {csv: func(c *csv) { c.group("CN=Other", "a@x.y") }, withheld: "member of group other, which this run does not change"},
		"a service user":                      {user: func(u *directory.User) { u.Type = directory.TypeService }},
		"a debug user":                        {user: func(u *directory.User) { u.Type = directory.TypeDebug }},
		"a SCIM user":                         {user: func(u *directory.User) { u.SyncMode = directory.SyncSCIM }},
		"the domain owner":                    {user: func(u *directory.User) { u.DomainOwner = true }},
		"a user without an email":             {user: func(u *directory.User) { u.Email = "" }},
		"the caller, by email":                {policy: func(p *plan.Policy) { p.Caller = plan.Caller{Known: true, Email: "b@x.y"} }},
		"the caller, by username":             {policy: func(p *plan.Policy) { p.Caller = plan.Caller{Known: true, Username: "BOB"} }},
		"the caller is not known":             {policy: func(p *plan.Policy) { p.Caller = plan.Caller{} }, withheld: "it is not known which user the credentials belong to"},
		"two users with the email":            {more: []directory.User{{Email: "b@x.y", Username: "b2", Type: directory.TypeUser, DomainOwner: true}}, withheld: "several users have this email"},
		"a service user with the email":       {more: []directory.User{{Email: "b@x.y", Username: "b2", Type: directory.TypeService}}, withheld: "several users have this email"},
		"another user of that username":       {more: []directory.User{{Username: "B@x.y", Type: directory.TypeUser}}, withheld: "this email is the username of a user who has no email"},
		"an unlisted member of that username": {members: []directory.Username{"B@x.y"}, withheld: "this email is the username of a member of group other who is not in the tenant's user listing"},
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
				Groups: []directory.Group{managed("ops", "a@x.y"), {Name: "other", Usernames: append([]directory.Username{"bob", "a@x.y"}, tt.members...)}},
			}
			p := plan.New(&c.Desired, observed, policy)
			want := []string{}
			if tt.want {
				want = []string{"delete user b@x.y lost 1"}
			}
			same(t, "operations", shown(p), want)
			var held []string
			if tt.withheld != "" {
				held = []string{"user b@x.y: " + tt.withheld}
			}
			same(t, "withheld", withheld(p), held)
		})
	}
}

// TestPruneOfUsersKeepsWhatAnInvalidRowMayHaveStated: a deletion takes memberships,
// too.
func TestPruneOfUsersKeepsWhatAnInvalidRowMayHaveStated(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		csv      func(*csv)
		other    directory.Group
		deleted  string
		withheld []string
	}{
		"a group that only an invalid row names": {
			func(c *csv) { c.group("CN=Other").KeepMembers = true }, managed("other", "b@x.y"), "",
			[]string{"other b@x.y: an invalid row may have named a member of the group", "user b@x.y: stays in group other: an invalid row may have named a member of the group"},
		},
		"the only member of a group that an invalid DN may name": {
			func(c *csv) { c.KeepGroups = true }, managed("other", "b@x.y"), "",
			[]string{"user b@x.y: member of group other, which an invalid row may have named"},
		},
		"one of two members": {func(c *csv) { c.KeepGroups = true }, managed("other", "a@x.y", "b@x.y"), "delete user b@x.y lost 1", nil},
		"the only member but for one who is not listed": {
			func(c *csv) { c.KeepGroups = true }, managed("other", "b@x.y", "ghost"), "delete user b@x.y lost 1", nil,
		},
		"no invalid row": {func(*csv) {}, managed("other", "b@x.y"), "delete user b@x.y lost 1", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, policy := newCSV(), prunes()
			policy.PruneGroups = false
			c.group("CN=Ops", "a@x.y")
			tt.csv(c)
			p := plan.New(&c.Desired, &directory.Observed{Users: locals("a@x.y", "b@x.y"), Groups: []directory.Group{managed("ops", "a@x.y"), tt.other}}, policy)
			same(t, "operations", strings.Join(shown(p), "; "), tt.deleted)
			same(t, "withheld", withheld(p), tt.withheld)
		})
	}
}

// TestUnknownCallerIsAnErrorIfUsersWereToBeDeleted, and only then.
func TestUnknownCallerIsAnErrorIfUsersWereToBeDeleted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		policy func(*plan.Policy)
		want   bool
	}{
		"to be deleted":           {want: true},
		"the caller is known":     {policy: func(p *plan.Policy) { p.Caller = known }},
		"not asked for":           {policy: func(p *plan.Policy) { p.PruneUsers = false }},
		"protected":               {policy: func(p *plan.Policy) { p.Protect = plan.Patterns{"b@*"} }},
		"withheld":                {policy: func(p *plan.Policy) { p.Withhold = true }},
		"the run is about them":   {policy: func(p *plan.Policy) { p.Only = plan.Patterns{"b@*"} }, want: true},
		"the run is about others": {policy: func(p *plan.Policy) { p.Only = plan.Patterns{"a@*"} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, policy := newCSV(), prunes()
			c.group("CN=Ops", "a@x.y")
			policy.Caller = plan.Caller{}
			if tt.policy != nil {
				tt.policy(&policy)
			}
			p := plan.New(&c.Desired, observe(locals("b@x.y"), managed("ops", "a@x.y")), policy)
			got := slices.ContainsFunc(p.Findings, func(f directory.Finding) bool {
				return f.Severity == directory.Error && f.Kind == directory.CallerUnknown
			})
			if got != tt.want {
				t.Errorf("an error: %v, want %v: %+v", got, tt.want, p.Findings)
			}
		})
	}
}

func TestPruneCountsEachMembershipOnce(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops", "a@x.y")
	p := plan.New(&c.Desired, &directory.Observed{
		Users: locals("a@x.y", "b@x.y", "c@x.y", "d@x.y", "e@x.y"),
		Groups: []directory.Group{
			managed("ops", "a@x.y", "b@x.y"),                                                        // b is taken out
			managed("old", "b@x.y", "c@x.y"),                                                        // goes with both
			{Name: "foreign", Usernames: []directory.Username{"B@x.y"}},                             // lost with b
			{Name: "other", Usernames: []directory.Username{"b@x.y", "C@x.y"}},                      // lost with b and c
			{Name: "scim", SyncMode: directory.SyncSCIM, Usernames: []directory.Username{"E@x.y"}},  // e stays
			{Name: "unread", ReadError: "boom", Usernames: []directory.Username{"d@x.y", "nobody"}}, // d stays
		},
	}, prunes())
	same(t, "operations", shown(p), []string{
		"update group ops -b@x.y", "delete group old -b@x.y -c@x.y", "delete user b@x.y lost 2", "delete user c@x.y lost 1",
	})
	same(t, "removed", p.Removed(), 6)
	same(t, "withheld", withheld(p), []string{
		"user d@x.y: member of group unread, which this run does not change", "user e@x.y: member of group scim, which SCIM syncs",
	})
}

func TestPrunedInactiveUserIsNotUnchanged(t *testing.T) {
	t.Parallel()
	c, policy := newCSV(), prunes()
	policy.PruneInactive, policy.UpdateUsers = true, true
	c.group("CN=Ops", "a@x.y")
	c.person("b@x.y", directory.Inactive)
	p := plan.New(&c.Desired, &directory.Observed{Users: locals("a@x.y", "b@x.y"), Groups: []directory.Group{managed("ops", "a@x.y", "b@x.y")}}, policy)
	same(t, "operations", shown(p), []string{"update group ops -b@x.y", "delete user b@x.y"})
	same(t, "users", p.Users, plan.Count{Desired: 2, Existing: 2, Unchanged: 1})
}

// TestNothingIsDeletedBesideABlockedCreation: a run would not begin the deletions,
// so neither guards nor digest nor access count them.
func TestNothingIsDeletedBesideABlockedCreation(t *testing.T) {
	t.Parallel()
	deletions := []string{"delete group old -b@x.y", "delete user b@x.y"}
	collision := func(w *world) { w.csv.group("CN=Dev,OU=a|CN=Dev,OU=b", "a@x.y") }
	taken := func(w *world) {
		w.csv.group("CN=Sec", "new@x.y")
		w.observed.Users = append(w.observed.Users, directory.User{Email: "a2@x.y", Username: "new@x.y", Type: directory.TypeService})
	}
	for name, tt := range map[string]struct {
		world  func(*world)
		reason string // empty: both are deleted
	}{
		"nothing is blocked":   {world: func(*world) {}},
		"a group to create is": {collision, "no deletions while group dev cannot be created"},
		"a user to create is":  {taken, "no deletions while user new@x.y cannot be created"},
		"both are":             {func(w *world) { collision(w); taken(w) }, "no deletions while group dev and 1 more cannot be created"},
		"a group that exists is": {world: func(w *world) {
			collision(w)
			w.observed.Groups = append(w.observed.Groups, managed("dev", "a@x.y"))
		}},
		"a user who exists is": {world: func(w *world) {
			w.csv.group("CN=Sec", "two@x.y")
			for _, username := range []directory.Username{"t1", "t2"} {
				w.observed.Users = append(w.observed.Users, directory.User{Email: "two@x.y", Username: username, Type: directory.TypeUser})
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{csv: newCSV(), policy: prunes()}
			w.csv.group("CN=Ops", "a@x.y")
			w.observed = *observe(locals("a@x.y", "b@x.y"), managed("ops", "a@x.y"), managed("old", "b@x.y"))
			w.observed.Groups[1].Roles = []directory.Role{{Namespace: "*", Role: "admin"}}
			tt.world(w)
			w.policy.MaxRemovals = plan.Limit{}
			p := w.plan()
			if tt.reason == "" {
				same(t, "operations", shown(p), deletions)
				same(t, "refused", len(p.Refusals) > 0, true)
				return
			}
			same(t, "operations", shown(p), []string{})
			same(t, "withheld", withheld(p), []string{"group old: " + tt.reason, "user b@x.y: " + tt.reason})
			same(t, "refused", refused(p), []string(nil))
			same(t, "lost", len(p.Access.Lost), 0)
		})
	}
}
