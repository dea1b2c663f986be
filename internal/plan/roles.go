package plan

import (
	"maps"
	"slices"

	"xc-group-sync/internal/directory"
)

// roles plans the grants of the groups listed in the policy and, if roles are
// enforced, their revocations. changed are the other operations on groups. A new
// group gets its roles with its creation.
func (p *planner) roles(changed []Operation) (operations []Operation) {
	actions := map[directory.GroupName]Action{}
	for _, operation := range changed {
		actions[operation.Group.Name] = operation.Action
	}
	for _, name := range slices.Sorted(maps.Keys(p.policy.Roles)) {
		group := p.tenant.groups[name]
		switch {
		case group == nil:
			if p.desired.Group(name) == nil {
				p.warn(directory.NoSuchGroup, string(name), "", "roles are set for group %q, which neither the CSV nor the tenant has", name)
			}
			continue
		case !p.policy.GroupInScope(group, p.desired) || p.blocked[name] || actions[name] == Delete:
			continue
		case group.SyncMode != directory.SyncSCIM && !p.changeable(group):
			p.blockUnowned(group)
			continue
		}
		missing, extra := rolesBeyond(p.policy.Roles[name], group.Roles), []directory.Role(nil)
		if p.policy.EnforceRoles {
			extra = rolesBeyond(group.Roles, p.policy.Roles[name])
		}
		if group.SyncMode == directory.SyncSCIM {
			if len(missing)+len(extra) > 0 {
				p.warn(directory.SCIMSynced, string(name), "", "group %q is synced by SCIM; leaving its roles as they are (%d to grant, %d to revoke)", name, len(missing), len(extra))
			}
			continue
		}
		extra = p.revocable(name, extra)
		if reason := p.notDeleted[name]; reason != "" && len(missing) > 0 && !p.policy.Protect.Match(string(name)) {
			p.warn(directory.GrantWithheld, string(name), "to grant them, name the group in the CSV or add it to protect; otherwise remove it from roles",
				"group %q is not granted %s: prune would delete it, but %s", name, rolesText(missing), reason)
			missing = nil
		}
		operations = append(operations, roleChanges(group, extra, missing)...)
		if len(missing)+len(extra) > 0 && p.desired.Group(name) != nil && actions[name] == "" {
			p.plan.Groups.Unchanged-- // it was counted when its members were compared
		}
	}
	return operations
}

// roleChanges returns the operations that revoke and grant roles of an existing
// group.
func roleChanges(group *directory.Group, revoked, granted []directory.Role) (operations []Operation) {
	if len(revoked) > 0 {
		operations = append(operations, Operation{Action: Revoke, Object: Group, Group: *group, Roles: revoked})
	}
	if len(granted) > 0 {
		operations = append(operations, Operation{Action: Grant, Object: Group, Group: *group, Roles: granted})
	}
	return operations
}

// stayer is a member who should leave a group but does not in this run, and why.
// Members who stay in every run, such as the domain owner, are not stayers.
type stayer struct {
	member Member
	reason string
}

// cutByOnly is why somebody stays if their removal is not selected by only.
const cutByOnly = "only leaves out their removal"

// warnStaying warns about members who gain the roles that a group is granted
// because they do not leave it in this run.
func (p *planner) warnStaying() {
	for i := range p.plan.Operations {
		o := &p.plan.Operations[i]
		if o.Action != Grant {
			continue
		}
		for _, s := range p.staying[o.Group.Name] {
			hint := map[string]string{withheld: "to remove them first, run with removals: apply", cutByOnly: "to remove them first, run without only"}[s.reason]
			p.warn(directory.GrantToLeaver, string(s.member.Email), hint, "%s stays in group %q and gets its new %s: %s", s.member.Email, o.Group.Name, rolesText(o.Roles), s.reason)
		}
	}
}

// revocable returns the roles that may be revoked, and withholds the rest.
func (p *planner) revocable(name directory.GroupName, roles []directory.Role) []directory.Role {
	reason := p.keepRole()
	if reason == "" {
		return roles
	}
	for _, role := range roles {
		p.plan.Withheld = append(p.plan.Withheld, Withheld{Kind: RoleRevocation, Group: name, Role: role, Reason: reason})
	}
	return nil
}

// rolesBeyond returns the roles that others lack, sorted and without
// repetitions.
func rolesBeyond(roles, others []directory.Role) []directory.Role {
	has := make(map[directory.Role]bool, len(others))
	for _, role := range others {
		has[role] = true
	}
	var beyond []directory.Role
	for _, role := range slices.SortedFunc(slices.Values(roles), directory.Role.Compare) {
		if !has[role] {
			has[role] = true
			beyond = append(beyond, role)
		}
	}
	return beyond
}

// RolesChanged returns the roles that the operation grants or revokes; those of a
// group that is created are granted.
func (o *Operation) RolesChanged() []directory.Role {
	if o.Object == Group && o.Action == Create {
		return o.Group.Roles
	}
	return o.Roles
}
