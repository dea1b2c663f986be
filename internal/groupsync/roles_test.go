package groupsync_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
)

func roles(texts ...string) []directory.Role {
	var all []directory.Role
	for _, text := range texts {
		role, err := directory.ParseRole(text)
		if err != nil {
			panic(err) // a mistake in the test
		}
		all = append(all, role)
	}
	return all
}

// changeRoles grants or revokes roles of a group as the tenant holds it now.
func changeRoles(t *testing.T, tenant *simulator.Tenant, action plan.Action, name directory.GroupName, texts ...string) plan.Operation {
	t.Helper()
	return plan.Operation{Action: action, Object: plan.Group, Group: observed(t, tenant, name), Roles: roles(texts...)}
}

func rolesOf(t *testing.T, tenant *simulator.Tenant, name string) []string {
	t.Helper()
	all := []string{}
	for _, role := range groupOf(t, tenant, name).NamespaceRoles {
		all = append(all, role.Namespace+"/"+role.Role)
	}
	slices.Sort(all)
	return all
}

const (
	assign = "user_groups/ops/assign_namespace_roles"
	remove = "user_groups/ops/remove_namespace_roles"
)

// TestRolesAreWritten: by calls that name the roles that the group lacks or has,
// which touch nothing else.
func TestRolesAreWritten(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		action  plan.Action
		roles   []string
		want    []string
		outcome string
		writes  []string
	}{
		"grant":                    {plan.Grant, []string{"n/a", "system/b"}, []string{"*/monitor", "n/a", "system/b"}, "done grant", []string{"PUT " + assign}},
		"grant what half is there": {plan.Grant, []string{"*/monitor", "n/a"}, []string{"*/monitor", "n/a"}, "done grant", []string{"PUT " + assign}},
		"grant what is there":      {plan.Grant, []string{"*/monitor"}, []string{"*/monitor"}, "done", []string{}},
		"revoke":                   {plan.Revoke, []string{"*/monitor"}, []string{}, "done revoke", []string{"PUT " + remove}},
		"revoke what is gone":      {plan.Revoke, []string{"n/a"}, []string{"*/monitor"}, "done", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := company()
			before := groupOf(t, tenant, "ops")
			outcome := apply(t, tenant, []plan.Operation{changeRoles(t, tenant, tt.action, "ops", tt.roles...)})
			check(t, "outcome", []string{fmt.Sprintf("%s group ops: %s", tt.action, tt.outcome)}, told(outcome))
			check(t, "writes", tt.writes, writes(tenant))
			check(t, "roles", tt.want, rolesOf(t, tenant, "ops"))
			after := groupOf(t, tenant, "ops")
			check(t, "roles written", max(len(after.NamespaceRoles)-len(before.NamespaceRoles), len(before.NamespaceRoles)-len(after.NamespaceRoles)), outcome.Results[0].RolesWritten)
			after.NamespaceRoles = before.NamespaceRoles
			check(t, "the rest", before, after)
		})
	}
}

// changeAll is all that can be planned for one group: a revocation, members and a
// grant.
func changeAll(t *testing.T, tenant *simulator.Tenant, add, remove []plan.Member) []plan.Operation {
	t.Helper()
	return []plan.Operation{
		changeRoles(t, tenant, plan.Revoke, "ops", "*/monitor"),
		updateGroup(t, tenant, "ops", add, remove),
		changeRoles(t, tenant, plan.Grant, "ops", "n/a"),
	}
}

// TestRolesAndMembersKeepTheirOrder: nobody has more for a moment than before or
// after. What depends on something that failed is skipped.
func TestRolesAndMembersKeepTheirOrder(t *testing.T) {
	t.Parallel()
	failing := simulator.Fault{Status: 400, Body: `{"code":"EBADINPUT"}`}
	cy, ann := members("cy@example.com"), members("ann@example.com")
	for name, tt := range map[string]struct {
		faults      []simulator.Option
		add, remove []plan.Member
		want        []string
		writes      []string
	}{
		"all is well": {
			nil, cy, ann,
			[]string{"revoke group ops: done revoke", "update group ops: done update +1 -1", "grant group ops: done grant"},
			[]string{"PUT " + remove, "PUT user_groups/ops", "PUT " + assign},
		},
		"not revoked": {
			[]simulator.Option{on("PUT", remove, 0, failing)}, cy, ann,
			[]string{"revoke group ops: failed", "update group ops: skipped", "grant group ops: skipped"},
			[]string{"PUT " + remove},
		},
		"not revoked, and people only leave": {
			[]simulator.Option{on("PUT", remove, 0, failing)}, nil, ann,
			[]string{"revoke group ops: failed", "update group ops: done update +0 -1", "grant group ops: skipped"},
			[]string{"PUT " + remove, "PUT user_groups/ops"},
		},
		"members not changed": {
			[]simulator.Option{on("PUT", "user_groups/ops", 0, failing)}, cy, ann,
			[]string{"revoke group ops: done revoke", "update group ops: failed", "grant group ops: skipped"},
			[]string{"PUT " + remove, "PUT user_groups/ops"},
		},
		"not granted": {
			[]simulator.Option{on("PUT", assign, 0, failing)}, cy, ann,
			[]string{"revoke group ops: done revoke", "update group ops: done update +1 -1", "grant group ops: failed"},
			[]string{"PUT " + remove, "PUT user_groups/ops", "PUT " + assign},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := company(tt.faults...)
			check(t, "outcome", tt.want, told(apply(t, tenant, changeAll(t, tenant, tt.add, tt.remove))))
			check(t, "writes", tt.writes, writes(tenant))
		})
	}
}

