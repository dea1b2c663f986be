package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"xc-group-sync/internal/directory"
)

var (
	// flagLike are words that are no values: negative numbers are, and so is "-".
	flagLike = regexp.MustCompile(`^-[^0-9.]`)
	// flagForm are words that nobody takes for a secret.
	flagForm = regexp.MustCompile(`^--+[a-z][a-z0-9-]*$`)
)

// counterparts say what to use in place of the flags of the Python program that
// this one follows.
var counterparts = map[string]string{
	"max-retries": "use --retry-attempts (attempts, the first included: one more than retries)",
	"no-verify":   "certificates are always verified; to trust another authority, use --ca-bundle FILE",
}

// readFlags collects the flags, and reports whether to go on: not if help is
// asked for. Words that may be part of a secret are not shown: those after a
// secret flag, or after one that is unknown and may be a secret one misspelled,
// up to the next flag.
func (l *loader) readFlags(args []string) bool {
	l.flags = map[string]string{}
	given := map[string]bool{}
	hiddenAfter := ""
	for i := 0; i < len(args); i++ {
		word := args[i]
		name, value, hasValue := strings.Cut(word, "=")
		next := ""
		if i+1 < len(args) {
			next = args[i+1]
		}
		s := l.flag(name)
		switch {
		case asksForHelp(name):
			return false
		case s != nil:
			hiddenAfter = ""
			if s.secret {
				hiddenAfter = "--" + s.name
			}
			if !hasValue && s.isBool() {
				value, hasValue = "true", true
				if isBool(next) {
					value, i = next, i+1
				}
			}
			if !hasValue {
				if i+1 == len(args) || l.isFlag(s, next) {
					l.failMissingValue(s)
					continue
				}
				value, i = next, i+1
			}
			if given[s.name] && !s.isList {
				l.fail("", "--%s given more than once", s.name)
				continue
			}
			given[s.name] = true
			l.flags[s.name] = strings.TrimPrefix(l.flags[s.name]+"\n"+value, "\n")
		case word == "--":
			if next != "" {
				l.fail("", `unexpected arguments after "--"`)
			}
			return true
		case flagForm.MatchString(name) || hiddenAfter == "" && len(word) > 1 && word[0] == '-':
			name, _, hasColon := strings.Cut(name, ":") // as other programs take values
			l.failUnknown(name)
			hiddenAfter = name
			if !hasValue && !hasColon && next != "" && next != "--" && !flagForm.MatchString(strings.SplitN(next, "=", 2)[0]) {
				i++ // its value
			}
		case hiddenAfter != "":
			l.fail("use --name=value", "unexpected argument after %s", quoted(hiddenAfter))
		default:
			// It may also be a flag without its dashes, or with those of a text
			// processor, and then a secret follows.
			shown := word
			if end := strings.IndexAny(word, "=:"); end >= 0 {
				shown = word[:end]
			}
			l.fail(l.placeOf(word), "unexpected argument %.80q", shown)
			if bare := strings.TrimLeft(shown, "-—–−"); bare != shown || settingNamed(bare) != nil {
				hiddenAfter = shown
			}
		}
	}
	return true
}

// placeOf returns how to give a word that stands alone.
func (l *loader) placeOf(word string) string {
	switch {
	case strings.ContainsAny(word, "=: ") || len(word) > 80:
	case strings.HasSuffix(word, ".csv") && l.setting("csv") != nil:
		return "use --csv " + word
	case (strings.HasSuffix(word, ".yml") || strings.HasSuffix(word, ".yaml")) && l.setting("policy") != nil:
		return "use --policy " + word
	}
	return "use --name=value"
}

func asksForHelp(word string) bool {
	return slices.Contains([]string{"-h", "--h", "-help", "--help", "--help-all"}, word)
}

// isFlag reports whether a word is the next flag and not the value of s.
// Passwords may begin with a dash.
func (l *loader) isFlag(s *setting, word string) bool {
	name, _, _ := strings.Cut(word, "=")
	if s.secret {
		return l.flag(name) != nil || flagForm.MatchString(name) || asksForHelp(name)
	}
	return flagLike.MatchString(word)
}

