package groupsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
)

// run is a plan in progress.
type run struct {
	*Service
	stop    context.CancelCauseFunc
	outcome *Outcome
	byGroup map[directory.GroupName][]*Result // the operations on each group

	listing       listing
	singleChecked bool // a single write was read back and did what it should

	usernames map[directory.Email]directory.Username // of users who were created; written between phases
}

// Apply carries out the plan. A failed operation does not stop the others, but
// refused credentials or the end of the context do: then nothing new is begun,
// and what was not begun stays planned.
func (s *Service) Apply(ctx context.Context, p *plan.Plan) *Outcome {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := &run{
		Service: s, stop: stop, outcome: Preview(p), usernames: map[directory.Email]directory.Username{},
		byGroup: map[directory.GroupName][]*Result{}, listing: listing{turn: make(chan struct{}, 1)},
	}
	for i := range r.outcome.Results {
		if result := &r.outcome.Results[i]; result.Object == plan.Group {
			r.byGroup[result.Group.Name] = append(r.byGroup[result.Group.Name], result)
		}
	}
	creations := r.phase(plan.User, plan.Create)
	r.each(ctx, creations, r.createUser)
	r.confirmCreations(ctx, creations)
	r.changeUsers(ctx, r.phase(plan.User, plan.Update), r.updateUser, isRenamed)
	r.each(ctx, r.phase(plan.Group, plan.Revoke), r.changeRoles)
	whole, singly := r.memberships()
	r.each(ctx, whole, r.writeGroup)
	r.writeSingly(ctx, singly)
	r.each(ctx, r.phase(plan.Group, plan.Grant), r.changeRoles)
	if r.allCreated() {
		r.each(ctx, r.phase(plan.Group, plan.Delete), r.deleteGroup)
		deletions := r.phase(plan.User, plan.Delete)
		r.changeUsers(ctx, deletions, r.deleteUser, isGone)
		countRemoved(deletions, r.phase(plan.Group, plan.Update, plan.Delete))
	}
	r.outcome.Stopped = context.Cause(ctx)
	r.outcome.Opened = s.retrier.Breaker.Opened()
	r.outcome.ByOperation = map[string]retry.Counts{}
	for kind, metrics := range s.metrics {
		counts := metrics.Counts()
		r.outcome.Retry.Add(counts)
		if counts.Attempts+counts.Rejected > 0 {
			r.outcome.ByOperation[kind] = counts
		}
	}
	if n, limited := s.retrier.Budget.Left(); limited {
		r.outcome.Budget = &n
	}
	return r.outcome
}

func (r *run) phase(object plan.Object, actions ...plan.Action) []*Result {
	var results []*Result
	for i := range r.outcome.Results {
		result := &r.outcome.Results[i]
		if result.Object == object && slices.Contains(actions, result.Action) {
			results = append(results, result)
		}
	}
	return results
}

// memberships returns the groups that are created or replaced, and those whose
// members are written one by one. The latter come after the former: if the first
// single write changes anything besides its own group, that must not be another
// operation's doing.
func (r *run) memberships() (whole, singly []*Result) {
	for _, result := range r.phase(plan.Group, plan.Create, plan.Update) {
		if r.writtenSingly(result) {
			singly = append(singly, result)
		} else {
			whole = append(whole, result)
		}
	}
	return whole, singly
}

// each carries out a phase, several operations at a time. At the end of the
// context, the rest stays planned.
func (r *run) each(ctx context.Context, results []*Result, operate func(context.Context, *Result)) {
	var group errgroup.Group
	group.SetLimit(r.options.Concurrency)
	for _, result := range results {
		group.Go(func() error {
			if ctx.Err() == nil {
				operate(ctx, result)
				if result.Status != Planned {
					result.Ended = time.Now()
				}
				r.options.Progress()
				if !result.uncertain() {
					r.log(result)
				}
			}
			return nil
		})
	}
	_ = group.Wait() // the results have the errors
}

