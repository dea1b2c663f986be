package report

import (
	"cmp"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Secrets are strings that are never shown. Make them with NewSecrets; nil has
// none. It is safe for concurrent use.
type Secrets struct {
	// The secrets by their first two bytes, the longest first: one pass over a
	// text finds all that it contains.
	by    map[uint16][]string
	begun [1 << 16 / 64]uint64 // a bit for each key of by
}

const (
	// shortestSecret is in bytes: hiding a shorter one would blank out half the
	// text and protect nothing.
	shortestSecret = 4
	// shortestCut is how many bytes of a secret must be left at a cut for the
	// rest of it to be hidden.
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

// Hide returns text with *** in place of each secret, even if some or all of its
// characters are escaped, once or twice, and in place of what is left of one at
// the end of a text, before an ellipsis or before a quotation mark. Hide secrets
// before cutting a text.
func (s *Secrets) Hide(text string) string {
	if s == nil || len(s.by) == 0 {
		return text
	}
	as := reading{plain: text}
	found := s.find(nil, as)
	for _, outer := range escapings {
		if once, is := outer.undo(as); is {
			found = s.find(found, once)
			for _, inner := range escapings {
				if twice, is := inner.undo(once); is {
					found = s.find(found, twice)
				}
			}
		}
	}
	if len(found) == 0 {
		return text
	}
	slices.SortFunc(found, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	done := 0
	for _, secret := range found {
		if secret.from >= done { // else it overlaps with the one before
			b.WriteString(text[done:secret.from] + "***")
		}
		done = max(done, secret.to)
	}
	return b.String() + text[done:]
}

// stretch is where a secret is in a text, in bytes.
type stretch struct{ from, to int }

// reading is a text with its escapes decoded.
type reading struct {
	plain  string
	begins []int // where in the text each byte of plain begins, and its end; nil: plain is the text
}

func (r reading) place(i int) int {
	if r.begins == nil {
		return i
	}
	return r.begins[i]
}

// find adds to found the places in a text where a reading has a secret or, at a
// cut, the beginning of one.
func (s *Secrets) find(found []stretch, r reading) []stretch {
	for i := 0; i+shortestSecret <= len(r.plain); i++ {
		if !s.mayBegin(r.plain[i], r.plain[i+1]) {
			continue
		}
		n, left := s.at(r.plain[i:])
		if left >= shortestSecret && r.place(i+left)-r.place(i) >= shortestCut {
			n = max(n, left)
		}
		if n > 0 {
			found = append(found, stretch{r.place(i), r.place(i + n)})
		}
	}
	return found
}

// at returns the length of the longest secret that text begins with, and of the
// longest beginning of a secret after which text may have been cut; 0 if there is
// none.
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

// mayBegin reports whether any secret begins with these two bytes. Most pairs
// begin none, and a plan may have a million lines.
func (s *Secrets) mayBegin(first, second byte) bool {
	start := pair(first, second)
	return s.begun[start/64]&(1<<(start%64)) != 0
}

// escaping is a way to escape characters, each of which may or may not be
// escaped.
type escaping struct {
	begins byte // each escaped character
	// decode returns the character that text begins with, and the length of its
	// escape; 0 if it is not escaped.
	decode func(text string) (plain string, length int)
	plus   string // what a + stands for; empty: itself
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

// longestEntity is the longest entity that could escape a character of a secret,
// in bytes.
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

// ofJSON decodes \/, \" and \u002f, and Go's further escapes.
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

// undo returns a reading with this kind of escape decoded too; false if it has
// none. An escape that was cut is left out.
func (e escaping) undo(r reading) (reading, bool) {
	if strings.IndexByte(r.plain, e.begins) < 0 {
		return r, false
	}
	var b strings.Builder
	var begins []int
	text := r.plain
	add := func(plain string, at int) {
		b.WriteString(plain)
		for range len(plain) {
			begins = append(begins, r.place(at))
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
	return reading{b.String(), append(begins, r.place(len(text)))}, true
}
