package xc_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/xc"
)

// TestTroubleSaysWhatToDoNext, whatever the kind of trouble.
func TestTroubleSaysWhatToDoNext(t *testing.T) {
	t.Parallel()
	lookup := func(host string) error {
		return &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}
	status := func(status int) reply { return reply{status: status, body: `{"message":"boom"}`} }
	for name, tt := range map[string]struct {
		err    error
		answer reply
		says   string
	}{
		"no such name":           {err: lookup("acme.console.ves.volterra.io"), says: "acme.console.ves.volterra.io does not resolve: check tenant"},
		"an ID in place of one":  {err: lookup("acme-abcdefgh.console.ves.volterra.io"), says: "use the name alone: tenant: acme"},
		"another host like one":  {err: lookup("my-computers.example.com"), says: "my-computers.example.com does not resolve: check tenant"},
		"a timeout":              {err: context.DeadlineExceeded, says: "or raise timeout"},
		"an answer cut short":    {err: io.ErrUnexpectedEOF, says: "run it again later"},
		"too many requests":      {answer: status(429), says: "rate-limit"},
		"an error of the server": {answer: status(500), says: "run it again later"},
		"unavailable":            {answer: status(503), says: "run it again later"},
	} {
		client := xc.New(xc.Options{BaseURL: "https://acme.example", Attempts: 1, Transport: tripper(func(r *http.Request) (*http.Response, error) {
			if tt.err != nil {
				return nil, tt.err
			}
			return tt.answer.response(r), nil
		})})
		_, read := client.WhoAmI(t.Context())
		_, write := client.CreateUser(t.Context(), ann)
		for what, err := range map[string]error{"read": read, "write": write} {
			if err == nil || !strings.Contains(retry.HintOf(err), tt.says) {
				t.Errorf("%s, a %s: %v: the hint is %q", name, what, err, retry.HintOf(err))
			}
		}
	}
}
