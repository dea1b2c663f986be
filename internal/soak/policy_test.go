package soak

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"xc-group-sync/internal/config"
)

// rules are the settings that say what may be done.
type rules struct {
	groups, users, unmanaged, inactive   bool // prune
	empty, withhold                      bool // unnamed-groups, removals
	merge, update, strict, dry, syncRest bool
	scope, people, adopt, protect        []string
	names                                map[string]string // API names, by DN as it is compared or by a CN alone
	limit, idm                           string
	roles                                map[string][]string // by API name, as NAMESPACE/ROLE; nil: the policy has none
	enforce, single                      bool
}

// groupNames are the API names that groups have, sorted.
func (r *rules) groupNames() []string {
	names := map[string]bool{"legacy": true, "old-1": true, "old-2": true, "xc-x": true, "keep-me": true}
	for _, dn := range dnCells {
		names[dn.group] = true
	}
	for _, name := range r.names {
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// selects reports whether patterns select something, where matches says whether a
// glob matches it: an exclusion wins, and exclusions alone select everything else.
func selects(patterns []string, matches func(glob string) bool) bool {
	selected, exclusionsOnly := false, true
	for _, pattern := range patterns {
		glob, excludes := strings.CutPrefix(pattern, "!")
		matched := matches(glob)
		if excludes && matched {
			return false
		}
		selected, exclusionsOnly = selected || matched, exclusionsOnly && excludes
	}
	return len(patterns) > 0 && (selected || exclusionsOnly)
}

// selectsName is selects for something that goes by names; empty ones are none.
func selectsName(patterns []string, names ...string) bool {
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	return len(names) > 0 && selects(patterns, func(glob string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return matchesGlob(glob, name) })
	})
}

func matchesGlob(glob, name string) bool {
	matches, err := path.Match(lower(glob), lower(name))
	if err != nil {
		panic(err) // a mistake in the test
	}
	return matches
}

func lower(s string) string { return strings.ToLower(norm.NFC.String(s)) }

// groupOf is the API name of the group that a DN names; empty if it names none.
func (r *rules) groupOf(dn dnCell) string {
	return cmp.Or(r.names[dn.key], r.names["cn="+lower(dn.cn)], dn.group)
}

// isMapped reports whether the policy file names the DN's group.
func (r *rules) isMapped(dn dnCell) bool {
	return cmp.Or(r.names[dn.key], r.names["cn="+lower(dn.cn)]) != ""
}

// plainDN is a DN, or a pattern of DNs, without what other spellings of one DN of
// these worlds differ in.
func plainDN(s string) string {
	return strings.NewReplacer(`\20`, " ", `\7c`, "|", `\|`, "|", `\,`, ",", "commonname=", "cn=", ", ou=", ",ou=").Replace(lower(s))
}

// includesDN reports whether a DN is in scope. One without a CN could have been meant
// for a group of any name.
func (r *rules) includesDN(dn dnCell) bool {
	scope, broken := r.scope, dn.cn == "" && r.groupOf(dn) == ""
	if broken {
		scope = slices.DeleteFunc(slices.Clone(scope), func(pattern string) bool { return strings.HasPrefix(pattern, "!") && !strings.Contains(pattern, "=") })
	}
	return len(scope) == 0 || selects(scope, func(glob string) bool {
		if strings.Contains(glob, "=") {
			return matchesGlob(plainDN(glob), plainDN(dn.key))
		}
		return broken || matchesGlob(glob, r.groupOf(dn))
	})
}

// includesGroup reports whether a group of the tenant that no DN in scope names is
// in scope.
func (r *rules) includesGroup(name string, owned bool) bool {
	aboutDN := func(pattern string) bool { return strings.Contains(pattern, "=") }
	switch {
	case len(r.scope) == 0:
		return true
	case !slices.ContainsFunc(r.scope, func(pattern string) bool { return !aboutDN(pattern) }):
		return owned
	}
	return selects(r.scope, func(glob string) bool { return !aboutDN(glob) && matchesGlob(glob, name) })
}

func (r *rules) includesPerson(email string) bool {
	return len(r.people) == 0 || selectsName(r.people, email)
}

// mayChange reports whether the program may change an existing group.
func (r *rules) mayChange(name, description string) bool {
	return owned(description) || selectsName(r.adopt, name)
}

func owned(description string) bool { return strings.HasPrefix(description, marker) }

// protects reports whether something that goes by names is protected.
func (r *rules) protects(names ...string) bool { return selectsName(r.protect, names...) }

// allows reports whether max-removals lets so many of so many be removed.
func (r *rules) allows(removed, of int) bool {
	if percent, is := strings.CutSuffix(r.limit, "%"); is {
		share, _ := strconv.Atoi(percent)
		return removed <= 5 || removed*100 <= share*of
	}
	most, err := strconv.Atoi(r.limit)
	return err != nil || removed <= most // none
}

