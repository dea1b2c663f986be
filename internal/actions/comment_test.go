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
		note := actions.Note{Tenant: tenant, DryRun: true, Plan: plan, Body: "# Plan\n\nfirst\n"}
		page, err := onPullRequest(t, s, "pull_request", head).Comment(t.Context(), note)
		if err != nil || page != "https://github.com/o/r/pull/7#issuecomment-2" {
			t.Fatalf("%q, %v", page, err)
		}
		ours := s.Comments(number)[1]
		want := actions.Mark{Tenant: tenant, Kind: actions.KindComment, Plan: plan, Head: head}
		if diff := cmp.Diff(want, markOf(t, ours)); diff != "" || ours.Body != want.String()+"\n"+note.Body {
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
	mine := actions.Mark{Tenant: tenant, Kind: actions.KindComment, Plan: plan, Head: head}
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
		{"another tenant, the longer", githubtest.Bot, with(func(m *actions.Mark) { m.Tenant = tenant + "-test" }), false},
		{"another tenant, the shorter", githubtest.Bot, with(func(m *actions.Mark) { m.Tenant = tenant[:3] }), false},
		{"another tenant, in capitals", githubtest.Bot, with(func(m *actions.Mark) { m.Tenant = strings.ToUpper(tenant) }), false},
		{"an alarm", githubtest.Bot, with(func(m *actions.Mark) { m.Kind = actions.KindAlarm }), false},
		{"a mark with more behind", githubtest.Bot, mine.String() + " x", false},
		{"empty", githubtest.Bot, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.AddComment(number, tt.author, tt.body)
			comment(t, onPullRequest(t, s, "pull_request", head), actions.Note{Tenant: tenant, DryRun: true, Plan: otherPlan, Body: "new"})
			comments := s.Comments(number)
			if edited := len(comments) == 1; edited != tt.ours || !tt.ours && comments[0].Body != tt.body {
				t.Errorf("%+v", comments)
			}
			s.Merge(number, merge)
			if got, err := onPush(t, s).Reviewed(t.Context(), tenant); err != nil || got != otherPlan {
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
			s.AddComment(number, githubtest.Bot, actions.Mark{Tenant: tenant, Kind: actions.KindComment}.String())
		} else {
			s.AddComment(number, "ada", fmt.Sprint(i))
		}
	}
	comment(t, onPullRequest(t, s, "pull_request", head), actions.Note{Tenant: tenant, DryRun: true, Plan: plan, Body: "x"})
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

// What a mark says does not depend on what a caller would like.
func TestRulesOfTheMark(t *testing.T) {
	t.Parallel()
	reviewed := actions.Mark{Tenant: tenant, Kind: actions.KindComment, Plan: plan, Head: head}
	empty := actions.Mark{Tenant: tenant, Kind: actions.KindComment}
	approved := reviewed
	approved.Approved = true
	tests := []struct {
		name    string
		event   string // "" for push, after the merge
		dryRun  bool
		plan    string
		prepare func(*testing.T, *githubtest.Server)
		want    actions.Mark
	}{
		{"an apply on the pull request hands on the plan", "pull_request", false, otherPlan, nil, reviewed},
		{"but not one that somebody else put there", "pull_request", false, otherPlan, func(t *testing.T, s *githubtest.Server) {
			forged := reviewed
			forged.Plan = otherPlan
			s.EditComment(only(t, s).ID, "mallory", forged.String())
		}, empty},
		{"a dry run of what the base holds shows no plan of the head", "pull_request_target", true, otherPlan, nil, empty},
		{"a plan that is no digest", "pull_request", true, "sha256:abc", nil, empty},
		{"an apply of what was reviewed approves", "", false, otherPlan, nil, approved},
		{"a dry run on a push does, too", "", true, otherPlan, nil, approved},
		{"an apply of what was not reviewed does not", "", false, otherPlan, func(t *testing.T, s *githubtest.Server) {
			s.EditComment(only(t, s).ID, githubtest.Bot, reviewed.String()) // after the merge
		}, reviewed},
		{"nor of what somebody else approved", "", false, plan, func(t *testing.T, s *githubtest.Server) {
			s.EditComment(only(t, s).ID, "mallory", approved.String())
		}, reviewed},
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
			comment(t, github, actions.Note{Tenant: tenant, DryRun: tt.dryRun, Plan: tt.plan, Body: "new"})
			if diff := cmp.Diff(tt.want, markOf(t, only(t, s))); diff != "" {
				t.Error(diff)
			}
			if !strings.HasSuffix(only(t, s).Body, "\nnew") {
				t.Errorf("the comment was not edited: %q", only(t, s).Body)
			}
		})
	}
}

func TestFirstCommentAfterTheMerge(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.Merge(number, merge)
	comment(t, onPush(t, s), actions.Note{Tenant: tenant, Plan: plan, Body: "done"})
	if diff := cmp.Diff(actions.Mark{Tenant: tenant, Kind: actions.KindComment}, markOf(t, only(t, s))); diff != "" {
		t.Error(diff)
	}
}

// A run whose time has passed changes nothing.
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
			}, "could not be checked: could not read who edited comment 1 of o/r: Something went wrong"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			review(t, s, plan)
			before := only(t, s)
			tt.prepare(s)
			_, err := tt.github(t, s).Comment(t.Context(), actions.Note{Tenant: tenant, DryRun: true, Plan: otherPlan, Body: "new"})
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
			if got, err := onPush(t, s).Reviewed(t.Context(), tenant); err != nil || got != plan {
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

func TestCommentNeedsAPullRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, event := range []string{"schedule", "workflow_dispatch", ""} {
		_, err := onEvent(t, s, githubtest.Token, `{}`, map[string]string{"GITHUB_EVENT_NAME": event}).Comment(t.Context(), actions.Note{Tenant: tenant})
		if !errors.Is(err, actions.ErrNoPullRequest) {
			t.Errorf("%s: %v", event, err)
		}
	}
	if len(s.Requests()) > 0 {
		t.Errorf("GitHub was asked: %q", s.Requests())
	}
}

func TestCommentThatIsTooLong(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	note := actions.Note{Tenant: tenant, DryRun: true, Plan: plan, Body: strings.Repeat("ü", actions.MaxBody)}
	comment(t, onPullRequest(t, s, "pull_request", head), note)
	note.Body += strings.Repeat("ü", 2000)
	_, err := onPullRequest(t, s, "pull_request", head).Comment(t.Context(), note)
	contains(t, err, "could not write comments on pull request 7 of o/r (HTTP 422 Validation Failed: Body is too long")
}
