package directory

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// DN is an LDAP distinguished name that names a group by its first CN. Make it
// with ParseDN.
type DN struct {
	text, key, cn string
	prepared      string // the first CN, in the form in which DNs are compared
	hasCN         bool
	onlyCN        bool // the DN is nothing but a CN
	name          GroupName
	mapped        bool // name was mapped to it, see Names
}

// String returns the DN as it was written, without outer blanks.
func (d DN) String() string { return d.text }

// Key returns a text that is equal for two spellings of one DN and differs for
// different DNs. DNs are compared as in RFC 4518: without case, in NFKC, runs
// of blanks as one, invisible characters dropped.
func (d DN) Key() string { return d.key }

// FoldDN returns a DN, or a pattern of DNs, in a form that is equal for all
// spellings of one DN: as DNs are compared, and without escapes. The form itself
// is not a DN.
func FoldDN(s string) string {
	s = prepare(s)
	var folded strings.Builder
	last, kind := 0, 0 // after the last sign, and where an attribute type begins; -1 within a value
	for _, match := range dnSign.FindAllStringIndex(s, -1) {
		folded.WriteString(s[last:match[0]])
		sign := strings.TrimSpace(s[match[0]:match[1]])
		last = match[1]
		switch {
		case sign[0] == '\\':
			folded.WriteString(unescape(s[match[0]+1 : match[1]]))
			continue
		case sign == "=" && kind >= 0:
			if name, known := attributeTypes[strings.TrimPrefix(folded.String()[kind:], "oid.")]; known {
				text := folded.String()[:kind]
				folded.Reset()
				folded.WriteString(text + name)
			}
			kind = -1
		case sign != "=":
			kind = folded.Len() + 1
		}
		folded.WriteString(sign)
	}
	folded.WriteString(s[last:])
	return prepare(folded.String())
}

// dnSign matches an escaped character, and what separates the parts of a DN.
var dnSign = regexp.MustCompile(`\\[0-9a-f]{2}|\\.|\s*[,+=]\s*`)

// unescape returns the character that is escaped by a backslash, literally or in
// hexadecimal.
func unescape(s string) string {
	if decoded, err := hex.DecodeString(s); err == nil {
		return string(decoded)
	}
	return s
}

// CN returns the first common name, unescaped, as it was written.
func (d DN) CN() string { return d.cn }

// GroupName returns the API name of the group that the DN names. It is the same
// for equal DNs.
func (d DN) GroupName() GroupName { return d.name }

// ParseDN reads an RFC 4514 name, outer blanks ignored. It returns an
// *InvalidError if s is not a DN, is several of them joined, contains a control
// character, or has no CN from which a group name can be formed.
func ParseDN(s string) (DN, error) {
	dn, err := ParseAnyDN(s)
	if err != nil {
		return DN{}, err
	}
	return dn.Named()
}

// Named returns the DN with the group name that its CN forms. It returns the DN as
// it is, and an *InvalidError of the kind UnusableCN, if the CN forms none.
func (d DN) Named() (DN, error) {
	fail := func(reason string) (DN, error) {
		shown := Quotable(d.text)
		hint := "give the group an API name, under names in the policy file"
		if shown == d.text {
			hint += fmt.Sprintf(", as in %q: NAME", shown)
		}
		return d, &InvalidError{Kind: UnusableCN, Value: shown, Reason: reason, Hint: hint}
	}
	switch {
	case !d.hasCN:
		return fail("it has no CN to name a group after")
	case d.prepared == "":
		return fail("its CN is empty")
	}
	name, err := NewGroupName(d.prepared)
	if err != nil {
		return fail(err.Error())
	}
	d.name = name
	return d, nil
}

// ParseAnyDN is ParseDN for a DN whose group is not named after its CN: its CN
// need not form a name, and its GroupName is empty.
func ParseAnyDN(s string) (DN, error) {
	text := trimDN(s)
	fail := func(kind Kind, reason, hint string) (DN, error) {
		return DN{}, &InvalidError{Kind: kind, Value: Quotable(text), Reason: reason, Hint: hint}
	}
	if text == "" {
		return fail(InvalidDN, "it is empty", "")
	}
	if reason := textFault(text); reason != "" {
		hint := ""
		if strings.ContainsAny(text, "\r\n\t") {
			hint = joinedHint
		}
		return fail(InvalidDN, reason, hint)
	}
	parsed, err := ldap.ParseDN(text)
	if err != nil {
		reason, hint := dnFault(text)
		return fail(InvalidDN, cmp.Or(reason, err.Error()), hint)
	}
	cn, first, hasCN := "", "", false
	var order dnOrder
	for _, rdn := range parsed.RDNs {
		for _, attribute := range rdn.Attributes {
			if reason := textFault(attribute.Value); reason != "" { // unescaped
				return fail(InvalidDN, reason, "")
			}
			kind, ok := attributeType(attribute.Type)
			if !ok {
				return fail(InvalidDN, fmt.Sprintf("%q is not an attribute type", Quotable(attribute.Type)), "")
			}
			value := prepare(attribute.Value)
			if !hasCN && kind == "cn" {
				cn, first, hasCN = attribute.Value, value, true
			}
			if kind == "dc" && !isLabel(value) && !strings.Contains(value, "=") {
				return fail(InvalidDN, fmt.Sprintf("DC %q is not a DNS label", Quotable(attribute.Value)), "")
			}
			order.add(kind, value)
			attribute.Type, attribute.Value = kind, value
		}
	}
	if order.joined || containsDN(text) {
		return fail(JoinedDNs, "it is several DNs in one", joinedHint)
	}
	return DN{text: text, key: parsed.String(), cn: cn, prepared: first, hasCN: hasCN, onlyCN: hasCN && len(parsed.RDNs) == 1 && len(parsed.RDNs[0].Attributes) == 1}, nil
}

