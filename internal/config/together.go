package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// together checks what concerns more than one setting.
func (l *loader) together() {
	c := l.config
	if l.command == Sync && c.CSV == "" && !l.refused["csv"] {
		l.fail("csv: missing: give the path of the CSV export")
	}
	if l.command == Restore && c.Snapshot == "" && !l.refused["snapshot"] {
		l.fail("snapshot: missing: give the path of a file that a run with snapshot-file wrote")
	}
	if !l.refused["retry-profile"] {
		l.inOrder("backoff-min", "backoff-max", c.UserRetry.Min, c.UserRetry.Max)
	}
	l.inOrder("group-backoff-min", "group-backoff-max", c.GroupRetry.Min, c.GroupRetry.Max)
	if c.FailOnDrift && !c.DryRun && !l.refused["dry-run"] {
		l.complain("fail-on-drift", "it makes sense only with dry-run: a run that applies leaves no drift")
	}
	if c.SimulateFaults > 0 && !c.Simulate && !l.refused["simulate"] {
		l.complain("simulate-faults", "it makes sense only with simulate")
	}
	if c.Policy.PruneUnmanaged && !c.Policy.PruneGroups {
		l.warn("prune-unmanaged has an effect only with prune groups or all")
	}
	if c.Policy.PruneInactive && !c.Policy.PruneUsers {
		l.warn("prune-inactive has an effect only with prune users or all")
	}
	l.tenant()
	l.credentials()
}

func (l *loader) warn(format string, args ...any) {
	l.config.Warnings = append(l.config.Warnings, fmt.Sprintf(format, args...))
}

// inOrder checks the ends of a range, and complains of the one that was given.
func (l *loader) inOrder(low, high string, shortest, longest time.Duration) {
	end := func(name string, d time.Duration) string {
		return fmt.Sprintf("%s, %s s (%s)", name, strconv.FormatFloat(d.Seconds(), 'f', -1, 64), l.values[name].source)
	}
	switch {
	case shortest <= longest || l.refused[low] || l.refused[high]:
	case l.isGiven(high) && !l.isGiven(low):
		l.complain(high, "it is less than %s: raise it, or lower %s", end(low, shortest), low)
	default:
		l.complain(low, "it is more than %s: lower it, or raise %s", end(high, longest), high)
	}
}

func (l *loader) tenant() {
	c := l.config
	switch {
	case c.Simulate:
		if l.isGiven("api-url") || l.isGiven("tenant") {
			l.warn("simulate is on: api-url and credentials are not used, and tenant is only a name that the report shows")
		}
		c.APIURL = ""
		if c.Tenant == "" {
			c.Tenant = "simulated"
		}
	case l.refused["api-url"] || l.refused["simulate"]:
	case c.APIURL == "" && c.Tenant == "":
		if !l.refused["tenant"] {
			l.fail("tenant: missing: give the tenant's name, or api-url")
		}
	case c.APIURL == "":
		c.APIURL = "https://" + c.Tenant + consoleSuffix
	case c.Tenant == "":
		c.Tenant = tenantOf(c.APIURL)
	}
}

// credentials decides which kind counts.
func (l *loader) credentials() {
	c := l.config
	if c.Simulate || l.refused["simulate"] {
		return
	}
	var kinds []string
	for _, kind := range []Credential{ByToken, ByP12File, ByP12Base64, ByPEM} { // the first that is given counts
		if l.isGiven(string(kind)) {
			kinds = append(kinds, string(kind))
		}
	}
	switch {
	case c.CertFile != "" && !l.isGiven("key-file"):
		l.complain("cert-file", "key-file is missing: a certificate needs its key")
	case c.KeyFile != "" && !l.isGiven("cert-file"):
		l.complain("key-file", "cert-file is missing: a key needs its certificate")
	case len(kinds) == 0 && !l.isGiven("key-file"):
		l.fail("api-token: missing: give an API token, or a client certificate as p12-file, p12-base64, or cert-file and key-file; or try it with simulate")
	}
	if len(kinds) > 1 {
		l.warn("several credentials are given (%s): %s is used", strings.Join(kinds, ", "), kinds[0])
	}
	if len(kinds) > 0 && !l.refused[kinds[0]] && (kinds[0] != string(ByPEM) || c.CertFile != "" && c.KeyFile != "") {
		c.Credential = Credential(kinds[0])
	}
}
