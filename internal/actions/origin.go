package actions

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/google/go-github/v88/github"
)

// Origin is where a run comes from. A field that is unknown, or malformed, has its
// zero value.
type Origin struct {
	Repository  string // owner/name
	SHA         string // commit of the run
	Ref         string // "refs/heads/main"
	Event       string // "push"
	RunID       string
	RunAttempt  string
	Actor       string // login of who started it
	PullRequest int    // number
	MergedBy    string // login
	ApprovedBy  []string
}

// The forms of an Origin's fields, besides those of an Event.
var (
	accountForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\[bot\])?$`)
	eventForm   = regexp.MustCompile(`^[a-z_]{1,100}$`)
	// The names that git allows (https://git-scm.com/docs/git-check-ref-format),
	// printable.
	refForm = regexp.MustCompile(`^refs/[^\pC\pZ~^:?*\[\\]+$`)
)

// maxRef limits a ref, in characters. As part of refForm it would take 10 MB and
// half of the start-up time.
const maxRef = 255

// Origin returns what the runner says about the origin of this run; nil outside
// Actions.
func (e *Edge) Origin() *Origin {
	if !e.Active() {
		return nil
	}
	event := e.Event()
	ref := firstMatch(refForm, event.Ref)
	if utf8.RuneCountInString(ref) > maxRef {
		ref = ""
	}
	return &Origin{
		Repository: event.repository(), SHA: event.SHA, Ref: ref, Event: firstMatch(eventForm, event.Name),
		RunID: firstMatch(numberForm, e.getenv("GITHUB_RUN_ID")), RunAttempt: firstMatch(numberForm, e.getenv("GITHUB_RUN_ATTEMPT")),
		Actor: firstMatch(accountForm, e.getenv("GITHUB_ACTOR")), PullRequest: event.PullRequest,
	}
}

// AddReview adds to an origin what only GitHub knows: the pull request that was
// merged, who merged it and who approved it. Its error wraps ErrNoPullRequest if the
// run has none.
func (g *GitHub) AddReview(ctx context.Context, origin *Origin) error {
	number, err := g.reviewedIn(ctx)
	if err != nil {
		return err
	}
	origin.PullRequest = number
	pr, err := g.now(ctx, number)
	if err != nil {
		return err
	}
	origin.MergedBy = pr.MergedBy
	origin.ApprovedBy, err = g.approvers(ctx, pr)
	return err
}

// reviewedIn returns the number of the pull request in which the run's commit was
// reviewed.
func (g *GitHub) reviewedIn(ctx context.Context) (int, error) {
	if number := cmp.Or(g.event.PullRequest, g.pushed.Number, g.number, g.event.queued()); number != 0 {
		return number, nil
	}
	pr, err := g.PullRequest(ctx)
	return pr.Number, err
}

// maxApprovers limits how many approvers of a pull request are named.
const maxApprovers = 100

// approvers returns who approved the pull request, in the order of their reviews:
// everybody whose latest verdict, before the merge, approves the commit of the
// run or the merge. The list is not nil, and ends after maxApprovers.
func (g *GitHub) approvers(ctx context.Context, pr PullRequest) ([]string, error) {
	head := cmp.Or(g.event.HeadSHA, pr.Head)
	c := call{
		doing:      fmt.Sprintf("read the reviews of pull request %d of %s", pr.Number, g.event.repository()),
		permission: "`permissions: pull-requests: read`",
	}
	// A comment is not a verdict, and a pending review is not one yet. A
	// dismissed review is listed as DISMISSED instead of its verdict.
	isVerdict := func(review *github.PullRequestReview) bool {
		switch review.GetState() {
		case "APPROVED", "CHANGES_REQUESTED", "DISMISSED":
			at := review.GetSubmittedAt().Time
			return pr.MergedAt.IsZero() || !at.After(pr.MergedAt)
		}
		return false
	}
	// In chronological order
	// (https://docs.github.com/rest/pulls/reviews#list-reviews-for-a-pull-request).
	verdicts, err := list(ctx, g, c, isVerdict, func(ctx context.Context, page github.ListOptions, _ string) ([]*github.PullRequestReview, *github.Response, error) {
		return g.client.PullRequests.ListReviews(ctx, g.event.Owner, g.event.Repo, pr.Number, &page)
	})
	if err != nil {
		return nil, err
	}
	latest := map[string]*github.PullRequestReview{}
	for _, review := range verdicts {
		latest[review.GetUser().GetLogin()] = review
	}
	approvers := []string{}
	for _, review := range verdicts {
		login := firstMatch(accountForm, review.GetUser().GetLogin())
		commit := review.GetCommitID() // empty if that commit is gone, so that it is another
		if len(approvers) < maxApprovers && login != "" && latest[login] == review && review.GetState() == "APPROVED" && commit != "" && commit == head {
			approvers = append(approvers, login)
		}
	}
	return approvers, nil
}