const joinedHint = "separate DNs with | (in PowerShell: -join '|')"

// trimDN drops outer blanks, except for an escaped one at the end.
func trimDN(s string) string {
	text := strings.TrimSpace(s)
	slashes := len(text) - len(strings.TrimRight(text, `\`))
	if slashes%2 == 1 && strings.HasPrefix(strings.TrimLeftFunc(s, unicode.IsSpace)[len(text):], " ") {
		text += " "
	}
	return text
}

// textFault returns what a DN must not contain; empty if there is nothing.
func textFault(s string) string {
	if isPrintableASCII(s) {
		return ""
	}
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size <= 1 || IsControl(r) {
			return "contains " + describe(r, size)
		}
	}
	return ""
}

// prepare returns a value in the form in which LDAP compares it (RFC 4518,
// section 2). A value without anything to compare becomes empty.
func prepare(value string) string {
	for range maxPreparations {
		prepared := value
		if !isPrintableASCII(value) {
			prepared = strings.Map(func(r rune) rune {
				if IsIgnorable(r) {
					return -1
				}
				return r
			}, prepared)
			prepared = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(prepared)))
		} else {
			prepared = fold(prepared)
		}
		prepared = strings.Join(strings.Fields(prepared), " ")
		if prepared == value {
			break
		}
		value = prepared
	}
	return value
}

// maxPreparations is more than any text needs to become stable: a step can turn
// another character into an invisible one.
const maxPreparations = 5

// attributeTypes are the attribute types of RFC 4514, section 3, by other names.
var attributeTypes = map[string]string{
	"commonname": "cn", "2.5.4.3": "cn",
	"localityname": "l", "2.5.4.7": "l",
	"stateorprovincename": "st", "2.5.4.8": "st",
	"organizationname": "o", "2.5.4.10": "o",
	"organizationalunitname": "ou", "2.5.4.11": "ou",
	"countryname": "c", "2.5.4.6": "c",
	"streetaddress": "street", "2.5.4.9": "street",
	"domaincomponent": "dc", "0.9.2342.19200300.100.1.25": "dc",
	"userid": "uid", "0.9.2342.19200300.100.1.1": "uid",
}

// attributeKind matches an attribute type in lower case: letters, digits, hyphens and
// underscores after a letter, or an object identifier.
var attributeKind = regexp.MustCompile(`^([a-z][a-z0-9_-]*|[0-9][0-9.]*)$`)

// attributeType returns the canonical name of an attribute type, in lower case,
// and whether it is one.
func attributeType(s string) (string, bool) {
	kind := strings.TrimPrefix(prepare(s), "oid.")
	if name, known := attributeTypes[kind]; known {
		return name, true
	}
	return kind, attributeKind.MatchString(kind)
}

// label matches a label of a domain, in lower-case letters of any script.
var label = regexp.MustCompile(`^[\pL\pM\p{Nd}_]([\pL\pM\p{Nd}_-]*[\pL\pM\p{Nd}_])?$`)

// isLabel reports whether a prepared DC is a label of a domain.
func isLabel(dc string) bool {
	return utf8.RuneCountInString(dc) <= maxLabel && label.MatchString(dc)
}

// dnOrder detects several DNs by the order of attributes: within one DN, the
// components of the domain are all at one end.
type dnOrder struct {
	begun, domainFirst bool
	nameFirst, org     bool // a CN is the first part; an O or C came before
	domain, name       bool // a DC, and a CN or OU, came before
	joined             bool
}

func (o *dnOrder) add(kind, value string) {
	if !o.begun {
		o.begun, o.domainFirst, o.nameFirst = true, kind == "dc", kind == "cn"
	}
	switch kind {
	case "dc":
		o.joined = o.joined || o.domainFirst && o.name || strings.Contains(value, "=")
		o.domain = true
	case "o", "c":
		o.org = true
	case "cn", "ou":
		o.joined = o.joined || !o.domainFirst && o.domain || kind == "cn" && o.nameFirst && o.org
		o.name = true
	}
}

// embedded is the beginning of a DN within a value.
var embedded = regexp.MustCompile(`(?i)(?:cn|ou|dc)\s*=`)

// containsDN reports whether a value of the DN contains the beginning of another
// DN, as in "CN=a CN=b" or "CN=a,O=x~CN=b,O=x", or a semicolon comes before a CN.
// If the character in front is escaped, it is meant as text.
func containsDN(text string) bool {
	parts, _ := splitDN(text)
	for _, part := range parts {
		kind, value, _ := strings.Cut(part.text, "=")
		if name, _ := attributeType(kind); name == "cn" && part.separator == ';' {
			return true
		}
		if strings.Contains(value, "=") && beginsDN(value, true) || !isPrintableASCII(value) && beginsDN(prepare(value), false) {
			return true
		}
	}
	return false
}

// beginsDN reports whether a DN begins within a value, but not at its start.
func beginsDN(value string, escapes bool) bool {
	for _, match := range embedded.FindAllStringIndex(value, -1) {
		before := value[:match[0]]
		r, size := utf8.DecodeLastRuneInString(before)
		if size == 0 || unicode.IsLetter(r) || unicode.IsDigit(r) {
			continue
		}
		rest := before[:len(before)-size]
		if slashes := len(rest) - len(strings.TrimRight(rest, `\`)); escapes && (r == '\\' || slashes%2 == 1) {
			continue
		}
		return true
	}
	return false
}
