package directory

import (
	"cmp"
	"strings"
	"unicode"
)

// PersonName is what a new user is called. Neither part is empty.
type PersonName struct {
	First string `json:"first"`
	Last  string `json:"last"`
}

// NewPersonName splits a display name at its last blank. If none of it is
// visible, the local part of the email is used. A single word becomes both parts,
// since the API wants both.
func NewPersonName(display string, email Email) PersonName {
	words := strings.Fields(CleanName(display))
	if len(words) == 0 {
		words = strings.FieldsFunc(email.Local(), func(r rune) bool { return strings.ContainsRune("._-+", r) })
	}
	if len(words) == 0 {
		words = []string{email.Local()}
	}
	last := len(words) - 1
	return PersonName{First: strings.Join(words[:max(last, 1)], " "), Last: words[last]}
}

// Complete returns the name with missing parts formed from the email: the API
// accepts no empty name.
func (n PersonName) Complete(email Email) PersonName {
	spare := NewPersonName("", email)
	return PersonName{First: cmp.Or(n.First, spare.First), Last: cmp.Or(n.Last, spare.Last)}
}

// CleanName returns a display name on one line and without outer blanks; empty
// if nothing of it can be seen.
func CleanName(display string) string {
	if isPrintableASCII(display) {
		return strings.TrimSpace(display)
	}
	display = strings.TrimSpace(strings.Map(func(r rune) rune {
		if IsControl(r) {
			return ' '
		}
		return r
	}, display))
	if !strings.ContainsFunc(display, isVisible) {
		return ""
	}
	return display
}

func isVisible(r rune) bool { return !unicode.IsSpace(r) && !IsIgnorable(r) }
