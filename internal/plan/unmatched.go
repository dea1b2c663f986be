package plan

import (
	"slices"
	"strings"
	"unicode"

	"xc-group-sync/internal/directory"
)

// warnUnmatched warns about entries of the policy that name one thing which does
// not exist: a typo there protects nobody, and adopts nothing. The same goes for
// several entries that were written as one.
func (p *planner) warnUnmatched() {
	for _, dn := range p.desired.UnusedNames {
		p.warnUnmatchedEntry("", "names: no DN in the CSV matches %q", dn)
	}
	if p.policy.Sample {
		return // the policy is about another tenant
	}
	defer p.warnJoined()
	adopt, protect := literals(p.policy.Adopt), literals(p.policy.Protect)
	if len(adopt)+len(protect) == 0 {
		return
	}
	group := func(name directory.GroupName) {
		text := folded(string(name))
		delete(adopt, text)
		delete(protect, text)
	}
	for _, desired := range p.desired.Groups {
		group(desired.Name)
	}
	for name := range p.tenant.groups {
		group(name)
	}
	if len(protect) > 0 {
		for email := range p.people {
			delete(protect, folded(string(email)))
		}
		for i := range p.tenant.observed.Users {
			user := &p.tenant.observed.Users[i]
			delete(protect, folded(string(user.Email)))
			delete(protect, folded(string(user.Username)))
		}
	}
	for _, pattern := range p.policy.Protect {
		if protect[folded(pattern)] {
			subject := ""
			if strings.Contains(pattern, "@") {
				subject = pattern
			}
			p.warnUnmatchedEntry(subject, "protect: no person or group matches %q", pattern)
		}
	}
	for _, pattern := range p.policy.Adopt {
		if adopt[folded(pattern)] {
			p.warnUnmatchedEntry("", "adopt: no group matches %q", pattern)
		}
	}
}

// warnJoined warns about patterns that seem to be several in one, and match
// nothing: emails and API names contain neither commas nor spaces, and usernames
// rarely do.
func (p *planner) warnJoined() {
	for _, setting := range []struct {
		name     string
		patterns Patterns
	}{{"groups", p.policy.Groups}, {"people", p.policy.People}, {"protect", p.policy.Protect}, {"adopt", p.policy.Adopt}} {
		joined := slices.DeleteFunc(slices.Clone(setting.patterns), func(pattern string) bool { return !isJoined(pattern) })
		if len(joined) == 0 {
			continue
		}
		var usernames []string
		for i := range p.tenant.observed.Users {
			usernames = append(usernames, string(p.tenant.observed.Users[i].Username))
		}
		for _, pattern := range Unmatched(joined, p.desired, p.tenant.observed, usernames...) {
			subject := ""
			if strings.Contains(pattern, "@") {
				subject = pattern
			}
			p.warn(directory.Unmatched, subject, "write one pattern per line, or per entry of a YAML list", "%s: nothing matches %q", setting.name, pattern)
		}
	}
}

// isJoined reports whether a pattern seems to be several in one.
func isJoined(pattern string) bool {
	return !IsDNPattern(pattern) && strings.ContainsFunc(pattern, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

func (p *planner) warnUnmatchedEntry(subject, format, entry string) {
	p.warn(directory.Unmatched, subject, "check the spelling, or remove the entry if it is no longer needed", format, entry)
}

// literals returns the patterns that match only one name, folded. Exclusions are
// left out: what they name need not exist.
func literals(patterns Patterns) map[string]bool {
	all := map[string]bool{}
	for _, pattern := range patterns {
		if !strings.ContainsAny(pattern, "*?[") && !strings.HasPrefix(pattern, "!") && !isJoined(pattern) {
			all[folded(pattern)] = true
		}
	}
	return all
}

// folded returns a text that is equal for a literal pattern and the names that it
// matches.
func folded(name string) string { return strings.Map(directory.FoldRune, comparable(name)) }
