package groupsync

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/retry"
)

// createUser creates a user. After a conflict, or a failure that leaves open
// whether the user was created, confirmCreations finds out, for all creations
// together.
func (r *run) createUser(ctx context.Context, result *Result) {
	r.attempt(ctx, result, r.options.UserRetry, func(ctx context.Context, _ retry.History) (err error) {
		result.username, err = r.repository.CreateUser(ctx, result.User)
		return err
	}, nil)
}

// confirmCreations lists the users again if the outcome of a creation is
// uncertain, and keeps the usernames of those who were created.
func (r *run) confirmCreations(ctx context.Context, creations []*Result) {
	var uncertain []*Result
	for _, result := range creations {
		if result.uncertain() {
			uncertain = append(uncertain, result)
		}
	}
	if len(uncertain) > 0 && ctx.Err() == nil { // after its end nothing more is sent
		users, err := r.readUsers(ctx)
		if err != nil {
			r.options.Log.Warn("could not list the users after their creation", "error", err)
		}
		r.confirm(uncertain, users)
	}
	for _, result := range creations {
		if result.Status == Done {
			r.usernames[result.User.Email] = result.username
		}
	}
	for _, result := range uncertain {
		r.log(result)
	}
}

// confirm resolves uncertain creations by the tenant's users.
func (r *run) confirm(creations []*Result, users *directory.Index) {
	for _, result := range creations {
		user, _ := users.Email(result.User.Email)
		username := cmp.Or(result.username, result.User.Username) // the tenant's, or the requested one
		other := users.Username(username)
		switch {
		case user != nil:
			result.username = user.Username
			if result.Status == Failed {
				r.succeeded(result)
			}
		case other != nil && result.Status == Done:
			result.Status = Failed
			result.Err = fmt.Errorf("created, but username %q belongs to %q", other.Username, other.Email)
		case other != nil:
			result.Err = fmt.Errorf("%w; username %q belongs to %q", result.Err, other.Username, other.Email)
		default:
			result.username = username
		}
	}
}

// succeeded corrects the result of a creation that failed although the user
// exists: somebody else created the user, or one of the attempts did.
func (r *run) succeeded(result *Result) {
	kind := result.Kind().String()
	r.metrics[kind].CarriedOut(retry.Result{Attempts: result.Attempts, Err: result.Err})
	if retry.FaultOf(result.Err).Ambiguous {
		result.Effect = result.Action
		r.options.Log.Info("request failed but took effect", "operation", kind+" "+result.Name(), "error", result.Err)
	}
	result.Status, result.Err = Done, nil
}

// changeUsers updates or deletes users. The API identifies them by email,
// replaces the whole user and deletes for good, so the users are read again
// first, and after each wait. change gets the user as the tenant then has it,
// nil if there is none.
func (r *run) changeUsers(ctx context.Context, results []*Result, change func(ctx context.Context, result *Result, now *directory.User, history retry.History) error, settle func(*Result, *directory.User) bool) {
	if len(results) == 0 || ctx.Err() != nil {
		return
	}
	_, err := r.listed(ctx, time.Now())
	r.each(ctx, results, func(ctx context.Context, result *Result) {
		if err != nil {
			result.Status, result.Err = Failed, fmt.Errorf("could not read the user again: %w", err)
			return
		}
		planned := &result.User
		r.attempt(ctx, result, r.options.UserRetry, func(ctx context.Context, history retry.History) error {
			since := r.retrier.Breaker.Cooled()
			if history.Attempts > 0 {
				since = time.Now()
			}
			now, err := r.find(ctx, planned, since)
			if err != nil {
				return err
			}
			ctx = retry.WithRecheck(ctx, func(ctx context.Context) error {
				later, err := r.find(ctx, planned, time.Now())
				if err == nil && changed(later, now) {
					err = errStale
				}
				return err
			})
			return change(ctx, result, now, history)
		}, func(ctx context.Context) bool {
			users, err := r.listed(ctx, time.Now())
			return err == nil && settle(result, users.Username(planned.Username))
		})
	})
}

// find returns a user as listed after a time, or nil if there is none. It fails
// if a write, which goes by email, could reach somebody else.
func (r *run) find(ctx context.Context, planned *directory.User, since time.Time) (*directory.User, error) {
	users, err := r.listed(ctx, since)
	if err != nil {
		return nil, err
	}
	now := users.Username(planned.Username)
	if now != nil && (now.Email != planned.Email || len(users.Emails(now.Email)) > 1) {
		return nil, fmt.Errorf("%w: user changed after planning and is no longer the only one with this email", errSkipped)
	}
	return now, nil
}

