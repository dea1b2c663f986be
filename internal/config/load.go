package config

import (
	"cmp"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/retry"
)

// origin is where a value comes from. A greater one takes precedence.
type origin int

const (
	byDefault origin = iota
	byProfile
	byPolicy
	byEnvironment
	byInput
	byFlag
)

// given is a setting's value and where it comes from.
type given struct {
	value  string // of a list: an entry per line
	origin origin
	source string     // name of the variable, input or profile
	at     position   // in the policy file
	each   []position // of a list's entries there
}

// isSet reports whether the user gave the value.
func (g given) isSet() bool { return g.origin >= byPolicy }

// from says where the value comes from, unless that is obvious.
func (g given) from() string {
	switch g.origin {
	case byDefault:
		return " (default)"
	case byProfile:
		return " (from the retry profile " + g.source + ")"
	case byEnvironment:
		return " (from the environment variable " + g.source + ")"
	case byInput:
		return " (from the input " + g.source + ")"
	}
	return ""
}

// shown returns a value of s as messages show it, after a space; empty if it is
// secret.
func (s *setting) shown(value string) string {
	if s.secret && s.secretIn == nil {
		return ""
	}
	if at := strings.LastIndexByte(value, '@'); s.secret && at >= 0 { // any login
		value = "…" + value[at+1:]
	}
	value = login.ReplaceAllString(value, "$1…@")
	if end := strings.IndexAny(value, "?#"); end >= 0 && (s.form == "URL" || strings.Contains(value, "://")) {
		value = value[:end+1] + "…" // a query may be a secret, too
	}
	return fmt.Sprintf(" %.80q", value)
}

// login matches a user name and password in a URL, even one without a scheme.
var login = regexp.MustCompile(`(?s)(:?//|:).*@`)

// Load reads the settings of a command. The error is flag.ErrHelp if help was
// asked for, else Errors with everything that is wrong; the valid part of the
// Config comes with those.
func Load(command string, args []string, getenv func(string) string) (*Config, error) {
	l := newLoader(command, getenv)
	if !l.readFlags(args) {
		return nil, flag.ErrHelp
	}
	l.readPolicy()
	return l.load()
}

func newLoader(command string, getenv func(string) string) *loader {
	return &loader{
		command: command, getenv: getenv, config: &Config{}, values: map[string]given{}, policy: map[string]given{}, invalid: map[string]bool{},
	}
}

