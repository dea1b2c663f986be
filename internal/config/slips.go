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

// MisspelledVariables warns about variables of an environment, as os.Environ has
// it, that were probably meant for a setting. Others are ignored: they may belong
// to anything.
func MisspelledVariables(environ []string) []directory.Finding {
	names := settingNames(func(*setting) bool { return true })
	var findings []directory.Finding
	for _, entry := range environ {
		variable, value, _ := strings.Cut(entry, "=")
		name, ours := strings.CutPrefix(variable, prefix)
		if !ours || value == "" {
			continue
		}
		meant := settingNamed(nearest(strings.ToLower(strings.ReplaceAll(name, "_", "-")), names))
		if meant != nil && meant.variable() != variable {
			findings = append(findings, directory.Finding{Kind: directory.BadSettings,
				Message: "unknown environment variable " + quoted(variable), Hint: didYouMean("", meant.variable())})
		}
	}
	return findings
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
