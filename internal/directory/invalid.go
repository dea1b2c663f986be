package directory

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// InvalidError says why a text is not a valid email or DN.
type InvalidError struct {
	Kind   Kind
	Value  string // the text, cut by Quotable; empty if it is missing
	Reason string // empty if Kind says everything
	Hint   string // what to do about it; may be empty
}

// Error returns what is invalid, the value and the reason.
func (e *InvalidError) Error() string {
	text := string(e.Kind)
	if e.Kind == JoinedDNs || e.Kind == UnusableCN {
		text = string(InvalidDN)
	}
	if e.Value != "" {
		text += fmt.Sprintf(" %q", e.Value)
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// maxQuoted is how many characters of a cell a message quotes.
const maxQuoted = 100

// Quotable returns as much of a cell as a message may quote: 100 characters,
// and an ellipsis if there are more.
func Quotable(cell string) string { return Cut(cell, maxQuoted) }

// describe names a character that does not belong where it is: by code point
// unless it is plain ASCII.
func describe(r rune, size int) string {
	switch {
	case r == utf8.RuneError && size <= 1:
		return "a byte that is not UTF-8"
	case r == ' ':
		return "a space"
	case r > ' ' && r < 0x7f:
		return fmt.Sprintf("%q", string(r))
	case IsControl(r):
		return fmt.Sprintf("the control character %U", r)
	case IsIgnorable(r):
		return fmt.Sprintf("the invisible character %U", r)
	case unicode.IsSpace(r):
		return fmt.Sprintf("the whitespace character %U", r)
	case unicode.IsPrint(r):
		return fmt.Sprintf("%s (%U)", string(r), r)
	}
	return fmt.Sprintf("the character %U", r)
}
