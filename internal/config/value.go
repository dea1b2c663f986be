package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/xc"
)

// value is how one kind of setting is read and described. Errors of set say what
// the value must be; some have a hint, too.
type value struct {
	set    func(*Config, string) error // of a list: one entry
	form   string                      // what help shows for the value; empty for true or false
	types  []string                    // of JSON, as a policy file may give it
	limits map[string]any              // of JSON Schema, besides the types
	isList bool
}

// isBool reports whether the flag needs no value.
func (v value) isBool() bool { return v.form == "" }

// choices returns the words that the value may be; nil if it is not a choice.
func (v value) choices() []string {
	if v.limits["enum"] == nil {
		return nil
	}
	return strings.Split(v.form, "|")
}

// parsed is a value that read parses from one string.
func parsed[T any](form string, read func(string) (T, error), store func(*Config, T)) value {
	return value{form: form, types: []string{"string"}, set: func(c *Config, text string) error {
		read, err := read(text)
		if err == nil {
			store(c, read)
		}
		return err
	}}
}

func text(form string, store func(*Config, string)) value { return parsed(form, oneLine, store) }

func file(store func(*Config, string)) value { return text("FILE", store) }

// list turns a value into a list of such values.
func list(v value) value {
	v.isList = true
	return v
}

// csvPath reads a path or a glob.
func csvPath(text string) (string, error) {
	if strings.Contains(text, "**") {
		return "", errors.New("must not contain **: * matches within one directory only")
	}
	return oneLine(text)
}

func oneLine(text string) (string, error) {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return "", errors.New("must not contain line breaks or other control characters")
	}
	return text, nil
}

// verbatim accepts any text: a secret may contain anything.
func verbatim(form string, store func(*Config, string)) value {
	return parsed(form, func(text string) (string, error) { return text, nil }, store)
}

// apiToken accepts a token as the console shows it.
func apiToken(text string) (string, error) {
	if words := strings.Fields(text); strings.EqualFold(words[0], "APIToken") {
		return "", errors.New("must be the token alone, without the word APIToken")
	}
	return oneLine(text)
}

func boolean(store func(*Config, bool)) value {
	v := parsed("", parseBool, store)
	v.types = []string{"boolean"}
	return v
}

func parseBool(word string) (bool, error) {
	switch strings.ToLower(word) {
	case "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off":
		return false, nil
	}
	return false, errors.New("must be true or false")
}

// choice is one of several words, in any case.
func choice[T ~string](store func(*Config, T), choices ...T) value {
	words := make([]string, len(choices))
	for i, word := range choices {
		words[i] = string(word)
	}
	v := parsed(strings.Join(words, "|"), func(text string) (T, error) {
		for _, word := range choices {
			if strings.EqualFold(text, string(word)) {
				return word, nil
			}
		}
		last := len(words) - 1
		return "", fmt.Errorf("must be %s or %s", strings.Join(words[:last], ", "), words[last])
	}, store)
	v.limits = map[string]any{"enum": words}
	return v
}

func tristate(store func(*Config, Tristate)) value {
	v := choice(store, Auto, Yes, No)
	v.types = []string{"boolean", "string"}
	v.limits = map[string]any{"enum": []any{"auto", true, false}}
	return v
}

// whole is a whole number from low to high; math.MaxInt32 means no upper limit.
func whole(low, high int, store func(*Config, int)) value {
	return bounded("integer", "a whole number", strconv.Atoi, low, high, math.MaxInt32, store)
}

// number is a decimal number from 0 to high; infinity means no upper limit.
func number(high float64, store func(*Config, float64)) value {
	return bounded("number", "a number", decimal, 0, high, math.Inf(1), store)
}

func bounded[T int | float64](kind, what string, read func(string) (T, error), low, high, open T, store func(*Config, T)) value {
	limits, wrong := map[string]any{"minimum": low}, fmt.Errorf("must be %s, %v or more", what, low)
	if high != open {
		limits["maximum"] = high
		wrong = fmt.Errorf("must be %s from %v to %v", what, low, high)
	}
	v := parsed("N", func(text string) (T, error) {
		n, err := read(text)
		if err != nil || n < low || n > high {
			return 0, wrong
		}
		return n, nil
	}, store)
	v.types, v.limits = []string{kind}, limits
	return v
}

var decimalForm = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

func decimal(text string) (float64, error) {
	if !decimalForm.MatchString(text) {
		return 0, errors.New("not a decimal number")
	}
	return strconv.ParseFloat(text, 64) // out of range is an error
}

// longest bounds every duration: beyond a day something else is meant.
const longest = 24 * time.Hour

// seconds is a decimal number of seconds, 0 or more, or a Go duration.
func seconds(store func(*Config, time.Duration)) value {
	return duration("minimum", readSeconds, store)
}

