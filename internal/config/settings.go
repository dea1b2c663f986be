package config

import (
	"math"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/roster"
	"xc-group-sync/internal/xc"
)

// setting is a line of the table that everything else is made from.
type setting struct {
	name      string
	env       []string // first given first
	byDefault string   // as text; empty: none
	meaning   string   // one sentence or two, in Markdown that reads as text too
	set       func(*Config, string) error

	section string // begins with it; empty: it is of the section before
	isBool  bool   // as a flag it needs no value
	secret  bool   // never shown
	exact   bool   // blanks at the ends count
	lines   bool   // one entry a line
	only    string // the one command that has it; empty: all
	action  string // the default of the action's input, an expression; empty: none

	// secretIn is what in the value of a secret setting must be hidden
	// wherever it stands; nil: all of it.
	secretIn func(value string) []string
}

// of tells whether a command has the setting.
func (s *setting) of(command string) bool { return s.only == "" || s.only == command }

// settings is the table, in the order of the documentation.
var settings = []setting{
	{name: "csv", section: "CSV or snapshot", only: Sync, set: text(func(c *Config) *string { return &c.CSV }),
		meaning: "Path of the CSV export (required)."},
	{name: "delimiter", only: Sync, byDefault: "auto", set: into(func(c *Config) *roster.Delimiter { return &c.Roster.Delimiter }, roster.ParseDelimiter),
		meaning: "What separates the CSV's fields: `comma`, `semicolon`, `tab`, or `auto`, which sees it in the header."},
	{name: "columns", only: Sync, set: into(func(c *Config) *roster.Columns { return &c.Roster.Columns }, roster.ParseColumns),
		meaning: "Titles of the CSV's columns where they are not the standard ones, as in `email=Mail,groups=MemberOf,name=Name,status=Enabled`; or a ready set (`active-directory`, `entra-id`, `okta`), which may stand before such pairs. A column that says who is not active needs a `!`, as in `status=!Suspended`."},
	{name: "snapshot", only: Restore, set: text(func(c *Config) *string { return &c.Snapshot }),
		meaning: "Path of the snapshot to go back to (required)."},
	{name: "tenant", section: "Tenant and credentials", env: []string{"TENANT_ID"}, set: tenantName,
		meaning: "Name of the tenant, as in `https://NAME.console.ves.volterra.io`. May be left out where `api-url` is given."},
	{name: "api-url", env: []string{"XC_API_URL", "VOLT_API_URL"}, set: apiURL,
		meaning: "Base URL of the API in place of the tenant's (staging, a proxy). Plain `http` is allowed to loopback addresses only."},
	{name: "api-token", env: []string{"XC_API_TOKEN"}, secret: true, set: into(func(c *Config) *string { return &c.APIToken }, apiToken),
		meaning: "API token. Of several kinds of credentials the token comes first, then PKCS#12, then PEM."},
	{name: "p12-file", env: []string{"VOLT_API_P12_FILE"}, set: text(func(c *Config) *string { return &c.P12File }),
		meaning: "Client certificate as a PKCS#12 file."},
	{name: "p12-base64", env: []string{"XC_P12"}, secret: true, set: verbatim(func(c *Config) *string { return &c.P12Base64 }),
		meaning: "Client certificate as the base64 text of a PKCS#12 file, from a secret. It is never written to disk."},
	{name: "p12-password", env: []string{"VES_P12_PASSWORD"}, secret: true, exact: true, set: verbatim(func(c *Config) *string { return &c.P12Password }),
		meaning: "Password of the PKCS#12 container."},
	{name: "cert-file", env: []string{"VOLT_API_CERT_FILE"}, set: text(func(c *Config) *string { return &c.CertFile }),
		meaning: "Client certificate as a PEM file."},
	{name: "key-file", env: []string{"VOLT_API_CERT_KEY_FILE"}, set: text(func(c *Config) *string { return &c.KeyFile }),
		meaning: "Key of the client certificate as a PEM file."},

	{name: "simulate", byDefault: "false", isBool: true, set: boolean(func(c *Config) *bool { return &c.Simulate }),
		meaning: "Run against an embedded tenant: no credentials, nothing outside is touched."},
	{name: "simulate-faults", byDefault: "0", set: number(func(c *Config) *float64 { return &c.SimulateFaults }, 1),
		meaning: "Share of the embedded tenant's requests that fail in passing, 0 to 1."},
	{name: "dry-run", section: "What is changed", byDefault: "false", isBool: true, set: boolean(func(c *Config) *bool { return &c.DryRun }),
		meaning: "Plan and report, change nothing."},
	{name: "prune", only: Sync, byDefault: "none", set: prune,
		meaning: "Delete what the CSV no longer names: `none`, `groups`, `users` or `all`. A person in any row, active or not, is named."},
	{name: "prune-unmanaged", only: Sync, byDefault: "false", isBool: true, set: boolean(func(c *Config) *bool { return &c.Policy.PruneUnmanaged }),
		meaning: "Let `prune` also delete groups that this program did not create (whose description does not begin with `" + plan.Marker + "`)."},
	{name: "prune-inactive", only: Sync, byDefault: "false", isBool: true, set: boolean(func(c *Config) *bool { return &c.Policy.PruneInactive }),
		meaning: "Let `prune` of users also delete people whom the CSV names as inactive."},
	{name: "protect", lines: true, set: into(func(c *Config) *plan.Patterns { return &c.Policy.Protect }, plan.ParsePatterns),
		meaning: "Emails and API group names that are never deleted: patterns, one per line. A leading `!` excludes. A matching person is never removed from a group."},
	{name: "max-removals", byDefault: "25%", set: into(func(c *Config) *plan.Limit { return &c.Policy.MaxRemovals }, plan.ParseLimit),
		meaning: "Refuse a plan that removes more groups, users, memberships, or memberships of one group than this: a number, a share, or `none`. A share never stops five or fewer."},
	{name: "expect-plan", set: into(func(c *Config) *string { return &c.ExpectPlan }, planDigest),
		meaning: "Digest of a reviewed plan: apply only if today's plan still has it. `pull-request`: after a merge, the digest that this action's comment on the pull request showed."},
	{name: "fail-on-drift", byDefault: "false", isBool: true, set: boolean(func(c *Config) *bool { return &c.FailOnDrift }),
		meaning: "With `dry-run`: exit 6 if there is anything to do."},
	{name: "name-collisions", only: Sync, byDefault: "refuse", set: nameCollisions,
		meaning: "Groups whose DNs differ but whose API names agree: `refuse` leaves them alone and counts each as failed, `merge` makes one group of them."},
	{name: "strict", only: Sync, byDefault: "false", isBool: true, set: boolean(func(c *Config) *bool { return &c.Strict }),
		meaning: "Any bad CSV row fails the run (exit 4) before the API is called."},
	{name: "on-user-failure", byDefault: "skip-group",
		set:     choice(func(c *Config) *groupsync.OnUserFailure { return &c.OnUserFailure }, groupsync.SkipGroup, groupsync.SyncRest),
		meaning: "A group with a user who could not be created: `skip-group` leaves it alone and counts it as failed, `sync-rest` syncs it without that user."},
	{name: "idm-type", only: Sync, byDefault: "auto", set: idmType,
		meaning: "Kind of users that are created: `VOLTERRA_MANAGED`, `SSO`, or `auto`, what most of the tenant's ordinary users are."},
	{name: "update-users", only: Sync, byDefault: "false", isBool: true, set: boolean(func(c *Config) *bool { return &c.Policy.UpdateUsers }),
		meaning: "Also correct first and last names of existing local users."},

	{name: "retry-profile", section: "Retry", byDefault: "balanced", set: profileName,
		meaning: "`aggressive` (5 attempts, 0.5–2 s), `balanced` (3, 1–4 s) or `conservative` (2, 2–10 s); a setting given by itself wins."},
	{name: "retry-attempts", byDefault: "3", set: whole(func(c *Config) *int { return &c.UserRetry.Attempts }, 1, math.MaxInt32),
		meaning: "Total attempts to create a user, the first included; also to change or delete one."},
	{name: "backoff-multiplier", byDefault: "1.0", set: seconds(func(c *Config) *time.Duration { return &c.UserRetry.Multiplier }, false),
		meaning: "Seconds of the first wait; it doubles with each retry."},
	{name: "backoff-min", byDefault: "1.0", set: seconds(func(c *Config) *time.Duration { return &c.UserRetry.Min }, true),
		meaning: "Seconds of the shortest wait."},
	{name: "backoff-max", byDefault: "4.0", set: seconds(func(c *Config) *time.Duration { return &c.UserRetry.Max }, true),
		meaning: "Seconds of the longest wait, but for a `Retry-After`."},
	{name: "backoff-jitter", byDefault: "none", set: jitter,
		meaning: "`none`, `full` (between the minimum and the computed wait) or `equal` (half fixed, half random); for group operations too."},
	{name: "retry-after-max", byDefault: "60", set: seconds(func(c *Config) *time.Duration { return &c.RetryAfterMax }, true),
		meaning: "Seconds of the longest `Retry-After` that is honoured; a longer one ends the retries."},
	{name: "group-retry-attempts", byDefault: "1", set: whole(func(c *Config) *int { return &c.GroupRetry.Attempts }, 1, math.MaxInt32),
		meaning: "Total attempts to create, update or delete a group; 1 means no retry."},
	{name: "group-backoff-multiplier", byDefault: "1.0", set: seconds(func(c *Config) *time.Duration { return &c.GroupRetry.Multiplier }, false),
		meaning: "The same as `backoff-multiplier` for groups."},
	{name: "group-backoff-min", byDefault: "1.0", set: seconds(func(c *Config) *time.Duration { return &c.GroupRetry.Min }, true),
		meaning: "The same as `backoff-min` for groups."},
	{name: "group-backoff-max", byDefault: "4.0", set: seconds(func(c *Config) *time.Duration { return &c.GroupRetry.Max }, true),
		meaning: "The same as `backoff-max` for groups."},
	{name: "retry-budget", byDefault: "0", set: whole(func(c *Config) *int { return &c.RetryBudget }, 0, math.MaxInt32),
		meaning: "The most retries of user and group operations in one run; 0 means no limit."},
	{name: "circuit-breaker-threshold", byDefault: "5", set: whole(func(c *Config) *int { return &c.BreakerThreshold }, 0, math.MaxInt32),
		meaning: "Operations that fail in a row, after their retries, for transient reasons, before the rest is held back; 0 turns it off."},
	{name: "circuit-breaker-cooldown", byDefault: "30", set: seconds(func(c *Config) *time.Duration { return &c.BreakerCooldown }, true),
		meaning: "Seconds until one operation may try again; if it succeeds the rest goes on, if it fails the rest ends as failed."},
	{name: "http-retry-attempts", byDefault: "3", set: whole(func(c *Config) *int { return &c.HTTPAttempts }, 1, math.MaxInt32),
		meaning: "Attempts of one HTTP request in the client layer, with waits of 0.5, 1, 2 … s."},
	{name: "http-retry-scope", byDefault: "reads", set: choice(func(c *Config) *xc.Scope { return &c.HTTPScope }, xc.ScopeReads, xc.ScopeAll, xc.ScopeNone),
		meaning: "What the client layer repeats: `reads` (GETs only), `all` (the layers multiply) or `none`."},
	{name: "timeout", section: "Network", byDefault: "30", set: seconds(func(c *Config) *time.Duration { return &c.Timeout }, false),
		meaning: "Seconds for one HTTP request."},
	{name: "concurrency", byDefault: "4", set: whole(func(c *Config) *int { return &c.Concurrency }, 1, 64),
		meaning: "Operations in flight at once, 1 to 64."},
	{name: "rate-limit", byDefault: "0", set: number(func(c *Config) *float64 { return &c.RateLimit }, math.Inf(1)),
		meaning: "Requests a second; 0 means no limit."},
	{name: "proxy", secret: true, secretIn: proxyLogin, set: proxyURL,
		meaning: "Proxy URL; without it `HTTPS_PROXY` and `NO_PROXY` count."},
	{name: "ca-bundle", env: []string{"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}, set: text(func(c *Config) *string { return &c.CABundle }),
		meaning: "PEM file of CA certificates to trust beside the system's."},

	{name: "summary", section: "GitHub and output", byDefault: "true", isBool: true, set: boolean(func(c *Config) *bool { return &c.Summary }),
		meaning: "Write the job summary."},
	{name: "comment", byDefault: "auto", set: tristate(func(c *Config) *Tristate { return &c.Comment }),
		meaning: "Keep one comment on the pull request up to date: `auto`, `true` or `false`. It needs the permission `pull-requests: write`; without, `true` ends the run with 1, `auto` with a warning."},
	{name: "issue-on-failure", byDefault: "false", isBool: true, set: boolean(func(c *Config) *bool { return &c.IssueOnFailure }),
		meaning: "Open one issue for the tenant when a run that is no pull request's fails, is refused or finds drift; keep it up to date, and close it on recovery. It needs the permission `issues: write`."},
	{name: "github-token", env: []string{"GITHUB_TOKEN"}, secret: true, action: "${{ github.token }}", set: verbatim(func(c *Config) *string { return &c.GitHubToken }),
		meaning: "Token for `comment`, `issue-on-failure` and `expect-plan: pull-request`; in the action it is the job's own unless another is given."},
	{name: "mask-emails", byDefault: "auto", set: tristate(func(c *Config) *Tristate { return &c.MaskEmails }),
		meaning: "Hide the local part of e-mails in logs, summary, comment, annotations and issue: `true`, `false`, or `auto`, which hides them in Actions unless the repository is known to be private. The JSON report is not masked."},
	{name: "snapshot-file", set: text(func(c *Config) *string { return &c.SnapshotFile }),
		meaning: "Before anything is changed, save there what is about to change; `xc-group-sync restore` goes back to it. A file that is there already is never overwritten: the run refuses to begin."},
	{name: "report-file", set: text(func(c *Config) *string { return &c.ReportFile }),
		meaning: "Write the JSON report there."},
	{name: "log-level", byDefault: "info", set: logLevel,
		meaning: "`debug`, `info`, `warn` or `error`."},
	{name: "log-format", byDefault: "text", set: choice(func(c *Config) *string { return &c.LogFormat }, "text", "json"),
		meaning: "`text` or `json`."},
}

func tristate(at func(*Config) *Tristate) func(*Config, string) error {
	return choice(at, Auto, Yes, No)
}

func prune(c *Config, value string) error {
	what, err := oneOf(value, "none", "groups", "users", "all")
	c.Policy.PruneGroups = what == "groups" || what == "all"
	c.Policy.PruneUsers = what == "users" || what == "all"
	return err
}

func nameCollisions(c *Config, value string) error {
	what, err := oneOf(value, "refuse", "merge")
	c.Policy.MergeCollisions = what == "merge"
	return err
}

func idmType(c *Config, value string) error {
	what, err := oneOf(value, directory.IdmLocal, directory.IdmSSO, "auto")
	if what != "auto" {
		c.Policy.IdmType = what
	}
	return err
}

func jitter(c *Config, value string) error {
	kind, err := oneOf(value, retry.NoJitter, retry.FullJitter, retry.EqualJitter)
	c.UserRetry.Jitter, c.GroupRetry.Jitter = kind, kind
	return err
}

func logLevel(c *Config, value string) error {
	name, err := oneOf(value, "debug", "info", "warn", "error")
	if err != nil {
		return err
	}
	return c.LogLevel.UnmarshalText([]byte(name))
}
