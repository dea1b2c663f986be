package plan_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

const cases = 2000

func chance(random *rand.Rand, percent int) bool { return random.IntN(100) < percent }

func oneOf[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

func randomPolicy(random *rand.Rand) plan.Policy {
	return plan.Policy{
		Tenant: "acme", PruneGroups: chance(random, 60), PruneUsers: chance(random, 60), PruneUnmanaged: chance(random, 30),
		PruneInactive: chance(random, 40), MergeCollisions: chance(random, 50), UpdateUsers: chance(random, 50),
		MaxRemovals:  oneOf(random, plan.Limit{None: true}, plan.Limit{Max: 2}, plan.Limit{Share: true, Max: 25}),
		Caller:       plan.Caller{Known: chance(random, 80), Email: oneOf[directory.Email](random, "u0@x.y", "root@x.y"), Username: oneOf[directory.Username](random, "", "NAME1")},
		Protect:      oneOf(random, nil, nil, plan.Patterns{"u3@*"}, plan.Patterns{"name4", "g1"}),
		Groups:       oneOf(random, nil, nil, nil, plan.Patterns{"g[0-4]"}, plan.Patterns{"!g1", "!*,OU=b"}, plan.Patterns{"*,OU=a"}, plan.Patterns{"g2", "*,OU=b", "!g3"}),
		People:       oneOf(random, nil, nil, nil, plan.Patterns{"*", "!u2@*"}, plan.Patterns{"u[0-6]@x.y"}, plan.Patterns{"!ú*"}),
		Adopt:        oneOf(random, nil, plan.Patterns{"*"}, plan.Patterns{"g[0-3]"}),
		EmptyUnnamed: chance(random, 40), Withhold: chance(random, 10),
		Roles: randomRoles(random), EnforceRoles: chance(random, 50),
	}
}

// randomRoles lists some groups with some roles.
func randomRoles(random *rand.Rand) map[directory.GroupName][]directory.Role {
	roles := map[directory.GroupName][]directory.Role{}
	for i := range 9 {
		if chance(random, 30) {
			roles[directory.GroupName(fmt.Sprintf("g%d", i))] = someRoles(random)
		}
	}
	return roles
}

// someRoles are up to four roles, sometimes one of them twice.
func someRoles(random *rand.Rand) []directory.Role {
	roles := []directory.Role{}
	for range random.IntN(5) {
		roles = append(roles, directory.Role{Namespace: oneOf(random, "*", "system", "n"), Role: oneOf(random, "admin", "r")})
	}
	return roles
}

// randomWorld is a small directory, tenant and policy; the CSV is as consistent
// as the roster makes it, and has nothing of what is out of scope but people.
func randomWorld(seed uint64) *world {
	random := rand.New(rand.NewPCG(seed, 7))
	w := &world{csv: newCSV(), policy: randomPolicy(random)}
	w.randomCSV(random)
	w.randomTenant(random)
	return w
}

// randomEmail has a look-alike now and then.
func randomEmail(random *rand.Rand) directory.Email {
	return directory.Email(fmt.Sprintf("%s%d@x.y", oneOf(random, "u", "u", "u", "u", "u", "u", "ú"), random.IntN(9)))
}

func (w *world) randomCSV(random *rand.Rand) {
	for range random.IntN(9) {
		person := w.csv.person(randomEmail(random), oneOf(random, directory.Active, directory.Active, directory.Inactive, directory.Contradicted, directory.Unclear))
		person.Named = chance(random, 50)
		if person.Named {
			person.Name = directory.PersonName{First: "Named", Last: "Person"}
		}
		person.KeepMemberships = chance(random, 10) || !w.policy.PersonInScope(person.Email)
		w.csv.KeepGroups = w.csv.KeepGroups || chance(random, 3)
	}
	for _, i := range random.Perm(6)[:random.IntN(6)] {
		var dns []string
		for _, dn := range []string{fmt.Sprintf("CN=G%d,OU=%s", i, oneOf(random, "a", "b")), fmt.Sprintf("CN=G%d", i)}[:1+random.IntN(6)/5] {
			parsed, err := directory.ParseDN(dn)
			if err != nil {
				panic(err)
			}
			if w.policy.DNInScope(parsed) {
				dns = append(dns, dn)
			}
		}
		if dns == nil {
			continue
		}
		group := w.csv.group(strings.Join(dns, "|"))
		for _, person := range w.csv.People {
			if person.Status == directory.Active && chance(random, 40) {
				group.Members = append(group.Members, person)
			}
		}
		group.KeepMembers = chance(random, 8)
		w.csv.KeepUsers = w.csv.KeepUsers || group.KeepMembers
	}
	if chance(random, 5) {
		w.csv.KeepMemberships, w.csv.KeepUsers, w.csv.KeepGroups = true, true, true
	}
}

func (w *world) randomTenant(random *rand.Rand) {
	usernames := []directory.Username{"ghost", "Ghost@x.y", "ú9@x.y"} // that the listing does not know
	taken := map[string]bool{}
	add := func(user directory.User) {
		if !taken[user.Username.Key()] {
			taken[user.Username.Key()] = true
			w.observed.Users = append(w.observed.Users, user)
			usernames = append(usernames, user.Username)
		}
	}
	for i := range 10 {
		if chance(random, 30) {
			continue
		}
		user := local(directory.Email(fmt.Sprintf("u%d@x.y", i)))
		if chance(random, 8) {
			user = local(randomEmail(random))
		}
		user.Username = oneOf(random, user.Username, directory.Username(strings.ToUpper(string(user.Username))), directory.Username(fmt.Sprintf("Name%d", i)),
			directory.Username(fmt.Sprintf("u%d@x.y", random.IntN(9))))
		user.Type = oneOf(random, directory.TypeUser, directory.TypeUser, directory.TypeUser, directory.TypeUser, directory.TypeService, directory.TypeDebug)
		user.SyncMode = oneOf(random, directory.SyncSelf, directory.SyncSelf, directory.SyncSelf, directory.SyncSCIM)
		user.IDMType = oneOf(random, directory.IDMSSO, directory.IDMLocal)
		user.DomainOwner = chance(random, 10)
		user.Name.First = oneOf(random, user.Name.First, "Else")
		if chance(random, 4) {
			user.Email = ""
		}
		add(user)
		if chance(random, 10) {
			user.Username = directory.Username(fmt.Sprintf("second%d", i))
			add(user)
		}
	}
	shuffle(random, w.observed.Users)
	for _, i := range random.Perm(8)[:random.IntN(8)] {
		group := managed(directory.GroupName(fmt.Sprintf("g%d", i)))
		for _, username := range usernames {
			if chance(random, 35) {
				group.Usernames = append(group.Usernames, oneOf(random, username, directory.Username(strings.ToLower(string(username)))))
			}
		}
		group.Description = oneOf(random, plan.Marker, plan.Marker+" v1", "", "by hand")
		group.SyncMode = oneOf(random, directory.SyncSelf, directory.SyncSelf, directory.SyncSelf, directory.SyncSCIM)
		group.ReadError = oneOf(random, "", "", "", "", "", "", "boom")
		group.References = oneOf(random, nil, nil, map[string]int{"policy": 1}, map[string]int{"policy": 0})
		group.Roles = someRoles(random)
		w.observed.Groups = append(w.observed.Groups, group)
	}
}

// applied returns the tenant after the plan: a model that knows nothing about how
// the plan was made.
func applied(observed *directory.Observed, p *plan.Plan) directory.Observed {
	users, groups := slices.Clone(observed.Users), slices.Clone(observed.Groups)
	leave := func(g *directory.Group, members []plan.Member) {
		g.Usernames = slices.DeleteFunc(slices.Clone(g.Usernames), func(username directory.Username) bool {
			return slices.ContainsFunc(members, func(m plan.Member) bool { return m.Username.Key() == username.Key() })
		})
	}
	for i := range p.Operations {
		o := &p.Operations[i]
		user := slices.IndexFunc(users, func(u directory.User) bool { return u.Email == o.User.Email && u.Username == o.User.Username })
		group := slices.IndexFunc(groups, func(g directory.Group) bool { return g.Name == o.Group.Name })
		switch o.Kind().String() {
		case "create user":
			created := o.User
			created.SyncMode = directory.SyncSelf
			users = append(users, created)
		case "update user":
			users[user] = o.User
		case "delete user":
			for i := range groups {
				leave(&groups[i], []plan.Member{{Username: users[user].Username}})
			}
			users = slices.Delete(users, user, user+1)
		case "create group":
			created := o.Group
			created.SyncMode = directory.SyncSelf
			groups = append(groups, created)
			group = len(groups) - 1
			fallthrough
		case "update group":
			leave(&groups[group], o.Remove)
			for _, member := range o.Add {
				groups[group].Usernames = append(slices.Clone(groups[group].Usernames), cmp.Or(member.Username, directory.Username(member.Email)))
			}
		case "grant group":
			groups[group].Roles = slices.Concat(groups[group].Roles, o.Roles)
		case "revoke group":
			groups[group].Roles = slices.DeleteFunc(slices.Clone(groups[group].Roles), func(role directory.Role) bool { return slices.Contains(o.Roles, role) })
		case "delete group":
			groups = slices.Delete(groups, group, group+1)
		default:
			panic("no model of what it does: " + o.Kind().String())
		}
	}
	return directory.Observed{Users: users, Groups: groups}
}

// who is the person behind a username.
func who(observed *directory.Observed, username directory.Username) (directory.Email, *directory.User) {
	for i := range observed.Users {
		if user := &observed.Users[i]; user.Username.Key() == username.Key() {
			return cmp.Or(user.Email, directory.Email(username.Key())), user
		}
	}
	return directory.Email(username.Key()), nil
}

// emails are who is in a group.
func emails(observed *directory.Observed, group *directory.Group) []directory.Email {
	members := map[directory.Email]bool{}
	for _, username := range group.Usernames {
		email, _ := who(observed, username)
		members[email] = true
	}
	return slices.Sorted(maps.Keys(members))
}

// left returns the people that a plan leaves as they are, with a message.
func (w *world) left(p *plan.Plan) map[directory.Email]bool {
	left := map[directory.Email]bool{}
	for _, b := range p.Blocked {
		if b.Object == plan.User {
			left[directory.Email(b.Name)] = true
		}
	}
	for _, f := range p.Findings {
		if f.Kind == directory.Lookalike {
			for _, person := range w.csv.People {
				left[person.Email] = left[person.Email] || strings.Contains(f.Message, string(person.Email))
			}
		}
	}
	for _, person := range w.csv.People {
		left[person.Email] = left[person.Email] || !w.policy.PersonInScope(person.Email)
	}
	return left
}

func TestApplyingAPlanGivesTheDesiredState(t *testing.T) {
	t.Parallel()
	for seed := range uint64(cases) {
		w := randomWorld(seed)
		p := w.plan()
		after := applied(&w.observed, p)
		again := plan.New(&w.csv.Desired, &after, w.policy)
		rest := slices.DeleteFunc(again.Operations, func(o plan.Operation) bool {
			// A username may be nobody else's email any more.
			return o.Object == plan.User && o.Action == plan.Update &&
				slices.ContainsFunc(p.Operations, func(o plan.Operation) bool { return o.Object == plan.User && o.Action == plan.Delete })
		})
		if len(rest) > 0 {
			t.Fatalf("seed %d: %v\nand then still %v", seed, shown(p), shown(again))
		}
		w.checkRoles(t, seed, p, &after)
		left := w.left(p)
		for _, desired := range w.csv.Groups {
			i := slices.IndexFunc(after.Groups, func(g directory.Group) bool { return g.Name == desired.Name })
			if slices.Contains(blocked(p), string(desired.Name)) || i >= 0 && after.Groups[i].SyncMode == directory.SyncSCIM {
				continue
			}
			var members []directory.Email
			if i >= 0 {
				members = emails(&after, &after.Groups[i])
			}
			may := map[directory.Email]bool{} // be in the group
			for _, person := range desired.Members {
				may[person.Email] = true
				if !left[person.Email] && !slices.Contains(members, person.Email) {
					t.Fatalf("seed %d: %s lacks %s", seed, desired.Name, person.Email)
				}
			}
			for _, held := range p.Withheld {
				if held.Group == desired.Name {
					may[held.Member.Email] = true
				}
			}
			for _, email := range members {
				if !may[email] {
					t.Fatalf("seed %d: %s has %s", seed, desired.Name, email)
				}
			}
		}
	}
}

// checkRoles: a group that the policy lists has the roles listed, and no others if
// they are enforced, unless prune would delete it; every other group has the roles that it had.
func (w *world) checkRoles(t *testing.T, seed uint64, p *plan.Plan, after *directory.Observed) {
	t.Helper()
	before := map[directory.GroupName]directory.Group{}
	for _, group := range w.observed.Groups {
		before[group.Name] = group
	}
	for _, group := range after.Groups {
		was, existed := before[group.Name]
		want := roleSet(was.Roles)
		listed, isListed := w.policy.Roles[group.Name]
		fixed := existed && (group.SyncMode == directory.SyncSCIM || group.ReadError != "" || !w.inScope(&was) || !plan.Owned(&was) && !w.policy.Adopt.Match(string(group.Name)) || slices.Contains(blocked(p), string(group.Name)))
		if isListed && !fixed {
			if w.policy.EnforceRoles && !w.policy.Withhold && !w.csv.KeepMemberships {
				want = map[directory.Role]bool{}
			}
			named := slices.ContainsFunc(w.csv.Groups, func(g *directory.DesiredGroup) bool { return g.Name == group.Name })
			pruned := w.policy.PruneGroups && !named && (plan.Owned(&was) || w.policy.PruneUnmanaged) && !w.policy.Protect.Match(string(group.Name))
			for role := range roleSet(listed) {
				if !pruned || slices.Contains(was.Roles, role) {
					want[role] = true
				}
			}
		}
		if got := roleSet(group.Roles); !maps.Equal(got, want) && !slices.ContainsFunc(p.Operations, func(o plan.Operation) bool { return o.Action == plan.Delete && o.Name() == string(group.Name) }) {
			t.Fatalf("seed %d: %s has %v, want %v\n%v", seed, group.Name, got, want, shown(p))
		}
	}
}

func roleSet(roles []directory.Role) map[directory.Role]bool {
	set := map[directory.Role]bool{}
	for _, role := range roles {
		set[role] = true
	}
	return set
}

func TestAPlanOfEqualsIsEmpty(t *testing.T) {
	t.Parallel()
	for seed := range uint64(cases) {
		w := randomWorld(seed)
		w.policy.PruneGroups, w.policy.PruneUsers, w.policy.PruneUnmanaged, w.policy.PruneInactive, w.policy.EmptyUnnamed = true, true, true, true, true
		w.policy.Adopt, w.policy.Groups = plan.Patterns{"*"}, nil
		equal := newCSV() // the directory that the tenant already is, as far as a CSV can say it
		emailsOf := map[directory.Email]int{}
		for _, user := range w.observed.Users {
			emailsOf[user.Email]++
		}
		w.observed.Users = slices.DeleteFunc(w.observed.Users, func(user directory.User) bool {
			out := user.Email == "" || emailsOf[user.Email] > 1 || !strings.EqualFold(string(user.Username), string(user.Email)) && strings.Contains(string(user.Username), "@")
			for i := range w.observed.Groups {
				if group := &w.observed.Groups[i]; out {
					group.Usernames = slices.DeleteFunc(group.Usernames, func(u directory.Username) bool { return u.Key() == user.Username.Key() })
				}
			}
			return out
		})
		for _, user := range w.observed.Users {
			person := equal.person(user.Email, directory.Active)
			person.Name, person.Named = user.Name, true
		}
		for i := range w.observed.Groups {
			w.observed.Groups[i].ReadError = ""
			equal.group("CN="+string(w.observed.Groups[i].Name), emails(&w.observed, &w.observed.Groups[i])...)
		}
		w.policy.Roles = map[directory.GroupName][]directory.Role{}
		for _, group := range w.observed.Groups {
			w.policy.Roles[group.Name] = group.Roles
		}
		p := plan.New(&equal.Desired, &w.observed, w.policy)
		if len(p.Operations)+len(p.Withheld)+len(p.Blocked)+len(p.Refusals) > 0 {
			t.Fatalf("seed %d: %v, withheld %v, blocked %v", seed, shown(p), withheld(p), blocked(p))
		}
		if p.Groups.Unchanged != len(w.observed.Groups) {
			t.Fatalf("seed %d: %d of %d groups unchanged", seed, p.Groups.Unchanged, len(w.observed.Groups))
		}
	}
}

func TestAPlanIsPure(t *testing.T) {
	t.Parallel()
	for seed := range uint64(cases) {
		w, untouched := randomWorld(seed), randomWorld(seed)
		if chance(rand.New(rand.NewPCG(seed, 3)), 50) {
			w.policy.Only, untouched.policy.Only = plan.Patterns{"u1*", "g2"}, plan.Patterns{"u1*", "g2"}
		}
		first, second := w.plan(), w.plan()
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("seed %d: two plans of one input", seed)
		}
		if !reflect.DeepEqual(w, untouched) {
			t.Fatalf("seed %d: the plan changed its input", seed)
		}
	}
}