// settings draws all settings. Those of a policy file are in w.policy, the rest in
// w.args.
func (w *world) settings(random *rand.Rand) {
	r := &w.rules
	inFile := chance(random, 30)
	set := func(name, value string) string {
		if inFile {
			w.policy += name + ": " + value + "\n"
		} else {
			w.args = append(w.args, "--"+name+"="+value)
		}
		return value
	}
	flag := func(name string, percent int) bool {
		is := chance(random, percent)
		set(name, strconv.FormatBool(is))
		return is
	}
	list := func(name string, patterns []string) []string {
		if inFile && len(patterns) > 0 {
			quoted, _ := json.Marshal(patterns) // strings cannot fail
			w.policy += name + ": " + string(quoted) + "\n"
		} else {
			for _, pattern := range patterns {
				w.args = append(w.args, "--"+name+"="+pattern)
			}
		}
		return patterns
	}
	prune := set("prune", oneOf(random, "none", "groups", "users", "all", "all"))
	r.groups, r.users = prune == "groups" || prune == "all", prune == "users" || prune == "all"
	r.unmanaged, r.inactive, r.update = flag("prune-unmanaged", 40), flag("prune-inactive", 50), flag("update-users", 50)
	r.strict, r.dry = flag("strict", 4), chance(random, 8)
	w.args = append(w.args, "--dry-run="+strconv.FormatBool(r.dry)) // never in a policy file
	if chance(random, 50) {
		r.protect = list("protect", some(random, []string{"*@partner.z", "BOB@x.y", "name of *", "team-?", "old-*", "ghost", "keep-me", "j*", "[a-c]*@x.y", "!s*"})[:1])
	}
	if chance(random, 27) {
		r.scope = list("groups", pick(random, scopes))
	}
	if chance(random, 20) {
		r.people = list("people", oneOf(random, []string{"*@x.y", "*@bücher.example"}, []string{"*", "!root@x.y", "!Bob@*"}, []string{"!*@partner.z"}, []string{"[a-f]*"}, []string{"*@PARTNER.z", "ann@x.y"}, []string{"nobody@*"}))
	}
	if chance(random, 75) {
		r.adopt = list("adopt", oneOf(random, []string{"*"}, []string{"*"}, []string{"team-a", "OPS*", "legacy"}, []string{"!dev"}, []string{"?e*", "z*", "old-?", "!deep"}))
	}
	if len(r.scope) > 0 {
		r.empty = set("unnamed-groups", oneOf(random, "keep", "empty", "empty")) == "empty"
	}
	r.withhold = set("removals", oneOf(random, "apply", "apply", "apply", "apply", "withhold")) == "withhold"
	if inFile && chance(random, 50) {
		r.names = map[string]string{}
		names := []string{"cn=dev", "legacy", "cn=ops,ou=g", "xc-x", "cn=1st", "first-line", "cn=ops", "team-a", "ou=g", "g-all", "cn=zürich,ou=g", "deep"}
		for pair := range slices.Chunk(names, 2) {
			if chance(random, 40) {
				r.names[pair[0]] = pair[1]
			}
		}
		quoted, _ := json.Marshal(r.names)
		w.policy += "names: " + string(quoted) + "\n"
	}
	r.limit = set("max-removals", oneOf(random, "none", "none", "none", "none", "none", "none", "none", "100%", "50%", "25%", "10%", "0%", "0", "2", "10", "20"))
	r.merge = set("name-collisions", oneOf(random, "refuse", "merge")) == "merge"
	r.syncRest = set("on-user-failure", oneOf(random, "skip-group", "sync-rest")) == "sync-rest"
	r.idm = set("idm-type", oneOf(random, "auto", "auto", "SSO", "VOLTERRA_MANAGED"))
	r.single = set("membership-writes", oneOf(random, "replace", "replace", "single")) == "single"
	if chance(random, 50) {
		r.roles = map[string][]string{"legacy": {}} // one at least
		for _, name := range r.groupNames() {
			if chance(random, 50) {
				r.roles[name] = some(random, []string{"*/monitor", "system/admin", "*/admin", "payments/monitor", "payments/waap"})[:oneOf(random, 0, 1, 1)]
				if chance(random, 40) {
					r.roles[name] = append(r.roles[name], "system/monitor")
				}
			}
		}
		quoted, _ := json.Marshal(r.roles)
		w.policy += "roles: " + string(quoted) + "\n"
		r.enforce = set("enforce-roles", oneOf(random, "true", "false")) == "true"
	}

	set("retry-profile", oneOf(random, "aggressive", "balanced", "conservative"))
	set("retry-attempts", oneOf(random, "1", "2", "3", "4"))
	set("backoff-jitter", oneOf(random, "none", "full", "equal"))
	set("retry-after-max", oneOf(random, "0", "5", "60"))
	set("group-retry-attempts", oneOf(random, "1", "1", "2", "3"))
	set("retry-budget", oneOf(random, "0", "0", "1", "5"))
	set("circuit-breaker-threshold", oneOf(random, "0", "1", "2", "5"))
	set("circuit-breaker-cooldown", oneOf(random, "0", "1", "30"))
	set("http-retry-attempts", oneOf(random, "1", "2", "3"))
	set("http-retry-scope", oneOf(random, "reads", "reads", "all", "none"))
	set("timeout", oneOf(random, "1", "30"))
	set("concurrency", oneOf(random, "1", "2", "4", "8"))
	set("rate-limit", oneOf(random, "0", "0", "0", "5", "50"))

	random = rand.New(rand.NewPCG(w.seed, 8)) // the worlds of older seeds stay as they were
	for _, layer := range []string{"", "group-"} {
		set(layer+"backoff-multiplier", oneOf(random, "0.5", "1", "3"))
		set(layer+"backoff-min", oneOf(random, "0", "0.5", "1"))
		set(layer+"backoff-max", oneOf(random, "1", "4", "10"))
	}
	if w.comma = oneOf(random, ',', ',', ';', '\t'); chance(random, 30) {
		set("delimiter", map[rune]string{',': "comma", ';': "semicolon", '\t': "tab"}[w.comma])
	}
	w.titles = [2]string{"Email", "Entitlement Display Name"}
	if chance(random, 20) {
		w.titles = oneOf(random, [2]string{"Mail", "MemberOf"}, [2]string{"Email", "Groups"})
		set("columns", fmt.Sprintf("email=%s,groups=%s", w.titles[0], w.titles[1]))
	}
}

