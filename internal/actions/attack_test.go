package actions_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/actions/githubtest"
	"xc-group-sync/internal/retry"
)

// refused checks that the plan is not approved for the push of the merge.
func refused(t *testing.T, s *githubtest.Server, says string) {
	t.Helper()
	got, err := onPush(t, s).Reviewed(t.Context(), target)
	contains(t, err, says)
	if !errors.Is(err, actions.ErrNotReviewed) || got != "" || retry.HintOf(err) == "" {
		t.Errorf("%q, %v", got, err)
	}
}

// An approval is for one time: a re-run of the job must not bring back what a later
// pull request took away.
func TestApprovalIsUsedUp(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	review(t, s, plan)
	s.Merge(number, merge)
	comment(t, onPush(t, s), actions.Note{Target: target, Plan: plan, Body: "the tenant could not be reached"})
	if got, err := onPush(t, s).Reviewed(t.Context(), target); got != plan || err != nil {
		t.Fatalf("nothing was applied, and yet: %q, %v", got, err)
	}
	comment(t, onPush(t, s), actions.Note{Target: target, Plan: plan, Applied: true, Body: "done"})
	for _, body := range []string{"refused", "refused again"} {
		refused(t, s, "its plan was applied before")
		comment(t, onPush(t, s), actions.Note{Target: target, Plan: plan, Body: body})
	}
	inOrder(t, only(t, s).Body, "dry run of "+plan, "could not be reached", "done", "refused", "refused again")
}

// It is used up on the pull request that was merged, whichever one is commented
// on.
func TestApprovalIsUsedUpWhereItWasGiven(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.AddPull(githubtest.Pull{Number: 12, Author: "ada", Head: newer})
	s.AddReview(12, githubtest.Review{Author: "eve", State: "APPROVED", Commit: newer})
	review(t, s, plan)
	s.Merge(number, merge)
	push := map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main", "GITHUB_REPOSITORY": "o/r", "GITHUB_SHA": merge}
	github := connect(t, push, actions.Options{Token: githubtest.Token, PullRequest: 12, Transport: s})
	if got, err := github.Reviewed(t.Context(), target); got != plan || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	comment(t, github, actions.Note{Target: target, Plan: plan, Applied: true, Body: "done"})
	refused(t, s, "its plan was applied before")
	var origin actions.Origin
	if err := github.AddReview(t.Context(), &origin); err != nil || origin.PullRequest != number || len(origin.ApprovedBy) > 0 {
		t.Errorf("%+v, %v", origin, err)
	}
}

// An apply by comment uses the plan up, too; a new dry run shows another.
func TestCommandIsUsedUp(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.Writers = map[string]string{"grace": "write"}
	review(t, s, plan)
	github := onCommand(t, s, "grace", "/xc apply")
	if got, err := github.Reviewed(t.Context(), target); got != plan || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	comment(t, github, actions.Note{Target: target, Plan: plan, Applied: true, Body: "done"})
	_, err := onCommand(t, s, "grace", "/xc apply").Reviewed(t.Context(), target)
	contains(t, err, "its plan was applied before")
	review(t, s, otherPlan)
	if got, err := onCommand(t, s, "grace", "/xc apply").Reviewed(t.Context(), target); got != otherPlan || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	inOrder(t, s.Comments(number)[0].Body, "dry run of "+otherPlan, "done")
}

