package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"xc-group-sync/internal/retry"
)

const consoleSuffix = ".console.ves.volterra.io"

// Setters: each reads one value into its place of the Config.

// into makes a setter of what reads the value.
func into[T any](at func(*Config) *T, read func(string) (T, error)) func(*Config, string) error {
	return func(c *Config, value string) error {
		read, err := read(value)
		if err == nil {
			*at(c) = read
		}
		return err
	}
}

func text(at func(*Config) *string) func(*Config, string) error { return into(at, oneLine) }

func oneLine(value string) (string, error) {
	if strings.ContainsFunc(value, unicode.IsControl) {
		return "", errors.New("it holds a line break or another control character")
	}
	return value, nil
}

// verbatim takes secrets, which may hold anything.
func verbatim(at func(*Config) *string) func(*Config, string) error {
	return into(at, func(value string) (string, error) { return value, nil })
}

// apiToken takes the token as the console shows it.
func apiToken(value string) (string, error) {
	if words := strings.Fields(value); strings.EqualFold(words[0], "APIToken") {
		return "", errors.New("give the token alone, without the word APIToken")
	}
	return oneLine(value)
}

func boolean(at func(*Config) *bool) func(*Config, string) error { return into(at, parseBool) }

func parseBool(word string) (bool, error) {
	switch strings.ToLower(word) {
	case "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off":
		return false, nil
	}
	return false, errors.New("wanted is true or false")
}

func choice[T ~string](at func(*Config) *T, choices ...T) func(*Config, string) error {
	return into(at, func(value string) (T, error) { return oneOf(value, choices...) })
}

// oneOf is the choice that the value means, in any case of letters.
func oneOf[T ~string](value string, choices ...T) (T, error) {
	names := make([]string, len(choices))
	for i, choice := range choices {
		if strings.EqualFold(value, string(choice)) {
			return choice, nil
		}
		names[i] = string(choice)
	}
	return "", fmt.Errorf("wanted is %s", strings.Join(names, ", "))
}

func whole(at func(*Config) *int, low, high int) func(*Config, string) error {
	return func(c *Config, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < low || n > high {
			if high == math.MaxInt32 {
				return fmt.Errorf("wanted is a whole number, %d or more", low)
			}
			return fmt.Errorf("wanted is a whole number from %d to %d", low, high)
		}
		*at(c) = n
		return nil
	}
}

// number takes a decimal number from 0 to high.
func number(at func(*Config) *float64, high float64) func(*Config, string) error {
	return func(c *Config, value string) error {
		n, err := decimal(value)
		if err != nil || n < 0 || n > high {
			if math.IsInf(high, 1) {
				return errors.New("wanted is a number, 0 or more")
			}
			return fmt.Errorf("wanted is a number from 0 to %v", high)
		}
		*at(c) = n
		return nil
	}
}

var decimalForm = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

func decimal(value string) (float64, error) {
	if !decimalForm.MatchString(value) {
		return 0, errors.New("no decimal number")
	}
	return strconv.ParseFloat(value, 64) // out of range is an error
}

// longest bounds every duration: beyond a day something else is meant.
const longest = 24 * time.Hour

// seconds takes a decimal number of seconds, or a Go duration.
func seconds(at func(*Config) *time.Duration, zeroAllowed bool) func(*Config, string) error {
	return func(c *Config, value string) error {
		d, err := time.ParseDuration(value)
		if n, notSeconds := decimal(value); notSeconds == nil {
			d, err = time.Duration(math.Round(min(max(n, -1), 2*longest.Seconds())*float64(time.Second))), nil
		}
		switch {
		case err != nil || d < 0 || d > longest:
			return errors.New("wanted are seconds (0.5) or a duration (500ms), at most 24h")
		case d == 0 && !zeroAllowed:
			return errors.New("wanted are seconds, more than 0")
		}
		*at(c) = d
		return nil
	}
}

func profileName(_ *Config, value string) error {
	_, err := oneOf(value, slices.Sorted(maps.Keys(retry.Profiles()))...)
	return err
}

var tenantForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// tenantName becomes part of the host that the credentials are sent to.
func tenantName(c *Config, value string) error {
	if !tenantForm.MatchString(value) {
		return errors.New("wanted is the tenant's name alone: letters, digits and -, as in https://NAME" + consoleSuffix)
	}
	c.Tenant = strings.ToLower(value)
	return nil
}

func apiURL(c *Config, value string) error {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return errors.New("wanted is a URL such as https://NAME" + consoleSuffix)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("wanted is a URL without login, query or fragment")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New("plain http would show the credentials to everybody on the way: use https (http is allowed to loopback addresses only)")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("wanted is an https URL")
	}
	c.APIURL = strings.TrimRight(strings.TrimSuffix(strings.TrimRight(u.Scheme+"://"+u.Host+u.EscapedPath(), "/"), "/api"), "/")
	return nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// tenantOf names the tenant of an API whose URL is given alone.
func tenantOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	if name, ok := strings.CutSuffix(strings.ToLower(u.Hostname()), consoleSuffix); ok {
		return name
	}
	return strings.ToLower(u.Host)
}

func proxyURL(c *Config, value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
		return errors.New("wanted is a URL such as http://proxy.example.com:3128")
	}
	c.Proxy = value
	return nil
}

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func planDigest(value string) (string, error) {
	if !digestForm.MatchString(value) && value != PullRequest {
		return "", errors.New("wanted is a digest as a dry run shows it: sha256: and 64 hexadecimal digits; or pull-request")
	}
	return value, nil
}
