package actions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/actions/githubtest"
)

func TestReviewed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	review(t, s, otherPlan)
	review(t, s, plan)
	s.Merge(number, merge)
	if got, err := onPush(t, s).Reviewed(t.Context(), target); got != plan || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	if len(s.Writes()) != 2 {
		t.Errorf("something was changed: %q", s.Writes())
	}
	// The run that applies edits the comment; a re-run still finds the plan.
	for _, body := range []string{"failed", "done"} {
		github := onPush(t, s)
		if got, err := github.Reviewed(t.Context(), target); got != plan || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		comment(t, github, actions.Note{Target: target, Plan: otherPlan, Body: body})
	}
	// It also does after a run that did not ask.
	comment(t, onPush(t, s), actions.Note{Target: target, Plan: otherPlan, Body: "the tenant could not be read"})
	if got, err := onPush(t, s).Reviewed(t.Context(), target); got != plan || err != nil {
		t.Fatalf("%q, %v", got, err)
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
		{"not merged", func(*testing.T, *githubtest.Server) {}, "no pull request: commit " + merge + " was not pushed to \"main\" by merging one"},
		{"pushed by hand", func(_ *testing.T, s *githubtest.Server) { s.Merge(number, newer) }, "no pull request"},
		{"merged into another branch", func(t *testing.T, s *githubtest.Server) {
			s.AddPull(githubtest.Pull{Number: 8, Head: head, Base: "release", Commit: merge, MergedAt: only(t, s).Updated})
		}, "no pull request"},
		{"merged in another repository", func(t *testing.T, s *githubtest.Server) {
			s.AddPull(githubtest.Pull{Number: 8, Head: head, Repository: "eve/r", Commit: merge, MergedAt: only(t, s).Updated})
		}, "no pull request"},
		{"no comment", before(func(t *testing.T, s *githubtest.Server) { s.EditComment(only(t, s).ID, githubtest.Bot, "gone") }), "no comment with a plan for tenant \"acme\""},
		{"several comments", before(func(t *testing.T, s *githubtest.Server) { s.AddComment(number, githubtest.Bot, only(t, s).Body) }), "2 comments about tenant \"acme\""},
		{"the last dry run failed", before(func(t *testing.T, s *githubtest.Server) { review(t, s, "") }), "its comment approves nothing"},
		{"a broken digest", before(edit(githubtest.Bot, func(m *actions.Mark) { m.Plan = strings.ToUpper(m.Plan) })), "has no digest"},
		{"the head moved", before(func(_ *testing.T, s *githubtest.Server) { s.Push(number, newer) }), "the plan was made for commit \"" + head},
		{"no head", before(edit(githubtest.Bot, func(m *actions.Mark) { m.Head = "" })), "the plan was made for commit \"\""},
		{"changed after the merge", func(t *testing.T, s *githubtest.Server) {
			s.Merge(number, merge)
			edit(githubtest.Bot, nothing)(t, s)
		}, "was changed after the approval"},
		{"about another host", before(edit(githubtest.Bot, func(m *actions.Mark) { m.API = "acme.staging.example" })), "no comment with a plan"},
		{"an older head", before(func(t *testing.T, s *githubtest.Server) {
			s.Push(number, newer)
			comment(t, onPullRequest(t, s, "pull_request", newer), actions.Note{Target: target, DryRun: true, Approves: true, Plan: otherPlan, Body: "new"})
			s.Push(number, head)
		}), "the plan was made for commit \"" + newer},
		{"incomplete", before(func(t *testing.T, s *githubtest.Server) {
			comment(t, onPullRequest(t, s, "pull_request", head), actions.Note{Target: target, DryRun: true, Plan: otherPlan, Body: "5 more"})
		}), "its comment approves nothing"},
		{"edited in the second of the merge", func(t *testing.T, s *githubtest.Server) {
			s.Merge(number, merge)
			changed := only(t, s).Updated
			s.EditPull(number, func(p *githubtest.Pull) { p.MergedAt = changed })
		}, "was changed after the approval"},
		{"edited by a deleted account", before(edit(githubtest.Ghost, nothing)), "was edited by a deleted account"},
		{"edited by somebody", before(edit("mallory", nothing)), "was edited by \"mallory\""},
		{"edited by another bot", before(edit("mallory[bot]", nothing)), "was edited by \"mallory[bot]\""},
		{"edited by a user called like us", before(edit("github-actions", nothing)), "was edited by \"github-actions\""},
		{"approved by somebody", func(t *testing.T, s *githubtest.Server) {
			s.Merge(number, merge)
			edit("mallory", func(m *actions.Mark) { m.Plan, m.Approval = otherPlan, actions.Given })(t, s)
		}, "was edited by \"mallory\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			review(t, s, plan)
			tt.prepare(t, s)
			for range 2 { // a refused run says so in the comment, which must not repair it
				github := onPush(t, s)
				got, err := github.Reviewed(t.Context(), target)
				contains(t, err, tt.says)
				if !errors.Is(err, actions.ErrNotReviewed) || got != "" {
					t.Fatalf("%q, %v", got, err)
				}
				_, err = github.Comment(t.Context(), actions.Note{Target: target, Plan: otherPlan, Body: "refused"})
				if err != nil && !errors.Is(err, actions.ErrNoPullRequest) && tt.name != "several comments" {
					t.Fatal(err)
				}
				tt.says = "" // the reason may be another now
			}
		})
	}
}

