// Package run carries out one run, from a source to the outcome of its plan. It
// knows neither arguments nor environment nor GitHub, and renders nothing: a run
// is a function from its inputs to a Result.
package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
)

// Tenant is what a run reads and writes.
type Tenant interface {
	groupsync.Repository
	// Observe reads users and groups, whole or not at all.
	Observe(context.Context) (*directory.Observed, error)
	// WhoAmI returns the user the credentials belong to.
	WhoAmI(context.Context) (directory.User, error)
}

// Options say how far a run goes. The zero value plans and applies.
type Options struct {
	DryRun      bool // stop after the plan
	FailOnDrift bool // with DryRun: it is an error if there is anything to do

	// Expected returns the digest that the plan must have; empty if any will do.
	// An error refuses the plan. Nil expects nothing.
	Expected func(context.Context) (digest string, err error)
	// Planned is called with every plan before the first write; applies says
	// whether there will be writes. A finding that it returns refuses the plan.
	// Nil approves.
	Planned func(ctx context.Context, result *Result, applies bool) *directory.Finding
	// Found is called with findings when they are found, except failed
	// operations, which are in Log. Nil is not called.
	Found func([]directory.Finding)
	// Save saves the snapshot of what is about to change, before it changes; an
	// error ends the run. It is called if there is anything to change. Nil saves
	// nothing.
	Save func(*directory.Snapshot) error
	// Progress is called before the first write with the number of operations.
	// It returns what to call after each operation, concurrently, and at the end.
	// Nil shows nothing.
	Progress func(total int) (ended, stop func())

	Warnings []directory.Finding // that the result starts with

	Service groupsync.Options // of the sync service, without Log and Progress
	Log     *slog.Logger      // nil: silent
}

// Result is a run that has ended.
type Result struct {
	Started  time.Time
	Duration time.Duration
	DryRun   bool
	Inputs   []Input             // files that the source was read from
	Desired  *directory.Desired  // what the CSV states; nil for a restore, or if it cannot be used
	Observed *directory.Observed // what the tenant held before; nil if it was not read
	Plan     *plan.Plan          // nil if the run ended before there was one, or only is not valid
	Outcome  *groupsync.Outcome  // nil if nothing was applied
	Findings []directory.Finding // all that went wrong or deserves attention, in the order found

	found func([]directory.Finding)
}

// Add adds findings to the result.
func (r *Result) Add(findings ...directory.Finding) {
	r.Findings = append(r.Findings, findings...)
	if r.found != nil && len(findings) > 0 {
		r.found(findings)
	}
}

// Fail adds an error of a kind, in the words of err.
func (r *Result) Fail(kind directory.Kind, err error) {
	r.Add(directory.Finding{Severity: directory.Error, Kind: kind, Message: err.Error(), Hint: retry.HintOf(err)})
}

// Code returns the exit code that the findings ask for.
func (r *Result) Code() Code { return codeOf(r.Findings) }

// Stated returns what the CSV states; empty if no usable one was read.
func (r *Result) Stated() *directory.Desired { return cmp.Or(r.Desired, new(directory.Desired)) }

// Run plans the operations that lead from what the tenant holds to what the
// source states, and applies them unless a guard, a dry run, Expected or Planned
// stops it. It returns when everything that was begun has ended, even after the
// end of ctx.
func Run(ctx context.Context, source Source, tenant Tenant, policy plan.Policy, options Options) *Result {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	result := &Result{Started: time.Now(), DryRun: options.DryRun, found: options.Found}
	result.Add(options.Warnings...)
	r := &runner{options: options, tenant: tenant, policy: policy, result: result}
	if err := Recovered(options.Log, func() { r.run(ctx, source) }); err != nil {
		result.Fail(directory.Bug, err)
	}
	result.Duration = time.Since(result.Started)
	return result
}

// Recovered runs step and turns a panic into an error, so that the run is still
// reported.
func Recovered(log *slog.Logger, step func()) (err error) {
	defer func() {
		if bug := recover(); bug != nil {
			log.Debug("stack of the internal error", "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error: %v; this is a bug. Some changes may have been applied. Please report it with --log-level debug output", bug)
		}
	}()
	step()
	return nil
}

type runner struct {
	options Options
	tenant  Tenant
	policy  plan.Policy
	result  *Result
}

func (r *runner) run(ctx context.Context, source Source) {
	goal, findings, err := r.read(ctx, source)
	if err != nil {
		r.result.Fail(directory.Bug, err)
		return
	}
	r.result.Add(findings...)
	r.result.Desired, r.result.Inputs = goal.Desired, goal.Inputs
	if goal.Plan == nil {
		return
	}
	r.options.Log.Info("read the source", "people", len(r.result.Stated().People), "groups", len(r.result.Stated().Groups), "findings", len(findings))
	observed, err := r.observe(ctx)
	if err != nil {
		r.result.Add(unread(ctx, r.policy.Tenant, err))
		return
	}
	r.options.Log.Info("read the tenant", "users", len(observed.Users), "groups", len(observed.Groups))
	r.result.Observed = observed
	planned := goal.Plan(observed, r.policy)
	if len(planned.UnmatchedOnly) > 0 {
		r.result.addUnmatched(planned.UnmatchedOnly)
		return
	}
	r.result.Plan = planned
	r.result.Add(planFindings(r.result.Plan)...)
	applies := r.approve(ctx) && !r.options.DryRun
	if r.options.Planned != nil {
		if finding := r.options.Planned(ctx, r.result, applies && len(r.result.Plan.Operations) > 0); finding != nil {
			r.result.Add(*finding)
			return
		}
	}
	if !applies {
		return
	}
	if err := r.save(observed); err != nil {
		r.result.Fail(directory.NotSaved, fmt.Errorf("%w; nothing was changed", err))
		return
	}
	r.apply(ctx)
}

