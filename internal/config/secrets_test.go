package config_test

import (
	"encoding/base64"
	"slices"
	"testing"

	"xc-group-sync/internal/config"
)

func TestSecrets(t *testing.T) {
	t.Parallel()
	c := loadMore(t, "--p12-base64=b\n64+/", "--p12-password= pw ", "--github-token=gh", "--proxy=http://user:pr%40xy@h:1")
	for _, form := range []string{
		"t0ken", "dDBrZW4=", "b\n64+/", "b64+/", "b%0A64%2B%2F", " pw ", "IHB3IA==", "gh", "Z2g=",
		"pr@xy", "pr%40xy", "cHJAeHk=", base64.StdEncoding.EncodeToString([]byte("user:pr@xy")),
	} {
		if !slices.Contains(c.Secrets(), form) {
			t.Errorf("%q is not among the secrets %q", form, c.Secrets())
		}
	}
	same(t, "without", len(load(t, nil, "--csv=x", "--simulate", "--proxy=http://h").Secrets()), 0)
	c = load(t, map[string]string{"HTTPS_PROXY": "http://user:hush@h:1"}, "--csv=x", "--simulate")
	same(t, "of the environment's proxy", slices.Contains(c.Secrets(), "hush"), true)
}

// TestSecretsAreAllThatTheTableSays, whether their values are good or bad.
func TestSecretsAreAllThatTheTableSays(t *testing.T) {
	t.Parallel()
	names := config.SecretSettings()
	if len(names) < 5 {
		t.Errorf("only %q are secret", names)
	}
	for _, name := range names {
		for _, value := range []string{"https://user:pa@host", "ftp://user:p\nb@host"} {
			if name == "proxy" && value[0] == 'f' {
				value = "ftp://user:pa@host"
			}
			c, _ := config.Load(config.Sync, []string{"--" + name + "=" + value}, env{}.get)
			if !slices.Contains(c.Secrets(), value) {
				t.Errorf("%s: %q is not among the secrets %q", name, value, c.Secrets())
			}
		}
	}
}
