package groupsync

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
)

// run is a plan on its way.
type run struct {
	*Service
	stop    context.CancelCauseFunc
	outcome *Outcome
	// Whom to put into groups by what name, and who cannot be; written between
	// the phases only.
	usernames map[directory.Email]string
	missing   map[directory.Email]bool
	left      map[string]int // see leftBy
}

// Apply carries out the plan. An operation's failure does not stop the others;
// refused credentials or the end of the context do: nothing new is begun then,
// and what was not begun stays planned.
func (s *Service) Apply(ctx context.Context, p *plan.Plan) *Outcome {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := &run{
		Service: s, stop: stop, outcome: Preview(p),
		usernames: map[directory.Email]string{}, missing: map[directory.Email]bool{},
	}
	creations := r.phase(plan.User, plan.Create)
	r.each(ctx, creations, r.createUser)
	r.settleUsers(ctx, creations)
	r.updateUsers(ctx, r.phase(plan.User, plan.Update))
	r.each(ctx, r.phase(plan.Group, plan.Create, plan.Update), r.writeGroup)
	if r.allCreated(p) {
		r.each(ctx, r.phase(plan.Group, plan.Delete), r.deleteGroup)
		r.left = leftBy(r.phase(plan.Group, plan.Update, plan.Delete))
		r.each(ctx, r.phase(plan.User, plan.Delete), r.deleteUser)
	} else if ctx.Err() == nil && len(r.phase(plan.Group, plan.Delete))+len(r.phase(plan.User, plan.Delete)) > 0 {
		s.log.Warn("nothing is deleted in this run: a user or group could not be created")
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
	if left, limited := s.retrier.Budget.Left(); limited {
		r.outcome.Budget = &left
	}
	return r.outcome
}

func (r *run) phase(object plan.Object, actions ...plan.Action) []*Result {
	var results []*Result
	for i := range r.outcome.Results {
		result := &r.outcome.Results[i]
		for _, action := range actions {
			if result.Object == object && result.Action == action {
				results = append(results, result)
			}
		}
	}
	return results
}

// each carries out a phase, some at a time. What the end of the context leaves
// over stays planned.
func (r *run) each(ctx context.Context, results []*Result, operate func(context.Context, *Result)) {
	var group errgroup.Group
	group.SetLimit(max(r.concurrency, 1))
	for _, result := range results {
		group.Go(func() error {
			if ctx.Err() == nil {
				operate(ctx, result)
				r.progress()
				if !result.unsettled() {
					r.report(result)
				}
			}
			return nil
		})
	}
	_ = group.Wait() // results carry the errors
}

func (r *run) report(result *Result) {
	attributes := []any{"object", string(result.Object), "name", result.Name(), "attempts", result.Attempts}
	switch result.Status {
	case Done:
		effect := "unchanged"
		if result.Effect != "" {
			effect = string(result.Effect) + "d"
		}
		if len(result.Add)+len(result.Remove) > 0 {
			attributes = append(attributes, "added", result.Added, "removed", result.Removed)
		}
		r.log.Info(effect, attributes...)
	case Failed, Skipped:
		r.log.Error(string(result.Status), append(attributes, "action", string(result.Action), "error", result.Err)...)
	}
}

// allCreated tells whether every user and group that was to be created was.
func (r *run) allCreated(p *plan.Plan) bool {
	if slices.ContainsFunc(p.Blocked, func(b plan.Blocked) bool { return b.Missing }) {
		return false
	}
	for i := range r.outcome.Results {
		if result := &r.outcome.Results[i]; result.Action == plan.Create && result.Status != Done {
			return false
		}
	}
	return true
}

// try carries out one operation under its policy and notes how it ended.
// attempt tells whether a request to write went out, whatever came of it.
// settle, after an error that leaves open what the tenant did, reads back
// whether it is done.
func (r *run) try(ctx context.Context, result *Result, policy retry.Policy, attempt func(context.Context) (wrote bool, err error), settle func(context.Context) bool) {
	wrote := false
	kind := kind(result.Action, result.Object)
	name := kind + " " + result.Name()
	retrier := r.retrier
	retrier.Metrics = r.metrics[kind]
	ended := retrier.DoSettled(ctx, name, policy, func(ctx context.Context) error {
		w, err := attempt(ctx)
		wrote = wrote || w && !errors.Is(err, retry.ErrInterrupted)
		result.ambiguous = result.ambiguous || w && retry.Classify(err).Ambiguous
		return err
	}, func(ctx context.Context, err error) bool {
		if !result.ambiguous || settle == nil || unauthenticated(err) || !settle(ctx) {
			return false
		}
		r.log.Info("the request failed, but it was carried out", "operation", name, "error", err)
		result.Effect = result.Action
		return true
	})
	result.Attempts = ended.Attempts
	if unauthenticated(ended.Err) {
		r.stop(ended.Err)
	}
	switch {
	case ended.Err == nil:
		result.Status = Done
	case errors.Is(ended.Err, retry.ErrInterrupted) && !wrote:
		result.Attempts = 0 // not begun: it stays planned
	case errors.Is(ended.Err, errLeft) && !result.ambiguous:
		result.Status, result.Err = Skipped, ended.Err
	default:
		result.Status, result.Err = Failed, ended.Err
	}
}

// errLeft is wrapped by the reason to leave an object alone.
var errLeft = errors.New("left alone")

func unauthenticated(err error) bool {
	var refused interface{ Unauthenticated() bool }
	return errors.As(err, &refused) && refused.Unauthenticated()
}

// hasStatus tells whether the API itself answered so, not a proxy or a web page
// on the way.
func hasStatus(err error, code int) bool {
	var answer interface {
		StatusCode() int
		FromAPI() bool
	}
	return errors.As(err, &answer) && answer.FromAPI() && answer.StatusCode() == code
}

func conflict(err error) bool { return hasStatus(err, http.StatusConflict) }
func gone(err error) bool     { return hasStatus(err, http.StatusNotFound) }

// repeated tells that the client layer had sent the request before, and that
// it may have been carried out then.
func repeated(err error) bool {
	var again interface{ Repeated() bool }
	return errors.As(err, &again) && again.Repeated()
}
