package directory_test

import (
	"slices"
	"testing"

	"xc-group-sync/internal/directory"
)

// TestIndexOfSharedEmails: who counts does not depend on the order of the listing.
func TestIndexOfSharedEmails(t *testing.T) {
	t.Parallel()
	user := func(username directory.Username, kind string) directory.User {
		return directory.User{Email: "kim@bücher.example", Username: username, Type: kind}
	}
	for name, tt := range map[string]struct {
		users  []directory.User
		want   directory.Username
		shared bool
	}{
		"one":                      {[]directory.User{user("kim", "USER")}, "kim", false},
		"one whose username it is": {[]directory.User{user("kim", "USER"), user("KIM@bücher.example", "USER")}, "KIM@bücher.example", false},
		"nobody's username":        {[]directory.User{user("kim", "USER"), user("lee", "USER")}, "", true},
		"one person":               {[]directory.User{user("kim", "USER"), user("kim@bücher.example", "SERVICE")}, "kim", false},
		"two spellings of it":      {[]directory.User{user("kim@bücher.example", "USER"), user("kim@xn--bcher-kva.example", "USER")}, "", true},
	} {
		for range 2 {
			slices.Reverse(tt.users)
			got, shared := directory.NewIndex(tt.users).Email("kim@bücher.example")
			if shared != tt.shared || (got == nil) != (tt.want == "") || got != nil && got.Username != tt.want {
				t.Errorf("%s: %v, shared: %v", name, got, shared)
			}
		}
	}
}