// load builds the Config after flags and policy file have been read.
func (l *loader) load() (*Config, error) {
	for _, s := range settings {
		l.values[s.name] = l.look(s)
		l.config.hide(s, l.values[s.name].value)
	}
	l.config.hideProxies(l.getenv)
	l.forcePlan()
	l.applyProfile()
	for _, s := range settings {
		l.set(s)
	}
	if !slices.Contains(applying, l.command) {
		l.config.DryRun = true
	}
	l.checkTogether()
	if len(l.errors) == 0 {
		return l.config, nil
	}
	slices.SortStableFunc(l.errors, func(a, b directory.Finding) int { // in the order of the file
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	if more := l.failed - len(l.errors); more > 0 {
		l.errors = append(l.errors, directory.Finding{Severity: directory.Error, Kind: directory.BadSettings, Message: fmt.Sprintf("%d more errors in the settings", more)})
	}
	return l.config, l.errors
}

type loader struct {
	command string
	getenv  func(string) string
	config  *Config
	flags   map[string]string
	policy  map[string]given // by key
	unread  bool             // the policy file, though there should be one
	values  map[string]given // by setting
	// invalid are the settings with invalid values; checks of combinations skip
	// them.
	invalid map[string]bool
	errors  Errors
	failed  int // all errors, including those that are only counted
}

func (l *loader) fail(hint, format string, args ...any) {
	l.failAt(position{}, hint, format, args...)
}

// failAt is fail at a place in the policy file.
func (l *loader) failAt(at position, hint, format string, args ...any) {
	finding := directory.Finding{Severity: directory.Error, Kind: directory.BadSettings, Message: fmt.Sprintf(format, args...), Hint: hint}
	if at.inFile {
		finding.File = l.config.PolicyFile.Path
	}
	if at.line > 0 {
		finding.Line, finding.Column = at.line, fmt.Sprint(at.column)
	}
	if l.failed++; l.failed <= maxErrors {
		l.errors = append(l.errors, finding)
	}
}

// maxErrors is how many errors are reported; the rest are counted.
const maxErrors = 1000

// failAbout is fail about a setting that has a value.
func (l *loader) failAbout(name, hint, format string, args ...any) {
	g := l.values[name]
	l.failAt(g.at, hint, format+"%s", append(args, g.from())...)
}

func (l *loader) warn(format string, args ...any) {
	l.config.Warnings = append(l.config.Warnings, directory.Finding{Kind: directory.BadSettings, Message: fmt.Sprintf(format, args...)})
}

// setting returns the command's setting of that name, or nil.
func (l *loader) setting(name string) *setting {
	if s := settingNamed(name); s != nil && s.of(l.command) {
		return s
	}
	return nil
}

func settingNamed(name string) *setting {
	for _, s := range settings {
		if s.name == name {
			return s
		}
	}
	return nil
}

// isSet reports whether the user gave a setting.
func (l *loader) isSet(name string) bool { return l.values[name].isSet() }

// prefix begins the name of every setting's own variable.
const prefix = "XC_SYNC_"

// inputPrefix is what the names of the runner's variables for inputs begin with.
const inputPrefix = "INPUT_"

// variable returns the name of the setting's own environment variable.
func (s *setting) variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

// look finds a setting's value, except the retry profile's. One that the command
// does not have may still be in the policy file, which serves all commands.
func (l *loader) look(s *setting) given {
	var candidates []given
	if s.of(l.command) {
		candidates = []given{
			{value: l.flags[s.name], origin: byFlag},
			{value: l.getenv(inputPrefix + strings.ToUpper(s.name)), origin: byInput, source: s.name},
		}
		for _, name := range append([]string{s.variable()}, s.env...) {
			candidates = append(candidates, given{value: l.getenv(name), origin: byEnvironment, source: name})
		}
	}
	for _, candidate := range append(candidates, l.policy[s.name]) {
		if !s.exact {
			candidate.value = strings.TrimSpace(candidate.value)
		}
		if candidate.value != "" {
			return candidate
		}
	}
	return given{value: s.byDefault}
}

// forcePlan makes the command plan a dry run.
func (l *loader) forcePlan() {
	if l.command != Plan {
		return
	}
	g := l.values["dry-run"]
	on, err := parseBool(g.value)
	if err != nil {
		return // set reports it
	}
	if !on && g.origin == byFlag {
		l.fail(`to apply changes, run "xc-group-sync sync"`, "the plan command never applies changes: --dry-run=%s contradicts it", g.value)
	}
	l.values["dry-run"] = given{value: "true", origin: byFlag}
}

// applyProfile gives the retry profile's values to the settings that are not
// given by themselves.
func (l *loader) applyProfile() {
	g := l.values["retry-profile"]
	name := strings.ToLower(g.value)
	profile, ok := retry.Profiles()[name]
	if !ok {
		return // set reports it
	}
	from := byDefault
	if g.isSet() {
		from = byProfile
	}
	for setting, value := range map[string]string{
		"retry-attempts":     fmt.Sprint(profile.Attempts),
		"backoff-multiplier": profile.Multiplier.String(),
		"backoff-min":        profile.Min.String(),
		"backoff-max":        profile.Max.String(),
		"backoff-jitter":     string(profile.Jitter),
	} {
		if !l.isSet(setting) {
			l.values[setting] = given{value: value, origin: from, source: name}
		}
	}
}

// set reads a setting's value into the Config. A key of the policy file is
// checked even if the command does not have the setting, or something else takes
// precedence.
func (l *loader) set(s *setting) {
	if s.of(l.command) {
		l.read(l.config, s, l.values[s.name])
	}
	if g, ok := l.policy[s.name]; ok && (!s.of(l.command) || l.values[s.name].origin > byPolicy) {
		l.read(&Config{}, s, g)
	}
}

func (l *loader) read(config *Config, s *setting, g given) {
	entries := []string{g.value}
	if s.isList {
		entries = strings.Split(g.value, "\n")
	}
	for i, entry := range entries {
		if s.isList {
			entry = strings.TrimSpace(entry)
		}
		if entry == "" {
			continue
		}
		err := s.set(config, entry)
		if err == nil {
			continue
		}
		l.invalid[s.name] = true
		at := g.at
		if i < len(g.each) {
			at = g.each[i]
		}
		l.failAt(at, retry.HintOf(err), "invalid %s%s: %s%s", s.name, s.shown(entry), err, g.from())
	}
}
