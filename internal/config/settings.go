package config

import (
	"maps"
	"math"
	"slices"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/roster"
	"xc-group-sync/internal/xc"
)

// setting is an entry of the table that everything else is generated from: flags,
// inputs, environment variables, keys of the policy file, help, completion, the
// JSON schema, action.yml and docs/settings.md.
type setting struct {
	name string
	value
	byDefault string // as text; empty: none
	meaning   string // Markdown that also reads as text; its first sentence is the short help

	topic  string   // begins with this setting; empty: that of the setting before
	common bool     // shown by --help
	policy bool     // may be in the policy file
	env    []string // older variables, which count after XC_SYNC_NAME; the first that is set counts
	only   []string // the commands that have it; nil: all

	// guard says what the setting stops, in Markdown for docs/safety.md; empty:
	// it is not a guard. The reusable workflow must pass on every guard.
	guard string

	secret bool   // never shown
	exact  bool   // outer blanks count
	action string // default of the action's input, an expression; empty: none

	// secretIn returns the parts of a secret setting's value that must be hidden
	// everywhere; nil: all of it.
	secretIn func(value string) []string
}

// of reports whether a command has the setting.
func (s *setting) of(command string) bool { return s.only == nil || slices.Contains(s.only, command) }

// reach is the effect of guards that select people or groups.
const reach = "limit what a CSV can reach: [policy](policy.md)"