// TestAPlanDoesNotDependOnOrder: neither digest nor operations.
func TestAPlanDoesNotDependOnOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(cases) {
		w := randomWorld(seed)
		want, random := w.plan(), rand.New(rand.NewPCG(seed, 9))
		shuffle(random, w.observed.Users)
		shuffle(random, w.observed.Groups)
		for i := range w.observed.Groups {
			shuffle(random, w.observed.Groups[i].Usernames)
		}
		got := w.plan()
		if got.Digest != want.Digest || !slices.Equal(shown(got), shown(want)) || !slices.Equal(blocked(got), blocked(want)) {
			t.Fatalf("seed %d: %v, blocked %v\nwant %v, blocked %v", seed, shown(got), blocked(got), shown(want), blocked(want))
		}
		if held, before := slices.Sorted(slices.Values(withheld(got))), slices.Sorted(slices.Values(withheld(want))); !slices.Equal(held, before) {
			t.Fatalf("seed %d: withheld %v, want %v", seed, held, before)
		}
	}
}

// TestKinds: each kind has everything that depends on it, once.
func TestKinds(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, kind := range plan.Kinds() {
		if kind.Object == "" || kind.Action == "" || kind.Takes == "" || kind.Sign == "" || kind.Past == "" || seen[kind.String()] {
			t.Errorf("not complete, or not the only one: %+v", kind)
		}
		seen[kind.String()] = true
	}
}

