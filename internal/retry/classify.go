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

// StatusError is an answer that was refused with an HTTP status.
type StatusError interface {
	error
	StatusCode() int
	RetryAfter() time.Duration // how long the server asks to wait; 0 if it does not
}

// ParseAfter reads both forms of a Retry-After header, seconds and a date; 0
// where it is neither, or in the past.
func ParseAfter(header string) time.Duration {
	header = strings.TrimSpace(header)
	if header != "" && strings.Trim(header, "0123456789") == "" {
		seconds, _ := strconv.ParseUint(header, 10, 31) // out of range it is the largest one
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(time.Until(date), 0)
	}
	return 0
}

// Fault is what an error means for trying again.
type Fault struct {
	Cause      string // the status, "timeout" or "connection"; of permanent errors also "tls", "cancelled", "other"
	Transient  bool   // it may pass: trying again makes sense
	Ambiguous  bool   // the request may have been carried out all the same
	RetryAfter time.Duration
}

// The causes that are no status.
const (
	causeTimeout    = "timeout"
	causeConnection = "connection"
	causeTLS        = "tls"
	causeCancelled  = "cancelled"
	causeOther      = "other"
)

// Classify is the one place that decides what is transient: connection errors,
// time-outs, 5xx and 429. Everything else is permanent, TLS verification and
// every error that does not come from the network included.
func Classify(err error) Fault {
	fault := classify(err)
	var knows interface{ MaybeCarriedOut() bool }
	if errors.As(err, &knows) {
		fault.Ambiguous = knows.MaybeCarriedOut()
	}
	return fault
}

func classify(err error) Fault {
	var status StatusError
	var network net.Error
	var broken *url.Error
	switch {
	case err == nil:
		return Fault{}
	case errors.Is(err, ErrInterrupted):
		return Fault{Cause: causeCancelled}
	case errors.Is(err, context.Canceled):
		return Fault{Cause: causeCancelled, Ambiguous: true}
	case errors.As(err, &status):
		code := status.StatusCode()
		return Fault{
			Cause:      strconv.Itoa(code),
			Transient:  code == http.StatusTooManyRequests || code >= 500,
			Ambiguous:  code >= 500,
			RetryAfter: status.RetryAfter(),
		}
	case isTLS(err):
		return Fault{Cause: causeTLS}
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return Fault{Cause: causeTimeout, Transient: true, Ambiguous: !neverSent(err)}
	case errors.As(err, &broken), isConnection(err):
		return Fault{Cause: causeConnection, Transient: true, Ambiguous: !neverSent(err)}
	}
	return Fault{Cause: causeOther}
}

func isConnection(err error) bool {
	var operation *net.OpError
	var lookup *net.DNSError
	var errno syscall.Errno
	return errors.As(err, &operation) || errors.As(err, &lookup) || errors.As(err, &errno) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// isTLS tells errors of the TLS handshake, which the same attempt would meet
// again, from those of the connection.
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
		// crypto/tls reports an alert of either side so.
		errors.As(err, &operation) && (operation.Op == "remote error" || operation.Op == "local error")
}

// neverSent tells that no connection came about, so that nothing was asked.
func neverSent(err error) bool {
	var operation *net.OpError
	var lookup *net.DNSError
	return errors.As(err, &lookup) || errors.As(err, &operation) && (operation.Op == "dial" || operation.Op == "proxyconnect")
}
