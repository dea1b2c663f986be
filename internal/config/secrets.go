package config

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// Secrets are the values that must never be shown, good or bad, each in every
// form in which a log could come to hold it: as it is, without its line breaks,
// in base64, and escaped for a URL.
func (c *Config) Secrets() []string {
	var forms []string
	for _, value := range c.secrets {
		for _, form := range []string{
			value, lineBreaks.Replace(value), url.QueryEscape(value),
			base64.StdEncoding.EncodeToString([]byte(value)), base64.URLEncoding.EncodeToString([]byte(value)),
		} {
			if form != "" && !slices.Contains(forms, form) {
				forms = append(forms, form)
			}
		}
	}
	return forms
}

var lineBreaks = strings.NewReplacer("\r", "", "\n", "")

// hide notes what is secret in a setting's value.
func (c *Config) hide(s *setting, value string) {
	switch {
	case !s.secret:
	case s.secretIn != nil:
		c.secrets = append(c.secrets, s.secretIn(value)...)
	default:
		c.secrets = append(c.secrets, value)
	}
}

// hideProxies notes what is secret in the environment's proxies.
func (c *Config) hideProxies(getenv func(string) string) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		c.secrets = append(c.secrets, proxyLogin(getenv(name))...)
	}
}

// proxyLogin is what a proxy URL holds of secrets: the password, as it is and
// as it is written, the login as a header carries it in base64, and the URL
// with it.
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
