package xc_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"testing"

	"software.sslmate.com/src/go-pkcs12"

	"xc-group-sync/internal/xc"
)

// mutual starts a server that demands a client certificate of the authority
// and names the client's in the user listing.
func mutual(t *testing.T, ca *identity, version uint16) string {
	t.Helper()
	server := serveTLS(t, &tls.Config{
		Certificates: []tls.Certificate{issue(t, ca, nil).tls()},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: ca.pool(), MaxVersion: version,
	}, func(w http.ResponseWriter, r *http.Request) {
		answering(200, `{"items":[{"name":"`+r.TLS.PeerCertificates[0].Subject.CommonName+`"}]}`)(w, r)
	})
	return server.URL
}

// shows reports whether the server takes the certificate for the client's.
func shows(t *testing.T, base string, ca *identity, certificate *tls.Certificate, name string) error {
	t.Helper()
	return settled(func() error {
		users, err := connect(t, base, xc.TransportOptions{CABundle: ca.pem(), Certificate: certificate}).Users(t.Context())
		if err == nil && string(users[0].Username) != name {
			t.Errorf("the server saw %q", users[0].Username)
		}
		return err
	})
}

func TestPKCS12(t *testing.T) {
	t.Parallel()
	const name = "client"
	ca := authority(t, nil)
	between := authority(t, ca)
	named := func(c *x509.Certificate) { c.Subject.CommonName = name }
	direct, chained := issue(t, ca, named), issue(t, between, named)
	servers := []string{mutual(t, ca, tls.VersionTLS12), mutual(t, ca, tls.VersionTLS13)}
	encoders := map[string]*pkcs12.Encoder{
		"RC2": pkcs12.LegacyRC2, "3DES": pkcs12.LegacyDES, "legacy": pkcs12.Legacy,
		"modern": pkcs12.Modern, "modern 2023": pkcs12.Modern2023, "modern 2026": pkcs12.Modern2026,
	}
	for kind, encoder := range encoders {
		for _, password := range []string{"", "pa ss-wörd"} {
			for chain, client := range map[string]*identity{"without chain": direct, "with chain": chained} {
				t.Run(kind+", "+chain+", password "+password, func(t *testing.T) {
					t.Parallel()
					var authorities []*x509.Certificate
					if client == chained {
						authorities = []*x509.Certificate{between.certificate, ca.certificate}
					}
					container, err := encoder.Encode(client.key, client.certificate, authorities, password)
					if err != nil {
						t.Fatal(err)
					}
					certificate, err := xc.ParsePKCS12(container, password)
					if err != nil {
						t.Fatal(err)
					}
					for _, server := range servers {
						if err := shows(t, server, ca, certificate, name); err != nil {
							t.Error(err)
						}
					}
					// A password that is not needed does no harm.
					if _, err := xc.ParsePKCS12(container, password+"x"); (err == nil) != (password == "") || err != nil && !errors.Is(err, xc.ErrPassword) {
						t.Errorf("another password: %v", err)
					}
				})
			}
		}
	}
	t.Run("another authority", func(t *testing.T) {
		t.Parallel()
		stranger := issue(t, authority(t, nil), named).tls()
		for _, server := range servers {
			checkPermanent(t, shows(t, server, ca, &stranger, name), "p12-file or cert-file")
		}
	})
	t.Run("expired", func(t *testing.T) {
		t.Parallel()
		old := issue(t, ca, func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(1) }).tls()
		for _, server := range servers {
			checkPermanent(t, shows(t, server, ca, &old, name), "expired")
		}
	})
}

// Containers without encryption and MAC open, too.
func TestPKCS12Passwordless(t *testing.T) {
	t.Parallel()
	ca := authority(t, nil)
	client := issue(t, ca, nil)
	container, err := pkcs12.Passwordless.Encode(client.key, client.certificate, []*x509.Certificate{ca.certificate}, "")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := xc.ParsePKCS12(container, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := shows(t, mutual(t, ca, 0), ca, certificate, client.certificate.Subject.CommonName); err != nil {
		t.Error(err)
	}
}

func TestBadPKCS12(t *testing.T) {
	t.Parallel()
	ca := authority(t, nil)
	trust, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{ca.certificate}, "")
	if err != nil {
		t.Fatal(err)
	}
	whole, err := pkcs12.Modern.Encode(ca.key, ca.certificate, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, container := range map[string][]byte{
		"empty": nil, "PEM": ca.pem(), "certificates only": trust,
		"cut off": whole[:len(whole)/2], "more after it": append(slices.Clone(whole), 0),
	} {
		if _, err := xc.ParsePKCS12(container, ""); err == nil || errors.Is(err, xc.ErrPassword) {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}

func TestPEMPair(t *testing.T) {
	t.Parallel()
	ca := authority(t, nil)
	between := authority(t, ca)
	client := issue(t, between, func(c *x509.Certificate) { c.Subject.CommonName = "client" })
	key, err := x509.MarshalPKCS8PrivateKey(client.key)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(append(client.pem(), between.pem()...), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	if err != nil {
		t.Fatal(err)
	}
	if err := shows(t, mutual(t, ca, 0), ca, &pair, "client"); err != nil {
		t.Error(err)
	}
}
