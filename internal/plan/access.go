package plan

import (
	"fmt"
	"slices"

	"xc-group-sync/internal/access"
	"xc-group-sync/internal/directory"
)

// accessChange returns the plan's effect on access.
func (p *planner) accessChange() access.Diff {
	if !p.plan.changesAccess() {
		return access.Diff{} // as in a tenant whose groups have no roles yet
	}
	var change access.Change
	for i := range p.plan.Operations {
		switch o := &p.plan.Operations[i]; {
		case o.Object == Group:
			group := access.GroupChange{Name: o.Group.Name, Delete: o.Action == Delete, Add: accessMembers(o.Add), Remove: accessMembers(o.Remove)}
			if o.Action == Revoke {
				group.Revoke = o.Roles
			} else {
				group.Grant = o.RolesChanged()
			}
			change.Groups = append(change.Groups, group)
		case o.Action == Create:
			change.Created = append(change.Created, o.User)
		case o.Action == Delete:
			change.Deleted = append(change.Deleted, o.User.Username)
		}
	}
	return access.Compare(p.tenant.observed, change)
}

// changesAccess reports whether roles or last groups can change at all.
func (p *Plan) changesAccess() bool {
	for i := range p.Operations {
		o := &p.Operations[i]
		if o.Object == Group && len(o.Remove)+len(o.Group.Roles)+len(o.Roles) > 0 ||
			o.Object == User && (o.Action == Delete || o.Action == Create && len(o.User.Roles) > 0) {
			return true
		}
	}
	return false
}

func accessMembers(members []Member) []access.Member {
	all := make([]access.Member, len(members))
	for i := range members {
		all[i] = access.Member{Email: members[i].Email, Username: members[i].Username}
	}
	return all
}

// warnVacant warns about roles that nobody would have any more.
func (p *planner) warnVacant() {
	for _, role := range p.plan.Access.Vacant {
		p.warn(directory.VacantRole, "", "", "nobody would have %s any more", role.Words())
	}
}

// warnCaller puts a warning first if the credentials' own user loses a group's
// role: roles are revoked before any other write to a group, and those writes may
// need the role.
func (p *planner) warnCaller() {
	var warnings []directory.Finding
	for i := range p.plan.Operations {
		o := &p.plan.Operations[i]
		if o.Action != Revoke {
			continue
		}
		for _, username := range o.Group.Usernames {
			member := p.tenant.member(username)
			who := directory.User{Email: member.Email, Username: username}
			if !p.policy.Caller.is(who) {
				continue
			}
			if lost := p.lost(member.Email, o.Roles); len(lost) > 0 {
				warnings = append(warnings, directory.Finding{
					Kind: directory.CallerLoses, Subject: string(member.Email), Hint: "if the run needs them, give them to that user another way first, or list them under roles",
					Message: fmt.Sprintf("the credentials' own user (%s) loses %s because of the revocations from group %q; later writes of this run may be refused", member.Email, rolesText(lost), o.Group.Name),
				})
				break // others with the email are the same person
			}
		}
	}
	p.plan.Findings = slices.Concat(warnings, p.plan.Findings)
}

// lost returns those of the roles that a person would lose.
func (p *planner) lost(email directory.Email, roles []directory.Role) []directory.Role {
	var lost []directory.Role
	for _, person := range p.plan.Access.Lost {
		if person.Email != email {
			continue
		}
		for _, role := range roles {
			if slices.Contains(person.Roles, role) {
				lost = append(lost, role)
			}
		}
	}
	return lost
}