// TestRandomWorldsUseThePolicy: a setting that no random world uses is tested by
// no property.
func TestRandomWorldsUseThePolicy(t *testing.T) {
	t.Parallel()
	elsewhere := map[string]string{
		"API": "reaches the digest only", "Only": "TestOnlyIsAPartOfTheWhole", "IDMType": "TestNewChoosesTheIDMType",
		"Sample": "stops warnings only",
	}
	used, kinds := map[string]bool{}, map[string]bool{}
	for seed := range uint64(cases) {
		w := randomWorld(seed)
		policy := reflect.ValueOf(w.policy)
		for i := range policy.NumField() {
			name := policy.Type().Field(i).Name
			used[name] = used[name] || !policy.Field(i).IsZero()
		}
		for _, o := range w.plan().Operations {
			kinds[o.Kind().String()] = true
		}
	}
	for name := range reflect.TypeFor[plan.Policy]().Fields() {
		if used[name.Name] == (elsewhere[name.Name] != "") {
			t.Errorf("%s: in random worlds %v, elsewhere %q", name.Name, used[name.Name], elsewhere[name.Name])
		}
	}
	for _, kind := range plan.Kinds() {
		if !kinds[kind.String()] {
			t.Errorf("no random world plans to %s", kind)
		}
	}
}

