package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// readFlags collects the flags and reports whether to continue: false if help is
// requested.
//
// A word that belongs to no flag may be part of a secret: the rest of one that
// contains a space, or the value of a misspelled flag. It is shown only if
// neither a secret flag nor a mistake precedes it.
func (l *loader) readFlags(args []string) bool {
	l.flags = map[string]string{}
	suspect := "" // the flag, or what was meant to be one, whose value a word may be part of
	next := func() string {
		word := args[0]
		args = args[1:]
		return word
	}
	for len(args) > 0 {
		word := next()
		flag, value, hasValue := strings.Cut(word, "=")
		shown, _, hasColon := strings.Cut(flag, ":") // as other programs take values
		s := l.flag(flag)
		switch {
		case asksForHelp(flag):
			return false
		case word == "--":
			if len(args) > 0 {
				l.fail("", `unexpected arguments after "--"`)
			}
			return true
		case s != nil:
			suspect = ""
			if s.secret {
				suspect = "--" + s.name
			}
			switch {
			case hasValue:
			case s.isBool():
				value = "true"
				if len(args) > 0 && isBool(args[0]) {
					value = next()
				}
			case len(args) == 0 || l.isFlag(args[0], s.secret):
				l.fail(s.usage(), "--%s needs a value", s.name)
				continue
			default:
				value = next()
			}
			if _, again := l.flags[s.name]; again && !s.isList {
				l.fail("", "--%s given more than once", s.name)
				continue
			}
			l.flags[s.name] = strings.TrimPrefix(l.flags[s.name]+"\n"+value, "\n")
		case l.isFlag(word, suspect != "") || suspect == "" && isMeantAsFlag(shown):
			l.failUnknown(shown)
			suspect = shown
			if !hasValue && !hasColon && len(args) > 0 && !l.isFlag(args[0], true) {
				next() // its value
			}
		case suspect != "":
			l.fail("use --name=value", "unexpected argument after %s", quoted(suspect))
		default:
			hint := "use --name=value"
			if s := l.setting(byExtension[filepath.Ext(word)]); s != nil {
				hint = s.usage()
			}
			l.fail(hint, "unexpected argument %.80q", shown)
		}
	}
	return true
}

// byExtension are the settings that a file without a flag was probably meant for.
var byExtension = map[string]string{".csv": "csv", ".yml": "policy", ".yaml": "policy"}

// usage returns how to give the setting.
func (s *setting) usage() string { return fmt.Sprintf("use --%s=%s", s.name, s.form) }

func asksForHelp(flag string) bool {
	switch flag {
	case "-h", "--h", "-help", "--help", "--help-all":
		return true
	}
	return false
}

var (
	// flagLike matches words that cannot be values; negative numbers and "-" can
	// be.
	flagLike = regexp.MustCompile(`^-[^0-9.]`)
	// flagForm matches words that cannot be mistaken for a secret.
	flagForm = regexp.MustCompile(`^--+([a-z][a-z0-9-]*)?(=|$)`)
)

// isFlag reports whether a word is a flag and not a value. A secret may begin
// with a dash.
func (l *loader) isFlag(word string, maybeSecret bool) bool {
	flag, _, _ := strings.Cut(word, "=")
	return flagForm.MatchString(word) || l.flag(flag) != nil || asksForHelp(flag) || !maybeSecret && flagLike.MatchString(word)
}

// isMeantAsFlag reports whether a word looks like a flag: it has dashes, perhaps a
// text processor's, or it has none and is the name of a setting.
func isMeantAsFlag(word string) bool {
	name := withoutDashes(word)
	return name != word && word != "-" || settingNamed(name) != nil
}

func withoutDashes(flag string) string { return strings.TrimLeft(flag, "-—–−") }

func isBool(word string) bool {
	_, err := parseBool(word)
	return err == nil
}

// flag returns the setting whose flag a word is, or nil.
func (l *loader) flag(word string) *setting {
	name, dashed := strings.CutPrefix(word, "-")
	if !dashed {
		return nil
	}
	return l.setting(strings.TrimPrefix(name, "-"))
}
