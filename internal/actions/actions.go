// Package actions is the edge to GitHub: masks, outputs, the job summary and
// annotations for the runner, what the event tells, and through the API the
// comment on the pull request and the issue of a failure. Outside Actions the
// runner is told nothing. It does not know what a plan is.
package actions

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/sethvargo/go-githubactions"
)

// Edge is the way to the runner that this process was started by, if any.
type Edge struct {
	action *githubactions.Action
	getenv func(string) string
	w      io.Writer
	event  func() Event
}

// New makes an edge. Commands to the runner go to w.
func New(getenv func(string) string, w io.Writer) *Edge {
	return &Edge{
		action: githubactions.New(githubactions.WithGetenv(getenv), githubactions.WithWriter(w)),
		getenv: getenv,
		w:      w,
		event:  sync.OnceValue(func() Event { return readEvent(getenv) }),
	}
}

// Active tells whether this is a step of a workflow.
func (e *Edge) Active() bool { return e.getenv("GITHUB_ACTIONS") == "true" }

// Debug tells whether the user asked the runner for debug logs.
func (e *Edge) Debug() bool { return e.getenv("RUNNER_DEBUG") == "1" }

// Mask hides the secrets in everything that the job logs from now on. The
// runner masks line by line.
func (e *Edge) Mask(secrets []string) {
	if !e.Active() {
		return
	}
	for _, secret := range secrets {
		for line := range strings.Lines(secret) {
			if line = strings.TrimSpace(line); line != "" {
				e.command(githubactions.Command{Name: "add-mask", Message: line})
			}
		}
	}
}

// Outputs sets outputs of the step, in order. Values are numbers, words,
// digests and paths: the library's delimiter could be forged by other text.
func (e *Edge) Outputs(pairs [][2]string) error {
	if e.getenv("GITHUB_OUTPUT") == "" {
		return nil
	}
	return guarded("the outputs could not be written", func() {
		for _, pair := range pairs {
			e.action.SetOutput(pair[0], pair[1])
		}
	})
}

// MaxSummary is the longest Markdown of a job summary, in bytes. GitHub drops
// the summary of a step above 1 MiB whole; there is room for what other
// programs add in the same step.
const MaxSummary = 700 << 10

// Summary adds Markdown to the job summary.
func (e *Edge) Summary(markdown string) error {
	if e.getenv("GITHUB_STEP_SUMMARY") == "" {
		return nil
	}
	return guarded("the job summary could not be written", func() { e.action.AddStepSummary(markdown) })
}

// guarded turns the library's panics into errors.
func guarded(what string, f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %v", what, p)
		}
	}()
	f()
	return nil
}
