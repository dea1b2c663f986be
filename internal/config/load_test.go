package config_test

import (
	"errors"
	"flag"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/xc"
)

type env map[string]string

func (e env) get(name string) string { return e[name] }

// enough has the settings that every run needs.
var enough = []string{"--csv=people.csv", "--api-token=t0ken", "--tenant=acme"}

// load loads settings that must be good.
func load(t *testing.T, environment env, args ...string) *config.Config {
	t.Helper()
	c, err := config.Load(config.Sync, args, environment.get)
	if err != nil {
		t.Fatalf("Load(%q): %v", args, err)
	}
	return c
}

// loadMore is load with enough before the arguments.
func loadMore(t *testing.T, args ...string) *config.Config {
	t.Helper()
	return load(t, nil, append(enough[:len(enough):len(enough)], args...)...)
}

// complaints loads settings that must be invalid.
func complaints(t *testing.T, environment env, args ...string) []directory.Finding {
	t.Helper()
	return complaintsOf(t, config.Sync, environment, args...)
}

func complaintsOf(t *testing.T, command string, environment env, args ...string) []directory.Finding {
	t.Helper()
	c, err := config.Load(command, args, environment.get)
	var all config.Errors
	if !errors.As(err, &all) || c == nil {
		t.Fatalf("Load(%q) = %v, %v; want a config and Errors", args, c, err)
	}
	for _, finding := range all {
		if finding.Severity != directory.Error || finding.Kind != directory.BadSettings || finding.Message == "" {
			t.Errorf("%+v is not an error about settings", finding)
		}
	}
	return all
}

// messages returns the findings' messages.
func messages(findings []directory.Finding) (all []string) {
	for _, finding := range findings {
		all = append(all, finding.Message)
	}
	return all
}

// wantMessages checks that each finding says what is wanted, in that order.
func wantMessages(t *testing.T, findings []directory.Finding, want ...string) {
	t.Helper()
	if len(findings) != len(want) {
		t.Fatalf("%q, want %q", messages(findings), want)
	}
	for i := range want {
		if text := findings[i].Message + "; " + findings[i].Hint; !strings.Contains(text, want[i]) {
			t.Errorf("%q, want %q", text, want[i])
		}
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(config.Config{})); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	group := retry.Default()
	group.Attempts = 1
	same(t, "config", loadMore(t), &config.Config{
		CSV: []string{"people.csv"}, Tenant: "acme", APIURL: "https://acme.console.ves.volterra.io",
		OwnTenant: "acme", Credential: config.ByToken, APIToken: "t0ken",
		Policy: plan.Policy{Tenant: "acme", API: "acme.console.ves.volterra.io", MaxRemovals: plan.Limit{Share: true, Max: 25}},
		Options: groupsync.Options{
			OnUserFailure: groupsync.SkipGroup, MembershipWrites: groupsync.ReplaceMembers,
			UserRetry: retry.Default(), GroupRetry: group, RetryAfterMax: time.Minute,
			BreakerThreshold: 5, BreakerCooldown: 30 * time.Second, Concurrency: 4,
		},
		ExpiryWarning: 14, HTTPAttempts: 3, HTTPScope: xc.ScopeReads, Timeout: 30 * time.Second,
		Summary: true, Comment: config.Auto, MaskEmails: config.Auto, LogLevel: slog.LevelInfo, LogFormat: "text",
	})
}

