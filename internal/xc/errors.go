package xc

import (
	"bytes"
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
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"xc-group-sync/internal/retry"
)

// Error is a failed request: the API refused it, something else answered it, or
// nothing did. It is wrapped in a retry.Fault that says what it means.
type Error struct {
	Method, Path string
	Status       int    // HTTP status of a refusal; 0 if there was no response, or one that is not understood
	Code         string // F5's, such as EEXISTS; often empty
	Message      string // what went wrong: bounded, without credentials
	RequestID    string // the server's; often empty
	Err          error  // the cause, if it is not a response

	hint string
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Method, e.Path)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Code != "" {
		fmt.Fprintf(&b, " %s", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Hint returns what to do about the error, or "" if there is nothing to say. It
// is not part of the error's text.
func (e *Error) Hint() string { return e.hint }

// Refused reports whether the credentials are at fault: they are not accepted, or
// cannot even read.
func Refused(err error) bool {
	var e *Error
	return retry.FaultOf(err).Unauthenticated || errors.As(err, &e) && e.Status == http.StatusForbidden && e.Method == http.MethodGet
}

// failed returns the fault of a request. A read changed nothing, whatever its
// outcome.
func failed(method string, fault *retry.Fault) error {
	if method == http.MethodGet {
		fault.Ambiguous, fault.NotSent = false, true
	}
	return fault
}

// unexpected returns the fault of a response that is not the documented object.
// Such a response must never pass for an empty one, and a write that gets one may
// have taken effect.
func (c *Client) unexpected(method, path string, err error) error {
	what, hint := "unexpected", "check tenant and api-url"
	if _, is := err.(incompleteError); is {
		what, hint = "incomplete", ""
	}
	return failed(method, &retry.Fault{Cause: retry.CauseOther, Ambiguous: true, Err: &Error{
		Method: method, Path: path, Message: what + " response: " + c.shown(c.hideNames(err).Error()), hint: hint, Err: err,
	}})
}

// hideNames hides secrets in the names that a decoder's error gives as its
// location, because the error's text contains them cut.
func (c *Client) hideNames(err error) error {
	hidden := func(at jsontext.Pointer) (hidden jsontext.Pointer) {
		for name := range at.Tokens() {
			hidden = hidden.AppendToken(c.hide(name))
		}
		return hidden
	}
	switch e := err.(type) {
	case *jsontext.SyntacticError:
		syntactic := *e
		syntactic.JSONPointer = hidden(e.JSONPointer)
		return &syntactic
	case *json.SemanticError:
		semantic := *e
		semantic.JSONPointer, semantic.Err = hidden(e.JSONPointer), c.hideNames(e.Err)
		return &semantic
	}
	return err
}

// incompleteError is F5's error field in a response: a write may have taken
// effect in part.
type incompleteError string

func (e incompleteError) Error() string { return string(e) }

// check returns nil for a good response, and the fault of any other. body is the
// part that was read.
func (c *Client) check(method, path string, a *answer, body []byte) error {
	status, header := a.status, a.header
	e := &Error{Method: method, Path: path, Status: status, RequestID: c.requestID(header)}
	fault := retry.Answered(e, status, retry.ParseAfter(header.Get("Retry-After")))
	page := isHTML(header, body)
	switch {
	case status < http.StatusOK:
		fault.Ambiguous = true
		e.Message = "not an answer of the API"
	case status >= 300 && status < 400:
		fault.Unauthenticated = true
		e.Message = "redirected to " + c.shown(host(header.Get("Location")))
	case status < 400 && page:
		fault.Unauthenticated = true
		e.Message = "the response is a web page, most likely a login page"
	case status < 400 && method == http.MethodGet && status != http.StatusOK:
		e.Message = "not the complete response"
	case status < 400:
		return nil
	default:
		fault.Unauthenticated, fault.FromAPI = status == http.StatusUnauthorized, !page
		e.Code, e.Message = c.errorBody(header, body)
	}
	e.hint = e.advice(page)
	if status == http.StatusTooManyRequests && fault.RetryAfter <= c.options.RetryAfterMax {
		c.throttle.Hold(fault.RetryAfter)
	}
	return failed(method, fault)
}

const checkCredentials = "check that api-token or the client certificate is right, has not expired and belongs to this tenant"

func (e *Error) advice(page bool) string {
	switch reads := e.Method == http.MethodGet; {
	case e.Status < 300 && !page:
		return "check tenant, api-url and proxy"
	case e.Status >= 300 && e.Status < 400 && !strings.Contains(e.Message, "login"):
		return "check api-url and tenant first; if they are right, the credentials were not accepted: " + checkCredentials + " (a TLS-inspecting proxy drops client certificates)"
	case e.Status < 400:
		return "the credentials were not accepted: " + checkCredentials + "; then check tenant and api-url (a TLS-inspecting proxy drops client certificates)"
	case e.Status == http.StatusProxyAuthRequired:
		return proxyLogin
	case e.Status == http.StatusUnauthorized:
		return checkCredentials
	case e.Status == http.StatusNotFound && reads && (page || !strings.Contains(e.Path, "/")):
		return "there is no such API at this address: check tenant and api-url"
	case e.Status == http.StatusForbidden && reads:
		return "give the credentials a role that may read users and groups in the namespace system (to apply a plan, one that may manage them)"
	case e.Status == http.StatusForbidden && !page:
		return "give the credentials a role that may manage users and groups in the namespace system"
	case e.Status == http.StatusTooManyRequests:
		return e.again() + "; a lower rate-limit sends fewer requests, a higher retry-after-max waits longer"
	case e.Status >= http.StatusInternalServerError:
		return e.again()
	}
	return ""
}

// again is what to do about a transient error.
func (e *Error) again() string {
	if e.Method == http.MethodGet {
		return "run it again later"
	}
	return "run it again later: it continues where this run ended"
}

// ConsoleSuffix follows the tenant's name in the host of its API.
const ConsoleSuffix = ".console.ves.volterra.io"

// tenantID is the form of the ID that the console shows beside the tenant's name.
var tenantID = regexp.MustCompile(`^(.+)-[a-z]{8}$`)

// NameOfID returns the name of a tenant that is given by what looks like its ID.
func NameOfID(tenant string) (name string, isID bool) {
	if id := tenantID.FindStringSubmatch(tenant); id != nil {
		return id[1], true
	}
	return "", false
}

const proxyLogin = "the proxy requires a login: set proxy to http://user:password@host:port"

// proxyError is a proxy's refusal to connect.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy answered HTTP %d %s", e.status, http.StatusText(e.status))
}

// refusedByProxy returns the fault of a proxy's refusal to connect, when the
// request did not reach the tenant.
func refusedByProxy(status int) error {
	fault := retry.Answered(&proxyError{status}, status, 0)
	fault.Ambiguous, fault.NotSent = false, true
	return fault
}

// unanswered returns the fault of a request that net/http could not carry out.
func (c *Client) unanswered(method, path string, err error) error {
	if isBound(err) {
		return c.unexpected(method, path, err)
	}
	var broken *url.Error
	if !errors.As(err, &broken) { // while the body was read
		broken = &url.Error{Op: method, URL: path, Err: err}
	}
	fault := retry.Unanswered(broken)
	// The URL is left out: the host is part of the inner error where it matters.
	e := &Error{Method: method, Path: path, Message: c.shown(broken.Err.Error()), Err: broken.Err}
	c.explain(e)
	fault.Err = e
	return failed(method, fault)
}

// explain adds what net/http's error does not say: what happened, and which
// setting fixes it.
func (c *Client) explain(e *Error) {
	var (
		operation *net.OpError
		lookup    *net.DNSError
		proxy     *proxyError
	)
	if errors.As(e.Err, &operation) && operation.Op == "proxyconnect" {
		e.hint = cmp.Or(tlsHint(e.Err, "proxy", "proxy (most proxies are http://)"), "the proxy cannot be reached: check proxy (or the environment variable HTTPS_PROXY)")
		return
	}
	if e.hint = tlsHint(e.Err, "server", "api-url and tenant"); e.hint != "" {
		return
	}
	switch {
	case errors.As(e.Err, &proxy) && proxy.status == http.StatusProxyAuthRequired:
		e.hint = proxyLogin
	case errors.As(e.Err, &proxy) && proxy.status == http.StatusForbidden:
		e.hint = fmt.Sprintf("have %s allowed on port 443 at the proxy, or check proxy", host(c.options.BaseURL))
	case errors.As(e.Err, &proxy):
		e.hint = "check proxy"
	case errors.As(e.Err, &operation) && operation.Op == "remote error" && strings.Contains(operation.Err.Error(), "certificate"):
		e.hint = "the server rejects the client certificate or requires one: check that p12-file or cert-file holds the right one with its chain, and that it has not expired"
	case errors.As(e.Err, &operation) && operation.Op == "remote error":
		e.hint = "the server rejected the TLS handshake: it may require a client certificate (p12-file or cert-file) or lack TLS 1.2; check api-url"
	case errors.As(e.Err, &lookup):
		e.hint = fmt.Sprintf("the name %s does not resolve: check tenant, api-url and proxy", lookup.Name)
		if tenant, isTenants := strings.CutSuffix(lookup.Name, ConsoleSuffix); isTenants {
			if name, isID := NameOfID(tenant); isID {
				e.hint = fmt.Sprintf("the name %s does not resolve: %q looks like a tenant ID; if it is one, use the name alone: tenant: %s", lookup.Name, tenant, name)
			}
		}
	case errors.Is(e.Err, context.Canceled):
		e.Message = fmt.Sprintf("no response within %v after the interruption; the request may have taken effect", Grace)
	case errors.As(e.Err, &operation) && operation.Op == "dial" && !operation.Timeout():
		e.hint = "the server cannot be reached: check tenant, api-url and proxy"
	case errors.As(e.Err, &operation) && (operation.Op == "read" || operation.Op == "write") && !operation.Timeout():
		e.hint = e.again() + "; if the connection breaks every time, check proxy, and that p12-file or cert-file holds the right certificate"
	case errors.Is(e.Err, io.EOF), errors.Is(e.Err, io.ErrUnexpectedEOF):
		e.Message = "connection closed before the complete response arrived: " + e.Message
		e.hint = e.again()
	case errors.Is(e.Err, context.DeadlineExceeded):
		e.Message = fmt.Sprintf("no response within the timeout of %v", c.options.Timeout)
		e.hint = e.again() + ", or raise timeout"
	}
}

// tlsHint explains a TLS error of a peer and names the settings to check; it
// returns "" for other errors.
func tlsHint(err error, peer, settings string) string {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		header    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the " + peer + "'s certificate has expired or is not valid yet: renew it, or correct this machine's clock"
	case errors.As(err, &authority), errors.As(err, &invalid):
		return "the " + peer + "'s certificate is signed by an unknown authority: set ca-bundle (needed behind a TLS-inspecting proxy)"
	case errors.As(err, &name):
		return "the " + peer + "'s certificate is for another name: check " + settings
	case errors.As(err, &header), errors.Is(err, http.ErrSchemeMismatch):
		return "the " + peer + " does not speak TLS: check " + settings
	}
	return ""
}

func isHTML(header http.Header, body []byte) bool {
	return strings.HasPrefix(header.Get("Content-Type"), "text/html") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}
