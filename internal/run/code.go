package run

import (
	"maps"
	"slices"

	"xc-group-sync/internal/directory"
)

// Code is an exit code of the program.
type Code int

// The exit codes. See Meaning.
const (
	Done           Code = 0
	Failed         Code = 1
	Settings       Code = 2
	Authentication Code = 3
	CSVRefused     Code = 4
	Refused        Code = 5
	Drifted        Code = 6
	Interrupted    Code = 130
)

var meanings = map[Code]string{
	Done:           "done",
	Failed:         "some operations failed, or the tenant could not be read",
	Settings:       "invalid settings, policy file or snapshot",
	Authentication: "authentication refused",
	CSVRefused:     "bad CSV",
	Refused:        "refused by a guard, nothing changed",
	Drifted:        "drift (fail-on-drift)",
	Interrupted:    "interrupted",
}

// Codes returns all exit codes, in ascending order.
func Codes() []Code { return slices.Sorted(maps.Keys(meanings)) }

// Meaning returns in a few words what a code means.
func (c Code) Meaning() string { return meanings[c] }

// Gravity returns the codes except Done in the order in which they count: of several
// that apply, the first.
func Gravity() []Code { return slices.Clone(gravity) }

var gravity = []Code{Interrupted, Settings, CSVRefused, Authentication, Refused, Failed, Drifted}

// codes of the kinds of errors; all others are Failed.
var codes = map[directory.Kind]Code{
	directory.Interrupted:    Interrupted,
	directory.BadSettings:    Settings,
	directory.BadSnapshot:    Settings,
	directory.BadCSV:         CSVRefused,
	directory.Authentication: Authentication,
	directory.Refusal:        Refused,
	directory.Drift:          Drifted,
}

// CodeOf returns the exit code of one finding.
func CodeOf(f directory.Finding) Code {
	code, known := codes[f.Kind]
	switch {
	case f.Severity != directory.Error:
		return Done
	case f.Kind.InvalidRow():
		return CSVRefused
	case known:
		return code
	}
	return Failed
}

func codeOf(findings []directory.Finding) Code {
	found := map[Code]bool{}
	for _, f := range findings {
		found[CodeOf(f)] = true
	}
	if i := slices.IndexFunc(gravity, func(c Code) bool { return found[c] }); i >= 0 {
		return gravity[i]
	}
	return Done
}

// Verdict returns an exit code in a word, as outputs and the JSON report give it.
func (c Code) Verdict() string {
	switch c {
	case Done:
		return "success"
	case Refused:
		return "refused"
	case Drifted:
		return "drift"
	case Interrupted:
		return "interrupted"
	}
	return "failed"
}
