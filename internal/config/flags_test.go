package config_test

import (
	"fmt"
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
		"a word":                         {[]string{"people.csv"}, []string{`unexpected argument "people.csv"; use --csv=FILE`}},
		"a policy file":                  {[]string{"acme.yml"}, []string{`unexpected argument "acme.yml"; use --policy=FILE`}},
		"letters that changed places":    {[]string{"--cvs=x", "--tenatn", "x"}, []string{"did you mean --csv?", "did you mean --tenant?"}},
		"the beginning of one":           {[]string{"--report=x", "--backoff=1"}, []string{"did you mean --report-file?", "unknown flag --backoff;"}},
		"a flag without dashes":          {[]string{"tenant", "acme"}, []string{`unexpected argument "tenant"; did you mean --tenant?`}},
		"words":                          {[]string{"a", "b"}, []string{`unexpected argument "a"`, `unexpected argument "b"`}},
		"a word after a boolean":         {[]string{"--dry-run", "maybe"}, []string{`unexpected argument "maybe"`}},
		"a word after a boolean's":       {[]string{"--dry-run", "no", "yes"}, []string{`unexpected argument "yes"`}},
		"no word":                        {[]string{""}, []string{`unexpected argument ""`}},
		"an unknown flag":                {[]string{"--bogus"}, []string{"unknown flag --bogus; "}},
		"two":                            {[]string{"--bogus", "--other=1"}, []string{"unknown flag --bogus;", "unknown flag --other;"}},
		"as they are typed":              {[]string{"-bogus=1"}, []string{"unknown flag -bogus;"}},
		"a letter":                       {[]string{"-x"}, []string{"unknown flag -x;"}},
		"an unknown flag and its value":  {[]string{"--bogus", "1", "word"}, []string{"unknown flag --bogus;", "unexpected argument after --bogus"}},
		"a dash":                         {[]string{"-"}, []string{`unexpected argument "-"`}},
		"a slip":                         {[]string{"--simulat", "--dryrun"}, []string{"did you mean --simulate?", "did you mean --dry-run?"}},
		"a flag of another command":      {[]string{"--snapshot=x"}, []string{"--snapshot is only valid for restore, export; did you mean --snapshot-file?"}},
		"three dashes":                   {[]string{"---strict"}, []string{"unknown flag ---strict; did you mean --strict?"}},
		"three dashes twice, and a word": {[]string{"---a", "---a", "--strict", "word"}, []string{"unknown flag ---a", "unknown flag ---a", `unexpected argument "word"`}},
		"flags without names":            {[]string{"--=x", "--strict", "-=y"}, []string{"unknown flag --;", "unknown flag -;"}},
		"a flag without its value":       {[]string{"--proxy"}, []string{"--proxy needs a value; use --proxy=URL"}},
		"the end of the flags":           {[]string{"--", "x"}, []string{`unexpected arguments after "--"`}},
		"nothing after the end":          {[]string{"--strict=x", "--"}, []string{"invalid strict"}},
		"a command":                      {[]string{"sync"}, []string{`unexpected argument "sync"`}},
		"a line break":                   {[]string{"--a\nb"}, []string{`unknown flag --a\nb`}},
		"a value that is a flag":         {[]string{"--report-file", "--strict=x"}, []string{"--report-file needs a value; use --report-file=FILE", "invalid strict"}},
		"a value that is a slip":         {[]string{"--report-file", "--dryrun"}, []string{"--report-file needs a value", "did you mean --dry-run?"}},
		"negative numbers":               {[]string{"--timeout", "-1", "--rate-limit", "-.5"}, []string{`invalid timeout "-1"`, `invalid rate-limit "-.5"`}},
		"a word after a secret":          {[]string{"--p12-password", "pass", "word"}, []string{"unexpected argument after --p12-password;"}},
		"words after a secret":           {[]string{"--p12-password=pass", "-word", "word"}, []string{"unexpected argument after --p12-password;", "unexpected argument after --p12-password;"}},
		"an unknown one after it":        {[]string{"--p12-password=pass", "--bogus"}, []string{"unknown flag --bogus"}},
		"a secret that is a flag":        {[]string{"--p12-password", "--strict"}, []string{"--p12-password needs a value"}},
		"given twice":                    {[]string{"--timeout=1", "--timeout", "2"}, []string{"--timeout given more than once"}},
		"given twice, once empty":        {[]string{"--timeout=", "--timeout=2"}, []string{"--timeout given more than once"}},
		"given twice, the same":          {[]string{"--dry-run", "--dry-run"}, []string{"--dry-run given more than once"}},
		"given twice with one dash":      {[]string{"-strict", "--strict"}, []string{"--strict given more than once"}},
		"prune without a value":          {[]string{"--prune"}, []string{"--prune needs a value; use --prune=none|groups|users|all"}},
		"max-retries":                    {[]string{"--max-retries", "5"}, []string{"unknown flag --max-retries; use --retry-attempts"}},
		"no-verify":                      {[]string{"--no-verify"}, []string{"unknown flag --no-verify; certificates are always verified"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantMessages(t, complaints(t, nil, with(tt.args...)...), tt.want...)
		})
	}
}

// TestLoadSwallowsNoFlag: a flag counts even if the flag before it lacks its
// value.
func TestLoadSwallowsNoFlag(t *testing.T) {
	t.Parallel()
	c, err := config.Load(config.Sync, []string{"--csv", "--simulate"}, env{}.get)
	if err == nil || !strings.HasPrefix(err.Error(), "--csv needs a value") || !c.Simulate {
		t.Errorf("simulate is %v, and %v", c.Simulate, err)
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
		"a login without a scheme":     {"--api-url=u:hush@h", "--tenant=u:hu@sh@acme"},
		"a flag that is not defined":   {"--api-tokn=hush"},
		"without its dashes":           {"api-token=hush"},
		"with a long dash":             {"—api-token=hush"},
		"with a long dash, and behind": {"–api-token", "hush"},
		"without dashes, and behind":   {"api-token", "hush"},
		"with a colon":                 {"--api-token:hush"},
		"a proxy's login":              {"--proxy=ftp://u:hush//hush@h"},
		"a proxy's login, no scheme":   {"--proxy=u:hush@h:x"},
		"a query":                      {"--api-url=https://h/?key=hush"},
		"a query without a scheme":     {"--api-url=h/?key=hush"},
		"a login and a query":          {"--tenant=https://u:hu?sh@h/?key=hush", "--api-url=https://u:hush@h/#hush"},
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
			if text := strings.ToLower(fmt.Sprint(all)); strings.Contains(text, "hu") {
				t.Errorf("a secret is told: %s", text)
			}
		})
	}
}
