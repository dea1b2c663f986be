package config

import (
	"maps"
	"slices"
	"strings"
)

// SecretSettings returns those whose values must never be shown.
func SecretSettings() (names []string) {
	for _, s := range settings {
		if s.secret {
			names = append(names, s.name)
		}
	}
	return names
}

// PolicyKeys returns the keys that a policy file may have, and whether the value
// of each is a list.
func PolicyKeys() map[string]bool {
	keys := map[string]bool{}
	for key := range maps.Keys(policyOnly) {
		keys[key] = false
	}
	for _, s := range settings {
		if s.policy {
			keys[s.name] = s.isList
		}
	}
	return keys
}

// LoadPolicy reads a policy file that is given whole, for a simulated sync.
func LoadPolicy(content []byte) (*Config, error) {
	l := newLoader(Sync, func(string) string { return "" })
	l.flags = map[string]string{"csv": "x", "simulate": "true"}
	l.config.PolicyFile.Path = "policy.yml"
	l.parsePolicy(content)
	return l.load()
}

// Source is one way to give a setting.
type Source struct {
	Flag, Variable, Key string // exactly one is set
}

// Way is a setting of a command, with all the ways to give it, the strongest
// first, and two values that lead to different settings.
type Way struct {
	Command, Name string
	Sources       []Source
	Values        [2]string
	Exact         bool // a blank value counts
}

// Ways returns those of every setting of the table and every command that has it.
func Ways() (all []Way) {
	for _, s := range settings {
		sources := []Source{{Flag: s.name}, {Variable: "INPUT_" + strings.ToUpper(s.name)}, {Variable: s.variable()}}
		for _, name := range s.env {
			sources = append(sources, Source{Variable: name})
		}
		if s.policy {
			sources = append(sources, Source{Key: s.name})
		}
		for _, command := range []string{Sync, Restore, Export, Explain, Doctor} {
			if s.of(command) {
				all = append(all, Way{Command: command, Name: s.name, Sources: sources, Values: s.samples(), Exact: s.exact})
			}
		}
	}
	return all
}

// samples returns two values that the setting may have.
func (s *setting) samples() [2]string {
	switch {
	case s.isBool():
		return [2]string{"true", "false"}
	case s.choices() != nil:
		return [2]string(s.choices()[:2])
	case s.form == "URL":
		return [2]string{"https://one.example", "https://two.example"}
	case s.form == "COLUMNS":
		return [2]string{"okta", "entra-id"}
	case strings.HasPrefix(s.form, "DIGEST"):
		return [2]string{PullRequest, "sha256:" + strings.Repeat("0a", 32)}
	case s.name == "simulate-faults":
		return [2]string{"0.5", "0.25"}
	case slices.Contains(s.types, "string") && !slices.Contains(s.types, "number") && !slices.Contains(s.types, "integer"):
		return [2]string{"one", "two"}
	}
	return [2]string{"17", "19"}
}
