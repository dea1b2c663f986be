package retry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Fault is an error together with its meaning for the operation that met it. It
// is attached once, where the error arises; all other code reads it with FaultOf
// and uses nothing else to decide what an error means.
type Fault struct {
	Cause string // the HTTP status, or one of the causes below
	// Status is the HTTP status of the answer; 0 if there was none.
	Status int
	// Transient faults may pass: another attempt makes sense.
	Transient bool
	// Ambiguous faults leave open whether the operation took effect.
	Ambiguous bool
	// NotSent is set if no write left this machine: the request only reads, there
	// was no connection, or the run ended first.
	NotSent bool
	// Unauthenticated is set if no request can succeed with these credentials.
	Unauthenticated bool
	// RetryAfter is how long the server asks to wait; 0 if it does not.
	RetryAfter time.Duration
	// FromAPI is set if the API itself answered, rather than a proxy or a login
	// page.
	FromAPI bool

	Err error // what went wrong
}

// The causes that are not a status. Transient ones are counted in Counts.ByCause.
const (
	CauseTimeout     = "timeout"
	CauseConnection  = "connection"
	CauseTLS         = "tls"
	CauseInterrupted = "interrupted"
	CauseOther       = "other"
)

func (f *Fault) Error() string { return f.Err.Error() }
func (f *Fault) Unwrap() error { return f.Err }

// FaultOf returns the fault of an error. An error without one is permanent: a
// programming error, say, is not worth another attempt. FaultOf(nil) is the zero
// Fault.
func FaultOf(err error) Fault {
	var fault *Fault
	switch {
	case err == nil:
		return Fault{}
	case errors.As(err, &fault):
		return *fault
	}
	return Fault{Cause: CauseOther, Err: err}
}

// Interrupted returns the fault of an operation that was not begun because ctx
// ended first.
func Interrupted(ctx context.Context) *Fault {
	return &Fault{Cause: CauseInterrupted, NotSent: true, Err: interruption{context.Cause(ctx)}}
}

// interruption is the end of a context; the signal that ended it does not matter.
type interruption struct{ cause error }

func (interruption) Error() string   { return "interrupted" }
func (i interruption) Unwrap() error { return i.cause }

// Answered returns the fault of an answer with a status that is an error: 429 and
// 5xx are transient, and after a 5xx the request may have taken effect. err is
// what the response says.
func Answered(err error, status int, retryAfter time.Duration) *Fault {
	return &Fault{
		Cause:      strconv.Itoa(status),
		Status:     status,
		Transient:  status == http.StatusTooManyRequests || status >= http.StatusInternalServerError,
		Ambiguous:  status >= http.StatusInternalServerError,
		RetryAfter: retryAfter,
		Err:        err,
	}
}

// Unanswered returns the fault of a request for which net/http returned an error
// instead of a response: failed connections and timeouts are transient. A TLS
// handshake that failed would fail again, and an error that does not come from
// the network is permanent. A Fault that err wraps is kept.
func Unanswered(err error) *Fault {
	fault := FaultOf(err)
	fault.Err = err
	var network net.Error
	var broken *url.Error
	switch {
	case fault.Cause != CauseOther:
	case errors.Is(err, context.Canceled):
		fault.Cause, fault.Ambiguous = CauseInterrupted, true
	case isTLS(err):
		fault.Cause = CauseTLS
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		fault.Cause, fault.Transient = CauseTimeout, true
	case errors.As(err, &broken), isConnection(err):
		fault.Cause, fault.Transient = CauseConnection, true
	}
	if fault.Cause == CauseTimeout || fault.Cause == CauseConnection {
		fault.NotSent = unconnected(err)
		fault.Ambiguous = !fault.NotSent
	}
	return &fault
}

func isConnection(err error) bool {
	var operation *net.OpError
	var lookup *net.DNSError
	var errno syscall.Errno
	return errors.As(err, &operation) || errors.As(err, &lookup) || errors.As(err, &errno) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// isTLS reports whether err comes from the TLS handshake rather than the
// connection.
func isTLS(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		host         x509.HostnameError
		invalid      x509.CertificateInvalidError
		header       tls.RecordHeaderError
		operation    *net.OpError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) ||
		errors.As(err, &header) || errors.Is(err, http.ErrSchemeMismatch) ||
		// These are the forms in which crypto/tls returns an alert of either side.
		errors.As(err, &operation) && (operation.Op == "remote error" || operation.Op == "local error")
}

// unconnected reports whether there was never a connection to send anything on.
func unconnected(err error) bool {
	var operation *net.OpError
	var lookup *net.DNSError
	return errors.As(err, &lookup) || errors.As(err, &operation) && (operation.Op == "dial" || operation.Op == "proxyconnect")
}

// ParseAfter reads both forms of a Retry-After header, seconds and a date
// (RFC 9110, section 10.2.3). It returns 0 if the header is neither, or a date in
// the past.
func ParseAfter(header string) time.Duration {
	header = strings.TrimSpace(header)
	if header != "" && strings.Trim(header, "0123456789") == "" {
		seconds, _ := strconv.ParseUint(header, 10, 31) // the largest value if it is out of range
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(time.Until(date), 0)
	}
	return 0
}
