package openapitest_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"xc-group-sync/internal/cli"
	"xc-group-sync/internal/openapitest"
	"xc-group-sync/internal/simulator"
)

// TestNothingUndocumentedIsSent checks a run with every kind of operation
// against F5's documents.
func TestNothingUndocumentedIsSent(t *testing.T) {
	t.Parallel()
	checker := openapitest.Load(t)
	users, groups := simulator.Sample()
	checked := checker.Transport(t, simulator.New(users, groups, simulator.WithFaults(0.1, 3)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := r.Clone(r.Context())
		request.URL.Scheme, request.URL.Host, request.RequestURI = "http", r.Host, ""
		response, err := checked.RoundTrip(request)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer func() { _ = response.Body.Close() }()
		maps.Copy(w.Header(), response.Header)
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body)
	}))
	defer server.Close()
	var out bytes.Buffer
	if code := cli.Main([]string{
		"sync", "--csv", "../../testdata/sample.csv", "--tenant", "acme", "--api-url", server.URL, "--api-token", "tok-12345", "--log-level", "error",
		"--prune", "all", "--max-removals", "none", "--update-users",
		"--backoff-min", "0", "--backoff-max", "0", "--group-retry-attempts", "5", "--group-backoff-min", "0", "--group-backoff-max", "0",
	}, func(string) string { return "" }, nil, &out, &out); code != 0 {
		t.Errorf("exit code %d:\n%s", code, &out)
	}
}
