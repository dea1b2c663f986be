package xc

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// TransportOptions are the settings of a transport.
type TransportOptions struct {
	Certificate *tls.Certificate                      // the client's; nil: none
	CABundle    []byte                                // PEM, trusted in addition to the system's; nil: none
	Proxy       func(*http.Request) (*url.URL, error) // nil: none
	ProxyByTLS  bool                                  // the proxy's own URL is https
	Connections int                                   // limit per host; 0: none
}

// handshake is the longest time for connecting and for a TLS handshake.
const handshake = 20 * time.Second

// NewTransport returns a transport that keeps connections alive and speaks HTTP/2
// if the server does. It fails if the bundle contains no certificate.
func NewTransport(options TransportOptions) (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if options.Certificate != nil {
		// Sent whatever authorities the server names: a wrong certificate should
		// be refused by name, not silently left out.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return options.Certificate, nil
		}
	}
	if options.CABundle != nil {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(options.CABundle) {
			return nil, errors.New("no PEM certificate found")
		}
		config.RootCAs = pool
	}
	transport := &http.Transport{
		Proxy:             options.Proxy,
		TLSClientConfig:   config,
		ForceAttemptHTTP2: true,
		// Without pings every retry would use the same dead connection.
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 5 * time.Second},
		MaxConnsPerHost:     options.Connections,
		MaxIdleConnsPerHost: options.Connections,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: handshake,
		// answer decompresses, within limits.
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
			if response.StatusCode != http.StatusOK {
				return refusedByProxy(response.StatusCode)
			}
			return nil
		},
	}
	if options.ProxyByTLS {
		// net/http would offer HTTP/2, which it does not support to a proxy.
		first := config.Clone()
		first.NextProtos = []string{"http/1.1"}
		transport.DialTLSContext = (&tls.Dialer{NetDialer: &net.Dialer{Timeout: handshake}, Config: first}).DialContext
	}
	return transport, nil
}

// ParsePKCS12 opens a container with one private key, its certificate and
// optionally the chain, in the old (RC2, 3DES) or the new (AES) format. It returns
// ErrPassword or ErrNoPassword if the password is wrong or missing.
func ParsePKCS12(container []byte, password string) (*tls.Certificate, error) {
	key, leaf, chain, err := pkcs12.DecodeChain(container, password)
	if errors.Is(err, pkcs12.ErrIncorrectPassword) && password != "" {
		// A password for a container without one does no harm.
		if k, l, c, plain := pkcs12.DecodeChain(container, ""); plain == nil {
			key, leaf, chain, err = k, l, c, nil
		}
	}
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && password == "":
		return nil, ErrNoPassword
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return nil, ErrPassword
	case err != nil:
		return nil, fmt.Errorf("not a valid PKCS#12 file: %w", err)
	}
	all := append([]*x509.Certificate{leaf}, chain...)
	// The key's own certificate need not come first.
	own := slices.IndexFunc(all, func(c *x509.Certificate) bool { return isKeyOf(key, c) })
	if own < 0 {
		return nil, errors.New("no certificate belongs to the private key")
	}
	leaf = all[own]
	all = slices.Insert(slices.Delete(all, own, own+1), 0, leaf)
	certificate := &tls.Certificate{PrivateKey: key, Leaf: leaf}
	for _, one := range all {
		certificate.Certificate = append(certificate.Certificate, one.Raw)
	}
	return certificate, nil
}

func isKeyOf(key any, certificate *x509.Certificate) bool {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return false
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(certificate.PublicKey)
}

// ErrPassword is returned if the password does not open the container, and
// ErrNoPassword if it needs one and none is given.
var (
	ErrPassword   = errors.New("wrong password")
	ErrNoPassword = errors.New("password required")
)
