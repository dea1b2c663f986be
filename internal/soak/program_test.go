package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xc-group-sync/internal/cli"
	"xc-group-sync/internal/config"
)

// hurried are the settings of runs in real time: nothing waits.
var hurried = []string{"--backoff-min=0", "--backoff-max=0", "--group-backoff-min=0", "--group-backoff-max=0", "--retry-after-max=0",
	"--http-retry-attempts=1", "--circuit-breaker-cooldown=0", "--rate-limit=0", "--timeout=30"}

// TestWholeProgram runs some of the worlds of TestSoak through the whole
// program, over real connections and in real time: exit codes and closing
// lines, too, must say what the tenant shows.
func TestWholeProgram(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 150; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(seed, t.TempDir())
			site := newSite(w)
			rough := newWeather(seed)
			rough.cancelAfter = 0
			disturbed := w.program(t, site, rough)
			if disturbed.end == endBadCSV {
				return
			}
			next := w.program(t, site, weather{}, "--dry-run=false")
			if last := w.program(t, site, weather{}, "--dry-run=false"); next.settled() && (len(last.report.Plan.Operations) > 0 || last.site.writes > 0) {
				t.Errorf("there is still something to do: %s", last)
			}
		})
	}
}

// program is one run of the whole program, checked.
func (w *world) program(t *testing.T, site *site, weather weather, extra ...string) *trial {
	t.Helper()
	dir := t.TempDir()
	export, document := filepath.Join(dir, "export.csv"), filepath.Join(dir, "report.json")
	if err := os.WriteFile(export, []byte(w.csv(w.rows)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	site.begin(weather, cancel)
	server := httptest.NewServer(site)
	args := slices.Concat([]string{"--csv=" + export, "--report-file=" + document, "--tenant=acme", "--api-url=" + server.URL, "--api-token=tok-12345", "--log-level=error"}, override(override(w.args, hurried), extra))
	c, err := config.Load(config.Sync, args, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	r := &trial{world: w, site: site, config: c, only: c.Policy.Only, before: site.tenant.State()}
	var out bytes.Buffer
	code := cli.MainContext(ctx, append([]string{config.Sync}, args...), func(string) string { return "" }, strings.NewReader(""), &out, &out)
	site.end()
	server.Close() // waits for what is on its way
	text, err := os.ReadFile(document)
	if err == nil {
		err = json.Unmarshal(text, &r.report)
	}
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", w.seed, err, out.String())
	}
	r.after, r.end = site.tenant.State(), r.ended(code)
	r.compare()
	complaints := r.check()
	r.checkExit(&complaints, code, out.String())
	if len(complaints) > 0 {
		t.Errorf("seed %d: exit code %d\n%s\n%s\n%s\n%s", w.seed, code, strings.Join(complaints, "\n"), r, w, out.String())
	}
	return r
}

func (r *trial) ended(code int) string {
	switch {
	case code == 4:
		return endBadCSV
	case r.report.Plan.Digest == "":
		return endUnread
	case code == 5:
		return endRefused
	case r.config.DryRun:
		return endDryRun
	}
	return endApplied
}

// checkExit holds exit code and closing lines to the report.
func (r *trial) checkExit(c *complaints, code int, out string) {
	u, g := r.report.Users, r.report.Groups
	closing := fmt.Sprintf("Users: created=%d, updated=%d, deleted=%d, unchanged=%d, errors=%d\nGroups: created=%d, updated=%d, deleted=%d, unchanged=%d, errors=%d\nExecution time: ",
		u.Created, u.Updated, u.Deleted, u.Unchanged, u.Failed, g.Created, g.Updated, g.Deleted, g.Unchanged, g.Failed)
	if !strings.Contains(out, closing) {
		c.add("the closing lines are not %q", closing)
	}
	good := (r.settled() || r.end == endDryRun) && len(r.report.Plan.Blocked) == 0 && !r.world.aim(r.before, r.site.knowsCaller(), r.only).unguarded
	planned := slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool { return o.Status == "planned" })
	cancelled := !r.site.cancelled.IsZero()
	switch {
	case code == 0 && !good && !(cancelled && !planned):
		c.add("exit code 0, though not all is done")
	case code != 0 && good:
		c.add("exit code %d, though all is done", code)
	case code == 130 && !cancelled:
		c.add("exit code 130, though nobody interrupted the run")
	case code == 2 || code == 6:
		c.add("exit code %d", code)
	}
	results := map[int]string{0: "success", 1: "failed", 3: "failed", 4: "failed", 5: "refused", 130: "interrupted"}
	if r.report.Result != results[code] {
		c.add("exit code %d, and the result is %q", code, r.report.Result)
	}
}
