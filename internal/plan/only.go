package plan

import (
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
)

// limit reduces the plan to the people and the groups that Only selects. A
// membership has two names, the person's and the group's: an exclusion of either
// wins.
func (p *planner) limit() {
	only := p.policy.Only
	if len(only) == 0 {
		return
	}
	var restored []string
	for i := range p.plan.Operations { // including what a snapshot brings back
		restored = append(restored, p.plan.Operations[i].Name())
	}
	p.plan.UnmatchedOnly = Unmatched(only, p.desired, p.tenant.observed, restored...)
	joining, needed := map[directory.Email]bool{}, map[directory.Email]bool{} // by a group, before and after the cut
	var kept []Operation
	for _, o := range p.plan.Operations {
		for _, m := range o.Add {
			joining[m.Email] = true
		}
		if o.Object == Group && !p.limitGroup(&o) {
			continue
		}
		for _, m := range o.Add {
			needed[m.Email] = true
		}
		kept = append(kept, o)
	}
	excluded := p.membersOfExcluded()
	p.plan.Operations = slices.DeleteFunc(kept, func(o Operation) bool {
		switch {
		case o.Object == Group:
			return false
		case o.Action == Create:
			// Nobody is created who is needed by no group any more.
			return !needed[o.User.Email] && (joining[o.User.Email] || !only.Match(o.Name()))
		case o.Action == Delete && excluded[o.User.Username.Key()]:
			return true
		}
		return !only.Match(o.Name())
	})
	memberships, _ := p.memberships(p.plan.Operations)
	for i := range p.plan.Operations {
		if o := &p.plan.Operations[i]; o.Object == User && o.Action == Delete {
			o.Lost = memberships[o.User.Username.Key()]
		}
	}
	slices.SortStableFunc(p.plan.Operations, byPhase) // a reduced deletion is an update
	p.plan.Withheld = slices.DeleteFunc(p.plan.Withheld, func(w Withheld) bool {
		return !only.Match(string(w.Group), string(w.Member.Email))
	})
	p.limitBlocked()
}

// limitGroup reduces an operation on a group, and reports whether anything is
// left. A group whose deletion is not selected loses the selected members, if it
// may be changed at all.
func (p *planner) limitGroup(o *Operation) bool {
	only, name, empty := p.policy.Only, string(o.Group.Name), len(o.Add) == 0
	whole := only.Match(name)
	if o.Action == Grant || o.Action == Revoke {
		return whole
	}
	outside := func(m Member) bool { return !only.Match(name, string(m.Email)) }
	if o.Action == Delete {
		if whole && !slices.ContainsFunc(o.Remove, outside) {
			return true
		}
		if !p.changeable(&o.Group) {
			return false
		}
		o.Action = Update
	}
	for _, member := range o.Remove {
		if whole && outside(member) {
			p.staying[o.Group.Name] = append(p.staying[o.Group.Name], stayer{member, cutByOnly})
		}
	}
	o.Add = slices.DeleteFunc(slices.Clone(o.Add), outside)
	o.Remove = slices.DeleteFunc(slices.Clone(o.Remove), outside)
	if !whole {
		o.Attributes = nil
	}
	return len(o.Add)+len(o.Remove) > 0 || o.Attributes != nil || whole && empty && o.Action == Create
}

// membersOfExcluded returns the members, by Username.Key, of groups that Only
// excludes: deleting one of them would change the group.
func (p *planner) membersOfExcluded() map[string]bool {
	members := map[string]bool{}
	all := append(slices.Clone(p.policy.Only), "*") // all but what is excluded
	for i := range p.tenant.observed.Groups {
		if group := &p.tenant.observed.Groups[i]; !all.Match(string(group.Name)) {
			for _, username := range group.Usernames {
				members[username.Key()] = true
			}
		}
	}
	return members
}

// limitBlocked reduces the blocked objects to those that affect Only: the groups
// and people that it selects, groups that such people are in or should be in, and
// people who should be in such groups.
func (p *planner) limitBlocked() {
	only := p.policy.Only
	needed := map[directory.Email]bool{}
	for _, group := range p.desired.Groups {
		for _, person := range group.Members {
			needed[person.Email] = needed[person.Email] || only.Match(string(group.Name), string(person.Email))
		}
	}
	p.plan.Blocked = slices.DeleteFunc(p.plan.Blocked, func(b Blocked) bool {
		if b.Object == User {
			return !only.Match(b.Name) && !needed[directory.Email(b.Name)]
		}
		if only.Match(b.Name) {
			return false
		}
		var members []Member
		if desired := p.desired.Group(directory.GroupName(b.Name)); desired != nil {
			members = p.wanted(desired.Members)
		}
		if group := p.tenant.groups[directory.GroupName(b.Name)]; group != nil {
			members = append(members, p.tenant.members(group)...)
		}
		return !slices.ContainsFunc(members, func(m Member) bool { return only.Match(b.Name, string(m.Email)) })
	})
}

// Unmatched returns the patterns that match no person or group of the CSV or the
// tenant, and no other name: a typo must not look like nothing to do, or like
// nothing to leave out.
func Unmatched(patterns Patterns, desired *directory.Desired, observed *directory.Observed, others ...string) Patterns {
	names := map[string]bool{}
	for _, name := range others {
		names[name] = true
	}
	for _, person := range desired.People {
		names[string(person.Email)] = true
	}
	for _, group := range desired.Groups {
		names[string(group.Name)] = true
	}
	for i := range observed.Users {
		names[string(directory.EmailOf(observed.Users[i].Username, &observed.Users[i]))] = true
	}
	users := directory.NewIndex(observed.Users)
	for i := range observed.Groups {
		names[string(observed.Groups[i].Name)] = true
		for _, username := range observed.Groups[i].Usernames {
			names[string(directory.EmailOf(username, users.Username(username)))] = true // including people who are not users
		}
	}
	return slices.DeleteFunc(slices.Clone(patterns), func(pattern string) bool {
		bare := Patterns{strings.TrimPrefix(pattern, "!")}
		for name := range names {
			if bare.Match(name) {
				return true
			}
		}
		return false
	})
}