// Commands that are refused are on record, but do not push the plan out of the
// comment that is still to be approved.
func TestPlanStaysUntilItIsApproved(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	shown := "begin " + strings.Repeat("p", actions.MaxPlan-10) + " end"
	comment(t, onPullRequest(t, s, "pull_request", head), actions.Note{Target: target, DryRun: true, Approves: true, Plan: plan, Body: shown})
	for range 30 {
		comment(t, onCommand(t, s, "mallory", "/xc apply"), actions.Note{Target: target, Body: strings.Repeat("r", actions.MaxRecord)})
		ours := s.Comments(number)[0]
		if got := markOf(t, ours); got.Approval != actions.Nothing && !strings.Contains(ours.Body, shown) {
			t.Fatalf("%+v is offered without being shown", got)
		}
	}
	s.Merge(number, merge)
	if got, err := onPush(t, s).Reviewed(t.Context(), target); got != plan || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// Whether a comment that does not show who is meant may approve a plan is said by
// the run that applies, since the pull request may bring its own policy file.
func TestMaskedApprovalIsForTheApplyToAccept(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	comment(t, onPullRequest(t, s, "pull_request", head), actions.Note{Target: target, DryRun: true, Approves: true, Masked: true, Plan: plan, Body: "x"})
	s.Merge(number, merge)
	for range 2 { // the record of the refusal leaves the plan on offer
		refused(t, s, "its comment masks emails")
		comment(t, onPush(t, s), actions.Note{Target: target, Plan: plan, Body: "refused"})
	}
	push := map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main", "GITHUB_REPOSITORY": "o/r", "GITHUB_SHA": merge}
	accepts := connect(t, push, actions.Options{Token: githubtest.Token, AcceptMasked: true, Transport: s})
	if got, err := accepts.Reviewed(t.Context(), target); got != plan || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestHiddenCommentApprovesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	review(t, s, plan)
	s.HideComment(only(t, s).ID)
	s.Merge(number, merge)
	_, err := onPush(t, s).Reviewed(t.Context(), target)
	contains(t, err, "its comment is hidden", "unhide the comment", "expect-plan")
	// The record of the refusal approves nothing: to unhide it and try again is no cure.
	comment(t, onPush(t, s), actions.Note{Target: target, Body: "refused"})
	refused(t, s, "its comment approves nothing")
}

// Our edit must not make somebody else's text look like ours, nor lose it: it is
// on record.
func TestForgedRecordIsNamed(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(*testing.T, *githubtest.Server){
		"by a dry run": func(t *testing.T, s *githubtest.Server) { review(t, s, otherPlan) },
		"by a run after the merge": func(t *testing.T, s *githubtest.Server) {
			s.Merge(number, merge)
			comment(t, onPush(t, s), actions.Note{Target: target, Plan: plan, Body: "refused"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			review(t, s, plan)
			comment(t, onCommand(t, s, "eve", "/xc apply"), actions.Note{Target: target, Body: "refused"})
			ours := s.Comments(number)[0]
			for _, part := range []string{"dry run of", "refused"} {
				ours.Body = strings.ReplaceAll(ours.Body, part, "forged")
			}
			s.EditComment(ours.ID, "mallory", ours.Body)
			next(t, s)
			body := s.Comments(number)[0].Body
			inOrder(t, body, "forged", "Edited by somebody else")
			if got := markOf(t, s.Comments(number)[0]); got.Plan == plan {
				t.Errorf("%+v offers the forged plan", got)
			}
		})
	}
}

// While a write waits for the rate limit, another run may write. Its comment is kept.
func TestAWriteIsDecidedAgainAfterAWait(t *testing.T) {
	t.Parallel()
	for method, meanwhile := range map[string]func(*testing.T, *githubtest.Server){
		http.MethodPatch: func(t *testing.T, s *githubtest.Server) {
			github := onCommand(t, s, "grace", "/xc apply")
			if got, err := github.Reviewed(t.Context(), target); got != plan || err != nil {
				t.Fatalf("%q, %v", got, err)
			}
			comment(t, github, actions.Note{Target: target, Plan: plan, Applied: true, Body: "done"})
		},
		http.MethodPost: func(t *testing.T, s *githubtest.Server) { review(t, s, plan) },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			s.Writers = map[string]string{"grace": "write"}
			if method == http.MethodPatch {
				review(t, s, plan)
			}
			limited := false
			waits := transport(func(r *http.Request) (*http.Response, error) {
				if !limited && r.Method == method && strings.Contains(r.URL.Path, "/comments") {
					limited = true
					meanwhile(t, s)
					s.Fail(githubtest.SecondaryLimit)
				}
				return s.RoundTrip(r)
			})
			note := actions.Note{Target: target, DryRun: true, Approves: true, Plan: otherPlan, Body: "dry run of " + otherPlan}
			comment(t, onPullRequest(t, waits, "pull_request", head), note)
			ours := slices.DeleteFunc(s.Comments(number), func(c githubtest.Comment) bool { return c.Author != githubtest.Bot })
			if len(ours) != 1 {
				t.Fatalf("%d comments", len(ours))
			}
			inOrder(t, ours[0].Body, note.Body)
			if method == http.MethodPatch {
				inOrder(t, ours[0].Body, note.Body, "done")
			}
		})
	}
}

// So is what another run adds to the issue.
func TestAnAlarmIsDecidedAgainAfterAWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		alarm := func(via http.RoundTripper, body string) {
			if err := onPush(t, via).Alarm(t.Context(), "title", actions.Note{Target: target, Body: body}, true); err != nil {
				t.Fatal(err)
			}
		}
		alarm(s, "first")
		limited := false
		alarm(transport(func(r *http.Request) (*http.Response, error) {
			if !limited && r.Method == http.MethodPatch {
				limited = true
				alarm(s, "second")
				s.Fail(githubtest.SecondaryLimit)
			}
			return s.RoundTrip(r)
		}), "third")
		inOrder(t, s.Issues()[0].Body, "first", "second", "third")
	})
}

// A write whose response was lost is repeated, but adds its run once.
func TestALostAnswerAddsNoRunTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		review(t, s, plan)
		s.Merge(number, merge)
		lost := map[string]bool{}
		loses := transport(func(r *http.Request) (*http.Response, error) {
			response, err := s.RoundTrip(r)
			if r.Method == http.MethodPatch && !lost[r.URL.Path] {
				lost[r.URL.Path] = true
				response.StatusCode = http.StatusBadGateway
			}
			return response, err
		})
		comment(t, onPush(t, loses), actions.Note{Target: target, Body: "applied"})
		for _, body := range []string{"first", "applied"} {
			if err := onPush(t, loses).Alarm(t.Context(), "title", actions.Note{Target: target, Body: body}, true); err != nil {
				t.Fatal(err)
			}
		}
		if len(lost) != 2 {
			t.Errorf("lost: %v", lost)
		}
		for _, text := range []string{only(t, s).Body, s.Issues()[0].Body} {
			if n := strings.Count(text, "applied"); n != 1 {
				t.Errorf("added %d times: %s", n, text)
			}
		}
	})
}

// The text that was read may be a forgery that another run of ours replaced before
// GitHub was asked for the editor.
func TestForgeryBetweenTwoRequests(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	review(t, s, plan)
	honest := only(t, s)
	forged := markOf(t, honest)
	forged.Plan = otherPlan
	s.EditComment(honest.ID, "mallory", forged.String())
	s.Merge(number, merge)
	replaced := transport(func(r *http.Request) (*http.Response, error) {
		response, err := s.RoundTrip(r)
		if strings.Contains(r.URL.Path, "/comments") {
			s.EditComment(honest.ID, githubtest.Bot, honest.Body)
		}
		return response, err
	})
	if got, err := onPush(t, replaced).Reviewed(t.Context(), target); got != "" || err == nil {
		t.Errorf("%q, %v", got, err)
	}
}
