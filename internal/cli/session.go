package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/progress"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/roster"
	"xc-group-sync/internal/run"
	"xc-group-sync/internal/xc"
)

// session is one command with valid settings, and where it reads and writes.
type session struct {
	settings  *config.Config
	getenv    func(string) string
	stdin     io.Reader
	text      io.Writer // for the reader: standard output, or standard error if standard output gets a report or an export
	stdout    io.Writer
	stderr    io.Writer
	log       *slog.Logger
	screen    *progress.Terminal // nil: standard error is not a terminal
	style     report.Style
	edge      *actions.Edge
	sanitizer report.Sanitizer
	client    *xc.Client
	hub       *actions.GitHub // nil: not connected yet
	told      int             // findings that the text has already shown
	unseen    bool            // somebody at the terminal does not see the text

	found func([]directory.Finding) // logs findings; nil if the text shows them on the same stream
}

func newSession(settings *config.Config, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) *session {
	s := &session{settings: settings, getenv: getenv, stdin: stdin, stdout: stdout, text: stdout}
	seen := isTerminal(stdout)                                       // by somebody who sees standard error
	elsewhere := settings.ReportFile == "-" || settings.Output != "" // standard output is not for the reader
	if elsewhere {
		s.text, seen = stderr, true
	}
	s.unseen = !seen
	s.edge = actions.New(getenv, s.text)
	secrets := settings.Secrets()
	s.edge.Mask(secrets)
	s.sanitizer = report.Sanitizer{
		MaskEmails: settings.MaskEmails == config.Yes || settings.MaskEmails != config.No && s.edge.Active() && !s.edge.Event().Private,
		Usernames:  new(report.Usernames),
		Secrets:    report.NewSecrets(secrets...),
	}
	if s.edge.Debug() {
		settings.LogLevel = slog.LevelDebug
	}
	terminal, output := isTerminal(stderr), stderr
	if terminal {
		s.screen = progress.NewTerminal(stderr)
		stderr = s.screen
	}
	s.stderr = stderr
	s.log = newLog(stderr, settings, s.sanitizer, terminal)
	s.style = report.Style{Fold: s.edge.Group}
	if terminal && seen && !s.edge.Active() {
		s.style = report.Style{Color: getenv("NO_COLOR") == "" && getenv("TERM") != "dumb", Short: settings.LogLevel > slog.LevelDebug}
	}
	if same := s.edge.Active() || elsewhere || terminal && seen || sameFile(stdout, output); same {
		s.log = slog.New(withoutErrors{s.log.Handler()})
	} else {
		s.found = s.logFindings
	}
	return s
}

// tenant returns the client's tenant. Where emails are masked, its usernames are hidden
// as soon as they are read.
func (s *session) tenant(client *xc.Client) run.Tenant {
	if !s.sanitizer.MaskEmails {
		return client
	}
	return maskedTenant{client, s.sanitizer.Usernames}
}

// maskedTenant is a tenant that adds the usernames it reads.
type maskedTenant struct {
	*xc.Client
	usernames *report.Usernames
}

func (t maskedTenant) Observe(ctx context.Context) (*directory.Observed, error) {
	observed, err := t.Client.Observe(ctx)
	if err == nil {
		t.usernames.Add(observed)
	}
	return observed, err
}

func (t maskedTenant) WhoAmI(ctx context.Context) (directory.User, error) {
	user, err := t.Client.WhoAmI(ctx)
	t.usernames.Add(&directory.Observed{Users: []directory.User{user}})
	return user, err
}

func (t maskedTenant) Users(ctx context.Context) ([]directory.User, error) {
	users, err := t.Client.Users(ctx)
	t.usernames.Add(&directory.Observed{Users: users})
	return users, err
}

func (t maskedTenant) CreateUser(ctx context.Context, user directory.User) (directory.Username, error) {
	username, err := t.Client.CreateUser(ctx, user)
	t.usernames.Add(&directory.Observed{Users: []directory.User{{Username: username}}})
	return username, err
}

func (t maskedTenant) Group(ctx context.Context, name directory.GroupName) (directory.Group, error) {
	group, err := t.Client.Group(ctx, name)
	t.usernames.Add(&directory.Observed{Groups: []directory.Group{group}})
	return group, err
}

func isTerminal(stream any) bool {
	file, ok := stream.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(file.Fd()))
}

