package config

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Help is the settings as a terminal shows them.
func Help() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for i := range settings {
		s := &settings[i]
		_, _ = fmt.Fprintf(w, "  --%s\t%s\n", s.name, s.plain())
	}
	_ = w.Flush()
	return b.String()
}

// Markdown is the settings as the README shows them.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| setting | default | environment | meaning |\n|---|---|---|---|\n")
	for i := range settings {
		s := &settings[i]
		_, _ = fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.name, code(s.byDefault), code(s.env...), s.meaning+s.remarks())
	}
	return b.String()
}

func code(values ...string) string {
	var quoted []string
	for _, value := range values {
		if value != "" {
			quoted = append(quoted, "`"+value+"`")
		}
	}
	if quoted == nil {
		return "—"
	}
	return strings.Join(quoted, ", ")
}

// ActionInputs is the settings as action.yml declares them. But for the token
// there are no defaults in it: an input that is given would hide an environment
// variable or the retry profile.
func ActionInputs() string {
	var b strings.Builder
	b.WriteString("inputs:\n")
	for i := range settings {
		s := &settings[i]
		if s.only == Restore {
			continue // the action syncs
		}
		_, _ = fmt.Fprintf(&b, "  %s:\n    description: '%s'\n    required: %v\n", s.name, strings.ReplaceAll(s.plain(), "'", "''"), s.name == "csv")
		if s.action != "" {
			_, _ = fmt.Fprintf(&b, "    default: %s\n", s.action)
		}
	}
	return b.String()
}

// plain is the meaning without markup, and where a value comes from if it is
// not given.
func (s *setting) plain() string {
	text := strings.ReplaceAll(s.meaning, "`", "")
	if s.byDefault != "" {
		text += " Default: " + s.byDefault + "."
	}
	if len(s.env) > 0 {
		text += " Environment: " + strings.Join(s.env, ", ") + "."
	}
	return text + s.remarks()
}

// remarks say where there is the setting at all.
func (s *setting) remarks() string {
	if s.only == Restore {
		return " Of `restore` only."
	}
	return ""
}
