package groupsync_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/simulator"
)

var singly = groupsync.Options{MembershipWrites: groupsync.SingleMembers, Concurrency: 1}

const (
	groupAdd    = "users/group_add"
	groupRemove = "users/group_remove"
)

// crew is the company with two more people in ops, so that changing some of its
// people costs less than replacing it, and with ann in another group with a role.
func crew(options ...simulator.Option) *simulator.Tenant {
	first := company()
	groups := first.Groups()
	groups[1].Usernames = append(groups[1].Usernames, "dee@example.com", "owner@example.com")
	groups = append(groups, simulator.Group{Name: "dev", Usernames: []string{"ann@example.com", "cy@example.com"}, NamespaceRoles: []simulator.Role{{Namespace: "n", Role: "dev"}}})
	users := first.Users()
	for i := range users {
		users[i].NamespaceRoles = []simulator.Role{{Namespace: "n", Role: "own"}}
		users[i].FirstName, users[i].LastName = "First", "Last"
	}
	return simulator.New(users, groups, options...)
}

func membersOf(t *testing.T, tenant *simulator.Tenant, name string) []string {
	t.Helper()
	return groupOf(t, tenant, name).Usernames
}

// TestSingleMemberships: one request for each person; who comes meanwhile stays.
func TestSingleMemberships(t *testing.T) {
	t.Parallel()
	first := crew()
	operation := updateGroup(t, first, "ops", members("cy@example.com"), members("ANN@example.com"))
	tenant := crew()
	want := groupOf(t, tenant, "ops")
	want.Usernames = []string{"Bob.Builder", "cy@example.com", "dee@example.com", "owner@example.com"}
	outcome := apply(t, tenant, []plan.Operation{operation}, singly)
	check(t, "outcome", []string{"update group ops: done update +1 -1"}, told(outcome))
	check(t, "writes", []string{"PUT " + groupRemove, "PUT " + groupAdd}, writes(tenant))
	check(t, "group", want, groupOf(t, tenant, "ops"))
	check(t, "another group", []string{"ann@example.com", "cy@example.com"}, membersOf(t, tenant, "dev"))

	var meddled *simulator.Tenant
	meddled = crew(before("PUT", groupAdd, 1, func() simulator.Fault {
		send(t, meddled, "PUT", "user_groups/ops", `{"name":"ops","usernames":["Bob.Builder","ann@example.com"],"namespace_roles":[]}`)
		return simulator.Fault{}
	}))
	apply(t, meddled, []plan.Operation{updateGroup(t, crew(), "ops", members("cy@example.com"), nil)}, singly)
	check(t, "who came and went", []string{"ann@example.com", "Bob.Builder", "cy@example.com"}, membersOf(t, meddled, "ops"))
}

// TestWhichUpdatesAreSingle: those of existing groups that change no more people
// than a replacement would send.
func TestWhichUpdatesAreSingle(t *testing.T) {
	t.Parallel()
	replace, add, leave := "PUT user_groups/ops", "PUT "+groupAdd, "PUT "+groupRemove
	for name, tt := range map[string]struct {
		add, remove []string
		attributes  *plan.Attributes
		options     groupsync.Options
		want        []string
	}{
		"one of four leaves":   {nil, []string{"ann@example.com"}, nil, singly, []string{leave}},
		"two of four leave":    {nil, []string{"ann@example.com", "Bob.Builder"}, nil, singly, []string{leave, leave}},
		"three of four leave":  {nil, []string{"ann@example.com", "Bob.Builder", "dee@example.com"}, nil, singly, []string{replace}},
		"one comes":            {[]string{"cy@example.com"}, nil, nil, singly, []string{add}},
		"one comes, one goes":  {[]string{"cy@example.com"}, []string{"dee@example.com"}, nil, singly, []string{leave, add}},
		"its name changes too": {[]string{"cy@example.com"}, nil, &plan.Attributes{DisplayName: "x"}, singly, []string{replace}},
		"by default":           {[]string{"cy@example.com"}, nil, nil, groupsync.Options{}, []string{replace}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := crew()
			operation := updateGroup(t, tenant, "ops", members(tt.add...), members(tt.remove...))
			operation.Attributes = tt.attributes
			outcome := apply(t, tenant, []plan.Operation{operation}, tt.options)
			check(t, "writes", tt.want, writes(tenant))
			check(t, "outcome", []string{fmt.Sprintf("update group ops: done update +%d -%d", len(tt.add), len(tt.remove))}, told(outcome))
		})
	}
}

// TestFirstSingleWriteIsReadBack, and no other.
func TestFirstSingleWriteIsReadBack(t *testing.T) {
	t.Parallel()
	tenant := crew()
	apply(t, tenant, []plan.Operation{updateGroup(t, tenant, "ops", members("cy@example.com"), members("ann@example.com")), updateGroup(t, tenant, "dev", members("dee@example.com"), nil)},
		groupsync.Options{MembershipWrites: groupsync.SingleMembers})
	reads, written := 0, 0
	for _, request := range tenant.Requests() {
		switch {
		case request.Method != "GET":
			written++
		case strings.HasSuffix(request.Path, "/user_roles"):
			if reads++; written != reads-1 {
				t.Errorf("listed the users after %d writes", written)
			}
		}
	}
	if reads != 2 || written != 3 {
		t.Errorf("%d listings, %d writes", reads, written)
	}
}

