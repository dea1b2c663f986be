package report

import (
	"net/url"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"xc-group-sync/internal/directory"
)

// Usernames are those of a tenant that do not look like emails. Where emails are
// masked, they are hidden in errors and warnings, which may quote the tenant. The zero
// value and nil know none. It is safe for concurrent use.
type Usernames struct {
	mu      sync.RWMutex
	keys    map[string]bool
	groups  map[string]bool // names of groups: a username that is one stays visible
	longest int             // of keys, in characters, but not above longestName
}

// Add adds the usernames of users and members.
func (u *Usernames) Add(observed *directory.Observed) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.keys == nil {
		u.keys, u.groups = map[string]bool{}, map[string]bool{}
	}
	for i := range observed.Users {
		user := &observed.Users[i]
		u.add(user.Username)
		u.add(directory.Username(user.Email)) // which the tenant need not have checked
	}
	for i := range observed.Groups {
		group := &observed.Groups[i]
		u.groups[directory.Username(group.Name).Key()] = true
		for _, username := range group.Usernames {
			u.add(username)
		}
	}
}

// add adds a username, and how a message may escape it.
func (u *Usernames) add(username directory.Username) {
	name := string(username)
	if strings.Contains(name, "@") {
		return
	}
	quoted := strconv.Quote(name)
	for _, form := range []string{name, quoted[1 : len(quoted)-1], url.PathEscape(name), url.QueryEscape(name)} {
		key := directory.Username(form).Key()
		u.keys[key] = true
		u.longest = min(max(u.longest, utf8.RuneCountInString(key)), longestName)
	}
}

// hide returns text with *** in place of each username that is a word by itself.
func (u *Usernames) hide(text string) string {
	if u == nil {
		return text
	}
	u.mu.RLock()
	defer u.mu.RUnlock()
	var b strings.Builder
	done, begins := 0, true
	for i, r := range text {
		if begins && i >= done {
			if n := u.at(text[i:]); n > 0 {
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
func (u *Usernames) at(text string) (length int) {
	rest := text
	for n := 0; n < u.longest && rest != ""; n++ {
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		if name := text[:len(text)-len(rest)]; isEnd(rest) && u.hides(directory.Username(name).Key()) {
			length = len(name)
		}
	}
	return length
}

func (u *Usernames) hides(key string) bool { return u.keys[key] && !u.groups[key] }

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
