package cli_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"xc-group-sync/internal/simulator"
)

const oneNewcomer = "Email,Entitlement Display Name\nnew@example.com,CN=xc-auditors\ndonald.knuth@example.com,CN=xc-auditors\njohn.backus@example.com,CN=xc-auditors\n"

// TestRetrySettingsReachTheWire counts the attempts that settings and profiles
// come to. Waits are set to nothing.
func TestRetrySettingsReachTheWire(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want int // POSTs to create the user
	}{
		{nil, 3},
		{[]string{"--retry-attempts", "5"}, 5},
		{[]string{"--retry-attempts=1"}, 1},
		{[]string{"--retry-profile", "aggressive"}, 5},
		{[]string{"--retry-profile", "conservative"}, 2},
		{[]string{"--retry-profile", "conservative", "--retry-attempts", "4"}, 4},
		{[]string{"--retry-attempts", "9", "--retry-budget", "2"}, 3},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			users, groups := simulator.Sample()
			tenant := simulator.New(users, groups, failing(simulator.Fault{Status: http.StatusServiceUnavailable}, func(r *http.Request) bool { return r.Method == http.MethodPost }))
			code, out := run(t, tenant, oneNewcomer, append(tt.args, "--backoff-min", "0", "--backoff-max", "0s")...)
			if n := len(writesOf(tenant.Requests())); code != 1 || n != tt.want {
				t.Errorf("exit code %d, %d attempts, want %d:\n%s", code, n, tt.want, out)
			}
		})
	}
}

// TestReportedSumsAgree reads the reports of runs with random faults.
func TestReportedSumsAgree(t *testing.T) {
	t.Parallel()
	type counts struct{ Attempts, Retries, Recovered, Exhausted, Permanent, Rejected int }
	for seed := range uint64(15) {
		users, groups := simulator.Sample()
		tenant := simulator.New(users, groups, simulator.WithFault(func(n int, r *http.Request) simulator.Fault {
			if r.Method == http.MethodGet {
				return simulator.Fault{}
			}
			return []simulator.Fault{{}, {}, {Status: 503}, {Status: 500, AfterAct: true}, {Status: 400}, {Drop: true}}[(uint64(n)*2654435761+seed*40503)>>3%6]
		}))
		path := filepath.Join(t.TempDir(), "report.json")
		run(t, tenant, sample(t), "--backoff-min", "0", "--backoff-max", "0", "--group-retry-attempts", "2", "--group-backoff-min", "0", "--group-backoff-max", "0",
			"--circuit-breaker-threshold", "0", "--report-file", path)
		var report struct {
			Plan struct {
				Operations []struct {
					Status, Error string
					Attempts      int
				}
			}
			Users, Groups struct{ Created, Updated, Failed int }
			Retry         struct {
				counts
				ByCause     map[string]int    `json:"by_cause"`
				ByOperation map[string]counts `json:"by_operation"`
			}
			HTTP struct{ Requests int }
		}
		data := readJSON(t, path, &report)
		var sum counts
		for _, c := range report.Retry.ByOperation {
			sum.Attempts += c.Attempts
			sum.Retries += c.Retries
			sum.Recovered += c.Recovered
			sum.Exhausted += c.Exhausted
			sum.Permanent += c.Permanent
		}
		attempts, begun, failed := 0, 0, 0
		for _, operation := range report.Plan.Operations {
			attempts += operation.Attempts
			if operation.Attempts > 0 {
				begun++
			}
			if operation.Status == "failed" || operation.Status == "skipped" {
				failed++
			}
		}
		causes := 0
		for _, n := range report.Retry.ByCause {
			causes += n
		}
		r := report.Retry
		for what, agree := range map[string]bool{
			"the parts make the whole":                      sum == r.counts,
			"attempts are the operations' attempts":         attempts == r.Attempts,
			"attempts are operations begun and retries":     begun+r.Retries == r.Attempts,
			"every retry follows a fault in passing":        causes >= r.Retries+r.Exhausted,
			"each fault in passing comes to something":      causes <= r.Retries+r.Exhausted+r.Recovered,
			"failures are failed and skipped operations":    failed == report.Users.Failed+report.Groups.Failed,
			"no fewer requests than attempts at user level": report.HTTP.Requests >= r.Attempts,
		} {
			if !agree {
				t.Errorf("seed %d: it does not hold that %s:\n%s", seed, what, data)
			}
		}
	}
}
