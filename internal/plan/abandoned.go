package plan

import (
	"fmt"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
)

// shownAbandoned bounds the warnings of one kind, beyond which one sums up: who
// feeds a tenant from several exports has many groups that this one does not
// name.
const shownAbandoned = 3

// noteAbandoned warns where access stays that nobody may have meant to stay, in
// groups that no row names: nobody is taken out of those.
func (p *planner) noteAbandoned(deletions []Operation) {
	if p.desired.KeepGroups {
		return // a row that could not be read may name them
	}
	var groups []*directory.Group
	var people, places []string
	for i := range p.tenant.observed.Groups {
		group := &p.tenant.observed.Groups[i]
		gone := slices.ContainsFunc(deletions, func(o Operation) bool { return o.Group.Name == group.Name })
		switch {
		case gone || !p.unnamed(group) || p.policy.Protect.Match(string(group.Name)):
		case managed(group) && len(group.Usernames) > 0 && !p.policy.PruneGroups:
			groups = append(groups, group)
		case !managed(group):
			for _, member := range p.membersOf(group) {
				if person := p.people[member.Email]; person != nil && person.Status == directory.Inactive && !p.protected(member) {
					people = append(people, fmt.Sprintf("%s is inactive, and stays in the group %q, which no row names: nobody is taken out of such a group", member.Email, group.Name))
					places = append(places, fmt.Sprintf("%s in %s", member.Email, group.Name))
				}
			}
		}
	}
	p.noteAbandonedGroups(groups)
	if slices.Sort(people); len(people) > shownAbandoned {
		slices.Sort(places)
		people = []string{fmt.Sprintf("inactive people stay %d times in groups that no row names, which nobody is taken out of: %s, …", len(places), strings.Join(places[:shownAbandoned], ", "))}
	}
	for _, person := range people {
		p.note("%s", person)
	}
}

// noteAbandonedGroups warns of groups that this program created, that no row
// names any more and that keep their members, since groups are not pruned.
func (p *planner) noteAbandonedGroups(groups []*directory.Group) {
	slices.SortFunc(groups, func(a, b *directory.Group) int { return strings.Compare(string(a.Name), string(b.Name)) })
	prune := "prune: groups"
	if p.policy.PruneUsers {
		prune = "prune: all"
	}
	if len(groups) > shownAbandoned {
		p.note("%d groups were made by this program, and no row names them any more (%s, %s, %s, …): their members stay; %s deletes those that nothing else holds; protect what another export feeds",
			len(groups), groups[0].Name, groups[1].Name, groups[2].Name, prune)
		return
	}
	for _, group := range groups {
		cure := prune + " deletes it; protect it if another export feeds it"
		if reason := p.keepGroup(group, p.membersOf(group)); reason != "" {
			cure = prune + " would not delete it, for " + reason
		}
		p.note("group %q was made by this program and no row names it any more: it and its %s stay as they are; %s",
			group.Name, count(len(group.Usernames), "member", "members"), cure)
	}
}
