package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/run"
	"xc-group-sync/internal/xc"
)

// How long a run that has ended may take to update GitHub, and one that was
// interrupted: the runner kills it 10 s after the first signal
// (https://docs.github.com/actions/reference/workflows-and-actions/workflow-cancellation).
const (
	gitHubTimeout      = 3 * time.Minute // two waits for the secondary rate limit
	interruptedTimeout = 1500 * time.Millisecond
)

// publish sends the result to GitHub, to the report file and to the reader, the
// closing lines last, and returns the exit code.
func (s *session) publish(ctx context.Context, result *run.Result) run.Code {
	if err := run.Recovered(s.log, func() { s.publishTo(ctx, s.report(result)) }); err != nil {
		err = fmt.Errorf("could not write the complete report: %w", err)
		if s.found == nil { // otherwise Fail logs it there
			_, _ = fmt.Fprintln(s.stderr, "error:", s.sanitizer.Line(err.Error()))
		}
		result.Fail(directory.Bug, err)
	}
	return result.Code()
}

func (s *session) publishTo(ctx context.Context, r *report.Report) {
	s.updateGitHub(ctx, r)
	path := s.settings.ReportFile
	if err := s.writeReport(r.JSON); err != nil {
		r.Fail(directory.NotReported, fmt.Errorf("report-file: %w", err))
		path = ""
	}
	if err := s.edge.Outputs(outputsOf(r, path)); err != nil {
		r.Fail(directory.NotReported, err)
	}
	if err := s.summarize(r.Summary); err != nil {
		r.Add(directory.Finding{Kind: directory.NotReported, Message: err.Error()})
	}
	s.annotate(fmt.Sprintf("Tenant %s", r.Tenant), r.Findings)
	if err := r.WriteText(s.text, s.sanitizer, s.style); err != nil {
		r.Fail(directory.NotReported, err)
	}
}

// writeReport writes the JSON report, if there is to be one.
func (s *session) writeReport(json func(report.Sanitizer) ([]byte, error)) error {
	path := s.settings.ReportFile
	if path == "" {
		return nil
	}
	document, err := json(s.sanitizer)
	if err != nil {
		return err
	}
	if path == "-" {
		// The log of a job is scanned for commands; this is the same JSON.
		_, err := s.stdout.Write(directory.RunnerCommand.ReplaceAll(document, []byte(`#\u0023$1[`)))
		return err
	}
	return s.writeWhole(path, document)
}

// summarize writes the job summary, if there is to be one.
func (s *session) summarize(markdown func(s report.Sanitizer, limit int) string) error {
	if !s.settings.Summary || !s.edge.HasSummary() { // nobody would see it
		return nil
	}
	return s.edge.Summary(markdown(s.sanitizer, actions.MaxSummary))
}

// updateGitHub brings the pull request's comment and the issue up to date.
func (s *session) updateGitHub(ctx context.Context, r *report.Report) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), gitHubTimeout)
	defer cancel()
	// A signal leaves little time, whether it came earlier or comes now.
	defer context.AfterFunc(ctx, func() { time.AfterFunc(interruptedTimeout, cancel) })()
	s.alarm(bounded, r)
	s.comment(bounded, r) // after it, so that it shows the alarm's failure, too
	r.GitHub = s.origin(bounded, r)
}

// originTimeout limits the time for asking GitHub who approved the run. GitHub
// may know a commit's pull request only half a minute after the push.
const originTimeout = time.Minute

// origin returns where the run comes from, for the JSON report; nil outside Actions
// and without a report.
func (s *session) origin(ctx context.Context, r *report.Report) *report.GitHub {
	origin := s.edge.Origin()
	if s.settings.ReportFile == "" || origin == nil {
		return nil
	}
	if !s.settings.Simulate {
		ctx, cancel := context.WithTimeout(ctx, originTimeout)
		defer cancel()
		github, err := s.github()
		if err == nil {
			err = github.AddReview(ctx, origin)
		}
		switch {
		case err == nil:
		case errors.Is(err, actions.ErrNoPullRequest), errors.Is(err, actions.ErrNoToken):
			s.log.Info("the report does not name a reviewer", "reason", err)
		default:
			r.Add(directory.Finding{Kind: directory.GitHub, Message: fmt.Sprintf("report-file: %s", err), Hint: retry.HintOf(err)})
		}
	}
	converted := report.GitHub(*origin)
	return &converted
}

// github connects to GitHub, once. It uses the environment's proxy: the settings
// for proxy and client certificate are for the tenant.
func (s *session) github() (*actions.GitHub, error) {
	if s.hub != nil {
		return s.hub, nil
	}
	options := xc.TransportOptions{Connections: 1}
	if err := proxy(&options, "", s.getenv); err != nil {
		return nil, err
	}
	var err error
	if options.CABundle, err = caBundle(s.settings); err != nil {
		return nil, err
	}
	transport, err := xc.NewTransport(options)
	if err != nil {
		return nil, err
	}
	s.hub, err = s.edge.GitHub(actions.Options{Token: s.settings.GitHubToken, PullRequest: s.settings.PullRequest, AcceptMasked: s.settings.ApproveMasked, Transport: transport, Hide: s.sanitizer.Secrets.Hide})
	return s.hub, err
}

