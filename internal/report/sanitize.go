package report

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"xc-group-sync/internal/directory"
)

// Sanitizer makes text from outside (the CSV, the tenant, GitHub) safe for a
// sink. The zero value hides nothing.
type Sanitizer struct {
	MaskEmails bool     // hide the local parts of emails
	Secrets    []string // hidden wherever they occur
}

// hide removes secrets and, if asked, the local parts of emails.
func (s Sanitizer) hide(text string) string {
	for _, secret := range s.Secrets {
		if len(secret) >= 4 { // a shorter one would blank out half the text and hide nothing
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	if s.MaskEmails {
		text = localPart.ReplaceAllString(text, "***@")
	}
	return text
}

// localPart is what an email may have before its "@", see
// directory.ParseEmail.
var localPart = regexp.MustCompile(`[^\s@<>()\[\],;:\\"]+(@|%40)`)

// Line makes text safe for a line of a log, which the Actions runner scans for
// commands: one line, no control characters, no "##[" anywhere, no "::" first.
func (s Sanitizer) Line(text string) string {
	text = strings.ReplaceAll(directory.CleanText(s.hide(text)), "##[", "## [")
	if strings.HasPrefix(strings.TrimSpace(text), "::") {
		text = strings.Replace(text, "::", ": :", 1)
	}
	return text
}

// Prose makes text fit for a line or a table cell of Markdown: nothing in it
// is markup, a link, a mention or a reference.
func (s Sanitizer) Prose(text string) string {
	return proseEscapes.Replace(strings.TrimSpace(cut(directory.CleanText(s.hide(text)), longestProse)))
}

// What Markdown shows of one text from outside, in bytes: a reader needs no
// more, and a page has limits.
const (
	longestProse = 1000
	longestName  = 150
)

// cut shortens text, at a character's end, and says so.
func cut(text string, longest int) string {
	if len(text) <= longest {
		return text
	}
	for !utf8.RuneStart(text[longest]) {
		longest--
	}
	return text[:longest] + "…"
}

// A zero-width space ends what GitHub would make a mention, a reference or a
// link of; it does so after the Markdown is rendered, which entities do not
// survive.
var proseEscapes = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;", "`", "&#96;", "\\", "&#92;",
	"*", "&#42;", "_", "&#95;", "~", "&#126;", "[", "&#91;", "]", "&#93;", "!", "&#33;", "$", "&#36;",
	"@", "@\u200b", "#", "#\u200b", "://", ":\u200b//", "www.", "www\u200b.", "GH-", "GH\u200b-",
)

// Code makes a name fit for a table cell, as a code span, in which nothing is
// markup, a link or a mention.
func (s Sanitizer) Code(name string) string {
	name = strings.TrimSpace(codeEscapes.Replace(cut(directory.CleanText(s.hide(name)), longestName)))
	if name == "" {
		return "–"
	}
	return "`" + name + "`"
}

// A backslash before a pipe would end the cell after all.
var codeEscapes = strings.NewReplacer("`", "ˋ", `\`, "⧵", "|", "¦")