// read reads the source. It returns when ctx ends even if reading does not: a
// pipe may never send anything. The error is a bug.
func (r *runner) read(ctx context.Context, source Source) (Goal, []directory.Finding, error) {
	type result struct {
		goal     Goal
		findings []directory.Finding
		err      error
	}
	ended := make(chan result, 1)
	go func() {
		var got result
		got.err = Recovered(r.options.Log, func() { got.goal, got.findings = source(r.policy) })
		ended <- got
	}()
	select {
	case got := <-ended:
		return got.goal, got.findings, got.err
	case <-ctx.Done():
		return Goal{}, []directory.Finding{{
			Severity: directory.Error, Kind: directory.Interrupted, Message: "interrupted while reading the source; nothing was changed",
		}}, nil
	}
}

// observe reads the tenant, and who the caller is.
func (r *runner) observe(ctx context.Context) (*directory.Observed, error) {
	observed, err := r.tenant.Observe(ctx)
	if err != nil {
		return nil, err
	}
	caller, err := r.tenant.WhoAmI(ctx)
	switch {
	case err == nil:
		r.policy.Caller = plan.Caller{Known: true, Email: caller.Email, Username: caller.Username}
	case ctx.Err() != nil || retry.FaultOf(err).Unauthenticated:
		return nil, err
	default: // the plan deletes nobody then
		r.result.Add(directory.Finding{Kind: directory.CallerUnknown, Hint: retry.HintOf(err),
			Message: fmt.Sprintf("could not identify the credentials' own user, so its own memberships are not guarded: %s", err)})
	}
	return observed, nil
}

// Observe reads a tenant outside of a run; findings call it by name. The finding
// says why it could not be read; nil if it was.
func Observe(ctx context.Context, tenant Tenant, name string) (*directory.Observed, *directory.Finding) {
	observed, err := tenant.Observe(ctx)
	if err != nil {
		finding := unread(ctx, name, err)
		return nil, &finding
	}
	return observed, nil
}

// unread returns the finding about a tenant that could not be read.
func unread(ctx context.Context, name string, err error) directory.Finding {
	if ctx.Err() != nil {
		return directory.Finding{Severity: directory.Error, Kind: directory.Interrupted, Message: "interrupted while reading the tenant; nothing was changed"}
	}
	err = fmt.Errorf("could not read tenant %s: %w", name, err)
	return directory.Finding{Severity: directory.Error, Kind: kindOf(err, directory.TenantUnread), Message: err.Error(), Hint: retry.HintOf(err)}
}

// approve reports whether the plan may be applied.
func (r *runner) approve(ctx context.Context) bool {
	if len(r.result.Plan.Refusals) > 0 {
		return false
	}
	expected, err := r.expected(ctx)
	switch digest := r.result.Plan.Digest; {
	case ctx.Err() != nil:
		r.result.Fail(directory.Interrupted, errors.New("interrupted before anything was changed"))
		return false
	case err != nil:
		r.result.Fail(directory.Refusal, fmt.Errorf("expect-plan: %w; nothing was changed", err))
		return false
	case expected != "" && expected != digest:
		r.result.Add(directory.Finding{
			Severity: directory.Error, Kind: directory.Refusal,
			Message: fmt.Sprintf("plan has changed since it was reviewed (expected %s, got %s); nothing was changed", expected, digest),
			Hint:    "review the new plan, then re-run with expect-plan: " + digest,
		})
		return false
	}
	if r.options.DryRun && r.options.FailOnDrift && r.result.Plan.Drift() {
		r.result.Fail(directory.Drift, retry.WithHint(errors.New("the tenant differs from the CSV, and fail-on-drift is set"),
			"apply the plan with a run without dry-run, or correct the CSV"))
	}
	return true
}

func (r *runner) expected(ctx context.Context) (string, error) {
	if r.options.Expected == nil || len(r.result.Plan.Operations) == 0 {
		return "", nil // nothing is left to apply, as when a job is re-run
	}
	return r.options.Expected(ctx)
}

func (r *runner) save(observed *directory.Observed) error {
	if r.options.Save == nil || len(r.result.Plan.Operations) == 0 {
		return nil
	}
	snapshot := r.result.Plan.Snapshot(r.policy, observed)
	snapshot.TakenAt = time.Now().UTC().Format(time.RFC3339)
	return r.options.Save(snapshot)
}

func (r *runner) apply(ctx context.Context) {
	options := r.options.Service
	options.Log = r.options.Log
	if r.options.Progress != nil {
		ended, stop := r.options.Progress(len(r.result.Plan.Operations))
		defer stop()
		options.Progress = ended
	}
	r.result.Outcome = groupsync.New(r.tenant, options).Apply(ctx, r.result.Plan)
	r.result.Findings = append(r.result.Findings, operationFindings(r.result.Outcome)...) // the service has logged them
	r.result.Add(remainder(ctx, r.result.Outcome)...)
}