// updateUser corrects a name. A replacement removes what it leaves out, so roles
// and groups are sent back as they are.
func (r *run) updateUser(ctx context.Context, result *Result, now *directory.User, history retry.History) error {
	switch {
	case now == nil:
		return fmt.Errorf("%w: user no longer exists", errSkipped)
	case !now.Local():
		return fmt.Errorf("%w: user changed after planning and is no longer a local user", errSkipped)
	case now.Groups == nil || now.Roles == nil:
		// Leaving them out of a replacement would remove them.
		return fmt.Errorf("%w: the tenant lists the user without groups or roles", errSkipped)
	case now.Name == result.User.Name:
		result.nothingLeft(history)
		return nil
	}
	user := *now
	user.Name = result.User.Name
	return r.repository.ReplaceUser(ctx, user)
}

func isRenamed(result *Result, now *directory.User) bool {
	return now != nil && now.Name == result.User.Name
}

// deleteUser deletes a user who got nothing new after planning. A user who no
// longer exists counts as deleted.
func (r *run) deleteUser(ctx context.Context, result *Result, now *directory.User, _ retry.History) error {
	switch {
	case now == nil:
		return nil
	case hasMore(now, &result.User):
		return fmt.Errorf("%w: user changed after planning; they will be re-evaluated in the next run", errSkipped)
	}
	err := r.repository.DeleteUser(ctx, result.User)
	if answered(err, http.StatusNotFound) {
		// All deletions have the same path, so a 404 alone does not say which
		// user is missing.
		if users, unread := r.listed(ctx, time.Now()); unread == nil && users.Username(result.User.Username) == nil {
			return nil
		}
	}
	return err
}

func isGone(_ *Result, now *directory.User) bool { return now == nil }

// hasMore reports whether a user is in another group, has another role or is of
// another kind than when the plan was made.
func hasMore(now, then *directory.User) bool {
	return len(union(then.Groups, now.Groups)) > len(setOf(then.Groups)) || len(union(then.Roles, now.Roles)) > len(setOf(then.Roles)) ||
		now.Type != then.Type || now.IDMType != then.IDMType || now.SyncMode != then.SyncMode || now.DomainOwner != then.DomainOwner
}

// changed reports whether a user is gone, or has other groups or roles or is of another
// kind than before.
func changed(now, then *directory.User) bool {
	return now == nil || hasMore(now, then) || hasMore(then, now)
}

// readUsers lists the users; refused credentials end the run.
func (r *run) readUsers(ctx context.Context) (*directory.Index, error) {
	users, err := r.repository.Users(ctx)
	if retry.FaultOf(err).Unauthenticated {
		r.stop(err)
	}
	return directory.NewIndex(users), err
}

// listing is the latest listing of the users, which the operations of a run share.
type listing struct {
	turn   chan struct{} // held by the operation that lists
	users  *directory.Index
	asked  time.Time // when users was asked for
	err    error     // of the latest listing that failed
	failed time.Time // when that was asked for
}

// listed returns the users as listed after a time. Operations that wait for the
// same listing share it.
func (r *run) listed(ctx context.Context, since time.Time) (*directory.Index, error) {
	l := &r.listing
	select {
	case <-ctx.Done():
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	}
	asked := time.Now()
	switch {
	case ctx.Err() != nil:
		return nil, retry.Interrupted(ctx)
	case l.asked.After(since):
		return l.users, nil
	case l.failed.After(since):
		return nil, l.err
	}
	users, err := r.readUsers(ctx)
	if err != nil {
		l.err, l.failed = err, asked
		return nil, err
	}
	l.users, l.asked = users, asked
	return users, nil
}

// countRemoved counts the memberships that were removed with deleted users: those
// in the plan, and those that operations on groups should have removed before but
// did not.
func countRemoved(deletions, groups []*Result) {
	left := map[string]int{} // by username key
	for _, result := range groups {
		if result.Status == Done {
			continue
		}
		for _, member := range result.Remove {
			if key := member.Username.Key(); !result.left.done[key] {
				left[key]++
			}
		}
	}
	for _, result := range deletions {
		if result.Status == Done {
			result.Removed = result.Removals() + left[result.User.Username.Key()]
		}
	}
}
