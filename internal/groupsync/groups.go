package groupsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
)

// change is what a group's members are to become, by username.
type change struct {
	add        []string
	remove     map[string]bool  // folded
	attributes *plan.Attributes // nil: as the tenant has them
}

// writeGroup creates or updates a group.
func (r *run) writeGroup(ctx context.Context, result *Result) {
	change, missing := r.change(result.Operation)
	switch {
	case len(missing) == 0:
	case r.onUserFailure == SkipGroup:
		result.Status = Skipped
		result.Err = fmt.Errorf("not synced, because %s could not be created", strings.Join(missing, ", "))
		return
	default:
		result.LeftOut = r.missing
	}
	if result.Action == plan.Create {
		if len(change.add) == 0 {
			result.Status, result.Err = Skipped, errors.New("not created, because none of its members could be")
			return
		}
		r.createGroup(ctx, result, change)
		return
	}
	r.updateGroup(ctx, result, change)
}

// change resolves the operation's members, and names who could not be created.
func (r *run) change(operation *plan.Operation) (c change, missing []string) {
	for _, member := range operation.Add {
		if r.missing[member.Email] {
			missing = append(missing, string(member.Email))
			continue
		}
		c.add = append(c.add, cmp.Or(member.Username, r.usernames[member.Email], string(member.Email)))
	}
	c.attributes = operation.Attributes
	c.remove = make(map[string]bool, len(operation.Remove))
	for _, member := range operation.Remove {
		c.remove[directory.Fold(member.Username)] = true
	}
	return c, missing
}

// apply is the group's members after the change, in the tenant's spelling, with
// how many came and went.
func (c change) apply(usernames []string) (members []string, added, removed int) {
	members = make([]string, 0, len(usernames)+len(c.add))
	present := make(map[string]bool, len(usernames)+len(c.add))
	for _, username := range usernames {
		folded := directory.Fold(username)
		if c.remove[folded] {
			removed++
			continue
		}
		present[folded] = true
		members = append(members, username)
	}
	for _, username := range c.add {
		if folded := directory.Fold(username); !present[folded] {
			present[folded] = true
			members = append(members, username)
			added++
		}
	}
	return members, added, removed
}

// done tells whether a group has what the change asks for.
func (c change) done(group directory.Group, err error) bool {
	_, added, removed := c.apply(group.Usernames)
	return err == nil && group.ReadError == "" && group.Usernames != nil && added+removed == 0 && !c.attributes.Apply(&group)
}

func (r *run) createGroup(ctx context.Context, result *Result, change change) {
	group := result.Group
	group.Usernames = change.add
	maybeCreated, sent := false, false
	r.try(ctx, result, r.groups, func(ctx context.Context) (bool, error) {
		err := r.repository.CreateGroup(ctx, group)
		if conflict(err) {
			// Somebody made it, perhaps this program at an earlier attempt.
			maybeCreated = maybeCreated || repeated(err)
			result.ambiguous = maybeCreated
			err := r.replaceGroup(ctx, result, change, &sent)
			if maybeCreated && errors.Is(err, retry.ErrInterrupted) {
				err = errors.New(err.Error()) // it was begun, and perhaps carried out
			}
			if err != nil {
				return true, err
			}
			if maybeCreated {
				result.Effect, result.Added = plan.Create, len(change.add)
			}
			return true, nil
		}
		maybeCreated = maybeCreated || retry.Classify(err).Ambiguous
		if err == nil {
			result.Effect, result.Added = plan.Create, len(change.add)
		}
		return true, err
	}, func(ctx context.Context) bool {
		if !change.done(r.readGroup(ctx, group.Name)) {
			return false
		}
		if !sent { // else counted already
			result.Added = len(change.add)
		}
		return true
	})
	if result.Status == Done && sent && !maybeCreated {
		result.Effect = plan.Update // it was there
	}
}

