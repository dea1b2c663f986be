package soak

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/export"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/run"
)

// TestASyncOfAnExportWritesNothing: whatever a tenant holds, its export and the
// policy file that goes with it are what it already is.
func TestASyncOfAnExportWritesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.yml")
	synced, people := 0, 0
	for seed := range uint64(200) {
		w := newWorld(seed+1, t.TempDir())
		tenant := w.start()
		before := tenant.State()
		client := w.visitor(tenant)
		observed, finding := run.Observe(context.Background(), client, "acme")
		if finding != nil {
			t.Fatalf("seed %d: %+v", seed, finding)
		}
		x := export.New(observed, plan.Policy{})
		if x.People == 0 {
			continue
		}
		if err := os.WriteFile(path, x.Policy, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(config.Sync, []string{"--csv=x", "--simulate", "--strict", "--policy=" + path}, func(string) string { return "" })
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, x.Policy)
		}
		result := run.Run(context.Background(), source(string(x.CSV), c), client, c.Policy, run.Options{})
		if result.Code() != run.Done || result.Plan == nil || len(result.Plan.Operations) > 0 || len(before.Groups) != len(tenant.State().Groups) {
			t.Fatalf("seed %d: exit code %d: %+v\n%s\n%s", seed, result.Code(), result.Findings, x.CSV, x.Policy)
		}
		synced, people = synced+1, people+x.People
	}
	if synced < 150 || people < 500 {
		t.Errorf("%d tenants with %d people were exported only", synced, people)
	}
}
