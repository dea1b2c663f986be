package cli

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/config"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/xc"
)

// connect creates the client of the tenant, or of an embedded one, which stop ends.
func connect(c *config.Config, transport http.RoundTripper, logger *slog.Logger, hide func(string) string) (client *xc.Client, stop func(), err error) {
	options := xc.Options{
		BaseURL: c.APIURL, UserAgent: "xc-group-sync/" + release(), Transport: transport, Timeout: c.Timeout, ReadOnly: c.DryRun, Additive: c.Policy.Withhold,
		Attempts: c.HTTPAttempts, Scope: c.HTTPScope, RetryAfterMax: c.RetryAfterMax, RateLimit: c.RateLimit, Concurrency: c.Concurrency, Log: logger, Hide: hide,
	}
	stop = func() {}
	if c.Simulate {
		options.BaseURL, stop, err = simulate(c)
	} else if c.Credential == config.ByToken {
		options.Token = c.APIToken
	}
	return xc.New(options), stop, err
}

// openFiles opens or checks every file that the settings name, except the CSV,
// and creates the transport from them. It also returns the client certificate; nil
// if there is none. Its errors name the invalid settings.
func openFiles(c *config.Config, getenv func(string) string) (transport *http.Transport, leaf *x509.Certificate, err error) {
	if c.Simulate {
		transport, err = xc.NewTransport(xc.TransportOptions{Connections: c.Concurrency})
	} else {
		transport, leaf, err = newTransport(c, getenv)
	}
	if c.Snapshot != "" {
		if _, missing := os.Stat(c.Snapshot); missing != nil {
			err = errors.Join(err, retry.WithHint(fmt.Errorf("snapshot: %s: %w", c.Snapshot, cause(missing)), "name the file that a run with snapshot-file wrote"))
		}
	}
	if actions.Active(getenv) && isPath(c.ReportFile) && leadsTo(c.ReportFile).device {
		// The runner would take lines of it for commands. With - the report is
		// written so that it does not.
		err = errors.Join(err, fmt.Errorf("report-file: %s is not a regular file; in Actions it must be one, or - for standard output", c.ReportFile))
	}
	return transport, leaf, errors.Join(err, checkWritable("report-file", c.ReportFile), checkNew("snapshot-file", c.SnapshotFile),
		checkWritable("output", c.Output), checkWritable("policy-output", c.PolicyOutput), checkOutputs(c))
}

// checkPath is what to do about a file that does not open.
const checkPath = "check the path"

// readFileOf returns the file that a setting names.
func readFileOf(setting, path, hint string) ([]byte, error) {
	content, err := config.ReadFile(path, maxFile)
	if err != nil {
		return nil, retry.WithHint(fmt.Errorf("%s: %w", setting, err), hint)
	}
	return content, nil
}

