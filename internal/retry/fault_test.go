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
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/retry"
)

func sent(err error) error { return &url.Error{Op: "Post", URL: "https://example", Err: err} }

// unanswered is what a request that net/http could not carry out ends with.
func unanswered(err error) error { return retry.Unanswered(sent(err)) }

func operation(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }

// timeout is a time-out as the network reports it.
type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// TestUnanswered: connections and timeouts may pass, and are ambiguous unless
// nothing was sent.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	refused := os.NewSyscallError("connect", syscall.ECONNREFUSED)
	var (
		permanent  = func(cause string) retry.Fault { return retry.Fault{Cause: cause} }
		unsent     = func(cause string) retry.Fault { return retry.Fault{Cause: cause, Transient: true, NotSent: true} }
		ambiguous  = func(cause string) retry.Fault { return retry.Fault{Cause: cause, Transient: true, Ambiguous: true} }
		unverified = func(err error) error { return sent(&tls.CertificateVerificationError{Err: err}) }
		proxy      = &retry.Fault{Cause: "502", Status: 502, Transient: true, NotSent: true, Err: errPlain}
	)
	tests := []struct {
		name string
		err  error
		want retry.Fault
	}{
		{"refused connection", sent(operation("dial", refused)), unsent("connection")},
		{"proxy out of reach", sent(operation("proxyconnect", operation("dial", refused))), unsent("connection")},
		{"unknown host", sent(operation("dial", &net.DNSError{Err: "no such host", IsNotFound: true})), unsent("connection")},
		{"unreachable network", operation("dial", os.NewSyscallError("connect", syscall.ENETUNREACH)), unsent("connection")},
		{"reset connection", sent(operation("read", os.NewSyscallError("read", syscall.ECONNRESET))), ambiguous("connection")},
		{"broken pipe", sent(operation("write", os.NewSyscallError("write", syscall.EPIPE))), ambiguous("connection")},
		{"reset, bare", syscall.ECONNRESET, ambiguous("connection")},
		{"EOF", sent(io.EOF), ambiguous("connection")},
		{"unexpected EOF", io.ErrUnexpectedEOF, ambiguous("connection")},
		{"dial timed out", sent(operation("dial", timeout{})), unsent("timeout")},
		{"read timed out", sent(operation("read", timeout{})), ambiguous("timeout")},
		{"timeout", sent(context.DeadlineExceeded), ambiguous("timeout")},
		{"timeout, bare", context.DeadlineExceeded, ambiguous("timeout")},
		{"timeout of the system", os.ErrDeadlineExceeded, ambiguous("timeout")},
		{"lookup timed out", sent(operation("dial", &net.DNSError{IsTimeout: true})), unsent("timeout")},
		{"unknown authority", unverified(x509.UnknownAuthorityError{}), permanent("tls")},
		{"unknown authority, bare", x509.UnknownAuthorityError{}, permanent("tls")},
		{"other host", unverified(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a"}), permanent("tls")},
		{"expired", unverified(x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}), permanent("tls")},
		{"no TLS", sent(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), permanent("tls")},
		{"plain HTTP", sent(http.ErrSchemeMismatch), permanent("tls")},
		{"alert of theirs", sent(operation("remote error", errors.New("tls: bad certificate"))), permanent("tls")},
		{"alert of ours", sent(operation("local error", errors.New("tls: unexpected message"))), permanent("tls")},
		{"cancelled", context.Canceled, retry.Fault{Cause: "interrupted", Ambiguous: true}},
		{"cancelled on the way", sent(context.Canceled), retry.Fault{Cause: "interrupted", Ambiguous: true}},
		{"refused by the proxy", sent(proxy), retry.Fault{Cause: "502", Status: 502, Transient: true, NotSent: true}},
		{"plain", errPlain, permanent("other")},
		{"not found file", os.ErrNotExist, permanent("other")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := retry.Unanswered(tt.err)
			if got.Err != tt.err {
				t.Errorf("error = %v, want %v", got.Err, tt.err)
			}
			sameFault(t, got, tt.want)
		})
	}
}