// TestLoadPrecedence has what TestLoadTakesEverySettingEveryWay does not: where
// several ways meet lists, blanks, profiles and defaults, and the older variables'
// names.
func TestLoadPrecedence(t *testing.T) {
	t.Parallel()
	base := env{"INPUT_CSV": "input.csv", "TENANT_ID": "from-env", "XC_API_TOKEN": "t"}
	with := func(more env) env {
		all := maps.Clone(base)
		maps.Copy(all, more)
		return all
	}
	for name, tt := range map[string]struct {
		env  env
		args []string
		get  func(*config.Config) any
		want any
	}{
		"a list as a flag":               {nil, []string{"--csv", "a.csv", "--csv=teams/*.csv"}, func(c *config.Config) any { return c.CSV }, []string{"a.csv", "teams/*.csv"}},
		"a list as an input":             {env{"INPUT_CSV": "a.csv\n\n  b.csv \n"}, nil, func(c *config.Config) any { return c.CSV }, []string{"a.csv", "b.csv"}},
		"flag before both":               {env{"INPUT_TENANT": "from-input"}, []string{"-tenant=from-flag"}, func(c *config.Config) any { return c.Tenant }, "from-flag"},
		"an empty flag, then a default":  {nil, []string{"--timeout="}, func(c *config.Config) any { return c.Timeout }, 30 * time.Second},
		"blanks around a value":          {nil, []string{"--tenant= acme "}, func(c *config.Config) any { return c.Tenant }, "acme"},
		"an own variable where no older": {env{"XC_SYNC_MAX_REMOVALS": "3"}, nil, func(c *config.Config) any { return c.Policy.MaxRemovals.Max }, 3.0},
		"an own variable before profile": {env{"XC_SYNC_RETRY_ATTEMPTS": "9"}, []string{"--retry-profile=aggressive"}, func(c *config.Config) any { return c.UserRetry.Attempts }, 9},
		"a password with a dash":         {nil, []string{"--p12-password", "-Word"}, func(c *config.Config) any { return c.P12Password }, "-Word"},
		"boolean: flag alone":            {env{"INPUT_DRY-RUN": "false"}, []string{"--dry-run"}, func(c *config.Config) any { return c.DryRun }, true},
		"boolean: an empty flag":         {env{"INPUT_DRY-RUN": "true"}, []string{"--dry-run="}, func(c *config.Config) any { return c.DryRun }, true},
		"profile before default":         {nil, []string{"--retry-profile=aggressive"}, func(c *config.Config) any { return c.UserRetry.Attempts }, 5},
		"input before profile":           {env{"INPUT_RETRY-ATTEMPTS": "9"}, []string{"--retry-profile=aggressive"}, func(c *config.Config) any { return c.UserRetry.Attempts }, 9},
		"the default's value is given":   {nil, []string{"--retry-profile=aggressive", "--retry-attempts=3"}, func(c *config.Config) any { return c.UserRetry.Attempts }, 3},
		"the profile is an input":        {env{"INPUT_RETRY-PROFILE": "conservative"}, nil, func(c *config.Config) any { return c.UserRetry.Max }, 10 * time.Second},
		"environment":                    {nil, nil, func(c *config.Config) any { return c.Tenant }, "from-env"},
		"the other name of a password":   {env{"XC_P12_PASSWORD": "p"}, nil, func(c *config.Config) any { return c.P12Password }, "p"},
		"the first variable first":       {env{"XC_API_URL": "https://one", "VOLT_API_URL": "https://two"}, nil, func(c *config.Config) any { return c.APIURL }, "https://one"},
		"the second where it is empty":   {env{"XC_API_URL": "", "VOLT_API_URL": "https://two"}, nil, func(c *config.Config) any { return c.APIURL }, "https://two"},
		"first CA variable":              {env{"SSL_CERT_FILE": "c", "CURL_CA_BUNDLE": "b", "REQUESTS_CA_BUNDLE": "a"}, nil, func(c *config.Config) any { return c.CABundle }, "a"},
		"last CA variable":               {env{"SSL_CERT_FILE": "c"}, nil, func(c *config.Config) any { return c.CABundle }, "c"},
		"GitHub's token":                 {env{"GITHUB_TOKEN": "g"}, nil, func(c *config.Config) any { return c.GitHubToken }, "g"},
		"an underscore is another input": {env{"INPUT_RETRY_ATTEMPTS": "9"}, nil, func(c *config.Config) any { return c.UserRetry.Attempts }, 3},
		"one of another command":         {env{"INPUT_SNAPSHOT": "s"}, nil, func(c *config.Config) any { return c.Snapshot }, ""},
		"a password keeps its blanks":    {env{"VES_P12_PASSWORD": " p "}, nil, func(c *config.Config) any { return c.P12Password }, " p "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, "setting", tt.get(load(t, with(tt.env), tt.args...)), tt.want)
		})
	}
}

func TestLoadProfiles(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]retry.Policy{
		"aggressive":   {Attempts: 5, Min: 500 * time.Millisecond, Max: 2 * time.Second, Multiplier: time.Second, Jitter: retry.NoJitter},
		"balanced":     {Attempts: 3, Min: time.Second, Max: 4 * time.Second, Multiplier: time.Second, Jitter: retry.NoJitter},
		"conservative": {Attempts: 2, Min: 2 * time.Second, Max: 10 * time.Second, Multiplier: time.Second, Jitter: retry.NoJitter},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, "users", loadMore(t, "--retry-profile", name).UserRetry, want)
			want.Max, want.Multiplier = 20*time.Second, 3*time.Second
			c := loadMore(t, "--retry-profile", name, "--backoff-max=20", "--backoff-multiplier=3")
			same(t, "users, with more", c.UserRetry, want)
			same(t, "groups stay", c.GroupRetry, retry.Policy{Attempts: 1, Min: time.Second, Max: 4 * time.Second, Multiplier: time.Second, Jitter: retry.NoJitter})
		})
	}
}

