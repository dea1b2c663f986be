package plan_test

import (
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

func TestNewPlansGroupsAndTheirMembers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		csv      func(*csv)
		users    []directory.User
		groups   []directory.Group
		policy   plan.Policy
		want     []string
		withheld []string
		blocked  []string
	}{
		"a group and its users are created": {
			csv:   func(c *csv) { c.group("CN=Ops", "b@x.y", "a@x.y", "c@x.y") },
			users: locals("b@x.y"),
			want:  []string{"create user a@x.y", "create user c@x.y", "create group ops +a@x.y +b@x.y +c@x.y"},
		},
		"a user of two new groups is created once": {
			csv:  func(c *csv) { c.group("CN=Ops", "a@x.y"); c.group("CN=Dev", "a@x.y") },
			want: []string{"create user a@x.y", "create group dev +a@x.y", "create group ops +a@x.y"},
		},
		"a group is updated": {
			csv:   func(c *csv) { c.group("CN=Ops", "a@x.y", "b@x.y") },
			users: locals("b@x.y", "c@x.y", "d@x.y"), groups: []directory.Group{managed("ops", "d@x.y", "b@x.y", "c@x.y")},
			want: []string{"create user a@x.y", "update group ops +a@x.y -c@x.y -d@x.y"},
		},
		"a group that this program did not create is blocked": {
			csv:   func(c *csv) { c.group("CN=Ops", "a@x.y", "new@x.y") },
			users: locals("a@x.y"), groups: []directory.Group{{Name: "ops", SyncMode: directory.SyncSelf, Usernames: []directory.Username{"b"}}},
			want: []string{}, blocked: []string{"ops"},
		},
		"a group that is adopted is updated": {
			csv:   func(c *csv) { c.group("CN=Ops", "a@x.y") },
			users: locals("a@x.y"), groups: []directory.Group{{Name: "ops", SyncMode: directory.SyncSelf, Usernames: []directory.Username{"b"}}},
			policy: plan.Policy{Adopt: plan.Patterns{"o*"}}, want: []string{"update group ops +a@x.y -b"},
		},
		"nothing is to do": {
			csv:   func(c *csv) { c.group("CN=Ops", "a@x.y", "b@x.y") },
			users: locals("a@x.y", "b@x.y"), groups: []directory.Group{managed("ops", "b@x.y", "a@x.y"), managed("other", "a@x.y")},
			want: []string{},
		},
		"people in no group are not created": {
			csv: func(c *csv) {
				c.group("CN=Ops", "a@x.y")
				c.person("b@x.y", directory.Active)
				c.person("c@x.y", directory.Inactive)
			},
			users: locals("a@x.y"), groups: []directory.Group{managed("ops", "a@x.y")}, want: []string{},
		},
		"a group of inactive people only is emptied": {
			csv:   func(c *csv) { c.group("CN=Ops"); c.person("a@x.y", directory.Inactive) },
			users: locals("a@x.y"), groups: []directory.Group{managed("ops", "a@x.y")}, want: []string{"update group ops -a@x.y"},
		},
		"a group of inactive people only is never created": {
			csv:  func(c *csv) { c.group("CN=Ops"); c.person("a@x.y", directory.Inactive) },
			want: []string{},
		},
		"the username differs from the email": {
			csv: func(c *csv) { c.group("CN=Ops", "a@x.y", "b@x.y") },
			users: []directory.User{
				{Email: "a@x.y", Username: "Ann", Type: directory.TypeUser}, {Email: "b@x.y", Username: "bob", Type: directory.TypeUser},
				{Email: "c@x.y", Username: "cy", Type: directory.TypeUser},
			},
			groups: []directory.Group{managed("ops", "BOB", "Cy")},
			want:   []string{"update group ops +a@x.y=Ann -Cy"},
		},
		"usernames are compared without case": {
			csv:   func(c *csv) { c.group("CN=Ops", "a@x.y") },
			users: []directory.User{{Email: "a@x.y", Username: "A@X.y", Type: directory.TypeUser}},
			groups: []directory.Group{
				managed("ops", "a@X.Y"),
			},
			want: []string{},
		},
		"two users with one email, one in the group": {
			csv:    func(c *csv) { c.group("CN=Ops", "a@x.y") },
			users:  []directory.User{{Email: "a@x.y", Username: "a1", Type: directory.TypeUser}, {Email: "a@x.y", Username: "a2", Type: directory.TypeUser}},
			groups: []directory.Group{managed("ops", "a2")},
			want:   []string{}, blocked: []string{"a@x.y"},
		},
		"two users with one email, none in the group": {
			csv:    func(c *csv) { c.group("CN=Ops", "a@x.y", "b@x.y") },
			users:  []directory.User{{Email: "a@x.y", Username: "a0", Type: directory.TypeService}, {Email: "a@x.y", Username: "a2", Type: directory.TypeUser}, {Email: "a@x.y", Username: "a1", Type: directory.TypeUser}, local("b@x.y")},
			groups: []directory.Group{managed("ops")},
			want:   []string{"update group ops +b@x.y"}, blocked: []string{"a@x.y"},
		},
		"two users with one email, which is the username of one": {
			csv:    func(c *csv) { c.group("CN=Ops", "a@x.y") },
			users:  []directory.User{{Email: "a@x.y", Username: "a1", Type: directory.TypeUser}, {Email: "a@x.y", Username: "A@x.y", Type: directory.TypeUser}},
			groups: []directory.Group{managed("ops")},
			want:   []string{"update group ops +a@x.y=A@x.y"},
		},
		"two users with one email stay together": {
			csv:    func(c *csv) { c.group("CN=Ops", "b@x.y"); c.person("a@x.y", directory.Inactive) },
			users:  []directory.User{local("b@x.y"), {Email: "a@x.y", Username: "a2", Type: directory.TypeUser}, {Email: "a@x.y", Username: "a1", Type: directory.TypeUser}},
			groups: []directory.Group{managed("ops", "a2", "a1", "b@x.y")},
			want:   []string{}, blocked: []string{"a@x.y"},
			withheld: []string{"ops a2: several users have this email", "ops a1: several users have this email"},
		},
		"an email that is another user's username": {
			csv:    func(c *csv) { c.group("CN=Ops", "a@x.y", "b@x.y"); c.group("CN=New", "a@x.y") },
			users:  []directory.User{{Email: "z@x.y", Username: "A@x.y", Type: directory.TypeUser}, local("b@x.y")},
			groups: []directory.Group{managed("ops")},
			want:   []string{"update group ops +b@x.y"}, blocked: []string{"a@x.y"},
		},
		"an email that is the username of a user without one": {
			csv:    func(c *csv) { c.group("CN=Ops", "a@x.y") },
			users:  []directory.User{{Username: "a@x.y", Type: directory.TypeUser}},
			groups: []directory.Group{managed("ops"), managed("dev", "a@x.y")},
			want:   []string{}, blocked: []string{"a@x.y"},
		},
		"an email and the username of another user": {
			csv:    func(c *csv) { c.group("CN=Ops", "a@x.y") },
			users:  []directory.User{{Email: "z@x.y", Username: "a@x.y", Type: directory.TypeUser}, {Email: "a@x.y", Username: "ann", Type: directory.TypeUser}},
			groups: []directory.Group{managed("ops", "a@x.y")},
			want:   []string{"update group ops +a@x.y=ann -a@x.y"},
		},
		"an email that is another user's username, of somebody who is not to be created": {
			csv: func(c *csv) {
				c.group("CN=Ops", "b@x.y")
				c.group("CN=Scim", "a@x.y")
				c.person("a@x.y", directory.Active)
				c.person("c@x.y", directory.Inactive)
			},
			users:  []directory.User{{Email: "z@x.y", Username: "a@x.y", Type: directory.TypeUser}, {Email: "y@x.y", Username: "c@x.y", Type: directory.TypeUser}, local("b@x.y")},
			groups: []directory.Group{managed("ops", "b@x.y"), {Name: "scim", SyncMode: directory.SyncSCIM}},
			want:   []string{},
		},
		"a SCIM user's place in ordinary groups follows the CSV": {
			csv:    func(c *csv) { c.group("CN=Ops", "b@x.y") },
			users:  []directory.User{{Email: "a@x.y", Username: "a@x.y", Type: directory.TypeUser, SyncMode: directory.SyncSCIM}, {Email: "b@x.y", Username: "b@x.y", Type: directory.TypeUser, SyncMode: directory.SyncSCIM}},
			groups: []directory.Group{managed("ops", "a@x.y")},
			want:   []string{"update group ops +b@x.y -a@x.y"},
		},
		"a group synced by SCIM is left alone, and its newcomers are not created": {
			csv:    func(c *csv) { c.group("CN=Ops", "new@x.y") },
			groups: []directory.Group{{Name: "ops", SyncMode: directory.SyncSCIM, Usernames: []directory.Username{"a"}}},
			want:   []string{},
		},
		"a group that could not be read": {
			csv:    func(c *csv) { c.group("CN=Ops", "new@x.y") },
			groups: []directory.Group{{Name: "ops", ReadError: "boom"}, {Name: "unnamed", ReadError: "boom"}},
			policy: prunes(), want: []string{}, blocked: []string{"ops", "unnamed"},
		},
		"colliding DNs": {
			csv: func(c *csv) {
				c.group("CN=Ops|CN=Ops,OU=x", "new@x.y")
				c.group("CN=New Team|CN=New-Team", "new@x.y")
				c.group("CN=Dev", "a@x.y")
			},
			users: locals("a@x.y", "b@x.y"), groups: []directory.Group{managed("ops", "b@x.y")}, policy: prunes(),
			want: []string{"create group dev +a@x.y"}, blocked: []string{"new-team", "ops"},
			withheld: []string{"user b@x.y: member of group ops, which this run does not change"},
		},
		"colliding DNs are merged": {
			csv: func(c *csv) {
				c.group("CN=Ops|CN=Ops,OU=x", "a@x.y", "b@x.y")
				c.group("CN=New Team|CN=New-Team", "b@x.y")
			},
			users: locals("a@x.y", "b@x.y"), groups: []directory.Group{managed("ops", "b@x.y")},
			policy: plan.Policy{MergeCollisions: true}, want: []string{"create group new-team +b@x.y", "update group ops +a@x.y"},
		},
		"colliding DNs of a group that could not be read count once": {
			csv:    func(c *csv) { c.group("CN=Ops|CN=Ops,OU=x", "a@x.y") },
			groups: []directory.Group{{Name: "ops", ReadError: "boom"}}, want: []string{}, blocked: []string{"ops"},
		},
		"merged, but it could not be read": {
			csv:    func(c *csv) { c.group("CN=Ops|CN=Ops,OU=x", "a@x.y") },
			groups: []directory.Group{{Name: "ops", ReadError: "boom"}}, policy: plan.Policy{MergeCollisions: true},
			want: []string{}, blocked: []string{"ops"},
		},
		"withheld: an invalid email in the group": {
			csv:    func(c *csv) { c.group("CN=Ops", "a@x.y").KeepMembers = true; c.group("CN=Dev", "a@x.y") },
			groups: []directory.Group{managed("ops", "b"), managed("dev", "b")}, users: locals("a@x.y"),
			want:     []string{"update group dev +a@x.y -b", "update group ops +a@x.y"},
			withheld: []string{"ops b: an invalid row may have named a member of the group"},
		},
		"withheld: an invalid DN of the person": {
			csv: func(c *csv) {
				c.group("CN=Ops", "a@x.y")
				c.person("b@x.y", directory.Active).KeepMemberships = true
			},
			groups: []directory.Group{managed("ops", "a@x.y", "b@x.y", "c@x.y")}, users: locals("a@x.y"), want: []string{"update group ops -c@x.y"},
			withheld: []string{"ops b@x.y: an invalid row is about this person"},
		},
		"withheld: protected by email or by username": {
			csv:    func(c *csv) { c.group("CN=Ops", "a@x.y"); c.person("boss@x.y", directory.Inactive) },
			users:  []directory.User{local("a@x.y"), local("boss@x.y"), {Email: "root@x.y", Username: "Super", Type: directory.TypeUser}},
			groups: []directory.Group{managed("ops", "a@x.y", "boss@x.y", "super", "c@x.y")},
			policy: plan.Policy{Protect: plan.Patterns{"boss@*", "sup?r"}}, want: []string{"update group ops -c@x.y"},
			withheld: []string{"ops boss@x.y: protected", "ops super: protected"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCSV()
			tt.csv(c)
			p := plan.New(&c.Desired, observe(tt.users, tt.groups...), tt.policy)
			same(t, "operations", shown(p), tt.want)
			same(t, "withheld", withheld(p), tt.withheld)
			same(t, "blocked", blocked(p), tt.blocked)
		})
	}
}

