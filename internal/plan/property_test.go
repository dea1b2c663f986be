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

// randomWorld is a small directory, tenant and policy; what the CSV holds back
// is as consistent as the roster makes it.
func randomWorld(seed uint64) *world {
	random := rand.New(rand.NewPCG(seed, 7))
	w := &world{csv: newCSV(), policy: plan.Policy{
		Tenant: "acme", PruneGroups: chance(random, 60), PruneUsers: chance(random, 60), PruneUnmanaged: chance(random, 30),
		PruneInactive: chance(random, 40), MergeCollisions: chance(random, 50), UpdateUsers: chance(random, 50),
		MaxRemovals: oneOf(random, plan.Limit{None: true}, plan.Limit{Max: 2}, plan.Limit{Share: true, Max: 25}),
		Caller:      plan.Caller{Known: chance(random, 80), Email: oneOf[directory.Email](random, "u0@x.y", "root@x.y"), Username: oneOf[directory.Username](random, "", "NAME1")},
		Protect:     oneOf(random, nil, plan.Patterns{"u3@*"}, plan.Patterns{"name4", "g1"}),
	}}
	email := func() directory.Email { return directory.Email(fmt.Sprintf("u%d@x.y", random.IntN(9))) }
	for range random.IntN(9) {
		person := w.csv.person(email(), oneOf(random, directory.Active, directory.Active, directory.Inactive, directory.Contradicted, directory.Unclear))
		person.Named = chance(random, 50)
		person.KeepMemberships = chance(random, 10)
		w.csv.KeepGroups = w.csv.KeepGroups || person.KeepMemberships
	}
	for _, i := range random.Perm(6)[:random.IntN(6)] {
		dns := fmt.Sprintf("CN=G%d", i)
		if chance(random, 15) {
			dns += "|" + dns + ",OU=x"
		}
		group := w.csv.group(dns)
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
	usernames := []directory.Username{"ghost", "Ghost@x.y"}
	for i := range 9 {
		if chance(random, 30) {
			continue
		}
		user := local(directory.Email(fmt.Sprintf("u%d@x.y", i)))
		user.Username = oneOf(random, user.Username, directory.Username(strings.ToUpper(string(user.Username))), directory.Username(fmt.Sprintf("Name%d", i)))
		user.Type = oneOf(random, directory.TypeUser, directory.TypeUser, directory.TypeUser, directory.TypeService, directory.TypeDebug)
		user.SyncMode = oneOf(random, directory.SyncSelf, directory.SyncSelf, directory.SyncSelf, directory.SyncSCIM)
		user.IdmType = oneOf(random, directory.IdmSSO, directory.IdmLocal)
		user.DomainOwner = chance(random, 10)
		user.Name.First = oneOf(random, user.Name.First, "Else")
		w.observed.Users = append(w.observed.Users, user)
		usernames = append(usernames, user.Username)
		if chance(random, 10) {
			user.Username = directory.Username(fmt.Sprintf("second%d", i))
			w.observed.Users = append(w.observed.Users, user)
			usernames = append(usernames, user.Username)
		}
	}
	shuffle(random, w.observed.Users)
	for _, i := range random.Perm(8)[:random.IntN(8)] {
		group := managed(directory.GroupName(fmt.Sprintf("g%d", i)))
		for _, username := range usernames {
			if chance(random, 40) {
				group.Usernames = append(group.Usernames, oneOf(random, username, directory.Username(strings.ToLower(string(username)))))
			}
		}
		group.Description = oneOf(random, plan.Marker, plan.Marker+" v1", "", "by hand")
		group.SyncMode = oneOf(random, directory.SyncSelf, directory.SyncSelf, directory.SyncSelf, directory.SyncSCIM)
		group.ReadError = oneOf(random, "", "", "", "", "", "", "boom")
		group.References = oneOf(random, nil, nil, map[string]int{"policy": 1}, map[string]int{"policy": 0})
		w.observed.Groups = append(w.observed.Groups, group)
	}
	return w
}

// applied is what the tenant would be after the plan: a model that knows
// nothing of how the plan was made.
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
		switch fmt.Sprint(o.Action, o.Object) {
		case "createuser":
			created := o.User
			created.SyncMode = directory.SyncSelf
			users = append(users, created)
		case "updateuser":
			users[user] = o.User
		case "deleteuser":
			for i := range groups {
				leave(&groups[i], []plan.Member{{Username: users[user].Username}})
			}
			users = slices.Delete(users, user, user+1)
		case "creategroup":
			created := o.Group
			created.SyncMode = directory.SyncSelf
			groups = append(groups, created)
			group = len(groups) - 1
			fallthrough
		case "updategroup":
			leave(&groups[group], o.Remove)
			for _, member := range o.Add {
				groups[group].Usernames = append(slices.Clone(groups[group].Usernames), cmp.Or(member.Username, directory.Username(member.Email)))
			}
		case "deletegroup":
			groups = slices.Delete(groups, group, group+1)
		}
	}
	return directory.Observed{Users: users, Groups: groups}
}

// emails are who is in a group.
func emails(observed *directory.Observed, group *directory.Group) []directory.Email {
	members := map[directory.Email]bool{}
	for _, username := range group.Usernames {
		email := directory.Email(username.Key())
		for _, user := range observed.Users {
			if user.Username.Key() == username.Key() {
				email = user.Email
			}
		}
		members[email] = true
	}
	return slices.Sorted(maps.Keys(members))
}

