package plan_test

import (
	"slices"
	"strings"
	"testing"

	"xc-group-sync/internal/access"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// roles are given as NAMESPACE/ROLE.
func roles(texts ...string) []directory.Role {
	all := []directory.Role{}
	for _, text := range texts {
		role, err := directory.ParseRole(text)
		if err != nil {
			panic(err) // a mistake in the test
		}
		all = append(all, role)
	}
	return all
}

func roleMap(group directory.GroupName, texts ...string) map[directory.GroupName][]directory.Role {
	return map[directory.GroupName][]directory.Role{group: roles(texts...)}
}

func withRoles(group directory.Group, texts ...string) directory.Group {
	group.Roles = roles(texts...)
	return group
}

func TestRoles(t *testing.T) {
	t.Parallel()
	ops := withRoles(managed("ops", "ann@x.y"), "n/a", "*/b")
	for name, tt := range map[string]struct {
		csv      []string // groups that ann is in
		group    directory.Group
		policy   plan.Policy
		want     []string
		blocked  []string
		withheld []string
		says     string
		updated  int // groups that are not unchanged
	}{
		"not listed":                  {csv: []string{"ops"}, group: ops, policy: plan.Policy{EnforceRoles: true, Roles: roleMap("none", "n/x")}, want: []string{}, says: `group "none", which neither`},
		"no roles in the policy":      {csv: []string{"ops"}, group: ops, policy: plan.Policy{EnforceRoles: true}, want: []string{}},
		"as it should be":             {csv: []string{"ops"}, group: ops, policy: plan.Policy{EnforceRoles: true, Roles: roleMap("ops", "*/b", "n/a")}, want: []string{}},
		"more than listed":            {csv: []string{"ops"}, group: ops, policy: plan.Policy{Roles: roleMap("ops", "*/b")}, want: []string{}},
		"lacks two":                   {csv: []string{"ops"}, group: ops, policy: plan.Policy{Roles: roleMap("ops", "z/z", "n/a", "a/a")}, want: []string{"grant group ops [a/a z/z]"}, updated: 1},
		"one to grant, one to revoke": {csv: []string{"ops"}, group: ops, policy: plan.Policy{EnforceRoles: true, Roles: roleMap("ops", "n/a", "system/c")}, want: []string{"revoke group ops [*/b]", "grant group ops [system/c]"}, updated: 1},
		"should have none":            {csv: []string{"ops"}, group: ops, policy: plan.Policy{EnforceRoles: true, Roles: roleMap("ops")}, want: []string{"revoke group ops [*/b n/a]"}, updated: 1},
		"a role twice":                {csv: []string{"ops"}, group: withRoles(ops, "n/a", "n/a"), policy: plan.Policy{EnforceRoles: true, Roles: roleMap("ops", "z/z", "z/z")}, want: []string{"revoke group ops [n/a]", "grant group ops [z/z]"}, updated: 1},
		"between revocation and grant the members": {
			csv: []string{"ops"}, group: withRoles(managed("ops", "bob@x.y"), "n/a"), policy: plan.Policy{EnforceRoles: true, Roles: roleMap("ops", "n/b")},
			want: []string{"revoke group ops [n/a]", "update group ops +ann@x.y -bob@x.y", "grant group ops [n/b]"}, updated: 1,
		},
		"no row names the group":        {csv: []string{"other"}, group: ops, policy: plan.Policy{Roles: roleMap("ops", "n/c")}, want: []string{"create group other +ann@x.y", "grant group ops [n/c]"}},
		"a new group":                   {csv: []string{"new"}, group: ops, policy: plan.Policy{Roles: roleMap("new", "n/c", "*/b")}, want: []string{"create group new +ann@x.y [*/b n/c]"}},
		"the group is to be deleted":    {csv: []string{"other"}, group: ops, policy: plan.Policy{PruneGroups: true, EnforceRoles: true, Roles: roleMap("ops", "n/c")}, want: []string{"create group other +ann@x.y", "delete group ops -ann@x.y"}},
		"the group is to be emptied":    {csv: []string{"other"}, group: ops, policy: plan.Policy{EmptyUnnamed: true, Roles: roleMap("ops", "n/c")}, want: []string{"update group ops -ann@x.y", "create group other +ann@x.y", "grant group ops [n/c]"}},
		"not owned":                     {csv: []string{"other"}, group: withRoles(byHand("ops", "ann@x.y"), "*/b"), policy: plan.Policy{Roles: roleMap("ops", "n/c")}, want: []string{"create group other +ann@x.y"}, blocked: []string{"ops"}},
		"not owned, and named":          {csv: []string{"ops"}, group: withRoles(byHand("ops", "ann@x.y"), "*/b"), policy: plan.Policy{Roles: roleMap("ops", "n/c")}, want: []string{}, blocked: []string{"ops"}},
		"adopted":                       {csv: []string{"other"}, group: withRoles(byHand("ops", "ann@x.y"), "*/b"), policy: plan.Policy{Adopt: plan.Patterns{"ops"}, EnforceRoles: true, Roles: roleMap("ops", "n/c")}, want: []string{"revoke group ops [*/b]", "create group other +ann@x.y", "grant group ops [n/c]"}},
		"out of scope":                  {csv: []string{"other"}, group: ops, policy: plan.Policy{Groups: plan.Patterns{"!ops"}, Roles: roleMap("ops", "n/c")}, want: []string{"create group other +ann@x.y"}},
		"half read":                     {csv: []string{"other"}, group: directory.Group{Name: "ops", Description: plan.Marker, ReadError: "boom"}, policy: plan.Policy{Roles: roleMap("ops", "n/c")}, want: []string{"create group other +ann@x.y"}, blocked: []string{"ops"}},
		"SCIM":                          {csv: []string{"ops"}, group: directory.Group{Name: "ops", SyncMode: directory.SyncSCIM, Usernames: []directory.Username{"ann@x.y"}}, policy: plan.Policy{Roles: roleMap("ops", "n/c")}, want: []string{}, says: "leaving its roles as they are (1 to grant, 0 to revoke)"},
		"SCIM, nothing to do":           {csv: []string{"ops"}, group: directory.Group{Name: "ops", SyncMode: directory.SyncSCIM, Roles: roles("n/c"), Usernames: []directory.Username{"ann@x.y"}}, policy: plan.Policy{EnforceRoles: true, Roles: roleMap("ops", "n/c")}, want: []string{}},
		"protected":                     {csv: []string{"ops"}, group: ops, policy: plan.Policy{Protect: plan.Patterns{"ops"}, EnforceRoles: true, Roles: roleMap("ops", "n/a")}, want: []string{"revoke group ops [*/b]"}, updated: 1},
		"removals are withheld":         {csv: []string{"ops"}, group: ops, policy: plan.Policy{Withhold: true, EnforceRoles: true, Roles: roleMap("ops", "n/c")}, want: []string{"grant group ops [n/c]"}, withheld: []string{"ops */b: removals are withheld in this run", "ops n/a: removals are withheld in this run"}, updated: 1},
		"only the group":                {csv: []string{"ops"}, group: ops, policy: plan.Policy{Only: plan.Patterns{"ops"}, Roles: roleMap("ops", "n/c")}, want: []string{"grant group ops [n/c]"}, updated: 1},
		"only a person in it":           {csv: []string{"ops"}, group: ops, policy: plan.Policy{Only: plan.Patterns{"ann@*"}, Roles: roleMap("ops", "n/c")}, want: []string{}, updated: 1},
		"only, and the group is new":    {csv: []string{"new"}, group: ops, policy: plan.Policy{Only: plan.Patterns{"ann@*"}, Roles: roleMap("new", "n/c")}, want: []string{"create group new +ann@x.y [n/c]"}},
		"only another, while withheld":  {csv: []string{"ops"}, group: ops, policy: plan.Policy{Only: plan.Patterns{"ann@*"}, Withhold: true, EnforceRoles: true, Roles: roleMap("ops")}, want: []string{}},
		"a member of a group not owned": {csv: []string{"other"}, group: byHand("ops", "bob@x.y"), policy: plan.Policy{PruneUsers: true, Caller: known, Roles: roleMap("ops", "n/c")}, want: []string{"create group other +ann@x.y"}, blocked: []string{"ops"}, withheld: []string{"user bob@x.y: member of group ops, which this run does not change"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCSV()
			for _, group := range tt.csv {
				c.group("CN="+group, "ann@x.y")
			}
			tt.policy.MaxRemovals = plan.Limit{None: true}
			p := plan.New(&c.Desired, observe(locals("ann@x.y"), tt.group), tt.policy)
			same(t, "operations", shown(p), tt.want)
			same(t, "blocked", blocked(p), tt.blocked)
			same(t, "withheld", withheld(p), tt.withheld)
			if tt.says == "" && len(p.Findings) > 0 && slices.ContainsFunc(p.Findings, func(f directory.Finding) bool {
				return f.Kind == directory.SCIMSynced || f.Kind == directory.NoSuchGroup
			}) || tt.says != "" && !says(p, tt.says) {
				t.Errorf("findings: %+v", p.Findings)
			}
			if tt.csv[0] == "ops" && tt.blocked == nil && p.Groups.Unchanged != 1-tt.updated {
				t.Errorf("%d groups unchanged", p.Groups.Unchanged)
			}
		})
	}
}

// TestGuardOfRoles: revocations are counted against all roles of the tenant's
// groups.
func TestGuardOfRoles(t *testing.T) {
	t.Parallel()
	many := roles("n/a", "n/b", "n/c", "n/d", "n/e", "n/f")
	for name, tt := range map[string]struct {
		limit plan.Limit
		keep  int // of the six
		more  int // roles of another group
		want  []string
	}{
		"six of six":             {plan.Limit{Share: true, Max: 25}, 0, 0, []string{"roles 6/6"}},
		"five of six":            {plan.Limit{Share: true, Max: 25}, 1, 0, nil},
		"six of twenty-four":     {plan.Limit{Share: true, Max: 25}, 0, 18, nil},
		"six of twenty-three":    {plan.Limit{Share: true, Max: 25}, 0, 17, []string{"roles 6/23"}},
		"a number":               {plan.Limit{Max: 5}, 0, 100, []string{"roles 6/106"}},
		"as many as the number":  {plan.Limit{Max: 6}, 0, 0, nil},
		"nothing may be revoked": {plan.Limit{}, 5, 0, []string{"roles 1/6"}},
		"nothing is":             {plan.Limit{}, 6, 0, nil},
		"no limit":               {plan.Limit{None: true}, 0, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCSV()
			c.group("CN=ops", "ann@x.y")
			ops, other := managed("ops", "ann@x.y"), managed("other")
			ops.Roles = many
			for i := range tt.more {
				other.Roles = append(other.Roles, directory.Role{Namespace: "m", Role: string(rune('a'+i/26)) + string(rune('a'+i%26))})
			}
			p := plan.New(&c.Desired, observe(nil, ops, other), plan.Policy{MaxRemovals: tt.limit, EnforceRoles: true, Roles: map[directory.GroupName][]directory.Role{"ops": many[:tt.keep]}})
			same(t, "refusals", refused(p), tt.want)
			same(t, "revoked", countRoles(p, plan.Revoke), 6-tt.keep)
			if tt.want != nil && !slices.Contains([]string{"to allow it once, re-run with max-removals: 6; to add people and remove nobody, with removals: withhold", "to allow it once, re-run with max-removals: 1; to add people and remove nobody, with removals: withhold"}, p.Refusals[0].Hint) {
				t.Errorf("refusal %+v", p.Refusals[0])
			}
		})
	}
}