func TestReviewedNeedsAnApproval(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	review(t, s, plan)
	for _, event := range []string{"pull_request", "pull_request_target", "schedule", "workflow_dispatch", "merge_group", ""} {
		github := onPullRequest(t, s, event, head)
		got, err := github.Reviewed(t.Context(), target)
		contains(t, err, "approves nothing")
		if !errors.Is(err, actions.ErrNotReviewed) || got != "" {
			t.Errorf("%s: %q, %v", event, got, err)
		}
	}
}

// A failure to find out is neither a review nor a verdict.
func TestReviewedFailsClosed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		failure githubtest.Failure
		says    string
	}{
		{"no pull requests", githubtest.Failure{Method: "GET", Path: "/pulls", Status: 403, Body: `{"message":"Resource not accessible by integration"}`},
			"could not read which pull request of o/r commit " + merge + " merged: the token lacks a permission (HTTP 403: Resource not accessible by integration)"},
		{"no comments", githubtest.Failure{Method: "GET", Path: "/comments", Status: 404, Body: `{"message":"Not Found"}`}, "could not read the comments on pull request 7 of o/r: HTTP 404: Not Found"},
		{"half a listing", githubtest.Failure{Method: "GET", Path: "/comments", Status: 200, Body: `[{"id":1`}, "could not read the comments on pull request 7 of o/r: unexpected EOF"},
		{"a page of a proxy", githubtest.Failure{Method: "GET", Path: "/comments", Status: 200, Body: `<html>`}, "invalid character"},
		{"no identity", githubtest.Failure{Method: "POST", Path: "/graphql", Status: 200, Body: `{"data":{"viewer":{"login":""}}}`}, "could not ask GitHub whose token this is: the answer has no login"},
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
				got, err := onPush(t, s).Reviewed(t.Context(), target)
				contains(t, err, tt.says)
				if errors.Is(err, actions.ErrNotReviewed) || got != "" {
					t.Errorf("%q, %v", got, err)
				}
			})
		})
	}
}

// An edit approves nothing unless it is known to be ours.
func TestTheEditorMustBeKnown(t *testing.T) {
	t.Parallel()
	for body, says := range map[string]string{
		`{"errors":[{"message":"Resource not accessible by integration"}]}`: "could not read who edited comment 1 of o/r: the token lacks a permission (HTTP 200: Resource not accessible by integration)",
		`{"data":{"node":null}}`:                                                                      "GitHub does not know the comment",
		`{"data":{}}`:                                                                                 "GitHub does not know the comment",
		`{"data":{"node":{"__typename":"Issue"}}}`:                                                    "GitHub does not know the comment",
		`{"data":{"node":{"__typename":"IssueComment"}}}`:                                             "incomplete answer",
		`{"data":{"node":{"__typename":"IssueComment","body":BODY}}}`:                                 "incomplete answer",
		`{"data":{"node":{"__typename":"IssueComment","body":BODY,"isMinimized":false}}}`:             "incomplete answer",
		`{"data":{"node":{"__typename":"IssueComment","body":BODY,"lastEditedAt":null}}}`:             "incomplete answer",
		`{"data":{"node":{"__typename":"IssueComment","body":BODY,"isMinimized":null,EDITED{}}}}`:     "incomplete answer",
		`{"data":{"node":{"__typename":"IssueComment","body":BODY,"isMinimized":false,EDITED{}}}}`:    "was edited by \"somebody\"",
		`{"data":{"node":{"__typename":"IssueComment","body":BODY,"isMinimized":false,EDITED null}}}`: "was edited by a deleted account",
		`{"data":{"node":{"__typename":"IssueComment","body":"newer","isMinimized":false,EDITED{}}}}`: "it was changed meanwhile",
	} {
		s := newServer(t)
		review(t, s, plan)
		quoted, _ := json.Marshal(only(t, s).Body)
		body = strings.NewReplacer("BODY", string(quoted), "EDITED", `"lastEditedAt":"2026-01-01T00:00:00Z","editor":`).Replace(body)
		s.Merge(number, merge)
		s.Fail(githubtest.Failure{Method: http.MethodPost, Path: "graphql", Times: 1, Status: 200, Body: `{"data":{"viewer":{"login":"github-actions[bot]"}}}`})
		s.Fail(githubtest.Failure{Method: http.MethodPost, Path: "graphql", Times: 1, Status: 200, Body: body})
		_, err := onPush(t, s).Reviewed(t.Context(), target)
		contains(t, err, says)
	}
}