// sameFile reports whether two streams are one file or pipe, as with 2>&1.
func sameFile(a, b any) bool {
	one, isOne := a.(*os.File)
	other, isOther := b.(*os.File)
	if !isOne || !isOther {
		return false
	}
	x, errX := one.Stat()
	y, errY := other.Stat()
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// logFindings logs findings, many of one kind as one.
func (s *session) logFindings(findings []directory.Finding) {
	for _, f := range s.sanitizer.Grouped(findings) {
		s.logFinding(f)
	}
}

func (s *session) logFinding(f directory.Finding) {
	attributes := []any{"kind", string(f.Kind)}
	for _, a := range [][2]any{{"file", f.File}, {"line", f.Line}, {"column", f.Column}, {"hint", f.Hint}} {
		if a[1] != "" && a[1] != 0 {
			attributes = append(attributes, a[0], a[1])
		}
	}
	level := slog.LevelWarn
	if f.Severity == directory.Error {
		level = slog.LevelError
	}
	s.log.Log(context.Background(), level, f.Message, attributes...)
}

// badSettings reports everything that is wrong with the settings and the files
// they name.
func (s *session) badSettings(err error) run.Code {
	findings := flatten(err)
	for i := range findings {
		findings[i].Severity, findings[i].Kind = directory.Error, directory.BadSettings
	}
	summary := func(sanitizer report.Sanitizer, limit int) string {
		return report.InvalidSettings(findings, sanitizer, limit)
	}
	for _, err := range []error{s.edge.Outputs([][2]string{{"result", run.Settings.Verdict()}}), s.summarize(summary)} {
		if err != nil {
			findings = append(findings, directory.Finding{Severity: directory.Error, Kind: directory.NotReported, Message: err.Error()})
		}
	}
	_ = report.WriteFindings(s.stderr, s.sanitizer, s.style, findings)
	s.annotate("Settings", findings)
	return run.Settings
}

// flatten makes a finding of each joined error.
func flatten(err error) []directory.Finding {
	if invalid, ok := err.(config.Errors); ok {
		return invalid
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []directory.Finding{{Message: err.Error(), Hint: retry.HintOf(err)}}
	}
	var findings []directory.Finding
	for _, one := range joined.Unwrap() {
		findings = append(findings, flatten(one)...)
	}
	return findings
}

// run carries out the command.
func (s *session) run(ctx context.Context, command string) *run.Result {
	c := s.settings
	source := s.csv(c.Roster)
	if command == config.Restore {
		source = run.Snapshot(c.Snapshot, func() (*directory.Snapshot, string, error) { return s.readSnapshot(c.Snapshot) })
	}
	s.log.Info("starting", append([]any{"command", command}, s.addressed()...)...)
	read, write := s.client.Attempts()
	s.log.Debug("requests at most per operation", "user", c.UserRetry.Attempts*write, "group_write", c.GroupRetry.Attempts*write, "read", read)
	said := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(said); s.log.Warn(stopping(s.client.InFlight())) })
	defer func() {
		if !stop() {
			<-said // otherwise it would be written into the text that follows
		}
	}()
	s.show("reading " + c.Tenant + " …")
	defer s.show("")
	return run.Run(ctx, source, s.tenant(s.client), c.Policy, run.Options{
		DryRun:      c.DryRun,
		FailOnDrift: c.FailOnDrift,
		Expected:    s.expected,
		Planned:     s.planned,
		Found:       s.found,
		Warnings:    c.Warnings,
		Save:        s.saveSnapshot,
		Progress:    s.progress,
		Service:     c.Options,
		Log:         s.log,
	})
}

// addressed returns log attributes that say which tenant a run is about; the
// embedded one has no URL.
func (s *session) addressed() []any {
	attributes := []any{"tenant", s.settings.Tenant}
	if s.settings.APIURL != "" {
		attributes = append(attributes, "api_url", s.settings.APIURL)
	}
	return attributes
}

// csv returns the source of the commands that read a CSV.
func (s *session) csv(options roster.Options) run.Source {
	paths, unmatched := csvPaths(s.settings.CSV)
	var files []run.File
	for _, path := range paths {
		files = append(files, run.File{Path: path, Open: func() (io.ReadCloser, error) { return s.openCSV(path) }})
	}
	for _, glob := range unmatched {
		files = append(files, run.File{Path: glob, Open: func() (io.ReadCloser, error) { return nil, s.notFound(glob, "no file matches") }})
	}
	return run.CSV(files, options, s.settings.Strict)
}