// TestAccessOfAPlan: a plan says what it means for people, by whichever kind of
// operation.
func TestAccessOfAPlan(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=ops", "ann@x.y", "new@x.y")
	c.group("CN=fresh", "ann@x.y")
	observed := observe(locals("ann@x.y", "gone@x.y"), withRoles(managed("ops", "ann@x.y", "bob@x.y"), "system/ops", "n/r"), withRoles(managed("old", "gone@x.y", "ann@x.y"), "*/old"))
	p := plan.New(&c.Desired, observed, plan.Policy{
		PruneGroups: true, PruneUsers: true, Caller: known, MaxRemovals: plan.Limit{None: true}, EnforceRoles: true,
		Roles: map[directory.GroupName][]directory.Role{"ops": roles("n/r", "n/s"), "fresh": roles("*/fresh")},
	})
	same(t, "access", p.Access, access.Diff{
		Gained: []access.Person{{Email: "ann@x.y", Roles: roles("*/fresh", "n/s")}, {Email: "new@x.y", Roles: roles("n/r", "n/s")}},
		Lost: []access.Person{
			{Email: "ann@x.y", Roles: roles("*/old", "system/ops")}, {Email: "bob@x.y", Roles: roles("n/r", "system/ops")}, {Email: "gone@x.y", Roles: roles("*/old")},
		},
		Vacant: roles("*/old", "system/ops"),
	})
	for _, vacant := range []string{"nobody would have old on all namespaces any more", "nobody would have ops on system any more"} {
		if !says(p, vacant) {
			t.Errorf("%q is not said: %+v", vacant, p.Findings)
		}
	}
}

