package xc

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"xc-group-sync/internal/retry"
)

// APIError is a request that the API refused, or that a login page or a
// redirect answered.
type APIError struct {
	Method, Path string
	Status       int
	Code         string // F5's, as EEXISTS; often empty
	Message      string // bounded, without credentials
	RequestID    string // the server's; often empty

	login      bool
	page       bool // the body is a web page
	repeated   bool
	retryAfter time.Duration
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: HTTP %d %s", e.Method, e.Path, e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		fmt.Fprintf(&b, " %s", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	switch {
	case e.login:
		b.WriteString("; the credentials were not accepted: check api-token or the client certificate, and that tenant or api-url is right (a proxy that inspects TLS drops client certificates)")
	case e.Status == http.StatusProxyAuthRequired:
		b.WriteString("; the proxy asks for a login: set proxy to http://user:password@host:port")
	case e.Status == http.StatusUnauthorized:
		b.WriteString("; the credentials were refused: check that api-token or the client certificate is right, not expired, and of this tenant")
	case e.Status == http.StatusNotFound && e.Method == http.MethodGet && (e.page || !strings.Contains(e.Path, "/")):
		b.WriteString("; there is no such API: check tenant and api-url")
	case e.Refused():
		b.WriteString("; the credentials may not read this: they need a role that may read users and groups in the namespace system (to apply a plan, one that may manage them)")
	case e.Status == http.StatusForbidden && e.FromAPI():
		b.WriteString("; the credentials may not change this: they need a role that may manage users and groups in the namespace system")
	}
	return b.String()
}

// StatusCode is the HTTP status.
func (e *APIError) StatusCode() int { return e.Status }

// RetryAfter is how long the server asks to wait; 0 if it does not.
func (e *APIError) RetryAfter() time.Duration { return e.retryAfter }

// FromAPI tells the API's own answer from a page of something on the way.
func (e *APIError) FromAPI() bool { return !e.login && !e.page }

// Unauthenticated tells that no request can succeed with these credentials.
func (e *APIError) Unauthenticated() bool { return e.login || e.Status == http.StatusUnauthorized }

// Refused tells that the credentials are at fault: they are not accepted, or
// may not even read.
func (e *APIError) Refused() bool {
	return e.Unauthenticated() || e.Status == http.StatusForbidden && e.Method == http.MethodGet
}

// Repeated tells that the client layer had sent the request before, and that
// it may have been carried out then.
func (e *APIError) Repeated() bool { return e.repeated }

// FormatError is an answer that is not the documented object. It must never be
// taken for an empty one.
type FormatError struct {
	Method, Path string
	Err          error
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s %s: the answer is not the documented object: %v; check that tenant or api-url is right", e.Method, e.Path, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

// MaybeCarriedOut tells that a write with such an answer may have been done.
func (e *FormatError) MaybeCarriedOut() bool { return e.Method != http.MethodGet }

// uncertainError is the last error of a write of which an earlier try may have
// been carried out.
type uncertainError struct{ error }

func (e *uncertainError) Unwrap() error         { return e.error }
func (e *uncertainError) MaybeCarriedOut() bool { return true }

// proxyError is a proxy's refusal to connect.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy answers HTTP %d %s", e.status, http.StatusText(e.status))
}
func (e *proxyError) StatusCode() int           { return e.status }
func (e *proxyError) RetryAfter() time.Duration { return 0 }
func (e *proxyError) MaybeCarriedOut() bool     { return false } // it did not reach the tenant

// transportError says what happened on the way, and which setting mends it.
func (c *Client) transportError(method, path string, err error) error {
	var broken *url.Error
	if !errors.As(err, &broken) { // while the body was read
		err = &url.Error{Op: method, URL: path, Err: err}
	} else {
		broken.URL = path // the host stands in the inner error where it matters
		broken.Op = method
	}
	if errors.Is(err, errTooLong) {
		return &FormatError{Method: method, Path: path, Err: errTooLong}
	}
	if hint := c.hint(err); hint != "" {
		return fmt.Errorf("%w; %s", err, hint)
	}
	return err
}

func (c *Client) hint(err error) string {
	var (
		operation *net.OpError
		lookup    *net.DNSError
		proxy     *proxyError
	)
	if errors.As(err, &operation) && operation.Op == "proxyconnect" {
		return cmp.Or(handshakeHint(err, "proxy", "proxy (most often it begins with http://)"), "the proxy cannot be reached: check proxy (or the environment variable HTTPS_PROXY)")
	}
	if hint := handshakeHint(err, "server", "api-url and tenant"); hint != "" {
		return hint
	}
	switch {
	case errors.As(err, &proxy) && proxy.status == http.StatusProxyAuthRequired:
		return "the proxy asks for a login: set proxy to http://user:password@host:port"
	case errors.As(err, &proxy):
		return "check proxy"
	case errors.As(err, &operation) && operation.Op == "remote error" && strings.Contains(operation.Err.Error(), "certificate"):
		return "the server refused the client certificate, or wants one: check that p12-file or cert-file holds the right one with its chain, and that it has not expired"
	case errors.As(err, &operation) && operation.Op == "remote error":
		return "the server refused the TLS handshake: it may want a client certificate (p12-file or cert-file), or speak no TLS 1.2 or later; check api-url"
	case errors.As(err, &lookup):
		return fmt.Sprintf("the name %s does not resolve: check tenant, api-url and proxy", lookup.Name)
	case errors.Is(err, context.Canceled):
		return fmt.Sprintf("given up %v after the interruption; it may have been carried out", Grace)
	case errors.As(err, &operation) && operation.Op == "dial" && !operation.Timeout():
		return "the server cannot be reached: check tenant, api-url and proxy"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection broke off before the whole answer was there"
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within the timeout of %v", c.options.Timeout)
	}
	return ""
}

// handshakeHint is about a certificate of whom that is not in order, or whom
// that speaks no TLS; empty where err is about neither. where are the settings
// that say who is asked.
func handshakeHint(err error, whom, where string) string {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		header    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the " + whom + "'s certificate expired or is not valid yet: it must be renewed (or this machine's clock is wrong)"
	case errors.As(err, &authority), errors.As(err, &invalid):
		return "the " + whom + "'s certificate is of an authority that this machine does not trust: set ca-bundle to its certificates (a proxy that inspects TLS has its own)"
	case errors.As(err, &name):
		return "the " + whom + "'s certificate is for another name: check " + where
	case errors.As(err, &header), errors.Is(err, http.ErrSchemeMismatch):
		return "the " + whom + " does not speak TLS there: check " + where
	}
	return ""
}

var _ retry.StatusError = (*APIError)(nil)
