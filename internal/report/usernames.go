package report

import (
	"strings"
	"sync/atomic"
	"unicode"

	"xc-group-sync/internal/directory"
)

// Usernames are those of a tenant that do not look like emails. Where emails are
// masked, they are hidden in errors, which may quote the tenant. The zero value
// and nil know none. It is safe for concurrent use.
type Usernames struct {
	keys atomic.Pointer[map[string]bool]
}

// Set replaces the usernames by those of a tenant. One that is also a group's name
// stays visible.
func (u *Usernames) Set(observed *directory.Observed) {
	keys := map[string]bool{}
	add := func(username directory.Username) {
		if !strings.Contains(string(username), "@") {
			keys[username.Key()] = true
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
		delete(keys, directory.Username(observed.Groups[i].Name).Key())
	}
	u.keys.Store(&keys)
}

// hide returns text with *** in place of each word that is a username.
func (u *Usernames) hide(text string) string {
	if u == nil || u.keys.Load() == nil || len(*u.keys.Load()) == 0 {
		return text
	}
	keys := *u.keys.Load()
	var b strings.Builder
	for len(text) > 0 {
		end := strings.IndexFunc(text, ends)
		if end < 0 {
			end = len(text)
		}
		word := text[:end]
		if bare := strings.TrimRight(word, "."); keys[directory.Username(bare).Key()] {
			word = "***" + word[len(bare):]
		}
		b.WriteString(word)
		text = text[end:]
		next := strings.IndexFunc(text, func(r rune) bool { return !ends(r) })
		if next < 0 {
			next = len(text)
		}
		b.WriteString(text[:next])
		text = text[next:]
	}
	return b.String()
}

// ends reports whether a character ends a word of an error.
func ends(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("\"'`“”‘’()[]{}<>,;:=", r)
}

// ErrorText is the text of an error, without usernames where emails are masked.
func (s Sanitizer) ErrorText(text string) string {
	if s.MaskEmails {
		return s.Usernames.hide(text)
	}
	return text
}
