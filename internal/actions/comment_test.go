package actions_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/actions/githubtest"
)

func TestOneCommentIsKept(t *testing.T) {
	t.Parallel()
	for _, crlf := range []bool{false, true} {
		s := newServer(t)
		s.CRLF = crlf
		s.AddComment(number, "ada", "Looks good.")
		note := actions.Note{Target: target, DryRun: true, Approves: true, Plan: plan, Body: "# Plan\n\nfirst\n"}
		page, err := onPullRequest(t, s, "pull_request", head).Comment(t.Context(), note)
		if err != nil || page != "https://github.com/o/r/pull/7#issuecomment-2" {
			t.Fatalf("%q, %v", page, err)
		}
		ours := s.Comments(number)[1]
		want := actions.Mark{Target: target, Kind: actions.KindComment, Approval: actions.Offered, Plan: plan, Head: head}
		if diff := cmp.Diff(want, markOf(t, ours)); diff != "" || ours.Body != want.String()+"\n"+strings.TrimSpace(note.Body) {
			t.Errorf("%s\n%s", ours.Body, diff)
		}

		// The same again sends nothing; anything else edits in place.
		if again, err := onPullRequest(t, s, "pull_request", head).Comment(t.Context(), note); err != nil || again != page {
			t.Errorf("%q, %v", again, err)
		}
		note.Plan, note.Body = "", "second"
		comment(t, onPullRequest(t, s, "pull_request", head), note)
		wantWrites := []string{"POST /repos/o/r/issues/7/comments", "PATCH /repos/o/r/issues/comments/2"}
		if diff := cmp.Diff(wantWrites, s.Writes()); diff != "" {
			t.Error(diff)
		}
		if ours = s.Comments(number)[1]; !strings.HasSuffix(ours.Body, "\nsecond") || markOf(t, ours).Plan != "" || markOf(t, ours).Head != "" {
			t.Errorf("a run without a plan left one: %q", ours.Body)
		}
		if s.Comments(number)[0].Body != "Looks good." {
			t.Error("somebody else's comment was changed")
		}
	}
}

// Only what we wrote ourselves, about this tenant, is ours.
func TestWhoseCommentItIs(t *testing.T) {
	t.Parallel()
	mine := actions.Mark{Target: target, Kind: actions.KindComment, Approval: actions.Offered, Plan: plan, Head: head}
	with := func(change func(*actions.Mark)) string {
		m := mine
		change(&m)
		return m.String() + "\nx"
	}
	tests := []struct {
		name, author, body string
		ours               bool
	}{
		{"ours", githubtest.Bot, mine.String() + "\nx", true},
		{"ours with other line ends", githubtest.Bot, mine.String() + "\r\nx", true},
		{"a copy by somebody else", "mallory", mine.String() + "\nx", false},
		{"a copy by a user called like the bot", "github-actions", mine.String() + "\nx", false},
		{"ours, quoted", githubtest.Bot, "> " + mine.String() + "\nx", false},
		{"ours, in the middle", githubtest.Bot, "x\n" + mine.String() + "\nx", false},
		{"after a blank line", githubtest.Bot, "\n" + mine.String() + "\nx", false},
		{"another tenant, the longer", githubtest.Bot, with(func(m *actions.Mark) { m.Tenant += "-test" }), false},
		{"another tenant, the shorter", githubtest.Bot, with(func(m *actions.Mark) { m.Tenant = m.Tenant[:3] }), false},
		{"another tenant, in capitals", githubtest.Bot, with(func(m *actions.Mark) { m.Tenant = strings.ToUpper(m.Tenant) }), false},
		{"another host", githubtest.Bot, with(func(m *actions.Mark) { m.API = "acme.staging.example" }), false},
		{"another path", githubtest.Bot, with(func(m *actions.Mark) { m.API += "/managed" }), false},
		{"an alarm", githubtest.Bot, with(func(m *actions.Mark) { m.Kind = actions.KindAlarm }), false},
		{"text after a mark", githubtest.Bot, mine.String() + " x", false},
		{"empty", githubtest.Bot, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.AddComment(number, tt.author, tt.body)
			comment(t, onPullRequest(t, s, "pull_request", head), actions.Note{Target: target, DryRun: true, Approves: true, Plan: otherPlan, Body: "new"})
			comments := s.Comments(number)
			if edited := len(comments) == 1; edited != tt.ours || !tt.ours && comments[0].Body != tt.body {
				t.Errorf("%+v", comments)
			}
			s.Merge(number, merge)
			if got, err := onPush(t, s).Reviewed(t.Context(), target); err != nil || got != otherPlan {
				t.Errorf("reviewed: %q, %v", got, err)
			}
		})
	}
}