// TestAccessIsToldOfEachAccount: what another account with the same email already
// has is a gain for the account that joins.
func TestAccessIsToldOfEachAccount(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=ops", "ann@x.y")
	other := local("ann@x.y")
	other.Username = "Ann2"
	p := plan.New(&c.Desired, observe([]directory.User{local("ann@x.y"), other}, withRoles(managed("ops", "Ann2"), "n/r")), plan.Policy{})
	same(t, "operations", shown(p), []string{"update group ops +ann@x.y"})
	same(t, "gained", p.Access.Gained, []access.Person{{Email: "ann@x.y", Roles: roles("n/r")}})
}

// TestRestoreOfRoles: a restore gives and takes roles as the snapshot has them,
// within the scope, and says what that means.
func TestRestoreOfRoles(t *testing.T) {
	t.Parallel()
	then := withRoles(managed("ops", "ann@x.y"), "n/a", "*/b")
	for name, tt := range map[string]struct {
		now    directory.Group
		policy plan.Policy
		want   []string
	}{
		"as then":             {withRoles(then, "*/b", "n/a"), plan.Policy{}, []string{}},
		"granted and revoked": {withRoles(then, "n/a", "n/c"), plan.Policy{}, []string{"revoke group ops [n/c]", "grant group ops [*/b]"}},
		"withheld":            {withRoles(then, "n/a", "n/c"), plan.Policy{Withhold: true}, []string{"grant group ops [*/b]"}},
		"out of scope":        {withRoles(then), plan.Policy{Groups: plan.Patterns{"!ops"}}, []string{}},
		"SCIM":                {directory.Group{Name: "ops", SyncMode: directory.SyncSCIM}, plan.Policy{}, []string{}},
		"half read":           {directory.Group{Name: "ops", ReadError: "boom"}, plan.Policy{}, []string{}},
		"with members":        {withRoles(managed("ops", "bob@x.y"), "n/c"), plan.Policy{}, []string{"revoke group ops [n/c]", "update group ops +ann@x.y -bob@x.y", "grant group ops [*/b n/a]"}},
		"made again":          {managed("other"), plan.Policy{}, []string{"create group ops +ann@x.y [n/a */b]"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			snapshot := &directory.Snapshot{Groups: []directory.Group{then}, Members: map[string]directory.Email{"ann@x.y": "ann@x.y"}}
			tt.policy.MaxRemovals = plan.Limit{None: true}
			p := plan.NewRestore(snapshot, observe(locals("ann@x.y", "bob@x.y"), tt.now), tt.policy)
			same(t, "operations", shown(p), tt.want)
			if name == "granted and revoked" {
				same(t, "gained", p.Access.Gained, []access.Person{{Email: "ann@x.y", Roles: roles("*/b")}})
				same(t, "lost", p.Access.Lost, []access.Person{{Email: "ann@x.y", Roles: roles("n/c")}})
			}
		})
	}
}