func TestAPlanTouchesNobodyWhoIsExempt(t *testing.T) {
	t.Parallel()
	for seed := range uint64(cases) {
		w := randomWorld(seed)
		p := w.plan()
		for i := range p.Operations {
			if complaint := w.exempt(&p.Operations[i]); complaint != "" {
				t.Fatalf("seed %d: %s: %s", seed, shown(p)[i], complaint)
			}
		}
		if names := blocked(p); len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
			t.Fatalf("seed %d: blocked twice: %v", seed, names)
		}
	}
}

// inScope is a second reading of the rule for groups of the tenant.
func (w *world) inScope(group *directory.Group) bool {
	if len(w.policy.Groups) == 0 || slices.ContainsFunc(w.csv.Groups, func(g *directory.DesiredGroup) bool { return g.Name == group.Name }) {
		return true
	}
	names, includes := plan.Patterns{}, false
	for _, pattern := range w.policy.Groups {
		includes = includes || !strings.HasPrefix(pattern, "!")
		if !strings.Contains(pattern, "=") {
			names = append(names, pattern)
		}
	}
	if len(names) == 0 {
		return strings.HasPrefix(group.Description, plan.Marker)
	}
	if includes && !slices.ContainsFunc(names, func(p string) bool { return !strings.HasPrefix(p, "!") }) {
		return false // by a DN, which is not known
	}
	return names.Match(string(group.Name))
}

