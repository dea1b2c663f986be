package actions_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/actions/githubtest"
	"xc-group-sync/internal/retry"
)

const number = 7 // of the pull request

var (
	target      = actions.Target{Tenant: "acme", API: "acme.console.ves.volterra.io"}
	head, newer = strings.Repeat("1", 40), strings.Repeat("2", 40)
	merge       = strings.Repeat("3", 40)
	otherPlan   = "sha256:" + strings.Repeat("f", 64)
)

// newServer returns a GitHub with an open pull request. A request that it does
// not know fails the test.
func newServer(t *testing.T) *githubtest.Server {
	t.Helper()
	s := githubtest.New("o/r")
	s.AddPull(githubtest.Pull{Number: number, Author: "ada", Head: head})
	t.Cleanup(func() {
		for _, request := range s.Unexpected() {
			t.Errorf("unexpected: %s", request)
		}
	})
	return s
}

// onPullRequest returns a run of an event of the pull request, at a commit.
func onPullRequest(t *testing.T, transport http.RoundTripper, name, head string) *actions.GitHub {
	t.Helper()
	payload := fmt.Sprintf(`{"pull_request":{"number":%d,"head":{"sha":%q,"repo":{"full_name":"o/r"}}}}`, number, head)
	return onEvent(t, transport, githubtest.Token, payload, map[string]string{"GITHUB_EVENT_NAME": name, "GITHUB_REF": "refs/pull/7/merge"})
}

// onPush returns a run of the push of a merge to main, long after it.
func onPush(t *testing.T, transport http.RoundTripper) *actions.GitHub {
	t.Helper()
	return onEvent(t, transport, githubtest.Token, `{"after":"`+merge+`","repository":{"pushed_at":1}}`, map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"})
}

func onEvent(t *testing.T, transport http.RoundTripper, token, payload string, env map[string]string) *actions.GitHub {
	t.Helper()
	path := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(path, []byte(payload), 0o600); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{
		"GITHUB_EVENT_PATH": path, "GITHUB_REPOSITORY": "o/r", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": "42", "GITHUB_SHA": merge,
	}
	maps.Copy(all, env)
	return connect(t, all, actions.Options{Token: token, Transport: transport})
}

func connect(t *testing.T, env map[string]string, options actions.Options) *actions.GitHub {
	t.Helper()
	options.Hide = func(text string) string { return strings.ReplaceAll(text, options.Token, "***") }
	github, err := actions.New(environment(env), &bytes.Buffer{}).GitHub(options)
	if err != nil {
		t.Fatal(err)
	}
	return github
}

// review lets a dry run on the pull request comment the plan.
func review(t *testing.T, s *githubtest.Server, plan string) {
	t.Helper()
	comment(t, onPullRequest(t, s, "pull_request", head), actions.Note{Target: target, DryRun: true, Approves: true, Plan: plan, Body: "dry run of " + plan})
}

func comment(t *testing.T, github *actions.GitHub, note actions.Note) {
	t.Helper()
	if _, err := github.Comment(t.Context(), note); err != nil {
		t.Fatal(err)
	}
}

// only returns the only comment on the pull request.
func only(t *testing.T, s *githubtest.Server) githubtest.Comment {
	t.Helper()
	comments := s.Comments(number)
	if len(comments) != 1 {
		t.Fatalf("%d comments: %+v", len(comments), comments)
	}
	return comments[0]
}

// markOf returns the mark of a comment that must have one.
func markOf(t *testing.T, c githubtest.Comment) actions.Mark {
	t.Helper()
	mark, is := actions.ParseMark(c.Body)
	if !is {
		t.Fatalf("no mark: %q", c.Body)
	}
	return mark
}

// onServer is the environment of a GitHub Enterprise Server, which may have no
// GraphQL.
var onServer = map[string]string{"GITHUB_API_URL": "https://ghe.example/api/v3"}

// contains checks an error's text and hint.
func contains(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if text := err.Error() + "\nhint: " + retry.HintOf(err); !strings.Contains(text, part) {
			t.Errorf("%q is missing from: %s", part, text)
		}
	}
	if strings.Contains(err.Error(), githubtest.Token) {
		t.Errorf("the token is shown: %v", err)
	}
}
