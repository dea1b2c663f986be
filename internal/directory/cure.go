package directory

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// cure says how a text that is no DN becomes one, for the mistakes that people
// make: a name alone, and what must be escaped in a name. It is empty for all
// others.
func cure(text string) string {
	parts, wrong := splitDN(text)
	if !strings.Contains(text, "=") {
		if len(parts) == 1 {
			return "write it as " + dnOf(text)
		}
		return fmt.Sprintf("write each name as CN=…, with %s for %s within it", escaped(parts[1].separator), named(parts[1].separator))
	}
	if wrong != 0 {
		return fmt.Sprintf("write %s for %s within a name", escaped(wrong), named(wrong))
	}
	for i, part := range parts {
		switch {
		case strings.Contains(part.text, "="):
		case strings.TrimSpace(part.text) == "":
			return "a part of it is empty"
		case i == 0:
			return "it begins with a name alone: write that as " + dnOf(strings.TrimSpace(part.text))
		default:
			return fmt.Sprintf("write %s for %s within a name", escaped(part.separator), named(part.separator))
		}
	}
	return ""
}

// dnOf is the DN of a name that may hold escapes already.
func dnOf(name string) string {
	if dn := "CN=" + name; valid(dn) {
		return dn
	}
	return "CN=" + ldap.EscapeDN(name)
}

func valid(dn string) bool {
	_, err := ldap.ParseDN(dn)
	return err == nil
}

// dnPart is a piece of a DN between two separators.
type dnPart struct {
	separator byte // in front of it; 0 at the beginning
	text      string
}

// splitDN cuts a text where a DN has its separators, and finds the first
// character that a name must escape and that no separator is; 0 if there is none.
func splitDN(text string) (parts []dnPart, wrong byte) {
	part, start := dnPart{}, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\\':
			n := escapeLength(text[i+1:])
			if n == 0 && wrong == 0 {
				wrong = c
			}
			i += n
		case '"', '<', '>':
			if wrong == 0 {
				wrong = c
			}
		case ',', ';', '+':
			part.text = text[start:i]
			parts = append(parts, part)
			part, start = dnPart{separator: c}, i+1
		}
	}
	part.text = text[start:]
	return append(parts, part), wrong
}

// escapeLength is how many bytes behind a backslash it escapes; 0 if it cannot.
func escapeLength(s string) int {
	if s != "" && strings.IndexByte(` "#+,;<=>\`, s[0]) >= 0 {
		return 1
	}
	if len(s) >= 2 {
		if _, err := hex.DecodeString(s[:2]); err == nil {
			return 2
		}
	}
	return 0
}

func escaped(c byte) string { return `\` + string(c) }

// named is a character as a sentence names it.
func named(c byte) string {
	switch c {
	case ',':
		return "a comma"
	case ';':
		return "a semicolon"
	}
	return "a " + string(c)
}
