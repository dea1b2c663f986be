package retry_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"xc-group-sync/internal/retry"
)

// A Retry-After is no wait that ends before it begins, whatever a server says.
func FuzzParseAfter(f *testing.F) {
	for _, header := range []string{"", "0", "1", " 30 ", "-1", "1.5", "1h", "99999999999999999999", "Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		wait := retry.ParseAfter(header)
		_, err := http.ParseTime(strings.TrimSpace(header))
		digits := strings.Trim(strings.TrimSpace(header), "0123456789") == ""
		if wait < 0 || wait > 0 && err != nil && !digits || wait%time.Second != 0 && err != nil {
			t.Errorf("%q is a wait of %v", header, wait)
		}
	})
}
