package config_test

import (
	"strings"
	"testing"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
)

func TestLoadAPIURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct{ url, tenant string }{
		"https://acme.console.ves.volterra.io":                          {"https://acme.console.ves.volterra.io", "acme"},
		"https://acme.console.ves.volterra.io/":                         {"https://acme.console.ves.volterra.io", "acme"},
		"https://acme.console.ves.volterra.io/api":                      {"https://acme.console.ves.volterra.io", "acme"},
		"https://acme.console.ves.volterra.io/api/":                     {"https://acme.console.ves.volterra.io", "acme"},
		"HTTPS://h/x/api/":                                              {"https://h/x", "h"},
		"https://h:8443//":                                              {"https://h:8443", "h:8443"},
		"https://h/myapi":                                               {"https://h/myapi", "h"},
		"https://h/a%2Fb/":                                              {"https://h/a%2Fb", "h"},
		"https://acme.console.ves.volterra.io/managed_tenant/Child/api": {"https://acme.console.ves.volterra.io/managed_tenant/Child", "child"},
		"https://10.1.2.3":                                              {"https://10.1.2.3", "10.1.2.3"},
		"http://127.0.0.1:8080/api":                                     {"http://127.0.0.1:8080", "127.0.0.1:8080"},
		"http://127.8.9.1":                                              {"http://127.8.9.1", "127.8.9.1"},
		"http://[::1]:80/":                                              {"http://[::1]:80", "[::1]:80"},
		"http://localhost:1":                                            {"http://localhost:1", "localhost:1"},
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

func TestLoadChecksSettingsTogether(t *testing.T) {
	t.Parallel()
	target := []string{"--csv=x", "--tenant=a"}
	for name, tt := range map[string]struct {
		args []string
		want []string
	}{
		"nothing at all":                  {nil, []string{"missing required setting: csv", "missing required setting: tenant", "missing required setting: api-token"}},
		"nothing to simulate with":        {[]string{"--simulate"}, []string{"missing required setting: csv"}},
		"drift without a dry run":         {with("--fail-on-drift"), []string{"fail-on-drift requires dry-run"}},
		"drift with an invalid dry run":   {with("--fail-on-drift", "--dry-run=x"), []string{"invalid dry-run"}},
		"faults without simulation":       {with("--simulate-faults=0.1"), []string{"simulate-faults requires simulate"}},
		"faults, invalid simulation":      {with("--simulate-faults=0.1", "--simulate=x"), []string{"invalid simulate"}},
		"empty groups of any name":        {with("--unnamed-groups=empty"), []string{"unnamed-groups: empty requires groups"}},
		"empty groups, invalid names":     {with("--unnamed-groups=empty", "--groups=["), []string{"invalid groups"}},
		"roles enforced, none given":      {with("--enforce-roles"), []string{"enforce-roles requires roles in the policy file"}},
		"min above max":                   {with("--backoff-min=5"), []string{"backoff-max (4s (default)) must not be less than backoff-min (5s)"}},
		"min above the profile's max":     {with("--backoff-min=3", "--retry-profile=aggressive"), []string{"backoff-max (2s (from the retry profile aggressive)) must not be less than backoff-min (3s)"}},
		"max under the profile's min":     {with("--backoff-max=1", "--retry-profile=conservative"), []string{"backoff-max (1s) must not be less than backoff-min (2s (from the retry profile conservative))"}},
		"both":                            {with("--backoff-min=2s", "--backoff-max=500ms"), []string{"backoff-max (500ms) must not be less than backoff-min (2s)"}},
		"group's max under its min":       {with("--group-backoff-max=0"), []string{"group-backoff-max (0s) must not be less"}},
		"min with an invalid max":         {with("--backoff-max=x"), []string{"invalid backoff-max"}},
		"min with an invalid profile":     {with("--backoff-min=5", "--retry-profile=x"), []string{"invalid retry-profile"}},
		"group's min above max":           {with("--group-backoff-min=5"), []string{"group-backoff-max (4s (default)) must not be less"}},
		"group's min, invalid max":        {with("--group-backoff-max=x"), []string{"invalid group-backoff-max"}},
		"a certificate without its key":   {append(target[:2:2], "--cert-file=c"), []string{"cert-file requires key-file"}},
		"a key without its certificate":   {append(target[:2:2], "--key-file=k"), []string{"key-file requires cert-file"}},
		"a certificate, an invalid key":   {append(target[:2:2], "--cert-file=c", "--key-file=a\nb"), []string{"invalid key-file"}},
		"a password alone":                {append(target[:2:2], "--p12-password=p"), []string{"missing required setting: api-token; set XC_API_TOKEN"}},
		"a bad URL is no missing tenant":  {[]string{"--csv=x", "--api-token=t", "--api-url=x"}, []string{"invalid api-url"}},
		"a bad tenant is no missing one":  {[]string{"--csv=x", "--api-token=t", "--tenant=a.b"}, []string{`invalid tenant "a.b"`}},
		"a bad tenant though an URL is":   {[]string{"--csv=x", "--api-token=t", "--tenant=a.b", "--api-url=https://h"}, []string{`invalid tenant "a.b"`}},
		"a bad token is no missing token": {append(target[:2:2], "--api-token=a\nb"), []string{"invalid api-token: must not contain line breaks"}},
		"a tenant's URL":                  {[]string{"--csv=x", "--api-token=t", "--tenant=https://Acme.console.ves.volterra.io/web"}, []string{"give the name alone: acme"}},
		"a tenant's host":                 {[]string{"--csv=x", "--api-token=t", "--tenant=acme.console.ves.volterra.io"}, []string{"give the name alone: acme"}},
		"another URL":                     {[]string{"--csv=x", "--api-token=t", "--tenant=https://staging.example"}, []string{"use api-url"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantMessages(t, complaints(t, nil, tt.args...), tt.want...)
		})
	}
}

// TestLoadExplainsAMissingTokenInActions: most often the secret is the cause,
// also where a certificate was meant (docs/recipes/p12.yml).
func TestLoadExplainsAMissingTokenInActions(t *testing.T) {
	t.Parallel()
	for _, says := range []string{"p12-base64: ${{ secrets.XC_P12 }}", "forks get no secrets"} {
		wantMessages(t, complaints(t, env{"GITHUB_ACTIONS": "true"}, "--csv=x", "--tenant=a"), says)
	}
}

// TestLoadSendsCredentialsToTheTenantThatIsNamed, and not where a leftover
// variable says.
func TestLoadSendsCredentialsToTheTenantThatIsNamed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env  env
		args []string
		ok   bool
	}{
		"another's URL":             {env{"XC_API_URL": "https://other.console.ves.volterra.io"}, []string{"--tenant=acme"}, false},
		"another's by an input":     {env{"XC_SYNC_API_URL": "https://other.example", "INPUT_TENANT": "acme"}, nil, false},
		"its own":                   {env{"VOLT_API_URL": "https://ACME.console.ves.volterra.io/api"}, []string{"--tenant=acme"}, true},
		"one that its own manages":  {env{"XC_API_URL": "https://acme.console.ves.volterra.io/managed_tenant/child"}, []string{"--tenant=acme"}, false},
		"its own, managed":          {env{"XC_API_URL": "https://msp.console.ves.volterra.io/managed_tenant/Acme/"}, []string{"--tenant=acme"}, true},
		"both by the environment":   {env{"XC_API_URL": "https://other.example", "TENANT_ID": "acme"}, nil, true},
		"both by flags":             {nil, []string{"--tenant=acme", "--api-url=https://other.example"}, true},
		"a flag and a variable":     {env{"TENANT_ID": "acme"}, []string{"--api-url=https://other.example"}, true},
		"an input beside variables": {env{"XC_API_URL": "https://x.example", "INPUT_API-URL": "https://other.example"}, []string{"--tenant=acme"}, true},
		"simulated":                 {env{"XC_API_URL": "https://x.example"}, []string{"--tenant=acme", "--simulate"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append(tt.args, "--csv=x", "--api-token=t")
			if tt.ok {
				load(t, tt.env, args...)
			} else {
				wantMessages(t, complaints(t, tt.env, args...), `is not the URL of tenant "acme" (from the environment variable`)
			}
		})
	}
}

