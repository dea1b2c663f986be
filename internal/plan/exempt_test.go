package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

func TestAPlanTouchesNobodyWhoIsExempt(t *testing.T) {
	t.Parallel()
	for seed := range uint64(cases) {
		w := randomWorld(seed)
		p := w.plan()
		for i := range p.Operations {
			if complaint := w.exempt(&p.Operations[i]); complaint != "" {
				t.Fatalf("seed %d: %s: %s", seed, shown(p)[i], complaint)
			}
		}
		if names := blocked(p); len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
			t.Fatalf("seed %d: blocked twice: %v", seed, names)
		}
	}
}

// inScope is a second reading of the rule for groups of the tenant.
func (w *world) inScope(group *directory.Group) bool {
	if len(w.policy.Groups) == 0 || slices.ContainsFunc(w.csv.Groups, func(g *directory.DesiredGroup) bool { return g.Name == group.Name }) {
		return true
	}
	names, includes := plan.Patterns{}, false
	for _, pattern := range w.policy.Groups {
		includes = includes || !strings.HasPrefix(pattern, "!")
		if !strings.Contains(pattern, "=") {
			names = append(names, pattern)
		}
	}
	if len(names) == 0 {
		return strings.HasPrefix(group.Description, plan.Marker)
	}
	if includes && !slices.ContainsFunc(names, func(p string) bool { return !strings.HasPrefix(p, "!") }) {
		return false // by a DN, which is not known
	}
	return names.Match(string(group.Name))
}

// mustStay returns why a username must not be removed or its user deleted; empty
// if it may be.
func (w *world) mustStay(username directory.Username) string {
	email, user := who(&w.observed, username)
	person := w.csv.people[email]
	if user == nil {
		return "unknown"
	}
	sharing, ordinary, owners := 0, 0, 0
	for _, other := range w.observed.Users {
		if user.Email != "" && other.Email == user.Email {
			sharing++
			if other.Ordinary() {
				ordinary++
			}
			if strings.EqualFold(string(other.Username), string(user.Email)) {
				owners++
			}
		}
	}
	switch caller := w.policy.Caller; {
	case caller.Email == user.Email || strings.EqualFold(string(caller.Username), string(user.Username)):
		return "the caller"
	case user.DomainOwner, user.Type != directory.TypeUser:
		return "not an ordinary person"
	case sharing > 1 && ordinary != 1 && owners == 0:
		return "one of several"
	case !w.policy.PersonInScope(user.Email):
		return "out of scope"
	case w.policy.Protect.Match(string(email), string(user.Username)):
		return "protected"
	case person != nil && (person.Status == directory.Contradicted || person.Status == directory.Unclear || person.KeepMemberships):
		return "unclear"
	}
	return ""
}

// exempt returns why an operation must not be planned; empty if it may be.
func (w *world) exempt(o *plan.Operation) string {
	person := w.csv.people[o.User.Email]
	named := slices.IndexFunc(w.csv.Groups, func(g *directory.DesiredGroup) bool { return g.Name == o.Group.Name })
	observed := slices.IndexFunc(w.observed.Groups, func(g directory.Group) bool { return g.Name == o.Group.Name })
	protected := o.Object == plan.Group && w.policy.Protect.Match(string(o.Group.Name))
	owned := strings.HasPrefix(o.Group.Description, plan.Marker)
	for _, member := range o.Remove {
		if why := w.mustStay(member.Username); why != "" {
			return fmt.Sprintf("removes %s: %s", member.Username, why)
		}
		if email, _ := who(&w.observed, member.Username); named >= 0 && slices.Contains(w.csv.Groups[named].Members, w.csv.people[email]) {
			return "removes somebody that the CSV wants there"
		}
	}
	for _, member := range o.Add {
		if named < 0 || !slices.Contains(w.csv.Groups[named].Members, w.csv.people[member.Email]) || !w.policy.PersonInScope(member.Email) {
			return "adds " + string(member.Email)
		}
		if member.Username != "" {
			if email, user := who(&w.observed, member.Username); user == nil || email != member.Email {
				return fmt.Sprintf("adds %s, who is %s", member.Username, email)
			}
		}
	}
	kind := o.Kind()
	if kind == (plan.Kind{}) {
		return "not in the table of kinds"
	}
	if (o.Removals() > 0 || kind.Takes != plan.Nothing) && (w.csv.KeepMemberships || w.policy.Withhold) {
		return "removes something"
	}
	if o.Object == plan.User && kind.Takes != plan.Nothing {
		if why := w.mustStay(o.User.Username); why != "" {
			return why
		}
	}
	if observed >= 0 && !w.inScope(&w.observed.Groups[observed]) {
		return "the group is out of scope"
	}
	switch kind.String() {
	case "create user":
		if person == nil || person.Status != directory.Active || !w.policy.PersonInScope(o.User.Email) ||
			slices.ContainsFunc(w.observed.Users, func(u directory.User) bool {
				return u.Email == o.User.Email || u.Username.Key() == o.User.Username.Key()
			}) {
			return "nobody to create"
		}
	case "update user":
		if !w.policy.UpdateUsers || person == nil || !person.Named || o.User.IDMType != directory.IDMLocal || o.User.SyncMode == directory.SyncSCIM || !w.policy.PersonInScope(o.User.Email) {
			return "not this program's to change"
		}
	case "delete user":
		if !w.policy.PruneUsers || !w.policy.Caller.Known || w.csv.KeepUsers || o.User.SyncMode == directory.SyncSCIM ||
			person != nil && (person.Status != directory.Inactive || !w.policy.PruneInactive) {
			return "must stay"
		}
		for _, group := range w.observed.Groups {
			foreign := slices.ContainsFunc(w.csv.Groups, func(g *directory.DesiredGroup) bool { return g.Name == group.Name }) &&
				group.SyncMode != directory.SyncSCIM && !strings.HasPrefix(group.Description, plan.Marker) && !w.policy.Adopt.Match(string(group.Name))
			if (!w.inScope(&group) || foreign || group.ReadError != "" || w.policy.Protect.Match(string(group.Name))) &&
				slices.ContainsFunc(group.Usernames, func(u directory.Username) bool { return u.Key() == o.User.Username.Key() }) {
				return "a member of " + string(group.Name)
			}
		}
	case "create group":
		if named < 0 || observed >= 0 || len(o.Add) == 0 {
			return "no group to create"
		}
	case "update group":
		if o.Group.SyncMode == directory.SyncSCIM || o.Group.ReadError != "" || !owned && !w.policy.Adopt.Match(string(o.Group.Name)) {
			return "not to be changed"
		}
		if len(o.Remove) > 0 && (protected || named < 0 && (!w.policy.EmptyUnnamed || w.csv.KeepGroups) || named >= 0 && w.csv.Groups[named].KeepMembers) {
			return "loses somebody"
		}
	case "delete group":
		g := o.Group
		if !w.policy.PruneGroups || w.csv.KeepGroups || named >= 0 || g.SyncMode == directory.SyncSCIM || g.ReadError != "" || g.References["policy"] > 0 ||
			protected || !w.policy.PruneUnmanaged && !owned {
			return "must stay"
		}
	}
	return ""
}
