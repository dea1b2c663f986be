// Package config turns flags, action inputs, environment and defaults into a
// validated Config, by one table of settings from which the help, action.yml
// and the README are made too. It touches neither network nor files.
package config

import (
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"

	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/roster"
	"xc-group-sync/internal/xc"
)

// Config is a run's settings, valid by themselves and together.
type Config struct {
	CSV      string // of Sync
	Roster   roster.Options
	Snapshot string // of Restore
	Tenant   string // never empty: the host of the API where no tenant is named
	APIURL   string // without a trailing slash or /api; empty with Simulate

	APIToken    string
	P12File     string
	P12Base64   string
	P12Password string
	CertFile    string
	KeyFile     string

	Simulate       bool
	SimulateFaults float64 // share, 0 to 1

	DryRun        bool
	Policy        plan.Policy // but for the caller, who is asked for
	ExpectPlan    string      // a digest, or PullRequest; empty: any
	FailOnDrift   bool
	Strict        bool
	OnUserFailure groupsync.OnUserFailure

	UserRetry        retry.Policy
	GroupRetry       retry.Policy
	RetryAfterMax    time.Duration
	RetryBudget      int // 0: no limit
	BreakerThreshold int // 0: off
	BreakerCooldown  time.Duration
	HTTPAttempts     int
	HTTPScope        xc.Scope
	Timeout          time.Duration
	Concurrency      int
	RateLimit        float64 // requests a second; 0: no limit

	Proxy    string   // URL; empty: as the environment says
	Proxies  []string // the environment's, which may hold passwords
	CABundle string

	Summary        bool
	Comment        Tristate
	IssueOnFailure bool
	GitHubToken    string
	MaskEmails     Tristate
	ReportFile     string

	SnapshotFile string // empty: none is taken
	LogLevel     slog.Level
	LogFormat    string // "text" or "json"

	// Warnings are about settings that are good but probably not meant.
	Warnings []string
}

// PullRequest stands for the digest that the pull request's comment showed.
const PullRequest = "pull-request"

// Tristate is a choice that may be left to the program.
type Tristate string

// The choices of a Tristate.
const (
	Auto Tristate = "auto"
	Yes  Tristate = "true"
	No   Tristate = "false"
)

// Errors are all the bad settings of a run.
type Errors []error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// given is a setting's value and where it comes from.
type given struct{ value, source string }

// shown is the value as an error shows it.
func (g given) shown(s *setting) string {
	value := fmt.Sprintf("%.80q", login.ReplaceAllString(g.value, "//…@"))
	if s.secret {
		value = "its value"
	}
	return fmt.Sprintf("%s: %s (from %s)", s.name, value, g.source)
}

// login is what a URL may hold of a name and a password.
var login = regexp.MustCompile(`//.*@`)

// The commands that have settings.
const (
	Sync    = "sync"
	Restore = "restore"
)

// Load reads the settings of a command: a flag goes before an action input,
// that before an environment variable, that before the retry profile, that
// before the default. The error is flag.ErrHelp where help was asked for, else
// Errors with everything that is wrong.
func Load(command string, args []string, getenv func(string) string) (*Config, error) {
	l := &loader{command: command, config: &Config{}, values: map[string]given{}, refused: map[string]bool{}}
	l.config.environmentProxies(getenv)
	flags, err := l.flags(args)
	if err != nil {
		return nil, err
	}
	for i := range settings {
		if s := &settings[i]; !l.has(s) || !l.look(s, flags, getenv) {
			l.values[s.name] = given{s.byDefault, "the default"}
		}
	}
	l.profile()
	for i := range settings {
		l.set(&settings[i])
	}
	l.together()
	if len(l.errors) > 0 {
		return nil, l.errors
	}
	return l.config, nil
}

type loader struct {
	command string
	config  *Config
	values  map[string]given
	// refused are the settings whose values are bad: what they would mean
	// together with others cannot be told.
	refused map[string]bool
	errors  Errors
}

func (l *loader) fail(format string, args ...any) {
	l.errors = append(l.errors, fmt.Errorf(format, args...))
}

// has tells whether the command has the setting.
func (l *loader) has(s *setting) bool { return s.only == "" || s.only == l.command }

// isGiven tells a setting that the user gave from a default.
func (l *loader) isGiven(name string) bool { return l.values[name].source != "the default" }

func (l *loader) look(s *setting, flags map[string]string, getenv func(string) string) bool {
	candidates := []given{
		{flags[s.name], "the flag --" + s.name},
		{getenv("INPUT_" + strings.ToUpper(s.name)), "the input " + s.name},
	}
	for _, name := range s.env {
		candidates = append(candidates, given{getenv(name), "the environment variable " + name})
	}
	for _, candidate := range candidates {
		if !s.exact {
			candidate.value = strings.TrimSpace(candidate.value)
		}
		if candidate.value != "" {
			l.values[s.name] = candidate
			return true
		}
	}
	return false
}

