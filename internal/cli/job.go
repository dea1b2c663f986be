package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/progress"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/roster"
	"xc-group-sync/internal/xc"
)

// job is one run: the CSV or a snapshot and the tenant in, plan, apply, report.
type job struct {
	settings  *config.Config
	getenv    func(string) string
	stdin     io.Reader
	client    *xc.Client
	log       *slog.Logger
	screen    *progress.Terminal // nil: nobody watches
	edge      *actions.Edge
	sanitiser report.Sanitiser

	run   report.Run
	codes map[int]bool
	hub   *actions.GitHub // nil: not needed yet
}

// applies notes that an exit code does.
func (j *job) applies(code int) {
	j.codes[code] = true
	j.run.Verdict = verdict(gravest(j.codes))
}

// fail ends the run as a whole.
func (j *job) fail(code int, err error) {
	j.applies(code)
	err = withHint(err)
	j.run.Failure = err.Error()
	j.log.Error("the run ends", "error", err)
}

// withHint adds to an error what to do about it.
func withHint(err error) error {
	if hint := xc.Hint(err); hint != "" {
		return fmt.Errorf("%w; %s", err, hint)
	}
	return err
}

// sync walks the run from the CSV to what became of the plan.
func (j *job) sync(ctx context.Context) {
	desired, ok := j.desired()
	if !ok {
		return
	}
	observed, policy, ok := j.observed(ctx)
	if !ok {
		return
	}
	j.run.Plan = plan.New(desired, observed, policy)
	if j.carryOut(ctx, observed) && j.settings.Simulate {
		j.lookAgain(ctx, desired, policy)
	}
}

// restore walks the run from a snapshot to what became of the way back.
func (j *job) restore(ctx context.Context) {
	snapshot, err := readSnapshot(j.settings.Snapshot)
	if err != nil {
		j.fail(exitSettings, fmt.Errorf("snapshot: %w", err))
		return
	}
	if snapshot.Tenant != j.settings.Tenant {
		j.fail(exitGuard, fmt.Errorf("snapshot: it is of the tenant %s, not of %s, so nothing is changed: give tenant and api-url as that sync did", snapshot.Tenant, j.settings.Tenant))
		return
	}
	observed, policy, ok := j.observed(ctx)
	if !ok {
		return
	}
	j.run.Plan = plan.NewRestore(snapshot, observed, policy)
	j.carryOut(ctx, observed)
}

// carryOut applies the plan, if the guards let it and it is no dry run, and
// tells whether it did.
func (j *job) carryOut(ctx context.Context, observed *directory.Observed) bool {
	p := j.run.Plan
	if !j.guarded(ctx) {
		return false
	}
	if j.settings.DryRun {
		if j.settings.FailOnDrift && len(p.Operations) > 0 {
			j.applies(exitDrift)
		}
		return false
	}
	if err := j.saveSnapshot(observed); err != nil {
		j.fail(exitFailed, fmt.Errorf("%w; nothing is changed without it", err))
		return false
	}
	j.apply(ctx, p)
	return true
}

// desired reads the CSV.
func (j *job) desired() (*directory.Desired, bool) {
	file, err := j.open()
	if err != nil {
		j.fail(exitCSV, fmt.Errorf("csv: %w", err))
		return nil, false
	}
	defer func() { _ = file.Close() }()
	desired, err := roster.Read(file, j.settings.Roster)
	var broken *roster.Error
	if errors.As(err, &broken) {
		j.run.Problems = append([]directory.Finding{broken.Finding}, broken.Rows...)
	}
	if err != nil {
		j.run.BadCSV = true
		j.fail(exitCSV, fmt.Errorf("csv: %s: %w", j.settings.CSV, err))
		return nil, false
	}
	j.run.Problems, j.run.People, j.run.Groups = desired.Findings, len(desired.People), len(desired.Groups)
	if bad := desired.InvalidRows; bad > 0 && j.settings.Strict {
		j.run.BadCSV = true
		j.fail(exitCSV, fmt.Errorf("csv: %s: invalid rows: %d, the first on line %d; not allowed with strict", j.settings.CSV, bad, desired.FirstInvalidRow))
		return nil, false
	}
	j.log.Info("read the CSV", "people", len(desired.People), "groups", len(desired.Groups), "findings", len(desired.Findings))
	return desired, true
}

func (j *job) open() (io.ReadCloser, error) {
	if j.settings.CSV == "-" {
		return io.NopCloser(j.stdin), nil
	}
	file, err := os.Open(j.settings.CSV)
	if errors.Is(err, fs.ErrNotExist) {
		missing := "there is no file " + j.settings.CSV
		if here, lost := os.Getwd(); lost == nil && !filepath.IsAbs(j.settings.CSV) {
			missing += " in " + here
		}
		if j.edge.Active() {
			missing += ": is it committed, and checked out by an earlier step? The action sees what is below the workspace only"
		}
		return nil, errors.New(missing)
	}
	return file, err
}

// observed is the tenant's state, and the policy with all that the tenant adds
// to it.
func (j *job) observed(ctx context.Context) (*directory.Observed, plan.Policy, bool) {
	observed, policy, err := j.observe(ctx)
	switch {
	case err == nil:
		j.log.Info("read the tenant", "tenant", j.settings.Tenant, "users", len(observed.Users), "groups", len(observed.Groups))
		return observed, policy, true
	case ctx.Err() != nil:
		j.fail(exitInterrupted, errors.New("interrupted while the tenant was read: nothing was changed"))
	case xc.Refused(err):
		j.fail(exitCredentials, fmt.Errorf("tenant %s: %w", j.where(), err))
	default:
		j.fail(exitFailed, fmt.Errorf("tenant %s: %w", j.where(), err))
	}
	return nil, policy, false
}

