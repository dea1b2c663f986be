package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// flags collects the flags, and every word that is none.
func (l *loader) flags(args []string) (map[string]string, error) {
	set := flag.NewFlagSet(l.command, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	values := map[string]string{}
	for i := range settings {
		if s := &settings[i]; l.has(s) {
			set.Var(&flagValue{s, values}, s.name, "")
		}
	}
	unknown := false
	for rest := args; ; {
		before := len(rest)
		err := set.Parse(rest)
		rest = set.Args()
		// The word after an unknown flag may be a secret.
		secret := unknown && len(rest) == before
		unknown = err != nil
		switch {
		case errors.Is(err, flag.ErrHelp):
			return nil, err
		case err != nil: // an unknown flag, or one without a value; the rest is still to be read
			l.fail("%s", l.badFlag(err))
			if len(rest) > 0 && err.Error() == "bad flag syntax: "+rest[0] {
				rest = rest[1:] // the one error that leaves the word in place
			}
		case len(rest) == 0:
			return values, nil
		case secret: // the flag is reported
			rest = rest[1:]
		case isBoolFlag(args[:len(args)-len(rest)]) && isBool(rest[0]):
			// --name value, which the library takes for a flag and a word.
			values[strings.TrimLeft(args[len(args)-len(rest)-1], "-")] = rest[0]
			rest = rest[1:]
		default:
			l.fail("%.80q is no flag: settings are given as --name=value or --name value", rest[0])
			rest = rest[1:]
		}
	}
}

// badFlag says what the library's error means.
func (l *loader) badFlag(err error) string {
	message, _, _ := strings.Cut(err.Error(), "=") // without what may be a secret
	if name, ok := strings.CutPrefix(message, "flag needs an argument: -"); ok {
		return fmt.Sprintf("--%s needs a value", name)
	}
	name, ok := strings.CutPrefix(message, "flag provided but not defined: -")
	if !ok {
		return message + ": see --help"
	}
	meant, fewest := "", 3 // letters to change: more are another word
	for i := range settings {
		s := &settings[i]
		if s.name == name { // else it would be defined
			return fmt.Sprintf("there is no flag --%s for %s: it is one of %s", name, l.command, s.only)
		}
		if n := levenshtein.Distance(name, s.name, nil); n < fewest && l.has(s) {
			meant, fewest = s.name, n
		}
	}
	if meant != "" {
		return fmt.Sprintf("there is no flag --%s: did you mean --%s?", name, meant)
	}
	return fmt.Sprintf("there is no flag --%s: see --help", name)
}

// isBoolFlag tells whether the last word is a flag that needs no value, and
// has none.
func isBoolFlag(words []string) bool {
	return len(words) > 0 && slices.ContainsFunc(settings, func(s setting) bool {
		return s.isBool && (words[len(words)-1] == "--"+s.name || words[len(words)-1] == "-"+s.name)
	})
}

func isBool(word string) bool {
	return boolean(func(*Config) *bool { return new(bool) })(nil, word) == nil
}

// flagValue keeps a flag's text; what it means is decided with all the others.
type flagValue struct {
	setting *setting
	values  map[string]string
}

func (f *flagValue) String() string   { return "" }
func (f *flagValue) IsBoolFlag() bool { return f.setting.isBool }
func (f *flagValue) Set(value string) error {
	if before := f.values[f.setting.name]; f.setting.lines && before != "" {
		value = before + "\n" + value // a repeated flag adds a line
	}
	f.values[f.setting.name] = value
	return nil
}