func TestPlanIsADryRun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env  env
		args []string
	}{{nil, nil}, {nil, []string{"--dry-run"}}, {env{"INPUT_DRY-RUN": "false"}, nil}, {nil, []string{"--fail-on-drift", "--prune=all"}}} {
		c, err := config.Load(config.Plan, with(tt.args...), tt.env.get)
		if err != nil || !c.DryRun {
			t.Errorf("%q: %v, dry run %v", tt.args, err, c.DryRun)
		}
	}
	if _, err := config.Load(config.Plan, with("--dry-run=false"), env{}.get); err == nil || !strings.Contains(err.Error(), "never applies") {
		t.Errorf("a plan that is no dry run: %v", err)
	}
	for _, tt := range []struct {
		env  env
		args []string
	}{{nil, []string{"--dry-run=maybe"}}, {env{"INPUT_DRY-RUN": "maybe"}, nil}, {env{"XC_SYNC_DRY_RUN": "maybe"}, []string{"--fail-on-drift"}}} {
		if _, err := config.Load(config.Plan, with(tt.args...), tt.env.get); err == nil || !strings.Contains(err.Error(), `invalid dry-run "maybe"`) {
			t.Errorf("%v %q: %v", tt.env, tt.args, err)
		}
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
		"every kind of credentials":  {[]string{"--cert-file=c", "--key-file=k", "--p12-base64=b", "--p12-file=f", "--api-token=t"}, []string{"(api-token, p12-file, p12-base64, cert-file): using api-token"}},
		"PKCS#12 before PEM":         {[]string{"--cert-file=c", "--key-file=k", "--p12-base64=b"}, []string{"(p12-base64, cert-file): using p12-base64"}},
		"prune-unmanaged alone":      {[]string{"--api-token=t", "--prune-unmanaged", "--prune=users"}, []string{"prune-unmanaged"}},
		"prune-inactive alone":       {[]string{"--api-token=t", "--prune-inactive", "--prune=groups"}, []string{"prune-inactive"}},
		"both with all":              {[]string{"--api-token=t", "--prune-inactive", "--prune-unmanaged", "--prune=all"}, nil},
		"simulation beside a tenant": {[]string{"--simulate"}, []string{"simulate is on"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := load(t, nil, append(target[:2:2], tt.args...)...)
			if len(c.Warnings) != len(tt.want) {
				t.Fatalf("warnings %v, want %q", c.Warnings, tt.want)
			}
			for i, want := range tt.want {
				if warning := c.Warnings[i]; warning.Severity != directory.Warning || !strings.Contains(warning.Message, want) {
					t.Errorf("%+v does not hold %q", warning, want)
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
