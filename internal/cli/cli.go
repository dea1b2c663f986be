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

const usage = `xc-group-sync keeps the user groups of an F5 Distributed Cloud tenant in step
with a CSV export of a company's directory.

Usage:
  xc-group-sync sync --csv FILE [settings]          plan the changes and carry them out
  xc-group-sync restore --snapshot FILE [settings]  go back to before a sync with snapshot-file
  xc-group-sync version                             print the version
  xc-group-sync --help                              print this; behind a command, its settings

Each setting is a flag (--name=value), an input of the GitHub Action (name), and
where it says so an environment variable; the first that is given counts.
%s
Exit codes:
  0  done                              4  bad CSV
  1  some operations failed            5  refused by a guard, nothing changed
  2  bad settings                      6  drift (fail-on-drift)
  3  authentication refused          130  interrupted
`

const wanted = "wanted is sync, restore, version or --help, and settings after it, as in xc-group-sync sync --csv FILE"

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
	case config.Sync, config.Restore:
		return start(ctx, command, args[1:], getenv, stdin, stdout, stderr)
	case "help", "--help", "-help", "-h":
		help(stdout, "")
		return exitDone
	case "version", "--version", "-version":
		switch rest := args[1:]; {
		case len(rest) == 0:
			_, _ = fmt.Fprintln(stdout, "xc-group-sync", Version())
			return exitDone
		case rest[0] == "--help" || rest[0] == "-h":
			help(stdout, "")
			return exitDone
		}
		wrong = "version takes no settings"
	case "":
		wrong = "no command is given: " + wanted
	default:
		name, _, _ := strings.Cut(command, "=") // without what may be a secret
		wrong = report.Sanitiser{}.Line(fmt.Sprintf("%.80q", name)) + " is no command: " + wanted
	}
	_, _ = fmt.Fprintln(stderr, "error: "+wrong)
	return exitSettings
}

// help shows a command's settings; every command's where it is empty.
func help(w io.Writer, command string) { _, _ = fmt.Fprintf(w, usage, config.Help(command)) }

// start runs a command that has settings.
func start(ctx context.Context, command string, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	started := time.Now()
	edge := actions.New(getenv, stdout)
	settings, err := config.Load(command, args, getenv)
	if errors.Is(err, flag.ErrHelp) {
		help(stdout, command)
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
		return badSettings(stderr, edge, err, sanitiser)
	}
	defer closeTenant()
	for _, warning := range settings.Warnings {
		log.Warn(warning)
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

// badSettings tells all of them, a line each.
func badSettings(stderr io.Writer, edge *actions.Edge, err error, s report.Sanitiser) int {
	var annotations []actions.Annotation
	for line := range strings.Lines(err.Error()) {
		line = s.Line(strings.TrimSpace(line))
		_, _ = fmt.Fprintln(stderr, "error: "+line)
		annotations = append(annotations, actions.Annotation{Level: actions.Error, Title: "Settings", Message: line})
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
