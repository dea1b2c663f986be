package access_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"xc-group-sync/internal/access"
	"xc-group-sync/internal/directory"
)

// role reads NAMESPACE/ROLE.
func role(s string) directory.Role {
	namespace, name, _ := strings.Cut(s, "/")
	return directory.Role{Namespace: namespace, Role: name}
}

func roles(all ...string) []directory.Role {
	var read []directory.Role
	for _, s := range all {
		read = append(read, role(s))
	}
	return read
}

func user(email string, direct ...string) directory.User {
	return directory.User{Email: directory.Email(email), Username: directory.Username(email), Roles: roles(direct...)}
}

func group(name, members string, has ...string) directory.Group {
	g := directory.Group{Name: directory.GroupName(name), Roles: roles(has...)}
	for _, member := range strings.Fields(members) {
		g.Usernames = append(g.Usernames, directory.Username(member))
	}
	return g
}

func members(who string) []access.Member {
	var all []access.Member
	for _, name := range strings.Fields(who) {
		all = append(all, access.Member{Email: directory.Email(strings.ToLower(name)), Username: directory.Username(name)})
	}
	return all
}

func TestCompare(t *testing.T) {
	t.Parallel()
	people := []directory.User{user("ann"), user("bob"), user("eve", "ns/dev")}
	for _, tt := range []struct {
		name   string
		users  []directory.User // nil: people
		groups []directory.Group
		change access.Change
		want   string
	}{
		{"nothing", nil, []directory.Group{group("ops", "ann", "*/admin")}, access.Change{}, ""},
		{"a member more", nil, []directory.Group{group("ops", "ann", "ns/dev", "*/admin")},
			access.Change{Groups: []access.GroupChange{{Name: "ops", Add: members("bob")}}}, "bob gains */admin ns/dev"},
		{"a member less, who was the only one", nil, []directory.Group{group("ops", "ann", "ns/dev", "system/monitor", "*/admin")},
			access.Change{Groups: []access.GroupChange{{Name: "ops", Remove: members("ann")}}},
			"ann loses */admin ns/dev system/monitor; ann leaves the last group; nobody has */admin; nobody has system/monitor"},
		{"another way to have it", nil, []directory.Group{group("ops", "ann eve", "ns/dev"), group("dev", "ann", "ns/dev")},
			access.Change{Groups: []access.GroupChange{{Name: "ops", Remove: members("ann eve")}}}, "eve leaves the last group"},
		{"a part of what one has is no gain", nil, []directory.Group{group("ops", "ann", "*/dev"), group("dev", "", "ns/dev", "system/dev")},
			access.Change{Groups: []access.GroupChange{{Name: "dev", Add: members("ann bob")}}}, "bob gains ns/dev system/dev"},
		{"a part that stays", nil, []directory.Group{group("ops", "ann bob", "*/dev"), group("dev", "ann", "ns/dev")},
			access.Change{Groups: []access.GroupChange{{Name: "ops", Remove: members("ann bob")}}},
			"ann loses */dev; bob loses */dev; bob leaves the last group; nobody has */dev"},
		{"from a part to all", nil, []directory.Group{group("ops", "ann", "ns/dev", "system/dev")},
			access.Change{Groups: []access.GroupChange{{Name: "ops", Grant: roles("*/dev"), Revoke: roles("ns/dev", "system/dev")}}}, "ann gains */dev"},
		{"a part is not named beside all", nil, []directory.Group{group("ops", "ann", "ns/dev", "*/dev")},
			access.Change{Groups: []access.GroupChange{{Name: "ops", Remove: members("ann"), Add: members("bob")}}},
			"bob gains */dev; ann loses */dev; ann leaves the last group"},
		{"roles granted and revoked", nil, []directory.Group{group("ops", "ann eve", "ns/ops"), group("empty", "", "system/x")},
			access.Change{Groups: []access.GroupChange{{Name: "ops", Grant: roles("ns/dev")}, {Name: "ops", Revoke: roles("ns/ops")}, {Name: "empty", Revoke: roles("system/x")}}},
			"ann gains ns/dev; ann loses ns/ops; eve loses ns/ops"},
		{"granted again", nil, []directory.Group{group("ops", "ann", "*/ops")},
			access.Change{Groups: []access.GroupChange{{Name: "ops", Grant: roles("*/ops"), Revoke: roles("*/ops")}}}, ""},
		{"a new group and a new user", nil, nil,
			access.Change{Created: []directory.User{{Email: "new", Roles: roles("ns/x")}}, Groups: []access.GroupChange{{Name: "ops", Grant: roles("system/ops"), Add: []access.Member{{Email: "new"}}}}},
			"new gains ns/x system/ops"},
		{"a group deleted, and a user", nil, []directory.Group{group("ops", "Ann bob", "*/ops"), group("dev", "bob", "ns/x")},
			access.Change{Deleted: []directory.Username{"BOB"}, Groups: []access.GroupChange{{Name: "ops", Delete: true}}},
			"ann loses */ops; bob loses */ops ns/x; ann leaves the last group; nobody has */ops"},
		{"the last with a direct role is deleted", []directory.User{user("ann", "system/admin"), user("bob", "system/user")}, nil,
			access.Change{Deleted: []directory.Username{"ann"}}, "ann loses system/admin; nobody has system/admin"},
		{"somebody has it by all namespaces", []directory.User{user("ann", "system/admin"), user("bob", "*/admin")}, nil,
			access.Change{Deleted: []directory.Username{"ann"}}, "ann loses system/admin"},
		{"two users of one email", []directory.User{{Email: "ann", Username: "one"}, {Email: "ann", Username: "two", Roles: roles("ns/x")}}, []directory.Group{group("ops", "one", "ns/x", "ns/y")},
			access.Change{Deleted: []directory.Username{"one"}}, "ann loses ns/x ns/y"},
		{"the other account gains what one has", []directory.User{{Email: "ann", Username: "one"}, {Email: "ann", Username: "two"}}, []directory.Group{group("ops", "one", "*/x", "*/y"), group("dev", "", "*/y", "ns/x", "ns/z")},
			access.Change{Groups: []access.GroupChange{{Name: "dev", Add: []access.Member{{Email: "ann", Username: "two"}}}}}, "ann gains */y ns/x ns/z"},
		{"one account takes the place of the other", []directory.User{{Email: "ann", Username: "one"}, {Email: "ann", Username: "two"}}, []directory.Group{group("ops", "one", "ns/x")},
			access.Change{Groups: []access.GroupChange{{Name: "ops", Remove: members("one"), Add: []access.Member{{Email: "ann", Username: "two"}}}}},
			"ann gains ns/x; ann loses ns/x; ann leaves the last group"},
		{"both accounts gain, one of them a part of what the other does", []directory.User{{Email: "ann", Username: "one"}, {Email: "ann", Username: "two"}}, []directory.Group{group("ops", "one", "ns/y"), group("dev", "two")},
			access.Change{Groups: []access.GroupChange{{Name: "ops", Grant: roles("*/x")}, {Name: "dev", Grant: roles("ns/x", "ns/y")}}}, "ann gains */x ns/y"},
		{"a member that the listing does not know", nil, []directory.Group{group("ops", "Ghost ann", "*/x")},
			access.Change{Groups: []access.GroupChange{{Name: "ops", Remove: members("ann")}, {Name: "ops", Grant: roles("ns/y")}}},
			"ghost gains ns/y; ann loses */x; ann leaves the last group"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			users := tt.users
			if users == nil {
				users = people
			}
			got := access.Compare(&directory.Observed{Users: users, Groups: tt.groups}, tt.change)
			if diff := gocmp.Diff(tt.want, told(got)); diff != "" {
				t.Errorf("difference (-want +got):\n%s", diff)
			}
		})
	}
}