func TestNewNamesAllDNsOfACollision(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops|CN=Ops,OU=x|CN=OPS!", "a@x.y")
	p := plan.New(&c.Desired, &directory.Observed{}, plan.Policy{})
	for _, dn := range []string{`"CN=Ops"`, `"CN=Ops,OU=x"`, `"CN=OPS!"`} {
		if !strings.Contains(p.Blocked[0].Reason, dn) {
			t.Errorf("%s is missing in %q", dn, p.Blocked[0].Reason)
		}
	}
}

func TestNewFillsInWhatIsCreated(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops & Dev,OU=x", "ann.lee@x.y")
	p := plan.New(&c.Desired, &directory.Observed{}, plan.Policy{IDMType: directory.IDMSSO})
	same(t, "user", p.Operations[0].User, directory.User{
		Email: "ann.lee@x.y", Username: "ann.lee@x.y", Name: directory.PersonName{First: "ann", Last: "lee"},
		IDMType: directory.IDMSSO, Type: directory.TypeUser,
	})
	same(t, "group", p.Operations[1].Group, directory.Group{Name: "ops-dev", DisplayName: "Ops & Dev", Description: plan.Marker})
}

func TestNewChoosesTheIDMType(t *testing.T) {
	t.Parallel()
	user := func(idm, kind string) directory.User {
		return directory.User{Email: "u@x.y", Username: "u", IDMType: idm, Type: kind}
	}
	const sso, own, person, service = directory.IDMSSO, directory.IDMLocal, directory.TypeUser, directory.TypeService
	for name, tt := range map[string]struct {
		users       []directory.User
		asked, want string
	}{
		"no users":              {nil, "", own},
		"most are SSO":          {[]directory.User{user(sso, person), user(sso, person), user(own, person)}, "", sso},
		"most are local":        {[]directory.User{user(sso, person), user(own, person), user(own, person)}, "", own},
		"as many":               {[]directory.User{user(sso, person), user(own, person)}, "", own},
		"only people count":     {[]directory.User{user(own, service), user(own, service), user(own, directory.TypeDebug), user(sso, person)}, "", sso},
		"services are no reply": {[]directory.User{user(sso, service)}, "", own},
		"asked for local":       {[]directory.User{user(sso, person)}, own, own},
		"asked for SSO":         {nil, sso, sso},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCSV()
			c.group("CN=Ops", "new@x.y")
			p := plan.New(&c.Desired, &directory.Observed{Users: tt.users}, plan.Policy{IDMType: tt.asked})
			same(t, "idm type", p.Operations[0].User.IDMType, tt.want)
		})
	}
}