// profile gives the retry profile's values to the settings that are not given
// by themselves.
func (l *loader) profile() {
	name := strings.ToLower(l.values["retry-profile"].value)
	profile, ok := retry.Profiles()[name]
	if !ok {
		return // set reports it
	}
	for setting, value := range map[string]string{
		"retry-attempts": fmt.Sprint(profile.Attempts),
		"backoff-min":    profile.Min.String(),
		"backoff-max":    profile.Max.String(),
	} {
		if !l.isGiven(setting) {
			l.values[setting] = given{value, "the retry-profile " + name}
		}
	}
}

func (l *loader) set(s *setting) {
	value := l.values[s.name]
	if value.value == "" {
		return
	}
	if err := s.set(l.config, value.value); err != nil {
		l.refused[s.name] = true
		l.fail("%s: %w", value.shown(s), err)
	}
}

// together checks what concerns more than one setting.
func (l *loader) together() {
	c := l.config
	good := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return l.refused[name] })
	}
	if l.command == Sync && c.CSV == "" && good("csv") {
		l.fail("csv: missing: give the path of the CSV export")
	}
	if l.command == Restore && c.Snapshot == "" && good("snapshot") {
		l.fail("snapshot: missing: give the path of a file that a run with snapshot-file wrote")
	}
	if c.UserRetry.Min > c.UserRetry.Max && good("backoff-min", "backoff-max", "retry-profile") {
		l.fail("backoff-min: %v is more than backoff-max, %v (%s)", c.UserRetry.Min, c.UserRetry.Max, l.values["backoff-max"].source)
	}
	if c.GroupRetry.Min > c.GroupRetry.Max && good("group-backoff-min", "group-backoff-max") {
		l.fail("group-backoff-min: %v is more than group-backoff-max, %v", c.GroupRetry.Min, c.GroupRetry.Max)
	}
	if c.FailOnDrift && !c.DryRun && good("dry-run") {
		l.fail("fail-on-drift: makes sense only with dry-run: a run that applies leaves no drift")
	}
	if c.SimulateFaults > 0 && !c.Simulate && good("simulate") {
		l.fail("simulate-faults: makes sense only with simulate")
	}
	if (c.CertFile == "") != (c.KeyFile == "") && good("cert-file", "key-file") {
		l.fail("cert-file, key-file: one is given without the other; a certificate needs its key")
	}
	for _, unused := range []struct {
		name string
		is   bool
		with string
	}{
		{"prune-unmanaged", c.Policy.PruneUnmanaged && !c.Policy.PruneGroups, "prune groups or all"},
		{"prune-inactive", c.Policy.PruneInactive && !c.Policy.PruneUsers, "prune users or all"},
	} {
		if unused.is {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s has an effect only with %s", unused.name, unused.with))
		}
	}
	l.tenant()
	l.credentials()
}

func (l *loader) tenant() {
	c := l.config
	switch {
	case c.Simulate:
		if l.isGiven("api-url") {
			c.Warnings = append(c.Warnings, "simulate is on: api-url and credentials are not used")
		}
		c.APIURL = ""
		if c.Tenant == "" {
			c.Tenant = "simulated"
		}
	case l.refused["api-url"] || l.refused["simulate"]:
	case c.APIURL == "" && c.Tenant == "":
		if !l.refused["tenant"] {
			l.fail("tenant: missing: give the tenant's name, or api-url")
		}
	case c.APIURL == "":
		c.APIURL = "https://" + c.Tenant + consoleSuffix
	case c.Tenant == "":
		c.Tenant = tenantOf(c.APIURL)
	}
}

func (l *loader) credentials() {
	c := l.config
	if c.Simulate || l.refused["simulate"] {
		return
	}
	var kinds []string
	for _, kind := range []struct {
		name  string
		given bool
	}{
		{"api-token", c.APIToken != ""},
		{"p12-file", c.P12File != ""},
		{"p12-base64", c.P12Base64 != ""},
		{"cert-file", c.CertFile != ""},
	} {
		if kind.given {
			kinds = append(kinds, kind.name)
		}
	}
	switch {
	case len(kinds) > 1:
		c.Warnings = append(c.Warnings, fmt.Sprintf("several credentials are given (%s): %s is used", strings.Join(kinds, ", "), kinds[0]))
	case len(kinds) == 0 && !slices.ContainsFunc([]string{"api-token", "p12-file", "p12-base64", "cert-file", "key-file"}, l.isGiven):
		l.fail("api-token: missing: give an API token, or a client certificate as p12-file, p12-base64, or cert-file and key-file; or try it with simulate")
	}
}
