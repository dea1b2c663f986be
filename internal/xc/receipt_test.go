package xc_test

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/xc"
)

// A receipt has what the answer to the last write calls itself, in a form that may
// be shown.
func TestReceipts(t *testing.T) {
	t.Parallel()
	const read, write = 0, 4
	named := func(id string) reply { return reply{200, http.Header{"X-Request-Id": {id}}, "{}"} }
	for name, tt := range map[string]struct {
		operations []int
		replies    []reply // by request; none: the connection breaks
		want       string
	}{
		"answered":           {[]int{write}, []reply{named("id-1")}, "id-1"},
		"refused":            {[]int{write}, []reply{{403, http.Header{"X-Request-Id": {"id-1"}}, "{}"}}, "id-1"},
		"not named":          {[]int{write}, []reply{{200, nil, "{}"}}, ""},
		"read":               {[]int{read}, []reply{named("id-1")}, ""},
		"read after a write": {[]int{write, read}, []reply{named("id-1"), named("id-2")}, "id-1"},
		"written twice":      {[]int{write, write}, []reply{named("id-1"), named("id-2")}, "id-2"},
		"then not named":     {[]int{write, write}, []reply{named("id-1"), {200, nil, "{}"}}, ""},
		"then lost":          {[]int{write, write}, []reply{named("id-1")}, ""},
		"token":              {[]int{write}, []reply{named("id-" + token)}, "id-***"},
		"controls":           {[]int{write}, []reply{named("a\x1b[31m\u200bb")}, "a [31m<U+200B>b"},
		"not UTF-8":          {[]int{write}, []reply{named("a\xffb")}, "a\uFFFDb"},
		"long":               {[]int{write}, []reply{named(strings.Repeat("é", 10_000))}, strings.Repeat("é", 128) + "…"},
	} {
		requests := 0
		client := xc.New(xc.Options{BaseURL: "https://tenant.example", Token: token, Hide: hide, Transport: tripper(func(r *http.Request) (*http.Response, error) {
			requests++
			if requests > len(tt.replies) {
				return nil, http.ErrServerClosed
			}
			return tt.replies[requests-1].response(r), nil
		})})
		var receipt retry.Receipt
		ctx := retry.WithReceipt(t.Context(), &receipt)
		for _, i := range tt.operations {
			_ = operations[i].do(client, ctx)
		}
		if receipt.RequestID != tt.want || !utf8.ValidString(receipt.RequestID) || requests != len(tt.operations) {
			t.Errorf("%s: %q after %d requests", name, receipt.RequestID, requests)
		}
	}
}
