// Package actions is the edge to GitHub: masks, outputs, the job summary and
// annotations for the runner; the event; and, through the API, the comment on
// the pull request, what it approves, and the issue of a failure. Outside Actions
// it writes nothing for a runner. It does not know what a plan is.
package actions

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/sethvargo/go-githubactions"
)

// Edge is the connection to the runner that started this process, if one did.
type Edge struct {
	action *githubactions.Action
	getenv func(string) string
	w      io.Writer
	event  func() Event
}

// New returns an edge that writes commands to the runner to w.
func New(getenv func(string) string, w io.Writer) *Edge {
	return &Edge{
		action: githubactions.New(githubactions.WithGetenv(getenv), githubactions.WithWriter(w)),
		getenv: getenv,
		w:      w,
		event:  sync.OnceValue(func() Event { return readEvent(getenv) }),
	}
}

// Active reports whether this is a step of a workflow.
func Active(getenv func(string) string) bool { return getenv("GITHUB_ACTIONS") == "true" }

// Active reports whether this is a step of a workflow.
func (e *Edge) Active() bool { return Active(e.getenv) }

// Debug reports whether the user asked the runner for debug logs.
func (e *Edge) Debug() bool { return e.Active() && e.getenv("RUNNER_DEBUG") == "1" }

// Mask makes the runner hide the secrets in everything that the job logs from now
// on. The runner masks line by line.
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

// Outputs sets outputs of the step, in order. Values must be numbers, words,
// digests or paths: other text could forge the library's delimiter.
func (e *Edge) Outputs(pairs [][2]string) error {
	if e.getenv("GITHUB_OUTPUT") == "" {
		return nil
	}
	return guarded("could not write the outputs", func() {
		for _, pair := range pairs {
			e.action.SetOutput(pair[0], pair[1])
		}
	})
}

// MaxSummary is the longest job summary, in bytes. GitHub drops the summary of a
// step above 1 MiB
// (https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits);
// the rest is left for other programs in the same step.
const MaxSummary = 700 << 10

// HasSummary reports whether the runner takes a job summary.
func (e *Edge) HasSummary() bool { return e.getenv("GITHUB_STEP_SUMMARY") != "" }

// Summary adds Markdown to the job summary.
func (e *Edge) Summary(markdown string) error {
	if !e.HasSummary() {
		return nil
	}
	return guarded("could not write the job summary", func() { e.action.AddStepSummary(markdown) })
}

// guarded runs f and turns a panic of the library into an error.
func guarded(what string, f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %v", what, p)
		}
	}()
	f()
	return nil
}
