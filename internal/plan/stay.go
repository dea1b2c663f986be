package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
)

// Everything that removes something asks here first. Each function returns why it
// may not, as a clause, or "" if it may. If several reasons apply, the first is
// returned.

// keepMember answers for a member of an existing group. desired is what the CSV
// says about the group; nil if no row names it.
func (p *planner) keepMember(group *directory.Group, desired *directory.DesiredGroup, member Member) string {
	if p.policy.Protect.Match(string(group.Name)) {
		return "the group is protected"
	}
	if reason := p.keepPerson(member); reason != "" {
		return reason
	}
	switch {
	case p.desired.KeepMemberships:
		return "an invalid row may have stated this membership"
	case desired == nil && p.desired.KeepGroups:
		return "an invalid row may have named the group"
	case desired != nil && desired.KeepMembers:
		return "an invalid row may have named a member of the group"
	}
	return p.withhold()
}

// withheld is the reason for which only the setting removals is responsible:
// without the setting there would be something to do.
const withheld = "removals are withheld in this run"

// withhold must be asked last.
func (p *planner) withhold() string {
	if p.policy.Withhold {
		return withheld
	}
	return ""
}

// keepPerson answers for a person's membership or user.
func (p *planner) keepPerson(member Member) string {
	if reason := p.keepExempt(member); reason != "" {
		return reason
	}
	if other := p.lookalikes[member.Email]; other != "" {
		return fmt.Sprintf("looks the same as %s", other)
	}
	switch person := p.people[member.Email]; {
	case person == nil:
		return ""
	case person.KeepMemberships:
		return "an invalid row is about this person"
	case person.Status == directory.Contradicted:
		return "the CSV lists this person as active and as inactive"
	case person.Status == directory.Unclear:
		return "the status of this person is unknown"
	}
	return ""
}

// keepExempt answers for people who always stay, whatever the CSV says.
func (p *planner) keepExempt(member Member) string {
	user := member.user
	if user == nil {
		return "not in the tenant's user listing"
	}
	_, shared := p.tenant.Email(user.Email)
	switch {
	case p.policy.Caller.is(*user):
		return "the credentials' own user"
	case user.DomainOwner:
		return "the domain owner"
	case !user.Ordinary():
		return "a " + strings.ToLower(user.Type) + " user"
	case shared:
		return "several users have this email"
	case p.taken[user.Username.Key()]:
		return "the CSV lists their username as the email of somebody else"
	case !p.policy.PersonInScope(user.Email):
		return "not in scope (people)"
	case p.protected(member):
		return "protected"
	}
	return ""
}

// keepGroup answers for a group that no row names.
func (p *planner) keepGroup(group *directory.Group) string {
	switch kinds := group.ReferredBy(); {
	case len(kinds) > 0:
		return "it is referenced by " + strings.Join(kinds, ", ")
	case p.policy.Protect.Match(string(group.Name)):
		return "it is protected"
	case p.desired.KeepMemberships, p.desired.KeepGroups:
		return "an invalid row may have named it"
	}
	for _, member := range p.tenant.members(group) {
		if reason := p.keepPerson(member); reason != "" {
			name := "a member" // without an email: not every reader may see usernames
			if strings.Contains(string(member.Email), "@") {
				name = "member " + string(member.Email)
			}
			return name + " stays: " + reason
		}
	}
	return cmp.Or(p.uncreated, p.withhold())
}

// keepRole answers for a role of a group whose roles the policy lists.
func (p *planner) keepRole() string {
	if p.desired.KeepMemberships {
		return "an invalid row may have stated any membership"
	}
	return p.withhold()
}

// callerUnknown is a reason that the plan must report: the credentials' own user
// must stay, and may be this one.
const callerUnknown = "it is not known which user the credentials belong to"

// cannotCreate returns why nothing is deleted in a run that leaves out the
// creation of a user or a group, because it is blocked: the CSV may mean by it
// what would be deleted.
func (p *planner) cannotCreate() string {
	var names []string
	for _, blocked := range p.plan.Blocked {
		exists := p.tenant.groups[directory.GroupName(blocked.Name)] != nil
		if blocked.Object == User {
			exists = len(p.tenant.Emails(directory.Email(blocked.Name))) > 0
		}
		if !exists {
			names = append(names, string(blocked.Object)+" "+blocked.Name)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return "no deletions while " + names[0] + " cannot be created"
	}
	return fmt.Sprintf("no deletions while %s and %d more cannot be created", slices.Min(names), len(names)-1)
}

// keepAllMembers answers for the deletion of anybody in a group, which would change
// the group.
func (p *planner) keepAllMembers(group *directory.Group) string {
	switch {
	case !p.policy.GroupInScope(group, p.desired) || p.blocked[group.Name] || p.policy.Protect.Match(string(group.Name)):
		return "member of group " + string(group.Name) + ", which this run does not change"
	case group.SyncMode == directory.SyncSCIM:
		return "member of group " + string(group.Name) + ", which SCIM syncs"
	case p.desired.KeepGroups && p.desired.Group(group.Name) == nil && p.allPrunable(group):
		return "member of group " + string(group.Name) + ", which an invalid row may have named"
	}
	return ""
}

// keepUser answers for a user that prune would delete; fixed is why a group that
// lists the user must keep doing so, or "".
func (p *planner) keepUser(user *directory.User, fixed string) string {
	switch other := p.tenant.Username(directory.Username(user.Email)); {
	case len(p.tenant.Emails(user.Email)) > 1:
		return "several users have this email"
	case other != nil && other.Email == "": // the API deletes by email
		return "this email is the username of a user who has no email"
	case p.desired.KeepMemberships, p.desired.KeepUsers:
		return "an invalid row may have named them"
	}
	reason := cmp.Or(p.keepPerson(newMember(user.Email, user)), fixed, p.uncreated, p.withhold())
	if reason == "" && !p.policy.Caller.Known {
		reason = callerUnknown
	}
	return reason
}

func (p *planner) protected(member Member) bool {
	return p.policy.Protect.Match(string(member.Email), string(member.Username))
}
