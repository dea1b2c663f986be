package plan

import (
	"maps"
	"slices"

	"xc-group-sync/internal/directory"
)

// findLookalikes pairs the people that the plan would add to a group or create
// with those that it would remove from that group or delete, where the two
// addresses differ but look the same. Withheld removals count too: once the new
// address is in the group, a later run would only remove the old one.
func (p *planner) findLookalikes() map[directory.Email]directory.Email {
	pairs := map[directory.Email]directory.Email{}
	staying := map[directory.GroupName][]directory.Email{}
	var created, deleted []directory.Email
	for _, w := range p.plan.Withheld {
		switch w.Kind {
		case Membership:
			staying[w.Group] = append(staying[w.Group], w.Member.Email)
		case UserDeletion:
			deleted = append(deleted, w.Member.Email)
		}
	}
	for i := range p.plan.Operations {
		switch o := &p.plan.Operations[i]; {
		case o.Object == Group:
			if going := append(membersOf(o.Remove), staying[o.Group.Name]...); len(going) > 0 {
				pairUp(pairs, membersOf(o.Add), going)
			}
		case o.Action == Create:
			created = append(created, o.User.Email)
		case o.Action == Delete:
			deleted = append(deleted, o.User.Email)
		}
	}
	pairUp(pairs, created, deleted)
	return pairs
}

func membersOf(members []Member) []directory.Email {
	all := make([]directory.Email, len(members))
	for i, member := range members {
		all[i] = member.Email
	}
	return all
}

// pairUp adds each coming address that looks like a going one, and each going
// address that looks like a coming one.
func pairUp(pairs map[directory.Email]directory.Email, coming, going []directory.Email) {
	if len(coming) == 0 || len(going) == 0 {
		return
	}
	pairWith(pairs, coming, going)
	pairWith(pairs, going, coming)
}

func pairWith(pairs map[directory.Email]directory.Email, addresses, others []directory.Email) {
	bySkeleton := make(map[string]directory.Email, len(others))
	for _, other := range others {
		bySkeleton[other.Skeleton()] = other
	}
	for _, email := range addresses {
		if other, found := bySkeleton[email.Skeleton()]; found {
			pairs[email] = other
		}
	}
}

func (p *planner) warnLookalikes() {
	for _, email := range slices.Sorted(maps.Keys(p.lookalikes)) {
		other := p.lookalikes[email]
		if other < email && p.lookalikes[other] == email {
			continue // said already
		}
		p.warn(directory.Lookalike, string(email), "correct the address in the CSV, or in the tenant",
			"%q and %q look the same; leaving both as they are", string(email), string(other))
	}
}
