package cli_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"xc-group-sync/internal/simulator"
)

// newcomers is an export of people and groups that no tenant has, each person
// in one group.
func newcomers(b *testing.B, people, groups int) (path string) {
	b.Helper()
	var csv strings.Builder
	csv.WriteString("Email,Entitlement Display Name\n")
	for i := range people {
		fmt.Fprintf(&csv, "person%d@example.com,CN=group-%d\n", i, i%groups)
	}
	path = filepath.Join(b.TempDir(), "export.csv")
	write(b, path, csv.String())
	return path
}

// syncNew applies an export to a new tenant, and returns how long that took, with
// how many requests over how many connections.
func syncNew(b *testing.B, path string, latency time.Duration, args ...string) (wall time.Duration, requests int, connections int64) {
	b.Helper()
	tenant := simulator.New([]simulator.User{{Email: "admin@example.com", DomainOwner: true}}, nil, simulator.WithLatency(latency))
	server := httptest.NewUnstartedServer(tenant)
	var opened atomic.Int64
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	args = append([]string{"sync", "--csv", path, "--api-url", server.URL, "--api-token", "tok-12345", "--tenant", "acme", "--log-level", "error"}, args...)
	start := time.Now()
	if code, out := program(b.Context(), nil, nil, args...); code != 0 {
		b.Fatalf("exit code %d:\n%s", code, out)
	}
	return time.Since(start), len(tenant.Requests()), opened.Load()
}

// bare is how long a loop around net/http takes for so many requests, as many
// in flight, to a server that takes so long for each.
func bare(b *testing.B, requests, concurrency int, latency time.Duration) time.Duration {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(latency) }))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
	defer client.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(requests))
	var workers sync.WaitGroup
	start := time.Now()
	for range concurrency {
		workers.Go(func() {
			for left.Add(-1) >= 0 {
				response, err := client.Post(server.URL, "application/json", strings.NewReader("{}"))
				if err != nil {
					b.Error(err)
					return
				}
				_ = response.Body.Close()
			}
		})
	}
	workers.Wait()
	return time.Since(start)
}

// BenchmarkTalking creates 2,000 users and 200 groups in a tenant that takes
// 20 ms for a request. wall/bound is the time by requests × latency ÷
// concurrency, which nothing with so many requests in flight can beat;
// bare/bound is what a bare loop around net/http gets on this machine.
func BenchmarkTalking(b *testing.B) {
	path := newcomers(b, 2000, 200)
	const latency = 20 * time.Millisecond
	for _, concurrency := range []int{4, 16, 64} {
		b.Run(fmt.Sprintf("concurrency=%d", concurrency), func(b *testing.B) {
			var ratio, floor float64
			for b.Loop() {
				wall, requests, connections := syncNew(b, path, latency, "--concurrency", fmt.Sprint(concurrency))
				if connections > int64(concurrency) {
					b.Errorf("%d connections", connections)
				}
				if requests != 3+2000+200 { // two listings and who is asking
					b.Errorf("%d requests", requests)
				}
				bound := float64(requests) * latency.Seconds() / float64(concurrency)
				ratio += wall.Seconds() / bound
				floor += bare(b, requests, concurrency, latency).Seconds() / bound
			}
			b.ReportMetric(0, "ns/op") // of both
			b.ReportMetric(ratio/float64(b.N), "wall/bound")
			b.ReportMetric(floor/float64(b.N), "bare/bound")
		})
	}
}

// BenchmarkChanges plans and applies 10 to 10,000 changes on a tenant that
// answers at once, in this very process: what a change costs, and what is held.
func BenchmarkChanges(b *testing.B) {
	for _, changes := range []int{10, 100, 1000, 10_000} {
		path := newcomers(b, changes*9/10, changes/10)
		b.Run(fmt.Sprintf("changes=%d", changes), func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				syncNew(b, path, 0, "--concurrency", "64")
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*changes), "ns/change")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N*changes), "B/change")
		})
	}
}

// BenchmarkStarting runs the built program: from exec to the first request.
// start/version is that by what the program takes to print its version, which
// is hardly more than what the system takes to start it.
func BenchmarkStarting(b *testing.B) {
	program := build(b)
	info, err := os.Stat(program)
	if err != nil {
		b.Fatal(err)
	}
	first := make(chan time.Time, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		first <- time.Now()
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	var toRequest, toVersion time.Duration
	for b.Loop() {
		start := time.Now()
		_ = exec.Command(program, "sync", "--csv", root("testdata/sample.csv"), "--api-url", server.URL, "--api-token", "tok-12345").Run()
		toRequest += (<-first).Sub(start)
		for len(first) > 0 {
			<-first
		}
		start = time.Now()
		if err := exec.Command(program, "version").Run(); err != nil {
			b.Fatal(err)
		}
		toVersion += time.Since(start)
	}
	b.ReportMetric(float64(toRequest.Microseconds())/1000/float64(b.N), "ms-to-request")
	b.ReportMetric(float64(toRequest)/float64(toVersion), "start/version")
	b.ReportMetric(float64(info.Size())/1e6, "MB-binary")
}
