package report

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"xc-group-sync/internal/directory"
)

// Sanitiser makes text from outside (the CSV, the tenant, GitHub) harmless for
// a sink. The zero value hides nothing.
type Sanitiser struct {
	MaskEmails bool     // hide the local parts of e-mails
	Secrets    []string // hidden wherever they stand
}

// hide takes out secrets and, if asked, the local parts of e-mails.
func (s Sanitiser) hide(text string) string {
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

// localPart is what an e-mail may have before its "@", see
// directory.ParseEmail.
var localPart = regexp.MustCompile(`[^\s@<>()\[\],;:\\"]+(@|%40)`)

// problem returns the message and the hint of a finding; if emails are masked,
// so is its subject.
func (s Sanitiser) problem(p directory.Finding) string {
	text := p.Message
	if s.MaskEmails && p.Subject != "" {
		masked := "***"
		if i := strings.LastIndex(p.Subject, "@"); i >= 0 {
			masked += p.Subject[i:]
		}
		text = strings.NewReplacer(fmt.Sprintf("%q", p.Subject), fmt.Sprintf("%q", masked), p.Subject, masked).Replace(text)
	}
	if p.Hint != "" {
		text += "; hint: " + p.Hint
	}
	return text
}

// Line makes text fit for a line of a log, which the Actions runner reads for
// commands: one line, no control characters, no "##[" anywhere, no "::" first.
func (s Sanitiser) Line(text string) string {
	text = strings.ReplaceAll(directory.CleanText(s.hide(text)), "##[", "## [")
	if strings.HasPrefix(strings.TrimSpace(text), "::") {
		text = strings.Replace(text, "::", ": :", 1)
	}
	return text
}

// Prose makes text fit for a line or a table cell of Markdown: nothing in it
// is markup, a link, a mention or a reference.
func (s Sanitiser) Prose(text string) string {
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
func (s Sanitiser) Code(name string) string {
	name = strings.TrimSpace(codeEscapes.Replace(cut(directory.CleanText(s.hide(name)), longestName)))
	if name == "" {
		return "–"
	}
	return "`" + name + "`"
}

// A backslash before a pipe would end the cell after all.
var codeEscapes = strings.NewReplacer("`", "ˋ", `\`, "⧵", "|", "¦")