// stopping says what an interrupted run is still waiting for.
func stopping(requests int) string {
	if requests == 0 {
		return "stopping"
	}
	return fmt.Sprintf("stopping: waiting for %s; press Ctrl-C again to quit now", directory.Count(requests, "request", "requests"))
}

// show puts a line at the bottom of the terminal, if standard error is one.
func (s *session) show(line string) {
	if s.screen != nil {
		s.screen.Show(s.sanitizer.Line(line))
	}
}

// report returns the result, with what else readers must know.
func (s *session) report(result *run.Result) *report.Report {
	return &report.Report{
		Result: result, Version: release(), Tenant: s.settings.Tenant, API: s.settings.Policy.API, Simulate: s.settings.Simulate, Sample: s.settings.Policy.Sample, URL: s.edge.RunURL(), Told: s.told,
		Policy: s.policyFile(),
		HTTP:   report.HTTP(s.client.Stats()),
	}
}

// policyFile returns the policy file as reports name it; nil if there is none.
func (s *session) policyFile() *report.PolicyFile {
	if s.settings.PolicyFile.Path == "" {
		return nil
	}
	file := report.PolicyFile(s.settings.PolicyFile)
	return &file
}

// planned prints the plan and, at a terminal, asks whether to apply it.
func (s *session) planned(ctx context.Context, result *run.Result, applies bool) *directory.Finding {
	s.show("")
	_ = s.report(result).WritePlan(s.text, s.sanitizer, s.style) // the closing lines meet the same error
	if !applies || s.settings.Yes || s.settings.Simulate || s.edge.Active() || s.screen == nil || !isTerminal(s.stdin) {
		return nil
	}
	if s.unseen { // nobody should have to say yes to a plan that went to a file
		_ = s.report(result).WritePlan(s.stderr, s.sanitizer, s.style)
	}
	if s.found == nil { // otherwise the log has shown them
		_ = report.WriteFindings(s.text, s.sanitizer, s.style, result.Findings)
		s.told = len(result.Findings)
	}
	_, _ = fmt.Fprint(s.stderr, "Apply this plan? [y/N] ")
	switch answer := strings.ToLower(strings.TrimSpace(s.answer(ctx))); {
	case ctx.Err() != nil:
		_, _ = fmt.Fprintln(s.stderr) // ends the line of the question
		return &directory.Finding{Severity: directory.Error, Kind: directory.Interrupted, Message: "interrupted before anything was changed"}
	case answer != "y" && answer != "yes":
		return &directory.Finding{Severity: directory.Error, Kind: directory.Refusal, Message: "plan not confirmed; nothing was changed",
			Hint: "run it again and answer y, or set yes"}
	}
	return nil
}

// answer reads a line from standard input, unless ctx ends first.
func (s *session) answer(ctx context.Context) string {
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(io.LimitReader(s.stdin, 1<<10)).ReadString('\n') // no answer means no
		line <- text
	}()
	select {
	case <-ctx.Done():
		return ""
	case text := <-line:
		return text
	}
}

// progress shows how far the run is: a bar on a terminal, otherwise an occasional
// line in the log.
func (s *session) progress(total int) (ended, stop func()) {
	if s.screen != nil {
		meter := progress.Start(total, 100*time.Millisecond, func(state progress.State) { s.screen.Show(state.Bar()) })
		return meter.Done, func() { meter.Stop(); s.show("") }
	}
	meter := progress.Start(total, 10*time.Second, func(state progress.State) {
		s.log.Info("progress", "done", state.Done, "total", state.Total, "rate", fmt.Sprintf("%.1f/s", state.Rate), "left", state.Left)
	})
	return meter.Done, meter.Stop
}

// openCSV opens an export.
func (s *session) openCSV(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(s.stdin), nil
	}
	file, err := os.Open(path)
	switch {
	case err == nil:
		if info, err := file.Stat(); err == nil && info.IsDir() {
			return nil, retry.WithHint(errors.Join(errors.New("is a directory"), file.Close()), "name the files in it, as in DIR/*.csv")
		}
		return file, nil
	case errors.Is(err, os.ErrNotExist):
		return nil, s.notFound(path, "file not found")
	}
	return nil, fmt.Errorf("could not open the file: %w", cause(err))
}
