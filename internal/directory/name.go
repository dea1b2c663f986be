package directory

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

// Email is a person's address in the one spelling that is compared and sent:
// lower case. Make it with ParseEmail or ObservedEmail; the zero value is nobody.
type Email string

// ParseEmail returns the normalised form of s, outer blanks ignored.
// It fails unless s has exactly one "@" with something on both sides, and no
// blank, control character or any of <>()[],;:\" in it.
func ParseEmail(s string) (Email, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", errors.New("the e-mail is missing")
	}
	local, domain, found := strings.Cut(s, "@")
	if !found || local == "" || domain == "" || strings.Contains(domain, "@") {
		return "", fmt.Errorf("%q is no e-mail: it needs one @ with a name before it and a domain after it", s)
	}
	for _, r := range s {
		if !isEmailRune(r) {
			return "", fmt.Errorf("%q is no e-mail: it holds %q", s, r)
		}
	}
	return Email(fold(s)), nil
}

// ObservedEmail returns the address of a user of the tenant in the spelling that
// is compared. It need not be a valid one.
func ObservedEmail(address string) Email { return Email(fold(strings.TrimSpace(address))) }

func isEmailRune(r rune) bool {
	return r != utf8.RuneError && !unicode.IsSpace(r) && !IsControl(r) && !strings.ContainsRune(`<>()[],;:\"`, r)
}

// Local is the part before the "@".
func (e Email) Local() string {
	local, _, _ := strings.Cut(string(e), "@")
	return local
}

// Username is the name by which groups list a user, in the tenant's spelling. It
// need not be the email. Two usernames with the same Key are one user; the zero
// value is nobody.
type Username string

// NewUsername returns the username of a user whom the tenant holds by a name and
// an address: the API's default for a missing name is the address. It fails if
// both are empty.
func NewUsername(name, address string) (Username, error) {
	if name == "" && address == "" {
		return "", errors.New("a user without name and email")
	}
	return Username(cmp.Or(name, address)), nil
}

// Key returns the form in which usernames are compared: without case.
func (u Username) Key() string { return fold(string(u)) }

// fold lower-cases s for comparison. A letter beyond ASCII is never folded to
// an ASCII one (the Kelvin sign to k, say): two addresses that look alike must
// not become one person.
func fold(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return strings.Map(foldRune, s)
		}
	}
	return s
}

func foldRune(r rune) rune {
	lower := unicode.ToLower(r)
	if r >= utf8.RuneSelf && lower < utf8.RuneSelf {
		return r
	}
	return lower
}

// IsControl tells whether r can change how a text is read without being seen
// in it: control characters, line and paragraph separators, and the marks that
// turn the direction of writing.
func IsControl(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// DN is an LDAP distinguished name that names a group by its first CN.
type DN struct {
	text, key, cn string
	name          GroupName
}

// ParseDN reads an RFC 4514 name, outer blanks ignored. It fails where the
// text is no DN, holds a control character, or has no CN from which a group
// name can be formed.
func ParseDN(s string) (DN, error) {
	text := trimDN(s)
	if text == "" {
		return DN{}, errors.New("the DN is empty")
	}
	if !isText(text) {
		return DN{}, notText(text)
	}
	parsed, err := ldap.ParseDN(text)
	if err != nil {
		return DN{}, fmt.Errorf("%q is no DN: %s", text, cmp.Or(cure(text), err.Error()))
	}
	cn, hasCN := "", false
	for _, rdn := range parsed.RDNs {
		for _, attribute := range rdn.Attributes {
			if !isText(attribute.Type) || !isText(attribute.Value) { // unescaped
				return DN{}, notText(text)
			}
			if !hasCN && strings.EqualFold(attribute.Type, "CN") {
				cn, hasCN = attribute.Value, true
			}
			attribute.Value = fold(attribute.Value)
		}
	}
	if !hasCN {
		return DN{}, fmt.Errorf("the DN %q has no CN to name a group by", text)
	}
	name, err := NewGroupName(cn)
	if err != nil {
		return DN{}, fmt.Errorf("the DN %q: %w", text, err)
	}
	return DN{text: text, key: parsed.String(), cn: cn, name: name}, nil
}

// trimDN drops outer blanks, but for one at the end that is escaped.
func trimDN(s string) string {
	text := strings.TrimSpace(s)
	slashes := len(text) - len(strings.TrimRight(text, `\`))
	if slashes%2 == 1 && strings.HasPrefix(strings.TrimLeftFunc(s, unicode.IsSpace)[len(text):], " ") {
		text += " "
	}
	return text
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, IsControl) }

func notText(dn string) error {
	return fmt.Errorf("the DN %q holds a control character or is not UTF-8", dn)
}

// String is the DN as it was written.
func (d DN) String() string { return d.text }

// Key is equal for two spellings of one DN (case, blanks, escapes) and differs
// for different DNs.
func (d DN) Key() string { return d.key }

// CN is the first common name, unescaped, as it stands.
func (d DN) CN() string { return d.cn }

// GroupName is the API name of the group that the DN names.
func (d DN) GroupName() GroupName { return d.name }

// GroupName is the name of a group in the API, in DNS-1035 form where this
// program formed it.
type GroupName string

// groupNameMax is the longest label that DNS-1035 allows, in bytes.
const groupNameMax = 63

// NewGroupName forms the API name of a group from its common name: lower case,
// runs of other characters become one "-", at most 63 characters, no "-" at an
// end. It fails where nothing is left or a digit would come first.
func NewGroupName(cn string) (GroupName, error) {
	name := make([]byte, 0, min(len(cn), groupNameMax+1))
	for i := 0; i < len(cn) && len(name) <= groupNameMax; i++ {
		switch c := cn[i]; {
		case 'A' <= c && c <= 'Z':
			name = append(name, c+'a'-'A')
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			name = append(name, c)
		case len(name) > 0 && name[len(name)-1] != '-':
			name = append(name, '-')
		}
	}
	name = name[:min(len(name), groupNameMax)]
	if n := len(name); n > 0 && name[n-1] == '-' {
		name = name[:n-1]
	}
	switch {
	case len(name) == 0:
		return "", fmt.Errorf("no group name can be formed from the CN %q: it has no letter from a to z", cn)
	case name[0] <= '9':
		return "", fmt.Errorf("no group name can be formed from the CN %q: it would begin with a digit", cn)
	}
	return GroupName(name), nil
}

// PersonName is what a new user is called. Neither part is empty.
type PersonName struct {
	First string `json:"first"`
	Last  string `json:"last"`
}

// NewPersonName splits a display name at its last blank; where it is blank the
// local part of the e-mail serves. A single word becomes both parts, since the
// API wants both.
func NewPersonName(display string, email Email) PersonName {
	words := strings.Fields(CleanText(display))
	if len(words) == 0 {
		words = strings.FieldsFunc(email.Local(), func(r rune) bool { return strings.ContainsRune("._-+", r) })
	}
	if len(words) == 0 {
		words = []string{email.Local()}
	}
	last := len(words) - 1
	return PersonName{First: strings.Join(words[:max(last, 1)], " "), Last: words[last]}
}

// CleanText replaces each control character by a blank.
func CleanText(s string) string {
	if isPlain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// isPlain tells a text of printable ASCII, which nearly every text is.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