// TestTenantThatReplaces: if a single write takes other groups away, they are
// restored, the run stops, and nothing else is begun.
func TestTenantThatReplaces(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"and says so": {}, "and its answer is lost": {Drop: true, AfterAct: true}, "and answers 500": {Status: 500, AfterAct: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := crew(simulator.WithGroupAddReplaces(), on("PUT", groupAdd, 1, fault))
				was := tenant.State()
				operations := []plan.Operation{
					updateGroup(t, tenant, "ops", members("cy@example.com"), nil),
					updateGroup(t, tenant, "dev", members("dee@example.com"), nil),
					changeRoles(t, tenant, plan.Grant, "ops", "n/a"),
				}
				outcome := apply(t, tenant, operations, groupsync.Options{MembershipWrites: groupsync.SingleMembers, Concurrency: 1, GroupRetry: attempts(3)})
				result := outcome.Results[0]
				if result.Status != groupsync.Failed || outcome.Stopped == nil || !strings.Contains(result.Err.Error(), "what was lost was restored") || !strings.Contains(result.Err.Error(), "cy@example.com") {
					t.Errorf("%+v: %v, stopped by %v", result, result.Err, outcome.Stopped)
				}
				check(t, "the rest", []string{"update group dev: planned", "grant group ops: planned"}, told(outcome)[1:])
				check(t, "writes", []string{"PUT " + groupAdd, "PUT user_roles"}, writes(tenant))
				for _, group := range was.Groups {
					for _, username := range group.Usernames {
						if !slices.Contains(membersOf(t, tenant, group.Name), username) {
							t.Errorf("%s lost its place in %s", username, group.Name)
						}
					}
				}
				check(t, "users", withoutGroups(was.Users), withoutGroups(tenant.Users()))
			})
		})
	}
}

func withoutGroups(users []simulator.User) []simulator.User {
	for i := range users {
		users[i].GroupNames = nil
	}
	return users
}

// TestSomebodyElsesGiftStays: what the person was given elsewhere meanwhile is not
// taken away again, but the run stops: it may be the tenant's doing.
func TestSomebodyElsesGiftStays(t *testing.T) {
	t.Parallel()
	var tenant *simulator.Tenant
	tenant = crew(before("PUT", groupAdd, 1, func() simulator.Fault {
		send(t, tenant, "PUT", "user_groups/old", `{"name":"old","usernames":["cy@example.com","dee@example.com"]}`)
		return simulator.Fault{}
	}))
	outcome := apply(t, tenant, []plan.Operation{updateGroup(t, tenant, "dev", members("dee@example.com"), nil)}, singly)
	if outcome.Results[0].Status != groupsync.Failed || outcome.Stopped == nil {
		t.Errorf("%+v", outcome.Results[0])
	}
	check(t, "members", []string{"cy@example.com", "dee@example.com"}, membersOf(t, tenant, "old"))
}

// TestSingleWritesThatFail are tried again as other writes of groups, and count
// what all attempts did.
func TestSingleWritesThatFail(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path    string
		n       int
		fault   simulator.Fault
		retry   int
		outcome string
		writes  int
	}{
		"the second, once":               {groupAdd, 1, simulator.Fault{Status: 503}, 2, "done update +1 -1", 3},
		"the second, once, answer lost":  {groupAdd, 1, simulator.Fault{Drop: true, AfterAct: true}, 2, "done update +1 -1", 2},
		"the second, limited":            {groupAdd, 1, simulator.Fault{Status: 429}, 2, "done update +1 -1", 3},
		"the second, not again":          {groupAdd, 1, simulator.Fault{Status: 503}, 1, "failed update +0 -1", 2},
		"the second, settled":            {groupAdd, 1, simulator.Fault{Status: 503, AfterAct: true}, 1, "done update +1 -1", 2},
		"the first, once":                {groupRemove, 1, simulator.Fault{Status: 503}, 2, "done update +1 -1", 3},
		"the first, half of a success":   {groupRemove, 1, simulator.Fault{Status: 200, Body: `{"error":{"code":"EPARTIAL","message":"half"}}`}, 3, "failed", 1},
		"the first, refused":             {groupRemove, 1, simulator.Fault{Status: 400, Body: `{"code":"EBADINPUT"}`}, 3, "failed", 1},
		"the reading back, login":        {"user_roles", 2, simulator.Fault{Status: 401, Body: `{"code":"EPERMS"}`}, 3, "failed update +0 -1", 1},
		"the reading back":               {"user_roles", 2, simulator.Fault{Status: 503}, 3, "failed update +0 -1", 1},
		"the reading before, once":       {"user_roles", 1, simulator.Fault{Status: 503}, 2, "done update +1 -1", 2},
		"the reading of the group, once": {"user_groups/ops", 1, simulator.Fault{Status: 503}, 2, "done update +1 -1", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				method := "PUT"
				if strings.HasPrefix(tt.path, "user_") {
					method = "GET"
				}
				tenant := crew(on(method, tt.path, tt.n, tt.fault))
				options := singly
				options.GroupRetry = attempts(tt.retry)
				outcome := apply(t, tenant, []plan.Operation{updateGroup(t, tenant, "ops", members("cy@example.com"), members("ann@example.com"))}, options)
				check(t, "outcome", []string{"update group ops: " + tt.outcome}, told(outcome))
				if n := len(writes(tenant)); n != tt.writes {
					t.Errorf("%d writes: %v", n, writes(tenant))
				}
				if strings.HasPrefix(name, "the reading back") && outcome.Stopped == nil {
					t.Error("the run goes on, though the first write could not be checked")
				}
			})
		})
	}
}

