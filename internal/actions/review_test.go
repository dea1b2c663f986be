package actions_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/actions/githubtest"
)

func TestReviewed(t *testing.T) {
	t.Parallel()
	for _, noGraphQL := range []bool{false, true} {
		s := newServer(t)
		s.NoGraphQL = noGraphQL
		review(t, s, otherPlan)
		review(t, s, plan)
		s.Merge(number, merge)
		if got, err := onPush(t, s).Reviewed(t.Context(), tenant); got != plan || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		if len(s.Writes()) != 2 {
			t.Errorf("something was changed: %q", s.Writes())
		}
		// The run that applies edits the comment; run again it still finds the plan.
		for _, body := range []string{"failed", "done"} {
			github := onPush(t, s)
			if got, err := github.Reviewed(t.Context(), tenant); got != plan || err != nil {
				t.Fatalf("%q, %v", got, err)
			}
			comment(t, github, actions.Note{Tenant: tenant, Plan: otherPlan, Body: body})
		}
		// So it does after a run that never came to ask.
		comment(t, onPush(t, s), actions.Note{Tenant: tenant, Body: "the tenant could not be read"})
		if got, err := onPush(t, s).Reviewed(t.Context(), tenant); got != plan || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

func TestNotReviewed(t *testing.T) {
	t.Parallel()
	edit := func(editor string, change func(*actions.Mark)) func(*testing.T, *githubtest.Server) {
		return func(t *testing.T, s *githubtest.Server) {
			c := only(t, s)
			mark := markOf(t, c)
			change(&mark)
			s.EditComment(c.ID, editor, mark.String()+"\nx")
		}
	}
	before := func(first func(*testing.T, *githubtest.Server)) func(*testing.T, *githubtest.Server) {
		return func(t *testing.T, s *githubtest.Server) {
			first(t, s)
			s.Merge(number, merge)
		}
	}
	nothing := func(*actions.Mark) {}
	tests := []struct {
		name    string
		prepare func(*testing.T, *githubtest.Server)
		says    string
	}{
		{"not merged", func(*testing.T, *githubtest.Server) {}, "there is no pull request: commit " + merge + " was not pushed to \"main\" by merging one"},
		{"pushed by hand", func(_ *testing.T, s *githubtest.Server) { s.Merge(number, newer) }, "there is no pull request"},
		{"merged into another branch", func(t *testing.T, s *githubtest.Server) {
			s.AddPull(githubtest.Pull{Number: 8, Head: head, Base: "release", Commit: merge, MergedAt: only(t, s).Updated})
		}, "there is no pull request"},
		{"merged in another repository", func(t *testing.T, s *githubtest.Server) {
			s.AddPull(githubtest.Pull{Number: 8, Head: head, Repository: "eve/r", Commit: merge, MergedAt: only(t, s).Updated})
		}, "there is no pull request"},
		{"no comment", before(func(t *testing.T, s *githubtest.Server) { s.EditComment(only(t, s).ID, githubtest.Bot, "gone") }), "it has no comment with a plan for tenant \"acme\""},
		{"several comments", before(func(t *testing.T, s *githubtest.Server) { s.AddComment(number, githubtest.Bot, only(t, s).Body) }), "it has 2 comments for tenant \"acme\""},
		{"the last dry run failed", before(func(t *testing.T, s *githubtest.Server) { review(t, s, "") }), "came to no plan"},
		{"a broken digest", before(edit(githubtest.Bot, func(m *actions.Mark) { m.Plan = strings.ToUpper(m.Plan) })), "holds no digest"},
		{"the head moved", before(func(_ *testing.T, s *githubtest.Server) { s.Push(number, newer) }), "its plan was made of commit \"" + head},
		{"no head", before(edit(githubtest.Bot, func(m *actions.Mark) { m.Head = "" })), "its plan was made of commit \"\""},
		{"changed after the merge", func(t *testing.T, s *githubtest.Server) {
			s.Merge(number, merge)
			edit(githubtest.Bot, nothing)(t, s)
		}, "was changed after the merge"},
		{"edited by somebody", before(edit("mallory", nothing)), "was edited by \"mallory\""},
		{"edited by another bot", before(edit("mallory[bot]", nothing)), "was edited by \"mallory[bot]\""},
		{"edited by a user called like us", before(edit("github-actions", nothing)), "was edited by \"github-actions\""},
		{"approved by somebody", func(t *testing.T, s *githubtest.Server) {
			s.Merge(number, merge)
			edit("mallory", func(m *actions.Mark) { m.Plan, m.Approved = otherPlan, true })(t, s)
		}, "was edited by \"mallory\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			review(t, s, plan)
			tt.prepare(t, s)
			for range 2 { // a refused run says so in the comment, and that must not mend it
				github := onPush(t, s)
				got, err := github.Reviewed(t.Context(), tenant)
				contains(t, err, tt.says)
				if !errors.Is(err, actions.ErrNotReviewed) || got != "" {
					t.Fatalf("%q, %v", got, err)
				}
				if tt.name == "no comment" || tt.name == "several comments" {
					continue // for it says something else the second time
				}
				_, err = github.Comment(t.Context(), actions.Note{Tenant: tenant, Plan: otherPlan, Body: "refused"})
				if err != nil && !errors.Is(err, actions.ErrNoPullRequest) {
					t.Fatal(err)
				}
				if strings.HasPrefix(tt.says, "was edited by") {
					tt.says = "was changed after the merge" // by us, which hides the editor
				}
			}
		})
	}
}

func TestReviewedElsewhere(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	review(t, s, plan)
	for _, event := range []string{"pull_request", "pull_request_target", "schedule", "workflow_dispatch", "merge_group", ""} {
		github := onPullRequest(t, s, event, head)
		got, err := github.Reviewed(t.Context(), tenant)
		contains(t, err, "found on a push only")
		if !errors.Is(err, actions.ErrNotReviewed) || got != "" {
			t.Errorf("%s: %q, %v", event, got, err)
		}
	}
}

// What cannot be found out is no review either, but no verdict.
func TestReviewedFailsClosed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		failure githubtest.Failure
		says    string
	}{
		{"no pull requests", githubtest.Failure{Method: "GET", Path: "/pulls", Status: 403, Body: `{"message":"Resource not accessible by integration"}`},
			"the token may not read which pull request commit " + merge + " of o/r was merged by (HTTP 403 Resource not accessible by integration): give the job `permissions: pull-requests: read`"},
		{"no comments", githubtest.Failure{Method: "GET", Path: "/comments", Status: 404, Body: `{"message":"Not Found"}`}, "the token may not read the comments on pull request 7 of o/r (HTTP 404 Not Found)"},
		{"half a listing", githubtest.Failure{Method: "GET", Path: "/comments", Status: 200, Body: `[{"id":1`}, "could not read the comments on pull request 7 of o/r: unexpected EOF"},
		{"a page of a proxy", githubtest.Failure{Method: "GET", Path: "/comments", Status: 200, Body: `<html>`}, "invalid character"},
		{"no identity", githubtest.Failure{Method: "POST", Path: "/graphql", Status: 200, Body: `{"data":{"viewer":{"login":""}}}`}, "does not tell whose token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				review(t, s, plan)
				s.Merge(number, merge)
				tt.failure.Times = 3
				s.Fail(tt.failure)
				got, err := onPush(t, s).Reviewed(t.Context(), tenant)
				contains(t, err, tt.says)
				if errors.Is(err, actions.ErrNotReviewed) || got != "" {
					t.Errorf("%q, %v", got, err)
				}
			})
		})
	}
}

