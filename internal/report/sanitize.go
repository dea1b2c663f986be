package report

import (
	"regexp"
	"strings"

	"xc-group-sync/internal/directory"
)

// Sanitizer makes text from outside (the CSV, the tenant, GitHub) safe for a
// sink. The zero value hides nothing.
type Sanitizer struct {
	MaskEmails bool       // hide the local parts of emails
	Usernames  *Usernames // hidden in errors and warnings if emails are; may be nil
	Secrets    *Secrets   // hidden wherever they occur
}

// hide removes secrets and, if asked, the local parts of emails.
func (s Sanitizer) hide(text string) string {
	text = s.Secrets.Hide(text)
	if s.MaskEmails && (strings.Contains(text, "@") || strings.Contains(text, "%40")) {
		text = localPart.ReplaceAllString(text, "***@")
	}
	if s.MaskEmails && strings.Contains(text, "…") {
		text = cutWord.ReplaceAllString(text, "***…")
	}
	return text
}

// localPart matches what an email may have before its "@", see
// directory.ParseEmail.
var localPart = regexp.MustCompile(`[^\s@<>()\[\],;:\\"]+(@|%40)`)

// cutWord matches what a cut left of a word, which may be an email without its "@".
// "CN=…" is an example.
var cutWord = regexp.MustCompile(`[^\s@<>()\[\],;:\\"…]*[^\s@<>()\[\],;:\\"…=]…`)

// How much of one text is shown, in characters. A reader needs no more, and
// logs and pages have limits.
const (
	longestLine  = 10_000 // a line may be made of several texts
	longestProse = 1000
	longestName  = 300 // an email has up to 254
)

// Line makes text safe for a line of a log, which CI systems scan for commands: one
// line, no control characters, no directory.RunnerCommand anywhere, no "::" first.
func (s Sanitizer) Line(text string) string {
	text = directory.VisibleText(directory.Cut(s.hide(text), longestLine))
	if strings.Contains(text, "##") { // a plan has a million lines
		text = directory.RunnerCommand.ReplaceAllString(text, "##$1 [")
	}
	if strings.HasPrefix(strings.TrimSpace(text), "::") {
		text = strings.Replace(text, "::", ": :", 1)
	}
	return text
}

// Prose makes text fit for a line or a table cell of Markdown: nothing in it is
// markup, a link, a mention or a reference. Emails are code spans. Copying it
// from the page gives the original text.
func (s Sanitizer) Prose(text string) string {
	text = strings.TrimSpace(directory.VisibleText(directory.Cut(s.hide(text), longestProse)))
	var b strings.Builder
	done := 0
	for _, found := range address.FindAllStringIndex(text, -1) {
		if from, to := found[0], found[1]; from > done || from == 0 { // two code spans side by side would be one
			b.WriteString(inert(text[done:from]))
			b.WriteString("`" + text[from:to] + "`")
			done = to
		}
	}
	b.WriteString(inert(text[done:]))
	return b.String()
}

// address matches an email that a code span can hold.
var address = regexp.MustCompile(`[\pL\pM\pN._%+*'-]+@[\pL\pM\pN](?:[\pL\pM\pN.-]*[\pL\pM\pN])?`)

// GitHub looks for mentions, references and emoji codes in the text nodes of the
// rendered page, where an entity or a backslash is gone already, and for links in
// adjacent text in the Markdown. An HTML comment splits both and is not copied.
// See https://github.com/github/cmark-gfm/issues/181 and
// https://github.com/gjtorikian/html-pipeline/blob/v2.14.3/lib/html/pipeline/@mention_filter.rb
// (and emoji_filter.rb).
const split = "<!-- -->"

var proseEscapes = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;", "`", "&#96;", "\\", "&#92;",
	"*", "&#42;", "_", "&#95;", "~", "&#126;", "[", "&#91;", "]", "&#93;", "!", "&#33;", "$", "&#36;",
	"@", "@"+split, "#", "#"+split, "://", ":"+split+"//", "www.", "www"+split+".",
	"GH-", "GH"+split+"-", "Gh-", "Gh"+split+"-", "gH-", "gH"+split+"-", "gh-", "gh"+split+"-",
)

// emojiCode begins an emoji code, which another colon ends: ":100:".
var emojiCode = regexp.MustCompile(`:[\w+-]+`)

// inert returns text in which nothing is markup, a link, a mention, a reference or an
// emoji.
func inert(text string) string {
	var b strings.Builder
	done := 0
	for _, found := range emojiCode.FindAllStringIndex(text, -1) {
		if colon, end := found[0]+1, found[1]; strings.HasPrefix(text[end:], ":") {
			b.WriteString(proseEscapes.Replace(text[done:colon]) + split)
			done = colon
		}
	}
	return b.String() + proseEscapes.Replace(text[done:])
}

// Code makes a name fit for a table cell, as a code span, in which nothing is
// markup, a link or a mention. Copying it from the page gives the original name.
func (s Sanitizer) Code(name string) string {
	name = strings.TrimSpace(directory.VisibleText(directory.Cut(s.hide(name), longestName)))
	switch {
	case name == "":
		return "–"
	case strings.ContainsAny(name, "`|\\"): // a code span of a table cannot hold these as they are
		return inert(name)
	}
	return "`" + name + "`"
}
