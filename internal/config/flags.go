package config

import (
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

var (
	// flagLike are words that are no values: negative numbers are, and so is "-".
	flagLike = regexp.MustCompile(`^-[^0-9.]`)
	// safeFlag are words that nobody takes for a secret.
	safeFlag = regexp.MustCompile(`^--+[a-z][a-z0-9-]*$`)
)

const flagForm = "settings are given as --name=value or --name value"

// flags collects the flags; every other word is an error, which shows nothing
// that may be a secret.
func (l *loader) flags(args []string) (map[string]string, error) {
	values := map[string]string{}
	var behind place
	for len(args) > 0 {
		word, rest := args[0], args[1:]
		args = rest
		if word == "--" && len(rest) > 0 {
			l.fail(`behind "--" stands what is no flag any more: leave "--" out, if it is one`)
		}
		if word == "--" {
			break
		}
		flagged, value, hasValue := strings.Cut(word, "=")
		s := l.flag(flagged)
		switch {
		case asksForHelp(flagged):
			return nil, flag.ErrHelp
		case s == nil:
			behind = l.noFlag(word, behind)
			continue
		case hasValue:
		case s.isBool && (len(rest) == 0 || !isBool(rest[0])):
			value = "true"
		case len(rest) == 0 || l.isNext(s, rest[0]):
			l.noValue(s, rest)
			behind = place{reported: true}
			continue
		default:
			value, args = rest[0], rest[1:]
		}
		s.add(values, value)
		behind = place{secret: s.secret, flag: s.name}
	}
	return values, nil
}

// place is where a word stands that is no flag.
type place struct {
	reported bool   // behind a flag that is an error: the word may be its value
	secret   bool   // behind a secret: the word may be the rest of it
	flag     string // whose
}

func asksForHelp(word string) bool {
	return slices.Contains([]string{"-h", "--h", "-help", "--help"}, word)
}

// isNext tells that a word is the next flag and not the value of s. Passwords
// may begin with a dash.
func (l *loader) isNext(s *setting, word string) bool {
	flagged, _, _ := strings.Cut(word, "=")
	if s.secret {
		return l.flag(flagged) != nil || safeFlag.MatchString(flagged) || asksForHelp(flagged)
	}
	return flagLike.MatchString(word)
}

func isBool(word string) bool {
	_, err := parseBool(word)
	return err == nil
}

// flag is the setting that a word stands for; nil where it stands for none.
func (l *loader) flag(word string) *setting {
	name, dashed := strings.CutPrefix(word, "-")
	if !dashed {
		return nil
	}
	return l.setting(strings.TrimPrefix(name, "-"))
}

// add notes a flag's value. Of several the last counts; of a setting in lines
// each adds one.
func (s *setting) add(values map[string]string, value string) {
	if before := values[s.name]; s.lines && before != "" {
		value = before + "\n" + value
	}
	values[s.name] = value
}

// noFlag reports a word that is none, unless it is the value of what is
// reported already, and tells what the next word stands behind.
func (l *loader) noFlag(word string, behind place) place {
	flagged, _, hasValue := strings.Cut(word, "=")
	if name, _, colon := strings.Cut(flagged, ":"); colon && name != "" {
		flagged, hasValue = name, true // as other programs take values
	}
	dashed := len(word) > 1 && word[0] == '-'
	switch maybeSecret := !safeFlag.MatchString(flagged); {
	case maybeSecret && behind.reported:
		return place{reported: dashed}
	case maybeSecret && behind.secret:
		l.fail("the word behind --%s and its value is no flag: %s", behind.flag, flagForm)
		return behind
	case !dashed:
		// A flag without its dashes, or with those of a text processor?
		name := strings.TrimLeft(flagged, "-—–−")
		if hasValue || name != flagged || l.setting(name) != nil {
			l.fail("%.80q is no flag: %s", flagged, flagForm)
			return place{reported: !hasValue}
		}
		l.fail("%.80q is no flag: %s", word, flagForm)
		return place{}
	}
	l.fail("%s", l.unknown(flagged))
	return place{reported: !hasValue}
}

// noValue reports a flag without its value.
func (l *loader) noValue(s *setting, rest []string) {
	if len(rest) == 0 {
		l.fail("--%s needs a value", s.name)
		return
	}
	next, _, hasValue := strings.Cut(rest[0], "=")
	if s.secret && !safeFlag.MatchString(next) {
		next = "…"
	} else if hasValue {
		next += "=…"
	}
	l.fail("--%s needs a value: %.80q looks like a flag (write --%s=%s if you mean it)", s.name, next, s.name, typed(next))
}

// typed is a word as it was typed, fit for a line.
func typed(word string) string { return strings.Trim(fmt.Sprintf("%.80q", word), `"`) }

// unknown says what may be meant by a flag that the command does not have.
func (l *loader) unknown(flagged string) string {
	name := strings.TrimLeft(flagged, "-")
	meant, fewest := "", 3 // letters to change: more are another word
	for i := range settings {
		s := &settings[i]
		if !s.of(l.command) {
			if s.name == name {
				return fmt.Sprintf("there is no flag %s for %s: it is one of %s", typed(flagged), l.command, s.only)
			}
			continue
		}
		if len(name) > 2*len(s.name) {
			continue // no slip, and long to compare
		}
		if n := levenshtein.Distance(name, s.name, nil); n < fewest {
			meant, fewest = s.name, n
		}
	}
	if meant != "" {
		return fmt.Sprintf("there is no flag %s: did you mean --%s?", typed(flagged), meant)
	}
	return fmt.Sprintf("there is no flag %s: see --help", typed(flagged))
}
