package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"xc-group-sync/internal/directory"
)

// counterparts says what to use instead of flags of the Python program that this
// one follows.
var counterparts = map[string]string{
	"max-retries": "use --retry-attempts (it includes the first attempt: one more than the retries)",
	"no-verify":   "certificates are always verified; to trust another CA, use --ca-bundle FILE",
}

// failUnknown reports a flag that the command does not have, or a word that was
// probably meant to be one.
func (l *loader) failUnknown(flag string) {
	name := withoutDashes(flag)
	here := func(s *setting) bool { return s.of(l.command) }
	hint := cmp.Or(counterparts[name], didYouMean("--", nearest(name, settingNames(here))))
	switch s := settingNamed(name); {
	case s != nil && !here(s):
		l.fail(hint, "%s is only valid for %s", quoted(flag), strings.Join(s.only, ", "))
	case name == flag:
		l.fail(hint, "unexpected argument %q", flag)
	default:
		l.fail(hint, "unknown flag %s", quoted(flag))
	}
}

// quoted returns a word as it was typed, fit for a line.
func quoted(word string) string { return strings.Trim(fmt.Sprintf("%.80q", word), `"`) }

func didYouMean(dashes, meant string) string {
	if meant == "" {
		return ""
	}
	return "did you mean " + dashes + meant + "?"
}

// settingNames returns the names of the settings for which counts is true.
func settingNames(counts func(*setting) bool) (names []string) {
	for _, s := range settings {
		if counts(s) {
			names = append(names, s.name)
		}
	}
	return names
}

// MisspelledVariables returns findings about variables of an environment, as
// os.Environ has it, that were probably meant for a setting. Others are ignored:
// they may belong to anything. One that can hardly be anything but a guard is an
// error: without dry-run, say, a run would apply what was to be planned.
func MisspelledVariables(environ []string) (warnings []directory.Finding, err error) {
	names := settingNames(func(*setting) bool { return true })
	var slips Errors
	for _, entry := range environ {
		variable, value, _ := strings.Cut(entry, "=")
		if value == "" {
			continue
		}
		name, ours := strings.CutPrefix(variable, prefix)
		input, isInput := strings.CutPrefix(name, inputPrefix)
		if !ours && !isInput {
			continue
		}
		input = strings.ToLower(input)
		meant := settingNamed(nearest(strings.ReplaceAll(input, "_", "-"), names))
		if meant == nil || isInput && meant.name == input || ours && meant.variable() == variable {
			continue
		}
		found := directory.Finding{Kind: directory.BadSettings, Message: "unknown environment variable " + quoted(variable), Hint: didYouMean("", meant.variable())}
		if isInput {
			found.Message, found.Hint = fmt.Sprintf("unknown input %.80q", input), didYouMean("", meant.name)
		}
		switch slip := isSlip(input, meant.name); {
		case slip && meant.guard != "":
			slips = append(slips, found)
		case slip || ours:
			warnings = append(warnings, found)
		}
	}
	if slips != nil {
		err = slips
	}
	return warnings, err
}

// isSlip reports whether a name can hardly be another word: one letter differs, or
// separators, or the order of letters.
func isSlip(name, meant string) bool {
	bare := strings.NewReplacer("-", "", "_", "", " ", "")
	return levenshtein.Distance(name, meant, nil) == 1 || slices.Equal(letters(bare.Replace(name)), letters(bare.Replace(meant)))
}

// NearestCommand returns the command that a misspelled one was probably meant to
// be; empty if there is none.
func NearestCommand(name string) string { return nearest(name, commandNames()) }

// nearest returns the name that a misspelled or shortened one was probably meant
// to be; empty if there is none.
func nearest(name string, names []string) string {
	meant, fewest := "", 3 // letters to change: with more it is another word
	var longer []string
	for _, candidate := range names {
		if strings.HasPrefix(candidate, name+"-") {
			longer = append(longer, candidate)
		}
		if len(name) > 2*len(candidate) { // too long to be a typo
			continue
		}
		n := levenshtein.Distance(name, candidate, nil)
		if n == 2 && slices.Equal(letters(name), letters(candidate)) { // they changed places
			n = 1
		}
		if n < min(fewest, len(candidate)-1) {
			meant, fewest = candidate, n
		}
	}
	if meant == "" && len(longer) == 1 {
		return longer[0]
	}
	return meant
}

// letters returns those of a word, sorted.
func letters(word string) []byte {
	sorted := []byte(word)
	slices.Sort(sorted)
	return sorted
}
