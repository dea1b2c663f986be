package cli_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xc-group-sync/internal/simulator"
)

const (
	networkToken    = "t0k3n-of-acme"
	networkPassword = "pa ss+w@rd" // of containers and proxies
	networkMistake  = "mi st+k@n"  // in place of it
	networkHost     = "acme.invalid"
)

// journey is one run of the whole program over a real network, loopback at
// least, and what it must come to.
type journey struct {
	env  map[string]string
	args []string
	code int
	says string // what the output must hold
}

// travel runs the journey with the tenant at the end of it. A run that fails
// must have written nothing, and no run may show a secret, wherever it writes.
func (j *journey) travel(t *testing.T, tenant *simulator.Tenant) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a run that hangs ends with 130
	defer cancel()
	report := filepath.Join(t.TempDir(), "report.json")
	args := append([]string{"sync", "--csv", root("testdata/sample.csv"), "--tenant", "acme", "--log-level", "debug", "--report-file", report}, j.args...)
	code, said := program(ctx, j.env, nil, args...)
	if code != j.code || !strings.Contains(said, j.says) {
		t.Errorf("exit code %d, want %d and %q:\n%s", code, j.code, j.says, said)
	}
	saved := read(t, report)
	for _, secret := range networkSecrets(j.env) {
		if strings.Contains(said+saved, secret) {
			t.Errorf("the output shows %q:\n%s\n%s", secret, said, saved)
		}
	}
	if writes := len(writesOf(tenant.Requests())); (writes > 0) != (j.code == 0) {
		t.Errorf("exit code %d after %d writes:\n%s", code, writes, said)
	}
}

// networkSecrets are all forms in which a secret might be shown.
func networkSecrets(env map[string]string) []string {
	secrets := []string{networkToken}
	for _, password := range []string{networkPassword, networkMistake} {
		_, written, _ := strings.Cut(url.UserPassword("user", password).String(), ":")
		secrets = append(secrets, password, written, url.QueryEscape(password), base64.StdEncoding.EncodeToString([]byte("user:"+password)))
	}
	if container := env["XC_P12"]; container != "" {
		secrets = append(secrets, container[:40])
	}
	return secrets
}

// networkTenant takes the token, or any credentials where token is empty.
func networkTenant(token string) *simulator.Tenant {
	users, groups := simulator.Sample()
	return simulator.New(users, groups, simulator.WithToken(token))
}