// where is the tenant as errors name it.
func (j *job) where() string {
	if host := strings.TrimPrefix(j.settings.APIURL, "https://"); host != "" && host != j.settings.Tenant {
		return j.settings.Tenant + " (" + host + ")"
	}
	return j.settings.Tenant
}

// observe reads the tenant and, where users may be deleted, who the caller is.
func (j *job) observe(ctx context.Context) (*directory.Observed, plan.Policy, error) {
	policy := j.settings.Policy
	policy.Tenant = j.settings.Tenant
	observed, err := j.client.Observe(ctx)
	if err != nil || !policy.PruneUsers {
		return observed, policy, err
	}
	caller, err := j.client.WhoAmI(ctx)
	if err != nil && (ctx.Err() != nil || retry.FaultOf(err).Unauthenticated) {
		return nil, policy, err
	}
	if err != nil {
		// The rest of the plan stands, but what was asked for is not done.
		j.trouble(true, "find the caller, who must not be deleted", err)
		if xc.Refused(err) {
			j.applies(exitCredentials)
		}
	} else {
		policy.Caller = plan.Caller{Known: true, Email: caller.Email, Username: caller.Username}
	}
	return observed, policy, nil
}

// guarded tells whether the guards let the plan pass.
func (j *job) guarded(ctx context.Context) bool {
	p := j.run.Plan
	if len(p.Blocked) > 0 {
		j.applies(exitFailed)
	}
	for _, refusal := range p.Refusals {
		j.applies(exitGuard)
		j.log.Error("refused by a guard, nothing is changed", "reason", refusal.String())
	}
	switch expected, err := j.reviewed(ctx); {
	case err != nil && ctx.Err() != nil:
		j.fail(exitInterrupted, errors.New("interrupted before anything was changed"))
	case err != nil:
		j.fail(exitGuard, fmt.Errorf("expect-plan: %w; nothing is changed", err))
	case expected != "" && expected != p.Digest:
		j.fail(exitGuard, fmt.Errorf("expect-plan: today's plan is not the one that was reviewed (%s), so nothing is changed: the CSV, the tenant or a setting is another since. Read today's plan; if it is right, apply it with expect-plan: %s", expected, p.Digest))
	}
	return !j.codes[exitGuard] && !j.codes[exitInterrupted]
}

// apply carries out the plan.
func (j *job) apply(ctx context.Context, p *plan.Plan) {
	meter := j.meter(len(p.Operations))
	j.run.Outcome = j.service(meter.Done).Apply(ctx, p)
	meter.Stop()
	if j.screen != nil {
		j.screen.Show("")
	}
	if j.run.Outcome.Stopped != nil && ctx.Err() != nil {
		j.applies(exitInterrupted)
	}
	if xc.Refused(j.run.Outcome.Stopped) {
		j.applies(exitCredentials)
	}
	for i := range j.run.Outcome.Results {
		result := &j.run.Outcome.Results[i]
		if xc.Refused(result.Err) {
			j.applies(exitCredentials)
		}
		if result.Err != nil {
			j.applies(exitFailed)
			result.Err = withHint(result.Err)
		}
	}
}

// meter shows how far the run is: a bar where somebody watches, else now and
// then a line of the log.
func (j *job) meter(total int) *progress.Meter {
	if j.screen != nil {
		return progress.Start(total, 100*time.Millisecond, func(s progress.State) { j.screen.Show(s.Bar()) })
	}
	return progress.Start(total, 10*time.Second, func(s progress.State) {
		j.log.Info("progress", "done", s.Done, "total", s.Total, "rate", fmt.Sprintf("%.1f/s", s.Rate), "left", s.Left)
	})
}

func (j *job) service(ended func()) *groupsync.Service {
	c := j.settings
	service := groupsync.New(j.client, groupsync.Options{
		UserRetry: c.UserRetry, GroupRetry: c.GroupRetry, RetryAfterMax: c.RetryAfterMax, RetryBudget: c.RetryBudget,
		BreakerThreshold: c.BreakerThreshold, BreakerCooldown: c.BreakerCooldown,
		Concurrency: c.Concurrency, OnUserFailure: c.OnUserFailure, Log: j.log, Progress: ended,
	})
	read, write := j.client.Attempts()
	j.log.Info("requests at most per operation", "user", c.UserRetry.Attempts*write, "group_write", c.GroupRetry.Attempts*write, "read", read)
	return service
}

// lookAgain shows on the embedded tenant that a second run would find nothing
// to do.
func (j *job) lookAgain(ctx context.Context, desired *directory.Desired, policy plan.Policy) {
	observed, err := j.client.Observe(ctx)
	if err != nil {
		j.log.Warn("the embedded tenant could not be read a second time", "error", err)
		return
	}
	if again := plan.New(desired, observed, policy); len(again.Operations) == 0 {
		j.run.Epilogue = "Second run: nothing to do, the tenant is as the CSV says."
	} else {
		j.run.Epilogue = fmt.Sprintf("Second run: %d operations are left to do.", len(again.Operations))
	}
}