// The check of who edited the comment is left out only where there is no
// GraphQL.
func TestTheEditorMustBeKnown(t *testing.T) {
	t.Parallel()
	for body, says := range map[string]string{
		`{"errors":[{"message":"Resource not accessible by integration"}]}`: "could not read who edited comment 1 of o/r: Resource not accessible by integration",
		`{"data":{"node":null}}`:                   "GitHub does not know it",
		`{"data":{}}`:                              "GitHub does not know it",
		`{"data":{"node":{"__typename":"Issue"}}}`: "GitHub does not know it",
		`{"data":{"node":{"__typename":"IssueComment","editor":{}}}}`: "was edited by \"somebody\"",
	} {
		s := newServer(t)
		review(t, s, plan)
		s.Merge(number, merge)
		s.Fail(githubtest.Failure{Method: http.MethodPost, Path: "graphql", Times: 1, Status: 200, Body: `{"data":{"viewer":{"login":"github-actions[bot]"}}}`})
		s.Fail(githubtest.Failure{Method: http.MethodPost, Path: "graphql", Times: 1, Status: 200, Body: body})
		_, err := onPush(t, s).Reviewed(t.Context(), tenant)
		contains(t, err, says)
	}
}

// Servers without GraphQL say so in several ways.
func TestReviewedWithoutGraphQL(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed} {
		s := newServer(t)
		review(t, s, plan)
		s.Merge(number, merge)
		s.Fail(githubtest.Failure{Method: http.MethodPost, Path: "graphql", Times: 9, Status: status})
		if got, err := onPush(t, s).Reviewed(t.Context(), tenant); got != plan || err != nil {
			t.Errorf("HTTP %d: %q, %v", status, got, err)
		}
	}
}

func TestPullRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for i := range 130 { // on the second page
		s.AddPull(githubtest.Pull{Number: 100 + i, Head: merge})
	}
	s.AddPull(githubtest.Pull{Number: 300, Head: newer, Commit: merge, MergedAt: s.Now()})
	got, err := onPush(t, s).PullRequest(t.Context())
	if diff := cmp.Diff(actions.PullRequest{Number: 300, Head: newer, MergedAt: s.Now()}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	got, err = onPullRequest(t, s, "pull_request_review", newer).PullRequest(t.Context())
	if diff := cmp.Diff(actions.PullRequest{Number: number, Head: newer}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	tag := map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/tags/main", "GITHUB_SHA": merge}
	if _, err = onEvent(t, s, githubtest.Token, "", tag).PullRequest(t.Context()); !errors.Is(err, actions.ErrNoPullRequest) {
		t.Errorf("of a tag: %v", err)
	}
	s.AddPull(githubtest.Pull{Number: 301, Head: newer, Commit: merge, MergedAt: s.Now()})
	_, err = onPush(t, s).PullRequest(t.Context())
	contains(t, err, "pull requests 300 and 301 were both merged")
}
