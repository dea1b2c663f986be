package groupsync

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
)

// change is a change to a group.
type change struct {
	add        []directory.Username
	remove     map[string]bool  // by Username.Key
	attributes *plan.Attributes // nil: as the tenant has them
}

// writeGroup creates or updates a group.
func (r *run) writeGroup(ctx context.Context, result *Result) {
	change, missing := r.change(result.Operation)
	switch {
	case len(result.Add) > 0 && !r.done(result.Group.Name, plan.Revoke):
		result.Status, result.Err = Skipped, errNotRevoked
		return
	case len(missing) == 0:
	case r.options.OnUserFailure == SkipGroup:
		result.Status = Skipped
		result.Err = fmt.Errorf("%w: could not create %s", errSkipped, strings.Join(missing, ", "))
		return
	default:
		result.LeftOut = make(map[directory.Email]bool, len(missing))
		for _, email := range missing {
			result.LeftOut[directory.Email(email)] = true
		}
	}
	switch {
	case r.writtenSingly(result):
		r.updateSingly(ctx, result, change)
	case result.Action == plan.Update:
		r.updateGroup(ctx, result, change)
	case len(change.add) == 0 && len(missing) > 0:
		result.Status, result.Err = Skipped, fmt.Errorf("%w: none of its members could be created", errSkipped)
	default:
		r.createGroup(ctx, result, change)
	}
}

// change resolves the operation's members and returns the emails of those who
// could not be created.
func (r *run) change(operation *plan.Operation) (c change, missing []string) {
	for _, member := range operation.Add {
		username := cmp.Or(member.Username, r.usernames[member.Email])
		if username == "" {
			missing = append(missing, string(member.Email))
			continue
		}
		c.add = append(c.add, username)
	}
	c.attributes = operation.Attributes
	c.remove = make(map[string]bool, len(operation.Remove))
	for _, member := range operation.Remove {
		c.remove[member.Username.Key()] = true
	}
	return c, missing
}

// apply returns the members after the change, and who still has to leave and
// join, all in the tenant's spelling.
func (c change) apply(usernames []directory.Username) (members, leaving, joining []directory.Username) {
	members = make([]directory.Username, 0, len(usernames)+len(c.add))
	present := make(map[string]bool, len(usernames)+len(c.add))
	for _, username := range usernames {
		if c.remove[username.Key()] {
			leaving = append(leaving, username)
			continue
		}
		present[username.Key()] = true
		members = append(members, username)
	}
	for _, username := range c.add {
		if !present[username.Key()] {
			present[username.Key()] = true
			joining = append(joining, username)
		}
	}
	return append(members, joining...), leaving, joining
}

// done reports whether a group, as it was read, already is as the change asks.
func (c change) done(group directory.Group, err error) bool {
	_, leaving, joining := c.apply(group.Usernames)
	return err == nil && group.ReadError == "" && group.Usernames != nil && len(leaving)+len(joining) == 0 && !c.attributes.Apply(&group)
}

// createGroup creates a group. If the API answers that it exists, it is updated
// within the same attempt. That still counts as a creation if an earlier request
// of this operation may have created the group, and as an update if somebody else
// did.
func (r *run) createGroup(ctx context.Context, result *Result, change change) {
	group := result.Group
	group.Usernames = change.add
	r.attempt(ctx, result, r.options.GroupRetry, func(ctx context.Context, history retry.History) error {
		conflict := result.written(r.repository.CreateGroup(ctx, group), nil, group.Usernames, group.Roles)
		if !answered(conflict, http.StatusConflict) {
			return conflict
		}
		history.MaybeDone = history.MaybeDone || retry.FaultOf(conflict).Ambiguous
		if !history.MaybeDone {
			result.Effect = plan.Update
		}
		existing, err := r.repository.Group(ctx, group.Name)
		if err != nil {
			return after(conflict, fmt.Errorf("%v; %w", conflict, err))
		}
		result.settle(&existing)
		if err = changeable(result, &existing); err == nil {
			err = r.replaceGroup(ctx, result, change, existing, history)
		}
		if err == nil {
			err = r.grantMissing(ctx, result, &existing)
		}
		return after(conflict, err)
	}, func(ctx context.Context) bool {
		now, err := r.readGroup(ctx, result)
		result.changed = result.changed || err == nil && result.Effect == plan.Create // it exists
		return change.done(now, err) && len(open(group.Roles, &now, false)) == 0
	})
}

// after returns the error of an attempt whose first request failed with one error
// and a later one with another: the latter decides, except that the first one's
// may-have-taken-effect counts too.
func after(first, err error) error {
	if err == nil {
		return nil
	}
	fault := retry.FaultOf(err)
	fault.Ambiguous, fault.NotSent, fault.Err = fault.Ambiguous || retry.FaultOf(first).Ambiguous, false, err
	return &fault
}

