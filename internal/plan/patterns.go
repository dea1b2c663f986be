package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"xc-group-sync/internal/directory"
)

// Patterns select people and groups by globs that are compared without case:
// "*" is any text, "?" any one character, "[a-z]" one of a set and "[!a-z]" one
// outside it. A pattern that begins with "!" excludes; an exclusion wins over
// every other pattern, and exclusions alone select everything else. Make each
// with ParsePattern. The zero value selects nothing.
type Patterns []string

// maxPattern bounds one pattern, in bytes. The longest names there are to match,
// DNs, stay well below it.
const maxPattern = 1000

// ParsePattern reads one pattern and ignores outer blanks. It fails if there is
// none, if a set is not closed or its range goes backwards, and on text that no
// name can hold. Its errors say what the pattern must be.
func ParsePattern(s string) (string, error) {
	s = strings.TrimSpace(s)
	glob, excludes := strings.CutPrefix(s, "!")
	glob = strings.TrimSpace(glob)
	switch {
	case s == "":
		return "", errors.New("must not be empty")
	case glob == "":
		return "", errors.New(`must not be "!" alone`)
	case len(s) > maxPattern:
		return "", fmt.Errorf("must be at most %d bytes long", maxPattern)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, directory.IsControl):
		return "", errors.New("must not contain control characters or invalid UTF-8")
	}
	glob = comparable(glob)
	for rest := glob; rest != ""; {
		if rest[0] != '[' {
			rest = rest[1:]
			continue
		}
		_, size, err := matchSet(rest, 0)
		if err != nil {
			return "", err
		}
		rest = rest[size:]
	}
	if excludes {
		return "!" + glob, nil
	}
	return glob, nil
}

// Match reports whether p selects something with these names: a pattern,
// excluding or not, counts if it matches any of them. Empty names are ignored;
// something without a name is not selected.
func (p Patterns) Match(names ...string) bool {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
	if len(p) == 0 || len(names) == 0 {
		return false
	}
	for i, name := range names {
		names[i] = comparable(name)
	}
	return p.matchBy(func(glob string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return matchGlob(glob, name) })
	})
}

// includes is Match for a scope: without patterns, everything is in it.
func (p Patterns) includes(names ...string) bool { return len(p) == 0 || p.Match(names...) }

// comparable returns a name, or a pattern, in the form in which names are
// compared: an address in that of addresses, so that an internationalized domain
// may be written either way.
func comparable(text string) string {
	if strings.Contains(text, "@") {
		return directory.FoldAddress(text)
	}
	return norm.NFC.String(text)
}

// matchBy reports whether p selects something; matches says whether a glob
// matches it. Without patterns, everything is selected.
func (p Patterns) matchBy(matches func(glob string) bool) bool {
	selected, exclusionsOnly := false, true
	for _, pattern := range p {
		glob, excludes := strings.CutPrefix(pattern, "!")
		matched := matches(glob)
		if excludes && matched {
			return false
		}
		exclusionsOnly = exclusionsOnly && excludes
		selected = selected || matched
	}
	return selected || exclusionsOnly
}

// matchGlob reports whether a valid glob matches all of name. The text between
// two stars is matched as far left as possible, so only the last star is ever
// tried again: time is at most len(glob) × len(name).
func matchGlob(glob, name string) bool {
	g, n := 0, 0
	star, retry := -1, 0 // after the last star, and where in name to try again
	for n < len(name) {
		if g < len(glob) && glob[g] == '*' {
			g++
			star, retry = g, n
			continue
		}
		r, size := utf8.DecodeRuneInString(name[n:])
		if used := matchOne(glob[g:], r); used > 0 {
			g, n = g+used, n+size
			continue
		}
		if star < 0 {
			return false
		}
		_, size = utf8.DecodeRuneInString(name[retry:])
		retry += size
		g, n = star, retry
	}
	return strings.Trim(glob[g:], "*") == ""
}

// matchOne returns how many bytes of glob match the one character r: 0 if they
// do not, or if there are none.
func matchOne(glob string, r rune) int {
	if glob == "" {
		return 0
	}
	switch glob[0] {
	case '?':
		return 1
	case '[':
		if matches, size, err := matchSet(glob, r); err == nil && matches {
			return size
		}
		return 0
	}
	if literal, size := utf8.DecodeRuneInString(glob); directory.FoldRune(literal) == directory.FoldRune(r) {
		return size
	}
	return 0
}

// matchSet reports whether r is in the set that glob begins with, and how many
// bytes the set takes. A "]" that comes first and a "-" at either end stand for
// themselves.
func matchSet(glob string, r rune) (matches bool, size int, err error) {
	i := 1
	negated := i < len(glob) && (glob[i] == '!' || glob[i] == '^')
	if negated {
		i++
	}
	for first := i; ; {
		if i >= len(glob) {
			return false, 0, errors.New("must close every [ with a ]")
		}
		if glob[i] == ']' && i > first {
			return matches != negated, i + 1, nil
		}
		low, width := utf8.DecodeRuneInString(glob[i:])
		i += width
		high := low
		if i+1 < len(glob) && glob[i] == '-' && glob[i+1] != ']' {
			high, width = utf8.DecodeRuneInString(glob[i+1:])
			i += 1 + width
		}
		if high < low {
			return false, 0, fmt.Errorf("must not have a range that goes backwards (%c-%c)", low, high)
		}
		matches = matches || inRange(r, low, high)
	}
}

// inRange reports whether r lies between low and high in any case.
func inRange(r, low, high rune) bool {
	in := func(r rune) bool { return low <= r && r <= high }
	upper := unicode.ToUpper(r)
	return in(r) || in(directory.FoldRune(r)) || in(upper) && (upper < utf8.RuneSelf) == (r < utf8.RuneSelf)
}
