package xc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/xc"
)

const (
	token = "s3cr3t-t0k3n"
	root  = "/api/web/custom/namespaces/system/"

	oneUser  = `{"items":[{"email":"ann@example.com"}]}`
	noGroups = `{"user_groups":[]}`
)

// ann is a user to create.
var ann = directory.User{
	Email: "ann@example.com", Username: "ann@example.com", Name: directory.PersonName{First: "Ann", Last: "Example"},
	IDMType: directory.IDMSSO, Type: directory.TypeUser,
}

// hide hides the token.
func hide(text string) string { return strings.ReplaceAll(text, token, "***") }

// tripper answers without a network.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// reply is an answer.
type reply struct {
	status int
	header http.Header
	body   string
}

func (a reply) response(r *http.Request) *http.Response {
	header := a.header
	if header == nil {
		header = http.Header{"Content-Type": {"application/json"}}
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}
}

// replying makes a client whose tenant gives the same answer to everything.
func replying(a reply) *xc.Client {
	return xc.New(xc.Options{BaseURL: "https://tenant.example", Transport: tripper(func(r *http.Request) (*http.Response, error) { return a.response(r), nil })})
}

// serve starts a server that is closed with the test.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// serveTLS starts a server with a certificate of its own.
func serveTLS(t *testing.T, config *tls.Config, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	return serveUnstarted(t, config, true, handler, nil)
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// transport makes the client's own transport, closed with the test.
func transport(t *testing.T, options xc.TransportOptions) *http.Transport {
	t.Helper()
	made, err := xc.NewTransport(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.CloseIdleConnections)
	return made
}

// connect makes a client without repetitions.
func connect(t *testing.T, base string, options xc.TransportOptions) *xc.Client {
	t.Helper()
	return xc.New(xc.Options{BaseURL: base, Token: token, Hide: hide, Timeout: 10 * time.Second, Transport: transport(t, options)})
}

// record keeps the requests that a handler or a transport sees.
type record struct {
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

func (r *record) add(request *http.Request) int {
	body := ""
	if request.Body != nil {
		all, _ := io.ReadAll(request.Body)
		body = string(all)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests, r.bodies = append(r.requests, request), append(r.bodies, body)
	return len(r.requests)
}

func (r *record) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.requests)
}

// identity is a certificate with its key and, but for roots, its issuer.
type identity struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// issue makes a certificate; of its own authority where issuer is nil.
func issue(t *testing.T, issuer *identity, change func(*x509.Certificate)) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "xc-group-sync test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if change != nil {
		change(template)
	}
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.certificate, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &identity{certificate, key}
}

func authority(t *testing.T, issuer *identity) *identity {
	t.Helper()
	return issue(t, issuer, func(c *x509.Certificate) {
		c.Subject.CommonName = "xc-group-sync test authority"
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.IPAddresses = true, true, x509.KeyUsageCertSign, nil
	})
}

func (i *identity) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.certificate.Raw})
}

func (i *identity) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(i.certificate)
	return pool
}

func (i *identity) tls() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{i.certificate.Raw}, PrivateKey: i.key, Leaf: i.certificate}
}

// serveUnstarted is serveTLS with a say in the protocol and a look at the
// connections.
func serveUnstarted(t *testing.T, config *tls.Config, http2 bool, handler http.HandlerFunc, seen func(net.Conn, http.ConnState)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2, server.TLS = http2, config
	server.Config.ConnState = seen
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}
