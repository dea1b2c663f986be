package xc_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/xc"
)

// A TLS error is permanent, and its message names the setting that fixes it.
func TestTLSErrors(t *testing.T) {
	t.Parallel()
	ca := authority(t, nil)
	good := issue(t, ca, nil)
	elsewhere := issue(t, ca, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.example"} })
	expired := issue(t, ca, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	early := issue(t, ca, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) })
	tests := []struct {
		name     string
		identity *identity
		bundle   []byte
		change   func(*tls.Config)
		says     string // "" if all is well
	}{
		{"bundle", good, ca.pem(), nil, ""},
		{"bundle of several", good, append(authority(t, nil).pem(), ca.pem()...), nil, ""},
		{"no bundle", good, nil, nil, "ca-bundle"},
		{"another bundle", good, authority(t, nil).pem(), nil, "ca-bundle"},
		{"self-signed", issue(t, nil, nil), ca.pem(), nil, "ca-bundle"},
		{"wrong host", elsewhere, ca.pem(), nil, "api-url"},
		{"expired", expired, ca.pem(), nil, "expired"},
		{"not valid yet", early, ca.pem(), nil, "clock"},
		{"old TLS", good, ca.pem(), func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, "handshake"},
		{"client certificate wanted", good, ca.pem(), func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }, "client certificate"},
		{"client certificate wanted, TLS 1.2", good, ca.pem(), func(c *tls.Config) {
			c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		}, "client certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := &tls.Config{Certificates: []tls.Certificate{tt.identity.tls()}}
			if tt.change != nil {
				tt.change(config)
			}
			server := serveTLS(t, config, answering(200, oneUser))
			checkPermanent(t, settled(func() error {
				_, err := connect(t, server.URL, xc.TransportOptions{CABundle: tt.bundle}).Users(t.Context())
				return err
			}), tt.says)
		})
	}
}

// settled asks until the answer is no transient error: a server of TLS 1.3
// refuses a client certificate after the handshake only, when its alert and the
// end of the connection race with the request.
func settled(ask func() error) (err error) {
	for range 100 {
		if err = ask(); !retry.FaultOf(err).Transient {
			break
		}
	}
	return err
}

func checkPermanent(t *testing.T, err error, says string) {
	t.Helper()
	if says == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error()+retry.HintOf(err), says) || retry.FaultOf(err).Transient {
		t.Errorf("error = %v (%+v), want a permanent one that says %q", err, retry.FaultOf(err), says)
	}
}

// A connection that breaks may be a server of TLS 1.3 that refuses the client
// certificate: its alert is lost where the request is still being sent.
func TestBrokenConnectionsNameTheCertificate(t *testing.T) {
	t.Parallel()
	for _, e := range []*net.OpError{
		{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)},
		{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.EPIPE)},
	} {
		client := xc.New(xc.Options{BaseURL: "https://tenant.example", Transport: tripper(func(*http.Request) (*http.Response, error) { return nil, e })})
		_, err := client.Users(t.Context())
		if hint := retry.HintOf(err); !strings.Contains(hint, "run it again later; ") || !strings.Contains(hint, "p12-file or cert-file") {
			t.Errorf("the hint for %v is %q", e, hint)
		}
	}
}

func TestPlainServer(t *testing.T) {
	t.Parallel()
	server := serve(t, answering(200, oneUser))
	client := connect(t, strings.Replace(server.URL, "http:", "https:", 1), xc.TransportOptions{})
	_, err := client.Users(t.Context())
	checkPermanent(t, err, "api-url")
	if stats := client.Stats(); stats.Retries != 0 {
		t.Errorf("stats = %+v", stats)
	}
}

// Nor does a server that does not speak HTTP.
func TestOtherServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("SSH-2.0-OpenSSH_9.6\r\n"))
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	}()
	_, err = connect(t, "https://"+listener.Addr().String(), xc.TransportOptions{}).Users(t.Context())
	checkPermanent(t, err, "api-url")
}

func TestBadBundle(t *testing.T) {
	t.Parallel()
	for _, bundle := range []string{"", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		if _, err := xc.NewTransport(xc.TransportOptions{CABundle: []byte(bundle)}); err == nil {
			t.Errorf("%q: no error", bundle)
		}
	}
}

// Unreachable servers and unknown hosts are transient, and say what to check.
func TestConnectionErrors(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	_ = listener.Close()
	lookup := transport(t, xc.TransportOptions{})
	lookup.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "tenant.example", IsNotFound: true}}
	}
	for _, tt := range []struct {
		name      string
		base      string
		transport http.RoundTripper
		says      string
	}{
		{"closed port", "http://" + closed, transport(t, xc.TransportOptions{}), "connection refused"},
		{"unknown host", "http://tenant.example", lookup, "tenant, api-url and proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := xc.New(xc.Options{BaseURL: tt.base, Transport: tt.transport}).Users(t.Context())
			if fault := retry.FaultOf(err); err == nil || !fault.Transient || fault.Ambiguous || !strings.Contains(err.Error()+retry.HintOf(err), tt.says) {
				t.Errorf("error = %v (%+v), want a transient one that says %q", err, fault, tt.says)
			}
		})
	}
}

// Connections are used again, and there are never more than the limit.
func TestConnections(t *testing.T) {
	t.Parallel()
	const limit, requests = 3, 40
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			ca := authority(t, nil)
			var made, open, most atomic.Int64
			var mu sync.Mutex
			live := map[net.Conn]bool{}
			config := &tls.Config{Certificates: []tls.Certificate{issue(t, ca, nil).tls()}}
			server := serveUnstarted(t, config, version == "HTTP/2.0", func(w http.ResponseWriter, r *http.Request) {
				if r.Proto != version {
					t.Errorf("protocol = %s", r.Proto)
				}
				answering(200, oneUser)(w, r)
			}, func(conn net.Conn, state http.ConnState) {
				mu.Lock()
				defer mu.Unlock()
				switch state {
				case http.StateNew:
					made.Add(1)
					live[conn] = true
					open.Add(1)
				case http.StateClosed, http.StateHijacked:
					if live[conn] {
						delete(live, conn)
						open.Add(-1)
					}
				}
				most.Store(max(most.Load(), open.Load()))
			})
			client := connect(t, server.URL, xc.TransportOptions{CABundle: ca.pem(), Connections: limit})
			var wg sync.WaitGroup
			for range requests {
				wg.Go(func() {
					if _, err := client.Users(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if made.Load() > limit || most.Load() > limit {
				t.Errorf("%d connections for %d requests, %d at once, want at most %d", made.Load(), requests, most.Load(), limit)
			}
			if stats := client.Stats(); stats.Requests != requests || stats.Max < stats.P95 || stats.P95 < stats.P50 || stats.P50 <= 0 {
				t.Errorf("stats = %+v", stats)
			}
		})
	}
}