// TestRolesStayWhenNothingIsRemoved: nobody knows which memberships an invalid row
// stated.
func TestRolesStayWhenNothingIsRemoved(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops", "ann@x.y")
	c.KeepMemberships = true
	p := plan.New(&c.Desired, observe(locals("ann@x.y"), withRoles(managed("ops", "ann@x.y"), "*/b")), plan.Policy{EnforceRoles: true, Roles: roleMap("ops", "n/c")})
	same(t, "operations", shown(p), []string{"grant group ops [n/c]"})
	same(t, "withheld", withheld(p), []string{"ops */b: an invalid row may have stated any membership"})
}

// TestGrantsToWhoShouldLeave: a group that prune would delete is granted nothing,
// whatever keeps it, and nobody gains roles without a warning by staying in a
// group that the CSV no longer has them in.
func TestGrantsToWhoShouldLeave(t *testing.T) {
	t.Parallel()
	owner := local("owner@x.y")
	owner.DomainOwner = true
	referred := managed("old", "bob@x.y")
	referred.References = map[string]int{"policy": 1}
	grant := "grant group ops [n/c]"
	for name, tt := range map[string]struct {
		groups  []directory.Group
		policy  plan.Policy
		rows    func(*csv)
		want    []string // operations but for creations
		gainers []string // who is warned about, and why
		kept    string   // why a group is not granted anything
	}{
		"all leave":                 {groups: []directory.Group{managed("ops", "ann@x.y", "bob@x.y")}, want: []string{"update group ops -bob@x.y", grant}},
		"removals are withheld":     {groups: []directory.Group{managed("ops", "ann@x.y", "bob@x.y")}, policy: plan.Policy{Withhold: true}, want: []string{grant}, gainers: []string{"bob@x.y: removals are withheld in this run"}},
		"nobody should leave":       {groups: []directory.Group{managed("ops", "ann@x.y")}, policy: plan.Policy{Withhold: true}, want: []string{grant}},
		"no roles are granted":      {groups: []directory.Group{withRoles(managed("ops", "ann@x.y", "bob@x.y"), "n/c")}, policy: plan.Policy{Withhold: true}, want: []string{}},
		"only excludes the leaver":  {groups: []directory.Group{managed("ops", "ann@x.y", "bob@x.y", "cyd@x.y")}, policy: plan.Policy{Only: plan.Patterns{"ops", "!bob@*"}}, want: []string{"update group ops -cyd@x.y", grant}, gainers: []string{"bob@x.y: only leaves out their removal"}},
		"only leaves out the grant": {groups: []directory.Group{managed("ops", "ann@x.y", "bob@x.y", "cyd@x.y")}, policy: plan.Policy{Only: plan.Patterns{"cyd@*"}}, want: []string{"update group ops -cyd@x.y"}},
		"withheld and excluded":     {groups: []directory.Group{managed("ops", "ann@x.y", "bob@x.y")}, policy: plan.Policy{Withhold: true, Only: plan.Patterns{"ops", "!bob@*"}}, want: []string{grant}, gainers: []string{"bob@x.y: removals are withheld in this run"}},
		"an invalid row":            {groups: []directory.Group{managed("ops", "ann@x.y", "bob@x.y")}, rows: func(c *csv) { c.KeepMemberships = true }, want: []string{grant}, gainers: []string{"bob@x.y: an invalid row may have stated this membership"}},
		"an unclear status":         {groups: []directory.Group{managed("ops", "ann@x.y", "bob@x.y")}, rows: func(c *csv) { c.person("bob@x.y", directory.Unclear) }, want: []string{grant}, gainers: []string{"bob@x.y: the status of this person is unknown"}},
		"the domain owner":          {groups: []directory.Group{managed("ops", "ann@x.y", "owner@x.y")}, want: []string{grant}},
		"a protected person":        {groups: []directory.Group{managed("ops", "ann@x.y", "bob@x.y")}, policy: plan.Policy{Protect: plan.Patterns{"bob@*"}}, want: []string{grant}},
		"a protected group":         {groups: []directory.Group{managed("ops", "ann@x.y", "bob@x.y")}, policy: plan.Policy{Protect: plan.Patterns{"ops"}}, want: []string{grant}},
		"somebody out of scope":     {groups: []directory.Group{managed("ops", "ann@x.y", "bob@x.y")}, policy: plan.Policy{People: plan.Patterns{"!bob@*"}}, want: []string{grant}},
		"somebody unknown":          {groups: []directory.Group{managed("ops", "ann@x.y", "ghost")}, want: []string{grant}},

		"a deletion":                        {groups: []directory.Group{managed("old", "bob@x.y")}, policy: plan.Policy{PruneGroups: true}, want: []string{"delete group old -bob@x.y"}},
		"a deletion that is withheld":       {groups: []directory.Group{managed("old", "bob@x.y")}, policy: plan.Policy{PruneGroups: true, Withhold: true}, want: []string{}, kept: "removals are withheld in this run"},
		"of the domain owner's group":       {groups: []directory.Group{managed("old", "owner@x.y")}, policy: plan.Policy{PruneGroups: true}, want: []string{}, kept: "member owner@x.y stays: the domain owner"},
		"and emptied":                       {groups: []directory.Group{managed("old", "bob@x.y", "owner@x.y")}, policy: plan.Policy{PruneGroups: true, EmptyUnnamed: true}, want: []string{"update group old -bob@x.y"}, kept: "member owner@x.y stays: the domain owner"},
		"of a group that may be named":      {groups: []directory.Group{managed("old", "bob@x.y")}, policy: plan.Policy{PruneGroups: true}, rows: func(c *csv) { c.KeepGroups = true }, want: []string{}, kept: "an invalid row may have named it"},
		"of a group that is referred to":    {groups: []directory.Group{referred}, policy: plan.Policy{PruneGroups: true}, want: []string{}, kept: "it is referenced by policy (1)"},
		"of a protected group":              {groups: []directory.Group{managed("old", "bob@x.y")}, policy: plan.Policy{PruneGroups: true, Protect: plan.Patterns{"old"}}, want: []string{"grant group old [n/c]"}},
		"of a group by hand":                {groups: []directory.Group{byHand("old", "bob@x.y")}, policy: plan.Policy{PruneGroups: true, Adopt: plan.Patterns{"old"}}, want: []string{"grant group old [n/c]"}},
		"withheld, and nothing to grant":    {groups: []directory.Group{withRoles(managed("old", "bob@x.y"), "n/c")}, policy: plan.Policy{PruneGroups: true, Withhold: true}, want: []string{}},
		"withheld, with a role to take":     {groups: []directory.Group{withRoles(managed("old", "owner@x.y"), "n/d")}, policy: plan.Policy{PruneGroups: true, EnforceRoles: true}, want: []string{"revoke group old [n/d]"}, kept: "member owner@x.y stays: the domain owner"},
		"groups that no row names are left": {groups: []directory.Group{managed("old", "bob@x.y")}, want: []string{"grant group old [n/c]"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCSV()
			c.group("CN=ops", "ann@x.y")
			if tt.rows != nil {
				tt.rows(c)
			}
			tt.policy.MaxRemovals = plan.Limit{None: true}
			tt.policy.Roles = map[directory.GroupName][]directory.Role{tt.groups[0].Name: roles("n/c")}
			users := append(locals("ann@x.y", "bob@x.y", "cyd@x.y"), owner)
			observed := observe(users, tt.groups...)
			observed.Users = slices.DeleteFunc(observed.Users, func(u directory.User) bool { return u.Username == "ghost" })
			p := plan.New(&c.Desired, observed, tt.policy)
			same(t, "operations", slices.DeleteFunc(shown(p), func(o string) bool { return strings.HasPrefix(o, "create") }), tt.want)
			var gainers []string
			kept := ""
			for _, f := range p.Findings {
				_, reason, _ := strings.Cut(f.Message, ": ")
				switch f.Kind {
				case directory.GrantToLeaver:
					if !strings.Contains(f.Message, `"ops"`) || !strings.Contains(f.Message, "n/c") {
						t.Errorf("neither group nor role is named: %s", f.Message)
					}
					gainers = append(gainers, f.Subject+": "+reason)
				case directory.GrantWithheld:
					kept = strings.TrimPrefix(reason, "prune would delete it, but ")
				}
			}
			same(t, "gainers", gainers, tt.gainers)
			same(t, "kept", kept, tt.kept)
		})
	}
}