func TestNewUpdatesUsers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*directory.Person, *directory.User)
		off    bool
		want   bool
	}{
		"renamed":       {want: true},
		"not asked for": {off: true},
		"the same name": {change: func(_ *directory.Person, u *directory.User) {
			u.Name = directory.PersonName{First: "New", Last: "Name"}
		}},
		"named by the email":   {change: func(p *directory.Person, _ *directory.User) { p.Named = false }},
		"inactive":             {change: func(p *directory.Person, _ *directory.User) { p.Status = directory.Inactive }},
		"contradicted":         {change: func(p *directory.Person, _ *directory.User) { p.Status = directory.Contradicted }},
		"unclear":              {change: func(p *directory.Person, _ *directory.User) { p.Status = directory.Unclear }},
		"an SSO user":          {change: func(_ *directory.Person, u *directory.User) { u.IDMType = directory.IDMSSO }},
		"a SCIM user":          {change: func(_ *directory.Person, u *directory.User) { u.SyncMode = directory.SyncSCIM }},
		"a service user":       {change: func(_ *directory.Person, u *directory.User) { u.Type = directory.TypeService }},
		"nobody of that email": {change: func(_ *directory.Person, u *directory.User) { u.Email, u.Username = "z@x.y", "z@x.y" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCSV()
			c.group("CN=Ops", "b@x.y")
			person, user := c.person("a@x.y", directory.Active), local("a@x.y")
			person.Name, person.Named = directory.PersonName{First: "New", Last: "Name"}, true
			user.Roles, user.Groups = []directory.Role{{Namespace: "n", Role: "r"}}, []string{"g"}
			if tt.change != nil {
				tt.change(person, &user)
			}
			p := plan.New(&c.Desired, &directory.Observed{Users: []directory.User{user, local("b@x.y")}, Groups: []directory.Group{managed("ops", "b@x.y")}}, plan.Policy{UpdateUsers: !tt.off})
			if !tt.want {
				same(t, "operations", shown(p), []string{})
				return
			}
			same(t, "operations", shown(p), []string{"update user a@x.y"})
			user.Name = person.Name
			same(t, "user", p.Operations[0].User, user)
		})
	}
}

