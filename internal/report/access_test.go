package report_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/access"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/run"
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

// rolesExample is a plan about roles and access. Nobody's username is to be seen
// where emails are masked.
func rolesExample() *report.Report {
	ops := directory.Group{Name: "ops", DisplayName: "Operations", Roles: roles("*/ves-io-admin-role", "n/stays")}
	view := directory.Group{Name: "view", DisplayName: "view", Description: "by hand"}
	p := &plan.Plan{
		Operations: []plan.Operation{
			{Action: plan.Create, Object: plan.User, User: directory.User{Email: "new@example.com", Name: directory.PersonName{First: "New", Last: "Person"}, IDMType: directory.IDMSSO}},
			{Action: plan.Update, Object: plan.User, User: directory.User{Email: "ann@example.com", Name: directory.PersonName{First: "Ann", Last: "Ray"}}, Before: directory.PersonName{First: "Ann", Last: "Lee"}},
			{Action: plan.Revoke, Object: plan.Group, Group: ops, Roles: roles("*/ves-io-admin-role")},
			{Action: plan.Create, Object: plan.Group, Group: directory.Group{Name: "aaa", DisplayName: "AAA", Roles: roles("system/ves-io-monitor-role")}, Add: []plan.Member{{Email: "new@example.com"}}},
			{Action: plan.Update, Object: plan.Group, Group: ops, Add: []plan.Member{{Email: "new@example.com"}}, Remove: []plan.Member{{Email: "eve@example.com", Username: "evening"}, {Email: "nameless", Username: "nameless"}}},
			{Action: plan.Update, Object: plan.Group, Group: view, Attributes: &plan.Attributes{DisplayName: "View", Description: "by hand"}},
			{Action: plan.Grant, Object: plan.Group, Group: ops, Roles: roles("n/ves-io-waap-monitor-role")},
		},
		Withheld: []plan.Withheld{{Kind: plan.RoleRevocation, Group: "view", Role: directory.Role{Namespace: "n", Role: "kept"}, Reason: "removals are withheld in this run"}},
		Access: access.Diff{
			Gained: []access.Person{
				{Email: "ann@example.com", Roles: roles("n/ves-io-waap-monitor-role")},
				{Email: "new@example.com", Roles: roles("n/ves-io-waap-monitor-role", "system/ves-io-monitor-role")},
			},
			Lost:      []access.Person{{Email: "ann@example.com", Roles: roles("*/ves-io-admin-role")}, {Email: "eve@example.com", Roles: roles("n/stays", "*/ves-io-admin-role")}},
			LastGroup: []directory.Email{"eve@example.com", "nameless"},
		},
		Digest: "sha256:" + strings.Repeat("0", 64),
	}
	desired := &directory.Desired{People: []*directory.Person{{Email: "ann@example.com", File: "groups.csv", Line: 9}, {Email: "new@example.com", File: "groups.csv", Line: 7}}}
	return &report.Report{Tenant: "acme", Policy: &report.PolicyFile{Path: "acme.yml", SHA256: "abc"}, Result: &run.Result{DryRun: true, Plan: p, Desired: desired}}
}

func TestAccessInTheText(t *testing.T) {
	t.Parallel()
	text := shown(t, rolesExample(), report.Sanitizer{}, report.Style{})
	for _, part := range []string{
		"  ~ group ops  (*/ves-io-admin-role, n/stays)\n      - role */ves-io-admin-role\n",
		"  + group aaa  \"AAA\"\n      + role system/ves-io-monitor-role\n      + new@example.com\n",
		"      + role n/ves-io-waap-monitor-role\n",
		"  ~ group view\n      ~ display name: \"view\" → \"View\"\n",
		"  . role n/kept of group view is not revoked: removals are withheld in this run\n",
		"Access:\n" +
			"  - 2 people lose ves-io-admin-role on all namespaces: ann@example.com, eve@example.com\n" +
			"  - 1 person loses stays on n: eve@example.com\n" +
			"  + 1 person gains ves-io-monitor-role on system: new@example.com\n" +
			"  + 2 people gain ves-io-waap-monitor-role on n: ann@example.com, new@example.com\n" +
			"  - 2 people leave their last group: eve@example.com, nameless\n",
		"2 memberships to add, 2 memberships to remove, 2 roles to grant, 1 role to revoke\n",
		"Groups: created=1, updated=2, deleted=0",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing from\n%s", part, text)
		}
	}
}