// withToken is an environment that holds the token and more: name, value, …
func withToken(more ...string) map[string]string {
	env := map[string]string{"XC_API_TOKEN": networkToken}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

// listen starts a server that is closed with the test; with TLS where config
// is not nil.
func listen(t *testing.T, config *tls.Config, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2, server.TLS = true, config
	if config == nil {
		server.Start()
	} else {
		server.StartTLS()
	}
	t.Cleanup(server.Close)
	return server
}

// forwardProxy connects to one server, whatever host is asked for.
type forwardProxy struct {
	to      string // host:port
	login   string // user:password; empty: it asks for none
	address *url.URL
	tunnels sync.WaitGroup

	mu   sync.Mutex
	seen []*http.Request
	ends []net.Conn
}

// startProxy starts one; it is spoken to by TLS where config is not nil.
func startProxy(t *testing.T, config *tls.Config, to, login string) *forwardProxy {
	t.Helper()
	p := &forwardProxy{to: to, login: login}
	server := listen(t, config, p)
	t.Cleanup(p.close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	p.address = address
	return p
}

// close ends the tunnels: a client may keep its end open for later.
func (p *forwardProxy) close() {
	p.mu.Lock()
	for _, end := range p.ends {
		_ = end.Close()
	}
	p.mu.Unlock()
	p.tunnels.Wait()
}

// as is the proxy's URL with a login; without one where password is empty.
func (p *forwardProxy) as(password string) string {
	address := *p.address
	if password != "" {
		address.User = url.UserPassword("user", password)
	}
	return address.String()
}

func (p *forwardProxy) requests() []*http.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

func (p *forwardProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.seen = append(p.seen, r)
	p.mu.Unlock()
	wanted := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.login))
	switch {
	case p.login != "" && r.Header.Get("Proxy-Authorization") != wanted:
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	case r.Method != http.MethodConnect:
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	there, err := net.Dial("tcp", p.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	p.mu.Lock()
	p.ends = append(p.ends, here, there)
	p.mu.Unlock()
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	p.tunnels.Go(func() { _, _ = io.Copy(there, buffered); _ = there.Close() })
	p.tunnels.Go(func() { _, _ = io.Copy(here, there); _ = here.Close() })
}

// TestNetworkProxy goes through a proxy, with a login and without.
func TestNetworkProxy(t *testing.T) {
	t.Parallel()
	const right, login = networkPassword, "user:" + networkPassword
	for _, tt := range []struct {
		name  string
		login string // what the proxy asks for
		given string // the password in the proxy's URL
		by    string // the variable that names the proxy; empty: the flag
		no    string // NO_PROXY
		code  int
		says  string
	}{
		{"flag", "", "", "", "", 0, "errors=0"},
		{"environment", "", "", "HTTPS_PROXY", "", 0, "errors=0"},
		{"login by flag", login, right, "", "", 0, "errors=0"},
		{"login by environment", login, right, "https_proxy", "", 0, "errors=0"},
		{"wrong login", login, networkMistake, "", "", 1, "set proxy to"},
		{"wrong login in the environment", login, networkMistake, "HTTPS_PROXY", "", 1, "set proxy to"},
		{"no login", login, "", "", "", 1, "set proxy to"},
		{"another host is exempt", login, right, "HTTPS_PROXY", "other.invalid", 0, "errors=0"},
		{"the host is exempt", "", "", "HTTPS_PROXY", "other.invalid," + networkHost, 1, "does not resolve"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, ca := networkTenant(networkToken), newAuthority(t)
			server := listen(t, &tls.Config{Certificates: []tls.Certificate{issue(t, ca, nil).Certificate}}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Proxy-Authorization") != "" {
					t.Error("the tenant got the proxy's login")
				}
				tenant.ServeHTTP(w, r)
			}))
			proxy := startProxy(t, nil, server.Listener.Addr().String(), tt.login)
			j := journey{withToken("NO_PROXY", tt.no), []string{"--api-url", "https://" + networkHost, "--ca-bundle", ca.file(t)}, tt.code, tt.says}
			if tt.by == "" {
				j.args = append(j.args, "--proxy", proxy.as(tt.given))
			} else {
				j.env[tt.by] = proxy.as(tt.given)
			}
			exempt := strings.Contains(tt.no, networkHost)
			if exempt {
				j.args = append(j.args, "--http-retry-attempts", "1") // it would pass, for all that is known
			}
			j.travel(t, tenant)
			seen := proxy.requests()
			if (len(seen) == 0) != exempt || tt.code != 0 && len(seen) > 2 { // one for each listing
				t.Errorf("%d requests to the proxy", len(seen))
			}
			for _, r := range seen {
				if r.Host != networkHost+":443" || r.Header.Get("Authorization") != "" || (r.Header.Get("Proxy-Authorization") == "") != (tt.given == "") {
					t.Errorf("the proxy got %s %s with %v", r.Method, r.Host, r.Header)
				}
			}
		})
	}
}

