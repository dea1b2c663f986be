package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Secrets are texts that are never shown. Make them with NewSecrets; nil has
// none. It is safe for concurrent use.
type Secrets struct {
	// The secrets by their first two bytes, the longest first: one pass over a
	// text meets each that it contains.
	by    map[uint16][]string
	begun [1 << 16 / 64]uint64 // a bit for each key of by
}

// shortestSecret is in bytes: to hide a shorter one would blank out half the
// text and hide nothing.
const shortestSecret = 4

// NewSecrets returns the secrets in all the forms that are to be hidden.
func NewSecrets(forms ...string) *Secrets {
	s := &Secrets{by: map[uint16][]string{}}
	for _, form := range forms {
		if len(form) >= shortestSecret {
			start := pair(form)
			s.by[start] = append(s.by[start], form)
			s.begun[start/64] |= 1 << (start % 64)
		}
	}
	for _, alike := range s.by {
		slices.SortFunc(alike, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	}
	return s
}

// hide returns text with *** in place of each secret, also of one that is escaped
// for a URL, whichever of its characters are.
func (s *Secrets) hide(text string) string {
	if s == nil || len(s.by) == 0 {
		return text
	}
	text = s.cover(text, text, nil)
	for _, plus := range []byte{'+', ' '} { // what a + is: a blank in a query
		if strings.Contains(text, "%") {
			plain, begins := unescape(text, plus)
			text = s.cover(text, plain, begins)
		}
	}
	return text
}

// cover returns text with *** in place of each secret that is in plain. begins is
// where in text each byte of plain begins, and its end; nil if they are the same.
func (s *Secrets) cover(text, plain string, begins []int) string {
	place := func(i int) int {
		if begins == nil {
			return i
		}
		return begins[i]
	}
	var b strings.Builder
	done := 0 // what of text is in b
	for i := 0; i+shortestSecret <= len(plain); {
		secret := s.at(plain[i:])
		if secret == "" {
			i++
			continue
		}
		b.WriteString(text[done:place(i)])
		b.WriteString("***")
		i += len(secret)
		done = place(i)
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

// unescape returns text without the escapes of URLs, where in text each byte
// of it begins, and its end. A + becomes plus.
func unescape(text string, plus byte) (plain string, begins []int) {
	var b strings.Builder
	for i := 0; i < len(text); {
		begins = append(begins, i)
		if text[i] == '%' && i+2 < len(text) {
			if c, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		if c := text[i]; c == '+' {
			b.WriteByte(plus)
		} else {
			b.WriteByte(c)
		}
		i++
	}
	return b.String(), append(begins, len(text))
}

// at returns the longest secret that text begins with.
func (s *Secrets) at(text string) string {
	start := pair(text)
	if s.begun[start/64]&(1<<(start%64)) == 0 {
		return ""
	}
	for _, secret := range s.by[start] {
		if strings.HasPrefix(text, secret) {
			return secret
		}
	}
	return ""
}

func pair(text string) uint16 { return uint16(text[0])<<8 | uint16(text[1]) }
