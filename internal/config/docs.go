package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Help is a command's settings as a terminal shows them; every command's where
// command is empty.
func Help(command string) string {
	longest := 0
	for i := range settings {
		longest = max(longest, len(settings[i].name))
	}
	indent := strings.Repeat(" ", longest+6) // two before the dashes, two behind the name
	var b strings.Builder
	section := ""
	for i := range settings {
		s := &settings[i]
		if s.section != "" {
			section = s.section
		}
		if command != "" && !s.of(command) {
			continue
		}
		if section != "" { // not yet shown
			_, _ = fmt.Fprintf(&b, "\n%s:\n", section)
			section = ""
		}
		text := s.plain()
		if command == "" {
			text += unmarked(s.remark())
		}
		name := "  --" + s.name
		_, _ = fmt.Fprintf(&b, "%s%s%s\n", name, indent[len(name):], wrapped(text, indent))
	}
	return b.String()
}

// width is what lines of the help may have: characters that any terminal shows.
const width = 96

// wrapped breaks text into lines, of which all but the first are indented.
func wrapped(text, indent string) string {
	var b strings.Builder
	room := width - len(indent)
	for i, word := range strings.Fields(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case length < room:
			b.WriteByte(' ')
			room--
		default:
			b.WriteString("\n" + indent)
			room = width - len(indent)
		}
		b.WriteString(word)
		room -= length
	}
	return b.String()
}

// Markdown is the settings as the README shows them.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| setting | default | environment | meaning |\n|---|---|---|---|\n")
	for i := range settings {
		s := &settings[i]
		_, _ = fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.name, code(s.byDefault), code(s.env...), s.meaning+s.remark())
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
		if !s.of(Sync) {
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
	text := unmarked(s.meaning)
	if s.byDefault != "" {
		text += " Default: " + s.byDefault + "."
	}
	if len(s.env) > 0 {
		text += " Environment: " + strings.Join(s.env, ", ") + "."
	}
	return text
}

func unmarked(markdown string) string { return strings.ReplaceAll(markdown, "`", "") }

// remark says which command has the setting, where not all do.
func (s *setting) remark() string {
	if s.only == "" {
		return ""
	}
	return " Of `" + s.only + "` only."
}