// mustStay returns why a username must not be removed or its user deleted; empty
// if it may be.
func (w *world) mustStay(username directory.Username) string {
	email, user := who(&w.observed, username)
	person := w.csv.people[email]
	if user == nil {
		return "unknown"
	}
	sharing, ordinary, owners := 0, 0, 0
	for _, other := range w.observed.Users {
		if user.Email != "" && other.Email == user.Email {
			sharing++
			if other.Ordinary() {
				ordinary++
			}
			if strings.EqualFold(string(other.Username), string(user.Email)) {
				owners++
			}
		}
	}
	switch caller := w.policy.Caller; {
	case caller.Email == user.Email || strings.EqualFold(string(caller.Username), string(user.Username)):
		return "the caller"
	case user.DomainOwner, user.Type != directory.TypeUser:
		return "not an ordinary person"
	case sharing > 1 && ordinary != 1 && owners == 0:
		return "one of several"
	case !w.policy.PersonInScope(user.Email):
		return "out of scope"
	case w.policy.Protect.Match(string(email), string(user.Username)):
		return "protected"
	case person != nil && (person.Status == directory.Contradicted || person.Status == directory.Unclear || person.KeepMemberships):
		return "unclear"
	}
	return ""
}

// exempt returns why an operation must not be planned; empty if it may be.
func (w *world) exempt(o *plan.Operation) string {
	person := w.csv.people[o.User.Email]
	named := slices.IndexFunc(w.csv.Groups, func(g *directory.DesiredGroup) bool { return g.Name == o.Group.Name })
	observed := slices.IndexFunc(w.observed.Groups, func(g directory.Group) bool { return g.Name == o.Group.Name })
	protected := o.Object == plan.Group && w.policy.Protect.Match(string(o.Group.Name))
	owned := strings.HasPrefix(o.Group.Description, plan.Marker)
	for _, member := range o.Remove {
		if why := w.mustStay(member.Username); why != "" {
			return fmt.Sprintf("removes %s: %s", member.Username, why)
		}
		if email, _ := who(&w.observed, member.Username); named >= 0 && slices.Contains(w.csv.Groups[named].Members, w.csv.people[email]) {
			return "removes somebody that the CSV wants there"
		}
	}
	for _, member := range o.Add {
		if named < 0 || !slices.Contains(w.csv.Groups[named].Members, w.csv.people[member.Email]) || !w.policy.PersonInScope(member.Email) {
			return "adds " + string(member.Email)
		}
		if member.Username != "" {
			if email, user := who(&w.observed, member.Username); user == nil || email != member.Email {
				return fmt.Sprintf("adds %s, who is %s", member.Username, email)
			}
		}
	}
	kind := o.Kind()
	if kind == (plan.Kind{}) {
		return "not in the table of kinds"
	}
	if (o.Removals() > 0 || kind.Takes != plan.Nothing) && (w.csv.KeepMemberships || w.policy.Withhold) {
		return "removes something"
	}
	if o.Object == plan.User && kind.Takes != plan.Nothing {
		if why := w.mustStay(o.User.Username); why != "" {
			return why
		}
	}
	if observed >= 0 && !w.inScope(&w.observed.Groups[observed]) {
		return "the group is out of scope"
	}
	switch kind.String() {
	case "create user":
		if person == nil || person.Status != directory.Active || !w.policy.PersonInScope(o.User.Email) ||
			slices.ContainsFunc(w.observed.Users, func(u directory.User) bool {
				return u.Email == o.User.Email || u.Username.Key() == o.User.Username.Key()
			}) {
			return "nobody to create"
		}
	case "update user":
		if !w.policy.UpdateUsers || person == nil || !person.Named || o.User.IDMType != directory.IDMLocal || o.User.SyncMode == directory.SyncSCIM || !w.policy.PersonInScope(o.User.Email) {
			return "not this program's to change"
		}
	case "delete user":
		if !w.policy.PruneUsers || !w.policy.Caller.Known || w.csv.KeepUsers || o.User.SyncMode == directory.SyncSCIM ||
			person != nil && (person.Status != directory.Inactive || !w.policy.PruneInactive) {
			return "must stay"
		}
		for _, group := range w.observed.Groups {
			foreign := slices.ContainsFunc(w.csv.Groups, func(g *directory.DesiredGroup) bool { return g.Name == group.Name }) &&
				group.SyncMode != directory.SyncSCIM && !strings.HasPrefix(group.Description, plan.Marker) && !w.policy.Adopt.Match(string(group.Name))
			if (!w.inScope(&group) || foreign || group.ReadError != "" || w.policy.Protect.Match(string(group.Name))) &&
				slices.ContainsFunc(group.Usernames, func(u directory.Username) bool { return u.Key() == o.User.Username.Key() }) {
				return "a member of " + string(group.Name)
			}
		}
	case "create group":
		if named < 0 || observed >= 0 || len(o.Add) == 0 {
			return "no group to create"
		}
	case "update group":
		if o.Group.SyncMode == directory.SyncSCIM || o.Group.ReadError != "" || !owned && !w.policy.Adopt.Match(string(o.Group.Name)) {
			return "not to be changed"
		}
		if len(o.Remove) > 0 && (protected || named < 0 && (!w.policy.EmptyUnnamed || w.csv.KeepGroups) || named >= 0 && w.csv.Groups[named].KeepMembers) {
			return "loses somebody"
		}
	case "delete group":
		g := o.Group
		if !w.policy.PruneGroups || w.csv.KeepGroups || named >= 0 || g.SyncMode == directory.SyncSCIM || g.ReadError != "" || g.References["policy"] > 0 ||
			protected || !w.policy.PruneUnmanaged && !owned {
			return "must stay"
		}
	}
	return ""
}

