package report

import (
	"cmp"
	"html"
	"regexp"
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

const (
	// shortestSecret is in bytes: to hide a shorter one would blank out half the
	// text and hide nothing.
	shortestSecret = 4
	// shortestCut is how much of a secret must be left, in bytes, for a text that
	// was cut within it to be hidden.
	shortestCut = 8
)

// NewSecrets returns the secrets in all the forms that are to be hidden.
func NewSecrets(forms ...string) *Secrets {
	s := &Secrets{by: map[uint16][]string{}}
	for _, form := range forms {
		if len(form) >= shortestSecret {
			start := pair(form[0], form[1])
			s.by[start] = append(s.by[start], form)
			s.begun[start/64] |= 1 << (start % 64)
		}
	}
	for _, alike := range s.by {
		slices.SortFunc(alike, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	}
	return s
}

// Hide returns text with *** in place of each secret, also of one that is escaped,
// whichever of its characters are, and of what is left of one at the end of a text,
// before an ellipsis or before a quotation mark. Whoever cuts a text hides first.
func (s *Secrets) Hide(text string) string {
	if s == nil || len(s.by) == 0 {
		return text
	}
	text = s.cover(text, text, nil)
	for _, e := range escapings {
		if strings.IndexByte(text, e.begins) >= 0 {
			plain, begins := e.undo(text)
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
	done := 0           // what of text is in b
	from, until := 0, 0 // what of plain is to be hidden next
	write := func() {
		if until > 0 {
			b.WriteString(text[done:place(from)])
			b.WriteString("***")
			done = place(until)
		}
	}
	for i := 0; i+shortestSecret <= len(plain); i++ {
		if !s.mayBegin(plain[i], plain[i+1]) {
			continue
		}
		n, left := s.at(plain[i:])
		if left >= shortestSecret && place(i+left)-place(i) >= shortestCut {
			n = max(n, left)
		}
		switch {
		case n == 0:
		case i < until: // they overlap
			until = max(until, i+n)
		default:
			write()
			from, until = i, i+n
		}
	}
	if until == 0 {
		return text
	}
	write()
	b.WriteString(text[done:])
	return b.String()
}

// at returns the length of the longest secret that text begins with, and of the
// longest beginning of one after which text was cut; 0 if there is none.
func (s *Secrets) at(text string) (whole, left int) {
	for _, secret := range s.by[pair(text[0], text[1])] {
		n := 0
		for n < len(secret) && n < len(text) && secret[n] == text[n] {
			n++
		}
		switch {
		case n == len(secret):
			whole = max(whole, n)
		case n > left && isCut(text[n:]):
			left = n
		}
	}
	return whole, left
}

// isCut reports whether the text before rest may have been cut there.
func isCut(rest string) bool {
	return rest == "" || strings.HasPrefix(rest, "…") || rest[0] == '"' || strings.HasPrefix(rest, `\"`)
}

func pair(first, second byte) uint16 { return uint16(first)<<8 | uint16(second) }

// mayBegin reports whether a secret begins with two bytes. Most pairs begin none,
// and a plan has a million lines.
func (s *Secrets) mayBegin(first, second byte) bool {
	start := pair(first, second)
	return s.begun[start/64]&(1<<(start%64)) != 0
}

// escaping is a way to write characters, each of which may be written so or not.
type escaping struct {
	begins byte // each escaped character
	// decode returns what text begins with, and the length of how it is written; 0
	// if it is not escaped.
	decode func(text string) (plain string, length int)
	plus   string // what a + is; empty: itself
}

var escapings = []escaping{
	{begins: '%', decode: ofURL}, {begins: '%', decode: ofURL, plus: " "}, {begins: '&', decode: ofHTML}, {begins: '\\', decode: ofJSON},
}

// ofURL decodes %2F.
func ofURL(text string) (plain string, length int) {
	if len(text) < 3 {
		return "", 0
	}
	c, err := strconv.ParseUint(text[1:3], 16, 8)
	if err != nil {
		return "", 0
	}
	return string([]byte{byte(c)}), 3
}

// longestEntity is in bytes, of those that a secret could be escaped with.
const longestEntity = 10

// ofHTML decodes &amp;, &#43; and &#x2b;.
func ofHTML(text string) (plain string, length int) {
	end := strings.IndexByte(text[:min(len(text), longestEntity)], ';')
	if end < 0 {
		return "", 0
	}
	if plain = html.UnescapeString(text[:end+1]); plain == text[:end+1] {
		return "", 0
	}
	return plain, end + 1
}

// ofJSON decodes \/, \" and \u002f, and what Go has beside them.
func ofJSON(text string) (plain string, length int) {
	if strings.HasPrefix(text, `\/`) {
		return "/", 2
	}
	c, multibyte, tail, err := strconv.UnquoteChar(text, '"')
	switch length = len(text) - len(tail); {
	case err != nil:
		return "", 0
	case multibyte:
		return string(c), length
	}
	return string([]byte{byte(c)}), length
}

// cutEscape is an escaped character that was cut.
var cutEscape = regexp.MustCompile(`^(?:%[[:xdigit:]]?|&#?[[:alnum:]]{0,8}|\\(?:[ux][[:xdigit:]]{0,3})?)(?:$|…|\\?")`)

// undo returns text without escapes, where in text each byte of it begins, and
// its end. An escaped character that was cut is left out.
func (e escaping) undo(text string) (plain string, begins []int) {
	var b strings.Builder
	add := func(plain string, at int) {
		b.WriteString(plain)
		for range len(plain) {
			begins = append(begins, at)
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == e.begins:
			plain, length := e.decode(text[i:])
			switch {
			case length > 0:
				add(plain, i)
				i += length - 1
			case cutEscape.MatchString(text[i:]):
				for i+1 < len(text) && !isCut(text[i+1:]) {
					i++
				}
			default:
				add(text[i:i+1], i)
			}
		case c == '+' && e.plus != "":
			add(e.plus, i)
		default:
			add(text[i:i+1], i)
		}
	}
	return b.String(), append(begins, len(text))
}
