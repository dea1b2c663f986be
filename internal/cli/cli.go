// Package cli is the commands, the wiring of the rooms, and the exit codes.
// Rules live elsewhere.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/progress"
	"xc-group-sync/internal/report"
)

// version is set by the linker for a release.
var version = ""

// Version is the release, or what the build knows of itself.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

const usage = `Usage: xc-group-sync COMMAND [flags]

Keeps the user groups of an F5 Distributed Cloud tenant in sync with a CSV export
of your directory.

Examples:
  xc-group-sync plan --csv groups.csv --tenant acme
  xc-group-sync sync --csv groups.csv --policy acme.yml

Commands:
%s
%s:
%s
A flag --name is also the input "name" of the GitHub Action and the environment
variable XC_SYNC_NAME; many may be in the policy file.

Exit codes:
  0  done                              4  bad CSV
  1  some operations failed            5  refused by a guard, nothing changed
  2  bad settings                      6  drift (fail-on-drift)
  3  authentication refused          130  interrupted
`

// Main runs the program and returns its exit code. SIGINT and SIGTERM interrupt
// the run, which then reports what was done; a second SIGINT kills the process.
func Main(args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Only for SIGINT: the runner sends a SIGTERM 7.5 s after its SIGINT, while
	// the report may still be on its way.
	unhook := context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) })
	defer unhook() // before stop ends ctx
	return MainContext(ctx, args, getenv, stdin, stdout, stderr)
}

// MainContext is Main without signals: the end of ctx interrupts the run. It
// uses nothing of the process but its arguments and files.
func MainContext(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	var wrong string
	switch command {
	case config.Sync, config.Plan, config.Restore:
		return start(ctx, command, args[1:], getenv, stdin, stdout, stderr)
	case "help", "--help", "-help", "-h":
		help(stdout)
		return exitDone
	case "--help-all":
		_, _ = io.WriteString(stdout, "All flags by topic:\n"+config.Help(""))
		return exitDone
	case "completion":
		shell := strings.Join(args[1:], " ")
		script, err := config.Completion(shell)
		if err == nil {
			_, _ = io.WriteString(stdout, script)
			return exitDone
		}
		wrong = fmt.Sprintf("invalid shell %.80q: %v", shell, err)
	case "version", "--version", "-version":
		switch rest := args[1:]; {
		case len(rest) == 0:
			_, _ = fmt.Fprintln(stdout, "xc-group-sync", Version())
			return exitDone
		case rest[0] == "--help" || rest[0] == "-h":
			help(stdout)
			return exitDone
		}
		wrong = "version takes no flags"
	case "":
		help(stderr)
		wrong = "missing command"
	default:
		name, _, _ := strings.Cut(command, "=") // without what may be a secret
		wrong = report.Sanitiser{}.Line(fmt.Sprintf("unknown command %.80q", name))
		if strings.HasPrefix(name, "-") {
			wrong = report.Sanitiser{}.Line(fmt.Sprintf("missing command before %.80q", name))
		}
	}
	_, _ = fmt.Fprint(stderr, "error: ", wrong, "\nhint: run \"xc-group-sync --help\"\n")
	return exitSettings
}

// help shows the commands and the common flags.
func help(w io.Writer) {
	var commands strings.Builder
	for _, c := range config.Commands() {
		_, _ = fmt.Fprintf(&commands, "  %-25s %s\n", strings.TrimSpace(c.Name+" "+c.Args), c.Meaning)
	}
	_, _ = fmt.Fprintf(w, usage, &commands, "Common flags (all: --help-all; those of a command: COMMAND --help)", config.CommonHelp())
}