// cause returns a file's error without the path and the system call.
func cause(err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

func newTransport(c *config.Config, getenv func(string) string) (*http.Transport, *x509.Certificate, error) {
	options := xc.TransportOptions{Connections: c.Concurrency}
	var certificateErr, bundleErr error
	proxyErr := proxy(&options, c.Proxy, getenv)
	options.Certificate, certificateErr = certificate(c)
	options.CABundle, bundleErr = caBundle(c)
	transport, err := xc.NewTransport(options)
	if err != nil && bundleErr == nil {
		bundleErr = retry.WithHint(fmt.Errorf("ca-bundle: %s: %w", c.CABundle, err),
			"it must hold lines with BEGIN CERTIFICATE; other forms are converted by: openssl x509 -inform der -in FILE")
	}
	var leaf *x509.Certificate
	if options.Certificate != nil {
		leaf = options.Certificate.Leaf
	}
	return transport, leaf, errors.Join(proxyErr, certificateErr, bundleErr)
}

// caBundle returns the content of the file that the setting names; nil if it
// names none.
func caBundle(c *config.Config) ([]byte, error) {
	if c.CABundle == "" {
		return nil, nil
	}
	return readFileOf("ca-bundle", c.CABundle, "check the path, and the environment variables that ca-bundle may come from")
}

// proxy sends every request through the proxy that is set, or the environment's.
// A loopback address is never requested through a proxy: it would be another
// machine's, and plain HTTP would show that machine the credentials.
func proxy(options *xc.TransportOptions, set string, getenv func(string) string) error {
	either := func(name string) string {
		if value := getenv(name); value != "" {
			return value
		}
		return getenv(strings.ToLower(name))
	}
	choice := httpproxy.Config{HTTPSProxy: set, HTTPProxy: set}
	if set == "" {
		choice = httpproxy.Config{HTTPSProxy: either("HTTPS_PROXY"), NoProxy: either("NO_PROXY")}
	}
	u, err := url.Parse(choice.HTTPSProxy)
	if err != nil && !strings.Contains(err.Error(), "first path segment") { // host:port is fine
		// The library would ignore it, and the credentials would bypass the
		// proxy.
		return errors.New("invalid HTTPS_PROXY: must be a URL (correct the environment variable, or set proxy)")
	}
	choose := choice.ProxyFunc()
	options.Proxy = func(request *http.Request) (*url.URL, error) {
		if config.IsLoopback(request.URL.Hostname()) {
			return nil, nil
		}
		return choose(request.URL)
	}
	options.ProxyByTLS = err == nil && u.Scheme == "https"
	return nil
}

// certificate opens the client certificate; nil if another kind of credentials is
// used.
func certificate(c *config.Config) (*tls.Certificate, error) {
	switch c.Credential {
	case config.ByP12File:
		container, err := readFileOf("p12-file", c.P12File, checkPath)
		if err != nil {
			return nil, err
		}
		return container12("p12-file", container, c.P12Password)
	case config.ByP12Base64:
		container, err := decodeBase64(c.P12Base64)
		if err != nil {
			return nil, errors.New("p12-base64: invalid base64 (encode with: base64 -w0 FILE)")
		}
		return container12("p12-base64", container, c.P12Password)
	case config.ByPEM:
		return pemPair(c.CertFile, c.KeyFile)
	}
	return nil, nil
}

func pemPair(certFile, keyFile string) (*tls.Certificate, error) {
	certificate, certErr := readFileOf("cert-file", certFile, checkPath)
	key, keyErr := readFileOf("key-file", keyFile, checkPath)
	if err := errors.Join(certErr, keyErr); err != nil {
		return nil, err
	}
	if bytes.Contains(key, []byte("ENCRYPTED")) {
		return nil, fmt.Errorf("key-file: %s is encrypted: remove its passphrase (openssl pkey), or use PKCS#12 with p12-password", keyFile)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("cert-file, key-file: %w", err)
	}
	return &pair, nil
}

func container12(setting string, container []byte, password string) (*tls.Certificate, error) {
	certificate, err := xc.ParsePKCS12(container, password)
	if errors.Is(err, xc.ErrPassword) || errors.Is(err, xc.ErrNoPassword) {
		return nil, retry.WithHint(fmt.Errorf("p12-password: %w for %s", err, setting), "set p12-password, or XC_P12_PASSWORD in the environment, to the password given when the certificate was created")
	}
	if err != nil {
		// If it is not such a file at all, the decoder's words do not help.
		text, _, _ := strings.Cut(err.Error(), ": pkcs12: error reading P12 data")
		hint := "create the credential again in the console, and download the complete file"
		if bytes.Contains(container, []byte("-----BEGIN")) {
			hint = "this is PEM: use cert-file and key-file"
		}
		return nil, retry.WithHint(fmt.Errorf("%s: %s", setting, text), hint)
	}
	return certificate, nil
}

// decodeBase64 accepts the usual alphabets, with and without line breaks.
func decodeBase64(text string) ([]byte, error) {
	text = strings.TrimRight(strings.Join(strings.Fields(text), ""), "=")
	if strings.ContainsAny(text, "-_") {
		return base64.RawURLEncoding.DecodeString(text)
	}
	return base64.RawStdEncoding.DecodeString(text)
}
