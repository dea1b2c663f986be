package config_test

import (
	"errors"
	"strings"
	"testing"

	"xc-group-sync/internal/config"
)

func TestLoadRefusesWordsAndUnknownFlags(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want []string
	}{
		"a word":                         {[]string{"people.csv"}, []string{`"people.csv" is no flag`}},
		"words":                          {[]string{"a", "b"}, []string{`"a" is no flag`, `"b" is no flag`}},
		"a word behind a boolean":        {[]string{"--dry-run", "maybe"}, []string{`"maybe" is no flag`}},
		"a word behind a boolean's":      {[]string{"--dry-run", "no", "yes"}, []string{`"yes" is no flag`}},
		"no word":                        {[]string{""}, []string{`"" is no flag`}},
		"an unknown flag":                {[]string{"--bogus"}, []string{"no flag --bogus: see --help"}},
		"two":                            {[]string{"--bogus", "--other=1"}, []string{"no flag --bogus: see --help", "no flag --other: see"}},
		"as they are typed":              {[]string{"-bogus=1", "-x"}, []string{"no flag -bogus: see", "no flag -x: see"}},
		"an unknown flag and its value":  {[]string{"--bogus", "1", "word"}, []string{"no flag --bogus: see --help", `"word" is no flag`}},
		"a dash":                         {[]string{"-"}, []string{`"-" is no flag`}},
		"a slip":                         {[]string{"--simulat", "--dryrun"}, []string{"did you mean --simulate?", "did you mean --dry-run?"}},
		"a flag of another command":      {[]string{"--snapshot=x"}, []string{"no flag --snapshot for sync: it is one of restore"}},
		"three dashes":                   {[]string{"---strict"}, []string{"no flag ---strict: did you mean --strict?"}},
		"three dashes twice, and a word": {[]string{"---a", "---a", "--strict", "word"}, []string{"no flag ---a", "no flag ---a", `"word" is no flag`}},
		"a flag without a name":          {[]string{"--=x", "-=y"}, []string{"no flag --: see", "no flag -: see"}},
		"a flag without its value":       {[]string{"--proxy"}, []string{"--proxy needs a value"}},
		"the sign of the flags' end":     {[]string{"--", "x"}, []string{`behind "--"`}},
		"a command":                      {[]string{"sync"}, []string{`"sync" is no flag`}},
		"a line break":                   {[]string{"--a\nb"}, []string{`no flag --a\nb: see`}},
		"a value that is a flag": {[]string{"--report-file", "--strict=no"}, []string{
			`--report-file needs a value: "--strict=…" looks like a flag (write --report-file=--strict=… if you mean it)`}},
		"a value that may be one": {[]string{"--report-file", "-r.json", "--bogus=1"}, []string{`"-r.json" looks like a flag`, "no flag --bogus"}},
		"a value that is a slip":  {[]string{"--report-file", "--dryrun"}, []string{`"--dryrun" looks like a flag`, "did you mean --dry-run?"}},
		"a negative number":       {[]string{"--timeout", "-1", "--rate-limit", "-.5"}, []string{`timeout: "-1"`, `rate-limit: "-.5"`}},
		"a word behind a secret":  {[]string{"--p12-password", "pass", "word"}, []string{"the word behind --p12-password and its value is no flag"}},
		"words behind a secret":   {[]string{"--p12-password=pass", "-word", "word"}, []string{"the word behind --p12-password", "the word behind --p12-password"}},
		"an unknown behind it":    {[]string{"--p12-password=pass", "--bogus"}, []string{"no flag --bogus"}},
		"a secret that is a flag": {[]string{"--p12-password", "--strict"}, []string{`--p12-password needs a value: "--strict" looks like`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := complaints(t, nil, with(tt.args...)...)
			if len(all) != len(tt.want) {
				t.Fatalf("%q, want %q", all, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(all[i].Error(), want) {
					t.Errorf("%q, want %q", all[i], want)
				}
			}
		})
	}
}

// TestLoadSwallowsNoFlag: a flag counts though the one before it lacks its value.
func TestLoadSwallowsNoFlag(t *testing.T) {
	t.Parallel()
	c, err := config.Load(config.Sync, []string{"--csv", "--simulate"}, env{}.get)
	const want = `--csv needs a value: "--simulate" looks like a flag (write --csv=--simulate if you mean it)`
	if err == nil || !strings.HasPrefix(err.Error(), want) || !c.Simulate {
		t.Errorf("simulate is %v, and %v; want true and %q", c.Simulate, err, want)
	}
}

func TestLoadNeverShowsSecrets(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"a token with a line break":    {"--api-token=hush\nhush"},
		"a token with its scheme":      {"--api-token=APIToken hush"},
		"its scheme by itself":         {"--api-token", "APIToken", "hush"},
		"its scheme, and dashes":       {"--api-token=APIToken", "-hush", "-Hush", "hush"},
		"a token that looks like one":  {"--api-token", "-hush", "hush"},
		"a bad proxy":                  {"--proxy=ftp://u:hush@h"},
		"a proxy that is no URL":       {"--proxy=http://u:hush@h:%zz"},
		"a login in the URL":           {"--api-url=https://u:hush@h"},
		"a login in the URL, twice":    {"--api-url=https://u:hu@sh/hush@h/"},
		"a login for a tenant":         {"--tenant=https://u:hush@acme"},
		"a flag that is not defined":   {"--api-tokn=hush"},
		"without its dashes":           {"api-token=hush"},
		"with a long dash":             {"—api-token=hush"},
		"with a long dash, and behind": {"–api-token", "hush"},
		"without dashes, and behind":   {"api-token", "hush"},
		"with a colon":                 {"--api-token:hush"},
		"a proxy's login":              {"--proxy=ftp://u:hush//hush@h"},
		"a proxy's login, no scheme":   {"--proxy=u:hush@h:x"},
		"a query":                      {"--api-url=https://h/?key=hush"},
		"a fragment":                   {"--api-url=https://h/#hush"},
		"and its value":                {"--api-tokn", "hush"},
		"its value with a dash":        {"--api-tokn", "-hush", "hush"},
		"its value behind --":          {"--api-tokn", "--", "hush"},
		"with a dash too many":         {"---api-token=hush"},
		"a dash too many, and a value": {"---api-token", "hush"},
		"two of them":                  {"--a", "hush", "--b", "hush"},
		"one in place of a value":      {"--ca-bundle", "--api-tokn", "hush"},
		"one in place of a value, =":   {"--ca-bundle", "--api-token=hush"},
		"given twice":                  {"--p12-password=hush", "--p12-password=hush2"},
		"secrets beside other errors":  {"--api-token=hush", "--p12-base64=hush", "--p12-password=hush", "--github-token=hush", "--proxy=http://u:hush@h", "--timeout=x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := complaints(t, nil, append([]string{"--csv=people.csv", "--prune=x"}, args...)...)
			if text := strings.ToLower(errors.Join(all...).Error()); strings.Contains(text, "hu") {
				t.Errorf("a secret is told: %s", text)
			}
		})
	}
}
