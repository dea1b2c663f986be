package actions_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/actions"
)

func TestEvent(t *testing.T) {
	t.Parallel()
	repeat := func(digit string) string { return strings.Repeat(digit, 40) }
	tests := []struct {
		file string // of testdata/events
		env  map[string]string
		want actions.Event
	}{
		{"push", map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"},
			actions.Event{Name: "push", Owner: "acme", Repo: "groups", Ref: "refs/heads/main", SHA: repeat("2")}},
		{"pull_request", map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge", "GITHUB_SHA": repeat("6")},
			actions.Event{Name: "pull_request", Owner: "acme", Repo: "groups", Ref: "refs/pull/7/merge", SHA: repeat("6"), PullRequest: 7, HeadSHA: repeat("3"), Private: true}},
		{"pull_request_fork", map[string]string{"GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_REF": "refs/heads/main"},
			actions.Event{Name: "pull_request_target", Owner: "acme", Repo: "groups", Ref: "refs/heads/main", PullRequest: 8, HeadSHA: repeat("4"), Fork: true, Private: true}},
		{"pull_request_deleted_fork", map[string]string{"GITHUB_EVENT_NAME": "pull_request_review"},
			actions.Event{Name: "pull_request_review", Owner: "acme", Repo: "groups", PullRequest: 9, HeadSHA: repeat("5"), Fork: true}},
		{"schedule", map[string]string{"GITHUB_EVENT_NAME": "schedule"},
			actions.Event{Name: "schedule", Owner: "acme", Repo: "groups"}},
		{"workflow_dispatch", map[string]string{"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_REPOSITORY": "acme/.github"},
			actions.Event{Name: "workflow_dispatch", Owner: "acme", Repo: ".github", Private: true}},
		{"issue_comment", map[string]string{"GITHUB_EVENT_NAME": "issue_comment", "GITHUB_REF": "refs/heads/main"},
			actions.Event{Name: "issue_comment", Owner: "acme", Repo: "groups", Ref: "refs/heads/main", PullRequest: 7, Private: true,
				Command: actions.Command{ID: 1, Author: "grace", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Text: "/xc apply"}}},
		{"issue_comment", map[string]string{"GITHUB_EVENT_NAME": "issues"},
			actions.Event{Name: "issues", Owner: "acme", Repo: "groups", Private: true}},
		// The environment alone.
		{"none", map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/12/merge", "GITHUB_REPOSITORY": "o/r"},
			actions.Event{Name: "pull_request", Owner: "o", Repo: "r", Ref: "refs/pull/12/merge", PullRequest: 12}},
		{"pull_request", map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/pull/7/merge"},
			actions.Event{Name: "push", Owner: "acme", Repo: "groups", Ref: "refs/pull/7/merge", Private: true}},
		{"none", map[string]string{"GITHUB_REPOSITORY": "o/..", "GITHUB_SHA": "HEAD", "GITHUB_REF": "refs/pull/12/merge"},
			actions.Event{Ref: "refs/pull/12/merge"}},
		{"none", nil, actions.Event{}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"GITHUB_EVENT_PATH": filepath.Join("testdata", "events", tt.file+".json")}
			maps.Copy(env, tt.env)
			edge := actions.New(environment(env), &bytes.Buffer{})
			if diff := cmp.Diff(tt.want, edge.Event()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A broken event file counts like a missing one.
func TestBrokenEventFiles(t *testing.T) {
	t.Parallel()
	huge := `{"repository":{"private":true}}` + strings.Repeat(" ", 33<<20)
	for name, content := range map[string]string{
		"empty": "", "cut off": `{"repository":{"private":true}`, "no object": `[]`, "null": "null", "huge": huge,
		"other types": `{"repository":{"private":true},"pull_request":{"number":"7"}}`,
		"odd values":  `{"number":-3,"after":"main; rm -rf /","repository":{"full_name":"a/b/c"},"pull_request":{"number":-1,"head":{"sha":"\n"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "event.json")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			edge := actions.New(environment(map[string]string{"GITHUB_EVENT_PATH": path, "GITHUB_EVENT_NAME": "pull_request"}), &bytes.Buffer{})
			want := actions.Event{Name: "pull_request", Fork: name == "odd values"}
			if diff := cmp.Diff(want, edge.Event()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Only a new comment on a pull request is a command.
func TestCommentsThatAreNotCommands(t *testing.T) {
	t.Parallel()
	const comment = `"comment":{"id":5,"body":"/xc apply","created_at":"2026-01-02T03:04:05Z","user":{"login":"grace"}}`
	for name, payload := range map[string]string{
		"edited":     `{"action":"edited","issue":{"number":7,"pull_request":{}},` + comment + `}`,
		"an issue":   `{"action":"created","issue":{"number":7},` + comment + `}`,
		"no time":    `{"action":"created","issue":{"number":7,"pull_request":{}},` + strings.Replace(comment, "2026", "x", 1) + `}`,
		"odd author": `{"action":"created","issue":{"number":7,"pull_request":{}},` + strings.Replace(comment, "grace", "../grace", 1) + `}`,
		"a bot":      `{"action":"created","issue":{"number":7,"pull_request":{}},` + strings.Replace(comment, "grace", "grace[bot]", 1) + `}`,
		"long":       `{"action":"created","issue":{"number":7,"pull_request":{}},` + strings.Replace(comment, "apply", strings.Repeat("x", 300), 1) + `}`,
	} {
		path := filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(path, []byte(payload), 0o600); err != nil {
			t.Fatal(err)
		}
		event := actions.New(environment(map[string]string{"GITHUB_EVENT_PATH": path, "GITHUB_EVENT_NAME": "issue_comment"}), &bytes.Buffer{}).Event()
		if event.Command != (actions.Command{}) || (event.PullRequest == 0) != (name == "an issue") {
			t.Errorf("%s: %+v", name, event)
		}
	}
}

func TestRunURL(t *testing.T) {
	t.Parallel()
	tests := []struct{ server, repository, run, attempt, want string }{
		{"https://github.com", "o/r", "42", "", "https://github.com/o/r/actions/runs/42"},
		{"https://github.com/", "o/r", "42", "3", "https://github.com/o/r/actions/runs/42/attempts/3"},
		{"http://127.0.0.1:8080", "o/r", "42", "0", "http://127.0.0.1:8080/o/r/actions/runs/42"},
		{"http://github.example", "o/r", "42", "", ""},
		{"https://github.com)[x](https://evil.example", "o/r", "42", "", ""},
		{"https://github.com/a_(b)", "o/r", "42", "", ""},
		{"https://github.com/`x`", "o/r", "42", "", ""},
		{"https://github.com/#x", "o/r", "42", "", ""},
		{"https://user:secret@github.com", "o/r", "42", "", ""},
		{"https://github.com?x=1", "o/r", "42", "", ""},
		{"javascript:alert(1)", "o/r", "42", "", ""},
		{"", "o/r", "42", "", ""},
		{"https://github.com", "o/r)", "42", "", ""},
		{"https://github.com", "", "42", "", ""},
		{"https://github.com", "o/r", "42\n", "", ""},
		{"https://github.com", "o/r", "", "", ""},
	}
	for _, tt := range tests {
		edge := actions.New(environment(map[string]string{
			"GITHUB_SERVER_URL": tt.server, "GITHUB_REPOSITORY": tt.repository, "GITHUB_RUN_ID": tt.run, "GITHUB_RUN_ATTEMPT": tt.attempt,
		}), &bytes.Buffer{})
		if got := edge.RunURL(); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}
