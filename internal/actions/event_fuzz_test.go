package actions_test

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"xc-group-sync/internal/actions"
)

// What an event says goes on into URLs and Markdown: it has the form that it
// should, or is not there.
func FuzzEvent(f *testing.F) {
	for _, payload := range []string{
		``, `{}`, `[]`, `{"number": 7}`, `{"pull_request": {"number": 7, "head": {"sha": "` + head + `", "repo": {"full_name": "a/b"}}}}`,
		`{"after": "` + head + `", "repository": {"full_name": "a/../b", "private": true}}`, `{"pull_request": {"number": -1, "head": {"sha": "x)"}}}`,
	} {
		f.Add(payload, "a/b", "refs/pull/7/merge", "https://github.example", "42")
	}
	f.Add(`{}`, "", "refs/heads/main", "https://github.example", "42") // the repository is unknown
	commit := regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})?$`)
	name := regexp.MustCompile(`^[A-Za-z0-9_.-]*$`)
	page := regexp.MustCompile(`^(https?://[A-Za-z0-9.:-]+(/+[A-Za-z0-9._-]+)*)?$`)
	f.Fuzz(func(t *testing.T, payload, repository, ref, server, run string) {
		path := filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(path, []byte(payload), 0o600); err != nil {
			t.Fatal(err)
		}
		edge := actions.New(environment(map[string]string{
			"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": path, "GITHUB_REPOSITORY": repository, "GITHUB_REF": ref,
			"GITHUB_SERVER_URL": server, "GITHUB_RUN_ID": run,
		}), io.Discard)
		event := edge.Event()
		if !commit.MatchString(event.SHA) || !commit.MatchString(event.HeadSHA) || !name.MatchString(event.Owner) || !name.MatchString(event.Repo) ||
			(event.Owner == "") != (event.Repo == "") || event.PullRequest < 0 {
			t.Errorf("event = %+v", event)
		}
		if url := edge.RunURL(); !page.MatchString(url) {
			t.Errorf("page = %q", url)
		}
	})
}