func TestCommentsOverPages(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for i := range 250 {
		if i == 230 || i == 240 { // the older one counts
			s.AddComment(number, githubtest.Bot, actions.Mark{Target: target, Kind: actions.KindComment, Approval: actions.Nothing}.String())
		} else {
			s.AddComment(number, "ada", fmt.Sprint(i))
		}
	}
	_, err := onPullRequest(t, s, "pull_request", head).Comment(t.Context(), dryRun)
	contains(t, err, "pull request 7 has 2 comments", "delete all but https://github.com/o/r/pull/7#issuecomment-231")
	if diff := cmp.Diff([]string{"PATCH /repos/o/r/issues/comments/231"}, s.Writes()); diff != "" {
		t.Error(diff)
	}
	pages := 0
	for _, request := range s.Requests() {
		if strings.HasPrefix(request, "GET /repos/o/r/issues/7/comments?") && strings.Contains(request, "per_page=100") {
			pages++
		}
	}
	if pages != 3 {
		t.Errorf("%d pages were read: %q", pages, s.Requests())
	}
}

// A run decides what its comment approves, not the caller.
func TestApproval(t *testing.T) {
	t.Parallel()
	offered := actions.Mark{Target: target, Kind: actions.KindComment, Approval: actions.Offered, Plan: plan, Head: head}
	nothing := actions.Mark{Target: target, Kind: actions.KindComment, Approval: actions.Nothing}
	given := offered
	given.Approval = actions.Given
	newPlan := offered
	newPlan.Plan = otherPlan
	tests := []struct {
		name    string
		event   string // "" for the push of the merge
		note    actions.Note
		prepare func(*testing.T, *githubtest.Server)
		want    actions.Mark
	}{
		{"a dry run that shows all of its plan", "pull_request", actions.Note{DryRun: true, Approves: true, Plan: otherPlan}, nil, newPlan},
		{"a dry run that does not", "pull_request", actions.Note{DryRun: true, Plan: otherPlan}, nil, nothing},
		{"a dry run whose plan does not fit", "pull_request", actions.Note{DryRun: true, Approves: true, Plan: otherPlan, Body: strings.Repeat("ü", actions.MaxPlan+1)}, nil, nothing},
		{"a dry run without a plan", "pull_request", actions.Note{DryRun: true, Approves: true}, nil, nothing},
		{"a plan that is not a digest", "pull_request", actions.Note{DryRun: true, Approves: true, Plan: "sha256:abc"}, nil, nothing},
		{"a dry run of the base branch", "pull_request_target", actions.Note{DryRun: true, Approves: true, Plan: otherPlan}, nil, nothing},
		{"a dry run on a review", "pull_request_review", actions.Note{DryRun: true, Approves: true, Plan: otherPlan}, nil, nothing},
		{"an apply on the pull request", "pull_request", actions.Note{Plan: otherPlan}, nil, offered},
		{"an apply on the pull request after a forgery", "pull_request", actions.Note{Plan: otherPlan}, func(t *testing.T, s *githubtest.Server) {
			s.EditComment(only(t, s).ID, "mallory", newPlan.String())
		}, nothing},
		{"an apply of what was reviewed", "", actions.Note{Plan: otherPlan}, nil, given},
		{"a dry run after the merge", "", actions.Note{DryRun: true, Approves: true, Plan: otherPlan}, nil, given},
		{"an apply after an edit after the merge", "", actions.Note{Plan: otherPlan}, func(t *testing.T, s *githubtest.Server) {
			s.EditComment(only(t, s).ID, githubtest.Bot, offered.String())
		}, nothing},
		{"an apply after somebody else's approval", "", actions.Note{Plan: plan}, func(t *testing.T, s *githubtest.Server) {
			s.EditComment(only(t, s).ID, "mallory", given.String())
		}, nothing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			review(t, s, plan)
			github := onPush(t, s)
			if tt.event != "" {
				github = onPullRequest(t, s, tt.event, head)
			} else {
				s.Merge(number, merge)
			}
			if tt.prepare != nil {
				tt.prepare(t, s)
			}
			tt.note.Target, tt.note.Body = target, tt.note.Body+"new"
			comment(t, github, tt.note)
			if diff := cmp.Diff(tt.want, markOf(t, only(t, s))); diff != "" {
				t.Error(diff)
			}
			if len(tt.note.Body) < actions.MaxRecord && !strings.HasSuffix(only(t, s).Body, "\nnew") {
				t.Errorf("the comment was not edited: %q", only(t, s).Body)
			}
		})
	}
}

func TestFirstCommentAfterTheMerge(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.Merge(number, merge)
	comment(t, onPush(t, s), actions.Note{Target: target, Plan: plan, Approves: true, Body: "done"})
	if diff := cmp.Diff(actions.Mark{Target: target, Kind: actions.KindComment, Approval: actions.Nothing}, markOf(t, only(t, s))); diff != "" {
		t.Error(diff)
	}
}

