package config

import "maps"

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
