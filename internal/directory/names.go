package directory

// Names maps DNs to the API names of groups. A DN that is nothing but a CN stands
// for every DN with that CN. The zero value, and nil, map nothing.
type Names struct {
	byDN, byCN map[string]GroupName
}

// Map maps a DN to a name. It reports whether the DN was not mapped before.
func (n *Names) Map(dn DN, name GroupName) bool {
	names, key := &n.byDN, dn.Key()
	if dn.onlyCN {
		names, key = &n.byCN, dn.prepared
	}
	if *names == nil {
		*names = map[string]GroupName{}
	}
	_, doubled := (*names)[key]
	(*names)[key] = name
	return !doubled
}

// Apply returns the DN with the name that it is mapped to, and whether it is.
func (n *Names) Apply(dn DN) (DN, bool) {
	if n == nil {
		return dn, false
	}
	name, mapped := n.byDN[dn.Key()]
	if !mapped && dn.hasCN {
		name, mapped = n.byCN[dn.prepared]
	}
	if mapped {
		dn.name, dn.mapped = name, true
	}
	return dn, mapped
}
