package directory_test

import (
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
)

func TestParseRole(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 256)
	for text, want := range map[string]directory.Role{
		"*/ves-io-admin-role":        {Namespace: "*", Role: "ves-io-admin-role"},
		"system/ves-io-monitor-role": {Namespace: "system", Role: "ves-io-monitor-role"},
		"0/1":                        {Namespace: "0", Role: "1"},
		long + "/" + long:            {Namespace: long, Role: long},
	} {
		got, err := directory.ParseRole(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "/", "*", "ves-io-admin-role", "a/", "/b", "a/b/c", "*/*", "a/*", "**/r", "*a/r", "A/b", "a/B", " a/b", "a/b ", "a /b", "a/b\n", "-a/b", "a-/b", "a/-b",
		"a_b/c", "a.b/c", "ä/b", long + "a/b", "a/" + long + "a",
	} {
		if got, err := directory.ParseRole(text); err == nil || !strings.HasPrefix(err.Error(), "must ") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
