package config_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
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

// TestSecretsAreAllThatTheTableSays, whether their values are valid or not.
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

// TestSecretsWithinOtherTexts looks for a token in what a log could make of a
// longer text.
func TestSecretsWithinOtherTexts(t *testing.T) {
	t.Parallel()
	for length := 8; length < 40; length++ {
		token := strings.Repeat("s3cr%t/?>~ü\"", 4)[:length]
		forms := load(t, nil, "--csv=x", "--tenant=acme", "--api-token="+token).Secrets()
		for before := range 7 {
			for after := range 7 {
				text := []byte("user:x"[:before] + token + "\n\x00\xffabc"[:after])
				for name, made := range map[string]string{
					"base64": base64.StdEncoding.EncodeToString(text), "base64, unpadded": base64.RawStdEncoding.EncodeToString(text),
					"base64 for URLs": base64.URLEncoding.EncodeToString(text), "base64 for URLs, unpadded": base64.RawURLEncoding.EncodeToString(text),
					"hex": hex.EncodeToString(text), "HEX": strings.ToUpper(hex.EncodeToString(text)),
					"query": url.QueryEscape(string(text)), "path": url.PathEscape(string(text)), "quoted": fmt.Sprintf("%q", text),
				} {
					longest := 0
					for _, form := range forms {
						if strings.Contains(made, form) {
							longest = max(longest, len(form))
						}
					}
					// At either end of base64, a character also depends on the
					// bytes next to it.
					if longest < length || strings.HasPrefix(name, "base64") && longest < (8*length-10)/6 {
						t.Fatalf("%s: %q is found in %q by %d characters", name, token, made, longest)
					}
				}
			}
		}
	}
}

// A secret of several lines is logged line by line.
func TestSecretsOfSeveralLines(t *testing.T) {
	t.Parallel()
	c := loadMore(t, "--p12-base64=MIIabc123\nMIIdef456\n")
	for _, form := range []string{"MIIabc123", "MIIdef456", "MIIabc123MIIdef456"} {
		if !slices.Contains(c.Secrets(), form) {
			t.Errorf("%q is not among the secrets %q", form, c.Secrets())
		}
	}
}