func TestLoadValues(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		get  func(*config.Config) any
		want any
	}{
		"prune groups":          {[]string{"--prune=groups"}, func(c *config.Config) any { return [2]bool{c.Policy.PruneGroups, c.Policy.PruneUsers} }, [2]bool{true, false}},
		"prune users":           {[]string{"--prune=Users"}, func(c *config.Config) any { return [2]bool{c.Policy.PruneGroups, c.Policy.PruneUsers} }, [2]bool{false, true}},
		"prune all":             {[]string{"--prune=ALL"}, func(c *config.Config) any { return [2]bool{c.Policy.PruneGroups, c.Policy.PruneUsers} }, [2]bool{true, true}},
		"max-removals, number":  {[]string{"--max-removals=10"}, func(c *config.Config) any { return c.Policy.MaxRemovals }, plan.Limit{Max: 10}},
		"max-removals, none":    {[]string{"--max-removals=none"}, func(c *config.Config) any { return c.Policy.MaxRemovals }, plan.Limit{None: true}},
		"max-removals, zero":    {[]string{"--max-removals=0"}, func(c *config.Config) any { return c.Policy.MaxRemovals }, plan.Limit{}},
		"protect, lines":        {[]string{"--protect= A@x.y \n\nops-*"}, func(c *config.Config) any { return c.Policy.Protect }, plan.Patterns{"a@x.y", "ops-*"}},
		"protect, repeated":     {[]string{"--protect=a\nb", "--protect=", "--protect", "c"}, func(c *config.Config) any { return c.Policy.Protect }, plan.Patterns{"a", "b", "c"}},
		"groups":                {[]string{"--groups=xc-*", "--groups", "!xc-a*"}, func(c *config.Config) any { return c.Policy.Groups }, plan.Patterns{"xc-*", "!xc-a*"}},
		"people":                {[]string{"--people=*@a.b"}, func(c *config.Config) any { return c.Policy.People }, plan.Patterns{"*@a.b"}},
		"adopt":                 {[]string{"--adopt=a\nb"}, func(c *config.Config) any { return c.Policy.Adopt }, plan.Patterns{"a", "b"}},
		"only":                  {[]string{"--only=a"}, func(c *config.Config) any { return c.Policy.Only }, plan.Patterns{"a"}},
		"unnamed-groups":        {[]string{"--unnamed-groups=Empty", "--groups=x"}, func(c *config.Config) any { return c.Policy.EmptyUnnamed }, true},
		"removals":              {[]string{"--removals=withhold"}, func(c *config.Config) any { return c.Policy.Withhold }, true},
		"membership-writes":     {[]string{"--membership-writes=Single"}, func(c *config.Config) any { return c.MembershipWrites }, groupsync.SingleMembers},
		"members are replaced":  {nil, func(c *config.Config) any { return c.MembershipWrites }, groupsync.ReplaceMembers},
		"yes":                   {[]string{"--yes"}, func(c *config.Config) any { return c.Yes }, true},
		"merge":                 {[]string{"--name-collisions=merge"}, func(c *config.Config) any { return c.Policy.MergeCollisions }, true},
		"idm-type SSO":          {[]string{"--idm-type=sso"}, func(c *config.Config) any { return c.Policy.IDMType }, "SSO"},
		"idm-type local":        {[]string{"--idm-type=VOLTERRA_MANAGED"}, func(c *config.Config) any { return c.Policy.IDMType }, "VOLTERRA_MANAGED"},
		"idm-type auto":         {[]string{"--idm-type=auto"}, func(c *config.Config) any { return c.Policy.IDMType }, ""},
		"sync-rest":             {[]string{"--on-user-failure=sync-rest"}, func(c *config.Config) any { return c.OnUserFailure }, groupsync.SyncRest},
		"jitter is for both":    {[]string{"--backoff-jitter=full"}, func(c *config.Config) any { return [2]retry.Jitter{c.UserRetry.Jitter, c.GroupRetry.Jitter} }, [2]retry.Jitter{retry.FullJitter, retry.FullJitter}},
		"scope":                 {[]string{"--http-retry-scope=all"}, func(c *config.Config) any { return c.HTTPScope }, xc.ScopeAll},
		"breaker off":           {[]string{"--circuit-breaker-threshold=0"}, func(c *config.Config) any { return c.BreakerThreshold }, 0},
		"rate limit":            {[]string{"--rate-limit=2.5"}, func(c *config.Config) any { return c.RateLimit }, 2.5},
		"most in flight":        {[]string{"--concurrency=64"}, func(c *config.Config) any { return c.Concurrency }, 64},
		"no summary":            {[]string{"--summary=no"}, func(c *config.Config) any { return c.Summary }, false},
		"masks":                 {[]string{"--mask-emails=true"}, func(c *config.Config) any { return c.MaskEmails }, config.Yes},
		"masks nothing":         {[]string{"--mask-emails", "False"}, func(c *config.Config) any { return c.MaskEmails }, config.No},
		"log level":             {[]string{"--log-level=warn"}, func(c *config.Config) any { return c.LogLevel }, slog.LevelWarn},
		"log format":            {[]string{"--log-format=JSON"}, func(c *config.Config) any { return c.LogFormat }, "json"},
		"a dash":                {[]string{"--report-file", "-"}, func(c *config.Config) any { return c.ReportFile }, "-"},
		"plan digest in blanks": {[]string{"--expect-plan= sha256:" + strings.Repeat("0a", 32) + "\n"}, func(c *config.Config) any { return c.ExpectPlan }, "sha256:" + strings.Repeat("0a", 32)},
		"plan digest":           {[]string{"--expect-plan=sha256:" + strings.Repeat("0a", 32)}, func(c *config.Config) any { return c.ExpectPlan }, "sha256:" + strings.Repeat("0a", 32)},
		"proxy":                 {[]string{"--proxy=http://u:p@proxy:3128"}, func(c *config.Config) any { return c.Proxy }, "http://u:p@proxy:3128"},
		"fail-on-drift":         {[]string{"--fail-on-drift", "--dry-run"}, func(c *config.Config) any { return c.FailOnDrift }, true},
		"seconds":               {[]string{"--timeout=0.5"}, func(c *config.Config) any { return c.Timeout }, 500 * time.Millisecond},
		"seconds, no zero":      {[]string{"--timeout=.25"}, func(c *config.Config) any { return c.Timeout }, 250 * time.Millisecond},
		"seconds, exponent":     {[]string{"--timeout=1e1"}, func(c *config.Config) any { return c.Timeout }, 10 * time.Second},
		"seconds, a day":        {[]string{"--timeout=86400"}, func(c *config.Config) any { return c.Timeout }, 24 * time.Hour},
		"seconds as a duration": {[]string{"--timeout=1m30s"}, func(c *config.Config) any { return c.Timeout }, 90 * time.Second},
		"milliseconds":          {[]string{"--timeout=500ms"}, func(c *config.Config) any { return c.Timeout }, 500 * time.Millisecond},
		"no wait":               {[]string{"--backoff-min=0", "--backoff-max=0s"}, func(c *config.Config) any { return [2]time.Duration{c.UserRetry.Min, c.UserRetry.Max} }, [2]time.Duration{}},
		"min equals max":        {[]string{"--backoff-min=4", "--group-backoff-min=4"}, func(c *config.Config) any { return [2]time.Duration{c.UserRetry.Min, c.GroupRetry.Min} }, [2]time.Duration{4e9, 4e9}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, "setting", tt.get(loadMore(t, tt.args...)), tt.want)
		})
	}
}