// TestNetworkProxyByTLS speaks TLS to the proxy itself.
func TestNetworkProxyByTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	shows := func(issuer *identity, change func(*x509.Certificate)) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{issue(t, issuer, change).Certificate}, NextProtos: []string{"h2", "http/1.1"}}
	}
	for _, tt := range []struct {
		name   string
		config *tls.Config // nil: it speaks no TLS
		code   int
		says   string
	}{
		{"good", shows(ca, nil), 0, "errors=0"},
		{"unknown authority", shows(nil, nil), 1, "the proxy's certificate is signed by an unknown authority: set ca-bundle"},
		{"another name", shows(ca, func(c *x509.Certificate) { c.IPAddresses = nil }), 1, "the proxy's certificate is for another name: check proxy"},
		{"no TLS", nil, 1, "the proxy does not speak TLS: check proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := networkTenant(networkToken)
			server := listen(t, shows(ca, nil), tenant)
			proxy := startProxy(t, tt.config, server.Listener.Addr().String(), "user:"+networkPassword)
			proxy.address.Scheme = "https"
			j := journey{withToken("HTTPS_PROXY", proxy.as(networkPassword)), []string{"--api-url", "https://" + networkHost, "--ca-bundle", ca.file(t)}, tt.code, tt.says}
			j.travel(t, tenant)
		})
	}
}

// TestNetworkInspection goes through a proxy that ends TLS and makes
// certificates of its own for whatever host is asked for.
func TestNetworkInspection(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	pkcs := issue(t, other, nil).container(t)
	for _, tt := range []struct {
		name string
		journey
	}{
		{"without its authority", journey{withToken(), nil, 1, "set ca-bundle"}},
		{"with another", journey{withToken(), []string{"--ca-bundle", other.file(t)}, 1, "set ca-bundle"}},
		{"with its authority", journey{withToken(), []string{"--ca-bundle", ca.file(t)}, 0, "errors=0"}},
		{"by environment", journey{withToken("REQUESTS_CA_BUNDLE", ca.file(t)), nil, 0, "errors=0"}},
		{"client certificate", journey{map[string]string{"XC_P12": pkcs, "VES_P12_PASSWORD": networkPassword}, []string{"--ca-bundle", ca.file(t)}, 3, "a TLS-inspecting proxy drops client certificates"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := networkTenant(networkToken)
			inspector := listen(t, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				return &issue(t, ca, func(c *x509.Certificate) { c.DNSNames = []string{hello.ServerName} }).Certificate, nil
			}}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") == "" {
					http.Redirect(w, r, "https://login.invalid/", http.StatusFound)
					return
				}
				tenant.ServeHTTP(w, r)
			}))
			proxy := startProxy(t, nil, inspector.Listener.Addr().String(), "")
			tt.args = append(tt.args, "--api-url", "https://"+networkHost, "--proxy", proxy.as(""))
			tt.travel(t, tenant)
		})
	}
}

// TestNetworkClientCertificate shows a certificate to a server that demands
// one, through a proxy.
func TestNetworkClientCertificate(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	demand := func(version uint16) *tls.Config {
		return &tls.Config{
			Certificates: []tls.Certificate{issue(t, ca, nil).Certificate},
			ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: ca.pool(), MaxVersion: version,
		}
	}
	with := func(client *identity) map[string]string {
		return map[string]string{"XC_P12": client.container(t), "VES_P12_PASSWORD": networkPassword}
	}
	expired := issue(t, ca, func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(1) })
	for _, tt := range []struct {
		name    string
		version uint16 // TLS 1.3 refuses after the handshake, in a race with the request
		journey
	}{
		{"TLS 1.2", tls.VersionTLS12, journey{with(issue(t, ca, nil)), nil, 0, "errors=0"}},
		{"TLS 1.3", tls.VersionTLS13, journey{with(issue(t, ca, nil)), nil, 0, "errors=0"}},
		{"none", tls.VersionTLS12, journey{withToken(), nil, 1, "client certificate"}},
		{"of another authority", tls.VersionTLS12, journey{with(issue(t, newAuthority(t), nil)), nil, 1, "p12-file or cert-file"}},
		{"expired", tls.VersionTLS12, journey{with(expired), nil, 1, "expired"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := networkTenant("")
			server := listen(t, demand(tt.version), tenant)
			proxy := startProxy(t, nil, server.Listener.Addr().String(), "")
			tt.args = []string{"--api-url", "https://" + networkHost, "--proxy", proxy.as(""), "--ca-bundle", ca.file(t)}
			tt.travel(t, tenant)
		})
	}
}