// positiveSeconds is seconds without 0.
func positiveSeconds(store func(*Config, time.Duration)) value {
	return duration("exclusiveMinimum", func(text string) (time.Duration, error) {
		d, err := readSeconds(text)
		if err == nil && d == 0 {
			err = errors.New("must be more than 0 seconds")
		}
		return d, err
	}, store)
}

// duration is a value of seconds with a lower limit of 0, in the words of JSON Schema.
func duration(limit string, read func(string) (time.Duration, error), store func(*Config, time.Duration)) value {
	v := parsed("SECONDS", read, store)
	v.types = []string{"number", "string"}
	v.limits = map[string]any{limit: 0, "maximum": longest.Seconds(), "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$`}
	return v
}

func readSeconds(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if n, notSeconds := decimal(text); notSeconds == nil {
		d, err = time.Duration(math.Round(min(max(n, -1), 2*longest.Seconds())*float64(time.Second))), nil
	}
	if err != nil || d < 0 || d > longest {
		return 0, errors.New("must be seconds (0.5) or a duration (500ms), at most 24h")
	}
	return d, nil
}

func limit(store func(*Config, plan.Limit)) value {
	v := parsed("N|N%|none", plan.ParseLimit, store)
	v.types = []string{"integer", "string"}
	v.limits = map[string]any{"minimum": 0, "pattern": `^([0-9]+|[0-9]+(\.[0-9]+)?%|none)$`}
	return v
}

// patterns is a list of plan.Patterns.
func patterns(at func(*Config) *plan.Patterns) value {
	return list(parsed("PATTERN", plan.ParsePattern, func(c *Config, pattern string) { *at(c) = append(*at(c), pattern) }))
}

var tenantForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// tenantName reads what becomes part of the host that the credentials are sent to.
func tenantName(text string) (string, error) {
	if tenantForm.MatchString(text) {
		return strings.ToLower(text), nil
	}
	wrong := errors.New("must be the tenant's name: letters, digits and -, as in https://NAME" + xc.ConsoleSuffix)
	_, host, _ := strings.Cut(text, "//")
	if host == "" {
		host = text
	}
	host, _, _ = strings.Cut(host, "/")
	if name, ok := strings.CutSuffix(strings.ToLower(host), xc.ConsoleSuffix); ok && tenantForm.MatchString(name) {
		return "", retry.WithHint(wrong, "give the name alone: "+name)
	}
	if strings.Contains(text, "//") {
		return "", retry.WithHint(wrong, "use api-url for a URL other than https://NAME"+xc.ConsoleSuffix)
	}
	return "", wrong
}

// apiURL reads the base URL, without a trailing slash or /api.
func apiURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return "", errors.New("must be a URL such as https://NAME" + xc.ConsoleSuffix)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("must be a URL without login, query or fragment")
	case u.Scheme == "http" && !IsLoopback(u.Hostname()):
		return "", errors.New("must be an https URL: plain http would expose the credentials (it is allowed for loopback addresses only)")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("must be an https URL")
	}
	return strings.TrimRight(strings.TrimSuffix(strings.TrimRight(u.Scheme+"://"+u.Host+u.EscapedPath(), "/"), "/api"), "/"), nil
}

// IsLoopback reports whether a host is this machine, reached without a network.
func IsLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// tenantOf returns the name of the tenant of an API that is given by URL alone:
// the managed tenant in its path, or the tenant in its host, or else the host
// itself.
func tenantOf(base string) string {
	u, _ := url.Parse(base) // apiURL parsed it
	if _, managed, ok := strings.Cut(strings.ToLower(u.Path), "/managed_tenant/"); ok && tenantForm.MatchString(managed) {
		return managed
	}
	if name, ok := strings.CutSuffix(strings.ToLower(u.Hostname()), xc.ConsoleSuffix); ok {
		return name
	}
	return strings.ToLower(u.Host)
}

// hostPort matches a proxy's address without a scheme or login.
var hostPort = regexp.MustCompile(`^[A-Za-z0-9.-]{1,253}:[0-9]{1,5}$`)

func proxyURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
		err := errors.New("must be a URL such as http://proxy.example.com:3128")
		if hostPort.MatchString(text) {
			return "", retry.WithHint(err, "add the scheme: http://"+text)
		}
		return "", err
	}
	return text, nil
}

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func planDigest(text string) (string, error) {
	text = strings.TrimSpace(text)
	if !digestForm.MatchString(text) && text != PullRequest {
		return "", errors.New(`must be a plan digest (sha256:<64 hex digits>, printed by a dry run) or "pull-request"`)
	}
	return text, nil
}
