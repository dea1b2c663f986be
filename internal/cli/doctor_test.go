package cli_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xc-group-sync/internal/cli"
	"xc-group-sync/internal/simulator"
)

// examined is a check as the JSON report has it.
type examined struct {
	Name, Status, Detail, Hint string
	Items                      []struct{ Name, Note string }
}

// examine runs doctor over a real network, and returns the exit code, the checks
// by name and all output. It must send nothing but GETs and show no secret.
func examine(t *testing.T, tenant *simulator.Tenant, env map[string]string, args ...string) (int, map[string]examined, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	report := filepath.Join(t.TempDir(), "report.json")
	args = append([]string{"doctor", "--http-retry-attempts", "1", "--log-level", "debug", "--report-file", report}, args...)
	code, out := program(ctx, env, nil, args...)
	var saved struct {
		Result string
		Checks []examined
	}
	document := readJSON(t, report, &saved)
	if (saved.Result == "success") != (code == 0) {
		t.Errorf("the report says %q after exit code %d", saved.Result, code)
	}
	for _, secret := range networkSecrets(env) {
		if strings.Contains(out+document, secret) {
			t.Errorf("the output shows %q:\n%s\n%s", secret, out, document)
		}
	}
	if n := len(writesOf(tenant.Requests())); n > 0 {
		t.Errorf("%d writes", n)
	}
	byName := map[string]examined{}
	for _, check := range saved.Checks {
		if byName[check.Name].Status != "FAIL" {
			byName[check.Name] = check
		}
	}
	return code, byName, out
}

// expectFail checks that one check failed with a hint, and that every one that
// needs it says that it was not made.
func expectFail(t *testing.T, checks map[string]examined, name, hint, out string) {
	t.Helper()
	if c := checks[name]; c.Status != "FAIL" || !strings.Contains(c.Hint, hint) {
		t.Errorf("%s is %q with the hint %q, want FAIL and %q:\n%s", name, c.Status, c.Hint, hint, out)
	}
	if c := checks["user type"]; c.Status != "warn" || !strings.Contains(c.Detail, "not checked: "+name+" failed") {
		t.Errorf("user type is %q, %q", c.Status, c.Detail)
	}
	for _, check := range checks {
		if check.Status == "FAIL" && check.Name != name {
			t.Errorf("%s failed, too: %s", check.Name, check.Detail)
		}
	}
}

// TestDoctorFindsWhereTheNetworkEnds, with the exit code and a hint.
func TestDoctorFindsWhereTheNetworkEnds(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	shown := func(issuer *identity, change func(*x509.Certificate)) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{issue(t, issuer, change).Certificate}}
	}
	client := issue(t, newAuthority(t), nil)
	demanding := func(version uint16) *tls.Config {
		config := shown(ca, nil)
		config.ClientAuth, config.ClientCAs, config.MaxVersion = tls.RequireAndVerifyClientCert, ca.pool(), version
		return config
	}
	for _, tt := range []struct {
		name       string
		server     *tls.Config
		env        map[string]string
		url        string // in place of the server's
		code       int
		fails, how string
	}{
		{"good", shown(ca, nil), withToken(), "", 0, "", ""},
		{"no such name", nil, withToken(), "https://nowhere.invalid", 1, "dns", "check tenant, api-url and proxy"},
		{"closed port", nil, withToken(), "http://127.0.0.1:1", 1, "tcp", "check tenant, api-url and proxy"},
		{"expired", shown(ca, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), withToken(), "", 1, "tls", "has expired"},
		{"wrong host", shown(ca, func(c *x509.Certificate) { c.IPAddresses = nil }), withToken(), "", 1, "tls", "for another name"},
		{"unknown authority", shown(nil, nil), withToken(), "", 1, "tls", "set ca-bundle"},
		{"certificate demanded, TLS 1.2", demanding(tls.VersionTLS12), withToken(), "", 1, "tls", "client certificate"},
		{"certificate of another authority, TLS 1.2", demanding(tls.VersionTLS12), map[string]string{"XC_P12": client.container(t), "VES_P12_PASSWORD": networkPassword}, "", 1, "tls", "p12-file or cert-file"},
		{"unknown token", shown(ca, nil), map[string]string{"XC_API_TOKEN": "another-token"}, "", 3, "credentials", "check that api-token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := networkTenant(networkToken)
			url := tt.url
			if url == "" {
				url = listen(t, tt.server, tenant).URL
			}
			code, checks, out := examine(t, tenant, tt.env, "--api-url", url, "--ca-bundle", ca.file(t))
			if code != tt.code {
				t.Errorf("exit code %d, want %d:\n%s", code, tt.code, out)
			}
			if tt.fails != "" {
				expectFail(t, checks, tt.fails, tt.how, out)
				return
			}
			for _, name := range []string{"dns", "tcp", "proxy", "tls", "clock", "credentials", "users and groups"} {
				if checks[name].Status != "ok" {
					t.Errorf("%s is %q: %s", name, checks[name].Status, checks[name].Detail)
				}
			}
			if !strings.Contains(checks["tls"].Detail, "by xc-group-sync test authority") {
				t.Errorf("tls: %s", checks["tls"].Detail)
			}
		})
	}
}