// memberships are who is in which group, by username.
func memberships(observed *directory.Observed) map[string]bool {
	all := map[string]bool{}
	for _, group := range observed.Groups {
		all[string(group.Name)] = true
		for _, username := range group.Usernames {
			all[string(group.Name)+" "+username.Key()] = true
		}
	}
	for _, user := range observed.Users {
		all[user.Username.Key()] = true
	}
	return all
}

// TestWithholdRemovesNothing: everything that was there is there afterwards, and
// the additions are those of a run that removes, but for look-alikes.
func TestWithholdRemovesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(cases) {
		w := randomWorld(seed)
		w.policy.Withhold = false
		whole := w.plan()
		w.policy.Withhold = true
		p := w.plan()
		tenant := applied(&w.observed, p)
		after := memberships(&tenant)
		for one := range memberships(&w.observed) {
			if !after[one] {
				t.Fatalf("seed %d: %s is gone: %v", seed, one, shown(p))
			}
		}
		if p.Removed() > 0 || countRoles(p, plan.Revoke) > 0 || len(p.Refusals) > 0 {
			t.Fatalf("seed %d: removed %d, refusals %v", seed, p.Removed(), refused(p))
		}
		if p.Added() != whole.Added() || countRoles(p, plan.Grant, plan.Create) < countRoles(whole, plan.Grant, plan.Create) {
			t.Fatalf("seed %d: adds %v\nwithout withholding %v", seed, shown(p), shown(whole))
		}
		if whole.Removed()+countRoles(whole, plan.Revoke) > 0 && len(p.Withheld) == 0 {
			t.Fatalf("seed %d: nothing is said of what is withheld", seed)
		}
	}
}

