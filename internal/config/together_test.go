package config_test

import (
	"strings"
	"testing"

	"xc-group-sync/internal/config"
)

func TestLoadAPIURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct{ url, tenant string }{
		"https://acme.console.ves.volterra.io":      {"https://acme.console.ves.volterra.io", "acme"},
		"https://acme.console.ves.volterra.io/":     {"https://acme.console.ves.volterra.io", "acme"},
		"https://acme.console.ves.volterra.io/api":  {"https://acme.console.ves.volterra.io", "acme"},
		"https://acme.console.ves.volterra.io/api/": {"https://acme.console.ves.volterra.io", "acme"},
		"HTTPS://h/x/api/":                          {"https://h/x", "h"},
		"https://h:8443//":                          {"https://h:8443", "h:8443"},
		"https://h/myapi":                           {"https://h/myapi", "h"},
		"https://h/a%2Fb/":                          {"https://h/a%2Fb", "h"},
		"https://10.1.2.3":                          {"https://10.1.2.3", "10.1.2.3"},
		"http://127.0.0.1:8080/api":                 {"http://127.0.0.1:8080", "127.0.0.1:8080"},
		"http://127.8.9.1":                          {"http://127.8.9.1", "127.8.9.1"},
		"http://[::1]:80/":                          {"http://[::1]:80", "[::1]:80"},
		"http://localhost:1":                        {"http://localhost:1", "localhost:1"},
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			c := load(t, nil, "--csv=x", "--api-token=t", "--api-url", in)
			same(t, "URL and tenant", []string{c.APIURL, c.Tenant}, []string{want.url, want.tenant})
			c = load(t, nil, "--csv=x", "--api-token=t", "--tenant=named", "--api-url", in)
			same(t, "URL and named tenant", []string{c.APIURL, c.Tenant}, []string{want.url, "named"})
		})
	}
}

func TestLoadTenant(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a": "a", "Acme-2": "acme-2", "1st": "1st", strings.Repeat("a", 63): strings.Repeat("a", 63)} {
		c := load(t, env{"TENANT_ID": in, "INPUT_CSV": "x", "XC_API_TOKEN": "t"})
		same(t, "tenant and URL", []string{c.Tenant, c.APIURL}, []string{want, "https://" + want + ".console.ves.volterra.io"})
	}
}

func TestLoadTogether(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want []string // what each complaint begins with
	}{
		"nothing at all":                  {nil, []string{"csv: missing", "tenant: missing", "api-token: missing"}},
		"nothing to simulate with":        {[]string{"--simulate"}, []string{"csv: missing"}},
		"drift without a dry run":         {with("--fail-on-drift"), []string{`fail-on-drift: "true" (from the flag --fail-on-drift): it makes sense only with dry-run`}},
		"drift with a bad dry run":        {with("--fail-on-drift", "--dry-run=x"), []string{"dry-run: "}},
		"faults without simulation":       {with("--simulate-faults=0.1"), []string{`simulate-faults: "0.1" (from`}},
		"faults with a bad simulation":    {with("--simulate-faults=0.1", "--simulate=x"), []string{"simulate: "}},
		"min above max":                   {with("--backoff-min=5"), []string{`backoff-min: "5" (from the flag --backoff-min): it is more than backoff-max, 4 s (the default): lower it, or raise backoff-max`}},
		"min above the profile's max":     {with("--backoff-min=3", "--retry-profile=aggressive"), []string{`backoff-min: "3" (from the flag --backoff-min): it is more than backoff-max, 2 s (the retry-profile aggressive): lower it`}},
		"max under the profile's min":     {with("--backoff-max=1", "--retry-profile=conservative"), []string{`backoff-max: "1" (from the flag --backoff-max): it is less than backoff-min, 2 s (the retry-profile conservative): raise it`}},
		"max under the default":           {with("--backoff-max=0.5"), []string{`backoff-max: "0.5" (from the flag --backoff-max): it is less than backoff-min, 1 s (the default): raise it, or lower backoff-min`}},
		"both":                            {with("--backoff-min=2s", "--backoff-max=500ms"), []string{`backoff-min: "2s" (from the flag --backoff-min): it is more than backoff-max, 0.5 s (the flag --backoff-max): lower it`}},
		"group's max under its min":       {with("--group-backoff-max=0"), []string{`group-backoff-max: "0"`}},
		"min beside a bad max":            {with("--backoff-max=x"), []string{"backoff-max: "}},
		"min beside a bad profile":        {with("--backoff-min=5", "--retry-profile=x"), []string{"retry-profile: "}},
		"group's min above max":           {with("--group-backoff-min=5"), []string{"group-backoff-min: "}},
		"group's min beside a bad max":    {with("--group-backoff-max=x"), []string{"group-backoff-max: "}},
		"a certificate without its key":   {[]string{"--csv=x", "--tenant=a", "--cert-file=c"}, []string{`cert-file: "c" (from the flag --cert-file): key-file is missing`}},
		"a key without its certificate":   {[]string{"--csv=x", "--tenant=a", "--key-file=k"}, []string{`key-file: "k" (from the flag --key-file): cert-file is missing`}},
		"a certificate with a bad key":    {[]string{"--csv=x", "--tenant=a", "--cert-file=c", "--key-file=a\nb"}, []string{"key-file: "}},
		"a password alone":                {[]string{"--csv=x", "--tenant=a", "--p12-password=p"}, []string{"api-token: missing"}},
		"a bad URL is no missing tenant":  {[]string{"--csv=x", "--api-token=t", "--api-url=x"}, []string{"api-url: "}},
		"a bad tenant is no missing one":  {[]string{"--csv=x", "--api-token=t", "--tenant=a.b"}, []string{"tenant: \"a.b\""}},
		"a bad tenant though an URL is":   {[]string{"--csv=x", "--api-token=t", "--tenant=a.b", "--api-url=https://h"}, []string{"tenant: \"a.b\""}},
		"a bad token is no missing token": {[]string{"--csv=x", "--tenant=a", "--api-token=a\nb"}, []string{"api-token: its value"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := complaints(t, nil, tt.args...)
			if len(all) != len(tt.want) {
				t.Fatalf("%q, want %q", all, tt.want)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(all[i].Error(), want) {
					t.Errorf("%q, want %q", all[i], want)
				}
			}
		})
	}
}

