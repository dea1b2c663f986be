package actions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-github/v88/github"
)

// PullRequest is what a run is about.
type PullRequest struct {
	Number   int
	Head     string    // commit: of a pull request event, that of the event; else the newest
	MergedAt time.Time // zero: not known to be merged
}

// ErrNoPullRequest is wrapped where a run is about no pull request: its event
// has none, or what was pushed was not merged by one.
var ErrNoPullRequest = errors.New("there is no pull request")

// PullRequest is the pull request that this run is about: that of the event,
// or, of a push, the one whose merge was pushed.
func (g *GitHub) PullRequest(ctx context.Context) (PullRequest, error) {
	switch {
	case g.event.PullRequest != 0:
		return PullRequest{Number: g.event.PullRequest, Head: g.event.HeadSHA}, nil
	case g.event.Name == "push":
		return g.merged(ctx)
	}
	return PullRequest{}, fmt.Errorf("%w: the event is %.40q", ErrNoPullRequest, g.event.Name)
}

// merged is the pull request whose merge this push is.
func (g *GitHub) merged(ctx context.Context) (PullRequest, error) {
	branch, isBranch := strings.CutPrefix(g.event.Ref, "refs/heads/")
	if !isBranch || g.event.SHA == "" {
		return PullRequest{}, fmt.Errorf("%w: no commit was pushed to a branch", ErrNoPullRequest)
	}
	c := call{
		doing:      "read which pull request commit " + g.event.SHA + " of " + g.event.repository() + " was merged by",
		permission: "`permissions: pull-requests: read`",
	}
	pulls, err := list(ctx, g, c, func(ctx context.Context, page github.ListOptions, _ string) ([]*github.PullRequest, *github.Response, error) {
		return g.client.PullRequests.ListPullRequestsWithCommit(ctx, g.event.Owner, g.event.Repo, g.event.SHA, &page)
	})
	if err != nil {
		return PullRequest{}, err
	}
	var found []PullRequest
	for _, pr := range pulls {
		base := pr.GetBase()
		if pr.GetMergeCommitSHA() == g.event.SHA && !pr.GetMergedAt().IsZero() &&
			base.GetRef() == branch && strings.EqualFold(base.GetRepo().GetFullName(), g.event.repository()) {
			found = append(found, PullRequest{Number: pr.GetNumber(), Head: pr.GetHead().GetSHA(), MergedAt: pr.GetMergedAt().Time})
		}
	}
	switch len(found) {
	case 0:
		return PullRequest{}, fmt.Errorf("%w: commit %s was not pushed to %.100q by merging one", ErrNoPullRequest, g.event.SHA, branch)
	case 1:
		return found[0], nil
	}
	return PullRequest{}, fmt.Errorf("pull requests %d and %d were both merged as commit %s", found[0].Number, found[1].Number, g.event.SHA)
}

// now is how the pull request stands at this moment. The event of a run that
// is run again is as old as the run.
func (g *GitHub) now(ctx context.Context, number int) (PullRequest, error) {
	var pr *github.PullRequest
	err := g.do(ctx, call{
		doing:      fmt.Sprintf("read pull request %d of %s", number, g.event.repository()),
		permission: "`permissions: pull-requests: read`",
	}, func(ctx context.Context) (err error) {
		pr, _, err = g.client.PullRequests.Get(ctx, g.event.Owner, g.event.Repo, number)
		return err
	})
	if err != nil {
		return PullRequest{}, err
	}
	now := PullRequest{Number: number, Head: pr.GetHead().GetSHA(), MergedAt: pr.GetMergedAt().Time}
	if pr.GetMerged() && now.MergedAt.IsZero() {
		return PullRequest{}, fmt.Errorf("GitHub does not tell when pull request %d was merged", number)
	}
	return now, nil
}
