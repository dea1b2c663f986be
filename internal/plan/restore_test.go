package plan_test

import (
	"maps"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// TestRestoreFollowsTheRulesForPeople: people who are out of scope, share an
// email or have one that is another user's username are left alone.
func TestRestoreFollowsTheRulesForPeople(t *testing.T) {
	t.Parallel()
	nameless := directory.User{Username: "nameless", Type: directory.TypeUser}
	taken := local("z@x.y")
	taken.Username = "back@x.y"
	back := local("back@x.y")
	back.Groups = []string{"ops"}
	for name, tt := range map[string]struct {
		deleted []directory.User
		users   []directory.User
		policy  plan.Policy
		members []directory.Username // of the group now
		want    []string
		blocked []string
	}{
		"back":                            {deleted: []directory.User{back}, want: []string{"create user back@x.y", "update group ops +back@x.y"}},
		"out of scope":                    {deleted: []directory.User{back}, policy: plan.Policy{People: plan.Patterns{"!back@*"}}, want: []string{}},
		"there, but out of scope":         {users: locals("back@x.y"), policy: plan.Policy{People: plan.Patterns{"!back@*"}}, want: []string{}},
		"there":                           {users: locals("back@x.y"), want: []string{"update group ops +back@x.y"}},
		"the username is taken":           {deleted: []directory.User{back}, users: []directory.User{taken}, want: []string{}, blocked: []string{"back@x.y"}},
		"two users share the email":       {deleted: []directory.User{back}, users: []directory.User{{Email: "back@x.y", Username: "b1", Type: directory.TypeUser}, {Email: "back@x.y", Username: "b2", Type: directory.TypeUser}}, want: []string{}, blocked: []string{"back@x.y"}},
		"the username is somebody else's": {users: []directory.User{taken}, want: []string{}},
		"one of two users with the email is there": {
			users:   []directory.User{{Email: "back@x.y", Username: "b1", Type: directory.TypeUser}, {Email: "back@x.y", Username: "b2", Type: directory.TypeUser}},
			members: []directory.Username{"b1"}, want: []string{},
		},
		"the one of two users with the email who was there": {
			users: []directory.User{{Email: "back@x.y", Username: "b1", Type: directory.TypeUser}, {Email: "back@x.y", Username: "Back@x.y", Type: directory.TypeUser}},
			want:  []string{"update group ops +back@x.y=Back@x.y"},
		},
		"a member without an email":                  {users: []directory.User{nameless}, want: []string{"update group ops +nameless"}},
		"the group is in scope":                      {users: locals("back@x.y"), policy: plan.Policy{Groups: plan.Patterns{"o*"}}, want: []string{"update group ops +back@x.y"}},
		"the group is out of scope":                  {users: locals("back@x.y"), policy: plan.Policy{Groups: plan.Patterns{"other"}}, want: []string{}},
		"the group is excluded":                      {deleted: []directory.User{back}, policy: plan.Policy{Groups: plan.Patterns{"!OPS"}}, want: []string{"create user back@x.y"}},
		"a DN may have named the group":              {users: locals("back@x.y"), policy: plan.Policy{Groups: plan.Patterns{"other", "*,OU=x"}}, want: []string{"update group ops +back@x.y"}},
		"a DN may have named the group, excluded":    {users: locals("back@x.y"), policy: plan.Policy{Groups: plan.Patterns{"*,OU=x", "!ops"}}, want: []string{}},
		"a DN is excluded that may be another group": {users: locals("back@x.y"), policy: plan.Policy{Groups: plan.Patterns{"!*,OU=x"}}, want: []string{"update group ops +back@x.y"}},
		"removals are withheld":                      {users: locals("back@x.y"), policy: plan.Policy{Withhold: true}, want: []string{"update group ops +back@x.y"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			snapshot := &directory.Snapshot{
				Users:   tt.deleted,
				Groups:  []directory.Group{managed("ops", "back@x.y", "nameless")},
				Members: map[string]directory.Email{"back@x.y": "back@x.y", "nameless": "nameless"},
			}
			p := plan.NewRestore(snapshot, &directory.Observed{Users: tt.users, Groups: []directory.Group{managed("ops", append(tt.members, "ghost")...)}}, tt.policy)
			same(t, "operations", shown(p), tt.want)
			same(t, "blocked", blocked(p), tt.blocked)
		})
	}
}

// TestRestoreUndoesARun: after a run and the restore of its snapshot everybody is
// back, and nobody is where they were neither before nor after the run.
func TestRestoreUndoesARun(t *testing.T) {
	t.Parallel()
	for seed := range uint64(cases) {
		w := randomWorld(seed)
		p := w.plan()
		after := applied(&w.observed, p)
		w.policy.Protect = nil
		back := plan.NewRestore(p.Snapshot(plan.Policy{Tenant: "acme"}, &w.observed), &after, w.policy)
		restored := applied(&after, back)
		was, is := memberships(&w.observed), memberships(&restored)
		if w.policy.PruneUsers || len(blocked(back)) > 0 {
			continue // a user may come back by another username
		}
		for one := range was {
			if !is[one] {
				t.Fatalf("seed %d: %s is gone\nrun %v\nrestore %v", seed, one, shown(p), shown(back))
			}
		}
		were := memberships(&after)
		for one := range is {
			if !was[one] && !were[one] {
				t.Fatalf("seed %d: %s was never there\nrun %v\nrestore %v", seed, one, shown(p), shown(back))
			}
		}
		if !w.policy.Withhold && w.policy.EnforceRoles {
			w.sameRoles(t, seed, p, &restored)
		}
		again := plan.NewRestore(p.Snapshot(plan.Policy{Tenant: "acme"}, &w.observed), &restored, w.policy)
		if len(again.Operations) > 0 {
			t.Fatalf("seed %d: restore %v\nand then still %v", seed, shown(back), shown(again))
		}
	}
}

// sameRoles: every group that existed before the run has the roles it had then.
func (w *world) sameRoles(t *testing.T, seed uint64, p *plan.Plan, restored *directory.Observed) {
	t.Helper()
	for _, was := range w.observed.Groups {
		for _, is := range restored.Groups {
			if is.Name == was.Name && !maps.Equal(roleSet(is.Roles), roleSet(was.Roles)) {
				t.Fatalf("seed %d: %s has %v, had %v\nrun %v", seed, is.Name, is.Roles, was.Roles, shown(p))
			}
		}
	}
}

// TestRestoreTellsAccountsOfOneEmailApart: whoever was in the group and whoever is
// in it now, a restore ends with the accounts of then, or says who stays and why.
func TestRestoreTellsAccountsOfOneEmailApart(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]directory.Username{"the email is one's username": "ada@x.y", "the email is nobody's username": "dup2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			users := locals("ada@x.y", "ada@x.y", "bob@x.y")
			users[0].Username, users[1].Username = "dup", second
			members := func(set int) (usernames []directory.Username) {
				for i := range users {
					if set>>i&1 == 1 {
						usernames = append(usernames, users[i].Username)
					}
				}
				return usernames
			}
			for then := range 1 << len(users) {
				for now := range 1 << len(users) {
					snapshot := &directory.Snapshot{Groups: []directory.Group{managed("ops", members(then)...)}, Members: map[string]directory.Email{}}
					for i := range users {
						snapshot.Members[users[i].Username.Key()] = users[i].Email
					}
					observed := &directory.Observed{Users: users, Groups: []directory.Group{managed("ops", members(now)...)}}
					p := plan.NewRestore(snapshot, observed, plan.Policy{MaxRemovals: plan.Limit{None: true}})
					after := applied(observed, p)
					want := map[directory.Username]bool{}
					for _, username := range members(then) {
						want[username] = true
					}
					for _, held := range p.Withheld {
						want[held.Member.Username] = true
					}
					is := map[directory.Username]bool{}
					for _, username := range after.Groups[0].Usernames {
						is[username] = true
					}
					if !maps.Equal(is, want) || second == "ada@x.y" && len(p.Withheld) > 0 {
						t.Errorf("then %v, now %v: %v, withheld %v", members(then), members(now), shown(p), withheld(p))
					}
				}
			}
		})
	}
}
