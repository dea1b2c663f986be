package groupsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/retry"
)

// createUser creates a user. What a conflict means, or a failure that leaves open
// whether the user was created, is for confirmCreations to find out for all of
// them together.
func (r *run) createUser(ctx context.Context, result *Result) {
	r.attempt(ctx, result, r.options.UserRetry, func(ctx context.Context, _ retry.History) (err error) {
		result.username, err = r.repository.CreateUser(ctx, result.User)
		return err
	}, nil)
}

// confirmCreations lists the users again if that must say what became of a
// creation, and keeps the usernames of those who were created.
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

// confirm decides by the tenant's users what became of creations.
func (r *run) confirm(creations []*Result, users []directory.User) {
	index := directory.NewIndex(users)
	for _, result := range creations {
		user, _ := index.Email(result.User.Email)
		username := cmp.Or(result.username, result.User.Username) // what the tenant said, or was asked for
		other := index.Username(username)
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

// updateUsers corrects names. A replacement removes what it does not give: the
// users are read again first, and one by one before a retry, so that roles and
// groups go back as they are.
func (r *run) updateUsers(ctx context.Context, updates []*Result) {
	if len(updates) == 0 || ctx.Err() != nil {
		return
	}
	users, err := r.readUsers(ctx)
	listed := make(map[string]directory.User, len(users)) // emails may be shared
	for _, user := range users {
		listed[user.Username.Key()] = user
	}
	r.each(ctx, updates, func(ctx context.Context, result *Result) {
		if err != nil {
			result.Status, result.Err = Failed, fmt.Errorf("could not read the user again: %w", err)
			return
		}
		want := &result.User
		r.attempt(ctx, result, r.options.UserRetry, func(ctx context.Context, history retry.History) (err error) {
			user, exists := listed[want.Username.Key()]
			if history.Attempts > 0 {
				user, err = r.readUser(ctx, want.Username)
				exists = !errors.Is(err, errNoUser)
			}
			switch {
			case !exists:
				return fmt.Errorf("%w: user no longer exists", errSkipped)
			case err != nil:
				return err
			case user.Email != want.Email || !user.Local():
				return fmt.Errorf("%w: user changed after planning and is no longer a local user with this email", errSkipped)
			case user.Groups == nil || user.Roles == nil:
				// To leave them out of a replacement would remove them.
				return fmt.Errorf("%w: the tenant lists the user without groups or roles", errSkipped)
			case user.Name == want.Name:
				result.nothingLeft(history)
				return nil
			}
			user.Name = want.Name
			return r.repository.ReplaceUser(ctx, user)
		}, func(ctx context.Context) bool {
			found, _ := r.readUser(ctx, want.Username)
			return found.Name == want.Name
		})
	})
}

// readUsers lists the users; refused credentials end the run.
func (r *run) readUsers(ctx context.Context) ([]directory.User, error) {
	users, err := r.repository.Users(ctx)
	if retry.FaultOf(err).Unauthenticated {
		r.stop(err)
	}
	return users, err
}

// deleteUser deletes a user. One who no longer exists is deleted.
func (r *run) deleteUser(ctx context.Context, result *Result) {
	isGone := func(ctx context.Context) bool {
		_, err := r.readUser(ctx, result.User.Username)
		return errors.Is(err, errNoUser)
	}
	r.attempt(ctx, result, r.options.UserRetry, func(ctx context.Context, _ retry.History) error {
		err := r.repository.DeleteUser(ctx, result.User)
		if answered(err, http.StatusNotFound) && isGone(ctx) {
			return nil // all deletions have one path: the 404 alone does not say whose user is missing
		}
		return err
	}, isGone)
	if result.Status == Done {
		result.Removed = result.Removals() + r.notRemoved[result.User.Username.Key()]
	}
}

// notRemoved counts by username key the memberships that group operations should
// have removed and did not: they go with the user who is deleted.
func notRemoved(groups []*Result) map[string]int {
	counts := map[string]int{}
	for _, result := range groups {
		if result.Status == Done {
			continue
		}
		for _, member := range result.Remove {
			if key := member.Username.Key(); !result.left.done[key] {
				counts[key]++
			}
		}
	}
	return counts
}

var errNoUser = errors.New("no such user")

// readUser returns the user as the tenant lists them now, or errNoUser.
func (r *run) readUser(ctx context.Context, username directory.Username) (directory.User, error) {
	users, err := r.readUsers(ctx)
	if err != nil {
		return directory.User{}, err
	}
	for _, user := range users {
		if user.Username.Key() == username.Key() {
			return user, nil
		}
	}
	return directory.User{}, errNoUser
}
