package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
)

// policyFile writes a policy file and returns its path.
func policyFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "acme.yml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const fullPolicy = `# rules of acme
tenant: acme
columns: active-directory
groups: ["xc-*", "!xc-sandbox-*"]
people:
  - "*@example.com"
  - "*@contractor.example"
adopt: |
  xc-admins

  xc-ops
protect: break-glass@example.com
prune: groups
unnamed-groups: empty
removals: withhold
max-removals: 10
comment: true
mask-emails: auto
strict: True
timeout: 500ms
rate-limit: 2.5
retry-profile: aggressive
backoff-max: 3
log-level:
names:
  "CN=APP_F5XC_ADM_PRD": xc-admins
  "cn=7Up, ou=Groups,dc=example": seven-up
enforce-roles: true
membership-writes: single
roles:
  xc-admins: ["*/ves-io-admin-role"]
  xc-auditors: [system/ves-io-monitor-role, payments/ves-io-waap-monitor-role]
  xc-nothing: []
`

var fullRoles = map[directory.GroupName][]directory.Role{
	"xc-admins":   {{Namespace: "*", Role: "ves-io-admin-role"}},
	"xc-auditors": {{Namespace: "system", Role: "ves-io-monitor-role"}, {Namespace: "payments", Role: "ves-io-waap-monitor-role"}},
	"xc-nothing":  {},
}

func TestPolicyFile(t *testing.T) {
	t.Parallel()
	path := policyFile(t, fullPolicy)
	c := load(t, nil, "--csv=x", "--api-token=t", "--policy", path)
	same(t, "policy", c.Policy, plan.Policy{
		Tenant: "acme", API: "acme.console.ves.volterra.io",
		Groups: plan.Patterns{"xc-*", "!xc-sandbox-*"}, People: plan.Patterns{"*@example.com", "*@contractor.example"}, Adopt: plan.Patterns{"xc-admins", "xc-ops"},
		Protect: plan.Patterns{"break-glass@example.com"}, PruneGroups: true, EmptyUnnamed: true, Withhold: true, MaxRemovals: plan.Limit{Max: 10},
		Roles: fullRoles, EnforceRoles: true,
	})
	same(t, "the rest", []any{c.Tenant, c.Comment, c.MaskEmails, c.Strict, c.Timeout.Seconds(), c.RateLimit, c.UserRetry.Attempts, c.UserRetry.Max.Seconds(), c.MembershipWrites},
		[]any{"acme", config.Yes, config.Auto, true, 0.5, 2.5, 5, 3.0, groupsync.SingleMembers})
	same(t, "file", c.PolicyFile.Path, path)
	same(t, "sum", len(c.PolicyFile.SHA256), 64)
	for dn, want := range map[string]directory.GroupName{
		"CN=APP_F5XC_ADM_PRD": "xc-admins", "CN=app_f5xc_adm_prd,OU=x,DC=example": "xc-admins",
		"cn=7up, OU=Groups, DC=example": "seven-up", "CN=7up,OU=others,DC=example": "",
	} {
		parsed, err := directory.ParseAnyDN(dn)
		if err != nil {
			t.Fatal(err)
		}
		named, _ := c.Roster.Names.Apply(parsed)
		same(t, dn, named.GroupName(), want)
	}
}

func TestPolicyFileGivesWayToWhatIsGivenForARun(t *testing.T) {
	t.Parallel()
	path := policyFile(t, fullPolicy)
	for name, tt := range map[string]struct {
		env  env
		args []string
		get  func(*config.Config) any
		want any
	}{
		"flag":               {nil, []string{"--max-removals=none"}, func(c *config.Config) any { return c.Policy.MaxRemovals }, plan.Limit{None: true}},
		"a list by a flag":   {nil, []string{"--groups=a"}, func(c *config.Config) any { return c.Policy.Groups }, plan.Patterns{"a"}},
		"input":              {env{"INPUT_STRICT": "false"}, nil, func(c *config.Config) any { return c.Strict }, false},
		"own variable":       {env{"XC_SYNC_PRUNE": "none"}, nil, func(c *config.Config) any { return c.Policy.PruneGroups }, false},
		"older variable":     {env{"TENANT_ID": "other"}, nil, func(c *config.Config) any { return c.Tenant }, "other"},
		"an empty input":     {env{"INPUT_STRICT": ""}, nil, func(c *config.Config) any { return c.Strict }, true},
		"before the profile": {nil, nil, func(c *config.Config) any { return c.UserRetry.Max.Seconds() }, 3.0},
		"a given profile":    {nil, []string{"--retry-profile=conservative", "--backoff-min=1"}, func(c *config.Config) any { return c.UserRetry.Attempts }, 2},
		"the file's name":    {env{"XC_SYNC_POLICY": "none.yml"}, nil, func(c *config.Config) any { return c.PolicyFile.Path }, path},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, "setting", tt.get(load(t, tt.env, append(tt.args, "--csv=x", "--api-token=t", "--policy="+path)...)), tt.want)
		})
	}
}

// TestAnEmptyListGivesWayToOneForARun: an empty list is refused only if it would
// count.
func TestAnEmptyListGivesWayToOneForARun(t *testing.T) {
	t.Parallel()
	path := policyFile(t, "tenant: acme\ngroups: []\npeople: ~\n")
	c := load(t, env{"INPUT_PEOPLE": "*@a.b"}, "--groups=a", "--csv=x", "--api-token=t", "--policy="+path)
	same(t, "groups", c.Policy.Groups, plan.Patterns{"a"})
	same(t, "people", c.Policy.People, plan.Patterns{"*@a.b"})
}

// TestPolicyFileServesAllCommands: restore uses the keys that concern it, and
// checks the others nevertheless.
func TestPolicyFileServesAllCommands(t *testing.T) {
	t.Parallel()
	args := []string{"--snapshot=s", "--api-token=t", "--policy", policyFile(t, fullPolicy)}
	c, err := config.Load(config.Restore, args, env{}.get)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "policy", c.Policy, plan.Policy{
		Tenant: "acme", API: "acme.console.ves.volterra.io",
		Groups: plan.Patterns{"xc-*", "!xc-sandbox-*"}, People: plan.Patterns{"*@example.com", "*@contractor.example"},
		Protect: plan.Patterns{"break-glass@example.com"}, Withhold: true, MaxRemovals: plan.Limit{Max: 10}, Roles: fullRoles,
	})
	args[3] = policyFile(t, "tenant: acme\nprune: everything\n")
	if _, err := config.Load(config.Restore, args, env{}.get); err == nil || !strings.Contains(err.Error(), ":2:8: invalid prune") {
		t.Errorf("%v", err)
	}
}

// TestPolicyFileIsCheckedWhateverGoesBeforeIt: a run that overrides a value does
// not hide that the file is wrong for all others.
func TestPolicyFileIsCheckedWhateverGoesBeforeIt(t *testing.T) {
	t.Parallel()
	path := policyFile(t, "concurrency: 99\nprune: maybe\ngroups: [\"[a\"]\nstrict: 1\n")
	all := complaints(t, env{"XC_SYNC_PRUNE": "none"}, "--csv=x", "--tenant=a", "--api-token=t", "--concurrency=2", "--groups=b", "--strict=false", "--policy", path)
	wantMessages(t, all, `invalid concurrency "99"`, `invalid prune "maybe"`, `invalid groups "[a"`, `invalid strict "1"`)
}

// TestPolicyFileMaySayThatItIsYAML12: the directive takes the place of a comment,
// so that findings keep theirs.
func TestPolicyFileMaySayThatItIsYAML12(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"%YAML 1.2\n---\n", "# rules\n%YAML 1.2\n---\n", "\ufeff%YAML 1.2\r\n---\r\n"} {
		c := load(t, nil, "--csv=x", "--api-token=t", "--policy", policyFile(t, head+"tenant: acme\n"))
		same(t, "tenant", c.Tenant, "acme")
		all := complaints(t, nil, "--csv=x", "--api-token=t", "--policy", policyFile(t, head+"tenant: a.b\n"))
		same(t, "line", all[0].Line, strings.Count(head, "\n")+1)
	}
}

// TestPolicyFileIsCheckedWhole: every finding has its place, and they come in
// the order of the file.
func TestPolicyFileIsCheckedWhole(t *testing.T) {
	t.Parallel()
	path := policyFile(t, `tenant: https://acme.console.ves.volterra.io/