// readGroup reads a group to find out which writes took effect; refused
// credentials end the run.
func (r *run) readGroup(ctx context.Context, result *Result) (directory.Group, error) {
	group, err := r.repository.Group(ctx, result.Group.Name)
	switch {
	case err == nil:
		result.settle(&group)
	case retry.FaultOf(err).Unauthenticated:
		r.stop(err)
	}
	return group, err
}

// updateGroup reads a group as it is now and changes it.
func (r *run) updateGroup(ctx context.Context, result *Result, change change) {
	r.attempt(ctx, result, r.options.GroupRetry, func(ctx context.Context, history retry.History) error {
		group, err := r.current(ctx, result)
		if err != nil {
			return err
		}
		return r.replaceGroup(ctx, result, change, group, history)
	}, func(ctx context.Context) bool { return change.done(r.readGroup(ctx, result)) })
}

// current reads a group that is about to be changed, and fails if it may not be
// changed.
func (r *run) current(ctx context.Context, result *Result) (directory.Group, error) {
	group, err := r.repository.Group(ctx, result.Group.Name)
	if answered(err, http.StatusNotFound) {
		return group, fmt.Errorf("%w: group no longer exists", errSkipped)
	}
	if err == nil {
		result.settle(&group)
		err = changeable(result, &group)
	}
	return group, err
}

// changeable returns why a group, as it was just read, may not be changed.
func changeable(result *Result, group *directory.Group) error {
	switch {
	case group.ReadError != "":
		return fmt.Errorf("%w: the tenant could not read the whole group: %s", errSkipped, group.ReadError)
	case result.Action == plan.Create && !result.Adopted && !plan.Owned(group):
		return fmt.Errorf("%w: it exists, and this program did not create it; to take it over, add it to adopt: %s", errSkipped, group.Name)
	case group.SyncMode == directory.SyncSCIM:
		return fmt.Errorf("%w: group is synced by SCIM", errSkipped)
	case group.Usernames == nil && (result.Action == plan.Create || len(result.Group.Usernames) > 0), group.Roles == nil && len(result.Group.Roles) > 0:
		return fmt.Errorf("%w: the tenant returned the group without members or roles", errSkipped)
	}
	return nil
}

// replaceGroup writes a group back as it was just read, with the change applied,
// unless nothing is left to change.
func (r *run) replaceGroup(ctx context.Context, result *Result, change change, group directory.Group, history retry.History) error {
	read := group
	members, leaving, joining := change.apply(group.Usernames)
	if !change.attributes.Apply(&group) && len(leaving)+len(joining) == 0 {
		result.nothingLeft(history)
		return nil
	}
	group.Usernames = members
	ctx = retry.WithRecheck(ctx, func(ctx context.Context) error {
		now, err := r.current(ctx, result)
		if err == nil && !same(&now, &read) && !same(&now, &group) { // an earlier attempt may have written it
			err = errStale
		}
		return err
	})
	return result.written(r.repository.ReplaceGroup(ctx, group), leaving, joining, nil)
}

// deleteGroup deletes a group that is still as the plan saw it. A group that no
// longer exists counts as deleted.
func (r *run) deleteGroup(ctx context.Context, result *Result) {
	deletable := func(ctx context.Context) error {
		group, err := r.repository.Group(ctx, result.Group.Name)
		if err == nil && (!same(&group, &result.Group) || len(group.ReferredBy()) > 0) {
			err = fmt.Errorf("%w: group changed after planning; it will be re-evaluated in the next run", errSkipped)
		}
		return err
	}
	r.attempt(ctx, result, r.options.GroupRetry, func(ctx context.Context, _ retry.History) error {
		err := deletable(ctx)
		if err == nil {
			err = r.repository.DeleteGroup(retry.WithRecheck(ctx, deletable), result.Group.Name)
		}
		if answered(err, http.StatusNotFound) {
			return nil
		}
		return err
	}, func(ctx context.Context) bool {
		_, err := r.readGroup(ctx, result)
		return answered(err, http.StatusNotFound)
	})
	if result.Status == Done {
		result.Removed = result.Removals()
	}
}

// same compares everything that a decision to replace or delete depends on.
func same(now, then *directory.Group) bool {
	// The response need not have the identifier.
	recreated := now.UID != then.UID && now.UID != "" && then.UID != ""
	return now.ReadError == "" && !recreated && now.Description == then.Description && now.DisplayName == then.DisplayName &&
		now.SyncID == then.SyncID && now.SyncMode == then.SyncMode && sameSet(now.Roles, then.Roles) && slices.Equal(keys(now.Usernames), keys(then.Usernames))
}

// keys returns the sorted keys of usernames.
func keys(usernames []directory.Username) []string {
	all := make([]string, len(usernames))
	for i, username := range usernames {
		all[i] = username.Key()
	}
	slices.Sort(all)
	return all
}