// sameFault compares the faults of errors but for the errors.
func sameFault(t *testing.T, err error, want retry.Fault) {
	t.Helper()
	got := retry.FaultOf(err)
	got.Err, want.Err = nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fault of %v (-want +got):\n%s", err, diff)
	}
}

// TestAnswered: 429 and 5xx may pass; a 5xx leaves open what was done.
func TestAnswered(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]retry.Fault{
		200: {}, 302: {}, 400: {}, 401: {}, 403: {}, 404: {}, 407: {}, 409: {}, 422: {}, 429: {Transient: true},
		500: {Transient: true, Ambiguous: true}, 502: {Transient: true, Ambiguous: true}, 503: {Transient: true, Ambiguous: true}, 504: {Transient: true, Ambiguous: true},
	} {
		want.Cause, want.Status = strconv.Itoa(status), status
		sameFault(t, fmt.Errorf("create user: %w", refusal(status)), want)
		want.RetryAfter = 7 * time.Second
		sameFault(t, refusal(status, 7*time.Second), want)
	}
}

// TestFaultOf: an error without a fault is permanent, and of several wrapped ones
// the outermost counts.
func TestFaultOf(t *testing.T) {
	t.Parallel()
	sameFault(t, nil, retry.Fault{})
	sameFault(t, errPlain, retry.Fault{Cause: "other"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sameFault(t, fmt.Errorf("%w: %w", retry.Interrupted(ctx), busy), retry.Fault{Cause: "interrupted", NotSent: true})
}

// TestHistory: each attempt learns of those before it, and the operation's error
// of all of them; settling is asked only if one may have been carried out.
func TestHistory(t *testing.T) {
	t.Parallel()
	unsent := unanswered(operation("dial", timeout{}))
	tests := []struct {
		name               string
		errs               []error
		want               []retry.History
		ambiguous, notSent bool
	}{
		{"refused", []error{bad}, []retry.History{{}}, false, false},
		{"never sent", []error{unsent, unsent, unsent}, []retry.History{{}, {Attempts: 1}, {Attempts: 2}}, false, true},
		{"limited", []error{refusal(429), refusal(429), bad}, []retry.History{{}, {Attempts: 1}, {Attempts: 2}}, false, false},
		{"lost, then refused", []error{busy, refusal(429), bad}, []retry.History{{}, {Attempts: 1, MaybeDone: true}, {Attempts: 2, MaybeDone: true}}, true, false},
		{"refused, then lost", []error{refusal(429), unsent, busy}, []retry.History{{}, {Attempts: 1}, {Attempts: 2}}, true, false},
	}
	for _, tt := range tests {
		for _, done := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, done %t", tt.name, done), func(t *testing.T) {
				t.Parallel()
				var histories []retry.History
				asked := 0
				var metrics retry.Metrics
				r := retry.Retrier{Metrics: &metrics}
				got := r.Do(t.Context(), "operation", retry.Policy{Attempts: 3}, func(_ context.Context, history retry.History) error {
					histories = append(histories, history)
					return tt.errs[len(histories)-1]
				}, func(_ context.Context, err error) bool {
					if asked++; !errors.Is(err, tt.errs[len(tt.errs)-1]) {
						t.Errorf("asked about %v", err)
					}
					return done
				})
				if diff := cmp.Diff(tt.want, histories); diff != "" {
					t.Errorf("histories (-want +got):\n%s", diff)
				}
				if (asked == 1) != tt.ambiguous || asked > 1 {
					t.Errorf("asked %d times", asked)
				}
				if settled := done && tt.ambiguous; (got.Err == nil) != settled || (metrics.Counts().Recovered == 1) != settled {
					t.Errorf("error = %v, counts = %+v", got.Err, metrics.Counts())
				}
				if fault := retry.FaultOf(got.Err); got.Err != nil && (fault.Ambiguous != tt.ambiguous || fault.NotSent != tt.notSent) {
					t.Errorf("fault = %+v", fault)
				}
			})
		}
	}
}

var reset = unanswered(operation("read", os.NewSyscallError("read", syscall.ECONNRESET)))
