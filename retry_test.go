package main_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
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
			tenant := simulator.New(users, groups, simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
				if r.Method == http.MethodPost {
					return simulator.Fault{Status: http.StatusServiceUnavailable}
				}
				return simulator.Fault{}
			}))
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
		_, out := run(t, tenant, sample(t), "--backoff-min", "0", "--backoff-max", "0", "--group-retry-attempts", "2", "--group-backoff-min", "0", "--group-backoff-max", "0",
			"--circuit-breaker-threshold", "0", "--report-file", path)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
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
		if err := json.Unmarshal(data, &report); err != nil {
			t.Fatal(err)
		}
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

// TestReadmeTellsOfRetry holds the README to DOC-RETRY-001 to 005.
func TestReadmeTellsOfRetry(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(readme), "\n## Retry\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("there is no section Retry")
	}
	for requirement, words := range map[string][]string{
		"DOC-RETRY-001": {"three times", "1 s and 2 s", "retry-profile", "balanced"},
		"DOC-RETRY-002": {"create a user", "create, update or delete a group", "not retried", "read ("},
		"DOC-RETRY-003": {"time-out", "5xx", "429", "400", "401", "403", "404", "409", "TLS"},
		"DOC-RETRY-005": {"flaky network", "429", "first load of thousands", "nightly"},
		"the layers":    {"http-retry-scope", "9"},
	} {
		for _, word := range words {
			if !strings.Contains(section, word) {
				t.Errorf("%s: the section does not say %q", requirement, word)
			}
		}
	}
}

// TestConstructorIsDocumented holds the Go documentation to DOC-RETRY-004.
func TestConstructorIsDocumented(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "internal/groupsync/service.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	documentation, err := doc.NewFromFiles(fset, []*ast.File{file}, "xc-group-sync/internal/groupsync")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, f := range documentation.Types {
		for _, constructor := range f.Funcs {
			documented[constructor.Name] = constructor.Doc
		}
	}
	for name, says := range map[string]string{
		"New": "3 times", "WithRetryAttempts": "default is 3", "WithBackoffMultiplier": "default is 1 s", "WithBackoffMin": "default is 1 s", "WithBackoffMax": "default is 4 s",
	} {
		if !strings.Contains(strings.ReplaceAll(documented[name], "\n", " "), says) {
			t.Errorf("%s: the documentation does not say %q: %q", name, says, documented[name])
		}
	}
}

// TestRequirementsHaveTests checks that every requirement has a row in
// docs/retry.md, and that every test exists that it and docs/safety.md name.
func TestRequirementsHaveTests(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/retry.md")
	if err != nil {
		t.Fatal(err)
	}
	exists := testNames(t)
	rows := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| ((?:FR|SC|DOC)-RETRY-\d+) \|[^|]*\|([^|]*)\|$`).FindAllStringSubmatch(string(page), -1) {
		rows[row[1]] = row[2]
		if !strings.Contains(row[2], "Test") {
			t.Errorf("%s names no test", row[1])
		}
	}
	for kind, last := range map[string]int{"FR": 12, "SC": 6, "DOC": 5} {
		for i := 1; i <= last; i++ {
			if id := fmt.Sprintf("%s-RETRY-%03d", kind, i); rows[id] == "" {
				t.Errorf("%s has no row", id)
			}
		}
	}
	safety, err := os.ReadFile("docs/safety.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(string(page)+string(safety), -1) {
		if !exists[name[1]] {
			t.Errorf("there is no test %s", name[1])
		}
	}
}

// testNames are the tests and fuzz targets of all packages.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"internal/*/*_test.go", "internal/*/*/*_test.go"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(string(source), -1) {
			names[name[1]] = true
		}
	}
	return names
}
