package groupsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
)

// writtenSingly reports whether an update is written one person at a time: it
// changes no more people than a replacement of the group would send.
func (r *run) writtenSingly(result *Result) bool {
	changes, after := len(result.Add)+len(result.Remove), len(result.Group.Usernames)+len(result.Add)-len(result.Remove)
	return r.options.MembershipWrites == SingleMembers && result.Action == plan.Update && result.Attributes == nil && changes <= after
}

// writeSingly updates groups one person at a time: one group after the other until
// the first write was read back and did what it should, then side by side.
func (r *run) writeSingly(ctx context.Context, groups []*Result) {
	for len(groups) > 0 && !r.singleChecked {
		r.each(ctx, groups[:1], r.writeGroup)
		groups = groups[1:]
	}
	r.each(ctx, groups, r.writeGroup)
}

// updateSingly updates a group by one request per person. It avoids the gap
// between reading and replacing: somebody added meanwhile stays.
func (r *run) updateSingly(ctx context.Context, result *Result, change change) {
	r.attempt(ctx, result, r.options.GroupRetry, func(ctx context.Context, history retry.History) error {
		group, err := r.current(ctx, result)
		if err != nil {
			return err
		}
		_, leaving, joining := change.apply(group.Usernames)
		if len(leaving)+len(joining) == 0 {
			result.nothingLeft(history)
		}
		for i, username := range slices.Concat(leaving, joining) {
			if err := r.writeSingle(ctx, result, username, i >= len(leaving)); err != nil {
				if result.changed {
					err = after(nil, err)
				}
				return err
			}
		}
		return nil
	}, func(ctx context.Context) bool { return change.done(r.readGroup(ctx, result)) })
}

// writeSingle adds a person to a group or removes one from it. That the person's
// other groups stay is documented but untested, so the first write of a run is
// read back, whatever the response; see writeSingly.
func (r *run) writeSingle(ctx context.Context, result *Result, username directory.Username, joins bool) error {
	group := result.Group.Name
	write := func() error {
		one := []directory.Username{username}
		if joins {
			return result.written(r.repository.AddToGroup(ctx, username, group), nil, one, nil)
		}
		return result.written(r.repository.RemoveFromGroup(ctx, username, group), one, nil, nil)
	}
	if r.singleChecked {
		return write()
	}
	users, err := r.readUsers(ctx)
	if err != nil {
		return fmt.Errorf("read the user before the first single write: %w", err)
	}
	before := users.Username(username)
	if before == nil {
		return fmt.Errorf("%w: a member is no longer in the tenant's user listing", errSkipped)
	}
	written := write()
	if fault := retry.FaultOf(written); written != nil && (!fault.Ambiguous || fault.Unauthenticated) {
		return written
	}
	users, err = r.readUsers(ctx)
	now := users.Username(username)
	if err == nil && now == nil {
		err = errors.New("no such user")
	}
	if err == nil {
		if now.Groups != nil {
			member := func(string) bool { return slices.Contains(now.Groups, string(group)) }
			result.joined.settle(member)
			result.left.settle(func(key string) bool { return !member(key) })
		}
		err = r.checkSingle(ctx, *before, *now, group, joins)
	} else {
		err = fmt.Errorf("could not read back the first single write: %w", err)
	}
	if err != nil {
		err = retry.WithHint(err, "set membership-writes: replace")
		r.stop(err) // which also keeps it from being settled: the outcome is known
		return &retry.Fault{Cause: retry.CauseOther, Err: err}
	}
	r.singleChecked = written == nil
	return written
}

// checkSingle compares a person before and after a single write to a group. What
// the person lost elsewhere is restored. What was gained stays: somebody may have
// given it meanwhile.
func (r *run) checkSingle(ctx context.Context, before, now directory.User, group directory.GroupName, joins bool) error {
	others := func(user directory.User) []string {
		return slices.DeleteFunc(slices.Clone(user.Groups), func(name string) bool { return name == string(group) })
	}
	switch {
	case joins && now.Groups == nil, !joins && before.Groups == nil:
		return errors.New("could not check the first single write: the tenant lists users without their groups")
	case sameSet(others(before), others(now)) && sameSet(before.Roles, now.Roles):
		return nil
	}
	who := cmp.Or(string(now.Email), "a user without an email")
	err := fmt.Errorf("the tenant does not write single memberships as documented: for %s it changed more than the membership in group %s", who, group)
	back := now
	back.Name = now.Name.Complete(now.Email)
	back.Groups, back.Roles = union(now.Groups, others(before)), union(now.Roles, before.Roles)
	switch {
	case sameSet(back.Groups, now.Groups) && sameSet(back.Roles, now.Roles):
		return err // nothing was lost
	case now.Roles == nil:
		return fmt.Errorf("%w; it could not be undone, because the tenant lists the user without roles", err)
	}
	ctx = retry.WithRecheck(ctx, func(ctx context.Context) error {
		users, err := r.readUsers(ctx)
		if later := users.Username(now.Username); err == nil && changed(later, &now) && changed(later, &back) { // an earlier request may have restored it
			err = errors.New("the user changed meanwhile")
		}
		return err
	})
	if failed := r.repository.ReplaceUser(ctx, back); failed != nil {
		return fmt.Errorf("%w; it could not be undone: %w", err, failed)
	}
	return fmt.Errorf("%w; what was lost was restored", err)
}

func union[T comparable](a, b []T) []T {
	in, all := map[T]bool{}, []T{}
	for _, one := range slices.Concat(a, b) {
		if !in[one] {
			in[one] = true
			all = append(all, one)
		}
	}
	return all
}

func sameSet[T comparable](a, b []T) bool { return maps.Equal(setOf(a), setOf(b)) }

func setOf[T comparable](all []T) map[T]bool {
	set := make(map[T]bool, len(all))
	for _, one := range all {
		set[one] = true
	}
	return set
}