// comment keeps the one comment on the pull request up to date.
func (s *session) comment(ctx context.Context, r *report.Report) {
	event := s.edge.Event()
	number := cmp.Or(event.PullRequest, s.settings.PullRequest)
	switch s.settings.Comment {
	case config.No:
		return
	case config.Auto:
		merged := event.Name == "push" && !s.settings.DryRun
		if s.settings.Simulate || number == 0 && !merged {
			return
		}
	}
	page, err := s.putComment(ctx, r)
	switch {
	case errors.Is(err, actions.ErrKept):
		s.log.Info("no comment", "reason", err)
	case err == nil:
		s.log.Info("updated the comment on the pull request", "page", page)
	case s.settings.Comment == config.Yes:
		r.Fail(directory.GitHub, fmt.Errorf("comment: %w", err))
	case number == 0 && s.settings.ExpectPlan == config.PullRequest && r.Tallies().Changed:
		hint, _, _ := strings.Cut(retry.HintOf(err), ", or set ") // what would not record it either
		r.Add(directory.Finding{Kind: directory.GitHub, Message: fmt.Sprintf("the apply is not recorded on its pull request, so a re-run of this job may apply the plan again: %s", err), Hint: hint})
	case number == 0: // nobody asked for a comment on a merged pull request
		s.log.Info("no comment on a pull request", "reason", err)
	default:
		r.Add(directory.Finding{Kind: directory.GitHub, Message: fmt.Sprintf("comment: %s", err), Hint: retry.HintOf(err)})
	}
}

func (s *session) putComment(ctx context.Context, r *report.Report) (page string, err error) {
	github, err := s.github()
	if err != nil {
		return "", err
	}
	limit := actions.MaxRecord
	if s.settings.DryRun {
		limit = actions.MaxPlan
	}
	return github.Comment(ctx, s.note(r, report.CommentOptions{Limit: limit}))
}

// note returns the text of the run for GitHub.
func (s *session) note(r *report.Report, options report.CommentOptions) actions.Note {
	event := s.edge.Event()
	options.Commit, options.AcceptMasked = cmp.Or(event.HeadSHA, event.SHA), s.settings.ApproveMasked
	if event.SHA != options.Commit {
		options.Merge = event.SHA
	}
	body, complete := r.Comment(s.sanitizer, options)
	note := actions.Note{
		Target: s.target(), DryRun: s.settings.DryRun, Body: body,
		Masked: s.sanitizer.MaskEmails, Applied: !s.settings.DryRun && r.Tallies().Changed,
	}
	if r.Plan != nil {
		// The exit code may come from something graver than a refusal.
		note.Plan, note.Approves = r.Plan.Digest, complete && len(r.Plan.Refusals) == 0 && r.Code() != run.Refused
	}
	return note
}

// target returns the tenant as comments and issues name it.
func (s *session) target() actions.Target {
	return actions.Target{Tenant: s.settings.Tenant, API: s.settings.Policy.API}
}

// alarm keeps one issue per tenant open while runs fail. Runs on pull requests
// open none: their authors see what is wrong.
func (s *session) alarm(ctx context.Context, r *report.Report) {
	if !s.settings.IssueOnFailure || s.settings.Simulate || s.edge.Event().PullRequest != 0 || r.Code() == run.Interrupted {
		return
	}
	failed := r.Code() != run.Done
	if !failed && (s.settings.Snapshot != "" || s.settings.DryRun && r.Tallies().Changed) {
		return // the groups are not, or not yet, as the CSV says
	}
	github, err := s.github()
	if err == nil {
		title := s.sanitizer.Line("xc-group-sync: group sync is failing for " + s.settings.Tenant)
		err = github.Alarm(ctx, title, s.note(r, report.CommentOptions{Limit: actions.MaxRecord, Alarm: true}), failed)
	}
	if err != nil {
		r.Fail(directory.GitHub, fmt.Errorf("issue-on-failure: %w", err))
	}
}

// annotate shows findings at the lines of the CSV and above the log.
func (s *session) annotate(title string, findings []directory.Finding) {
	annotations := make([]actions.Annotation, len(findings))
	for i, f := range s.sanitizer.Notes(findings) {
		message := f.Message
		if f.File != "" && f.Line == 0 {
			message = f.File + ": " + message // GitHub shows only files in the workspace
		}
		annotations[i] = actions.Annotation{Level: actions.Warning, File: f.File, Line: f.Line, Title: s.sanitizer.Line(title), Message: s.sanitizer.Line(message)}
		if f.Severity == directory.Error {
			annotations[i].Level = actions.Error
		}
		if _, err := strconv.Atoi(f.Column); err != nil && f.Column != "" {
			annotations[i].Title = f.Column
		}
		if f.Hint != "" {
			annotations[i].Message += "\nhint: " + f.Hint
		}
	}
	s.edge.Annotate(annotations)
}

// expected returns the digest that the plan must have; empty if any digest will
// do.
func (s *session) expected(ctx context.Context) (digest string, err error) {
	switch {
	case s.settings.ExpectPlan != config.PullRequest:
		return s.settings.ExpectPlan, nil
	case s.settings.DryRun && s.edge.Event().Name != "merge_group":
		return "", nil // this may be the plan that will be reviewed
	}
	github, err := s.github()
	if err != nil {
		return "", err
	}
	if s.settings.DryRun {
		return github.Queued(ctx, s.target())
	}
	return github.Reviewed(ctx, s.target())
}
