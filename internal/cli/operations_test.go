package cli_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
)

// nameOf names the one object of allKinds that an operation of a kind is about:
// "update-user@example.com", or the group "grant-group", which has to do with the
// person grant-group@example.com only.
func nameOf(kind plan.Kind) string {
	name := strings.ReplaceAll(kind.String(), " ", "-")
	if kind.Object == plan.User {
		name += "@example.com"
	}
	return name
}

// allKinds is a tenant, an export and a policy file that together give one
// operation of each kind. A new kind needs a reason here.
func allKinds() (tenant *simulator.Tenant, csv, policy string) {
	user := func(name string) simulator.User {
		return simulator.User{Email: name + "@example.com", FirstName: "First", LastName: name, IDMType: directory.IDMLocal, NamespaceRoles: []simulator.Role{{Namespace: "apps", Role: "own"}}}
	}
	group := func(name string, members ...string) simulator.Group {
		return simulator.Group{Name: name, DisplayName: name, Description: plan.Marker, Usernames: members, NamespaceRoles: []simulator.Role{{Namespace: "system", Role: "old"}}}
	}
	owner := user("owner")
	owner.DomainOwner = true
	users := []simulator.User{owner}
	for _, name := range []string{"update-user", "delete-user", "revoke-group", "create-group", "update-group", "grant-group", "delete-group", "update-group-too"} {
		users = append(users, user(name))
	}
	return simulator.New(users, []simulator.Group{
			group("revoke-group", "revoke-group@example.com"),
			group("update-group", "update-group-too@example.com"),
			group("grant-group", "grant-group@example.com"),
			group("delete-group", "delete-group@example.com", "delete-user@example.com"),
		}),
		`Email,Entitlement Display Name,User Display Name
create-user@example.com,CN=create-group,New Comer
update-user@example.com,,Another Name
revoke-group@example.com,CN=revoke-group,
create-group@example.com,CN=create-group,
update-group@example.com,CN=update-group,
grant-group@example.com,CN=grant-group,
update-group-too@example.com,,
delete-group@example.com,,
`, `prune: all
max-removals: none
update-users: true
enforce-roles: true
roles:
  revoke-group: []
  grant-group: [system/old, system/new]
`
}

// TestEveryKindOfOperation follows one operation of each kind through plan, text,
// summary, report, explanation, run, snapshot and the way back.
func TestEveryKindOfOperation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	tenant, csv, policy := allKinds()
	at, before := newAddress(t, tenant), tenant.State()
	for name, content := range map[string]string{"csv": csv, "policy.yml": policy, "summary": ""} {
		write(t, path(name), content)
	}
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": path("summary"), "XC_SYNC_MASK_EMAILS": "false",
		"XC_API_URL": at.url, "XC_API_TOKEN": "tok-12345", "TENANT_ID": "acme"}
	run := func(args ...string) string {
		t.Helper()
		code, out := program(t.Context(), env, nil, args...)
		if code != 0 {
			t.Fatalf("%q: exit code %d:\n%s", args, code, out)
		}
		return out
	}
	planning := []string{"--csv", path("csv"), "--policy", path("policy.yml")}

	text := run(append([]string{"plan"}, planning...)...)
	summary := read(t, path("summary"))
	log := run(append([]string{"sync", "--snapshot-file", path("snapshot"), "--report-file", path("report")}, planning...)...)
	var report struct {
		Users, Groups struct{ Created, Updated, Deleted int }
		Plan          struct {
			Operations []struct{ Object, Action, Name, Status string }
		}
		Retry struct {
			ByOperation map[string]struct{ Attempts int } `json:"by_operation"`
		}
	}
	readJSON(t, path("report"), &report)
	var order []string
	want := map[string]int{}
	for i, kind := range plan.Kinds() {
		name := nameOf(kind)
		want[fmt.Sprint(kind.Object, kind.Sign)]++
		order = append(order, kind.String())
		if line := fmt.Sprintf("\n  %s %s %s", kind.Sign, kind.Object, name); !strings.Contains(text, line) {
			t.Errorf("%s: %q is not in the plan:\n%s", kind, line, text)
		}
		if !slices.ContainsFunc(strings.Split(summary, "\n"), func(row string) bool {
			return strings.HasPrefix(row, "|") && strings.Contains(row, name+"`") && strings.Contains(row, string(kind.Action))
		}) {
			t.Errorf("%s is not in the summary:\n%s", kind, summary)
		}
		if !strings.Contains(log, kind.Past+" "+string(kind.Object)) || !strings.Contains(log, "name="+name) {
			t.Errorf("%s is not in the log:\n%s", kind, log)
		}
		if i < len(report.Plan.Operations) {
			if o := report.Plan.Operations[i]; o.Object != string(kind.Object) || o.Action != string(kind.Action) || o.Name != name || o.Status != "done" {
				t.Errorf("%s is reported as %+v", kind, o)
			}
		}
		if report.Retry.ByOperation[kind.String()].Attempts == 0 {
			t.Errorf("%s is not in the figures: %v", kind, report.Retry.ByOperation)
		}
	}
	if len(report.Plan.Operations) != len(order) {
		t.Errorf("%v, want one each of %v", report.Plan.Operations, order)
	}
	got := map[string]int{
		"user+": report.Users.Created, "user~": report.Users.Updated, "user-": report.Users.Deleted,
		"group+": report.Groups.Created, "group~": report.Groups.Updated, "group-": report.Groups.Deleted,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}

	run("restore", "--snapshot", path("snapshot"), "--max-removals", "none")
	after := tenant.State() // what was created stays
	after.Users = slices.DeleteFunc(after.Users, func(u simulator.User) bool { return u.Email == "create-user@example.com" })
	after.Groups = slices.DeleteFunc(after.Groups, func(g simulator.Group) bool { return g.Name == "create-group" })
	for i := range after.Users {
		if user := &after.Users[i]; user.Email == "create-group@example.com" {
			user.GroupNames = nil
		}
	}
	if diff := cmp.Diff(before, after, cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b simulator.User) bool { return a.Email < b.Email }),
		cmpopts.SortSlices(func(a, b simulator.Group) bool { return a.Name < b.Name }), cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}

	again, _, _ := allKinds()
	at.Handler = again
	for _, kind := range plan.Kinds() {
		who := strings.TrimSuffix(nameOf(kind), "@example.com") + "@example.com"
		if out := run(append([]string{"explain", "--only", who}, planning...)...); !strings.Contains(out, "a run would ") {
			t.Errorf("%s is not explained:\n%s", kind, out)
		}
	}
}
