package xc_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"xc-group-sync/internal/xc"
)

// TestNoGETIsSentUnasked: net/http would repeat a GET by itself if a kept-alive
// connection breaks. Each request on the wire is counted, in both protocols.
func TestNoGETIsSentUnasked(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int32
			handler := func(w http.ResponseWriter, r *http.Request) {
				sent.Add(1)
				if body, err := io.ReadAll(r.Body); r.Proto != name || len(body) > 0 || err != nil || r.Header.Get("Content-Length") != "" || len(r.TransferEncoding) > 0 {
					t.Errorf("%s with %q, %v, %v, %v", r.Proto, body, err, r.Header, r.TransferEncoding)
				}
				if strings.HasSuffix(r.URL.Path, "user_roles") {
					_, _ = io.WriteString(w, oneUser)
					return
				}
				panic(http.ErrAbortHandler) // the connection breaks without an answer
			}
			options, base := xc.TransportOptions{}, ""
			if secure {
				ca := authority(t, nil)
				base = serveTLS(t, &tls.Config{Certificates: []tls.Certificate{issue(t, ca, nil).tls()}}, handler).URL
				options.CABundle = ca.pem()
			} else {
				base = serve(t, handler).URL
			}
			client := connect(t, base, options)
			for round := range 3 {
				if _, err := client.Users(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := client.Group(t.Context(), "ops"); err == nil {
					t.Fatal("an answer came from nowhere")
				}
				if want := 2 * (round + 1); int(sent.Load()) != want || client.Stats().Requests != want {
					t.Fatalf("%d requests on the wire and %d counted, want %d", sent.Load(), client.Stats().Requests, want)
				}
			}
		})
	}
}
