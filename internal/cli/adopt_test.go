package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"xc-group-sync/internal/simulator"
)

// TestAdoptInOnePaste: of 30 groups that were made by hand the first dry run gives
// a line that is a policy file, under which the second one has nothing to say.
func TestAdoptInOnePaste(t *testing.T) {
	t.Parallel()
	const ann = "ann@example.com"
	csv := "Email,Entitlement Display Name\n"
	names := []string{"null", "true", "on", "y"}
	for i := range 26 {
		names = append(names, fmt.Sprintf("%s-%02d", strings.Repeat("x", 60), i))
	}
	var groups []simulator.Group
	for _, name := range names {
		csv += ann + ",CN=" + name + "\n"
		groups = append(groups, simulator.Group{Name: name, Usernames: []string{ann}})
	}
	tenant := simulator.New([]simulator.User{{Email: "admin@example.com", DomainOwner: true}, {Email: ann}}, groups)
	code, out := run(t, tenant, csv, "--dry-run")
	_, line, found := strings.Cut(out, "add to the policy file: ")
	if code != 1 || !found {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	line, _, _ = strings.Cut(line, "\n")
	policy := filepath.Join(t.TempDir(), "policy.yml")
	write(t, policy, line+"\n")
	if code, out := run(t, tenant, csv, "--dry-run", "--policy", policy); code != 0 || !strings.Contains(out, "nothing to do") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
