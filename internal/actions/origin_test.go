package actions_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/actions/githubtest"
)

func TestOrigin(t *testing.T) {
	t.Parallel()
	whole := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "o/r", "GITHUB_SHA": merge, "GITHUB_REF": "refs/heads/größe/1", "GITHUB_EVENT_NAME": "push",
		"GITHUB_RUN_ID": "42", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_ACTOR": "dependabot[bot]",
	}
	if got := actions.New(environment(map[string]string{"GITHUB_REPOSITORY": "o/r"}), &bytes.Buffer{}).Origin(); got != nil {
		t.Errorf("outside Actions: %+v", got)
	}
	want := &actions.Origin{Repository: "o/r", SHA: merge, Ref: "refs/heads/größe/1", Event: "push", RunID: "42", RunAttempt: "2", Actor: "dependabot[bot]"}
	if diff := cmp.Diff(want, actions.New(environment(whole), &bytes.Buffer{}).Origin()); diff != "" {
		t.Errorf("(-want +got) %s", diff)
	}
	for _, bad := range []string{"", "a b", "x\n::error::", "../..", strings.Repeat("9", 500), "refs/heads/a\u202eb"} {
		env := map[string]string{"GITHUB_ACTIONS": "true"}
		for name := range whole {
			if name != "GITHUB_ACTIONS" {
				env[name] = bad
			}
		}
		env["GITHUB_ACTOR"] += "!"
		if diff := cmp.Diff(&actions.Origin{}, actions.New(environment(env), &bytes.Buffer{}).Origin()); diff != "" {
			t.Errorf("%q (-want +got) %s", bad, diff)
		}
	}
}

func TestApprovers(t *testing.T) {
	t.Parallel()
	mergedAt := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	by := func(author, state, commit string) githubtest.Review {
		return githubtest.Review{Author: author, State: state, Commit: commit, At: mergedAt.Add(-time.Hour)}
	}
	after := func(review githubtest.Review) githubtest.Review {
		review.At = mergedAt.Add(time.Second)
		return review
	}
	var many []githubtest.Review // more than a page, and the approval is on the last
	for i := range 250 {
		many = append(many, by(fmt.Sprintf("reader-%d", i), "COMMENTED", head))
	}
	var crowd []githubtest.Review
	var named []string
	for i := range 150 {
		crowd = append(crowd, by(fmt.Sprintf("fan-%d", i), "APPROVED", head))
		named = append(named, fmt.Sprintf("fan-%d", i))
	}
	for name, tt := range map[string]struct {
		reviews []githubtest.Review
		want    []string
	}{
		"none":                    {nil, []string{}},
		"two":                     {[]githubtest.Review{by("ben", "APPROVED", head), by("cleo", "APPROVED", head)}, []string{"ben", "cleo"}},
		"only comments":           {[]githubtest.Review{by("ben", "COMMENTED", head), by("cleo", "PENDING", head)}, []string{}},
		"a comment after":         {[]githubtest.Review{by("ben", "APPROVED", head), by("ben", "COMMENTED", head)}, []string{"ben"}},
		"changed the mind":        {[]githubtest.Review{by("ben", "APPROVED", head), by("ben", "CHANGES_REQUESTED", head)}, []string{}},
		"changed it back":         {[]githubtest.Review{by("ben", "CHANGES_REQUESTED", head), by("cleo", "APPROVED", head), by("ben", "APPROVED", head)}, []string{"cleo", "ben"}},
		"twice":                   {[]githubtest.Review{by("ben", "APPROVED", head), by("ben", "APPROVED", head)}, []string{"ben"}},
		"dismissed":               {[]githubtest.Review{by("ben", "DISMISSED", head)}, []string{}},
		"the later one dismissed": {[]githubtest.Review{by("ben", "APPROVED", head), by("ben", "DISMISSED", head)}, []string{}},
		"an older commit":         {[]githubtest.Review{by("ben", "APPROVED", newer)}, []string{}},
		"and the newest":          {[]githubtest.Review{by("ben", "APPROVED", newer), by("ben", "APPROVED", head)}, []string{"ben"}},
		"a commit that is gone":   {[]githubtest.Review{by("ben", "APPROVED", "")}, []string{}},
		"after the merge":         {[]githubtest.Review{after(by("ben", "APPROVED", head))}, []string{}},
		"objection after it":      {[]githubtest.Review{by("ben", "APPROVED", head), after(by("ben", "CHANGES_REQUESTED", head))}, []string{"ben"}},
		"deleted accounts":        {[]githubtest.Review{by("", "APPROVED", head), by("", "APPROVED", head)}, []string{}},
		"an app":                  {[]githubtest.Review{by("checker[bot]", "APPROVED", head)}, []string{"checker[bot]"}},
		"no login":                {[]githubtest.Review{by("a\nb", "APPROVED", head)}, []string{}},
		"many":                    {slices.Concat(many, []githubtest.Review{by("ben", "APPROVED", head)}), []string{"ben"}},
		"a crowd":                 {crowd, named[:100]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.EditPull(number, func(p *githubtest.Pull) { p.Commit, p.MergedAt, p.MergedBy = merge, mergedAt, "grace" })
			for _, review := range tt.reviews {
				s.AddReview(number, review)
			}
			var origin actions.Origin
			if err := onPush(t, s).AddReview(t.Context(), &origin); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(actions.Origin{PullRequest: number, MergedBy: "grace", ApprovedBy: tt.want}, origin); diff != "" {
				t.Errorf("(-want +got) %s", diff)
			}
		})
	}
}