func isBool(word string) bool {
	_, err := parseBool(word)
	return err == nil
}

// flag returns the setting that a word is the flag of, or nil.
func (l *loader) flag(word string) *setting {
	name, dashed := strings.CutPrefix(word, "-")
	if !dashed {
		return nil
	}
	return l.setting(strings.TrimPrefix(name, "-"))
}

func (l *loader) failMissingValue(s *setting) {
	l.fail(fmt.Sprintf("use --%s=%s", s.name, s.form), "--%s needs a value", s.name)
}

// failUnknown reports a flag that the command does not have.
func (l *loader) failUnknown(word string) {
	name := strings.TrimLeft(word, "-")
	here := func(s *setting) bool { return s.of(l.command) }
	if s := settingNamed(name); s != nil && !here(s) {
		l.fail(didYouMean("--", beginningWith(name, here)), "%s is only valid for %s", quoted(word), strings.Join(s.commands(), ", "))
		return
	}
	hint := cmp.Or(counterparts[name], didYouMean("--", cmp.Or(nearestSetting(name, here), beginningWith(name, here))))
	l.fail(hint, "unknown flag %s", quoted(word))
}

func didYouMean(dashes, meant string) string {
	if meant == "" {
		return ""
	}
	return "did you mean " + dashes + meant + "?"
}

// beginningWith returns the name of the one setting, among those that count, whose
// name goes on after name; empty if there is none, or several.
func beginningWith(name string, counts func(*setting) bool) string {
	var found []string
	for i := range settings {
		if s := &settings[i]; counts(s) && strings.HasPrefix(s.name, name+"-") {
			found = append(found, s.name)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// quoted returns a word as it was typed, fit for a line.
func quoted(word string) string { return strings.Trim(fmt.Sprintf("%.80q", word), `"`) }

// nearestSetting returns the name of the setting, among those that count, that a
// misspelled name was probably meant to be; empty if there is none.
func nearestSetting(name string, counts func(*setting) bool) string {
	var names []string
	for i := range settings {
		if s := &settings[i]; counts(s) {
			names = append(names, s.name)
		}
	}
	return nearest(name, names)
}

// MisspelledVariables warns about variables of an environment, as os.Environ has
// it, that were probably meant to be a setting's. Others may be anybody's.
func MisspelledVariables(environ []string) []directory.Finding {
	var names []string
	for i := range settings {
		names = append(names, settings[i].name)
	}
	var findings []directory.Finding
	for _, entry := range environ {
		variable, value, _ := strings.Cut(entry, "=")
		rest, ours := strings.CutPrefix(variable, prefix)
		name := strings.ToLower(strings.ReplaceAll(rest, "_", "-"))
		if !ours || value == "" || settingNamed(name) != nil && settingNamed(name).variable() == variable {
			continue
		}
		if meant := settingNamed(nearest(name, names)); meant != nil {
			findings = append(findings, directory.Finding{Kind: directory.BadSettings,
				Message: "unknown environment variable " + quoted(variable), Hint: "did you mean " + meant.variable() + "?"})
		}
	}
	return findings
}

// NearestCommand returns the command that a misspelled one was probably meant to
// be; empty if there is none.
func NearestCommand(name string) string {
	var names []string
	for _, command := range Commands() {
		names = append(names, command.Name)
	}
	return nearest(name, names)
}

func nearest(name string, names []string) string {
	meant, fewest := "", 3 // letters to change: with more it is another word
	for _, candidate := range names {
		if len(name) > 2*len(candidate) { // too long to be a slip, and to compare
			continue
		}
		n := levenshtein.Distance(name, candidate, nil)
		if isSwapped(name, candidate) {
			n = 1
		}
		if n < min(fewest, len(candidate)-1) {
			meant, fewest = candidate, n
		}
	}
	return meant
}

// isSwapped reports whether two neighbors among the letters of name changed places.
func isSwapped(name, candidate string) bool {
	if len(name) != len(candidate) {
		return false
	}
	i := 0
	for i < len(name) && name[i] == candidate[i] {
		i++
	}
	return i+1 < len(name) && name[i] == candidate[i+1] && name[i+1] == candidate[i] && name[i+2:] == candidate[i+2:]
}