groups: ["xc-*", "[a", !xc-b]
people:
  - "*@example.com"
  - 7
adopt: |
  xc-admins
  [z
prunes: groups
strict: "yes"
retry_attempts: 3
retry-attempts: 0
csv: people.csv
tenant: other
max-removals: [10]
timeout: {a: b}
backoff-min: 9
log-level: loud
unnamed-groups: empty
name: x
names:
  "CN=APP": xc-admins
  "cn=app": other
  XC: xc
  "CN=x": 1st
? [a]
: b
comment: maybe
concurrency: 2.0
protect: [a: b]
ca-bundle: 5
role: {}
enforce-roles: true
roles:
  xc-a: ["*/r", "*/r", ves-io-admin-role, a/b/c, System/r, 5, "", "*", [x]]
  xc-b: system/r
  xc-c:
  XC-D: []
  xc-a: []
  ? [x]
  : []
`)
	all := complaints(t, nil, "--csv=x", "--api-token=t", "--policy", path)
	var got []string
	for _, finding := range all {
		if finding.File != path {
			t.Errorf("%+v is not in %s", finding, path)
		}
		text := fmt.Sprintf("%d:%s %s", finding.Line, finding.Column, finding.Message)
		if finding.Hint != "" {
			text += "; " + finding.Hint
		}
		got = append(got, text)
	}
	want := []string{
		`1:9 invalid tenant`, `2:24 invalid groups "": must be a list of strings`, `5:5 invalid people "7": must be a list of strings, or a string with one value per line; quote it: "7"`,
		`8:1 invalid adopt "[z": must close`, `9:1 unknown key "prunes"; did you mean prune?`, `10:9 invalid strict "yes": must be true or false`,
		`11:1 unknown key "retry_attempts"; did you mean retry-attempts?`, `12:17 invalid retry-attempts "0": must be a whole number, 1 or more`,
		`13:1 csv cannot be set in the policy file`, `14:1 duplicate key "tenant"`, `15:15 invalid max-removals: must be a whole number or a string`, `16:10 invalid timeout: must be`,
		`17:14 backoff-max (4s (default)) must not be less than backoff-min (9s)`, `18:12 invalid log-level "loud": must be debug, info, warn or error`,
		`20:1 unknown key "name"; did you mean names?`, `23:3 duplicate DN`, `24:3 names: `, `25:11 invalid group name "1st" in names`, `26:3 unknown key here`,
		`28:10 invalid comment "maybe": must be auto, true or false`, `29:14 invalid concurrency "2.0": must be a whole number`, `30:11 invalid protect: must be a list of strings`,
		`31:12 invalid ca-bundle "5": must be a string; quote it`, `32:1 unknown key "role"; did you mean roles?`,
		`35:17 duplicate role "*/r" of "xc-a"`, `35:24 invalid role "ves-io-admin-role" of "xc-a": must be NAMESPACE/ROLE, as in`, `35:43 invalid role "a/b/c" of "xc-a"`,
		`35:50 invalid role "System/r" of "xc-a": must be NAMESPACE/ROLE, each of lower-case letters`, `35:60 invalid role "5" of "xc-a": must be a string`,
		`35:63 invalid role "" of "xc-a"`, `35:67 invalid role "*" of "xc-a"`, `35:72 invalid role "" of "xc-a": must be a string`,
		`36:9 invalid roles of "xc-b": must be a list of NAMESPACE/ROLE; write a list`, `37:8 invalid roles of "xc-c": must be a list`,
		`38:3 invalid group name "XC-D" in roles`, `39:3 duplicate group "xc-a" in roles`, `40:5 invalid roles: must be a mapping`,
	}
	if len(got) != len(want) {
		t.Fatalf("%d findings, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("%s\nwant %s", got[i], want[i])
		}
	}
}

func TestPolicyFileWithManyErrors(t *testing.T) {
	t.Parallel()
	var content strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&content, "k%d: 1\n", i)
	}
	all := complaints(t, nil, "--csv=x", "--tenant=a", "--api-token=t", "--policy", policyFile(t, content.String()))
	if last := all[len(all)-1].Message; len(all) != 1001 || last != "49000 more errors in the settings" {
		t.Errorf("%d errors, the last is %q", len(all), last)
	}
}

func TestPolicyFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ content, want string }{
		"empty":                 {"", ": the policy file is empty"},
		"only comments":         {"# tenant: acme\n", ": the policy file is empty"},
		"two documents":         {"tenant: acme\n---\nprune: all\n", ":2:1: the policy file has more than one YAML document"},
		"rubbish after the end": {"tenant: acme\n...\n]\n", ":3:1: invalid YAML: "},
		"a list":                {"- tenant\n", ":1:1: the policy file must be a mapping"},
		"a text":                {"tenant=acme\n", ":1:1: the policy file must be a mapping"},
		"a bare star":           {"tenant: acme\nprotect: *@example.com\n", ":2:10: invalid YAML: unknown anchor"},
		"an alias":              {"tenant: &a acme\nprotect: *a\n", ":2:10: invalid protect"},
		"a star alone":          {"tenant: acme\ngroups: *\n", ":2:9: invalid YAML: * or & without a name after it"},
		"a tab":                 {"tenant: acme\nprotect:\n\t- a\n", ":3:1: invalid YAML: a tab in the indentation"},
		"a tab before a key":    {"tenant: acme\n\tgroups: a\n", ":2:1: invalid YAML: a tab in the indentation"},
		"a list left open":      {"groups: [a, b\ntenant: acme\n", ":1:9: invalid YAML: unclosed ["},
		"a quote left open":     {"tenant: acme\ngroups: [\"a]\nprune: none\n", ":2:10: invalid YAML: unclosed quote"},
		"no colon":              {"tenant: acme\nprune none\n", ":2:1: invalid YAML: a key without a colon"},
		"an indented key":       {"tenant: acme\n  groups: x\n", ":2:9: invalid YAML: a colon in the wrong place"},
		"a crooked list":        {"groups:\n  - a\n - b\n", ":3:2: invalid YAML: neither a key nor an entry"},
		"a control":             {"tenant: \"a\x01\"\n", ": invalid YAML: control characters"},
		"too deep":              {"tenant: acme\nprotect: " + strings.Repeat("[", 50_000), ": invalid YAML: exceeded max depth"},
		"too large":             {strings.Repeat("#\n", 1<<19) + "\n", "larger than 1 MiB"},
		"no groups":             {"tenant: acme\ngroups:\n  # - xc-*\n", "invalid groups: must list at least one pattern"},
		"no people":             {"tenant: acme\npeople: []\n", ":2:9: invalid people: must list at least one pattern"},
		"an empty pattern":      {"tenant: acme\npeople: ['*@a.b', '']\n", `:2:19: invalid people "": must not be empty`},
		"two patterns in one":   {"tenant: acme\npeople: [\"a\\nb\"]\n", ":2:10: invalid people"},
		"names that are a list": {"tenant: acme\nnames: [CN=a]\n", ":2:8: invalid names"},
		"a name that is a list": {"tenant: acme\nnames: {CN=a: [b]}\n", ":2:9: invalid names"},
		"a name of nothing":     {"tenant: acme\nnames: {\" \": b}\n", ":2:9: names: invalid DN: it is empty"},
		"roles that are a list": {"tenant: acme\nroles: [\"*/r\"]\n", ":2:8: invalid roles: must be a mapping from API group names"},
		"a role without quotes": {"tenant: acme\nroles:\n  a: [*/r]\n", ":3:7: invalid YAML: unknown anchor"},
		"enforced, no roles":    {"tenant: acme\nroles: {}\nenforce-roles: true\n", ":3:16: enforce-roles requires roles in the policy file"},
		"enforced, bad roles":   {"tenant: acme\nroles: {a: [b]}\nenforce-roles: true\n", ":2:13: invalid role"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := policyFile(t, tt.content)
			all := complaints(t, nil, "--csv=x", "--api-token=t", "--policy", path)
			if text := config.Errors(all).Error(); len(all) != 1 || !strings.Contains(text, tt.want) {
				t.Errorf("%s\nwant %s", text, tt.want)
			}
		})
	}
	wantMessages(t, complaints(t, env{"GITHUB_ACTIONS": "true"}, "--csv=x", "--api-token=t", "--policy=no-such.yml"), "no such file or directory; commit the file")
}

// TestPolicyFileHoldsNoCredentials: they are refused, not shown, and masked.
func TestPolicyFileHoldsNoCredentials(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"token":               "api-token: hush-hush",
		"password":            "p12-password: hush-hush",
		"list":                "api-token: [hush-hush]",
		"GitHub's":            "github-token: hush-hush",
		"in a proxy":          "proxy: http://user:hush-hush@proxy:3128",
		"in an invalid proxy": "proxy: ftp://user:hush-hush@proxy",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := config.LoadPolicy([]byte("tenant: acme\n" + content + "\n"))
			if text := fmt.Sprintf("%+v", err); !strings.Contains(text, "must not contain credentials") || strings.Contains(text, "hush") {
				t.Error(text)
			}
			if !slices.Contains(c.Secrets(), "hush-hush") {
				t.Errorf("not masked: %q", c.Secrets())
			}
		})
	}
	// What may be one is not shown either.
	for _, content := range []string{"api-token:hush", "api-token=hush: x", "'api-token: hush': x", "tenant: *hush", "tenant: !hush"} {
		if _, err := config.LoadPolicy([]byte(content)); err == nil || strings.Contains(fmt.Sprintf("%+v", err), "hush") {
			t.Errorf("%s: %+v", content, err)
		}
	}
}

// TestPolicySchema: for every key, what the schema accepts can be loaded, and
// both refuse a wrong type.
func TestPolicySchema(t *testing.T) {
	t.Parallel()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("policy.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	takes := func(content string) bool {
		var value any
		if err := yaml.Unmarshal([]byte(content), &value); err != nil {
			t.Fatalf("%s: %v", content, err)
		}
		asJSON, err := json.Marshal(value)
		if err != nil {
			return false // keys that are not strings
		}
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(instance) == nil
	}
	loads := func(content string) bool {
		_, err := config.LoadPolicy([]byte(content))
		var all config.Errors
		if !errors.As(err, &all) {
			return true
		}
		for _, finding := range all {
			if finding.Line > 0 && !strings.Contains(finding.Message, "requires") && !strings.Contains(finding.Message, "must not be less") {
				return false
			}
		}
		return true // as far as it goes by itself
	}
	if !takes(fullPolicyTyped) || !loads(fullPolicyTyped) {
		t.Errorf("the example is not valid")
	}
	values := []string{
		"true", "false", "yes", "auto", "0", "1", "-1", "3", "65", "100000", "2.5", "0.0", "500ms", "1h30m", "25h", "10%", "101%", "none", "all", "groups", "full", "reads", "info", "json",
		"merge", "refuse", "keep", "empty", "single", "apply", "withhold", "SSO", "skip-group", "aggressive", "comma", "okta", "acme", "https://h", "{}", "{a: b}", "{CN=a: b}", "{CN=a: B}", "{a: ['*/r', ns/r]}", "{a: []}", "{a: r}", "{a: ns/r}", "{a: [R/x]}", "{a: [a/b/c]}", "{a: [ns/r, ns/r]}", "{A: []}", "{a: [5]}", "[]", "[a]", "[a, 5]", "['']", "[[a]]", "['*@a.b', '!c']",
	}
	taken := map[string]bool{}
	for key, isList := range config.PolicyKeys() {
		for _, value := range values {
			content := key + ": " + value
			bySchema, byProgram := takes(content), loads(content)
			if bySchema {
				taken[key] = true
			}
			wrongType := strings.HasPrefix(value, "[") && !isList || strings.HasPrefix(value, "{") && key != "names" && key != "roles"
			if wrongType && (bySchema || byProgram) || byProgram && !bySchema && !lenient[value] {
				t.Errorf("%s: schema %v, program %v", content, bySchema, byProgram)
			}
		}
	}
	if missing := slices.DeleteFunc(slices.Collect(maps.Keys(config.PolicyKeys())), func(key string) bool { return taken[key] }); len(missing) > 0 {
		t.Errorf("the schema takes no value of %q", missing)
	}
	for _, content := range []string{"csv: x", "api-token: x", "bogus: x", "Tenant: x", "yes: true"} {
		if takes(content) || loads(content) {
			t.Errorf("%s: schema %v, program %v", content, takes(content), loads(content))
		}
	}
}

// lenient are values that the program accepts and an editor should not suggest.
var lenient = map[string]bool{"[]": true}

const fullPolicyTyped = `tenant: acme
groups: ["xc-*"]
adopt: xc-admins
max-removals: 10%
timeout: 0.5
prune: all
strict: true
comment: auto
names: {"CN=A,DC=b": a}
roles: {a: ["*/r", system/ves-io-monitor-role], b: []}
`
