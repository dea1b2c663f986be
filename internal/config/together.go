package config

import (
	"slices"
	"strings"
	"time"

	"xc-group-sync/internal/xc"
)

// inActions reports whether the program runs as a step of GitHub Actions.
func (l *loader) inActions() bool { return l.getenv("GITHUB_ACTIONS") == "true" }

// checkTogether checks what concerns more than one setting.
func (l *loader) checkTogether() {
	c := l.config
	if slices.Contains(desiring, l.command) && l.command != Doctor && len(c.CSV) == 0 && !l.invalid["csv"] {
		l.fail("give the path of the CSV export: --csv FILE", "missing required setting: csv")
	}
	if stdin := slices.Index(c.CSV, "-"); stdin >= 0 && slices.Contains(c.CSV[stdin+1:], "-") {
		l.failAbout("csv", "", `invalid csv "-": standard input can be read only once`)
	}
	if l.command == Restore && c.Snapshot == "" && !l.invalid["snapshot"] {
		l.fail("give the file that a sync with snapshot-file wrote: --snapshot FILE", "missing required setting: snapshot")
	}
	if l.command == Explain && len(c.Policy.Only) == 0 && !l.invalid["only"] {
		l.fail("name people or groups: --only ada@example.com", "missing required setting: only")
	}
	if !l.invalid["retry-profile"] {
		l.checkOrder("backoff-min", "backoff-max", c.UserRetry.Min, c.UserRetry.Max)
	}
	l.checkOrder("group-backoff-min", "group-backoff-max", c.GroupRetry.Min, c.GroupRetry.Max)
	l.require("fail-on-drift", c.FailOnDrift, "dry-run", c.DryRun, "also set dry-run: a run that applies leaves no drift")
	l.require("simulate-faults", c.SimulateFaults > 0, "simulate", c.Simulate, "")
	l.require("simulate-state", len(c.SimulateState) > 0, "simulate", c.Simulate, "")
	if c.Policy.EnforceRoles && len(c.Policy.Roles) == 0 && !l.invalid["roles"] && !l.unread {
		l.failAbout("enforce-roles", "list the groups and their roles in the policy file", "enforce-roles requires roles in the policy file")
	}
	l.checkScope()
	if c.Policy.PruneUnmanaged && !c.Policy.PruneGroups {
		l.warn("prune-unmanaged has no effect without prune: groups or all")
	}
	if c.Policy.PruneInactive && !c.Policy.PruneUsers {
		l.warn("prune-inactive has no effect without prune: users or all")
	}
	if l.command != Export || c.Snapshot == "" { // else the snapshot takes the place of the tenant
		l.checkTenant()
		l.checkCredentials()
	}
	c.Policy.Tenant, c.Policy.Sample = c.Tenant, c.Simulate && len(c.SimulateState) == 0
	if l.isSet("tenant") && !c.Simulate && (c.APIURL == "" || tenantOf(c.APIURL) == c.Tenant) {
		c.OwnTenant = c.Tenant
	}
	_, c.Policy.API, _ = strings.Cut(c.APIURL, "://")
	if len(c.Policy.Groups) > 0 {
		c.Roster.GroupInScope = c.Policy.DNInScope
	}
	if len(c.Policy.People) > 0 {
		c.Roster.PersonInScope = c.Policy.PersonInScope
	}
}

// require refuses a setting that is on without another that it needs.
func (l *loader) require(name string, on bool, other string, otherOn bool, hint string) {
	if on && !otherOn && !l.invalid[other] {
		l.failAbout(name, hint, "%s requires %s", name, other)
	}
}

// checkScope refuses what would widen the scope by mistake.
func (l *loader) checkScope() {
	for _, name := range []string{"groups", "people"} {
		g, listed := l.policy[name]
		if listed && strings.TrimSpace(g.value) == "" && l.values[name].origin <= byPolicy && !l.invalid[name] {
			l.failAt(g.at, "remove the key if everything is in scope", "invalid %s: must list at least one pattern", name)
			l.invalid[name] = true
		}
	}
	if l.config.Policy.EmptyUnnamed && len(l.config.Policy.Groups) == 0 && !l.invalid["groups"] {
		l.failAbout("unnamed-groups", "list the groups in scope, so that no other group is emptied", "unnamed-groups: empty requires groups")
	}
}

