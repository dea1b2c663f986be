package config

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Secrets returns the values that must never be shown, good or bad, each in every
// form in which a log could contain it: as it is, in one line or line by line,
// quoted, escaped for a URL, in hexadecimal digits, and in base64, also as part
// of a longer text.
func (c *Config) Secrets() []string {
	var forms []string
	for _, value := range c.secrets {
		forms = append(forms, formsOf(value)...)
	}
	slices.Sort(forms)
	return slices.DeleteFunc(slices.Compact(forms), func(form string) bool { return form == "" })
}

func formsOf(value string) []string {
	forms := []string{value, lineBreaks.Replace(value)}
	if lines := strings.Fields(value); len(lines) > 1 && strings.Contains(value, "\n") {
		forms = append(forms, lines...)
	}
	for _, escaped := range []string{url.QueryEscape(value), url.PathEscape(value)} {
		forms = append(forms, escaped, escapes.ReplaceAllStringFunc(escaped, strings.ToLower))
	}
	digits := hex.EncodeToString([]byte(value))
	forms = append(forms, digits, strings.ToUpper(digits), strings.Trim(strconv.Quote(value), `"`))
	if quoted, err := json.Marshal(value); err == nil {
		forms = append(forms, strings.Trim(string(quoted), `"`))
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			forms = append(forms, base64Forms(encoding, before, value)...)
		}
	}
	return forms
}

var (
	lineBreaks = strings.NewReplacer("\r", "", "\n", "")
	escapes    = regexp.MustCompile("%[0-9A-F]{2}")
)

// shortestPart is how many characters of base64 are enough to recognize a secret.
const shortestPart = 6

// base64Forms returns the base64 of a value that follows so many bytes: at the
// end of a text, with and without padding, and within one. Characters that also
// depend on the bytes beside the value are left out.
func base64Forms(encoding *base64.Encoding, before int, value string) []string {
	text := encoding.EncodeToString(append(make([]byte, before), value...))
	text = text[(before*8+5)/6:]
	within, padding := text, (3-(before+len(value))%3)%3
	if padding > 0 && text != "" {
		within = text[:len(text)-1]
	}
	var forms []string
	for _, form := range []string{text + strings.Repeat("=", padding), text, within} {
		if len(form) >= shortestPart || before == 0 && form != within {
			forms = append(forms, form)
		}
	}
	return forms
}

// hide records the secrets in a setting's value.
func (c *Config) hide(s *setting, value string) {
	switch {
	case !s.secret:
	case s.secretIn != nil:
		c.secrets = append(c.secrets, s.secretIn(value)...)
	default:
		c.secrets = append(c.secrets, value)
	}
}

// hideProxies records the secrets in the environment's proxies.
func (c *Config) hideProxies(getenv func(string) string) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		c.secrets = append(c.secrets, proxyLogin(getenv(name))...)
	}
}

// proxyLogin returns the secrets in a proxy URL: the password, decoded and as
// written, the login that a header carries in base64, and the whole URL.
func proxyLogin(proxy string) []string {
	u, err := url.Parse(proxy)
	if err != nil || u.Host == "" {
		u, err = url.Parse("http://" + proxy) // as net/http reads it
	}
	if err != nil || u.User == nil {
		return nil
	}
	password, _ := u.User.Password()
	if password == "" {
		return []string{u.User.Username(), proxy} // a token, most likely
	}
	_, written, _ := strings.Cut(u.User.String(), ":")
	return []string{password, written, u.User.Username() + ":" + password, proxy}
}