// settings is the table, in the order of the documentation.
var settings = []*setting{
	{name: "csv", topic: "Common", common: true, only: desiring, value: list(parsed("FILE", csvPath, func(c *Config, v string) { c.CSV = append(c.CSV, v) })),
		meaning: "Path of the CSV export (required by `sync`, `plan` and `explain`). `-` is standard input. A list, one path or glob per line, is read as one roster."},
	{name: "snapshot", common: true, only: []string{Restore, Export}, value: file(func(c *Config, v string) { c.Snapshot = v }),
		meaning: "Path of a snapshot. `restore`: what to go back to (required). `export`: what to read instead of the tenant."},
	{name: "output", only: []string{Export}, byDefault: "-", value: file(func(c *Config, v string) { c.Output = v }),
		meaning: "Path of the CSV to write. `-` is standard output. An existing file is overwritten."},
	{name: "policy-output", only: []string{Export}, value: file(func(c *Config, v string) { c.PolicyOutput = v }),
		meaning: "Path of the policy file to write: the groups to adopt, API names and roles that match the CSV. An existing file is overwritten."},
	{name: "policy", common: true, value: file(func(c *Config, v string) { c.PolicyFile.Path = v }),
		meaning: "Path of the tenant's policy file (YAML). It holds the rules that every run for the tenant shares."},
	{name: "tenant", common: true, policy: true, env: []string{"TENANT_ID"}, value: parsed("NAME", tenantName, func(c *Config, v string) { c.Tenant = v }),
		meaning: "Tenant name, as in `https://NAME.console.ves.volterra.io`. Optional if `api-url` is set."},
	{name: "api-token", common: true, secret: true, env: []string{"XC_API_TOKEN"}, value: parsed("TOKEN", apiToken, func(c *Config, v string) { c.APIToken = v }),
		meaning: "API token. If several kinds of credentials are given, the token is used, then PKCS#12, then PEM."},
	{name: "dry-run", common: true, only: applying, byDefault: "false", value: boolean(func(c *Config, v bool) { c.DryRun = v }),
		meaning: "Plan and report, change nothing.",
		guard:   "shows the plan, as the command `plan` does; the client refuses to send anything but `GET`"},
	{name: "yes", common: true, only: applying, byDefault: "false", value: boolean(func(c *Config, v bool) { c.Yes = v }),
		meaning: "Apply without asking first. Without it, a run on a terminal prints its plan and asks before the first write."},
	{name: "simulate", common: true, byDefault: "false", value: boolean(func(c *Config, v bool) { c.Simulate = v }),
		meaning: "Run against an embedded tenant: no credentials, nothing outside is touched."},
	{name: "simulate-state", value: list(file(func(c *Config, v string) { c.SimulateState = append(c.SimulateState, v) })),
		meaning: "What the embedded tenant holds instead of the sample: a snapshot, or a CSV and a policy file as `export` writes them, one per line."},
	{name: "simulate-faults", byDefault: "0", value: number(1, func(c *Config, v float64) { c.SimulateFaults = v }),
		meaning: "Share of the embedded tenant's requests that fail transiently, 0 to 1."},
	{name: "report-file", common: true, only: reporting, value: file(func(c *Config, v string) { c.ReportFile = v }),
		meaning: "Write the JSON report to this file; `-` is standard output. An existing file is overwritten, and links are followed. Outside Actions, only its owner can read the file. In Actions, it cannot be a device."},
	{name: "log-level", policy: true, byDefault: "info", value: choice(setLogLevel, "debug", "info", "warn", "error"),
		meaning: "Minimum severity to log."},
	{name: "log-format", policy: true, byDefault: "text", value: choice(func(c *Config, v string) { c.LogFormat = v }, "text", "json"),
		meaning: "Log format."},
	{name: "delimiter", policy: true, only: desiring, byDefault: "auto", value: delimiter(),
		meaning: "Delimiter of the CSV. `auto` detects it from the header."},
	{name: "columns", policy: true, only: desiring, value: parsed("COLUMNS", roster.ParseColumns, func(c *Config, v roster.Columns) { c.Roster.Columns = v }),
		meaning: "Titles of the CSV's columns, if they are not the default ones: `email=Mail,groups=MemberOf,name=Name,status=Enabled`, or a preset (`active-directory`, `entra-id`, `okta`), optionally followed by such pairs. " +
			"A column in which true means not active needs a `!`, as in `status=!Suspended`."},

	{name: "groups", topic: "What is changed", common: true, policy: true, value: patterns(func(c *Config) *plan.Patterns { return &c.Policy.Groups }),
		meaning: "Groups in scope, everything by default: patterns, one per line, of API group names, or of whole DNs if a pattern contains `=`. A leading `!` excludes.",
		guard:   reach},
	{name: "people", policy: true, value: patterns(func(c *Config) *plan.Patterns { return &c.Policy.People }),
		meaning: "People in scope, everyone by default: email patterns, one per line. A leading `!` excludes.",
		guard:   reach},
	{name: "adopt", policy: true, only: desiring, value: patterns(func(c *Config) *plan.Patterns { return &c.Policy.Adopt }),
		meaning: "Groups that this program did not create and may change: patterns of API group names, one per line.",
		guard:   reach},
	{name: "unnamed-groups", policy: true, only: desiring, byDefault: "keep", value: choice(func(c *Config, v string) { c.Policy.EmptyUnnamed = v == "empty" }, "keep", "empty"),
		meaning: "What happens to the members of a group in scope that no row names any more: `keep` them, or `empty` the group. `empty` requires `groups`."},
	{name: "prune", common: true, policy: true, only: desiring, byDefault: "none", value: choice(setPrune, "none", "groups", "users", "all"),
		meaning: "Delete what the CSV no longer names. A person in any row, active or not, is named.",
		guard:   reach},
	{name: "prune-unmanaged", policy: true, only: desiring, byDefault: "false", value: boolean(func(c *Config, v bool) { c.Policy.PruneUnmanaged = v }),
		meaning: "Let `prune` also delete groups that this program did not create (their description does not begin with `" + plan.Marker + "`)."},
	{name: "prune-inactive", policy: true, only: desiring, byDefault: "false", value: boolean(func(c *Config, v bool) { c.Policy.PruneInactive = v }),
		meaning: "Let `prune` also delete users that the CSV lists as inactive."},
	{name: "protect", common: true, policy: true, only: planning, value: patterns(func(c *Config) *plan.Patterns { return &c.Policy.Protect }),
		meaning: "Emails and API group names that are never deleted: patterns, one per line. A matching person is never removed from a group, and a matching group never loses a member.",
		guard:   reach},
	{name: "removals", policy: true, only: planning, byDefault: "apply", value: choice(func(c *Config, v string) { c.Policy.Withhold = v == "withhold" }, "apply", "withhold"),
		meaning: "`withhold` makes a run additive: it removes no member, role, group or user, and reports what it withheld.",
		guard:   "`withhold`: additions only"},
	{name: "max-removals", common: true, policy: true, only: planning, byDefault: "25%", value: limit(func(c *Config, v plan.Limit) { c.Policy.MaxRemovals = v }),
		meaning: "Refuse a plan that removes more groups, users, roles, memberships, or memberships of one group than this. A percentage never blocks five or fewer.",
		guard:   "refuses a plan that removes more, see [policy](policy.md#hold-back-removals). To allow it once, run [first-load.yml](recipes/first-load.yml) with the plan's digest and the number from the hint"},
	{name: "only", only: []string{Sync, Plan, Explain}, value: patterns(func(c *Config) *plan.Patterns { return &c.Policy.Only }),
		meaning: "Limit this run to matching people and groups: patterns of emails and API group names, one per line.",
		guard:   reach},
	// A digest of spaces must not count as none, which would allow any plan.
	{name: "expect-plan", only: applying, exact: true, value: parsed("DIGEST|pull-request", planDigest, func(c *Config, v string) { c.ExpectPlan = v }),
		meaning: "Digest of a reviewed plan: apply only if the current plan has the same digest. `pull-request` is the digest shown in this action's comment on the merged pull request.",
		guard:   "applies only the plan that was reviewed. The digest covers the API's host and path and everything that would be sent"},
	{name: "fail-on-drift", only: applying, byDefault: "false", value: boolean(func(c *Config, v bool) { c.FailOnDrift = v }),
		meaning: "With `dry-run`: exit 6 if there is anything to do."},
	{name: "name-collisions", policy: true, only: desiring, byDefault: "refuse", value: choice(func(c *Config, v string) { c.Policy.MergeCollisions = v == "merge" }, "refuse", "merge"),
		meaning: "DNs that differ but map to one API name: `refuse` skips the group and counts it as failed, `merge` makes one group of them."},
	{name: "strict", policy: true, only: desiring, byDefault: "false", value: boolean(func(c *Config, v bool) { c.Strict = v }),
		meaning: "Fail the run (exit 4) on any invalid row, before the API is called.",
		guard:   "refuses a CSV with any invalid row (exit 4)"},
	{name: "on-user-failure", policy: true, only: applying, byDefault: "skip-group", value: choice(func(c *Config, v groupsync.OnUserFailure) { c.OnUserFailure = v }, groupsync.SkipGroup, groupsync.SyncRest),
		meaning: "A group that needs a user who could not be created: `skip-group` leaves it alone and counts it as failed, `sync-rest` syncs it without that user."},
	{name: "idm-type", policy: true, only: desiring, byDefault: "auto", value: choice(setIDMType, directory.IDMLocal, directory.IDMSSO, "auto"),
		meaning: "Kind of new users. `auto` is the kind that most of the tenant's ordinary users have; local if there are none."},
	{name: "update-users", policy: true, only: desiring, byDefault: "false", value: boolean(func(c *Config, v bool) { c.Policy.UpdateUsers = v }),
		meaning: "Also correct first and last names of existing local users."},
	{name: "membership-writes", policy: true, only: applying, byDefault: "replace", value: choice(func(c *Config, v groupsync.MembershipWrites) { c.MembershipWrites = v }, groupsync.ReplaceMembers, groupsync.SingleMembers),
		meaning: "How members of existing groups are written: `replace` (the whole list) or `single` (one person and one group per request; " +
			"the whole list if the changes outnumber the resulting members, or if an attribute of the group changes too). " +
			"The first `single` write of a run is read back, and the run stops if it did more than it should."},
	{name: "enforce-roles", policy: true, only: desiring, byDefault: "false", value: boolean(func(c *Config, v bool) { c.Policy.EnforceRoles = v }),
		meaning: "With `roles` in the policy file: also revoke roles that it does not list from the groups it lists."},
	{name: "snapshot-file", only: applying, value: file(func(c *Config, v string) { c.SnapshotFile = v }),
		meaning: "Save the state of what is about to change to this file, before the first write. `xc-group-sync restore` goes back to it. An existing file is never overwritten. Outside Actions, only its owner can read it."},

	{name: "retry-profile", topic: "Retry", policy: true, only: applying, byDefault: "balanced", value: choice(func(*Config, string) {}, slices.Sorted(maps.Keys(retry.Profiles()))...),
		meaning: "`aggressive` (5 attempts, 0.5–2 s), `balanced` (3, 1–4 s) or `conservative` (2, 2–10 s). An explicit setting wins."},
	{name: "retry-attempts", policy: true, only: applying, byDefault: "3", value: whole(1, math.MaxInt32, func(c *Config, v int) { c.UserRetry.Attempts = v }),
		meaning: "Total attempts to create, update or delete a user, including the first."},
	{name: "backoff-multiplier", policy: true, only: applying, byDefault: "1.0", value: positiveSeconds(func(c *Config, v time.Duration) { c.UserRetry.Multiplier = v }),
		meaning: "First wait in seconds. It doubles with each retry."},
	{name: "backoff-min", policy: true, only: applying, byDefault: "1.0", value: seconds(func(c *Config, v time.Duration) { c.UserRetry.Min = v }),
		meaning: "Shortest wait in seconds."},
	{name: "backoff-max", policy: true, only: applying, byDefault: "4.0", value: seconds(func(c *Config, v time.Duration) { c.UserRetry.Max = v }),
		meaning: "Longest wait in seconds, unless a `Retry-After` is longer."},
	{name: "backoff-jitter", policy: true, only: applying, byDefault: "none", value: choice(setJitter, retry.NoJitter, retry.FullJitter, retry.EqualJitter),
		meaning: "Randomness of the waits, also of group operations: `full` is between the minimum and the computed wait, `equal` is half fixed and half random."},
	{name: "retry-after-max", policy: true, byDefault: "60", value: seconds(func(c *Config, v time.Duration) { c.RetryAfterMax = v }),
		meaning: "Longest `Retry-After` to honor, in seconds. A longer one ends the retries."},
	{name: "group-retry-attempts", policy: true, only: applying, byDefault: "1", value: whole(1, math.MaxInt32, func(c *Config, v int) { c.GroupRetry.Attempts = v }),
		meaning: "Total attempts to create, update or delete a group. 1 means no retry."},
	{name: "group-backoff-multiplier", policy: true, only: applying, byDefault: "1.0", value: positiveSeconds(func(c *Config, v time.Duration) { c.GroupRetry.Multiplier = v }),
		meaning: "`backoff-multiplier` for groups."},
	{name: "group-backoff-min", policy: true, only: applying, byDefault: "1.0", value: seconds(func(c *Config, v time.Duration) { c.GroupRetry.Min = v }),
		meaning: "`backoff-min` for groups."},
	{name: "group-backoff-max", policy: true, only: applying, byDefault: "4.0", value: seconds(func(c *Config, v time.Duration) { c.GroupRetry.Max = v }),
		meaning: "`backoff-max` for groups."},
	{name: "retry-budget", policy: true, only: applying, byDefault: "0", value: whole(0, math.MaxInt32, func(c *Config, v int) { c.RetryBudget = v }),
		meaning: "Maximum retries of user and group operations in one run. 0 means no limit."},
	{name: "circuit-breaker-threshold", policy: true, only: applying, byDefault: "5", value: whole(0, math.MaxInt32, func(c *Config, v int) { c.BreakerThreshold = v }),
		meaning: "Consecutive operations that fail for transient reasons, after their retries, before the rest are held back. 0 turns it off."},
	{name: "circuit-breaker-cooldown", policy: true, only: applying, byDefault: "30", value: seconds(func(c *Config, v time.Duration) { c.BreakerCooldown = v }),
		meaning: "Seconds until one trial operation. If it succeeds, the rest continue; if it fails, the rest fail."},
	{name: "http-retry-attempts", policy: true, byDefault: "3", value: whole(1, math.MaxInt32, func(c *Config, v int) { c.HTTPAttempts = v }),
		meaning: "Attempts per HTTP request in the client layer, with waits of 0.5, 1, 2 … s."},
	{name: "http-retry-scope", policy: true, byDefault: "reads", value: choice(func(c *Config, v xc.Scope) { c.HTTPScope = v }, xc.ScopeReads, xc.ScopeAll, xc.ScopeNone),
		meaning: "Requests that the client layer repeats: `reads` (GETs only), `all` (the layers multiply) or `none`."},

	{name: "api-url", topic: "Network and credentials", policy: true, env: []string{"XC_API_URL", "VOLT_API_URL"}, value: parsed("URL", apiURL, func(c *Config, v string) { c.APIURL = v }),
		meaning: "Base URL of the API instead of the tenant's (staging, a proxy). Plain `http` is allowed for loopback addresses only."},
	{name: "p12-file", env: []string{"VOLT_API_P12_FILE"}, value: file(func(c *Config, v string) { c.P12File = v }),
		meaning: "Client certificate as a PKCS#12 file."},
	{name: "p12-base64", secret: true, env: []string{"XC_P12"}, value: verbatim("BASE64", func(c *Config, v string) { c.P12Base64 = v }),
		meaning: "Client certificate as the base64 text of a PKCS#12 file, from a secret. It is never written to disk."},
	{name: "p12-password", secret: true, exact: true, env: []string{"VES_P12_PASSWORD", "XC_P12_PASSWORD"}, value: verbatim("PASSWORD", func(c *Config, v string) { c.P12Password = v }),
		meaning: "Password of the PKCS#12 file."},
	{name: "cert-file", env: []string{"VOLT_API_CERT_FILE"}, value: file(func(c *Config, v string) { c.CertFile = v }),
		meaning: "Client certificate as a PEM file."},
	{name: "key-file", env: []string{"VOLT_API_CERT_KEY_FILE"}, value: file(func(c *Config, v string) { c.KeyFile = v }),
		meaning: "Key of the client certificate as a PEM file."},
	{name: "expiry-warning", policy: true, byDefault: "14", value: whole(0, math.MaxInt32, func(c *Config, v int) { c.ExpiryWarning = v }),
		meaning: "Warn this many days before the client certificate expires. 0 turns it off."},
	{name: "timeout", policy: true, byDefault: "30", value: positiveSeconds(func(c *Config, v time.Duration) { c.Timeout = v }),
		meaning: "Timeout of one HTTP request in seconds."},
	{name: "concurrency", policy: true, byDefault: "4", value: whole(1, 64, func(c *Config, v int) { c.Concurrency = v }),
		meaning: "Operations in flight, 1 to 64."},
	{name: "rate-limit", policy: true, byDefault: "0", value: number(math.Inf(1), func(c *Config, v float64) { c.RateLimit = v }),
		meaning: "Maximum requests per second. 0 means no limit."},
	{name: "proxy", policy: true, secret: true, secretIn: proxyLogin, value: parsed("URL", proxyURL, func(c *Config, v string) { c.Proxy = v }),
		meaning: "Proxy URL. Without it, `HTTPS_PROXY` and `NO_PROXY` apply. Loopback addresses are never proxied. In the policy file it must not hold a login."},
	{name: "ca-bundle", policy: true, env: []string{"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}, value: file(func(c *Config, v string) { c.CABundle = v }),
		meaning: "PEM file of CA certificates to trust in addition to the system's."},

	{name: "summary", topic: "GitHub", policy: true, only: reporting, byDefault: "true", value: boolean(func(c *Config, v bool) { c.Summary = v }),
		meaning: "Write the job summary."},
	{name: "comment", policy: true, only: applying, byDefault: "auto", value: tristate(func(c *Config, v Tristate) { c.Comment = v }),
		meaning: "Keep one comment on the pull request up to date. It needs the permission `pull-requests: write`; without it, `true` makes the run exit with 1, and `auto` only warns."},
	{name: "pull-request", only: applying, value: whole(1, math.MaxInt32, func(c *Config, v int) { c.PullRequest = v }),
		meaning: "Number of the pull request to comment on, for events that do not name one."},
	{name: "approve-masked", policy: true, only: applying, byDefault: "false", value: boolean(func(c *Config, v bool) { c.ApproveMasked = v }),
		meaning: "Let a comment with masked emails approve its plan for `expect-plan: pull-request`, although it does not show who is affected. The run that applies must set it too."},
	{name: "issue-on-failure", policy: true, only: applying, byDefault: "false", value: boolean(func(c *Config, v bool) { c.IssueOnFailure = v }),
		meaning: "Keep one issue per tenant open while runs outside pull requests fail, are refused or find drift. It needs the permission `issues: write`."},
	{name: "github-token", only: applying, secret: true, env: []string{"GITHUB_TOKEN"}, action: "${{ github.token }}", value: verbatim("TOKEN", func(c *Config, v string) { c.GitHubToken = v }),
		meaning: "Token for `comment`, `issue-on-failure` and `expect-plan: pull-request`. In the action, the default is the job's own token."},
	{name: "mask-emails", policy: true, byDefault: "auto", value: tristate(func(c *Config, v Tristate) { c.MaskEmails = v }),
		meaning: "Hide usernames, and the local part of emails, in logs, summary, comment, annotations and issue. `auto` hides them in Actions unless the repository is known to be private. The JSON report is not masked."},
}

// delimiter also reads the characters themselves.
func delimiter() value {
	v := choice(func(*Config, string) {}, "auto", "comma", "semicolon", "tab")
	read := parsed(v.form, roster.ParseDelimiter, func(c *Config, d roster.Delimiter) { c.Roster.Delimiter = d })
	read.limits = v.limits
	return read
}

func setPrune(c *Config, what string) {
	c.Policy.PruneGroups = what == "groups" || what == "all"
	c.Policy.PruneUsers = what == "users" || what == "all"
}

func setIDMType(c *Config, kind string) {
	if kind != "auto" {
		c.Policy.IDMType = kind
	}
}

func setJitter(c *Config, kind retry.Jitter) { c.UserRetry.Jitter, c.GroupRetry.Jitter = kind, kind }

func setLogLevel(c *Config, name string) {
	_ = c.LogLevel.UnmarshalText([]byte(name)) // cannot fail for the names there are
}
