package config_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/config"
)

// Whatever is given as flags, or as an input: no secret is shown, and settings
// without a complaint can be used.
func FuzzLoad(f *testing.F) {
	for _, words := range []string{
		"", "--csv=x\n--tenant=acme", "--csv\nx\n-simulate", "--\n-\n---x\n--=y", "--api-tokn\nhush", "--p12-password\n--csv",
		"--protect=a\n--protect=b\n--retry-attempts\n-1", "--columns=okta\n--delimiter=tab", "--proxy=http://u:p@h:1\n--api-url=https://u@h",
	} {
		f.Add(words, "retry-attempts", "3")
	}
	const secret = "S3cr3t-of-the-t3nant"
	f.Fuzz(func(t *testing.T, words, input, value string) {
		if strings.Contains(words+input, "policy") {
			return // it names a file, which may be anything
		}
		args := append([]string{"--api-token=" + secret, "--p12-password", secret}, strings.Split(words, "\n")...)
		c, err := config.Load(config.Sync, args, func(name string) string {
			if name == "INPUT_"+strings.ToUpper(input) {
				return value
			}
			return ""
		})
		if strings.Contains(fmt.Sprintf("%+v", err), secret) {
			t.Errorf("%q: %v", args, err)
		}
		if err == nil && (len(c.CSV) == 0 || c.Tenant == "" || c.UserRetry.Attempts < 1 || c.Concurrency < 1 || c.Concurrency > 64 || c.Timeout <= 0) {
			t.Errorf("%q: %+v", args, c)
		}
	})
}

// Whatever a policy file contains: it is accepted, or refused with a position,
// and neither its credentials nor a word of broken YAML are shown.
func FuzzPolicy(f *testing.F) {
	for _, content := range []string{
		"", "tenant: acme\ngroups: [a, '!b']\n", "names: {CN=a: b}", "api-token: S3cr3t\n", "a: *S3cr3t", "[[[[", "? {a: b}\n: c", "- a\n---\n- b",
		"proxy: http://u:S3cr3t@h", "protect: |\n  a\n  [b\n", "<<: {a: b}", "a: &x [*x, *x]", "strict: !!bool x", "timeout: .inf", "roles: {a: ['*/r', ns/r]}\nenforce-roles: true", "max-removals: 10%",
	} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := config.LoadPolicy(content)
		_, errAgain := config.LoadPolicy(content)
		if diff := cmp.Diff(fmt.Sprint(err), fmt.Sprint(errAgain)); diff != "" {
			t.Errorf("the second time is another: %s", diff)
		}
		var all config.Errors
		if !errors.As(err, &all) {
			return
		}
		for _, finding := range all {
			if finding.File == "" || finding.Line < 0 || len(finding.Message)+len(finding.Hint) > 4000 {
				t.Errorf("%+v", finding)
			}
			for _, secret := range c.Secrets() {
				if len(secret) > 15 && strings.Contains(finding.Message+finding.Hint, secret) {
					t.Errorf("%+v shows %q", finding, secret)
				}
			}
		}
	})
}
