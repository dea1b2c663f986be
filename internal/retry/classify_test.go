package retry_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/retry"
)

func sent(err error) error { return &url.Error{Op: "Post", URL: "https://example", Err: err} }

func operation(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }

// timeout is a time-out as the network reports it.
type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func TestClassify(t *testing.T) {
	t.Parallel()
	refused, reset := os.NewSyscallError("connect", syscall.ECONNREFUSED), os.NewSyscallError("read", syscall.ECONNRESET)
	var (
		permanent  = func(cause string) retry.Fault { return retry.Fault{Cause: cause} }
		unsent     = func(cause string) retry.Fault { return retry.Fault{Cause: cause, Transient: true} }
		ambiguous  = func(cause string) retry.Fault { return retry.Fault{Cause: cause, Transient: true, Ambiguous: true} }
		unverified = func(err error) error { return sent(&tls.CertificateVerificationError{Err: err}) }
	)
	tests := []struct {
		name string
		err  error
		want retry.Fault
	}{
		{"nothing", nil, retry.Fault{}},
		{"400", &refusal{code: 400}, permanent("400")},
		{"401", &refusal{code: 401}, permanent("401")},
		{"403", &refusal{code: 403}, permanent("403")},
		{"404", &refusal{code: 404}, permanent("404")},
		{"407", sent(&refusal{code: 407}), permanent("407")},
		{"409", &refusal{code: 409}, permanent("409")},
		{"422", &refusal{code: 422}, permanent("422")},
		{"302", &refusal{code: 302}, permanent("302")},
		{"429", &refusal{code: 429}, unsent("429")},
		{"429 with Retry-After", &refusal{429, 7 * time.Second}, retry.Fault{Cause: "429", Transient: true, RetryAfter: 7 * time.Second}},
		{"500", &refusal{code: 500}, ambiguous("500")},
		{"502", &refusal{code: 502}, ambiguous("502")},
		{"503", fmt.Errorf("create user: %w", &refusal{code: 503}), ambiguous("503")},
		{"504", &refusal{code: 504}, ambiguous("504")},
		{"refused connection", sent(operation("dial", refused)), unsent("connection")},
		{"proxy out of reach", sent(operation("proxyconnect", operation("dial", refused))), unsent("connection")},
		{"unknown host", sent(operation("dial", &net.DNSError{Err: "no such host", IsNotFound: true})), unsent("connection")},
		{"unreachable network", operation("dial", os.NewSyscallError("connect", syscall.ENETUNREACH)), unsent("connection")},
		{"reset connection", sent(operation("read", reset)), ambiguous("connection")},
		{"broken pipe", sent(operation("write", os.NewSyscallError("write", syscall.EPIPE))), ambiguous("connection")},
		{"reset, bare", syscall.ECONNRESET, ambiguous("connection")},
		{"EOF", sent(io.EOF), ambiguous("connection")},
		{"unexpected EOF", io.ErrUnexpectedEOF, ambiguous("connection")},
		{"dial timed out", sent(operation("dial", timeout{})), unsent("timeout")},
		{"read timed out", sent(operation("read", timeout{})), ambiguous("timeout")},
		{"time-out", sent(context.DeadlineExceeded), ambiguous("timeout")},
		{"time-out, bare", context.DeadlineExceeded, ambiguous("timeout")},
		{"time-out of the system", os.ErrDeadlineExceeded, ambiguous("timeout")},
		{"lookup timed out", sent(operation("dial", &net.DNSError{IsTimeout: true})), unsent("timeout")},
		{"unknown authority", unverified(x509.UnknownAuthorityError{}), permanent("tls")},
		{"unknown authority, bare", x509.UnknownAuthorityError{}, permanent("tls")},
		{"other host", unverified(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a"}), permanent("tls")},
		{"expired", unverified(x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}), permanent("tls")},
		{"no TLS", sent(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), permanent("tls")},
		{"plain HTTP", sent(http.ErrSchemeMismatch), permanent("tls")},
		{"alert of theirs", sent(operation("remote error", errors.New("tls: bad certificate"))), permanent("tls")},
		{"alert of ours", sent(operation("local error", errors.New("tls: unexpected message"))), permanent("tls")},
		{"cancelled", context.Canceled, retry.Fault{Cause: "cancelled", Ambiguous: true}},
		{"cancelled on the way", sent(context.Canceled), retry.Fault{Cause: "cancelled", Ambiguous: true}},
		{"interrupted", fmt.Errorf("%w: %w", retry.ErrInterrupted, context.Canceled), permanent("cancelled")},
		{"interrupted after a refusal", fmt.Errorf("%w: %w", retry.ErrInterrupted, &refusal{code: 503}), permanent("cancelled")},
		{"plain", errPlain, permanent("other")},
		{"not found file", os.ErrNotExist, permanent("other")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, retry.Classify(tt.err)); diff != "" {
				t.Errorf("Classify(%v) (-want +got):\n%s", tt.err, diff)
			}
		})
	}
}

var syscallReset = operation("read", os.NewSyscallError("read", syscall.ECONNRESET))
