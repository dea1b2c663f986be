package groupsync

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
)

// changeRoles grants or revokes a group's roles: those that it still lacks or
// still has. Roles are granted only after everything before is done, so that at
// no moment does anybody have more than before or after.
func (r *run) changeRoles(ctx context.Context, result *Result) {
	write, extra := r.repository.AssignRoles, false
	switch {
	case result.Action == plan.Revoke:
		write, extra = r.repository.RemoveRoles, true
	case !r.done(result.Group.Name, plan.Revoke):
		result.Status, result.Err = Skipped, errNotRevoked
		return
	case !r.done(result.Group.Name, plan.Create, plan.Update):
		result.Status, result.Err = Skipped, fmt.Errorf("%w: the group's members are not as planned", errSkipped)
		return
	}
	r.attempt(ctx, result, r.options.GroupRetry, func(ctx context.Context, history retry.History) error {
		group, err := r.current(ctx, result)
		if err != nil {
			return err
		}
		roles := open(result.Roles, &group, extra)
		if len(roles) == 0 {
			result.nothingLeft(history)
			return nil
		}
		return result.written(write(ctx, group.Name, roles), nil, nil, roles)
	}, func(ctx context.Context) bool {
		group, err := r.readGroup(ctx, result)
		return err == nil && changeable(result, &group) == nil && len(open(result.Roles, &group, extra)) == 0
	})
}

// open returns the roles that are still to be written: those that a group lacks
// or, if they are extra, has.
func open(roles []directory.Role, group *directory.Group, extra bool) []directory.Role {
	return slices.DeleteFunc(slices.Clone(roles), func(role directory.Role) bool { return slices.Contains(group.Roles, role) != extra })
}

// grantMissing grants the missing roles of a group that was to be created but
// already exists.
func (r *run) grantMissing(ctx context.Context, result *Result, group *directory.Group) error {
	missing := open(result.Group.Roles, group, false)
	if len(missing) == 0 {
		return nil
	}
	result.Effect = cmp.Or(result.Effect, plan.Update)
	return result.written(r.repository.AssignRoles(ctx, group.Name, missing), nil, nil, missing)
}

// errNotRevoked is why nobody is added to a group and nothing is granted to it.
var errNotRevoked = fmt.Errorf("%w: roles of the group could not be revoked", errSkipped)

// done reports whether a group's operations with these actions are done.
func (r *run) done(group directory.GroupName, actions ...plan.Action) bool {
	return !slices.ContainsFunc(r.byGroup[group], func(result *Result) bool {
		return slices.Contains(actions, result.Action) && result.Status != Done
	})
}