func told(diff access.Diff) string {
	var parts []string
	tell := func(people []access.Person, does string) {
		for _, person := range people {
			words := []string{string(person.Email), does}
			for _, role := range person.Roles {
				words = append(words, role.String())
			}
			parts = append(parts, strings.Join(words, " "))
		}
	}
	tell(diff.Gained, "gains")
	tell(diff.Lost, "loses")
	for _, email := range diff.LastGroup {
		parts = append(parts, string(email)+" leaves the last group")
	}
	for _, role := range diff.Vacant {
		parts = append(parts, "nobody has "+role.String())
	}
	return strings.Join(parts, "; ")
}

// TestCompareEqualsANaiveModel, which writes out who has what where.
func TestCompareEqualsANaiveModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6000) {
		random := rand.New(rand.NewPCG(seed, 0))
		observed := anyTenant(random)
		change := anyChange(random, observed)
		got, want := access.Compare(observed, change), naive(observed, change)
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s\ntenant: %+v\nchange: %+v", seed, diff, observed, change)
		}
	}
}

// TestCompareLeavesItsInputAlone: it shares slices with the tenant.
func TestCompareLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		make := func() (*directory.Observed, access.Change) {
			random := rand.New(rand.NewPCG(seed, 0))
			observed := anyTenant(random)
			return observed, anyChange(random, observed)
		}
		observed, change := make()
		access.Compare(observed, change)
		wantObserved, wantChange := make()
		if diff := gocmp.Diff(wantObserved, observed) + gocmp.Diff(wantChange, change); diff != "" {
			t.Fatalf("seed %d (-before +after):\n%s", seed, diff)
		}
	}
}

