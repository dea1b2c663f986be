package actions_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/actions/githubtest"
)

const (
	number = 7 // of the pull request
	tenant = "acme"
)

var (
	head, newer = strings.Repeat("1", 40), strings.Repeat("2", 40)
	merge       = strings.Repeat("3", 40)
	otherPlan   = "sha256:" + strings.Repeat("f", 64)
)

// newServer is a GitHub with an open pull request. A request that it does not
// know fails the test.
func newServer(t *testing.T) *githubtest.Server {
	t.Helper()
	s := githubtest.New("o/r")
	s.AddPull(githubtest.Pull{Number: number, Head: head})
	t.Cleanup(func() {
		for _, request := range s.Unexpected() {
			t.Errorf("unexpected: %s", request)
		}
	})
	return s
}

// onPullRequest is a run of an event of the pull request, at a commit.
func onPullRequest(t *testing.T, transport http.RoundTripper, name, head string) *actions.GitHub {
	t.Helper()
	payload := fmt.Sprintf(`{"pull_request":{"number":%d,"head":{"sha":%q,"repo":{"full_name":"o/r"}}}}`, number, head)
	return onEvent(t, transport, githubtest.Token, payload, map[string]string{"GITHUB_EVENT_NAME": name, "GITHUB_REF": "refs/pull/7/merge"})
}

// onPush is a run of the push of a commit to main.
func onPush(t *testing.T, transport http.RoundTripper) *actions.GitHub {
	t.Helper()
	return onEvent(t, transport, githubtest.Token, `{"after":"`+merge+`"}`, map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"})
}

func onEvent(t *testing.T, transport http.RoundTripper, token, payload string, env map[string]string) *actions.GitHub {
	t.Helper()
	path := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(path, []byte(payload), 0o600); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{
		"GITHUB_EVENT_PATH": path, "GITHUB_REPOSITORY": "o/r", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": "42",
	}
	for name, value := range env {
		all[name] = value
	}
	github, err := actions.New(environment(all), &bytes.Buffer{}).GitHub(token, transport)
	if err != nil {
		t.Fatal(err)
	}
	return github
}

// review has the plan commented by a dry run on the pull request.
func review(t *testing.T, s *githubtest.Server, plan string) {
	t.Helper()
	comment(t, onPullRequest(t, s, "pull_request", head), actions.Note{Tenant: tenant, DryRun: true, Plan: plan, Body: "dry run of " + plan})
}

func comment(t *testing.T, github *actions.GitHub, note actions.Note) {
	t.Helper()
	if _, err := github.Comment(t.Context(), note); err != nil {
		t.Fatal(err)
	}
}

// only is the only comment on the pull request.
func only(t *testing.T, s *githubtest.Server) githubtest.Comment {
	t.Helper()
	comments := s.Comments(number)
	if len(comments) != 1 {
		t.Fatalf("%d comments: %+v", len(comments), comments)
	}
	return comments[0]
}

// markOf is the mark of a comment that must have one.
func markOf(t *testing.T, c githubtest.Comment) actions.Mark {
	t.Helper()
	mark, is := actions.ParseMark(c.Body)
	if !is {
		t.Fatalf("there is no mark: %q", c.Body)
	}
	return mark
}

// contains checks an error's text.
func contains(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing from: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), githubtest.Token) {
		t.Errorf("the token is shown: %v", err)
	}
}
