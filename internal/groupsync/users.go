package groupsync

import (
	"context"
	"errors"
	"fmt"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/retry"
)

// createUser creates a user. A conflict means that the user is there.
func (r *run) createUser(ctx context.Context, result *Result) {
	maybeCreated := false
	r.try(ctx, result, r.users, func(ctx context.Context) (bool, error) {
		err := r.repository.CreateUser(ctx, result.User)
		if conflict(err) {
			if maybeCreated || repeated(err) {
				result.Effect = result.Action
			}
			return true, nil
		}
		maybeCreated = maybeCreated || retry.Classify(err).Ambiguous
		if err == nil {
			result.Effect = result.Action
		}
		return true, err
	}, nil) // settled for all of them together
}

// settleUsers finds out by what name the users go that were there already, and
// whether those exist whose creation failed in a way that leaves it open.
func (r *run) settleUsers(ctx context.Context, creations []*Result) {
	var open []*Result
	for _, result := range creations {
		if result.Status == Done {
			r.usernames[result.User.Email] = result.User.Username
		} else {
			r.missing[result.User.Email] = true
		}
		if result.unsettled() {
			open = append(open, result)
		}
	}
	if len(open) > 0 && ctx.Err() == nil { // else nothing more is sent
		users, err := r.readUsers(ctx)
		if err != nil {
			r.log.Warn("the users could not be listed again after their creation was left open", "error", err)
		} else {
			r.settle(open, users)
		}
	}
	for _, result := range open {
		r.report(result)
	}
}

// settle tells by the tenant's users what became of creations.
func (r *run) settle(creations []*Result, users []directory.User) {
	byEmail, byUsername := map[directory.Email]directory.User{}, map[string]directory.User{}
	for _, user := range users {
		byEmail[user.Email], byUsername[directory.Fold(user.Username)] = user, user
	}
	for _, result := range creations {
		email := result.User.Email
		user, exists := byEmail[email]
		other, taken := byUsername[directory.Fold(result.User.Username)]
		switch {
		case exists:
			if result.Status == Failed {
				kind := kind(result.Action, result.Object)
				r.log.Info("the request failed, but it was carried out", "operation", kind+" "+result.Name(), "error", result.Err)
				r.metrics[kind].CarriedOut(retry.Result{Attempts: result.Attempts, Err: result.Err})
				result.Status, result.Effect, result.Err = Done, result.Action, nil
			}
			r.usernames[email] = user.Username
			delete(r.missing, email)
		case result.Status == Done && taken:
			result.Status = Failed
			result.Err = fmt.Errorf("the tenant has a user of that name with another e-mail, %q: rename one", other.Email)
			r.missing[email] = true
		}
	}
}

// updateUsers corrects names. A replacement takes away what it does not give:
// the users are read again first, so that roles and groups go back as they are.
func (r *run) updateUsers(ctx context.Context, updates []*Result) {
	if len(updates) == 0 || ctx.Err() != nil {
		return
	}
	users, err := r.readUsers(ctx)
	now := make(map[string]directory.User, len(users)) // e-mails may be shared
	for _, user := range users {
		now[user.Username] = user
	}
	r.each(ctx, updates, func(ctx context.Context, result *Result) {
		user, exists := now[result.User.Username]
		switch {
		case err != nil:
			result.Status, result.Err = Failed, fmt.Errorf("the user could not be read again: %w", err)
			return
		case !exists:
			result.Status, result.Err = Skipped, errors.New("the user is gone since the plan was made")
			return
		case user.Email != result.User.Email || !user.Local():
			result.Status, result.Err = Skipped, errors.New("the user is no longer this program's to change")
			return
		case user.Groups == nil || user.Roles == nil:
			// To leave them out of a replacement is to take them away.
			result.Status, result.Err = Skipped, errors.New("the tenant lists the user without groups or roles")
			return
		case user.Name == result.User.Name:
			result.Status = Done
			return
		}
		user.Name = result.User.Name
		r.try(ctx, result, r.users, func(ctx context.Context) (bool, error) {
			return true, r.repository.ReplaceUser(ctx, user)
		}, func(ctx context.Context) bool {
			found, _ := r.readUser(ctx, user.Username)
			return found.Name == user.Name
		})
		if result.Status == Done {
			result.Effect = result.Action
		}
	})
}

// readUsers lists the users again; refused credentials end the run.
func (r *run) readUsers(ctx context.Context) ([]directory.User, error) {
	users, err := r.repository.Users(ctx)
	if unauthenticated(err) {
		r.stop(err)
	}
	return users, err
}

// deleteUser deletes a user. One who is gone is deleted.
func (r *run) deleteUser(ctx context.Context, result *Result) {
	r.try(ctx, result, r.users, func(ctx context.Context) (bool, error) {
		err := r.repository.DeleteUser(ctx, result.User)
		if gone(err) && r.isGone(ctx, result) {
			err = nil // the path is every user's: a 404 alone does not tell whose
		}
		return true, err
	}, func(ctx context.Context) bool { return r.isGone(ctx, result) })
	if result.Status == Done {
		result.Effect, result.Removed = result.Action, result.Removals()+r.left[directory.Fold(result.User.Username)]
	}
}

// leftBy counts by folded username the memberships that group operations should
// have taken away and did not: who is deleted takes them along.
func leftBy(groups []*Result) map[string]int {
	left := map[string]int{}
	for _, result := range groups {
		if result.Status == Done {
			continue
		}
		for _, member := range result.Remove {
			left[directory.Fold(member.Username)]++
		}
	}
	return left
}

func (r *run) isGone(ctx context.Context, result *Result) bool {
	user, err := r.readUser(ctx, result.User.Username)
	return err == nil && user.Username == ""
}

// readUser is the user as the tenant lists them now; the zero User if it does
// not.
func (r *run) readUser(ctx context.Context, username string) (directory.User, error) {
	users, err := r.readUsers(ctx)
	for _, user := range users {
		if user.Username == username {
			return user, err
		}
	}
	return directory.User{}, err
}
