package directory

import (
	"maps"
	"slices"
)

// Names maps DNs to the API names of groups. A DN that consists of a CN alone
// stands for every DN with that CN. The zero value, and nil, map nothing.
type Names struct {
	byDN, byCN map[string]mapping
}

// mapping is the name that a DN is mapped to, and the DN as it was written.
type mapping struct {
	name GroupName
	dn   string
}

// Map maps a DN to a name. It reports whether the DN was not mapped before.
func (n *Names) Map(dn DN, name GroupName) bool {
	names, key := &n.byDN, dn.Key()
	if dn.onlyCN {
		names, key = &n.byCN, dn.prepared
	}
	if *names == nil {
		*names = map[string]mapping{}
	}
	_, doubled := (*names)[key]
	(*names)[key] = mapping{name, dn.String()}
	return !doubled
}

// Apply returns the DN with the name that it is mapped to, and whether it is.
func (n *Names) Apply(dn DN) (DN, bool) {
	if n == nil {
		return dn, false
	}
	to, mapped := n.byDN[dn.Key()]
	if !mapped && dn.hasCN {
		to, mapped = n.byCN[dn.prepared]
	}
	if mapped {
		dn.name, dn.mapped = to.name, true
	}
	return dn, mapped
}

// Unused returns the mapped DNs, as they were written, that match none of dns,
// sorted.
func (n *Names) Unused(dns []DN) []string {
	if n == nil {
		return nil
	}
	byDN, byCN := maps.Clone(n.byDN), maps.Clone(n.byCN)
	for _, dn := range dns {
		delete(byDN, dn.Key())
		if dn.hasCN {
			delete(byCN, dn.prepared)
		}
	}
	var unused []string
	for _, left := range []map[string]mapping{byDN, byCN} {
		for _, one := range left {
			unused = append(unused, one.dn)
		}
	}
	slices.Sort(unused)
	return unused
}
