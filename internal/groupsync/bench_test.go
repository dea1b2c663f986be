package groupsync_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
	"xc-group-sync/internal/xc"
)

// wanted is a directory of so many people, each in one of so many groups.
func wanted(tb testing.TB, people, groups int) *directory.Desired {
	tb.Helper()
	desired := &directory.Desired{}
	for i := range groups {
		dn, err := directory.ParseDN(fmt.Sprintf("CN=group-%05d,OU=Groups,DC=example,DC=com", i))
		if err != nil {
			tb.Fatal(err)
		}
		desired.Groups = append(desired.Groups, &directory.DesiredGroup{Name: directory.GroupName(fmt.Sprintf("group-%05d", i)), DNs: []directory.DN{dn}})
	}
	for i := range people {
		email := directory.Email(fmt.Sprintf("person%06d@example.com", i))
		person := &directory.Person{Email: email, Name: directory.NewPersonName("", email)}
		desired.People = append(desired.People, person)
		group := desired.Groups[i%groups]
		group.Members = append(group.Members, person)
	}
	return desired
}

// empty is a tenant with nobody but its owner.
func empty(options ...simulator.Option) *simulator.Tenant {
	return simulator.New([]simulator.User{{Email: "owner@example.com", DomainOwner: true}}, nil, options...)
}

// bring reads the tenant, plans, and applies the plan; it fails unless all is
// done.
func bring(tb testing.TB, client *xc.Client, desired *directory.Desired, concurrency int) *groupsync.Outcome {
	tb.Helper()
	observed, err := client.Observe(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	outcome := groupsync.New(client, groupsync.WithConcurrency(concurrency)).Apply(context.Background(), plan.New(desired, observed, plan.Policy{}))
	for _, result := range outcome.Results {
		if result.Status != groupsync.Done {
			tb.Fatalf("%s %s: %s: %v", result.Action, result.Name(), result.Status, result.Err)
		}
	}
	return outcome
}

// BenchmarkTalking creates 2,000 users and 200 groups on a tenant on loopback
// whose every answer takes 20 ms. wall/bound is the time that it takes by
// requests × latency ÷ concurrency, the latency as the server measures it: on a
// busy machine 20 ms are more. wall/plain is it by what so many bare requests of
// net/http take there. connections is how many were ever made.
func BenchmarkTalking(b *testing.B) {
	const people, groups, latency = 2000, 200, 20 * time.Millisecond
	for _, http2 := range []bool{false, true} {
		for _, concurrency := range []int{4, 32} {
			b.Run(fmt.Sprintf("http2=%t/concurrency=%d", http2, concurrency), func(b *testing.B) {
				var requests, connections int
				var took, served, plain time.Duration
				for b.Loop() {
					tenant := empty()
					server := newSlowServer(b, tenant, latency, http2)
					transport, err := xc.NewTransport(xc.TransportOptions{CABundle: server.authority(), Connections: concurrency})
					if err != nil {
						b.Fatal(err)
					}
					client := xc.New(xc.Options{BaseURL: server.URL, Transport: transport, Timeout: 30 * time.Second, Concurrency: concurrency})
					desired := wanted(b, people, groups)
					start := time.Now()
					bring(b, client, desired, concurrency)
					took += time.Since(start)
					requests += len(tenant.Requests())
					served += time.Duration(server.served.Load())
					if connections = max(connections, server.connections()); connections > concurrency {
						b.Errorf("%d connections, want at most %d", connections, concurrency)
					}
					plain += bare(b, transport, server.URL, 2+people+groups, concurrency)
					transport.CloseIdleConnections()
					server.Close()
				}
				if want := b.N * (2 + people + groups); requests != want {
					b.Errorf("%d requests, want %d", requests, want)
				}
				b.ReportMetric(float64(took)/(float64(served)/float64(concurrency)), "wall/bound")
				b.ReportMetric(float64(took)/float64(plain), "wall/plain")
				b.ReportMetric(float64(served.Milliseconds())/float64(requests), "latency-ms")
				b.ReportMetric(float64(connections), "connections")
				b.ReportMetric(float64(requests)/float64(b.N), "requests")
			})
		}
	}
}

// bare is how long so many requests of net/http alone take.
func bare(b *testing.B, transport http.RoundTripper, url string, requests, concurrency int) time.Duration {
	b.Helper()
	client := http.Client{Transport: transport}
	start := time.Now()
	var group errgroup.Group
	group.SetLimit(concurrency)
	for range requests {
		group.Go(func() error {
			response, err := client.Get(url + root + "whoami")
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, response.Body)
			return errors.Join(err, response.Body.Close())
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// slowServer counts the connections that are made to it.
type slowServer struct {
	*httptest.Server
	mu     sync.Mutex
	made   int
	served atomic.Int64 // nanoseconds, of all requests together
}

func newSlowServer(b *testing.B, tenant http.Handler, latency time.Duration, http2 bool) *slowServer {
	b.Helper()
	s := &slowServer{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		time.Sleep(latency)
		tenant.ServeHTTP(w, r)
		s.served.Add(int64(time.Since(start)))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mu.Lock()
			s.made++
			s.mu.Unlock()
		}
	}
	if s.EnableHTTP2 = http2; http2 {
		s.StartTLS()
	} else {
		s.Start()
	}
	b.Cleanup(s.Close)
	return s
}

// authority is the server's certificate; nil where it speaks no TLS.
func (s *slowServer) authority() []byte {
	if s.Certificate() == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func (s *slowServer) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made
}

// agreeable is a tenant that says yes to everything, at once, so that hardly
// anything but the program is measured. It looks at the heap each time.
type agreeable struct {
	mu   sync.Mutex
	most uint64 // bytes of objects on the heap, garbage included
}

func (a *agreeable) RoundTrip(r *http.Request) (*http.Response, error) {
	body := `{"items":[{"email":"owner@example.com"}],"user_groups":[]}`
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	a.mu.Lock()
	a.most = max(a.most, heap())
	a.mu.Unlock()
	header := http.Header{"Content-Type": {"application/json"}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// BenchmarkChanges plans and carries out 10 to 10,000 changes, a tenth of them
// groups, to show what a change costs as they grow. peak-B/change is the most
// memory in use, garbage included.
func BenchmarkChanges(b *testing.B) {
	for _, changes := range []int{10, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("changes=%d", changes), func(b *testing.B) {
			desired := wanted(b, changes-changes/10, changes/10)
			times := max(1, 10_000/changes) // a short time is measured badly
			var costs, peaks []float64
			for b.Loop() {
				runtime.GC() // the garbage from before is not to be paid for
				before := heap()
				tenant := &agreeable{}
				start := cpu(b)
				for range times {
					bring(b, xc.New(xc.Options{BaseURL: base, Transport: tenant, Concurrency: 4}), desired, 4)
				}
				costs = append(costs, float64(cpu(b)-start)/float64(times*changes))
				peaks = append(peaks, float64(tenant.most-before)/float64(changes))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(costs), "cpu-ns/change")
			b.ReportMetric(median(peaks), "peak-B/change")
		})
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// cpu is the CPU time of this process so far, the garbage collector's included.
// Other processes hardly disturb it.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