// TestTheCallerLosesRolesWithAWarning: the warning comes first, and only for a
// role that nothing else gives.
func TestTheCallerLosesRolesWithAWarning(t *testing.T) {
	t.Parallel()
	robot := directory.User{Email: "robot@x.y", Username: "Robot", Type: directory.TypeService}
	elsewhere := robot
	elsewhere.Roles = roles("*/admin")
	ops := withRoles(managed("ops", "ann@x.y", "robot"), "*/admin", "system/admin", "n/r")
	for name, tt := range map[string]struct {
		caller plan.Caller
		user   directory.User
		other  []string // roles of another group of the caller's
		listed []string
		want   string // roles
	}{
		"by username":             {caller: plan.Caller{Known: true, Username: "ROBOT"}, user: robot, listed: []string{"n/r"}, want: "*/admin"},
		"by email":                {caller: plan.Caller{Known: true, Email: "robot@x.y"}, user: robot, listed: []string{"*/admin", "system/admin"}, want: "n/r"},
		"several":                 {caller: plan.Caller{Known: true, Email: "robot@x.y"}, user: robot, want: "*/admin, n/r"},
		"one that a wider covers": {caller: plan.Caller{Known: true, Email: "robot@x.y"}, user: robot, listed: []string{"*/admin", "n/r"}},
		"also a direct role":      {caller: plan.Caller{Known: true, Email: "robot@x.y"}, user: elsewhere, listed: []string{"n/r"}},
		"also by another group":   {caller: plan.Caller{Known: true, Email: "robot@x.y"}, user: robot, other: []string{"*/admin"}, listed: []string{"n/r"}},
		"somebody else":           {caller: known, user: robot, listed: []string{"n/r"}},
		"not known":               {user: robot, listed: []string{"n/r"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCSV()
			c.group("CN=ops", "ann@x.y")
			p := plan.New(&c.Desired, observe(append(locals("ann@x.y"), tt.user), ops, withRoles(managed("other", "robot"), tt.other...)),
				plan.Policy{Caller: tt.caller, EnforceRoles: true, Roles: roleMap("ops", tt.listed...), MaxRemovals: plan.Limit{None: true}})
			i := slices.IndexFunc(p.Findings, func(f directory.Finding) bool { return f.Kind == directory.CallerLoses })
			switch {
			case i < 0 && tt.want != "" || i >= 0 && tt.want == "" || i > 0:
				t.Errorf("finding %d of %+v", i, p.Findings)
			case i == 0 && (!strings.Contains(p.Findings[0].Message, "loses roles "+tt.want+" because of") || !strings.Contains(p.Findings[0].Message, `group "ops"`)):
				t.Errorf("it says: %s", p.Findings[0].Message)
			}
		})
	}
}
