package config

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// Secrets are the values that must never be shown, each in every form in which
// a log could come to hold it: as it is, without its line breaks, in base64,
// and escaped for a URL.
func (c *Config) Secrets() []string {
	var secrets []string
	add := func(value string) {
		if value != "" && !slices.Contains(secrets, value) {
			secrets = append(secrets, value)
		}
	}
	values := []string{c.APIToken, c.P12Base64, c.P12Password, c.GitHubToken}
	for _, proxy := range append([]string{c.Proxy}, c.Proxies...) {
		values = append(values, proxyLogin(proxy)...)
	}
	for _, value := range values {
		if value == "" {
			continue
		}
		add(value)
		add(lineBreaks.Replace(value))
		add(base64.StdEncoding.EncodeToString([]byte(value)))
		add(base64.URLEncoding.EncodeToString([]byte(value)))
		add(url.QueryEscape(value))
	}
	return secrets
}

var lineBreaks = strings.NewReplacer("\r", "", "\n", "")

// proxyLogin is what a proxy URL holds of secrets: the password, as it is and
// as it is written, and the login as a header carries it in base64.
func proxyLogin(proxy string) []string {
	u, err := url.Parse(proxy)
	if err != nil || u.User == nil {
		return nil
	}
	password, has := u.User.Password()
	if !has || password == "" {
		return nil
	}
	_, written, _ := strings.Cut(u.User.String(), ":")
	return []string{password, written, u.User.Username() + ":" + password}
}

func (c *Config) environmentProxies(getenv func(string) string) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		if proxy := getenv(name); proxy != "" {
			c.Proxies = append(c.Proxies, proxy)
		}
	}
}