func (r *run) log(result *Result) {
	attributes := []any{"name", result.Name()}
	if result.Attempts > 1 {
		attributes = append(attributes, "attempts", result.Attempts)
	}
	if len(result.Roles) > 0 {
		attributes = append(attributes, "roles", strings.Join(directory.RoleNames(result.Roles), " "))
	}
	if len(result.Add)+len(result.Remove) > 0 {
		attributes = append(attributes, "added", result.Added, "removed", result.Removed)
	}
	switch result.Status {
	case Done:
		effect := "unchanged"
		if result.Effect != "" {
			effect = plan.KindOf(result.Object, result.Effect).Past
		}
		r.options.Log.Info(effect+" "+string(result.Object), attributes...)
	case Failed, Skipped:
		r.options.Log.Error("could not "+string(result.Action)+" "+string(result.Object), append(attributes, "error", result.Err)...)
	}
}

// allCreated reports whether every planned creation of a user or group succeeded.
func (r *run) allCreated() bool {
	return !slices.ContainsFunc(r.outcome.Results, func(result Result) bool {
		return result.Action == plan.Create && result.Status != Done
	})
}

// attempt carries out one operation under its policy and records how it ended. It
// calls try for each attempt, and again where that fails with errStale. If an
// attempt failed but may have taken effect, settle reads back whether it did; a nil
// settle never finds out.
func (r *run) attempt(ctx context.Context, result *Result, policy retry.Policy, try func(context.Context, retry.History) error, settle func(context.Context) bool) {
	kind := result.Kind().String()
	name := kind + " " + result.Name()
	retrier := r.retrier
	retrier.Metrics = r.metrics[kind]
	result.Effect = result.Action
	var receipt retry.Receipt
	ended := retrier.Do(retry.WithReceipt(ctx, &receipt), name, policy, func(ctx context.Context, history retry.History) (err error) {
		var unsure error // the latest error after which a write may have taken effect
		for range 1 + restarts {
			if err = try(ctx, history); unsure != nil {
				err = after(unsure, err)
			}
			if !errors.Is(err, errStale) {
				return err
			}
			if retry.FaultOf(err).Ambiguous {
				unsure, history.MaybeDone = err, true
			}
		}
		return err
	}, func(ctx context.Context, err error) bool {
		if settle == nil || retry.FaultOf(err).Unauthenticated || !settle(ctx) {
			return false
		}
		r.options.Log.Info("request failed but took effect", "operation", name, "error", err)
		return true
	})
	result.RequestID = receipt.RequestID
	fault := retry.FaultOf(ended.Err)
	if fault.Unauthenticated {
		r.stop(ended.Err)
	}
	switch {
	case ended.Err == nil:
		result.Status, result.Attempts = Done, ended.Attempts
	case fault.Cause == retry.CauseInterrupted && fault.NotSent:
		// It has not begun, so it stays planned.
	case errors.Is(ended.Err, errSkipped) && !fault.Ambiguous && !result.changed:
		result.Status, result.Attempts, result.Err = Skipped, ended.Attempts, ended.Err
	default:
		result.Status, result.Attempts, result.Err = Failed, ended.Attempts, ended.Err
		if part := result.partial(); part != "" {
			result.Err = fmt.Errorf("after %s: %w", part, ended.Err)
		}
	}
	result.count()
}

// errSkipped is wrapped by errors that give the reason for leaving an object
// alone.
var errSkipped = errors.New("skipped")

// errStale means that what is to be replaced changed after it was read: the attempt
// begins again, at most restarts times.
var errStale = fmt.Errorf("%w: it changes all the time", errSkipped)

const restarts = 3

// answered reports whether the API itself answered with a status, rather than a
// proxy or a web page in between.
func answered(err error, status int) bool {
	fault := retry.FaultOf(err)
	return fault.FromAPI && fault.Status == status
}
