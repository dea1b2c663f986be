package directory

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Email identifies a person by address. Two spellings of one address are equal:
// it is in the form that FoldAddress returns. Make it with ParseEmail or
// ObservedEmail; the zero value is nobody.
type Email string

// MaxEmail is the longest address that mail can be sent to, in bytes
// (https://www.rfc-editor.org/errata/eid1690).
const MaxEmail = 254

// ParseEmail returns the person that s names, ignoring surrounding spaces. It
// returns an *InvalidError unless s is local@domain without an empty label in the
// domain, without blanks, control characters and any of <>()[],;:\", at most 254
// bytes long as it would be sent, and all its characters beyond ASCII are visible
// letters, marks or digits.
func ParseEmail(s string) (Email, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", &InvalidError{Kind: MissingEmail}
	}
	if reason, hint := emailFault(s); reason != "" {
		return "", &InvalidError{Kind: InvalidEmail, Value: Quotable(s), Reason: reason, Hint: hint}
	}
	return Email(FoldAddress(s)), nil
}

// ObservedEmail returns the person who has an address in the tenant. It need not
// be a valid one.
func ObservedEmail(address string) Email { return Email(FoldAddress(strings.TrimSpace(address))) }

// emailFault returns what is wrong with a trimmed address, and a hint if there is
// one; empty if it is valid.
func emailFault(s string) (reason, hint string) {
	local, domain, found := strings.Cut(s, "@")
	if !found {
		if i := strings.IndexFunc(s, func(r rune) bool { return norm.NFKC.String(string(r)) == "@" }); i >= 0 {
			return emailRunesFault(s[i:])
		}
		return "must have one @ between a name and a domain", placeholderHint(s, "the person's email")
	}
	if s[0] == '\'' {
		return "begins with '", "remove the ', which Excel puts before text"
	}
	if reason, hint = emailRunesFault(s); reason != "" {
		return reason, hint
	}
	sent := s
	if !isPrintableASCII(s) {
		sent = AddressAsSent(s)
		if reason, hint = emailRunesFault(sent); reason != "" {
			return reason, hint // normalization composed a sign and a mark into one sign
		}
	}
	switch {
	case local == "" || domain == "":
		return "must have one @ between a name and a domain", ""
	case strings.Contains(domain, "@"):
		return "contains more than one @", "write one email in each row"
	case strings.HasPrefix(domain, "."), strings.HasSuffix(domain, "."), strings.Contains(domain, ".."):
		return "the domain has an empty label", "look for an extra dot"
	case len(sent) > MaxEmail:
		return "longer than 254 bytes", ""
	}
	return "", ""
}

func emailRunesFault(s string) (reason, hint string) {
	for i, r := range s {
		if !isEmailRune(r) {
			_, size := utf8.DecodeRuneInString(s[i:])
			return "contains " + describe(r, size), emailRuneHint(r)
		}
	}
	return "", ""
}

func isEmailRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r < 0x7f && !strings.ContainsRune(`<>()[],;:\"`, r)
	}
	return r != utf8.RuneError && unicode.In(r, unicode.L, unicode.M, unicode.Nd) && !IsIgnorable(r) && !IsControl(r)
}

func emailRuneHint(r rune) string {
	switch {
	case r == ';' || r == ',':
		return "write one email in each row"
	case r == '<' || r == '>':
		return "export the address without the name"
	case r >= utf8.RuneSelf:
		return "retype the address instead of copying it"
	}
	return ""
}

// Local returns the part before the "@".
func (e Email) Local() string {
	local, _, _ := strings.Cut(string(e), "@")
	return local
}

// FoldAddress returns an address in the form in which addresses are compared:
// lower case, NFC, the labels of an internationalized domain in Unicode. It
// takes any text, valid or not, so that addresses and usernames of the tenant,
// and patterns of them, compare with those of a CSV.
func FoldAddress(s string) string {
	if isPrintableASCII(s) {
		return decodeDomain(fold(s))
	}
	return decodeDomain(norm.NFC.String(strings.Map(foldAddressRune, norm.NFC.String(s))))
}

// foldAddressRune also folds the final sigma, whose capital is the same as the
// other sigma's.
func foldAddressRune(r rune) rune {
	if r = FoldRune(r); r == 'ς' {
		return 'σ'
	}
	return r
}

// maxLabel is the longest label of a domain, in bytes (RFC 1035, 2.3.4).
const maxLabel = 63

// decodeDomain writes the labels of a folded address's domain that are in
// Punycode in Unicode. A label that is invalid, or that would look different,
// stays.
func decodeDomain(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at < 0 || !strings.Contains(s[at:], "xn--") {
		return s
	}
	labels := strings.Split(s[at+1:], ".")
	for i, label := range labels {
		if !strings.HasPrefix(label, "xn--") || len(label) > maxLabel {
			continue
		}
		decoded, err := idna.Lookup.ToUnicode(label)
		if err != nil || strings.ContainsFunc(decoded, func(r rune) bool { return !isEmailRune(r) || r == '@' || r == '.' }) {
			continue
		}
		if encoded, err := idna.Lookup.ToASCII(decoded); err == nil && encoded == label {
			labels[i] = norm.NFC.String(strings.Map(foldAddressRune, decoded))
		}
	}
	return s[:at+1] + strings.Join(labels, ".")
}

// AddressAsSent returns an address as it is sent to the API: without outer
// blanks, in lower case and NFC. Unlike FoldAddress it keeps the spelling of
// the domain, which an identity provider may compare byte by byte.
func AddressAsSent(s string) string {
	s = strings.TrimSpace(s)
	if isPrintableASCII(s) {
		return fold(s)
	}
	return norm.NFC.String(fold(norm.NFC.String(s)))
}

// Skeleton returns a form that is equal for addresses that look the same to a
// reader: NFKC, without case, without marks. Different people can have the same
// skeleton, so it does not identify anybody.
func (e Email) Skeleton() string {
	if isPrintableASCII(string(e)) {
		return string(e)
	}
	s := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.M, r) || IsIgnorable(r) {
			return -1
		}
		// Through the capital, which more variants of a letter share.
		return unicode.ToLower(unicode.ToUpper(r))
	}, norm.NFKD.String(string(e)))
	return norm.NFKC.String(strings.ReplaceAll(s, "ß", "ss"))
}