// notInWorlds are the settings that no world sets, and why not.
var notInWorlds = map[string]string{
	"api-url": "the worlds' client has a transport of its own", "proxy": "the same", "ca-bundle": "the same", "expiry-warning": "there is no certificate",
	"tenant":         "always acme",
	"approve-masked": "GitHub is not asked", "comment": "GitHub is not asked", "issue-on-failure": "GitHub is not asked", "summary": "GitHub is not asked",
	"log-format": "shows only", "log-level": "shows only", "mask-emails": "shows only",
}

// TestWorldsSetEverySetting that a policy file may have: a guard that no world
// sets is not tested.
func TestWorldsSetEverySetting(t *testing.T) {
	t.Parallel()
	var schema struct{ Properties map[string]any }
	if err := json.Unmarshal([]byte(config.Schema()), &schema); err != nil {
		t.Fatal(err)
	}
	set := map[string]bool{}
	for seed := range uint64(300) {
		w := &world{seed: seed}
		w.settings(rand.New(rand.NewPCG(seed, 1)))
		for _, arg := range w.args {
			name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
			set[name] = true
		}
		for line := range strings.Lines(w.policy) {
			name, _, _ := strings.Cut(line, ":")
			set[name] = true
		}
	}
	for name := range schema.Properties {
		if set[name] == (notInWorlds[name] != "") {
			t.Errorf("%s: set in worlds %v, a reason why not %q", name, set[name], notInWorlds[name])
		}
	}
}

// scopes are values of groups.
var scopes = [][]string{
	{"*"}, {"*", "!old-*"}, {"team-*", "ops", "dev", "XC-*"}, {"!legacy"}, {"*,OU=g"}, {"CN=Team A*", "legacy"}, {"*ou=G", "!CN=Dev,*"},
	{"*,OU=g", "!ops"}, {"nothing-here"}, {"*=*", "deep", "!*,ou=other"}, {"!CN=Zürich,*"}, {"[d-z]*", "!xc-?"}, {"first-line", "o*", "team*"},
	{`CN=Team\20A,*`, "ops"}, {`!CN=DATA \7C*`}, {`commonName=Ops*, ou=G`, "team-?"}, {`*Net\,*`, `CN=Data \|*`},
}

// only draws the patterns of a run that is limited: of people and groups of the
// export and the tenant, sometimes of none.
func (w *world) only(random *rand.Rand) []string {
	stated := w.stated()
	names := slices.Concat(slices.Sorted(maps.Keys(stated.people)), slices.Sorted(maps.Keys(stated.groups)))
	for _, user := range w.users {
		names = append(names, mail(user.Email))
	}
	for _, group := range w.groups {
		names = append(names, group.Name)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	var patterns []string
	for range oneOf(random, 1, 1, 2, 3) {
		pattern := oneOf(random, pick(random, names), strings.ToUpper(pick(random, names)), pick(random, names)[:1]+"*", "*@x.y", "*-*", "*")
		if !norm.NFC.IsNormalString(pattern) || !strings.HasPrefix(pattern, "*") && pattern[0] >= 0x80 {
			pattern = "*" // a cut character
		}
		patterns = append(patterns, strings.Repeat("!", oneOf(random, 0, 0, 0, 1))+pattern)
	}
	if chance(random, 5) {
		patterns = append(patterns, "mistyped-*")
	}
	return patterns
}
