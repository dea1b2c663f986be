package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// TestNetworkCertificates meets servers whose certificates are not in order.
func TestNetworkCertificates(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	for _, tt := range []struct {
		name   string
		issuer *identity // nil: itself
		change func(*x509.Certificate)
		code   int
		says   string
	}{
		{"good", ca, nil, 0, "errors=0"},
		{"expired", ca, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, 1, "certificate has expired"},
		{"wrong host", ca, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.invalid"} }, 1, "check api-url"},
		{"self-signed", nil, nil, 1, "set ca-bundle"},
		{"of an unknown authority", newAuthority(t), nil, 1, "set ca-bundle"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := networkTenant(networkToken)
			server := listen(t, &tls.Config{Certificates: []tls.Certificate{issue(t, tt.issuer, tt.change).Certificate}}, tenant)
			j := journey{withToken(), []string{"--api-url", server.URL, "--ca-bundle", ca.file(t)}, tt.code, tt.says}
			j.travel(t, tenant)
		})
	}
}

// TestNetworkBodies meets answers that come slowly, for ever, or in part.
func TestNetworkBodies(t *testing.T) {
	t.Parallel()
	const begun = `{"user_groups":[`
	short := []string{"--timeout", "0.2", "--http-retry-attempts", "1"}
	for _, tt := range []struct {
		name    string
		listing func(http.ResponseWriter, *http.Request, []byte) // gets the tenant's own answer
		args    []string
		code    int
		says    string
	}{
		{"byte by byte", func(w http.ResponseWriter, _ *http.Request, body []byte) {
			for i := range body {
				send(w, string(body[i:i+1]))
			}
		}, nil, 0, "errors=0"},
		{"trickling for ever", func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			send(w, begun)
			for range time.Tick(10 * time.Millisecond) {
				if !send(w, " ") {
					return
				}
			}
		}, short, 1, "within the timeout of 200ms"},
		{"endless", func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			send(w, begun)
			for i := 0; send(w, fmt.Sprintf(`{"name":"group-%d","usernames":[]},`, i)); i++ {
			}
		}, short, 1, "within the timeout of 200ms"},
		{"no answer", func(_ http.ResponseWriter, r *http.Request, _ []byte) { <-r.Context().Done() }, short, 1, "within the timeout of 200ms"},
		{"cut off", func(w http.ResponseWriter, _ *http.Request, body []byte) {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			send(w, string(body[:len(body)/2]))
			panic(http.ErrAbortHandler)
		}, short[2:], 1, "connection closed before the complete response arrived: unexpected EOF"},
		{"cut off between chunks", func(w http.ResponseWriter, _ *http.Request, body []byte) {
			send(w, string(body[:len(body)/2]))
			panic(http.ErrAbortHandler)
		}, short[2:], 1, "connection closed before the complete response arrived: unexpected EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := networkTenant(networkToken)
			server := listen(t, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/user_groups") {
					tenant.ServeHTTP(w, r)
					return
				}
				answer := httptest.NewRecorder()
				tenant.ServeHTTP(answer, r)
				w.Header().Set("Content-Type", "application/json")
				tt.listing(w, r, answer.Body.Bytes())
			}))
			j := journey{withToken(), append([]string{"--api-url", server.URL}, tt.args...), tt.code, tt.says}
			j.travel(t, tenant)
		})
	}
}

// send puts a part of an answer on the wire, and reports whether it could.
func send(w http.ResponseWriter, part string) bool {
	_, err := io.WriteString(w, part)
	return err == nil && http.NewResponseController(w).Flush() == nil
}

// TestNetworkRedirects is sent on to another host, which must hear nothing.
func TestNetworkRedirects(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, what := range []string{"reads", "writes"} {
			t.Run(fmt.Sprint(status, " of ", what), func(t *testing.T) {
				t.Parallel()
				var heard atomic.Int64
				other := listen(t, nil, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
				tenant := networkTenant(networkToken)
				server := listen(t, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if (r.Method == http.MethodGet) != (what == "reads") {
						tenant.ServeHTTP(w, r)
						return
					}
					http.Redirect(w, r, other.URL+r.URL.Path, status)
				}))
				j := journey{withToken(), []string{"--api-url", server.URL}, 3, "check api-url and tenant first"}
				j.travel(t, tenant)
				if n := heard.Load(); n > 0 {
					t.Errorf("%d requests to the other host", n)
				}
			})
		}
	}
}

// TestNetworkIPv6 has a tenant at an IPv6 address.
func TestNetworkIPv6(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	shown := issue(t, ca, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv6loopback} }).Certificate
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "[::1]:0")
			if err != nil {
				t.Skip("this machine has no IPv6:", err)
			}
			tenant := networkTenant(networkToken)
			server := &http.Server{Handler: tenant, TLSConfig: &tls.Config{Certificates: []tls.Certificate{shown}}, ReadHeaderTimeout: time.Minute}
			if scheme == "https" {
				listener = tls.NewListener(listener, server.TLSConfig)
			}
			go func() { _ = server.Serve(listener) }()
			t.Cleanup(func() { _ = server.Close() })
			j := journey{withToken(), []string{"--api-url", scheme + "://" + listener.Addr().String(), "--ca-bundle", ca.file(t)}, 0, "errors=0"}
			j.travel(t, tenant)
		})
	}
}

// TestNetworkNobodyThere asks names and addresses where nobody answers.
func TestNetworkNobodyThere(t *testing.T) {
	t.Parallel()
	const nobody = "127.0.0.1:1" // no server takes this port, and no other test gets it
	for _, tt := range []struct {
		name string
		args []string
		says string
	}{
		{"no such name", []string{"--api-url", "https://nowhere.invalid"}, "the name nowhere.invalid does not resolve: check tenant, api-url and proxy"},
		{"closed port", []string{"--api-url", "http://" + nobody}, "connection refused\nhint: the server cannot be reached: check tenant, api-url and proxy"},
		{"no proxy", []string{"--api-url", "https://" + networkHost, "--proxy", "http://user:pa%20ss+w%40rd@" + nobody}, "the proxy cannot be reached: check proxy"},
		{"no such proxy", []string{"--api-url", "https://" + networkHost, "--proxy", "http://user:pa%20ss+w%40rd@nowhere.invalid"}, "the proxy cannot be reached: check proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			j := journey{withToken(), append(tt.args, "--http-retry-attempts", "1"), 1, tt.says}
			j.travel(t, networkTenant(networkToken))
		})
	}
}

// identity is a certificate with its key.
type identity struct{ tls.Certificate }

func newAuthority(t *testing.T) *identity {
	t.Helper()
	return issue(t, nil, func(c *x509.Certificate) {
		c.Subject.CommonName = "xc-group-sync test authority"
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	})
}

// issue makes a certificate of this hour for loopback and the tenant's name;
// of its own authority where issuer is nil.
func issue(t *testing.T, issuer *identity, change func(*x509.Certificate)) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Error(err)
		return &identity{}
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "xc-group-sync test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{networkHost},
	}
	if change != nil {
		change(template)
	}
	parent, signer := template, any(key)
	if issuer != nil {
		parent, signer = issuer.Leaf, issuer.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Error(err)
		return &identity{}
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Error(err)
	}
	return &identity{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}}
}

func (i *identity) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(i.Leaf)
	return pool
}

// file is the certificate in a PEM file.
func (i *identity) file(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Leaf.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// container is the base64 text of a PKCS#12 file.
func (i *identity) container(t *testing.T) string {
	t.Helper()
	container, err := pkcs12.Modern.Encode(i.PrivateKey, i.Leaf, nil, networkPassword)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(container)
}