// What GitHub says beside a refusal does not fill up the answer to the next attempt.
func TestARefusedAnswerAboutTheEditorDoesNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		review(t, s, plan)
		quoted, _ := json.Marshal(only(t, s).Body)
		s.Merge(number, merge)
		for _, body := range []string{
			`{"data":{"viewer":{"login":"github-actions[bot]"}}}`,
			`{"data":{"node":{"__typename":"IssueComment","body":BODY,"isMinimized":false,"lastEditedAt":null,"editor":null}},"errors":[{"message":"slow down"}]}`,
			`{"data":{"node":{"__typename":"IssueComment","body":BODY}}}`,
		} {
			s.Fail(githubtest.Failure{Method: http.MethodPost, Path: "graphql", Times: 1, Status: 200, Header: map[string]string{"Retry-After": "1"}, Body: strings.ReplaceAll(body, "BODY", string(quoted))})
		}
		_, err := onPush(t, s).Reviewed(t.Context(), target)
		contains(t, err, "incomplete answer")
	})
}

// A server without GraphQL says so in several ways, and tells nobody who edited a
// comment: only one that was never edited counts. A server that has GraphQL must
// answer.
func TestReviewedWithoutGraphQL(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented} {
		for api, has := range map[string]bool{"https://ghe.example/api/v3": false, "https://api.github.com": true, "https://api.acme.ghe.com": true} {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				review(t, s, plan)
				s.Merge(number, merge)
				s.Fail(githubtest.Failure{Method: http.MethodPost, Path: "graphql", Times: 99, Status: status})
				push := map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": merge, "GITHUB_API_URL": api}
				reviewed := func() (string, error) { return onEvent(t, s, githubtest.Token, "", push).Reviewed(t.Context(), target) }
				got, err := reviewed()
				if has {
					contains(t, err, "could not ask GitHub whose token this is")
					return
				}
				if got != plan || err != nil {
					t.Errorf("HTTP %d: %q, %v", status, got, err)
				}
				s.EditComment(only(t, s).ID, githubtest.Bot, only(t, s).Body)
				later := s.Now().Add(time.Minute)
				s.EditPull(number, func(p *githubtest.Pull) { p.MergedAt = later })
				_, err = reviewed()
				contains(t, err, "was edited by somebody this server does not name", "delete the comment")
			})
		}
	}
}

// onCommand returns a run of a new comment on the pull request.
func onCommand(t *testing.T, s *githubtest.Server, author, text string) *actions.GitHub {
	t.Helper()
	id := s.AddComment(number, author, text)
	payload := fmt.Sprintf(`{"action":"created","issue":{"number":7,"pull_request":{}},"comment":{"id":%d,"body":%q,"created_at":%q,"user":{"login":%q}}}`, id, text, s.Now().Format(time.RFC3339), author)
	return onEvent(t, s, githubtest.Token, payload, map[string]string{"GITHUB_EVENT_NAME": "issue_comment", "GITHUB_REF": "refs/heads/main"})
}