// refusing is a tenant that refuses the credentials of a single write whose first
// attempt may have taken effect.
type refusing struct{ groupsync.Repository }

func (refusing) AddToGroup(context.Context, directory.Username, directory.GroupName) error {
	return &retry.Fault{Ambiguous: true, Unauthenticated: true, Err: errors.New("signed out")}
}

// TestNoReadWithRefusedCredentials: nothing is looked up that could not be.
func TestNoReadWithRefusedCredentials(t *testing.T) {
	t.Parallel()
	tenant := crew()
	operation := updateGroup(t, tenant, "ops", members("cy@example.com"), nil)
	outcome := groupsync.New(refusing{connect(tenant)}, singly).Apply(t.Context(), &plan.Plan{Operations: []plan.Operation{operation}})
	if outcome.Stopped == nil {
		t.Error("the run goes on")
	}
	reads := slices.DeleteFunc(tenant.Requests(), func(r simulator.Request) bool { return r.Path != root+"user_roles" })
	if len(reads) != 1 {
		t.Errorf("the users are listed %d times, not once before the write", len(reads))
	}
}

// TestSomebodyElseDidIt: then it is not a change of ours.
func TestSomebodyElseDidIt(t *testing.T) {
	t.Parallel()
	tenant := crew()
	operation := updateGroup(t, tenant, "ops", members("cy@example.com"), nil)
	send(t, tenant, "PUT", "users/group_add", `{"username":"cy@example.com","group_names":["ops"]}`)
	check(t, "outcome", []string{"update group ops: done"}, told(apply(t, tenant, []plan.Operation{operation}, singly)))
}

// TestInterruptedSingleWrites: an update that has begun is not reported as
// planned, and one that has not begun is.
func TestInterruptedSingleWrites(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][]string{
		1: {"update group ops: failed update +0 -1", "update group dev: planned"},
		2: {"update group ops: done update +1 -1", "update group dev: planned"},
		3: {"update group ops: done update +1 -1", "update group dev: done update +1 -0"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		written := 0
		tenant := crew(simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
			if r.Method != http.MethodGet {
				if written++; written == n {
					cancel()
				}
			}
			return simulator.Fault{}
		}))
		operations := []plan.Operation{updateGroup(t, tenant, "ops", members("cy@example.com"), members("ann@example.com")), updateGroup(t, tenant, "dev", members("dee@example.com"), nil)}
		outcome := groupsync.New(connect(tenant), singly).Apply(ctx, &plan.Plan{Operations: operations})
		check(t, fmt.Sprint("outcome after ", n), want, told(outcome))
	}
}

// TestConcurrentSingleWrites: many groups at once come to the same end, with one
// reading back.
func TestConcurrentSingleWrites(t *testing.T) {
	t.Parallel()
	var users []simulator.User
	var groups []simulator.Group
	for i := range 30 {
		users = append(users, simulator.User{Email: fmt.Sprintf("u%02d@example.com", i), FirstName: "U", LastName: "U"})
	}
	for i := range 20 {
		group := simulator.Group{Name: fmt.Sprintf("g%d", i)}
		for _, user := range users[:20] {
			group.Usernames = append(group.Usernames, user.Email)
		}
		groups = append(groups, group)
	}
	tenant := simulator.New(users, groups)
	var operations []plan.Operation
	for i := range 20 {
		operations = append(operations, updateGroup(t, tenant, directory.GroupName(fmt.Sprintf("g%d", i)), members("u25@example.com", "u26@example.com"), members("u00@example.com", fmt.Sprintf("u%02d@example.com", i))[:1+min(i, 1)]))
	}
	apply(t, tenant, operations, groupsync.Options{MembershipWrites: groupsync.SingleMembers, Concurrency: 8})
	listings := 0
	for _, request := range tenant.Requests() {
		if request.Method == http.MethodGet && strings.HasSuffix(request.Path, "/user_roles") {
			listings++
		}
	}
	if listings != 2 {
		t.Errorf("%d listings", listings)
	}
	for i := range 20 {
		names := membersOf(t, tenant, fmt.Sprintf("g%d", i))
		if len(names) != 20-min(i, 1)+1 || slices.Contains(names, "u00@example.com") || !slices.Contains(names, "u26@example.com") {
			t.Errorf("g%d: %v", i, names)
		}
	}
}