// checkOrder checks the ends of a range, and complains about the one that was
// given.
func (l *loader) checkOrder(low, high string, shortest, longest time.Duration) {
	if shortest <= longest || l.invalid[low] || l.invalid[high] {
		return
	}
	about := low
	if l.isSet(high) && !l.isSet(low) {
		about = high
	}
	l.failAt(l.values[about].at, "", "%s (%s%s) must not be less than %s (%s%s)",
		high, longest, l.values[high].from(), low, shortest, l.values[low].from())
}

func (l *loader) checkTenant() {
	c := l.config
	tenant, url := l.values["tenant"], l.values["api-url"]
	switch {
	case c.Simulate:
		// In a restore, the tenant must be the snapshot's.
		if url.isSet() && url.origin != byPolicy || tenant.isSet() && tenant.origin != byPolicy && l.command != Restore {
			l.warn("simulate is on: api-url and credentials are not used, and tenant is only a name in the report")
		}
		c.APIURL = ""
		if c.Tenant == "" {
			c.Tenant = "simulated"
		}
	case l.invalid["api-url"] || l.invalid["simulate"]:
	case c.APIURL == "" && c.Tenant == "":
		if !l.invalid["tenant"] && !l.unread {
			l.fail("give the tenant's name: --tenant NAME", "missing required setting: tenant (or api-url)")
		}
	case c.APIURL == "":
		c.APIURL = "https://" + c.Tenant + xc.ConsoleSuffix
	case c.Tenant == "":
		c.Tenant = tenantOf(c.APIURL)
	case url.origin == byEnvironment && tenant.origin != byEnvironment && tenantOf(c.APIURL) != c.Tenant:
		l.fail("unset "+url.source+", or set api-url beside tenant", "api-url%s is not the URL of tenant %q%s", settingNamed("api-url").shown(c.APIURL), c.Tenant, url.from())
	}
	if rules := l.policy["tenant"]; rules.value != "" && !c.Simulate && !l.invalid["tenant"] && !strings.EqualFold(rules.value, c.Tenant) {
		l.warn("the policy file is for tenant %q, but this run is for tenant %q%s", strings.ToLower(rules.value), c.Tenant, tenant.from())
	}
}

// checkCredentials decides which kind is used.
func (l *loader) checkCredentials() {
	c := l.config
	if c.Simulate || l.invalid["simulate"] {
		return
	}
	var kinds []string
	for _, kind := range []Credential{ByToken, ByP12File, ByP12Base64, ByPEM} { // the first that is given is used
		if l.isSet(string(kind)) {
			kinds = append(kinds, string(kind))
		}
	}
	switch {
	case c.CertFile != "" && !l.isSet("key-file"):
		l.failAbout("cert-file", "", "cert-file requires key-file")
	case c.KeyFile != "" && !l.isSet("cert-file"):
		l.failAbout("key-file", "", "key-file requires cert-file")
	case len(kinds) == 0 && !l.isSet("key-file"):
		hint := "set XC_API_TOKEN to an API token, or give a client certificate (p12-file, p12-base64, or cert-file and key-file); to try it without a tenant, use --simulate"
		if l.inActions() {
			hint = "set api-token: ${{ secrets.XC_API_TOKEN }} (or XC_API_TOKEN in env), or p12-base64: ${{ secrets.XC_P12 }}. If it is set, check that a secret of that name exists. Runs for Dependabot and for pull requests from forks get no secrets"
		}
		l.fail(hint, "missing required setting: api-token")
	}
	if len(kinds) > 1 {
		l.warn("several kinds of credentials are set (%s): using %s", strings.Join(kinds, ", "), kinds[0])
	}
	if len(kinds) > 0 && !l.invalid[kinds[0]] && (kinds[0] != string(ByPEM) || c.CertFile != "" && c.KeyFile != "") {
		c.Credential = Credential(kinds[0])
	}
}