// Which pull request a run is of, and whose approvals count, by the event.
func TestReviewOfEachEvent(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env     map[string]string
		payload string
		merged  bool
		want    actions.Origin
	}{
		"push": {map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"}, `{"repository":{"pushed_at":1}}`, true,
			actions.Origin{PullRequest: number, MergedBy: "github-merge-queue[bot]", ApprovedBy: []string{"ben"}}},
		"pull request": {map[string]string{"GITHUB_EVENT_NAME": "pull_request"}, `{"pull_request":{"number":7,"head":{"sha":"` + head + `"}}}`, false,
			actions.Origin{PullRequest: number, ApprovedBy: []string{"ben"}}},
		"older commit of it": {map[string]string{"GITHUB_EVENT_NAME": "pull_request"}, `{"pull_request":{"number":7,"head":{"sha":"` + newer + `"}}}`, false,
			actions.Origin{PullRequest: number, ApprovedBy: []string{"cleo"}}},
		"comment": {map[string]string{"GITHUB_EVENT_NAME": "issue_comment"}, `{"issue":{"number":7,"pull_request":{}}}`, false,
			actions.Origin{PullRequest: number, ApprovedBy: []string{"ben"}}},
		"queue": {map[string]string{"GITHUB_EVENT_NAME": "merge_group", "GITHUB_REF": "refs/heads/gh-readonly-queue/main/pr-7-" + merge}, `{}`, false,
			actions.Origin{PullRequest: number, ApprovedBy: []string{"ben"}}},
		"schedule":    {map[string]string{"GITHUB_EVENT_NAME": "schedule", "GITHUB_REF": "refs/heads/main"}, `{}`, true, actions.Origin{}},
		"direct push": {map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"}, `{"repository":{"pushed_at":1}}`, false, actions.Origin{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.AddReview(number, githubtest.Review{Author: "cleo", State: "APPROVED", Commit: newer})
			s.AddReview(number, githubtest.Review{Author: "ben", State: "APPROVED", Commit: head})
			if tt.merged {
				s.EditPull(number, func(p *githubtest.Pull) { p.MergedBy = "github-merge-queue[bot]" })
				s.Merge(number, merge)
			}
			var origin actions.Origin
			err := onEvent(t, s, githubtest.Token, tt.payload, tt.env).AddReview(t.Context(), &origin)
			if none := tt.want.PullRequest == 0; none != errors.Is(err, actions.ErrNoPullRequest) || !none && err != nil {
				t.Errorf("error = %v", err)
			}
			if diff := cmp.Diff(tt.want, origin); diff != "" {
				t.Errorf("(-want +got) %s", diff)
			}
			if len(s.Writes()) > 0 || name == "schedule" && len(s.Requests()) > 0 {
				t.Errorf("requests: %v", s.Requests())
			}
		})
	}
}

// What cannot be read is not made up.
func TestReviewThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path string
		want actions.Origin
	}{
		"which pull request": {"/commits/", actions.Origin{}},
		"pull request":       {"/pulls/7", actions.Origin{PullRequest: number}},
		"reviews":            {"/reviews", actions.Origin{PullRequest: number, MergedBy: "grace"}},
		"second page":        {"page=2", actions.Origin{PullRequest: number, MergedBy: "grace"}},
	} {
		for _, status := range []int{0, 403, 404, 500} {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.EditPull(number, func(p *githubtest.Pull) { p.MergedBy = "grace" })
				s.Merge(number, merge)
				for range 101 {
					s.AddReview(number, githubtest.Review{Author: "ben", State: "APPROVED", Commit: head, At: s.Now().Add(-time.Hour)})
				}
				s.Fail(githubtest.Failure{Path: tt.path, Status: status, Times: 100, Body: `{"message":"no"}`})
				var origin actions.Origin
				err := onPush(t, s).AddReview(t.Context(), &origin)
				if diff := cmp.Diff(tt.want, origin); err == nil || errors.Is(err, actions.ErrNoPullRequest) || diff != "" {
					t.Errorf("%s, %d: error %v (-want +got) %s", name, status, err, diff)
				}
			})
		}
	}
}
