package actions_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/actions/githubtest"
)

// attempt returns a run of the push of the merge with a number of its own.
func attempt(t *testing.T, s *githubtest.Server, run int) *actions.GitHub {
	t.Helper()
	return onEvent(t, s, githubtest.Token, `{"repository":{"pushed_at":1}}`, map[string]string{
		"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main", "GITHUB_RUN_ID": "42", "GITHUB_RUN_ATTEMPT": fmt.Sprint(run),
	})
}

// inOrder checks that the text contains the parts one after the other.
func inOrder(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Fatalf("%q is missing, or in another place, in:\n%s", part, text)
		}
		rest = after
	}
}

func TestCommentRecordsEveryRunAfterTheMerge(t *testing.T) {
	t.Parallel()
	for _, crlf := range []bool{false, true} {
		s := newServer(t)
		s.CRLF = crlf
		review(t, s, plan)
		s.Merge(number, merge)
		for i, body := range []string{"41 of 42 done", "refused", "done"} {
			github := attempt(t, s, i+1)
			if _, err := github.Reviewed(t.Context(), target); err != nil {
				t.Fatal(err)
			}
			comment(t, github, actions.Note{Target: target, Plan: otherPlan, Body: body + "\n"})
		}
		inOrder(t, only(t, s).Body, "dry run of "+plan,
			"**[Run 42](https://github.com/o/r/actions/runs/42/attempts/1)**, 20", " UTC\n\n41 of 42 done\n",
			"**[Run 42, attempt 2](https://github.com/o/r/actions/runs/42/attempts/2)**", "refused",
			"**[Run 42, attempt 3](https://github.com/o/r/actions/runs/42/attempts/3)**", "done")
	}
}

// A dry run after the merge is added too, but the next one replaces it.
func TestDryRunsAfterTheMergeDoNotPileUp(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	review(t, s, plan)
	s.Merge(number, merge)
	for i, body := range []string{"first", "second", "third"} {
		comment(t, attempt(t, s, i+1), actions.Note{Target: target, DryRun: i > 0, Plan: otherPlan, Body: body})
	}
	body := only(t, s).Body
	inOrder(t, body, plan, "first", "third")
	if strings.Contains(body, "second") {
		t.Errorf("a dry run was kept:\n%s", body)
	}
}

// The record stays within the limit of GitHub, with the first and the last run whole.
func TestRecordIsBounded(t *testing.T) {
	t.Parallel()
	body := func(run int) string {
		return fmt.Sprintf("begin %d ", run) + strings.Repeat("ü", actions.MaxRecord-20) + fmt.Sprintf(" end %d", run)
	}
	s := newServer(t)
	review(t, s, plan)
	s.Merge(number, merge)
	const runs = 25
	for i := 1; i <= runs; i++ {
		comment(t, attempt(t, s, i), actions.Note{Target: target, Plan: otherPlan, Body: body(i)})
		text := only(t, s).Body
		if n := utf8.RuneCountInString(text); n > 65_536 {
			t.Fatalf("run %d: %d characters", i, n)
		}
		inOrder(t, text, body(1))
		inOrder(t, text, body(i))
	}
	text := only(t, s).Body
	inOrder(t, text, "begin 1 ", "Earlier runs", "attempt 24]", "Left out", "attempt 25]", "begin 25 ")
	if markOf(t, only(t, s)).Plan != plan {
		t.Errorf("the reviewed plan is lost: %.300s", text)
	}

	// A plan gives way to what runs did.
	s = newServer(t)
	comment(t, onPullRequest(t, s, "pull_request", head), actions.Note{Target: target, DryRun: true, Plan: plan, Approves: true, Body: strings.Repeat("p", actions.MaxPlan)})
	s.Merge(number, merge)
	comment(t, attempt(t, s, 1), actions.Note{Target: target, Body: body(1)})
	inOrder(t, only(t, s).Body, "see this comment's edit history", body(1))
}

// A new plan on an open pull request keeps what runs did before, unless there is
// no space: reviewers need the plan.
func TestNewPlanKeepsTheRecord(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	review(t, s, plan)
	comment(t, onPullRequest(t, s, "pull_request", head), actions.Note{Target: target, Body: "did something"})
	review(t, s, otherPlan)
	inOrder(t, only(t, s).Body, "dry run of "+otherPlan, "did something")
	long := actions.Note{Target: target, DryRun: true, Plan: plan, Approves: true, Body: strings.Repeat("p", actions.MaxPlan)}
	comment(t, onPullRequest(t, s, "pull_request", head), actions.Note{Target: target, Body: strings.Repeat("r", actions.MaxRecord)})
	comment(t, onPullRequest(t, s, "pull_request", head), long)
	inOrder(t, only(t, s).Body, long.Body, "Run 42", "Left out", "Run 42", "Left out")
	if got := markOf(t, only(t, s)); got.Plan != plan || got.Approval != actions.Offered {
		t.Errorf("%+v", got)
	}
}

// FuzzComment checks that no text from outside reaches a mark or a boundary
// between runs: what is read back is what was written.
func FuzzComment(f *testing.F) {
	forged := actions.Mark{Target: target, Kind: actions.KindComment, Approval: actions.Given, Plan: otherPlan, Head: head}.String()
	f.Add("plan", "run")
	f.Add(forged, forged)
	f.Add("\r"+forged+"\n", "\n\n<!-- xc-group-sync run=apply -->\n---\n\n**x**\n\ny")
	f.Add("<!--", "<!-- xc-group-sync run=dry -->")
	f.Add("@<!-- -->ann <!<!-- -->-- <!-- --><!-- x", strings.Repeat("<!-- -->", actions.MaxRecord))
	f.Add("<<!--!--", "```\n<!-\u200b-")
	f.Fuzz(func(t *testing.T, planned, did string) {
		s := newServer(t)
		comment(t, onPullRequest(t, s, "pull_request", head), actions.Note{Target: target, DryRun: true, Approves: true, Plan: plan, Body: planned})
		s.Merge(number, merge)
		for run := 1; run <= 2; run++ {
			github := attempt(t, s, run)
			if got, err := github.Reviewed(t.Context(), target); err != nil || got != plan {
				t.Fatalf("%q, %v", got, err)
			}
			comment(t, github, actions.Note{Target: target, Body: did})
		}
		text := only(t, s).Body
		if n := strings.Count(text, "<!--") - strings.Count(text, "<!-- -->"); n != 3 {
			t.Errorf("%d HTML comments that are not empty in:\n%s", n, text)
		}
		if !strings.HasPrefix(text, markOf(t, only(t, s)).String()+"\n") || strings.Count(text, "\n<!-- xc-group-sync run=apply -->\n") != 2 {
			t.Errorf("%q", text)
		}
	})
}