func with(args ...string) []string { return append(enough[:len(enough):len(enough)], args...) }

func TestLoadWarns(t *testing.T) {
	t.Parallel()
	target := []string{"--csv=x", "--tenant=a"}
	for name, tt := range map[string]struct {
		args []string
		want []string // what each warning holds
	}{
		"a token":                    {[]string{"--api-token=t"}, nil},
		"a token and a password":     {[]string{"--api-token=t", "--p12-password=p"}, nil},
		"a file and its password":    {[]string{"--p12-file=f", "--p12-password=p"}, nil},
		"PEM":                        {[]string{"--cert-file=c", "--key-file=k"}, nil},
		"every kind of credentials":  {[]string{"--cert-file=c", "--key-file=k", "--p12-base64=b", "--p12-file=f", "--api-token=t"}, []string{"(api-token, p12-file, p12-base64, cert-file): api-token is used"}},
		"PKCS#12 before PEM":         {[]string{"--cert-file=c", "--key-file=k", "--p12-base64=b"}, []string{"(p12-base64, cert-file): p12-base64 is used"}},
		"prune-unmanaged alone":      {[]string{"--api-token=t", "--prune-unmanaged", "--prune=users"}, []string{"prune-unmanaged"}},
		"prune-inactive alone":       {[]string{"--api-token=t", "--prune-inactive", "--prune=groups"}, []string{"prune-inactive"}},
		"both with all":              {[]string{"--api-token=t", "--prune-inactive", "--prune-unmanaged", "--prune=all"}, nil},
		"simulation beside a tenant": {[]string{"--simulate"}, []string{"simulate is on"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := load(t, nil, append(target[:2:2], tt.args...)...)
			if len(c.Warnings) != len(tt.want) {
				t.Fatalf("warnings %q, want %q", c.Warnings, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(c.Warnings[i], want) {
					t.Errorf("%q does not hold %q", c.Warnings[i], want)
				}
			}
		})
	}
}

func TestLoadSimulation(t *testing.T) {
	t.Parallel()
	c := load(t, nil, "--csv=x", "--simulate", "--simulate-faults=0.25")
	if !c.Simulate || c.SimulateFaults != 0.25 || c.APIURL != "" || c.Tenant == "" {
		t.Errorf("%+v", c)
	}
	if c := load(t, nil, "--csv=x", "--simulate", "--tenant=acme", "--api-url=https://h"); c.Tenant != "acme" || c.APIURL != "" {
		t.Errorf("tenant %q at %q", c.Tenant, c.APIURL)
	}
}

func TestLoadCredential(t *testing.T) {
	t.Parallel()
	all := []string{"--api-token=t", "--p12-file=f", "--p12-base64=b", "--cert-file=c", "--key-file=k"}
	for i, want := range []config.Credential{config.ByToken, config.ByP12File, config.ByP12Base64, config.ByPEM} {
		same(t, "credential", load(t, nil, append([]string{"--csv=x", "--tenant=a"}, all[i:]...)...).Credential, want)
	}
	same(t, "simulation", load(t, nil, append([]string{"--csv=x", "--simulate"}, all...)...).Credential, config.NoCredential)
	for _, args := range [][]string{{"--api-token=a\nb", "--p12-file=f"}, {"--cert-file=c"}, {"--cert-file=c", "--key-file=a\nb"}, {"--key-file=k"}} {
		c, err := config.Load(config.Sync, append([]string{"--csv=x", "--tenant=a"}, args...), env{}.get)
		if err == nil || c.Credential != config.NoCredential {
			t.Errorf("%q: %v, and %q counts", args, err, c.Credential)
		}
	}
}