func TestApplyingAPlanGivesTheDesiredState(t *testing.T) {
	t.Parallel()
	for seed := range uint64(cases) {
		w := randomWorld(seed)
		p := w.plan()
		after := applied(&w.observed, p)
		again := plan.New(&w.csv.Desired, &after, w.policy)
		if len(again.Operations) > 0 {
			t.Fatalf("seed %d: %v\nand then still %v", seed, shown(p), shown(again))
		}
		for _, desired := range w.csv.Groups {
			i := slices.IndexFunc(after.Groups, func(g directory.Group) bool { return g.Name == desired.Name })
			if slices.Contains(blocked(p), string(desired.Name)) || i >= 0 && after.Groups[i].SyncMode == directory.SyncSCIM || i < 0 && len(desired.Members) == 0 {
				continue
			}
			if i < 0 {
				t.Fatalf("seed %d: group %s is not there", seed, desired.Name)
			}
			want := map[directory.Email]bool{}
			for _, person := range desired.Members {
				want[person.Email] = true
			}
			for _, held := range p.Withheld {
				if held.Group == desired.Name {
					want[held.Member.Email] = true
				}
			}
			if got, want := emails(&after, &after.Groups[i]), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
				t.Fatalf("seed %d: %s has %v, want %v", seed, desired.Name, got, want)
			}
		}
	}
}

func TestAPlanOfEqualsIsEmpty(t *testing.T) {
	t.Parallel()
	for seed := range uint64(cases) {
		w := randomWorld(seed)
		w.policy.PruneGroups, w.policy.PruneUsers, w.policy.PruneUnmanaged, w.policy.PruneInactive = true, true, true, true
		equal := newCSV() // the directory that the tenant already is
		for _, user := range w.observed.Users {
			person := equal.person(user.Email, directory.Active)
			person.Name, person.Named = user.Name, true
		}
		for i := range w.observed.Groups {
			w.observed.Groups[i].ReadError = ""
			equal.group("CN="+string(w.observed.Groups[i].Name), emails(&w.observed, &w.observed.Groups[i])...)
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
		first, second := w.plan(), w.plan()
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("seed %d: two plans of one input", seed)
		}
		if !reflect.DeepEqual(w, untouched) {
			t.Fatalf("seed %d: the plan changed its input", seed)
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

// exempt tells why an operation must not be; empty if it may.
func (w *world) exempt(o *plan.Operation) string {
	protected := func(name string) bool {
		folded := strings.ToLower(name)
		return slices.ContainsFunc(w.policy.Protect, func(pattern string) bool {
			start, isPrefix := strings.CutSuffix(pattern, "*")
			return pattern == folded || isPrefix && strings.HasPrefix(folded, start)
		})
	}
	person := w.csv.people[o.User.Email]
	group := slices.IndexFunc(w.csv.Groups, func(g *directory.DesiredGroup) bool { return g.Name == o.Group.Name })
	for _, member := range o.Remove {
		p := w.csv.people[member.Email]
		if protected(string(member.Email)) || protected(string(member.Username)) || p != nil && (p.Status == directory.Contradicted || p.Status == directory.Unclear || p.KeepMemberships) {
			return "takes out " + string(member.Email)
		}
	}
	for _, member := range o.Add {
		if !slices.Contains(w.csv.Groups[group].Members, w.csv.people[member.Email]) {
			return "puts in " + string(member.Email)
		}
	}
	if (len(o.Remove) > 0 || o.Lost > 0) && w.csv.KeepMemberships {
		return "takes out somebody, though a row was unreadable"
	}
	switch fmt.Sprint(o.Action, o.Object) {
	case "createuser":
		if person == nil || person.Status != directory.Active || slices.ContainsFunc(w.observed.Users, func(u directory.User) bool { return u.Email == o.User.Email }) {
			return "nobody to create"
		}
	case "updateuser":
		if !w.policy.UpdateUsers || person == nil || !person.Named || o.User.IdmType != directory.IdmLocal || o.User.SyncMode == directory.SyncSCIM {
			return "not this program's to change"
		}
	case "deleteuser":
		u := o.User
		if !w.policy.PruneUsers || !w.policy.Caller.Known || w.csv.KeepUsers || u.SyncMode == directory.SyncSCIM || u.DomainOwner || u.Type != directory.TypeUser ||
			u.Email == w.policy.Caller.Email || u.Username.Key() == w.policy.Caller.Username.Key() || protected(string(u.Email)) || protected(string(u.Username)) ||
			person != nil && (person.Status != directory.Inactive || !w.policy.PruneInactive || person.KeepMemberships) {
			return "must stay"
		}
	case "creategroup":
		if group < 0 || slices.ContainsFunc(w.observed.Groups, func(g directory.Group) bool { return g.Name == o.Group.Name }) {
			return "no group to create"
		}
	case "updategroup":
		if group < 0 || o.Group.SyncMode == directory.SyncSCIM || o.Group.ReadError != "" || w.csv.Groups[group].KeepMembers && len(o.Remove) > 0 {
			return "not to be changed"
		}
	case "deletegroup":
		g := o.Group
		if !w.policy.PruneGroups || w.csv.KeepGroups || group >= 0 || g.SyncMode == directory.SyncSCIM || g.ReadError != "" || g.References["policy"] > 0 ||
			protected(string(g.Name)) || !w.policy.PruneUnmanaged && !strings.HasPrefix(g.Description, plan.Marker) {
			return "must stay"
		}
	}
	return ""
}
