package plan

import (
	"xc-group-sync/internal/access"
	"xc-group-sync/internal/directory"
)

// accessChange says what the plan means in access.
func (p *planner) accessChange() access.Diff {
	var change access.Change
	matters := false // whether roles or last groups can change at all
	for i := range p.plan.Operations {
		switch o := &p.plan.Operations[i]; {
		case o.Object == Group:
			group := access.GroupChange{Name: o.Group.Name, Delete: o.Action == Delete, Add: accessMembers(o.Add), Remove: accessMembers(o.Remove)}
			if o.Action == Revoke {
				group.Revoke = o.Roles
			} else {
				group.Grant = o.RolesChanged()
			}
			matters = matters || len(o.Remove)+len(o.Group.Roles)+len(o.Roles) > 0
			change.Groups = append(change.Groups, group)
		case o.Action == Create:
			matters = matters || len(o.User.Roles) > 0
			change.Created = append(change.Created, o.User)
		case o.Action == Delete:
			matters = true
			change.Deleted = append(change.Deleted, o.User.Username)
		}
	}
	if !matters {
		return access.Diff{}
	}
	return access.Compare(p.tenant.observed, change)
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
