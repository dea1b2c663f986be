package plan

import (
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
)

// DNInScope reports whether a DN of the CSV, or the API name that it maps to, is
// in scope (groups). It does not matter how the DN is spelled. A DN that maps to
// no name is in scope of a pattern that matches every name. A DN without a CN is
// broken rather than out of scope: its intended name is unknown, so it is in
// scope of any pattern of names.
func (p Policy) DNInScope(dn directory.DN) bool {
	groups, broken := p.Groups, dn.CN() == "" && dn.GroupName() == ""
	if broken {
		groups = slices.DeleteFunc(slices.Clone(groups), func(pattern string) bool { return strings.HasPrefix(pattern, "!") && !IsDNPattern(pattern) })
	}
	text := directory.FoldDN(dn.Key())
	return groups.matchBy(func(glob string) bool {
		if IsDNPattern(glob) {
			return matchGlob(directory.FoldDN(glob), text)
		}
		return broken || matchGlob(glob, string(dn.GroupName()))
	})
}

// IsDNPattern reports whether a pattern in groups is about DNs, not API names.
func IsDNPattern(pattern string) bool { return strings.Contains(pattern, "=") }

// matchName reports whether the patterns in groups select an API name by
// themselves. Patterns of DNs match no API name.
func (p Patterns) matchName(name directory.GroupName) bool {
	return p.matchBy(func(glob string) bool { return !IsDNPattern(glob) && matchGlob(glob, string(name)) })
}

// restorable reports whether a group that a sync changed is still in scope. The
// DNs that named it are no longer known, so patterns of DNs are assumed to match
// it, and besides them only exclusions by name count.
func (p *planner) restorable(name directory.GroupName) bool {
	groups := p.policy.Groups
	if slices.ContainsFunc(groups, func(pattern string) bool { return IsDNPattern(pattern) && !strings.HasPrefix(pattern, "!") }) {
		groups = slices.DeleteFunc(slices.Clone(groups), func(pattern string) bool { return !strings.HasPrefix(pattern, "!") })
	}
	return groups.matchName(name)
}

// PersonInScope reports whether a person is in scope (people).
func (p Policy) PersonInScope(email directory.Email) bool {
	return p.People.includes(string(email))
}

// GroupInScope reports whether a group of the tenant is in scope: because a row
// names it, by its name or, if groups has patterns of DNs only, because this program
// created it. A DN that is out of scope takes the group with it.
func (p Policy) GroupInScope(group *directory.Group, desired *directory.Desired) bool {
	switch {
	case len(p.Groups) == 0 || desired.Group(group.Name) != nil:
		return true
	case desired.Outside[group.Name]:
		return false
	}
	if !slices.ContainsFunc(p.Groups, func(pattern string) bool { return !IsDNPattern(pattern) }) {
		return Owned(group)
	}
	return p.Groups.matchName(group.Name)
}