// The comment /xc apply of a reviewer who may write approves what our comment
// shows of the head.
func TestApplyCommand(t *testing.T) {
	t.Parallel()
	change := func(change func(*githubtest.Pull)) func(*testing.T, *githubtest.Server) {
		return func(_ *testing.T, s *githubtest.Server) { s.EditPull(number, change) }
	}
	tests := []struct {
		name, author, text string
		prepare            func(*testing.T, *githubtest.Server)
		says               string // empty if it approves
	}{
		{"of a writer", "grace", "/xc apply", nil, ""},
		{"of an administrator, with blanks", "root", " /xc  apply\r\n", nil, ""},
		{"with the digest", "grace", "/xc apply " + plan, nil, ""},
		{"with another digest", "grace", "/xc apply " + otherPlan, nil, "the comment approves " + otherPlan + ", but the pull request shows " + plan},
		{"with something else", "grace", "/xc apply now", nil, "not a new /xc apply"},
		{"within a text", "grace", "please /xc apply", nil, "not a new /xc apply"},
		{"quoted", "grace", "> /xc apply", nil, "not a new /xc apply"},
		{"of a reader", "eve", "/xc apply", nil, "cannot be approved by eve"},
		{"of the author", "ada", "/xc apply", nil, "was opened by ada"},
		{"after a push", "grace", "/xc apply", change(func(p *githubtest.Pull) { p.Head = newer }), "the plan was made for commit"},
		{"on a closed pull request", "grace", "/xc apply", change(func(p *githubtest.Pull) { p.Closed = true }), "is closed"},
		{"on a merged pull request", "grace", "/xc apply", func(_ *testing.T, s *githubtest.Server) { s.Merge(number, merge) }, "is closed"},
		{"on a fork's pull request", "grace", "/xc apply", change(func(p *githubtest.Pull) { p.HeadFork = "eve/r" }), "comes from a fork"},
		{"for another branch", "grace", "/xc apply", change(func(p *githubtest.Pull) { p.Base = "release" }), "is for branch \"release\""},
		{"before the dry run", "grace", "/xc apply", func(t *testing.T, s *githubtest.Server) { s.DeleteComment(only(t, s).ID) }, "no comment with a plan"},
		{"after a forgery", "grace", "/xc apply", func(t *testing.T, s *githubtest.Server) {
			s.EditComment(only(t, s).ID, "mallory", only(t, s).Body)
		}, "was edited by \"mallory\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.Writers = map[string]string{"grace": "write", "root": "admin", "ada": "admin", "eve": "read"}
			review(t, s, plan)
			if tt.prepare != nil {
				tt.prepare(t, s)
			}
			github := onCommand(t, s, tt.author, tt.text)
			got, err := github.Reviewed(t.Context(), target)
			if tt.says == "" {
				if got != plan || err != nil {
					t.Errorf("%q, %v", got, err)
				}
				return
			}
			contains(t, err, tt.says)
			if !errors.Is(err, actions.ErrNotReviewed) || got != "" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// A reviewer who deletes or edits the command before the run starts takes it back.
func TestApplyCommandIsTakenBack(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*githubtest.Server, int64){
		"was deleted": func(s *githubtest.Server, id int64) { s.DeleteComment(id) },
		"was edited":  func(s *githubtest.Server, id int64) { s.EditComment(id, "grace", "/xc apply\n\nNo, wait.") },
	} {
		s := newServer(t)
		s.Writers = map[string]string{"grace": "write"}
		review(t, s, plan)
		github := onCommand(t, s, "grace", "/xc apply")
		comments := s.Comments(number)
		change(s, comments[len(comments)-1].ID)
		got, err := github.Reviewed(t.Context(), target)
		contains(t, err, says, "comment again")
		if got != "" || !errors.Is(err, actions.ErrNotReviewed) {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// Whoever opened the pull request may not approve it, nor may anybody if that is not
// known.
func TestApplyCommandNeedsTheAuthor(t *testing.T) {
	t.Parallel()
	for _, author := range []string{`"user":null`, `"user":{}`, `"title":"x"`} {
		s := newServer(t)
		s.Writers = map[string]string{"ada": "write"}
		review(t, s, plan)
		s.Fail(githubtest.Failure{Method: http.MethodGet, Path: "/pulls/7", Times: 1, Status: 200,
			Body: `{"number":7,"state":"open",` + author + `,"head":{"sha":"` + head + `","repo":{"full_name":"o/r"}},"base":{"ref":"main"}}`})
		got, err := onCommand(t, s, "ada", "/xc apply").Reviewed(t.Context(), target)
		contains(t, err, "could not read who opened pull request 7")
		if got != "" || errors.Is(err, actions.ErrNotReviewed) {
			t.Errorf("%s: %q, %v", author, got, err)
		}
	}
}

// A plan that is shown after the command is not approved by it; what the command
// applied stays approved for a re-run, and is on record.
func TestApplyCommandIsForWhatWasShown(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.Writers = map[string]string{"grace": "write"}
	review(t, s, plan)
	github := onCommand(t, s, "grace", "/xc apply")
	review(t, s, otherPlan)
	_, err := github.Reviewed(t.Context(), target)
	contains(t, err, "was changed after the approval")
	comment(t, github, actions.Note{Target: target, Plan: otherPlan, Body: "refused"}) // the plan is still offered

	github = onCommand(t, s, "grace", "/xc apply")
	for _, body := range []string{"failed", "failed again"} {
		if got, err := github.Reviewed(t.Context(), target); got != otherPlan || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		comment(t, github, actions.Note{Target: target, Plan: otherPlan, Body: body})
	}
	inOrder(t, s.Comments(number)[0].Body, "dry run of "+otherPlan, "failed", "failed again")

	// A command that was not obeyed does not keep anything approved.
	review(t, s, plan)
	eve := onCommand(t, s, "eve", "/xc apply")
	comment(t, eve, actions.Note{Target: target, Body: "refused"})
	if got := markOf(t, s.Comments(number)[0]); got.Approval != actions.Offered {
		t.Errorf("%+v", got)
	}
}

// A job that failed before it looked for the approval (the tenant was down, say) can be
// run again.
func TestApplyCommandOutlivesAFailure(t *testing.T) {
	t.Parallel()
	for author, want := range map[string]actions.Approval{"grace": actions.Given, "eve": actions.Offered} {
		s := newServer(t)
		s.Writers = map[string]string{"grace": "write"}
		review(t, s, plan)
		github := onCommand(t, s, author, "/xc apply")
		comment(t, github, actions.Note{Target: target, Body: "the tenant could not be reached"})
		if got := markOf(t, s.Comments(number)[0]); got.Approval != want {
			t.Errorf("%s: %+v", author, got)
		}
		if got, err := github.Reviewed(t.Context(), target); (got == plan) != (author == "grace") {
			t.Errorf("%s: %q, %v", author, got, err)
		}
	}
}

// The merge queue can ask what the pull request at its head shows.
func TestQueued(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	review(t, s, plan)
	ref := "refs/heads/gh-readonly-queue/release/1.x/pr-7-" + newer
	queued := func(event, ref string) (string, error) {
		return onEvent(t, s, githubtest.Token, "", map[string]string{"GITHUB_EVENT_NAME": event, "GITHUB_REF": ref}).Queued(t.Context(), target)
	}
	if got, err := queued("merge_group", ref); got != plan || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for event, ref := range map[string]string{"push": ref, "merge_group": "refs/heads/main"} {
		if got, err := queued(event, ref); got != "" || !errors.Is(err, actions.ErrNotReviewed) {
			t.Errorf("%s: %q, %v", event, got, err)
		}
	}
	s.Push(number, newer)
	_, err := queued("merge_group", ref)
	contains(t, err, "the plan was made for commit")
}

// Right after a merge GitHub may not know the pull request of the commit.
func TestTheMergeIsWaitedFor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		lag    int
		pushed time.Duration // before the run; negative: the event does not say
		took   time.Duration
		found  bool
	}{
		{"known at once", 0, 0, 0, true},
		{"known soon", 3, 0, 7 * time.Second, true},
		{"known late", 5, 0, 30 * time.Second, true},
		{"never", 99, 0, 30 * time.Second, false},
		{"time of the push unknown", 99, -1, 30 * time.Second, false},
		{"a job that waited", 99, 20 * time.Second, 10 * time.Second, false},
		{"a re-run", 99, time.Hour, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				review(t, s, plan)
				s.Merge(number, merge)
				s.Lag = tt.lag
				payload := ""
				if tt.pushed >= 0 {
					payload = fmt.Sprintf(`{"repository":{"pushed_at":%d}}`, time.Now().Add(-tt.pushed).Unix())
				}
				github := onEvent(t, s, githubtest.Token, payload, map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"})
				start := time.Now()
				got, err := github.Reviewed(t.Context(), target)
				if found := got == plan && err == nil; found != tt.found || !found && !errors.Is(err, actions.ErrNotReviewed) {
					t.Errorf("%q, %v", got, err)
				}
				// The comment asks too, without another wait.
				_, _ = github.Comment(t.Context(), actions.Note{Target: target, Body: "x"})
				if took := time.Since(start); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		push := map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"}
		start := time.Now()
		_, err := onEvent(t, s, githubtest.Token, "", push).PullRequest(ctx)
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 5*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func TestPullRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for i := range 130 { // on the second page
		s.AddPull(githubtest.Pull{Number: 100 + i, Head: merge})
	}
	s.AddPull(githubtest.Pull{Number: 300, Head: newer, Commit: merge, MergedAt: s.Now()})
	got, err := onPush(t, s).PullRequest(t.Context())
	if diff := cmp.Diff(actions.PullRequest{Number: 300, Head: newer, MergedAt: s.Now(), Base: "main"}, got); diff != "" || err != nil {
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
