package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
)

// TestRestoreGoesBack undoes a run that changed, emptied and deleted: members,
// roles, descriptions, deleted groups and users are as they were.
func TestRestoreGoesBack(t *testing.T) {
	t.Parallel()
	tenant := estate()
	at := newAddress(t, tenant)
	before := tenant.State()
	snapshot := filepath.Join(t.TempDir(), "snapshot.json")
	args := append([]string{"--snapshot-file", snapshot, "--prune-unmanaged"}, everything...)
	csv := "Email,Entitlement Display Name,User Display Name\nada.lovelace@example.com,CN=xc-auditors,Augusta Ada King\nnew@example.com,CN=brand-new,New Comer\n"
	if code, out := run(t, at, csv, args...); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	if gone := lost(before, tenant.State()); len(gone) < 15 {
		t.Fatalf("the run took too little away to prove anything: %q", gone)
	}
	mark := len(tenant.Requests())
	code, out := command(t, at, "restore", "--snapshot", snapshot, "--dry-run", "--max-removals", "none")
	if more := writesOf(tenant.Requests()[mark:]); code != 0 || len(more) > 0 || !strings.Contains(out, "DRY RUN") {
		t.Fatalf("dry run: exit code %d, %v:\n%s", code, more, out)
	}
	code, out = command(t, at, "restore", "--snapshot", snapshot, "--max-removals", "none")
	if gone := lost(before, tenant.State()); code != 0 || len(gone) > 0 {
		t.Errorf("exit code %d, did not come back: %q\n%s", code, gone, out)
	}
	// What was added to what the snapshot holds is gone again; what was new stays.
	if diff := cmp.Diff([]string{"user new@example.com", "member new@example.com of brand-new"},
		withoutPrefix(lost(tenant.State(), before), "group brand-new", "description")); diff != "" {
		t.Errorf("left over (-want +got):\n%s", diff)
	}
	for _, said := range []string{"without password", "new@example.com was created by the run being undone"} {
		if !strings.Contains(out, said) {
			t.Errorf("%q is not said:\n%s", said, out)
		}
	}
	mark = len(tenant.Requests())
	code, out = command(t, at, "restore", "--snapshot", snapshot)
	if more := writesOf(tenant.Requests()[mark:]); code != 0 || len(more) > 0 || !strings.Contains(out, "nothing to do") {
		t.Errorf("second restore: exit code %d, %v:\n%s", code, more, out)
	}
}

func withoutPrefix(facts []string, prefixes ...string) []string {
	var kept []string
next:
	for _, fact := range facts {
		for _, prefix := range prefixes {
			if strings.HasPrefix(fact, prefix) {
				continue next
			}
		}
		kept = append(kept, fact)
	}
	return kept
}

// TestRestoreBringsRolesBack undoes what somebody else did to a group of the
// snapshot, too.
func TestRestoreBringsRolesBack(t *testing.T) {
	t.Parallel()
	users, groups := simulator.Sample()
	snapshot := filepath.Join(t.TempDir(), "snapshot.json")
	at := newAddress(t, simulator.New(users, groups))
	if code, out := run(t, at, sample(t), "--snapshot-file", snapshot); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	for i := range groups {
		groups[i].NamespaceRoles, groups[i].Description = nil, ""
	}
	after := simulator.New(users, groups)
	at.Handler = after
	code, out := command(t, at, "restore", "--snapshot", snapshot)
	if code != 0 || !strings.Contains(out, "+ role system/ves-io-monitor-role") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	for _, group := range after.Groups() {
		if group.Name == "xc-auditors" && len(group.NamespaceRoles) != 2 || group.Name == "xc-network-operators" && !strings.HasPrefix(group.Description, "Managed by") {
			t.Errorf("%+v did not come back", group)
		}
	}
}

func TestRestoreUnderGuards(t *testing.T) {
	t.Parallel()
	tenant := estate()
	at := newAddress(t, tenant)
	dir := t.TempDir()
	snapshot := filepath.Join(dir, "snapshot.json")
	if code, out := run(t, at, sample(t), append([]string{"--snapshot-file", snapshot}, everything...)...); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	none := filepath.Join(dir, "none.json")
	write(t, none, `{"schema": 7}`)
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"restore", "--snapshot", snapshot, "--max-removals", "0"}, 5, "would remove 3 of 21 memberships"},
		{[]string{"restore", "--snapshot", filepath.Join(dir, "missing")}, 2, "missing: no such file"},
		{[]string{"restore", "--snapshot", none}, 2, "not a valid snapshot file"},
		{[]string{"restore"}, 2, "missing required setting: snapshot"},
		{[]string{"restore", "--snapshot", snapshot, "--csv", "x"}, 2, "csv"},
	} {
		mark := len(tenant.Requests())
		code, out := command(t, at, tt.args...)
		if more := writesOf(tenant.Requests()[mark:]); code != tt.code || !strings.Contains(out, tt.says) || len(more) > 0 {
			t.Errorf("%v: exit code %d, want %d, %v:\n%s", tt.args, code, tt.code, more, out)
		}
	}
}

