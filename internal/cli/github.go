package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/config"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/xc"
)

// How long a run that has ended may talk to GitHub, and one that was
// interrupted, which the runner is about to kill.
const (
	patience = time.Minute
	lastGasp = 1500 * time.Millisecond
)

// tellGitHub brings the pull request's comment and the issue up to date.
func (j *job) tellGitHub(ctx context.Context) {
	left, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	// A signal leaves little time, whether it came before or comes now.
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastGasp, cancel) })()
	j.alarm(left)
	j.comment(left) // last, so that it tells of the alarm's failure, too
}

// github makes the way to GitHub, once. It goes as the environment says: proxy
// and client certificate are the tenant's.
func (j *job) github() (*actions.GitHub, error) {
	if j.hub != nil {
		return j.hub, nil
	}
	options := xc.TransportOptions{Connections: 1}
	if err := proxy(&options, "", j.getenv); err != nil {
		return nil, err
	}
	var err error
	if options.CABundle, err = caBundle(j.settings); err != nil {
		return nil, err
	}
	transport, err := xc.NewTransport(options)
	if err != nil {
		return nil, err
	}
	j.hub, err = j.edge.GitHub(j.settings.GitHubToken, transport)
	return j.hub, err
}

// comment keeps the one comment on the pull request up to date.
func (j *job) comment(ctx context.Context) {
	event := j.edge.Event()
	switch j.settings.Comment {
	case config.No:
		return
	case config.Auto:
		merged := event.Name == "push" && !j.settings.DryRun
		if j.settings.Simulate || event.PullRequest == 0 && !merged {
			return
		}
	}
	page, err := j.putComment(ctx)
	switch {
	case errors.Is(err, actions.ErrKept):
		j.log.Info("no comment", "reason", err)
	case err == nil:
		j.log.Info("the comment on the pull request is up to date", "page", page)
	case j.settings.Comment == config.Yes:
		j.trouble(true, "comment", err)
	case event.PullRequest == 0: // nobody asked for a comment on what was merged
		j.log.Info("no comment on a pull request", "reason", err)
	default:
		j.trouble(false, "comment", err)
	}
}

func (j *job) putComment(ctx context.Context) (page string, err error) {
	github, err := j.github()
	if err != nil {
		return "", err
	}
	note := actions.Note{Tenant: j.settings.Tenant, DryRun: j.settings.DryRun, Body: j.run.Comment(j.sanitiser, actions.MaxBody)}
	if j.run.Plan != nil {
		note.Plan = j.run.Plan.Digest
	}
	return github.Comment(ctx, note)
}

// alarm keeps the one issue of the tenant open while runs fail. A pull request
// is no alarm: who made it sees what is wrong.
func (j *job) alarm(ctx context.Context) {
	if !j.settings.IssueOnFailure || j.settings.Simulate || j.edge.Event().PullRequest != 0 || j.run.Verdict == report.Interrupted {
		return
	}
	failed := j.run.Verdict != report.Success
	if !failed && (j.settings.Snapshot != "" || j.settings.DryRun && j.run.Tallies().Changed) {
		return // the groups are not as the CSV says, or may not come to be
	}
	github, err := j.github()
	if err == nil {
		title := j.sanitiser.Line(fmt.Sprintf("xc-group-sync: the groups of %s are not kept in step", j.settings.Tenant))
		err = github.Alarm(ctx, j.settings.Tenant, title, j.run.Comment(j.sanitiser, actions.MaxBody), failed)
	}
	if err != nil {
		j.trouble(true, "issue-on-failure", err)
	}
}

// trouble notes what went wrong beside the operations; a grave one fails the run.
func (j *job) trouble(grave bool, what string, err error) {
	err = withHint(err)
	if grave {
		j.applies(exitFailed)
		j.log.Error(what, "error", err)
	} else {
		j.log.Warn(what, "error", err)
	}
	j.run.Troubles = append(j.run.Troubles, report.Note{Error: grave, Title: what, Message: err.Error()})
}

// annotate shows what went wrong beside the CSV's lines and above the log.
func (j *job) annotate() {
	var annotations []actions.Annotation
	for _, note := range j.run.Notes(j.sanitiser) {
		annotation := actions.Annotation{Level: actions.Warning, Line: note.Line, Title: note.Title, Message: note.Message}
		if note.Error {
			annotation.Level = actions.Error
		}
		if note.Line > 0 {
			annotation.File = j.settings.CSV
		}
		annotations = append(annotations, annotation)
	}
	j.edge.Annotate(annotations)
}

// reviewed is the digest that today's plan must have, where there is one.
func (j *job) reviewed(ctx context.Context) (digest string, err error) {
	switch {
	case len(j.run.Plan.Operations) == 0:
		return "", nil // nothing is left to apply, as when a job runs again
	case j.settings.ExpectPlan != config.PullRequest:
		return j.settings.ExpectPlan, nil
	case j.settings.DryRun:
		return "", nil // this may be the plan that will be reviewed
	}
	github, err := j.github()
	if err != nil {
		return "", err
	}
	return github.Reviewed(ctx, j.settings.Tenant)
}
