package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Help returns a command's settings by topic, as a terminal shows them; those of
// all commands if command is empty.
func Help(command string) string {
	var b strings.Builder
	topic := ""
	for _, s := range settings {
		if s.topic != "" {
			topic = s.topic
		}
		if command != "" && !s.of(command) {
			continue
		}
		if topic != "" { // not yet shown
			fmt.Fprintf(&b, "\n%s:\n", topic)
			topic = ""
		}
		text := s.plain()
		if command == "" {
			text += unmarked(s.remark())
		}
		b.WriteString(s.help(text))
	}
	return b.String()
}

// CommonHelp returns the settings that most runs need, in short.
func CommonHelp() string {
	var b strings.Builder
	for _, s := range settings {
		if s.common {
			b.WriteString(s.help(s.short()))
		}
	}
	return b.String()
}

// The columns of help: where its text begins, and how many characters a line may
// have, so that any terminal shows it.
const (
	helpIndent = 32
	helpWidth  = 96
)

// help returns the flag and a text about it.
func (s *setting) help(text string) string {
	flag := "  --" + s.name
	if !s.isBool() {
		flag += " " + s.form
	}
	if len(flag) > helpIndent-2 {
		flag += "\n" + strings.Repeat(" ", helpIndent)
	} else {
		flag += strings.Repeat(" ", helpIndent-len(flag))
	}
	return flag + wrapped(text, strings.Repeat(" ", helpIndent)) + "\n"
}

// wrapped breaks text into lines, of which all but the first are indented.
func wrapped(text, indent string) string {
	var b strings.Builder
	left := helpWidth - len(indent)
	for i, word := range strings.Fields(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case length < left:
			b.WriteByte(' ')
			left--
		default:
			b.WriteString("\n" + indent)
			left = helpWidth - len(indent)
		}
		b.WriteString(word)
		left -= length
	}
	return b.String()
}

// Markdown returns the settings as docs/settings.md has them, a table per topic.
func Markdown() string {
	var b strings.Builder
	for _, s := range settings {
		if s.topic != "" {
			fmt.Fprintf(&b, "\n## %s\n\n| setting | value | default | policy | older variables | meaning |\n|---|---|---|---|---|---|\n", s.topic)
		}
		form, policy := s.form, ""
		if s.isBool() {
			form = "true|false"
		}
		if s.policy {
			policy = "✔"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", s.name, code(strings.Split(form, "|")...), code(s.byDefault), policy, code(s.env...), s.meaning+s.remark())
	}
	b.WriteString("\n## Keys of the policy file only\n\n| key | meaning |\n|---|---|\n")
	for _, key := range slices.Sorted(maps.Keys(policyOnly)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", key, policyOnly[key].meaning)
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
	return strings.Join(quoted, ", ")
}

// ActionInputs returns the settings as action.yml declares them. Except for the
// token they have no defaults there: an input that is given would hide an
// environment variable, the policy file or the retry profile.
func ActionInputs() string {
	var b strings.Builder
	b.WriteString("inputs:\n")
	for _, s := range settings {
		if !s.of(Sync) {
			continue // the action syncs
		}
		fmt.Fprintf(&b, "  %s:\n    description: '%s'\n    required: %v\n", s.name, strings.ReplaceAll(s.plain(), "'", "''"), s.name == "csv")
		if s.action != "" {
			fmt.Fprintf(&b, "    default: %s\n", s.action)
		}
	}
	return b.String()
}

// plain returns the meaning without markup, and where a value comes from if it
// is not given.
func (s *setting) plain() string {
	text := unmarked(s.meaning)
	if s.byDefault != "" && !s.isBool() {
		text += " Default: " + s.byDefault + "."
	} else if s.byDefault == "true" {
		text += " On by default."
	}
	if len(s.env) > 0 {
		text += " Environment: " + strings.Join(s.env, ", ") + "."
	}
	return text
}

func unmarked(markdown string) string { return strings.ReplaceAll(markdown, "`", "") }

// remark says which commands have the setting, if not all do.
func (s *setting) remark() string {
	if s.only == nil {
		return ""
	}
	return " (`" + strings.Join(s.only, "`, `") + "` only)"
}

// Guards returns the settings that stop a run, or bound it, as docs/safety.md has
// them. Those that do the same share a row.
func Guards() string {
	var rows []string
	names := map[string][]string{} // by what they do
	for _, s := range settings {
		if s.guard == "" {
			continue
		}
		if names[s.guard] == nil {
			rows = append(rows, s.guard)
		}
		names[s.guard] = append(names[s.guard], s.name)
	}
	var b strings.Builder
	b.WriteString("| guard | effect |\n|---|---|\n")
	for _, effect := range rows {
		fmt.Fprintf(&b, "| %s | %s |\n", code(names[effect]...), effect)
	}
	return b.String()
}

// Setting is a line of the table for what passes settings on to the program.
type Setting struct {
	Name         string
	Bool, Policy bool // Policy: may be in the policy file
	Guard        bool // must not get lost on the way
}

// ActionSettings returns the settings that the action has, as inputs.
func ActionSettings() (all []Setting) {
	for _, s := range settings {
		if s.of(Sync) {
			all = append(all, Setting{Name: s.name, Bool: s.isBool(), Policy: s.policy, Guard: s.guard != ""})
		}
	}
	return all
}