func TestLoadBooleansAsFlags(t *testing.T) {
	t.Parallel()
	args := []string{"--dry-run", "--strict", "--prune-unmanaged", "--prune-inactive", "--update-users", "--fail-on-drift", "--summary"}
	c := loadMore(t, args...)
	if !c.DryRun || !c.Strict || !c.Policy.PruneUnmanaged || !c.Policy.PruneInactive || !c.Policy.UpdateUsers || !c.FailOnDrift || !c.Summary {
		t.Errorf("%q give %+v", args, c)
	}
	for value, want := range map[string]bool{"true": true, "TRUE": true, "1": true, "yes": true, "on": true, "false": false, "0": false, "no": false, "off": false} {
		if c := loadMore(t, "--strict="+value); c.Strict != want {
			t.Errorf("--strict=%s gives %v", value, c.Strict)
		}
	}
}

func TestLoadHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--help"}, {"-h"}, {"-help"}, {"--help=x"}, {"--bogus", "--csv=x", "--help"}, {"word", "--help"},
		{"--help-all"}, {"--csv", "-h"}, {"--csv", "--help"}, {"--dry-run", "-h"}, {"--api-token", "-h", "--bogus"},
	} {
		if _, err := config.Load(config.Sync, args, env{}.get); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("Load(%q): %v, want flag.ErrHelp", args, err)
		}
	}
}