func TestAccessInTheJSON(t *testing.T) {
	t.Parallel()
	r := rolesExample()
	r.Plan.Blocked = []plan.Blocked{{Object: plan.Group, Name: "hand", Reason: "not ours", Roles: roles("*/x")}}
	document, err := r.JSON(report.Sanitizer{MaskEmails: true})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Policy map[string]string
		Roles  map[string]int
		Plan   struct {
			Operations, Blocked, Withheld []map[string]any
			Access                        map[string][]map[string]any
		}
	}
	if err := json.Unmarshal(document, &got); err != nil {
		t.Fatal(err)
	}
	same := func(what string, want, got any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	same("policy", map[string]string{"path": "acme.yml", "sha256": "abc"}, got.Policy)
	same("roles", map[string]int{"granted": 2, "revoked": 1}, got.Roles)
	var operations []map[string]any
	for _, o := range got.Plan.Operations {
		for _, key := range []string{"add", "remove", "status", "attempts", "error"} {
			if _, is := o[key]; !is {
				t.Errorf("no %s: %v", key, o)
			}
			delete(o, key)
		}
		operations = append(operations, o)
	}
	none := []any{}
	same("operations", []map[string]any{
		{"action": "create", "object": "user", "name": "new@example.com", "roles": none, "first_name": "New", "last_name": "Person", "idm_type": "SSO"},
		{"action": "update", "object": "user", "name": "ann@example.com", "roles": none, "last_name": "Ray", "was": map[string]any{"last_name": "Lee"}},
		{"action": "revoke", "object": "group", "name": "ops", "roles": []any{"*/ves-io-admin-role"}},
		{"action": "create", "object": "group", "name": "aaa", "roles": []any{"system/ves-io-monitor-role"}, "display_name": "AAA"},
		{"action": "update", "object": "group", "name": "ops", "roles": none},
		{"action": "update", "object": "group", "name": "view", "roles": none, "display_name": "View", "was": map[string]any{"display_name": "view"}},
		{"action": "grant", "object": "group", "name": "ops", "roles": []any{"n/ves-io-waap-monitor-role"}},
	}, operations)
	same("blocked", []map[string]any{{"object": "group", "name": "hand", "reason": "not ours", "roles": []any{"*/x"}}}, got.Plan.Blocked)
	same("withheld", []map[string]any{{"kind": "role", "group": "view", "email": "", "role": "n/kept", "reason": "removals are withheld in this run"}}, got.Plan.Withheld)
	same("access", map[string][]map[string]any{
		"gained": {
			{"email": "ann@example.com", "roles": []any{"n/ves-io-waap-monitor-role"}},
			{"email": "new@example.com", "roles": []any{"n/ves-io-waap-monitor-role", "system/ves-io-monitor-role"}},
		},
		"lost": {
			{"email": "ann@example.com", "roles": []any{"*/ves-io-admin-role"}},
			{"email": "eve@example.com", "roles": []any{"n/stays", "*/ves-io-admin-role"}},
		},
	}, got.Plan.Access)
}

// TestRolesOfAnOutcome: what was done counts, of the groups each once.
func TestRolesOfAnOutcome(t *testing.T) {
	t.Parallel()
	r := rolesExample()
	r.DryRun, r.Outcome = false, groupsync.Preview(r.Plan)
	for i, status := range []groupsync.Status{groupsync.Done, groupsync.Done, groupsync.Done, groupsync.Done, groupsync.Failed, groupsync.Done, groupsync.Skipped} {
		result := &r.Outcome.Results[i]
		if result.Status = status; status == groupsync.Done {
			result.Effect, result.RolesWritten = result.Action, len(result.RolesChanged())
		}
	}
	got := r.Tallies()
	if got.Roles != (report.Roles{Granted: 1, Revoked: 1}) || got.Groups.Failed != 1 || got.Groups.Updated != 1 || got.Groups.Created != 1 {
		t.Errorf("%+v", got)
	}
}

