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

// TransportOptions make a transport.
type TransportOptions struct {
	Certificate *tls.Certificate                      // the client's; nil: none
	CABundle    []byte                                // PEM, trusted beside the system's; nil: none
	Proxy       func(*http.Request) (*url.URL, error) // nil: none
	ProxyByTLS  bool                                  // the proxy's own URL is https
	Connections int                                   // at most so many at once to one host; 0: no limit
}

// handshake is how long TLS may take to begin.
const handshake = 20 * time.Second

// NewTransport makes a transport that keeps connections alive and speaks
// HTTP/2 where the server does. It fails where the bundle holds no certificate.
func NewTransport(options TransportOptions) (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if options.Certificate != nil {
		// Given whatever authorities the server names: a wrong certificate
		// should be refused by name, not left out in silence.
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
			return nil, errors.New("it holds no certificate in PEM")
		}
		config.RootCAs = pool
	}
	transport := &http.Transport{
		Proxy:             options.Proxy,
		TLSClientConfig:   config,
		ForceAttemptHTTP2: true,
		// Without pings every retry would ride the same dead connection.
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 5 * time.Second},
		MaxConnsPerHost:     options.Connections,
		MaxIdleConnsPerHost: options.Connections,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: handshake,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
			if response.StatusCode != http.StatusOK {
				return &proxyError{response.StatusCode}
			}
			return nil
		},
	}
	if options.ProxyByTLS {
		// net/http would offer the proxy HTTP/2, which it cannot speak to one.
		first := config.Clone()
		first.NextProtos = []string{"http/1.1"}
		transport.DialTLSContext = (&tls.Dialer{NetDialer: &net.Dialer{Timeout: handshake}, Config: first}).DialContext
	}
	return transport, nil
}

// ParsePKCS12 opens a container with one private key, its certificate and, if
// there is one, the chain. Containers of the old kind (RC2, 3DES) and the new
// (AES) open. ErrPassword tells that the password is wrong.
func ParsePKCS12(container []byte, password string) (*tls.Certificate, error) {
	key, leaf, chain, err := pkcs12.DecodeChain(container, password)
	if errors.Is(err, pkcs12.ErrIncorrectPassword) && password != "" {
		// A password that is not needed does no harm.
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
		return nil, fmt.Errorf("it is no PKCS#12 container with a key and a certificate: %w", err)
	}
	all := append([]*x509.Certificate{leaf}, chain...)
	// The container need not name the key's own certificate first.
	own := slices.IndexFunc(all, func(c *x509.Certificate) bool { return isKeyOf(key, c) })
	if own < 0 {
		return nil, errors.New("none of its certificates belongs to its key")
	}
	mine := all[own]
	all = slices.Insert(slices.Delete(all, own, own+1), 0, mine)
	certificate := &tls.Certificate{PrivateKey: key, Leaf: all[0]}
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

// ErrPassword is returned for a container whose password is another, and
// ErrNoPassword for one that needs a password where none is given.
var (
	ErrPassword   = errors.New("the password does not open the container")
	ErrNoPassword = errors.New("a password is needed to open the container")
)
