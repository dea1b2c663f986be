package config_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// bad is each setting's bad values, but for those that take any text.
var bad = map[string][]string{
	"csv":             {"a\nb", "a\x00b"},
	"tenant":          {"a.b", "acme/x", "-acme", "acme-", "a b", "https://acme.console.ves.volterra.io", "ä", "a@b", strings.Repeat("a", 64)},
	"api-token":       {"a\nb", "a\x00b", "APIToken t0ken", "apitoken  t", "APIToken"},
	"p12-file":        {"a\nb"},
	"cert-file":       {"a\nb"},
	"key-file":        {"a\nb"},
	"ca-bundle":       {"a\nb"},
	"report-file":     {"a\x01b"},
	"simulate-faults": {"-0.1", "1.1", "x", "NaN", "Inf", "0x1p-2", "50%", "1e400"},
	"prune":           {"yes", "true", "user", "groups,users"},
	"protect":         {"[a", "a\nb[", "!"},
	"max-removals":    {"-1", "25 percent", "1.5", "101%", "-1%", "NaN%", "all"},
	"expect-plan": {
		"sha256:", strings.Repeat("0a", 32), "sha256:" + strings.Repeat("0A", 32), "sha256:" + strings.Repeat("0a", 31), "sha512:" + strings.Repeat("0a", 32),
	},
	"name-collisions":           {"ignore", "true"},
	"on-user-failure":           {"skip", "fail"},
	"idm-type":                  {"local", "SAML"},
	"retry-profile":             {"fast", "none"},
	"retry-attempts":            {"0", "-1", "1.5", "x", "1e3", "99999999999"},
	"group-retry-attempts":      {"0", "-1", "x"},
	"http-retry-attempts":       {"0", "-1", "x"},
	"backoff-multiplier":        append([]string{"0", "0.0", "0s", "1e-12"}, badSeconds...),
	"group-backoff-multiplier":  append([]string{"0"}, badSeconds...),
	"timeout":                   append([]string{"0"}, badSeconds...),
	"backoff-min":               badSeconds,
	"backoff-max":               badSeconds,
	"group-backoff-min":         badSeconds,
	"group-backoff-max":         badSeconds,
	"retry-after-max":           badSeconds,
	"circuit-breaker-cooldown":  badSeconds,
	"backoff-jitter":            {"some", "true"},
	"retry-budget":              {"-1", "x", "none", "1.5"},
	"circuit-breaker-threshold": {"-1", "x", "off"},
	"http-retry-scope":          {"writes", "GET"},
	"concurrency":               {"0", "65", "-1", "x", "2.5"},
	"rate-limit":                {"-1", "x", "NaN", "Inf", "+Inf", "0x10", "1e400", "10/s"},
	"proxy":                     {"proxy:3128", "ftp://proxy", "http://", "x", "http://a b"},
	"mask-emails":               {"yes", "some"},
	"log-level":                 {"trace", "loud", "INFO+1"},
	"log-format":                {"xml", "logfmt"},
	"api-url": {
		"acme.console.ves.volterra.io", "ftp://h", "//h", "https:h", "https://", "https://:443", "https://u:p@h", "https://h?x=1", "https://h?", "https://h#x",
		"http://h", "http://10.0.0.1", "http://127.0.0.1.example.com", "http://localhost.example.com", "http://[::2]", "http://0.0.0.0", "http://127.1",
		"https://a b", "https://h\nx", "https://h:port", "https://%zz",
	},
	"simulate": badBooleans, "dry-run": badBooleans, "prune-unmanaged": badBooleans, "prune-inactive": badBooleans, "fail-on-drift": badBooleans,
	"strict": badBooleans, "update-users": badBooleans, "summary": badBooleans,
}

var (
	badSeconds = []string{
		"-1", "-0.5", "-1s", "NaN", "nan", "Inf", "-Inf", "+Inf", "infinity", "1e400", "-1e400", "1e308", "0x1p2", "0x10", "1_000", "1,5", "x",
		"5 s", "1d", "86401", "25h", "٣", ".", "1e", "--1",
	}
	badBooleans = []string{"maybe", "2", "-1", "y", "truee", "true false"}
)

func TestLoadRefusesEachBadValue(t *testing.T) {
	t.Parallel()
	for name, values := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, value := range values {
				// Each way in is refused alike.
				args := append(without(enough, name), "--"+name+"="+value)
				all := complaints(t, nil, args...)
				if len(all) != 1 || !strings.HasPrefix(all[0].Error(), name+": ") || !strings.Contains(all[0].Error(), "the flag --"+name) {
					t.Errorf("%q: %q; want one complaint of %s", value, all, name)
				}
				input := env{"INPUT_" + strings.ToUpper(name): value}
				if name == "csv" || name == "tenant" || name == "api-token" {
					continue // the flag is there
				}
				if all := complaints(t, input, enough...); len(all) != 1 || !strings.Contains(all[0].Error(), "the input "+name) {
					t.Errorf("%q as an input: %q; want one complaint", value, all)
				}
			}
		})
	}
}

// without is the flags but for one.
func without(flags []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(flags), func(flag string) bool { return strings.HasPrefix(flag, "--"+name+"=") })
}

func TestLoadReportsEverythingInOneGo(t *testing.T) {
	t.Parallel()
	var args []string
	for name, values := range bad {
		args = append(args, "--"+name+"="+values[0], "word")
	}
	args = append(args, "--bogus=1", "-x", "--cert-file")
	all := complaints(t, nil, args...)
	text := "\n" + errors.Join(all...).Error()
	for name := range bad {
		if name != "cert-file" && strings.Count(text, "\n"+name+": ") != 1 {
			t.Errorf("%d complaints of %s in:%s", strings.Count(text, "\n"+name+": "), name, text)
		}
	}
	hidden := strings.Count(text, "the word behind --api-token") + strings.Count(text, "the word behind --proxy")
	if n := strings.Count(text, `"word" is no flag`); n != len(bad)-2 || hidden != 2 {
		t.Errorf("%d complaints of %d words", n, len(bad))
	}
	for _, part := range []string{"no flag --bogus: see --help", "no flag -x", "--cert-file needs a value"} {
		if !strings.Contains(text, part) {
			t.Errorf("no complaint %q in:%s", part, text)
		}
	}
}

func TestLoadCutsLongValues(t *testing.T) {
	t.Parallel()
	text := errors.Join(complaints(t, nil, with("--prune="+strings.Repeat("x", 5000), strings.Repeat("y", 5000), "--"+strings.Repeat("z", 5000))...)...).Error()
	if len(text) > 600 || strings.Count(text, "\n") != 2 {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}
