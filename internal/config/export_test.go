package config

// SecretSettings are those whose values must never be shown.
func SecretSettings() (names []string) {
	for _, s := range settings {
		if s.secret {
			names = append(names, s.name)
		}
	}
	return names
}