// TestNoSnapshotNoChange: what cannot be saved is not changed.
func TestNoSnapshotNoChange(t *testing.T) {
	t.Parallel()
	tenant := estate()
	code, out := run(t, tenant, sample(t), append([]string{"--snapshot-file", filepath.Join(t.TempDir(), "no", "such", "folder", "x")}, everything...)...)
	if writes := writesOf(tenant.Requests()); code != 2 || len(writes) > 0 || !strings.Contains(out, "snapshot-file") {
		t.Errorf("exit code %d, %d writes:\n%s", code, len(writes), out)
	}
}

// TestRestoreGivesNobodyElsesPlace: a username may have changed hands since the
// snapshot.
func TestRestoreGivesNobodyElsesPlace(t *testing.T) {
	t.Parallel()
	const owner, ann, alan, bob = "owner@example.com", "ann@example.com", "alan.turing@example.com", "bob@example.com"
	at := newAddress(t, simulator.New([]simulator.User{
		{Email: owner, DomainOwner: true}, {Email: ann}, {Email: alan, Name: "aturing"}, {Email: bob, Name: "bob"},
	}, []simulator.Group{{Name: "ops", Description: plan.Marker, Usernames: []string{ann, "aturing", "bob"}}, {Name: "aux", Description: plan.Marker, Usernames: []string{"aturing"}}}))
	snapshot := filepath.Join(t.TempDir(), "snapshot.json")
	csv := "Email,Entitlement Display Name\nann@example.com,CN=ops\nbob@example.com,CN=other\n"
	if code, out := run(t, at, csv, "--snapshot-file", snapshot, "--prune", "users"); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	written := read(t, snapshot)
	for _, key := range []string{`"usernames": [`, `"members": {`, `"aturing": "alan.turing@example.com"`, `"new_groups": [`} {
		if !strings.Contains(written, key) {
			t.Errorf("the snapshot has no %s:\n%s", key, written)
		}
	}
	now := simulator.New([]simulator.User{
		{Email: owner, DomainOwner: true}, {Email: ann}, {Email: "anna.turing@example.com", Name: "aturing"}, {Email: "bert@example.com", Name: "bob"},
	}, []simulator.Group{{Name: "ops", Description: plan.Marker, Usernames: []string{ann}}, {Name: "aux", Description: plan.Marker, Usernames: []string{"aturing"}}})
	at.Handler = now
	code, out := command(t, at, "restore", "--snapshot", snapshot)
	members := map[string][]string{}
	for _, group := range now.Groups() {
		members[group.Name] = group.Usernames
	}
	want := map[string][]string{"ops": {alan, ann}, "aux": {alan, "aturing"}}
	if diff := cmp.Diff(want, members); code != 0 || diff != "" {
		t.Errorf("exit code %d, members (-want +got):\n%s\n%s", code, diff, out)
	}
	for _, said := range []string{"alan.turing@example.com is recreated with the email as username", `cannot put bob@example.com back into group "ops"`} {
		if !strings.Contains(out, said) {
			t.Errorf("%q is not said:\n%s", said, out)
		}
	}
}

func TestRestoreTakesNoOtherFile(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"cut off": `{"schema": 1, "tenant": "acme", "groups": [{"name": "ops", "usern`,
		"unknown": `{"schema": 1, "tenant": "acme", "groups": [{"name": "ops", "Members": ["ann"], "usernames2": []}]}`,
		"another": `[]`,
		"schema":  `{"schema": 2, "tenant": "acme", "users": [], "groups": [], "members": {}}`,
		"empty":   `{"schema": 1, "tenant": "acme"}`,
		"behind":  `{"schema": 1, "tenant": "acme", "users": [], "groups": [], "members": {}} {}`,
		"lacking": `{"schema": 1, "tenant": "acme", "users": [], "groups": [{"name": "xc-auditors", "roles": []}], "members": {}}`,
		"unsaid":  `{"schema": 1, "tenant": "acme", "users": [], "groups": [{"name": "xc-auditors", "roles": [], "usernames": ["ada"]}], "members": {}}`,
		"forged":  `{"schema": 1, "tenant": "acme", "users": [{"email": "ann@example.com", "address": "eve@example.com", "type": "USER"}], "groups": [], "members": {}}`,
	} {
		path := filepath.Join(t.TempDir(), "snapshot.json")
		write(t, path, content)
		tenant := estate()
		if code, out := command(t, tenant, "restore", "--snapshot", path); code != 2 || len(tenant.Requests()) > 0 || !strings.Contains(out, "not a valid snapshot file") {
			t.Errorf("%s: exit code %d:\n%s", name, code, out)
		}
	}
}
