package actions_test

import (
	"net/http"
	"strings"
	"testing"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/actions/githubtest"
	"xc-group-sync/internal/openapitest"
)

// TestRequestsAreDocumented holds every kind of request to GitHub's published
// description, where GITHUB_OPENAPI_DIR names a folder with it.
func TestRequestsAreDocumented(t *testing.T) {
	t.Parallel()
	checker := openapitest.LoadGitHub(t)
	s := newServer(t)
	s.Writers = map[string]string{"grace": "write"}
	s.Check = func(r *http.Request, body []byte) { checker.Request(t, r, body) }
	for range 150 { // two pages
		s.AddComment(number, "ada", "x")
		s.AddIssue(githubtest.Issue{Author: githubtest.Bot})
	}
	review(t, s, otherPlan)
	review(t, s, plan)
	if _, err := onCommand(t, s, "grace", "/xc apply").Reviewed(t.Context(), target); err != nil {
		t.Error(err)
	}
	s.Merge(number, merge)
	if _, err := onPush(t, s).Reviewed(t.Context(), target); err != nil {
		t.Error(err)
	}
	if err := onPush(t, s).AddReview(t.Context(), &actions.Origin{}); err != nil {
		t.Error(err)
	}
	for _, failed := range []bool{true, true, false} {
		if err := onPush(t, s).Alarm(t.Context(), "title", actions.Note{Target: target, Body: "x"}, failed); err != nil {
			t.Error(err)
		}
	}
	s.NoGraphQL = true
	s.Grant("ghp_x", "ada", githubtest.Write)
	if err := onEvent(t, s, "ghp_x", "", onServer).Alarm(t.Context(), "title", actions.Note{Target: target, Body: "x"}, true); err != nil {
		t.Error(err)
	}
	asked := strings.Join(s.Requests(), "\n")
	for _, part := range []string{
		"GET /repos/o/r/issues/7/comments?", "page=2", "POST /repos/o/r/issues/7/comments", "PATCH /repos/o/r/issues/comments/", "GET /repos/o/r/pulls/7", "GET /repos/o/r/pulls/7/reviews?",
		"GET /repos/o/r/commits/" + merge + "/pulls", "GET /repos/o/r/collaborators/grace/permission", "GET /repos/o/r/issues?", "POST /repos/o/r/issues", "PATCH /repos/o/r/issues/", "GET /api/v3/user",
	} {
		if !strings.Contains(asked, part) {
			t.Errorf("%q was not sent:\n%s", part, asked)
		}
	}
}