// readGroup reads a group to find out whether a write was carried out.
func (r *run) readGroup(ctx context.Context, name directory.GroupName) (directory.Group, error) {
	group, err := r.repository.Group(ctx, name)
	if unauthenticated(err) {
		r.stop(err)
	}
	return group, err
}

func (r *run) updateGroup(ctx context.Context, result *Result, change change) {
	wrote := false
	r.try(ctx, result, r.groups, func(ctx context.Context) (bool, error) {
		err := r.replaceGroup(ctx, result, change, &wrote)
		return wrote, err
	}, func(ctx context.Context) bool {
		return change.done(r.readGroup(ctx, result.Group.Name))
	})
}

// replaceGroup reads the group as it is now and puts it back with the change
// and nothing else altered, unless there is nothing left to change. wrote is
// set once the replacement is sent.
func (r *run) replaceGroup(ctx context.Context, result *Result, change change, wrote *bool) error {
	group, err := r.repository.Group(ctx, result.Group.Name)
	switch {
	case gone(err):
		return fmt.Errorf("%w: the group is gone since the plan was made", errLeft)
	case err != nil:
		return err
	case group.ReadError != "":
		return fmt.Errorf("%w: the tenant could not read the group whole: %s", errLeft, group.ReadError)
	case group.SyncMode == directory.SyncSCIM:
		return fmt.Errorf("%w: the group is synced by SCIM", errLeft)
	case group.Usernames == nil && (result.Action == plan.Create || len(result.Group.Usernames) > 0), group.Roles == nil && len(result.Group.Roles) > 0:
		return fmt.Errorf("%w: the tenant answers without the group's members or roles", errLeft)
	}
	members, added, removed := change.apply(group.Usernames)
	if !change.attributes.Apply(&group) && added+removed == 0 {
		if *wrote { // an earlier attempt turns out to have been carried out
			result.Effect = plan.Update
		}
		return nil
	}
	group.Usernames = members
	*wrote = true
	// Counted before the answer is known: a read-back may find it done.
	result.Added, result.Removed = added, removed
	if err := r.repository.ReplaceGroup(ctx, group); err != nil {
		return err
	}
	result.Effect = plan.Update
	return nil
}

// deleteGroup deletes a group that is still as the plan saw it. One that is
// gone is deleted.
func (r *run) deleteGroup(ctx context.Context, result *Result) {
	r.try(ctx, result, r.groups, func(ctx context.Context) (bool, error) {
		group, err := r.repository.Group(ctx, result.Group.Name)
		switch {
		case gone(err):
			return false, nil
		case err != nil:
			return false, err
		case !unchanged(&group, &result.Group):
			return false, fmt.Errorf("%w: the group changed since the plan was made; the next run looks at it anew", errLeft)
		}
		err = r.repository.DeleteGroup(ctx, result.Group.Name)
		if gone(err) {
			err = nil
		}
		return true, err
	}, func(ctx context.Context) bool {
		_, err := r.readGroup(ctx, result.Group.Name)
		return gone(err)
	})
	if result.Status == Done {
		result.Effect, result.Removed = result.Action, result.Removals()
	}
}

// unchanged compares all that makes a deletion right or wrong.
func unchanged(now, then *directory.Group) bool {
	// Not every answer need give the identifier.
	anew := now.UID != then.UID && now.UID != "" && then.UID != ""
	return now.ReadError == "" && !anew && now.Description == then.Description && now.DisplayName == then.DisplayName &&
		now.SyncID == then.SyncID && now.SyncMode == then.SyncMode && len(now.ReferredBy()) == 0 &&
		maps.Equal(set(now.Roles), set(then.Roles)) && slices.Equal(folded(now.Usernames), folded(then.Usernames))
}

func set(roles []directory.Role) map[directory.Role]bool {
	all := make(map[directory.Role]bool, len(roles))
	for _, role := range roles {
		all[role] = true
	}
	return all
}

func folded(usernames []string) []string {
	all := make([]string, len(usernames))
	for i, username := range usernames {
		all[i] = directory.Fold(username)
	}
	slices.Sort(all)
	return all
}