// TestNewUpdatesNobodyWhoSharesAnEmail: a replacement, which the API takes by
// email, would give one of them the other's groups.
func TestNewUpdatesNobodyWhoSharesAnEmail(t *testing.T) {
	t.Parallel()
	c := newCSV()
	person := c.person("a@x.y", directory.Active)
	person.Name, person.Named = directory.PersonName{First: "New", Last: "Name"}, true
	twin := local("a@x.y")
	twin.Username = "twin"
	p := plan.New(&c.Desired, &directory.Observed{Users: []directory.User{local("a@x.y"), twin}}, plan.Policy{UpdateUsers: true})
	same(t, "operations", shown(p), []string{})
}

func TestNewCounts(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Changed", "a@x.y", "b@x.y")
	c.group("CN=Same", "a@x.y")
	c.group("CN=Scim", "a@x.y")
	c.group("CN=New", "new@x.y")
	c.group("CN=Nobody")
	c.group("CN=Unread", "a@x.y")
	c.person("gone@x.y", directory.Inactive)
	c.person("absent@x.y", directory.Active)
	p := plan.New(&c.Desired, &directory.Observed{
		Users: locals("a@x.y", "b@x.y", "gone@x.y", "other@x.y"),
		Groups: []directory.Group{
			managed("changed"), managed("same", "a@x.y"), managed("other"), managed("empty"),
			{Name: "scim", SyncMode: directory.SyncSCIM}, {Name: "unread", ReadError: "boom"},
		},
	}, prunes())
	same(t, "users", p.Users, plan.Count{Desired: 5, Existing: 4, Unchanged: 3})
	same(t, "groups", p.Groups, plan.Count{Desired: 6, Existing: 6, Unchanged: 2})
	same(t, "operations", shown(p), []string{
		"create user new@x.y", "update group changed +a@x.y +b@x.y", "create group new +new@x.y",
		"delete group empty", "delete group other", "delete user other@x.y",
	})
	same(t, "added", p.Added(), 3)
	same(t, "removed", p.Removed(), 0)
}