// TestDoctorNoTLS asks a server that does not speak TLS.
func TestDoctorNoTLS(t *testing.T) {
	t.Parallel()
	tenant := networkTenant(networkToken)
	server := listen(t, nil, tenant)
	code, checks, out := examine(t, tenant, withToken(), "--api-url", strings.Replace(server.URL, "http:", "https:", 1))
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	expectFail(t, checks, "tls", "does not speak TLS", out)
}

// TestDoctorProxy goes through broken proxies, and a working one.
func TestDoctorProxy(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	shown := &tls.Config{Certificates: []tls.Certificate{issue(t, ca, nil).Certificate}}
	for _, tt := range []struct {
		name       string
		config     *tls.Config // of the proxy
		given      string      // password
		url        string      // in place of the proxy's
		code       int
		fails, how string
	}{
		{"good", nil, networkPassword, "", 0, "", ""},
		{"good, by TLS", shown, networkPassword, "", 0, "", ""},
		{"no login", nil, "", "", 1, "proxy", "set proxy to"},
		{"wrong login", nil, networkMistake, "", 1, "proxy", "set proxy to"},
		{"unknown authority", &tls.Config{Certificates: []tls.Certificate{issue(t, nil, nil).Certificate}}, networkPassword, "", 1, "proxy", "the proxy's certificate"},
		{"no such proxy", nil, "", "http://nowhere.invalid", 1, "dns", "check proxy"},
		{"closed port", nil, "", "http://127.0.0.1:1", 1, "tcp", "check proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := networkTenant(networkToken)
			proxy := startProxy(t, tt.config, listen(t, shown.Clone(), tenant).Listener.Addr().String(), "user:"+networkPassword)
			if tt.config != nil {
				proxy.address.Scheme = "https"
			}
			url := tt.url
			if url == "" {
				url = proxy.as(tt.given)
			}
			code, checks, out := examine(t, tenant, withToken(), "--api-url", "https://"+networkHost, "--ca-bundle", ca.file(t), "--proxy", url)
			if code != tt.code {
				t.Errorf("exit code %d, want %d:\n%s", code, tt.code, out)
			}
			if tt.fails != "" {
				expectFail(t, checks, tt.fails, tt.how, out)
			} else if c := checks["proxy"]; c.Status != "ok" || !strings.Contains(c.Detail, proxy.address.Host) {
				t.Errorf("proxy is %q: %s", c.Status, c.Detail)
			}
		})
	}
}

// TestClientCertificateExpiry warns in time, by doctor and by sync.
func TestClientCertificateExpiry(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	const days = 24 * time.Hour
	for _, tt := range []struct {
		name   string
		left   time.Duration
		args   []string
		status string
		code   int // of doctor
	}{
		{"in 13 days", 13*days + time.Hour, nil, "warn", 0},
		{"in 14 days", 14*days + time.Hour, nil, "ok", 0},
		{"sooner than asked for", 20 * days, []string{"--expiry-warning", "30"}, "warn", 0},
		{"off", time.Hour, []string{"--expiry-warning", "0"}, "ok", 0},
		{"expired", -time.Minute, []string{"--expiry-warning", "0"}, "FAIL", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			own := issue(t, ca, func(c *x509.Certificate) {
				c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(tt.left)
			})
			env := map[string]string{"XC_P12": own.container(t), "VES_P12_PASSWORD": networkPassword}
			tenant := networkTenant("")
			server := listen(t, nil, tenant)
			code, checks, out := examine(t, tenant, env, append([]string{"--api-url", server.URL}, tt.args...)...)
			if c := checks["client certificate"]; code != tt.code || c.Status != tt.status || (c.Hint != "") != (tt.status != "ok") {
				t.Errorf("exit code %d, %q %q:\n%s", code, c.Status, c.Hint, out)
			}
			var text bytes.Buffer
			cli.MainContext(t.Context(), append([]string{"plan", "--csv", root("testdata/sample.csv"), "--api-url", server.URL}, tt.args...), func(name string) string { return env[name] }, strings.NewReader(""), &text, &bytes.Buffer{})
			if told := strings.Contains(text.String(), "warning: the client certificate expire"); told != (tt.status != "ok") {
				t.Errorf("plan warns: %v:\n%s", told, &text)
			}
		})
	}
}

// TestDoctorClock compares the server's clock with this machine's.
func TestDoctorClock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, status, says string
		ahead              time.Duration // of the server; 0: it tells no time
	}{
		{"ahead", "warn", "behind the server's", time.Hour},
		{"behind", "warn", "ahead of the server's", -time.Hour},
		{"a little ahead", "ok", "agrees", 10 * time.Second},
		{"no date", "warn", "not checked", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := networkTenant(networkToken)
			server := listen(t, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Date"] = nil
				if tt.ahead != 0 {
					w.Header().Set("Date", time.Now().Add(tt.ahead).UTC().Format(http.TimeFormat))
				}
				tenant.ServeHTTP(w, r)
			}))
			code, checks, _ := examine(t, tenant, withToken(), "--api-url", server.URL)
			if c := checks["clock"]; code != 0 || c.Status != tt.status || !strings.Contains(c.Detail, tt.says) {
				t.Errorf("exit code %d, %q: %s", code, c.Status, c.Detail)
			}
		})
	}
}

// TestDoctorIsInterrupted, and says so by its exit code.
func TestDoctorIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := listen(t, nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }))
	if code, out := program(ctx, withToken("XC_API_URL", server.URL), nil, "doctor"); code != 130 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
