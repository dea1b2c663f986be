package groupsync_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
)

// TestFailedUpdateSaysWhatItDid: somebody has lost access, and the run does not say
// that nothing happened.
func TestFailedUpdateSaysWhatItDid(t *testing.T) {
	t.Parallel()
	tenant := crew(on("PUT", groupRemove, 2, simulator.Fault{Status: 403, Body: `{"code":"EPERMS"}`}))
	outcome := apply(t, tenant, []plan.Operation{updateGroup(t, tenant, "ops", nil, members("ann@example.com", "dee@example.com"))}, singly)
	check(t, "outcome", []string{"update group ops: failed update +0 -1"}, told(outcome))
	if err := outcome.Results[0].Err.Error(); !strings.Contains(err, "after removing 1 of 2: ") {
		t.Error(err)
	}
}

// TestSkippedAfterAWriteIsFailed: what was begun was not left alone.
func TestSkippedAfterAWriteIsFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tenant *simulator.Tenant
		tenant = crew(before("PUT", groupRemove, 2, func() simulator.Fault {
			send(t, tenant, "DELETE", "user_groups/ops", "")
			return simulator.Fault{Status: 429}
		}))
		options := singly
		options.GroupRetry = attempts(2)
		outcome := apply(t, tenant, []plan.Operation{updateGroup(t, tenant, "ops", nil, members("ann@example.com", "dee@example.com"))}, options)
		check(t, "outcome", []string{"update group ops: failed update +0 -1"}, told(outcome))
	})
}

// TestFiguresAreWhatTheTenantChanged: whichever writes fail, in whatever way, the
// figures of each group are what the tenant shows afterwards.
func TestFiguresAreWhatTheTenantChanged(t *testing.T) {
	t.Parallel()
	faults := []simulator.Fault{
		{Status: 403, Body: `{"code":"EPERMS"}`}, {Status: 429}, {Status: 503}, {Status: 503, AfterAct: true},
		{Drop: true}, {Drop: true, AfterAct: true}, {Status: 200, Body: `{"error":{"code":"EPARTIAL"}}`},
	}
	halfway := 0
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 21))
		share := random.Float64() * 0.6
		var mu sync.Mutex
		hit := simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
			mu.Lock()
			defer mu.Unlock()
			if r.Method == http.MethodGet || random.Float64() >= share {
				return simulator.Fault{}
			}
			if body, _ := io.ReadAll(r.Body); r.Method == http.MethodPost && strings.Contains(string(body), `"g2"`) {
				// It exists: after a lost answer it would pass for the run's own.
				return faults[random.IntN(2)]
			}
			return faults[random.IntN(len(faults))]
		})
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := halfwayTenant(hit)
				was := tenant.State()
				options := groupsync.Options{
					Concurrency: 1 + random.IntN(3), GroupRetry: attempts(1 + random.IntN(3)), UserRetry: attempts(1 + random.IntN(2)),
					OnUserFailure: groupsync.SyncRest, MembershipWrites: []groupsync.MembershipWrites{groupsync.ReplaceMembers, groupsync.SingleMembers}[random.IntN(2)],
				}
				outcome := apply(t, tenant, halfwayPlan(t, tenant, random), options)
				if compareFigures(t, was, tenant.State(), outcome) {
					halfway++
				}
				if t.Failed() {
					t.Log(strings.Join(told(outcome), "\n"), "\n", strings.Join(writes(tenant), "\n"))
				}
			})
		})
	}
	if halfway < 30 {
		t.Errorf("only %d runs with an operation that failed halfway", halfway)
	}
}

func halfwayTenant(options ...simulator.Option) *simulator.Tenant {
	users := []simulator.User{{Email: "owner@example.com", DomainOwner: true}}
	for i := range 12 {
		users = append(users, simulator.User{Email: fmt.Sprintf("u%d@example.com", i), FirstName: "U", LastName: "U"})
	}
	groups := make([]simulator.Group, 5)
	for i := range groups {
		groups[i] = simulator.Group{Name: fmt.Sprintf("g%d", i), Usernames: []string{"u11@example.com"}, NamespaceRoles: []simulator.Role{{Namespace: "n", Role: "a"}, {Namespace: "n", Role: "b"}}}
		for j := range 8 {
			groups[i].Usernames = append(groups[i].Usernames, fmt.Sprintf("u%d@example.com", j))
		}
	}
	return simulator.New(users, groups, options...)
}

// halfwayPlan has an operation of each kind that may end halfway, and those that
// count what others left: u11 leaves g0 and g1, and is deleted.
func halfwayPlan(t *testing.T, tenant *simulator.Tenant, random *rand.Rand) []plan.Operation {
	some := func(from, to int) []plan.Member {
		var all []plan.Member
		for i := from; i < to; i++ {
			if random.IntN(2) == 0 {
				all = append(all, member(fmt.Sprintf("u%d@example.com", i)))
			}
		}
		return all
	}
	var operations []plan.Operation
	for _, name := range []directory.GroupName{"g0", "g1"} {
		update := updateGroup(t, tenant, name, some(8, 11), append(some(0, 3), member("u11@example.com")))
		update.Add = append(update.Add, member("new:new@example.com"))
		operations = append(operations, update, changeRoles(t, tenant, plan.Grant, name, "n/c", "n/d"))
	}
	exists, isNew := createGroup("g2", append(some(4, 11), member("u10@example.com"))...), createGroup("g9", append(some(0, 8), member("u8@example.com"))...)
	exists.Group.Roles, isNew.Group.Roles = roles("n/b", "n/c"), roles("n/x")
	exists.Attributes = &plan.Attributes{DisplayName: "G2"}
	leaver := deleteUser(t, tenant, "u11@example.com")
	leaver.Lost = 2 // g2 and g4
	return append(operations, changeRoles(t, tenant, plan.Revoke, "g0", "n/a"), exists, isNew, deleteGroup(t, tenant, "g3"),
		createUser("new@example.com"), leaver)
}

// compareFigures reports whether an operation failed halfway.
func compareFigures(t *testing.T, was, now simulator.State, outcome *groupsync.Outcome) (halfway bool) {
	t.Helper()
	memberships := func(state simulator.State) (all []string) {
		for _, group := range state.Groups {
			for _, username := range group.Usernames {
				all = append(all, group.Name+" "+username)
			}
		}
		return all
	}
	roles := func(state simulator.State) (all []string) {
		for _, group := range state.Groups {
			if group.Name == "g3" {
				continue // deleted: its roles are not revoked
			}
			for _, role := range group.NamespaceRoles {
				all = append(all, group.Name+" "+role.Role)
			}
		}
		return all
	}
	added, removed, rolesWritten, changed := 0, 0, 0, false
	for i := range outcome.Results {
		result := &outcome.Results[i]
		added, removed, rolesWritten = added+result.Added, removed+result.Removed, rolesWritten+result.RolesWritten
		changed = changed || result.Effect != ""
		halfway = halfway || result.Status == groupsync.Failed && result.Effect != ""
	}
	check(t, "added", missing(memberships(now), memberships(was)), added)
	check(t, "removed", missing(memberships(was), memberships(now)), removed)
	check(t, "roles written", missing(roles(was), roles(now))+missing(roles(now), roles(was)), rolesWritten)
	check(t, "changed", fmt.Sprint(was) != fmt.Sprint(now), changed)
	return halfway
}

// missing counts those of all that others lack.
func missing(all, others []string) int {
	n, has := 0, map[string]bool{}
	for _, one := range others {
		has[one] = true
	}
	for _, one := range all {
		if !has[one] {
			n++
		}
	}
	return n
}
