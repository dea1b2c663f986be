package config_test

import (
	"strings"
	"testing"

	"xc-group-sync/internal/config"
)

// Whatever words come as flags, and whatever one of them is as an input: no
// secret is shown, and settings without a complaint can be used.
func FuzzLoad(f *testing.F) {
	for _, words := range []string{
		"", "--csv=x\n--tenant=acme", "--csv\nx\n-simulate", "--\n-\n---x\n--=y", "--api-tokn\nhush", "--p12-password\n--csv",
		"--protect=a\n--protect=b\n--retry-attempts\n-1", "--columns=okta\n--delimiter=tab", "--proxy=http://u:p@h:1\n--api-url=https://u@h",
	} {
		f.Add(words, "retry-attempts", "3")
	}
	const secret = "S3cr3t-of-the-t3nant"
	f.Fuzz(func(t *testing.T, words, input, value string) {
		args := append([]string{"--api-token=" + secret, "--p12-password", secret}, strings.Split(words, "\n")...)
		c, err := config.Load(config.Sync, args, func(name string) string {
			if name == "INPUT_"+strings.ToUpper(input) {
				return value
			}
			return ""
		})
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", args, err)
		}
		if err == nil && (c.CSV == "" || c.Tenant == "" || c.UserRetry.Attempts < 1 || c.Concurrency < 1 || c.Concurrency > 64 || c.Timeout <= 0) {
			t.Errorf("%q: %+v", args, c)
		}
	})
}
