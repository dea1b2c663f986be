package export

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// policy writes the policy file. Its texts are quoted as Go quotes them, which is
// how YAML reads text between double quotes.
func (x *exporter) policy(groups []*group) []byte {
	var b strings.Builder
	b.WriteString("# With the CSV of the same export, a sync finds nothing to do.\n")
	if x.scope.Tenant != "" {
		b.WriteString("tenant: " + strconv.Quote(x.scope.Tenant) + "\n")
	}
	list(&b, "groups", x.groupPatterns(groups))
	list(&b, "people", x.scope.People)
	list(&b, "protect", slices.Sorted(maps.Keys(x.protect)))
	var adopt []string
	var names, roles strings.Builder
	for _, g := range groups {
		if !plan.Owned(g.Group) {
			if !g.named && len(g.Usernames) > 0 {
				continue // nobody in it is in the CSV: it stays as it is
			}
			adopt = append(adopt, string(g.Name))
		}
		if g.named && g.mapped {
			fmt.Fprintf(&names, "  %s: %s\n", strconv.Quote(g.dn), strconv.Quote(string(g.Name)))
		}
		if names, unnamable := roleNames(g.Roles); unnamable == "" {
			list(&roles, "  "+strconv.Quote(string(g.Name)), names)
		} else {
			x.Findings = append(x.Findings, directory.Finding{
				Kind: directory.RolesLeftOut, Subject: string(g.Name), Hint: "a sync leaves its roles as they are, even with enforce-roles",
				Message: fmt.Sprintf("roles of group %q are left out: a policy file cannot name %q", g.Name, unnamable),
			})
		}
	}
	if len(adopt) == 0 {
		b.WriteString("adopt: []\n") // a file without any key is refused
	}
	list(&b, "adopt", adopt)
	if names.Len() > 0 {
		b.WriteString("names:\n" + names.String())
	}
	if roles.Len() > 0 {
		b.WriteString("roles:\n" + roles.String())
	}
	return []byte(b.String())
}

// list writes a list, with the indentation of its key, unless it is empty.
func list(b *strings.Builder, key string, entries []string) {
	if len(entries) == 0 {
		return
	}
	indent := key[:len(key)-len(strings.TrimLeft(key, " "))]
	b.WriteString(key + ":\n")
	for _, entry := range entries {
		b.WriteString(indent + "  - " + strconv.Quote(entry) + "\n")
	}
}

// roleNames returns roles as NAMESPACE/ROLE, sorted, and the first that a policy
// file cannot name; "" if there is none.
func roleNames(roles []directory.Role) (names []string, unnamable string) {
	names = directory.RoleNames(roles)
	slices.Sort(names)
	names = slices.Compact(names)
	i := slices.IndexFunc(names, func(name string) bool {
		role, err := directory.ParseRole(name)
		return err != nil || !slices.Contains(roles, role)
	})
	if i >= 0 {
		unnamable = names[i]
	}
	return names, unnamable
}

// groupPatterns returns the scope's patterns. The CSV has DNs of its own, which
// patterns of DNs need not match, so the names of the groups replace them.
func (x *exporter) groupPatterns(groups []*group) []string {
	var patterns []string
	hasDN := false
	for _, pattern := range x.scope.Groups {
		if plan.IsDNPattern(pattern) {
			hasDN = true
		} else {
			patterns = append(patterns, pattern)
		}
	}
	if hasDN {
		for _, g := range groups {
			patterns = append(patterns, string(g.Name))
		}
	}
	return append(patterns, x.excluded...)
}

// maxPattern is the most that a pattern has of a name, in bytes.
const maxPattern = 900

// literal returns a pattern that matches a name, and hardly anything else.
func literal(name string) string {
	name = norm.NFC.String(name)
	inner := strings.TrimSpace(name)
	start := strings.Index(name, inner)
	var b strings.Builder
	for i, r := range name {
		switch {
		case b.Len() > maxPattern:
			return b.String() + "*"
		case r == '*' || r == '?' || r == '[':
			b.WriteString("[" + string(r) + "]")
		case i < start || i >= start+len(inner), // outer blanks are ignored in a pattern
			r == utf8.RuneError || directory.IsControl(r), r == '=', // patterns of names cannot contain these
			r == '!' && i == 0: // it would exclude
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
