package config_test

import (
	"slices"
	"strings"
	"testing"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
)

// anything has the settings that accept any text.
var anything = []string{"p12-base64", "p12-password", "github-token"}

// bad has the bad values of all other settings.
var bad = map[string][]string{
	"csv":             {"a\tb", "a\x00b", "teams/**/a.csv"},
	"tenant":          {"a.b", "acme/x", "-acme", "acme-", "a b", "https://acme.console.ves.volterra.io", "ä", "a@b", strings.Repeat("a", 64)},
	"api-token":       {"a\nb", "a\x00b", "APIToken t0ken", "apitoken  t", "APIToken"},
	"p12-file":        {"a\nb"},
	"cert-file":       {"a\nb"},
	"key-file":        {"a\nb"},
	"ca-bundle":       {"a\nb"},
	"report-file":     {"a\x01b"},
	"simulate-faults": {"-0.1", "1.1", "x", "NaN", "Inf", "0x1p-2", "50%", "1e400"},
	"prune":           {"yes", "true", "user", "groups,users"},
	"protect":         {"[a", "a\nb[", "!", "[b-a]"},
	"groups":          {"[a"}, "people": {"[a"}, "adopt": {"[a"}, "only": {"[a"},
	"unnamed-groups": {"true", "delete"}, "removals": {"none", "skip"}, "policy": {"a\nb"}, "yes": badBooleans,
	"max-removals": {"-1", "25 percent", "1.5", "101%", "-1%", "NaN%", "all"},
	"expect-plan": {
		" ", "\n", "sha256:", strings.Repeat("0a", 32), "sha256:" + strings.Repeat("0A", 32), "sha256:" + strings.Repeat("0a", 31), "sha512:" + strings.Repeat("0a", 32),
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
	"strict": badBooleans, "enforce-roles": badBooleans, "membership-writes": {"one", "true", "replace,single"}, "update-users": badBooleans, "summary": badBooleans,
	"approve-masked": badBooleans, "issue-on-failure": badBooleans, "comment": {"yes", "always"}, "pull-request": {"0", "-1", "x", "#7", "1.5", "99999999999"},
	"snapshot": {"a\nb"}, "output": {"a\nb"}, "policy-output": {"a\nb"}, "snapshot-file": {"a\nb"}, "simulate-state": {"a\x01b"},
	"expiry-warning": {"-1", "x", "1.5", "14d"},
	"delimiter":      {"pipe", "|", "::", "a", "\x00"},
	"columns":        {"email", "mail=Mail", "email=", "email=A,email=B", "ldap", "okta,entra-id", "status=!", "email=A\ngroups=B", "\"email=A"},
}

var (
	badSeconds = []string{
		"-1", "-0.5", "-1s", "NaN", "nan", "Inf", "-Inf", "+Inf", "infinity", "1e400", "-1e400", "1e308", "0x1p2", "0x10", "1_000", "1,5", "x",
		"5 s", "1d", "86401", "25h", "٣", ".", "1e", "--1",
	}
	badBooleans = []string{"maybe", "2", "-1", "y", "truee", "true false"}
)

// TestEverySettingHasBadValues, or accepts anything.
func TestEverySettingHasBadValues(t *testing.T) {
	t.Parallel()
	for _, way := range config.Ways() {
		if _, refuses := bad[way.Name]; refuses == slices.Contains(anything, way.Name) {
			t.Errorf("%s: add values that it must refuse to bad, or add it to anything", way.Name)
		}
	}
	for _, name := range anything {
		for _, value := range []string{"a b", "ä\x01\n\r\x00", "--x", "'\""} {
			loadMore(t, "--"+name+"="+value)
		}
	}
}

func TestLoadRefusesEachBadValue(t *testing.T) {
	t.Parallel()
	for name, values := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command, flags := config.Sync, without(enough, name)
			if !hasSetting(command, name) {
				command, flags = config.Export, without(enough, "csv")
			}
			for _, value := range values {
				// Bad values are refused however they are given.
				for from, all := range map[string][]directory.Finding{
					"":                               complaintsOf(t, command, nil, append(flags, "--"+name+"="+value)...),
					" (from the input " + name + ")": complaintsOf(t, command, env{"INPUT_" + strings.ToUpper(name): value}, flags...),
					" (from the environment variable " + variable(name) + ")": complaintsOf(t, command, env{variable(name): value}, flags...),
				} {
					if len(all) != 1 || !strings.HasPrefix(all[0].Message, "invalid "+name) || !strings.Contains(all[0].Message, ": must ") && name != "columns" || !strings.HasSuffix(all[0].Message, from) {
						t.Errorf("%q: %q; want one complaint about %s%s", value, messages(all), name, from)
					}
				}
			}
		})
	}
}

func hasSetting(command, name string) bool {
	return slices.ContainsFunc(config.Ways(), func(way config.Way) bool { return way.Command == command && way.Name == name })
}

func variable(name string) string {
	return "XC_SYNC_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// without returns the flags except one.
func without(flags []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(flags), func(flag string) bool { return strings.HasPrefix(flag, "--"+name+"=") })
}

func TestLoadReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	args := []string{"-x"}
	count := 0
	for name, values := range bad {
		if !hasSetting(config.Sync, name) {
			continue
		}
		count++
		args = append(args, "--"+name+"="+values[0], "word")
	}
	args = append(args, "--bogus=1", "--cert-file")
	all := complaints(t, nil, args...)
	text := "\n" + config.Errors(all).Error()
	for name := range bad {
		if !hasSetting(config.Sync, name) {
			continue
		}
		if strings.Count(text, "\ninvalid "+name+":")+strings.Count(text, "\ninvalid "+name+" ") != 1 && name != "cert-file" {
			t.Errorf("not one complaint about %s in:%s", name, text)
		}
	}
	if n := strings.Count(text, "\nunexpected argument "); n != count {
		t.Errorf("%d complaints about %d words", n, count)
	}
	for _, part := range []string{"unknown flag --bogus", "unknown flag -x", "--cert-file needs a value"} {
		if !strings.Contains(text, part) {
			t.Errorf("no complaint %q in:%s", part, text)
		}
	}
}

func TestLoadCutsLongValues(t *testing.T) {
	t.Parallel()
	text := config.Errors(complaints(t, nil, with("--prune="+strings.Repeat("x", 5000), strings.Repeat("y", 5000), "--"+strings.Repeat("z", 5000))...)).Error()
	if len(text) > 600 || strings.Count(text, "\n") != 2 {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}
