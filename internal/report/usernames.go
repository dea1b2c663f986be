package report

import (
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"xc-group-sync/internal/directory"
)

// Usernames are those of a tenant that do not look like emails. Where emails are
// masked, they are hidden in errors and warnings, which may quote the tenant. The zero
// value and nil know none. It is safe for concurrent use.
type Usernames struct {
	known atomic.Pointer[usernames]
}

type usernames struct {
	keys    map[string]bool
	longest int // in characters, but not above longestName
}

// Set replaces the usernames by those of a tenant. A username that is also a
// group's name stays visible.
func (u *Usernames) Set(observed *directory.Observed) {
	known := &usernames{keys: map[string]bool{}}
	add := func(username directory.Username) {
		if !strings.Contains(string(username), "@") {
			known.keys[username.Key()] = true
		}
	}
	for i := range observed.Users {
		add(observed.Users[i].Username)
	}
	for i := range observed.Groups {
		for _, username := range observed.Groups[i].Usernames {
			add(username)
		}
	}
	for i := range observed.Groups {
		delete(known.keys, directory.Username(observed.Groups[i].Name).Key())
	}
	for key := range known.keys {
		known.longest = min(max(known.longest, utf8.RuneCountInString(key)), longestName)
	}
	u.known.Store(known)
}

// hide returns text with *** in place of each username that is a word by itself.
func (u *Usernames) hide(text string) string {
	if u == nil || u.known.Load() == nil {
		return text
	}
	known := u.known.Load()
	var b strings.Builder
	done, begins := 0, true
	for i, r := range text {
		if begins && i >= done {
			if n := known.at(text[i:]); n > 0 {
				b.WriteString(text[done:i] + "***")
				done = i + n
			}
		}
		begins = separates(r)
	}
	return b.String() + text[done:]
}

// at returns the length of the longest username that text begins with; 0 if there
// is none.
func (u *usernames) at(text string) (length int) {
	rest := text
	for n := 0; n < u.longest && rest != ""; n++ {
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		if name := text[:len(text)-len(rest)]; isEnd(rest) && u.keys[directory.Username(name).Key()] {
			length = len(name)
		}
	}
	return length
}

// isEnd reports whether a username may end before rest.
func isEnd(rest string) bool {
	rest = strings.TrimLeft(rest, ".-_")
	next, _ := utf8.DecodeRuneInString(rest)
	return rest == "" || separates(next)
}

// separates reports whether a character separates the words of an error: no part of
// a longer name or address.
func separates(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.M, unicode.N) && !strings.ContainsRune("-_.@", r)
}

// ErrorText returns the text of an error, without usernames if emails are masked.
func (s Sanitizer) ErrorText(text string) string {
	if s.MaskEmails {
		return s.Usernames.hide(text)
	}
	return text
}