// TestNobodyEverHasMore: wherever a run ends, in the midst of any write, everybody
// has at most what they had before or would have after, and running again comes
// to the end.
func TestNobodyEverHasMore(t *testing.T) {
	t.Parallel()
	before := held(company())
	end := company()
	apply(t, end, changeAll(t, end, members("cy@example.com"), members("ann@example.com")))
	after := held(end)
	for _, options := range []groupsync.Options{{}, {MembershipWrites: groupsync.SingleMembers}} {
		for n := 1; n <= 4; n++ {
			for _, acts := range []bool{false, true} {
				ctx, cancel := context.WithCancel(t.Context())
				seen := 0
				tenant := company(simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
					if r.Method != "GET" {
						seen++
					}
					if seen < n || r.Method == "GET" {
						return simulator.Fault{}
					}
					cancel()
					return simulator.Fault{Drop: true, AfterAct: acts}
				}))
				plan := &plan.Plan{Operations: changeAll(t, tenant, members("cy@example.com"), members("ann@example.com"))}
				options.RetryAfterMax = time.Minute
				groupsync.New(connect(tenant), options).Apply(ctx, plan)
				cancel()
				for who, roles := range held(tenant) {
					for role := range roles {
						if !subset(roles, before[who]) && !subset(roles, after[who]) {
							t.Errorf("%d writes: %s has %v (%s)", n, who, slices.Collect(maps.Keys(roles)), role)
						}
					}
				}
				// What is left is planned from here in the next run.
				calm := simulator.New(tenant.Users(), tenant.Groups())
				apply(t, calm, changeAll(t, calm, members("cy@example.com"), members("ann@example.com")), options)
				check(t, fmt.Sprint("the next run after ", n), after, held(calm))
			}
		}
	}
}

// held are everybody's roles by way of groups.
func held(tenant *simulator.Tenant) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, group := range tenant.Groups() {
		for _, username := range group.Usernames {
			for _, role := range group.NamespaceRoles {
				if all[username] == nil {
					all[username] = map[string]bool{}
				}
				all[username][strings.Join([]string{role.Namespace, role.Role}, "/")] = true
			}
		}
	}
	return all
}

func subset(a, of map[string]bool) bool {
	for one := range a {
		if !of[one] {
			return false
		}
	}
	return true
}

// TestGroupThatExistsAlready: it is read and updated, or left, in one attempt. The
// roles that it was to be created with are granted to it, after its members; it
// loses nothing.
func TestGroupThatExistsAlready(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		who     string
		roles   []string
		granted int
		outcome string
		writes  []string
	}{
		"members and roles": {"cy@example.com", []string{"*/monitor", "n/a"}, 1, "done update +1 -0", []string{"POST user_groups", "PUT user_groups/ops", "PUT " + assign}},
		"roles":             {"ann@example.com", []string{"n/a"}, 1, "done update", []string{"POST user_groups", "PUT " + assign}},
		"members":           {"cy@example.com", nil, 0, "done update +1 -0", []string{"POST user_groups", "PUT user_groups/ops"}},
		"nothing new":       {"ANN@example.com", []string{"*/monitor"}, 0, "done", []string{"POST user_groups"}},
	} {
		tenant := company()
		want := groupOf(t, tenant, "ops")
		if strings.Contains(tt.outcome, "+1") {
			want.Usernames = append(want.Usernames, tt.who)
		}
		if tt.granted > 0 {
			want.NamespaceRoles = append(want.NamespaceRoles, simulator.Role{Namespace: "n", Role: "a"})
		}
		operation := createGroup("ops", member(tt.who))
		operation.Group.Roles = roles(tt.roles...)
		outcome := apply(t, tenant, []plan.Operation{operation})
		check(t, name, []string{"create group ops: " + tt.outcome}, told(outcome))
		check(t, name, tt.granted, outcome.Results[0].RolesWritten)
		check(t, name, tt.writes, writes(tenant))
		check(t, name, want, groupOf(t, tenant, "ops"))
		check(t, name, 1, outcome.Results[0].Attempts)
	}
}
