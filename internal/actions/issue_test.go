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
	if err := onSchedule(t, s, githubtest.Token).Alarm(t.Context(), tenant, "It\nfails", body, failed); err != nil {
		t.Fatal(err)
	}
}

func TestAlarm(t *testing.T) {
	t.Parallel()
	mark := actions.Mark{Tenant: tenant, Kind: actions.KindAlarm}.String() + "\n"
	for _, crlf := range []bool{false, true} {
		s := newServer(t)
		s.CRLF = crlf
		alarm(t, s, "", false) // nothing to close
		alarm(t, s, "first\n", true)
		alarm(t, s, "first\n", true) // nothing to say
		alarm(t, s, "second", true)
		open := githubtest.Issue{Number: 1, Author: githubtest.Bot, Title: "It fails", Body: mark + "second", State: "open"}
		if diff := cmp.Diff([]githubtest.Issue{open}, s.Issues()); diff != "" {
			t.Error(diff)
		}
		alarm(t, s, "", false)
		alarm(t, s, "", false) // closed already
		alarm(t, s, "third", true)
		closed, another := open, open
		closed.State, closed.Reason = "closed", "completed"
		another.Number, another.Body = 2, mark+"third"
		if diff := cmp.Diff([]githubtest.Issue{closed, another}, s.Issues()); diff != "" {
			t.Error(diff)
		}
		comments := s.Comments(1)
		if len(comments) != 1 || comments[0].Body != "It works again: https://github.com/o/r/actions/runs/42" {
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

// Issues of others, about other tenants, and pull requests are let alone.
func TestAlarmFindsItsIssue(t *testing.T) {
	t.Parallel()
	body := func(m actions.Mark) string { return m.String() + "\nx" }
	ours := body(actions.Mark{Tenant: tenant, Kind: actions.KindAlarm})
	s := newServer(t)
	others := []githubtest.Issue{
		{Author: "mallory", Body: ours},
		{Author: githubtest.Bot, Body: body(actions.Mark{Tenant: tenant + "-test", Kind: actions.KindAlarm})},
		{Author: githubtest.Bot, Body: body(actions.Mark{Tenant: tenant, Kind: actions.KindComment})},
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
	if err := github.Alarm(t.Context(), tenant, "It fails", "new", true); err != nil {
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
	err := onSchedule(t, s, githubtest.Token).Alarm(t.Context(), tenant, "It fails", "x", true)
	contains(t, err, "could not open issues of o/r (HTTP 502 Bad Gateway)")
	if diff := cmp.Diff([]string{"POST /repos/o/r/issues"}, s.Writes()); diff != "" {
		t.Error(diff)
	}
}

func TestAlarmWithoutTheRight(t *testing.T) {
	t.Parallel()
	const advice = "give the job `permissions: issues: write`"
	tests := []struct {
		name    string
		rights  githubtest.Rights
		turnOff bool
		says    string
	}{
		{"no rights", githubtest.None, false, "the token may not read the issues of o/r (HTTP 403 Resource not accessible by integration): " + advice},
		{"read-only", githubtest.Read, false, "the token may not open issues of o/r (HTTP 403 Resource not accessible by integration): " + advice},
		{"turned off", githubtest.Write, true, "the token may not read the issues of o/r (HTTP 410 Issues are disabled for this repo): " + advice},
	}
	for _, tt := range tests {
		s := newServer(t)
		s.NoIssues = tt.turnOff
		s.Grant("ghs_x", githubtest.Bot, tt.rights)
		err := onSchedule(t, s, "ghs_x").Alarm(t.Context(), tenant, strings.Repeat("ü", 300), "x", true)
		contains(t, err, tt.says)
	}
	s := newServer(t)
	if err := onSchedule(t, s, githubtest.Token).Alarm(t.Context(), tenant, strings.Repeat("ü", 300), "x", true); err != nil {
		t.Errorf("a long title: %v", err)
	}
}
