package report

import (
	"cmp"
	"slices"
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

// hide returns text with *** in place of each secret.
func (s *Secrets) hide(text string) string {
	if s == nil || len(s.by) == 0 {
		return text
	}
	var b strings.Builder
	done := 0 // what of text is in b
	for i := 0; i+shortestSecret <= len(text); {
		secret := s.at(text[i:])
		if secret == "" {
			i++
			continue
		}
		b.WriteString(text[done:i])
		b.WriteString("***")
		i += len(secret)
		done = i
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
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
