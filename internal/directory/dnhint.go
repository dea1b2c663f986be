package directory

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// dnFault returns why a text is not a DN and how to correct it, for common
// mistakes. Either is empty if the parser's own message is the best. A hint never
// turns a text that names no group into one.
func dnFault(text string) (reason, hint string) {
	parts, wrong := splitDN(text)
	if !strings.Contains(text, "=") {
		return "expected a DN such as CN=…,DC=…", bareHint(text, parts)
	}
	if wrong != 0 {
		return fmt.Sprintf("%q is not escaped", string(wrong)), fmt.Sprintf("within a name write %s", escaped(wrong))
	}
	for i, part := range parts {
		switch {
		case strings.Contains(part.text, "="):
		case strings.TrimSpace(part.text) == "":
			return "a part is empty", ""
		case i == 0:
			return "it begins with a bare name", "write that as " + dnOf(strings.TrimSpace(part.text))
		default:
			return fmt.Sprintf("%q is not escaped", string(part.separator)), fmt.Sprintf("within a name write %s", escaped(part.separator))
		}
	}
	return "", ""
}

// bareHint returns the hint for a text without a "=".
func bareHint(text string, parts []dnPart) string {
	if hint := placeholderHint(text, "the group's DN"); hint != "" {
		return hint
	}
	switch {
	case len(text) > maxHinted:
		return ""
	case canonicalName.MatchString(text):
		return "this is a canonicalName: export distinguishedName, or memberOf of the users"
	case accountName.MatchString(text):
		return `this is DOMAIN\name: export distinguishedName, or memberOf of the users`
	case objectID.MatchString(text):
		return "this is an object ID: export the group's DN"
	case len(parts) > 1:
		return fmt.Sprintf("write each group as CN=…, with | between them, and %s within a name", escaped(parts[1].separator))
	}
	return "if this is the name of a group, write it as " + dnOf(text)
}

// maxHinted is the longest text for which a hint is sought, in bytes.
const maxHinted = 1 << 10

var (
	canonicalName = regexp.MustCompile(`^[\pL\pN_-]+(\.[\pL\pN_-]+)+(/[^/]+)+$`)
	accountName   = regexp.MustCompile(`^[A-Z][A-Z0-9.-]+\\[^\\]+$`)
	objectID      = regexp.MustCompile(`^(?i:\{?[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\}?|S-1-[0-9-]+)$`)
)

// placeholderHint recognizes what programs write in place of a value, and says to
// export the value; empty for any other text. Correcting or removing the text
// would say that the person is in no group.
func placeholderHint(text, wanted string) string {
	switch folded := fold(text); {
	case strings.HasSuffix(folded, "[]") || strings.HasSuffix(folded, "collection") || strings.HasPrefix(folded, "system.") || strings.HasPrefix(folded, "microsoft."):
		return fmt.Sprintf("%.100s is a type name, which PowerShell writes in place of a list: join the list with -join '|' before Export-Csv", text)
	case strings.HasPrefix(folded, "#") && (strings.HasSuffix(folded, "!") || strings.HasSuffix(folded, "?")) || folded == "#n/a":
		return fmt.Sprintf("%.100s is a spreadsheet error: export %s again", text, wanted)
	case isPlaceholder(strings.Trim(folded, `<>()[]{}'"`)):
		return fmt.Sprintf("%.100s stands for a missing value: export %s", text, wanted)
	}
	return ""
}

func isPlaceholder(folded string) bool {
	switch folded {
	case "null", `\n`, "n/a", "na", "n.a.", "none", "nil", "nan", "undefined", "unknown", "empty", "blank", "missing", "not set", "not found", "tbd", "true", "false":
		return true
	}
	return !strings.ContainsFunc(folded, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 0x80 })
}

// dnOf returns the DN of a name, which may already contain escapes.
func dnOf(name string) string {
	dn := "CN=" + name
	var invalid *InvalidError
	if _, err := ParseDN(dn); errors.As(err, &invalid) && invalid.Kind != UnusableCN {
		return "CN=" + ldap.EscapeDN(name)
	}
	return dn
}

// dnPart is a piece of a DN between two separators.
type dnPart struct {
	separator byte // the separator before it; 0 at the beginning
	text      string
}

// splitDN cuts a text at the separators of DNs, and returns the first character
// that a name must escape and that is not a separator; 0 if there is none.
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

// escapeLength returns how many bytes a backslash escapes; 0 if the escape is
// invalid.
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
