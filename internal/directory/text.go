package directory

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fold lower-cases s for comparison, see FoldRune.
func fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return strings.Map(FoldRune, s)
		}
	}
	return s
}

// FoldRune lower-cases r for comparison. A letter beyond ASCII is never folded to
// an ASCII one (the Kelvin sign to k, say): names that look alike must not become
// equal.
func FoldRune(r rune) rune {
	lower := unicode.ToLower(r)
	if r >= utf8.RuneSelf && lower < utf8.RuneSelf {
		return r
	}
	return lower
}

// Count returns a number with what is counted.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// List returns the texts of several things, or the first of them and how many
// more there are, as in "a, b and 16 more".
func List[T any](all []T, most int, text func(T) string) string {
	texts := make([]string, min(len(all), most))
	for i := range texts {
		texts[i] = text(all[i])
	}
	list := strings.Join(texts, ", ")
	if more := len(all) - len(texts); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// IsControl reports whether r can change how a text is read without being seen:
// control characters, line and paragraph separators, and the marks that change
// the direction of writing.
func IsControl(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// IsIgnorable reports whether r is usually not displayed at all
// (Default_Ignorable_Code_Point): zero-width characters, soft hyphens, fillers,
// variation selectors, tags. Some of them are letters or marks.
// See https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point, from
// which the derivation is taken.
func IsIgnorable(r rune) bool {
	if r < 0xad {
		return false
	}
	if !unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
		return false
	}
	annotation, hieroglyphs := r >= 0xfff9 && r <= 0xfffb, r >= 0x13430 && r <= 0x1345f
	return !annotation && !hieroglyphs && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// RunnerCommand matches what a CI system takes for a command wherever it is in a
// line: "##[…]" the Actions runner, "##vso[…]" Azure Pipelines
// (https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands).
var RunnerCommand = regexp.MustCompile(`##([A-Za-z]*)\[`)

// VisibleText returns s in a form fit to be shown: a space in place of each
// control character, and its code point, as in <U+200B>, in place of each
// character that is not displayed.
func VisibleText(s string) string {
	if isPrintableASCII(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case IsIgnorable(r):
			fmt.Fprintf(&b, "<%U>", r)
		case IsControl(r):
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isPrintableASCII reports whether s consists of printable ASCII, as nearly every
// text does, and so need not be looked at by character.
func isPrintableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Cut returns the first so many characters of s, and an ellipsis if there are
// more.
func Cut(s string, characters int) string {
	if len(s) <= characters {
		return s
	}
	n := 0
	for i := range s {
		if n == characters {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
