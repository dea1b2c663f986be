// Package cli has the program's commands and wires its packages: it reads the
// settings, carries out a run, and publishes the result to the terminal, files
// and GitHub. The rules live elsewhere.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/run"
)

// version is set by the linker for a release.
var version = ""

// release returns the release's version, or what the build knows about itself.
func release() string {
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
  xc-group-sync sync --csv groups.csv --tenant acme --policy policy.yml

Commands:
%s
%s:
%s
A flag --name is also the input "name" of the GitHub Action and the environment
variable XC_SYNC_NAME; many may be in the policy file.

Exit codes:
%s`

// gcPercent is GOGC unless it is set. What a run holds only grows, so collecting
// half as often as by default saves a tenth of the CPU time, and memory stays
// below 2.5 times what is held (docs/performance.md).
const gcPercent = 200

// Main runs the program and returns its exit code. SIGINT and SIGTERM interrupt
// the run, which then reports what was done; a second SIGINT kills the process.
func Main(args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	abortOnFatalErrors()
	if getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Only for SIGINT: the runner sends a SIGTERM 7.5 s after its SIGINT, while
	// the report may still be being written.
	unhook := context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) })
	defer unhook() // before stop cancels ctx
	defer quitAfter(ctx, func() { os.Exit(int(run.Interrupted)) })()
	signal.Ignore(syscall.SIGPIPE) // a closed reader must not end the run in the middle of an apply
	return mainContext(ctx, args, getenv, os.Environ(), stdin, stdout, stderr)
}

// quitTimeout is how long a run may take to end after a signal: the 7 s of its
// requests, the updates to GitHub, and a moment. Only what cannot be interrupted
// takes longer, such as opening a pipe that nobody writes to.
const quitTimeout = 9 * time.Second

// quitAfter calls quit when quitTimeout has passed after the end of ctx, unless
// it is stopped before.
func quitAfter(ctx context.Context, quit func()) (stop func()) {
	var timer atomic.Pointer[time.Timer]
	unhook := context.AfterFunc(ctx, func() { timer.Store(time.AfterFunc(quitTimeout, quit)) })
	return func() {
		unhook()
		if started := timer.Load(); started != nil {
			started.Stop()
		}
	}
}

// MainContext is Main without signals: the end of ctx interrupts the run. It uses
// no state of the process except files.
func MainContext(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	return mainContext(ctx, args, getenv, nil, stdin, stdout, stderr)
}

// mainContext is MainContext with the environment as os.Environ has it, to find
// misspelled variables; nil: none are looked for.
func mainContext(ctx context.Context, args []string, getenv func(string) string, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	wrong, hint := "", `run "xc-group-sync --help"`
	switch command {
	case config.Sync, config.Plan, config.Restore, config.Export, config.Explain, config.Doctor:
		return int(start(ctx, command, args[1:], getenv, environ, stdin, stdout, stderr))
	case "help", "--help", "-help", "-h":
		if len(args) > 1 && args[1] != "help" && !strings.HasPrefix(args[1], "-") {
			return MainContext(ctx, []string{args[1], "--help"}, getenv, stdin, stdout, stderr)
		}
		help(stdout)
		return int(run.Done)
	case "--help-all":
		_, _ = io.WriteString(stdout, "All flags by topic:\n"+config.Help(""))
		return int(run.Done)
	case "completion":
		shell := strings.Join(args[1:], " ")
		if shell == "--help" || shell == "-h" {
			_, _ = io.WriteString(stdout, "Usage: xc-group-sync completion bash|zsh|fish\n")
			return int(run.Done)
		}
		script, err := config.Completion(shell)
		if err == nil {
			_, _ = io.WriteString(stdout, script)
			return int(run.Done)
		}
		wrong = fmt.Sprintf("invalid shell %.80q: %v", shell, err)
	case "version", "--version", "-version":
		switch rest := args[1:]; {
		case len(rest) == 0:
			_, _ = fmt.Fprintln(stdout, "xc-group-sync", release())
			return int(run.Done)
		case rest[0] == "--help" || rest[0] == "-h":
			help(stdout)
			return int(run.Done)
		}
		wrong = "version takes no flags"
	case "":
		help(stderr)
		_, _ = io.WriteString(stderr, "\nerror: missing command\n")
		return int(run.Settings)
	default:
		name := command
		if end := strings.IndexAny(name, "=:"); end >= 0 { // the value may be a secret
			name = name[:end]
		}
		wrong = report.Sanitizer{}.Line(fmt.Sprintf("unknown command %.80q", name))
		if meant := config.NearestCommand(name); meant != "" {
			hint = "did you mean " + meant + "?"
		}
		if strings.HasPrefix(name, "-") {
			wrong = report.Sanitizer{}.Line(fmt.Sprintf("missing command before %.80q", name))
		}
	}
	_, _ = fmt.Fprintf(stderr, "error: %s\nhint: %s\n", wrong, hint)
	return int(run.Settings)
}

// help shows the commands and the common flags.
func help(w io.Writer) {
	var commands strings.Builder
	for _, c := range config.Commands() {
		_, _ = fmt.Fprintf(&commands, "  %-25s %s\n", strings.TrimSpace(c.Name+" "+c.Args), c.Meaning)
	}
	var codes strings.Builder
	for _, code := range run.Codes() {
		_, _ = fmt.Fprintf(&codes, "  %3d  %s\n", int(code), code.Meaning())
	}
	_, _ = fmt.Fprintf(w, usage, &commands, "Common flags (all: --help-all; those of a command: COMMAND --help)", config.CommonHelp(), &codes)
}

// start runs a command that has settings.
func start(ctx context.Context, command string, args []string, getenv func(string) string, environ []string, stdin io.Reader, stdout, stderr io.Writer) run.Code {
	settings, err := config.Load(command, args, getenv)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintf(stdout, "Usage: xc-group-sync %s [flags]\n%s", command, config.Help(command))
		return run.Done
	}
	warnings, misspelled := config.MisspelledVariables(environ)
	settings.Warnings = append(settings.Warnings, warnings...)
	s := newSession(settings, getenv, stdin, stdout, stderr)
	transport, certificate, filesErr := openFiles(settings, getenv)
	if err := errors.Join(err, misspelled, filesErr); err != nil {
		if command == config.Doctor {
			return s.unready(err)
		}
		return s.badSettings(err)
	}
	defer transport.CloseIdleConnections()
	if command == config.Export && settings.Snapshot != "" {
		return s.export(ctx)
	}
	if command == config.Doctor {
		return s.doctor(ctx, transport, certificate)
	}
	s.warnOfExpiry(certificate)
	client, stop, err := connect(settings, transport, s.log, s.sanitizer.Secrets.Hide)
	if err != nil {
		return s.badSettings(err)
	}
	defer stop()
	s.client = client
	switch command {
	case config.Export:
		return s.export(ctx)
	case config.Explain:
		return s.explain(ctx)
	}
	return s.publish(ctx, s.run(ctx, command))
}
