package plan_test

import (
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

const cases = 1500

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