// A comment that is deleted while a run is on its way is written again.
func TestVanishedComment(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	review(t, s, plan)
	id := only(t, s).ID
	vanishing := transport(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPatch {
			s.DeleteComment(id)
		}
		return s.RoundTrip(r)
	})
	comment(t, onPullRequest(t, vanishing, "pull_request", head), actions.Note{Target: target, DryRun: true, Approves: true, Plan: otherPlan, Body: "new"})
	if got := markOf(t, only(t, s)); got.Plan != otherPlan {
		t.Errorf("%+v", got)
	}
}

// A run that is out of date changes nothing.
func TestCommentIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		github  func(*testing.T, *githubtest.Server) *actions.GitHub
		prepare func(*githubtest.Server)
		says    string
	}{
		{"merged already", func(t *testing.T, s *githubtest.Server) *actions.GitHub {
			return onPullRequest(t, s, "pull_request", head)
		},
			func(s *githubtest.Server) { s.Merge(number, merge) }, "is merged already"},
		{"newer commits", func(t *testing.T, s *githubtest.Server) *actions.GitHub {
			return onPullRequest(t, s, "pull_request", head)
		},
			func(s *githubtest.Server) { s.Push(number, newer) }, "has newer commits"},
		{"the review cannot be checked", func(t *testing.T, s *githubtest.Server) *actions.GitHub { return onPush(t, s) },
			func(s *githubtest.Server) {
				s.Merge(number, merge)
				s.Fail(githubtest.Failure{Method: http.MethodPost, Path: "graphql", Times: 1, Status: http.StatusOK, Body: `{"data":{"viewer":{"login":"github-actions[bot]"}}}`})
				s.Fail(githubtest.Failure{Method: http.MethodPost, Path: "graphql", Times: 1, Status: http.StatusOK, Body: `{"errors":[{"message":"Something went wrong"}]}`})
			}, "left the comment as it is, since it could not be checked: could not read who edited comment 1 of o/r: HTTP 200: Something went wrong"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			review(t, s, plan)
			before := only(t, s)
			tt.prepare(s)
			_, err := tt.github(t, s).Comment(t.Context(), actions.Note{Target: target, DryRun: true, Approves: true, Plan: otherPlan, Body: "new"})
			contains(t, err, tt.says)
			if onPurpose := tt.name != "the review cannot be checked"; errors.Is(err, actions.ErrKept) != onPurpose {
				t.Errorf("%v, on purpose: %t", err, onPurpose)
			}
			if diff := cmp.Diff(before, only(t, s)); diff != "" {
				t.Error(diff)
			}
			s.Push(number, head)
			if tt.name == "newer commits" {
				s.Merge(number, merge)
			}
			if got, err := onPush(t, s).Reviewed(t.Context(), target); err != nil || got != plan {
				t.Errorf("what was reviewed is lost: %q, %v", got, err)
			}
		})
	}
}

// A token may write comments and read no pull requests.
func TestCommentWithoutReadingPullRequests(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound} {
		s := newServer(t)
		s.Fail(githubtest.Failure{Method: http.MethodGet, Path: "/pulls/7", Times: 1, Status: status, Body: `{"message":"Not Found"}`})
		review(t, s, plan)
		if markOf(t, only(t, s)).Plan != plan {
			t.Errorf("%+v", only(t, s))
		}
	}
}

// An event that names no pull request may be told which one it is about.
func TestPullRequestSetting(t *testing.T) {
	t.Parallel()
	for _, event := range []string{"schedule", "workflow_dispatch", "merge_group", "push"} {
		s := newServer(t)
		env := map[string]string{"GITHUB_EVENT_NAME": event, "GITHUB_REPOSITORY": "o/r", "GITHUB_REF": "refs/heads/main", "GITHUB_RUN_ID": "42"}
		github := connect(t, env, actions.Options{Token: githubtest.Token, PullRequest: number, Transport: s})
		comment(t, github, dryRun)
		if got := markOf(t, only(t, s)); got.Approval != actions.Nothing {
			t.Errorf("%s: a run outside the pull request approves: %+v", event, got)
		}
		if got, err := github.Reviewed(t.Context(), target); got != "" || !errors.Is(err, actions.ErrNotReviewed) {
			t.Errorf("%s: %q, %v", event, got, err)
		}
	}
}

func TestCommentNeedsAPullRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, event := range []string{"schedule", "workflow_dispatch", ""} {
		_, err := onEvent(t, s, githubtest.Token, `{}`, map[string]string{"GITHUB_EVENT_NAME": event}).Comment(t.Context(), actions.Note{Target: target})
		if !errors.Is(err, actions.ErrNoPullRequest) {
			t.Errorf("%s: %v", event, err)
		}
	}
	if len(s.Requests()) > 0 {
		t.Errorf("GitHub was asked: %q", s.Requests())
	}
}