// TestAGroupCountsOnce: with several operations, as the worst of their outcomes.
func TestAGroupCountsOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		done []string // of revocation, update and grant: the status, and the effect if there is one
		want report.Tally
	}{
		"all done":            {[]string{"done revoke", "done update", "done grant"}, report.Tally{Updated: 1}},
		"found as planned":    {[]string{"done", "done", "done"}, report.Tally{Unchanged: 1}},
		"only one had to be":  {[]string{"done", "done", "done grant"}, report.Tally{Updated: 1}},
		"grant failed":        {[]string{"done revoke", "done update", "failed"}, report.Tally{Failed: 1}},
		"revocation failed":   {[]string{"failed", "done update", "skipped"}, report.Tally{Failed: 1}},
		"interrupted halfway": {[]string{"done revoke", "planned", "planned"}, report.Tally{Updated: 1}},
		"not begun":           {[]string{"planned", "planned", "planned"}, report.Tally{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			group := directory.Group{Name: "ops"}
			r := &report.Report{Result: &run.Result{Plan: &plan.Plan{Operations: []plan.Operation{
				{Action: plan.Revoke, Object: plan.Group, Group: group, Roles: roles("n/a")},
				{Action: plan.Update, Object: plan.Group, Group: group, Add: []plan.Member{{Email: "ann@example.com"}}},
				{Action: plan.Grant, Object: plan.Group, Group: group, Roles: roles("n/b")},
			}}}}
			r.Outcome = groupsync.Preview(r.Plan)
			for i, done := range tt.done {
				status, effect, _ := strings.Cut(done, " ")
				r.Outcome.Results[i].Status, r.Outcome.Results[i].Effect = groupsync.Status(status), plan.Action(effect)
			}
			if got := r.Tallies().Groups; got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestCommentForReviewers: what merging takes away, who loses what and why, the
// strongest first, then what people gain, then the groups, each once.
func TestCommentForReviewers(t *testing.T) {
	t.Parallel()
	r := rolesExample()
	body, complete := r.Comment(report.Sanitizer{}, report.CommentOptions{Limit: whole, Commit: "0123456789abcdef"})
	if !complete {
		t.Error("not complete")
	}
	inOrder(t, body,
		"> [!WARNING]\n> **Merging takes away 2 memberships, 1 role.**",
		"#### Who loses access\n", "| `ann@example.com` |  | `ves-io-admin-role` on all namespaces |\n",
		"| `eve@example.com` | `ops` | `ves-io-admin-role` on all namespaces, `stays` on `n`, their last group |\n", "| `nameless` | `ops` | their last group |\n",
		"#### Who gains access\n", "| + | `ves-io-monitor-role` on `system` | `new@example.com` |\n",
		"| + | `ves-io-waap-monitor-role` on `n` | <details><summary>2&nbsp;people</summary>`ann@example.com`<br>`new@example.com`</details> |\n",
		"#### 3 groups\n", "| `ops` Operations | −&nbsp;`*/ves-io-admin-role`<br>+&nbsp;`n/ves-io-waap-monitor-role`<br>`n/stays` | revoke, update, grant | 1 | **2** | <details>",
		"| `aaa` AAA | +&nbsp;`system/ves-io-monitor-role` | create | 1 | 0 |", "| `view` |  | update, display name: \"view\" → \"View\" | 0 | 0 |  |\n",
		"| `view` | `n/kept` | removals are withheld in this run |", "`expect-plan: pull-request`", "<sub>Commit `0123456789ab`, ")
	summary := r.Summary(report.Sanitizer{}, whole)
	inOrder(t, summary, "#### Access\n", "| − | `ves-io-admin-role` on all namespaces | <details>", "| − | `stays` on `n` | `eve@example.com` |\n", "| + | `ves-io-monitor-role` on `system`", "| − | the last group | <details>", "#### 3 groups")
}

func inOrder(t *testing.T, page string, parts ...string) {
	t.Helper()
	rest := page
	for _, part := range parts {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Fatalf("%q is missing, or too early, in\n%s", part, page)
		}
		rest = after
	}
}

// TestMaskedComment names people by the CSV's line, and approves nothing unless
// that is accepted. No username is shown anywhere.
func TestMaskedComment(t *testing.T) {
	t.Parallel()
	r, s := rolesExample(), report.Sanitizer{MaskEmails: true}
	body, complete := r.Comment(s, report.CommentOptions{Limit: whole})
	if complete || !strings.Contains(body, "approves nothing") || strings.Contains(body, "pull-request`") {
		t.Errorf("complete: %v\n%s", complete, body)
	}
	accepted, complete := r.Comment(s, report.CommentOptions{Limit: whole, AcceptMasked: true})
	if !complete || strings.Contains(accepted, "approves nothing") {
		t.Errorf("complete: %v\n%s", complete, accepted)
	}
	inOrder(t, body, "Who loses access", "| `groups.csv:9` |  | `ves-io-admin-role` on all namespaces |", "| `***@example.com` | `ops` |", "| `***` | `ops` |", "+&nbsp;`groups.csv:7`")
	for _, shown := range []string{body, accepted, r.Summary(s, whole), shown(t, r, s, report.Style{})} {
		for _, secret := range []string{"eve@", "ann@", "new@", "evening", "nameless", "Ray", "Person"} {
			if strings.Contains(shown, secret) {
				t.Errorf("%q is shown in\n%s", secret, shown)
			}
		}
	}
}

// TestMaskedCommentShowsTheLine: where a long path cuts off the line, nobody knows
// who is meant.
func TestMaskedCommentShowsTheLine(t *testing.T) {
	t.Parallel()
	r := rolesExample()
	r.Desired.People[0].File = strings.Repeat("long/", 100)
	if body, complete := r.Comment(report.Sanitizer{MaskEmails: true}, report.CommentOptions{Limit: whole, AcceptMasked: true}); complete || !strings.Contains(body, "approves nothing") {
		t.Errorf("complete: %v\n%s", complete, body)
	}
}

// TestCutComment: one that leaves out a group or a person is not complete, and
// says so; groups that give roles are the last to go. Warnings may be left out.
func TestCutComment(t *testing.T) {
	t.Parallel()
	r := large(2000)
	for i := range 20 {
		r.Plan.Operations = append(r.Plan.Operations, plan.Operation{Action: plan.Update, Object: plan.Group, Group: directory.Group{Name: directory.GroupName(fmt.Sprintf("with-roles-%d", i)), Roles: roles("*/r")}, Add: []plan.Member{{Email: "a@x.y"}}})
	}
	body, complete := r.Comment(report.Sanitizer{}, report.CommentOptions{Limit: 20_000})
	if complete || len(body) > 20_000 || strings.Count(body, "| `with-roles-") != 20 || strings.Contains(body, "pull-request`") {
		t.Errorf("complete: %v, %d bytes\n%s", complete, len(body), body)
	}
	inOrder(t, body, "> [!CAUTION]\n> **Incomplete.**", "approves nothing", "more groups, left out")

	secret := large(1)
	secret.Plan.Operations[1].Add = []plan.Member{{Email: "tok_12345@x.y"}}
	body, complete = secret.Comment(report.Sanitizer{Secrets: report.NewSecrets("tok_12345")}, report.CommentOptions{Limit: 20_000})
	if complete || strings.Contains(body, "pull-request`") {
		t.Errorf("complete: %v\n%s", complete, body)
	}
	inOrder(t, body, "> [!CAUTION]\n> **Incomplete.** A secret", "approves nothing", "`***@x.y`")

	few := large(3)
	for range 2000 {
		few.Add(directory.Finding{Kind: directory.InvalidDN, Message: strings.Repeat("x", 100)})
	}
	if body, complete := few.Comment(report.Sanitizer{}, report.CommentOptions{Limit: 20_000}); !complete || !strings.Contains(body, "more warnings, left out") {
		t.Errorf("complete: %v\n%s", complete, body)
	}
	// The record of an apply approves nothing anyway, and does not say so.
	few.DryRun, few.Outcome = false, groupsync.Preview(few.Plan)
	few.Plan.Operations = slices.Concat(few.Plan.Operations, r.Plan.Operations)
	few.Outcome = groupsync.Preview(few.Plan)
	if body, complete := few.Comment(report.Sanitizer{}, report.CommentOptions{Limit: 20_000}); complete || strings.Contains(body, "approves nothing") {
		t.Errorf("complete: %v\n%s", complete, body)
	}
}
