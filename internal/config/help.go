package config

import (
	"fmt"
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
		text := s.helpText()
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

// The layout of help: the column where its text begins, and the longest line,
// which fits any terminal.
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

// helpText returns the meaning without markup, and where a value comes from if it
// is not given.
func (s *setting) helpText() string {
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

// Setting is a line of the table, for documentation, action.yml and workflows.
type Setting struct {
	Name    string
	Topic   string   // begins with this setting; empty: that of the setting before
	Form    string   // what the value is; empty: true or false
	Default string   // empty: none
	Env     []string // older variables
	Meaning string   // Markdown, with the commands that have it
	Text    string   // without markup, with Default and Env
	Policy  bool     // may be in the policy file
	Guard   string   // what it stops, in Markdown; empty: nothing
	Action  bool     // the action has it as an input
	Input   string   // default of that input
}

// Settings returns the table.
func Settings() []Setting {
	all := make([]Setting, len(settings))
	for i, s := range settings {
		all[i] = Setting{
			Name: s.name, Topic: s.topic, Form: s.form, Default: s.byDefault, Env: s.env, Meaning: s.meaning + s.remark(), Text: s.helpText(),
			Policy: s.policy, Guard: s.guard, Action: s.of(Sync), Input: s.action,
		}
	}
	return all
}

// PolicyOnly returns the keys of the policy file that are not settings, with
// their meaning in Markdown.
func PolicyOnly() map[string]string {
	all := map[string]string{}
	for name, key := range policyOnly {
		all[name] = key.meaning
	}
	return all
}
