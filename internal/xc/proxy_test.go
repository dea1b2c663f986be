package xc_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/xc"
)

// proxyTo starts a proxy that connects to the target whatever host is asked
// for, and keeps the CONNECT requests. status is what it answers with, 200 for
// a connection; login, if any, is what it asks for.
func proxyTo(t *testing.T, target, login string, status int) (string, *record) {
	t.Helper()
	var seen record
	var (
		tunnels sync.WaitGroup
		mu      sync.Mutex
		ends    []net.Conn
	)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen.add(r)
		wanted := "Basic " + base64.StdEncoding.EncodeToString([]byte(login))
		switch {
		case r.Method != http.MethodConnect:
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		case login != "" && r.Header.Get("Proxy-Authorization") != wanted:
			w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		case status != http.StatusOK:
			w.WriteHeader(status)
			return
		}
		there, err := net.Dial("tcp", target)
		if err != nil {
			t.Error(err)
			return
		}
		here, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
		mu.Lock()
		ends = append(ends, here, there)
		mu.Unlock()
		tunnels.Go(func() { _, _ = io.Copy(there, buffered); _ = there.Close() })
		tunnels.Go(func() { _, _ = io.Copy(here, there); _ = here.Close() })
	})
	t.Cleanup(func() {
		mu.Lock()
		for _, end := range ends { // a client may keep an idle one
			_ = end.Close()
		}
		mu.Unlock()
		tunnels.Wait()
	})
	return server.URL, &seen
}

func TestProxy(t *testing.T) {
	t.Parallel()
	const login = "user:pa:ss"
	tests := []struct {
		name   string
		wanted string
		given  *url.Userinfo
		status int
		says   string
		fault  retry.Fault
	}{
		{"open", "", nil, 200, "", retry.Fault{}},
		{"login not asked for", "", url.UserPassword("user", "pa:ss"), 200, "", retry.Fault{}},
		{"login", login, url.UserPassword("user", "pa:ss"), 200, "", retry.Fault{}},
		{"no login", login, nil, 200, "set proxy to", retry.Fault{Cause: "407", Status: 407, NotSent: true}},
		{"wrong login", login, url.UserPassword("user", "wr0ng"), 200, "set proxy to", retry.Fault{Cause: "407", Status: 407, NotSent: true}},
		{"forbidden", "", nil, 403, "check proxy", retry.Fault{Cause: "403", Status: 403, NotSent: true}},
		{"no upstream", "", nil, 502, "check proxy", retry.Fault{Cause: "502", Status: 502, Transient: true, NotSent: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ca := authority(t, nil)
			server := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{issue(t, ca, nil).tls()}}, answering(200, oneUser))
			address, seen := proxyTo(t, server.Listener.Addr().String(), tt.wanted, tt.status)
			proxy, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			proxy.User = tt.given
			_, err = connect(t, server.URL, xc.TransportOptions{CABundle: ca.pem(), Proxy: http.ProxyURL(proxy)}).Users(t.Context())
			checkProxied(t, err, tt.says, tt.fault)
			if seen.count() != 1 {
				t.Fatalf("%d requests to the proxy", seen.count())
			}
			if r := seen.requests[0]; r.Host != server.Listener.Addr().String() || r.Header.Get("Authorization") != "" {
				t.Errorf("CONNECT %s with %v", r.Host, r.Header)
			}
		})
	}
}

func checkProxied(t *testing.T, err error, says string, fault retry.Fault) {
	t.Helper()
	got := retry.FaultOf(err)
	if got.Err = nil; got != fault {
		t.Errorf("fault = %+v (%v), want %+v", got, err, fault)
	}
	if says == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	var answer *xc.Error
	if err == nil || !strings.Contains(retry.HintOf(err), says) || !errors.As(err, &answer) || answer.Status != 0 {
		t.Errorf("error = %v, want one of the proxy that says %q", err, says)
	}
	for _, secret := range []string{"pa:ss", "wr0ng", token} {
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("error = %v: it shows %q", err, secret)
		}
	}
}

func TestProxyOutOfReach(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := &url.URL{Scheme: "http", Host: listener.Addr().String(), User: url.UserPassword("user", "wr0ng")}
	_ = listener.Close()
	_, err = connect(t, "https://tenant.example", xc.TransportOptions{Proxy: http.ProxyURL(proxy)}).Users(t.Context())
	checkProxied(t, err, "check proxy", retry.Fault{Cause: "connection", Transient: true, NotSent: true})
}

// A proxy that inspects TLS shows a certificate of its own.
func TestInspectingProxy(t *testing.T) {
	t.Parallel()
	shown := issue(t, authority(t, nil), func(c *x509.Certificate) { c.DNSNames = []string{"tenant.example"} })
	server := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{shown.tls()}}, answering(200, oneUser))
	address, _ := proxyTo(t, server.Listener.Addr().String(), "", 200)
	proxy, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	_, err = connect(t, "https://tenant.example", xc.TransportOptions{Proxy: http.ProxyURL(proxy)}).Users(t.Context())
	checkPermanent(t, err, "ca-bundle")
}
