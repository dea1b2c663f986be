package plan_test

import (
	"slices"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// busy is a world of which only selects parts.
func busy() *world {
	w := &world{csv: newCSV(), policy: prunes()}
	w.policy.UpdateUsers = true
	w.csv.group("CN=Ops", "ann@x.y", "new@x.y", "other@x.y")
	w.csv.group("CN=Fresh", "ann@x.y", "new@x.y")
	w.csv.group("CN=Hand", "ann@x.y")
	w.csv.person("leaver@x.y", directory.Inactive)
	ann := w.csv.person("ann@x.y", directory.Active)
	ann.Name, ann.Named = directory.PersonName{First: "Ann", Last: "Ray"}, true
	w.observed = *observe(locals("ann@x.y"),
		managed("ops", "leaver@x.y", "gone@x.y", "ghost@x.y"), managed("dev", "gone@x.y"), managed("old", "gone@x.y", "leaver@x.y"),
		byHand("hand", "leaver@x.y", "x@x.y"))
	w.csv.group("CN=Dev", "leaver@x.y").Members = nil
	w.observed.Users = slices.DeleteFunc(w.observed.Users, func(u directory.User) bool { return u.Email == "ghost@x.y" })
	return w
}

func TestOnly(t *testing.T) {
	t.Parallel()
	same(t, "the whole", shown(busy().plan()), []string{
		"create user new@x.y", "create user other@x.y", "update user ann@x.y",
		"update group dev -gone@x.y", "create group fresh +ann@x.y +new@x.y", "update group ops +ann@x.y +new@x.y +other@x.y -gone@x.y -leaver@x.y",
		"delete group old -gone@x.y -leaver@x.y", "delete user gone@x.y",
	})
	for name, tt := range map[string]struct {
		only     plan.Patterns
		want     []string
		withheld []string
		blocked  []string
	}{
		"everything": {
			only: plan.Patterns{"*"}, want: shown(busy().plan()), withheld: withheld(busy().plan()), blocked: []string{"hand"},
		},
		"a leaver": { // who stays in a blocked group, which must be said
			only: plan.Patterns{"leaver@*"}, want: []string{"update group old -leaver@x.y", "update group ops -leaver@x.y"}, blocked: []string{"hand"},
		},
		"a person to be deleted, in a group that is to be deleted too": {
			only: plan.Patterns{"gone@x.y"}, want: []string{"update group dev -gone@x.y", "update group old -gone@x.y", "update group ops -gone@x.y", "delete user gone@x.y"},
		},
		"a newcomer": {
			only: plan.Patterns{"NEW@x.y"}, want: []string{"create user new@x.y", "create group fresh +new@x.y", "update group ops +new@x.y"},
		},
		"a new group, and who it needs": {
			only: plan.Patterns{"fresh"}, want: []string{"create user new@x.y", "create group fresh +ann@x.y +new@x.y"},
		},
		"a group": {
			only: plan.Patterns{"ops"}, want: []string{"create user new@x.y", "create user other@x.y", "update group ops +ann@x.y +new@x.y +other@x.y -gone@x.y -leaver@x.y"},
			withheld: []string{"ops ghost@x.y: not in the tenant's user listing"},
		},
		"a group to be deleted": {only: plan.Patterns{"old"}, want: []string{"delete group old -gone@x.y -leaver@x.y"}},
		"a blocked group":       {only: plan.Patterns{"hand"}, want: []string{}, blocked: []string{"hand"}},
		"a person and a group": {
			only: plan.Patterns{"ann@*", "dev"}, blocked: []string{"hand"},
			want: []string{"update user ann@x.y", "update group dev -gone@x.y", "create group fresh +ann@x.y", "update group ops +ann@x.y"},
		},
		"a person, but not in one group": {
			only: plan.Patterns{"ann@*", "!ops"}, want: []string{"update user ann@x.y", "create group fresh +ann@x.y"}, blocked: []string{"hand"},
		},
		"a group, but for one person": {
			only: plan.Patterns{"ops", "!leaver@*"},
			want: []string{"create user new@x.y", "create user other@x.y", "update group ops +ann@x.y +new@x.y +other@x.y -gone@x.y"}, withheld: []string{"ops ghost@x.y: not in the tenant's user listing"},
		},
		"a group to be deleted with a person who is excluded": {only: plan.Patterns{"old", "!leaver@*"}, want: []string{"update group old -gone@x.y"}},
		"a person to be deleted who is in a group that is excluded": {
			only: plan.Patterns{"gone@*", "!old"}, want: []string{"update group dev -gone@x.y", "update group ops -gone@x.y"},
		},
		"an unknown member": {
			only: plan.Patterns{"ghost@*"}, want: []string{}, withheld: []string{"ops ghost@x.y: not in the tenant's user listing"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := busy()
			w.policy.Only = tt.only
			p := w.plan()
			same(t, "operations", shown(p), tt.want)
			same(t, "withheld", withheld(p), tt.withheld)
			same(t, "blocked", blocked(p), tt.blocked)
			same(t, "refusals", refused(p), []string(nil))
		})
	}
}

// TestOnlyKeepsBlockedPeople, including those that a selected group needs.
func TestOnlyKeepsBlockedPeople(t *testing.T) {
	t.Parallel()
	for only, want := range map[string][]string{"ops": {"b@x.y"}, "b@*": {"b@x.y"}, "dev": nil, "a@x.y": nil, "!b@x.y": nil, "!dev": {"b@x.y"}} {
		c := newCSV()
		c.group("CN=Ops", "a@x.y", "b@x.y")
		c.group("CN=Dev", "a@x.y")
		taken := local("z@x.y")
		taken.Username = "b@x.y"
		p := plan.New(&c.Desired, observe([]directory.User{taken}), plan.Policy{Only: plan.Patterns{only}})
		same(t, "blocked with only "+only, blocked(p), want)
	}
}

func TestOnlyThatMatchesNothingIsRefused(t *testing.T) {
	t.Parallel()
	for pattern, matches := range map[string]bool{
		"ann@x.y": true, "ops": true, "fresh": true, "hand": true, "old": true, "gone@*": true, "ghost@x.y": true, "leaver@x.y": true, "*": true,
		"anne@x.y": false, "opps": false, "new@x.z": false, "xc-*": false,
	} {
		for _, only := range []plan.Patterns{{pattern}, {"*", pattern}, {"*", "!" + pattern}} {
			w := busy()
			w.policy.Only = only
			want := plan.Patterns{}
			if !matches {
				want = only[len(only)-1:]
			}
			same(t, "unmatched with "+pattern, w.plan().UnmatchedOnly, want)
		}
	}
}

// TestOnlyByUsername: a username matches only where there is no email.
func TestOnlyByUsername(t *testing.T) {
	t.Parallel()
	named, nameless := local("alan@x.y"), local("")
	named.Username, nameless.Username = "aturing", "robot"
	observed := &directory.Observed{Users: []directory.User{named, nameless}, Groups: []directory.Group{managed("ops", "aturing", "unlisted")}}
	patterns := plan.Patterns{"alan@x.y", "aturing", "robot", "unlisted", "!aturing"}
	same(t, "unmatched", plan.Unmatched(patterns, &newCSV().Desired, observed), plan.Patterns{"aturing", "!aturing"})
}

// TestOnlyIsGuardedByWhatIsLeft: the guards see the reduced plan.
func TestOnlyIsGuardedByWhatIsLeft(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops")
	names := crowd("u", 10)
	for only, want := range map[string][]string{
		"*": {"memberships 10/10", `memberships of group "ops" 10/10`}, "u000@x.y": nil,
	} {
		policy := plan.Policy{MaxRemovals: plan.Limit{Max: 1}, Only: plan.Patterns{only}}
		same(t, "refusals with only "+only, refused(plan.New(&c.Desired, observe(nil, managed("ops", names...)), policy)), want)
	}
}

// TestOnlyOfARestore: people and groups that a snapshot brings back can be
// selected, and another group's attributes are not put back for the sake of a
// person.
func TestOnlyOfARestore(t *testing.T) {
	t.Parallel()
	then := managed("ops", "a@x.y")
	then.DisplayName = "Then"
	snapshot := &directory.Snapshot{
		Groups:  []directory.Group{then, managed("gone", "a@x.y", "b@x.y"), managed("hollow")},
		Members: map[string]directory.Email{"a@x.y": "a@x.y", "b@x.y": "b@x.y"},
	}
	for only, want := range map[string][]string{
		"*":       {"create group gone +a@x.y +b@x.y", "create group hollow", "update group ops +a@x.y"},
		"hollow":  {"create group hollow"},
		"gone":    {"create group gone +a@x.y +b@x.y"},
		"a@x.y":   {"create group gone +a@x.y", "update group ops +a@x.y"},
		"b@x.y":   {"create group gone +b@x.y"},
		"missing": {},
	} {
		p := plan.NewRestore(snapshot, observe(locals("a@x.y", "b@x.y"), managed("ops")), plan.Policy{Only: plan.Patterns{only}})
		same(t, "operations with only "+only, shown(p), want)
		for i := range p.Operations {
			if o := &p.Operations[i]; o.Action == plan.Update && (o.Attributes != nil) != (only == "*") {
				t.Errorf("only %s: attributes %v", only, o.Attributes)
			}
		}
		if (len(p.UnmatchedOnly) > 0) != (only == "missing") {
			t.Errorf("only %s: unmatched %v", only, p.UnmatchedOnly)
		}
	}
}