// TestNewWarnsOfTwins: the console shows display names.
func TestNewWarnsOfTwins(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops", "a@x.y")
	c.group("CN=Dev", "a@x.y")
	hand := directory.Group{Name: "xc-ops", DisplayName: "OPS", Usernames: []directory.Username{}}
	p := plan.New(&c.Desired, &directory.Observed{Users: locals("a@x.y"), Groups: []directory.Group{hand}}, plan.Policy{})
	var twins []string
	for _, f := range p.Findings {
		if f.Kind == directory.TwinGroup {
			twins = append(twins, f.Message+"; "+f.Hint)
		}
	}
	same(t, "twins", twins, []string{`new group "ops" has the display name of group "xc-ops": "OPS"; to sync that group instead, add "CN=Ops": xc-ops to names in the policy file`})
}

// TestGroupsInSync: a group is in sync only with exactly the members that the CSV
// names, in any order and spelling.
func TestGroupsInSync(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		members []directory.Username
		want    []string
	}{
		"as named":            {[]directory.Username{"a@x.y", "b@x.y"}, []string{}},
		"in another order":    {[]directory.Username{"b@x.y", "a@x.y"}, []string{}},
		"in another case":     {[]directory.Username{"A@X.Y", "b@x.y"}, []string{}},
		"one is missing":      {[]directory.Username{"a@x.y"}, []string{"update group ops +b@x.y"}},
		"one is listed twice": {[]directory.Username{"a@x.y", "A@x.y"}, []string{"update group ops +b@x.y"}},
		"another instead":     {[]directory.Username{"a@x.y", "c@x.y"}, []string{"update group ops +b@x.y -c@x.y"}},
		"one more":            {[]directory.Username{"a@x.y", "b@x.y", "c@x.y"}, []string{"update group ops -c@x.y"}},
		"of another group":    {[]directory.Username{"a@x.y", "d@x.y"}, []string{"update group ops +b@x.y -d@x.y"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCSV()
			c.group("CN=Dev", "d@x.y")
			c.group("CN=Ops", "a@x.y", "b@x.y")
			observed := &directory.Observed{
				Users:  []directory.User{local("a@x.y"), local("b@x.y"), local("c@x.y"), local("d@x.y")},
				Groups: []directory.Group{managed("dev", "d@x.y"), managed("ops", tt.members...)},
			}
			same(t, "operations", shown(plan.New(&c.Desired, observed, plan.Policy{Caller: plan.Caller{Known: true}})), tt.want)
		})
	}
}
