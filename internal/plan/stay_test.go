package plan_test

import (
	"slices"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// removal is a world in which bob leaves the group ops, with what may keep him.
func removal() *world {
	w := &world{csv: newCSV(), policy: plan.Policy{Caller: known, MaxRemovals: plan.Limit{None: true}}}
	w.csv.group("CN=Ops", "ann@x.y")
	bob := local("bob@x.y")
	bob.Username = "Bob"
	w.observed.Users = []directory.User{bob, local("ann@x.y")}
	w.observed.Groups = []directory.Group{managed("ops", "ann@x.y", "Bob")}
	return w
}

func (w *world) bob() *directory.User {
	return &w.observed.Users[slices.IndexFunc(w.observed.Users, func(u directory.User) bool { return u.Username == "Bob" })]
}

func (w *world) unlist(username directory.Username) {
	w.observed.Users = slices.DeleteFunc(w.observed.Users, func(u directory.User) bool { return u.Username == username })
}

// reasons keep bob in the group ops, in the order in which they are asked for.
var reasons = []struct {
	reason string
	change func(*world)
	here   bool // about the group ops alone
}{
	{"the group is protected", func(w *world) { w.policy.Protect = append(w.policy.Protect, "o?s") }, true},
	{"not in the tenant's user listing", func(w *world) { w.unlist("Bob") }, false},
	{"the credentials' own user", func(w *world) { w.policy.Caller = plan.Caller{Known: true, Username: "BOB"} }, false},
	{"the domain owner", func(w *world) { w.bob().DomainOwner = true }, false},
	{"a service user", func(w *world) { w.bob().Type = directory.TypeService }, false},
	{"a debug user", func(w *world) { w.bob().Type = directory.TypeDebug }, false},
	{"several users have this email", func(w *world) {
		w.observed.Users = append(w.observed.Users, directory.User{Email: "bob@x.y", Username: "b2", Type: directory.TypeUser})
	}, false},
	{"not in scope (people)", func(w *world) { w.policy.People = plan.Patterns{"!bob@*"} }, false},
	{"protected", func(w *world) { w.policy.Protect = append(w.policy.Protect, "bob@*") }, false},
	{"looks the same as böb@x.y", func(w *world) {
		w.csv.Groups[0].Members = append(w.csv.Groups[0].Members, w.csv.person("böb@x.y", directory.Active))
	}, false},
	{"an invalid row is about this person", func(w *world) { w.csv.person("bob@x.y", directory.Inactive).KeepMemberships = true }, false},
	{"the CSV lists this person as active and as inactive", func(w *world) { w.csv.person("bob@x.y", 0).Status = directory.Contradicted }, false},
	{"the status of this person is unknown", func(w *world) { w.csv.person("bob@x.y", 0).Status = directory.Unclear }, false},
	{"an invalid row may have stated this membership", func(w *world) { w.csv.KeepMemberships = true }, false},
	{"an invalid row may have named a member of the group", func(w *world) { w.csv.Groups[0].KeepMembers, w.csv.KeepUsers = true, true }, true},
	{"removals are withheld in this run", func(w *world) { w.policy.Withhold = true }, false},
}

func TestNobodyIsRemovedAgainstAReason(t *testing.T) {
	t.Parallel()
	same(t, "without a reason", shown(removal().plan()), []string{"update group ops -Bob"})
	for _, tt := range reasons {
		w := removal()
		tt.change(w)
		p := w.plan()
		same(t, tt.reason, withheld(p), []string{"ops Bob: " + tt.reason})
		same(t, "operations with: "+tt.reason, shown(p), []string{})
	}
}

// TestRenamedUserStays: after a change of address, the username is still the old
// one. It is unknown which person a CSV means by it.
func TestRenamedUserStays(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops", "old@x.y", "a@x.y")
	renamed := local("new@x.y")
	renamed.Username = "old@x.y"
	p := plan.New(&c.Desired, &directory.Observed{Users: append(locals("a@x.y"), renamed), Groups: []directory.Group{managed("ops", "old@x.y")}},
		plan.Policy{MaxRemovals: plan.Limit{None: true}})
	same(t, "operations", shown(p), []string{"update group ops +a@x.y"})
	same(t, "withheld", withheld(p), []string{"ops old@x.y: the CSV lists their username as the email of somebody else"})
	same(t, "blocked", blocked(p), []string{"old@x.y"})
}

// TestTheFirstReasonCounts: with every reason from one on, that one is given.
func TestTheFirstReasonCounts(t *testing.T) {
	t.Parallel()
	for first := range reasons {
		w := removal()
		for i := len(reasons) - 1; i >= first; i-- {
			if reasons[i].reason != "not in the tenant's user listing" { // with which the user would be gone
				reasons[i].change(w)
			}
		}
		if reasons[first].reason == "not in the tenant's user listing" {
			reasons[first].change(w)
		}
		same(t, "withheld", withheld(w.plan()), []string{"ops Bob: " + reasons[first].reason})
	}
}

// TestWhoStaysKeepsGroupAndUser: a group with a member who must stay is not
// deleted, and neither is such a user.
func TestWhoStaysKeepsGroupAndUser(t *testing.T) {
	t.Parallel()
	world := func() *world {
		w := removal()
		w.policy.PruneGroups, w.policy.PruneUsers, w.policy.PruneInactive = true, true, true
		w.observed.Groups = append(w.observed.Groups, managed("old", "Bob"))
		return w
	}
	same(t, "without a reason", shown(world().plan()), []string{"update group ops -Bob", "delete group old -Bob", "delete user bob@x.y"})
	for _, tt := range reasons {
		w, want := world(), []string{}
		tt.change(w)
		if tt.here {
			want = []string{"delete group old -Bob"}
		}
		same(t, "operations with: "+tt.reason, shown(w.plan()), want)
	}
}

// TestUnknownMembersAreReportedByUsername, in the form of an email.
func TestUnknownMembersAreReportedByUsername(t *testing.T) {
	t.Parallel()
	w := removal()
	w.unlist("Bob")
	held := w.plan().Withheld
	if len(held) != 1 || held[0].Kind != plan.Membership || held[0].Member.Username != "Bob" || held[0].Member.Email != "bob" {
		t.Errorf("withheld: %+v", held)
	}
}

// TestUnknownMembersInTheCSV are neither removed nor created nor added.
func TestUnknownMembersInTheCSV(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops", "a@x.y", "b@x.y")
	p := plan.New(&c.Desired, &directory.Observed{Users: locals("b@x.y"), Groups: []directory.Group{managed("ops", "A@x.y", "ghost")}}, plan.Policy{})
	same(t, "operations", shown(p), []string{"update group ops +b@x.y"})
	same(t, "withheld", withheld(p), []string{"ops ghost: not in the tenant's user listing"})
}

// TestTheCallerStaysByEmailOrUsername, whichever the API tells.
func TestTheCallerStaysByEmailOrUsername(t *testing.T) {
	t.Parallel()
	for caller, stays := range map[plan.Caller]bool{
		{Known: true, Email: "bob@x.y"}:                    true,
		{Known: true, Username: "bOB"}:                     true,
		{Known: true, Email: "bob@x.y", Username: "other"}: true,
		{Known: true, Email: "bob", Username: "bob@x.y"}:   false,
		{Known: true}: false,
		{}:            false,
	} {
		w := removal()
		w.policy.Caller = caller
		if got := len(w.plan().Operations) == 0; got != stays {
			t.Errorf("%+v: stays: %v, want %v", caller, got, stays)
		}
	}
}

// TestSharedEmailsWhoseOwnerCounts: the user counts whose username the email is.
func TestSharedEmailsWhoseOwnerCounts(t *testing.T) {
	t.Parallel()
	w := removal()
	w.observed.Users = append(w.observed.Users, local("bob@x.y"))
	w.observed.Groups[0].Usernames = append(w.observed.Groups[0].Usernames, "bob@x.y")
	same(t, "operations", shown(w.plan()), []string{"update group ops -Bob -bob@x.y"})
	same(t, "blocked", blocked(w.plan()), []string(nil))
}