func anyRoles(random *rand.Rand) []directory.Role {
	var all []directory.Role
	for range random.IntN(4) {
		all = append(all, role([]string{"*", "*", "system", "a", "b"}[random.IntN(5)]+"/"+[]string{"r", "s"}[random.IntN(2)]))
	}
	return all
}

// spelled returns a username in some case.
func spelled(random *rand.Rand, key string) directory.Username {
	if random.IntN(4) == 0 {
		key = strings.ToUpper(key)
	}
	return directory.Username(key)
}

func anyTenant(random *rand.Rand) *directory.Observed {
	observed := &directory.Observed{}
	for i := range random.IntN(6) {
		u := directory.User{Email: directory.Email(fmt.Sprint("e", random.IntN(6))), Username: spelled(random, fmt.Sprint("u", i)), Roles: anyRoles(random)}
		if random.IntN(4) == 0 {
			u.Email = ""
		}
		observed.Users = append(observed.Users, u)
	}
	for i := range random.IntN(5) {
		g := directory.Group{Name: directory.GroupName(fmt.Sprint("g", i)), Roles: anyRoles(random)}
		for user := range 7 { // u5 and u6 are unknown
			if random.IntN(3) == 0 {
				g.Usernames = append(g.Usernames, spelled(random, fmt.Sprint("u", user)))
			}
		}
		observed.Groups = append(observed.Groups, g)
	}
	return observed
}

func anyChange(random *rand.Rand, observed *directory.Observed) access.Change {
	var change access.Change
	deleted := map[string]bool{}
	for _, u := range observed.Users {
		if random.IntN(8) == 0 {
			change.Deleted = append(change.Deleted, spelled(random, u.Username.Key()))
			deleted[u.Username.Key()] = true
		}
	}
	for i := range random.IntN(3) {
		change.Created = append(change.Created, directory.User{Email: directory.Email(fmt.Sprint("n", i)), Roles: anyRoles(random)})
	}
	for range random.IntN(4) {
		g := access.GroupChange{Name: directory.GroupName(fmt.Sprint("g", random.IntN(7))), Delete: random.IntN(8) == 0}
		for range random.IntN(3) {
			if key := fmt.Sprint("u", random.IntN(7)); !deleted[key] {
				g.Add = append(g.Add, access.Member{Username: spelled(random, key)})
			}
			g.Remove = append(g.Remove, access.Member{Username: spelled(random, fmt.Sprint("u", random.IntN(7)))})
		}
		for _, u := range change.Created {
			if random.IntN(3) == 0 {
				g.Add = append(g.Add, access.Member{Email: u.Email})
			}
		}
		if random.IntN(2) == 0 {
			g.Grant = anyRoles(random)
		}
		if random.IntN(2) == 0 {
			g.Revoke = anyRoles(random)
		}
		change.Groups = append(change.Groups, g)
	}
	return change
}

// state is who is in which group and who has what, at one time.
type state struct {
	members map[directory.GroupName]map[string]bool // by account: a username key, or the email of somebody new
	roles   map[directory.GroupName]map[directory.Role]bool
	direct  map[string]map[directory.Role]bool // by account
}

