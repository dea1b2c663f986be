package actions_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/actions/githubtest"
)

// onSchedule is a run that is about no pull request.
func onSchedule(t *testing.T, s *githubtest.Server, token string) *actions.GitHub {
	t.Helper()
	return onEvent(t, s, token, `{}`, map[string]string{"GITHUB_EVENT_NAME": "schedule"})
}

func alarm(t *testing.T, s *githubtest.Server, body string, failed bool) {
	t.Helper()
	if err := onSchedule(t, s, githubtest.Token).Alarm(t.Context(), "It\nfails", actions.Note{Target: target, Body: body}, failed); err != nil {
		t.Fatal(err)
	}
}

func TestAlarm(t *testing.T) {
	t.Parallel()
	for _, crlf := range []bool{false, true} {
		s := newServer(t)
		s.CRLF = crlf
		alarm(t, s, "", false) // nothing to close
		alarm(t, s, "first\n", true)
		alarm(t, s, "second", true)
		issues := s.Issues()
		if len(issues) != 1 || issues[0].Title != "It fails" || issues[0].State != "open" {
			t.Fatalf("%+v", issues)
		}
		inOrder(t, issues[0].Body, "**[Run 42](https://github.com/o/r/actions/runs/42)**, 20", "first", "**[Run 42]", "second")
		alarm(t, s, "", false)
		alarm(t, s, "", false) // closed already
		alarm(t, s, "third", true)
		issues = s.Issues()
		if len(issues) != 2 || issues[0].State != "closed" || issues[0].Reason != "completed" || issues[1].State != "open" || strings.Contains(issues[1].Body, "second") {
			t.Errorf("%+v", issues)
		}
		comments := s.Comments(1)
		if len(comments) != 1 || comments[0].Body != "Recovered: [Run 42](https://github.com/o/r/actions/runs/42)." {
			t.Errorf("%+v", comments)
		}
		want := []string{
			"POST /repos/o/r/issues", "PATCH /repos/o/r/issues/1", "POST /repos/o/r/issues/1/comments",
			"PATCH /repos/o/r/issues/1", "POST /repos/o/r/issues",
		}
		if diff := cmp.Diff(want, s.Writes()); diff != "" {
			t.Error(diff)
		}
	}
}

// The issue keeps what each run did. Dry runs did nothing and replace each other.
func TestAlarmKeepsWhatWasDone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for i, body := range []string{"drift 1", "drift 2", "41 of 42 done", "refused", "drift 3", "drift 4"} {
		note := actions.Note{Target: target, DryRun: strings.HasPrefix(body, "drift"), Body: body}
		if err := onSchedule(t, s, githubtest.Token).Alarm(t.Context(), "It fails", note, true); err != nil {
			t.Fatal(i, err)
		}
	}
	body := s.Issues()[0].Body
	inOrder(t, body, "drift 2", "41 of 42 done", "refused", "drift 4")
	if strings.Contains(body, "drift 1") || strings.Contains(body, "drift 3") {
		t.Errorf("dry runs pile up:\n%s", body)
	}
}

// Issues of others, about other tenants, and pull requests are let alone.
func TestAlarmFindsItsIssue(t *testing.T) {
	t.Parallel()
	body := func(m actions.Mark) string { return m.String() + "\nx" }
	ours := body(actions.Mark{Target: target, Kind: actions.KindAlarm, Approval: actions.Nothing})
	s := newServer(t)
	others := []githubtest.Issue{
		{Author: "mallory", Body: ours},
		{Author: githubtest.Bot, Body: body(actions.Mark{Target: actions.Target{Tenant: "acme-test", API: target.API}, Kind: actions.KindAlarm, Approval: actions.Nothing})},
		{Author: githubtest.Bot, Body: body(actions.Mark{Target: target, Kind: actions.KindComment, Approval: actions.Nothing})},
		{Author: githubtest.Bot, Body: "See:\n" + ours},
		{Author: githubtest.Bot, Body: ours, PullRequest: true},
		{Author: githubtest.Bot, Body: ours, State: "closed"},
	}
	for _, issue := range others {
		s.AddIssue(issue)
	}
	before := s.Issues()
	first, second := s.AddIssue(githubtest.Issue{Author: githubtest.Bot, Body: ours}), s.AddIssue(githubtest.Issue{Author: githubtest.Bot, Body: ours})
	for i := range 250 { // ours are on the last page
		s.AddIssue(githubtest.Issue{Author: githubtest.Bot, Body: fmt.Sprint(i)})
	}
	// Whether the server heeds that only ours are asked for does not matter.
	heedless := transport(func(r *http.Request) (*http.Response, error) {
		query := r.URL.Query()
		query.Del("creator")
		r.URL.RawQuery = query.Encode()
		return s.RoundTrip(r)
	})
	github := onEvent(t, heedless, githubtest.Token, `{}`, map[string]string{"GITHUB_EVENT_NAME": "schedule"})
	if err := github.Alarm(t.Context(), "It fails", actions.Note{Target: target, Body: "new"}, true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{fmt.Sprintf("PATCH /repos/o/r/issues/%d", first)}, s.Writes()); diff != "" {
		t.Error(diff)
	}
	alarm(t, s, "", false)
	issues := s.Issues()
	if issues[first-1].State != "closed" || issues[second-1].State != "closed" {
		t.Errorf("%+v", issues[first-1:second])
	}
	if diff := cmp.Diff(before, issues[:len(before)]); diff != "" {
		t.Error(diff)
	}
	if issues[len(issues)-1].State != "open" {
		t.Error("another issue was closed")
	}
}

// An issue whose opening failed may be there all the same, so it is not opened
// again.
func TestAlarmIsSentOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.Fail(githubtest.Failure{Method: "POST", Path: "issues", Times: 1, Status: 502, Body: `{"message":"Bad Gateway"}`})
	err := onSchedule(t, s, githubtest.Token).Alarm(t.Context(), "It fails", actions.Note{Target: target, Body: "x"}, true)
	contains(t, err, "could not open an issue of o/r: HTTP 502: Bad Gateway")
	if diff := cmp.Diff([]string{"POST /repos/o/r/issues"}, s.Writes()); diff != "" {
		t.Error(diff)
	}
}

func TestAlarmWithoutTheRight(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		rights  githubtest.Rights
		turnOff bool
		says    string
		hint    string
	}{
		{"no rights", githubtest.None, false, "could not read the issues of o/r: the token lacks a permission (HTTP 403: Resource not accessible by integration)", "give the job `permissions: issues: write`, or set issue-on-failure: false"},
		{"read-only", githubtest.Read, false, "could not open an issue of o/r: the token lacks a permission", "give the job `permissions: issues: write`"},
		{"disabled", githubtest.Write, true, "could not read the issues of o/r: issues are disabled in the repository (HTTP 410", "enable issues in the settings of the repository"},
	}
	for _, tt := range tests {
		s := newServer(t)
		s.NoIssues = tt.turnOff
		s.Grant("ghs_x", githubtest.Bot, tt.rights)
		err := onSchedule(t, s, "ghs_x").Alarm(t.Context(), strings.Repeat("ü", 300), actions.Note{Target: target, Body: "x"}, true)
		contains(t, err, tt.says, tt.hint)
	}
	s := newServer(t)
	if err := onSchedule(t, s, githubtest.Token).Alarm(t.Context(), strings.Repeat("ü", 300), actions.Note{Target: target, Body: "x"}, true); err != nil {
		t.Errorf("a long title: %v", err)
	}
}