// start runs a command that has settings.
func start(ctx context.Context, command string, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	started := time.Now()
	edge := actions.New(getenv, stdout)
	settings, err := config.Load(command, args, getenv)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintf(stdout, "Usage: xc-group-sync %s [flags]\n%s", command, config.Help(command))
		return exitDone
	}
	edge.Mask(settings.Secrets())
	sanitiser := report.Sanitiser{
		MaskEmails: settings.MaskEmails == config.Yes || settings.MaskEmails != config.No && edge.Active() && !edge.Private(),
		Secrets:    settings.Secrets(),
	}
	transport, filesErr := openFiles(settings, getenv)
	if err := errors.Join(err, filesErr); err != nil {
		return badSettings(stderr, edge, err, sanitiser)
	}
	if edge.Debug() {
		settings.LogLevel = slog.LevelDebug
	}
	screen := watched(stderr)
	if screen != nil {
		stderr = screen
	}
	log := newLog(stderr, settings, sanitiser)
	client, closeTenant, err := connect(settings, transport, log)
	if err != nil {
		return badSettings(stderr, edge, errors.Join(err), sanitiser)
	}
	defer closeTenant()
	for _, warning := range settings.Warnings {
		log.Warn(warning.Message)
	}
	j := &job{settings: settings, getenv: getenv, stdin: stdin, client: client, log: log, screen: screen, edge: edge, sanitiser: sanitiser, codes: map[int]bool{}}
	j.run = report.Run{Version: Version(), Tenant: settings.Tenant, Simulate: settings.Simulate, DryRun: settings.DryRun, URL: edge.RunURL(), Verdict: report.Success, Started: started}
	walk := j.sync
	if command == config.Restore {
		walk = j.restore
	}
	if err := survive(log, func() { walk(ctx) }); err != nil {
		j.fail(exitFailed, err)
	}
	code := exitFailed
	if err := survive(log, func() { code = j.finish(ctx, stdout) }); err != nil {
		log.Error("the run could not be reported whole", "error", err)
	}
	return code
}

// survive makes an error of a bug, so that the run is reported, and the alarm
// raised, as after any other failure.
func survive(log *slog.Logger, step func()) (err error) {
	defer func() {
		if bug := recover(); bug != nil {
			log.Debug("where it failed", "stack", string(debug.Stack()))
			err = fmt.Errorf("the program failed, which is a bug of it: what was begun may have been done; report this with --log-level debug: %v", bug)
		}
	}()
	step()
	return nil
}

// watched is the terminal that w is; nil where it is none.
func watched(w io.Writer) *progress.Terminal {
	if file, ok := w.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(file.Fd())) {
		return progress.NewTerminal(w)
	}
	return nil
}

// badSettings tells all of them, each with what to do about it.
func badSettings(stderr io.Writer, edge *actions.Edge, err error, s report.Sanitiser) int {
	var annotations []actions.Annotation
	var invalid config.Errors
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			var more config.Errors
			if !errors.As(err, &more) {
				for line := range strings.Lines(err.Error()) {
					more = append(more, directory.Finding{Message: strings.TrimSpace(line)})
				}
			}
			invalid = append(invalid, more...)
		}
	}
	for _, finding := range invalid {
		line := s.Line(config.Errors{finding}.Error())
		_, _ = fmt.Fprintln(stderr, "error: "+line)
		if finding.Hint != "" {
			_, _ = fmt.Fprintln(stderr, "hint: "+s.Line(finding.Hint))
			line += "; " + s.Line(finding.Hint)
		}
		annotations = append(annotations, actions.Annotation{Level: actions.Error, Title: "Settings", Message: line, File: finding.File, Line: finding.Line})
	}
	edge.Annotate(annotations)
	return exitSettings
}

// newLog makes a log whose every text goes through the sanitiser.
func newLog(w io.Writer, settings *config.Config, s report.Sanitiser) *slog.Logger {
	options := &slog.HandlerOptions{Level: settings.LogLevel, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Value.Kind() {
		case slog.KindString, slog.KindAny: // a text or an error
			a.Value = slog.StringValue(s.Line(a.Value.String()))
		}
		return a
	}}
	if settings.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