func naive(observed *directory.Observed, change access.Change) access.Diff {
	who := func(key string) directory.Email {
		for _, u := range observed.Users {
			if u.Username.Key() == key {
				return cmp.Or(u.Email, directory.Email(key))
			}
		}
		return directory.Email(key)
	}
	set := func(all []directory.Role) map[directory.Role]bool {
		has := map[directory.Role]bool{}
		for _, role := range all {
			has[role] = true
		}
		return has
	}
	build := func() state {
		s := state{map[directory.GroupName]map[string]bool{}, map[directory.GroupName]map[directory.Role]bool{}, map[string]map[directory.Role]bool{}}
		for _, u := range observed.Users {
			s.direct[u.Username.Key()] = set(u.Roles)
		}
		for _, g := range observed.Groups {
			s.members[g.Name], s.roles[g.Name] = map[string]bool{}, set(g.Roles)
			for _, username := range g.Usernames {
				s.members[g.Name][username.Key()] = true
			}
		}
		return s
	}
	before, after := build(), build()
	deleted := map[string]bool{}
	for _, username := range change.Deleted {
		delete(after.direct, username.Key())
		deleted[username.Key()] = true
		for _, members := range after.members {
			delete(members, username.Key())
		}
	}
	for _, u := range change.Created {
		after.direct[string(u.Email)] = set(u.Roles)
	}
	for _, g := range change.Groups {
		if after.members[g.Name] == nil {
			after.members[g.Name], after.roles[g.Name] = map[string]bool{}, map[directory.Role]bool{}
		}
		for _, role := range g.Revoke {
			delete(after.roles[g.Name], role)
		}
		for _, member := range g.Remove {
			delete(after.members[g.Name], member.Username.Key())
		}
	}
	for _, g := range change.Groups {
		for _, role := range g.Grant {
			after.roles[g.Name][role] = true
		}
		for _, member := range g.Add {
			after.members[g.Name][cmp.Or(string(member.Email), member.Username.Key())] = true
		}
	}
	for _, g := range change.Groups {
		if g.Delete {
			delete(after.members, g.Name)
		}
	}

	had, has := before.has(), after.has()
	gained, lost, last := byEmail{}, byEmail{}, map[directory.Email]bool{}
	accounts := maps.Clone(had)
	maps.Copy(accounts, has)
	for key := range accounts {
		gained.add(who(key), less(has[key], had[key]))
		lost.add(who(key), less(had[key], has[key]))
		if before.inGroup(key) && !after.inGroup(key) && !deleted[key] {
			last[who(key)] = true
		}
	}
	diff := access.Diff{Gained: gained.people(), Lost: lost.people(), LastGroup: slices.Sorted(maps.Keys(last))}
	given := map[directory.Role]bool{} // as it is written, not by way of another
	for _, g := range observed.Groups {
		for _, role := range g.Roles {
			given[role] = given[role] || len(g.Usernames) > 0
		}
	}
	for _, u := range observed.Users {
		for _, role := range u.Roles {
			given[role] = true
		}
	}
	for role, isGiven := range given {
		anybody := false
		for _, all := range has {
			anybody = anybody || all[role]
		}
		if isGiven && !anybody && (role.Namespace == "*" || role.Namespace == "system") {
			diff.Vacant = append(diff.Vacant, role)
		}
	}
	slices.SortFunc(diff.Vacant, directory.Role.Compare)
	return diff
}

// has writes out each account's roles on each namespace, * being one of them.
func (s state) has() map[string]map[directory.Role]bool {
	has := map[string]map[directory.Role]bool{}
	give := func(key string, roles map[directory.Role]bool) {
		if has[key] == nil {
			has[key] = map[directory.Role]bool{}
		}
		for role := range roles {
			has[key][role] = true
			if role.Namespace == "*" {
				for _, namespace := range []string{"system", "a", "b", "any other"} {
					has[key][directory.Role{Namespace: namespace, Role: role.Role}] = true
				}
			}
		}
	}
	for key, roles := range s.direct {
		give(key, roles)
	}
	for name, members := range s.members {
		for key := range members {
			give(key, s.roles[name])
		}
	}
	return has
}

func (s state) inGroup(key string) bool {
	for _, members := range s.members {
		if members[key] {
			return true
		}
	}
	return false
}

// byEmail is what accounts gain or lose, together by email.
type byEmail map[directory.Email]map[directory.Role]bool

func (b byEmail) add(email directory.Email, roles []directory.Role) {
	for _, role := range roles {
		if b[email] == nil {
			b[email] = map[directory.Role]bool{}
		}
		b[email][role] = true
	}
}

func (b byEmail) people() []access.Person {
	var all []access.Person
	for _, email := range slices.Sorted(maps.Keys(b)) {
		all = append(all, access.Person{Email: email, Roles: less(b[email], nil)})
	}
	return all
}

// less returns what is in a and not in b, and of a role on all namespaces that
// alone.
func less(a, b map[directory.Role]bool) []directory.Role {
	var roles []directory.Role
	for role := range a {
		if !b[role] && (role.Namespace == "*" || !a[role.Everywhere()]) {
			roles = append(roles, role)
		}
	}
	slices.SortFunc(roles, directory.Role.Compare)
	return roles
}
