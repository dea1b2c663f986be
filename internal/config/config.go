// Package config turns flags, action inputs, environment and defaults into a
// validated Config, by one table of settings from which the help, action.yml
// and the README are made too. It touches neither network nor files.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
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

	Credential  Credential // which of these counts
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

	Proxy    string // URL; empty: as the environment says
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

	secrets []string // see Secrets
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

// Credential is a kind of credentials, by the setting that gives it.
type Credential string

// The kinds of credentials.
const (
	NoCredential Credential = "" // with Simulate, or where what counts is bad
	ByToken      Credential = "api-token"
	ByP12File    Credential = "p12-file"
	ByP12Base64  Credential = "p12-base64"
	ByPEM        Credential = "cert-file"
)

// given is a setting's value and where it comes from.
type given struct {
	value  string
	source string
	byUser bool // not by a default or the retry profile
}

// shown is the value as an error shows it.
func (g given) shown(s *setting) string {
	value := fmt.Sprintf("%.80q", query.ReplaceAllString(login.ReplaceAllString(g.value, "//…@"), "$1…"))
	switch at := strings.LastIndexByte(g.value, '@'); {
	case s.secret && s.secretIn == nil:
		value = "its value"
	case s.secret: // a login, also without a scheme in front
		value = fmt.Sprintf("%.80q", strings.Repeat("…", min(at+1, 1))+g.value[at+1:])
	}
	return fmt.Sprintf("%s: %s (from %s)", s.name, value, g.source)
}

// login is what a URL may hold of a name and a password.
var login = regexp.MustCompile(`(?s)//.*@`)

// query is what follows a URL's path, which may be a secret, too.
var query = regexp.MustCompile(`(?s)(://[^?#]*[?#]).*`)

// The commands that have settings.
const (
	Sync    = "sync"
	Restore = "restore"
)

// Load reads the settings of a command: a flag goes before an action input,
// that before an environment variable, that before the retry profile, that
// before the default. The error is flag.ErrHelp where help was asked for, else
// everything that is wrong, joined; with it comes what is good of the Config.
func Load(command string, args []string, getenv func(string) string) (*Config, error) {
	l := &loader{command: command, config: &Config{}, values: map[string]given{}, refused: map[string]bool{}}
	flags, err := l.flags(args)
	if err != nil {
		return nil, err
	}
	for i := range settings {
		s := &settings[i]
		l.values[s.name] = l.look(s, flags, getenv)
		l.config.hide(s, l.values[s.name].value)
	}
	l.config.hideProxies(getenv)
	l.profile()
	for i := range settings {
		l.set(&settings[i])
	}
	l.together()
	return l.config, errors.Join(l.errors...)
}

type loader struct {
	command string
	config  *Config
	values  map[string]given
	// refused are the settings whose values are bad: what they would mean
	// together with others cannot be told.
	refused map[string]bool
	errors  []error
}

func (l *loader) fail(format string, args ...any) {
	l.errors = append(l.errors, fmt.Errorf(format, args...))
}

// complain is fail about a setting that has a value.
func (l *loader) complain(name, format string, args ...any) {
	l.fail("%s: %s", l.values[name].shown(l.setting(name)), fmt.Sprintf(format, args...))
}

// setting is the one of that name that the command has; nil where it has none.
func (l *loader) setting(name string) *setting {
	for i := range settings {
		if s := &settings[i]; s.name == name && s.of(l.command) {
			return s
		}
	}
	return nil
}

// isGiven tells a setting that the user gave from a default.
func (l *loader) isGiven(name string) bool { return l.values[name].byUser }

// look finds a setting's value but for the retry profile's.
func (l *loader) look(s *setting, flags map[string]string, getenv func(string) string) given {
	none := given{value: s.byDefault, source: "the default"}
	if !s.of(l.command) {
		return none
	}
	candidates := []given{
		{value: flags[s.name], source: "the flag --" + s.name},
		{value: getenv("INPUT_" + strings.ToUpper(s.name)), source: "the input " + s.name},
	}
	for _, name := range s.env {
		candidates = append(candidates, given{value: getenv(name), source: "the environment variable " + name})
	}
	for _, candidate := range candidates {
		if !s.exact {
			candidate.value = strings.TrimSpace(candidate.value)
		}
		if candidate.value != "" {
			candidate.byUser = true
			return candidate
		}
	}
	return none
}

// profile gives the retry profile's values to the settings that are not given
// by themselves.
func (l *loader) profile() {
	name := l.values["retry-profile"]
	profile, ok := retry.Profiles()[strings.ToLower(name.value)]
	if !ok {
		return // set reports it
	}
	source := "the default"
	if name.byUser {
		source = "the retry-profile " + strings.ToLower(name.value)
	}
	for setting, value := range map[string]string{
		"retry-attempts":     fmt.Sprint(profile.Attempts),
		"backoff-multiplier": profile.Multiplier.String(),
		"backoff-min":        profile.Min.String(),
		"backoff-max":        profile.Max.String(),
		"backoff-jitter":     string(profile.Jitter),
	} {
		if !l.isGiven(setting) {
			l.values[setting] = given{value: value, source: source}
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