// parts are what operations do, membership by membership.
func parts(p *plan.Plan) map[string]bool {
	all := map[string]bool{}
	for i := range p.Operations {
		o := &p.Operations[i]
		if o.Object == plan.User || o.Action == plan.Create {
			all[fmt.Sprintf("%s %s %s", o.Action, o.Object, o.Name())] = true
		}
		for _, member := range o.Add {
			all[fmt.Sprintf("%s +%s", o.Name(), member.Email)] = true
		}
		for _, member := range o.Remove {
			all[fmt.Sprintf("%s -%s", o.Name(), member.Username)] = true
		}
		for _, role := range o.RolesChanged() {
			all[fmt.Sprintf("%s %s %s", o.Name(), o.Action, role)] = true
		}
		if o.Object == plan.Group && o.Action == plan.Delete {
			all["delete group "+o.Name()] = true
		}
	}
	return all
}

// TestOnlyIsAPartOfTheWhole: nothing is done that the whole plan would not do,
// everything about the selected people and groups is done, and nobody is created
// except for a group.
func TestOnlyIsAPartOfTheWhole(t *testing.T) {
	t.Parallel()
	for seed := range uint64(cases) {
		random := rand.New(rand.NewPCG(seed, 11))
		w := randomWorld(seed)
		whole := w.plan()
		only := oneOf(random, plan.Patterns{"u1@x.y"}, plan.Patterns{"u[2-5]*"}, plan.Patterns{"g1", "g3"}, plan.Patterns{"u1*", "g2"}, plan.Patterns{"*", "!u3@*"}, plan.Patterns{"u*", "!g1"})
		w.policy.Only = only
		p := w.plan()
		all, done := parts(whole), parts(p)
		for part := range done {
			if !all[part] {
				t.Fatalf("seed %d, only %v: %s\n%v\nwhole %v", seed, only, part, shown(p), shown(whole))
			}
		}
		needed := map[directory.Email]bool{}
		for i := range p.Operations {
			for _, member := range p.Operations[i].Add {
				needed[member.Email] = true
			}
		}
		for i := range whole.Operations {
			o := &whole.Operations[i]
			for _, member := range o.Add {
				if selected := only.Match(o.Name(), string(member.Email)); selected != done[fmt.Sprintf("%s +%s", o.Name(), member.Email)] {
					t.Fatalf("seed %d, only %v: %s +%s: selected: %v\n%v", seed, only, o.Name(), member.Email, selected, shown(p))
				}
			}
			// A group that may be deleted need not be one that may be changed.
			fixed := o.Action == plan.Delete && !plan.Owned(&o.Group) && !w.policy.Adopt.Match(o.Name()) && !done["delete group "+o.Name()]
			for _, member := range o.Remove {
				if selected := !fixed && only.Match(o.Name(), string(member.Email)); selected != done[fmt.Sprintf("%s -%s", o.Name(), member.Username)] {
					t.Fatalf("seed %d, only %v: %s -%s: selected: %v\n%v", seed, only, o.Name(), member.Username, selected, shown(p))
				}
			}
			for _, role := range o.Roles {
				if selected := only.Match(o.Name()); selected != done[fmt.Sprintf("%s %s %s", o.Name(), o.Action, role)] {
					t.Fatalf("seed %d, only %v: %s %s %s: selected: %v\n%v", seed, only, o.Action, o.Name(), role, selected, shown(p))
				}
			}
			if o.Object == plan.User && o.Action == plan.Create {
				if want := needed[o.User.Email]; want != done["create user "+o.Name()] {
					t.Fatalf("seed %d, only %v: %s created: %v\n%v", seed, only, o.Name(), !want, shown(p))
				}
			}
		}
		for i, o := range p.Operations {
			if i > 0 && o.Object == plan.Group && o.Action != plan.Delete && p.Operations[i-1].Action == plan.Delete {
				t.Fatalf("seed %d, only %v: out of order: %v", seed, only, shown(p))
			}
		}
	}
}
