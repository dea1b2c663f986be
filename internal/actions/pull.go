package actions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-github/v88/github"

	"xc-group-sync/internal/retry"
)

// PullRequest is a pull request that a run is about.
type PullRequest struct {
	Number   int
	Head     string    // commit: the event's, if it is an event of the pull request, otherwise the newest
	MergedAt time.Time // zero if it is not known to be merged

	// Not set for an event of the pull request.
	Author string // login
	Base   string // branch
	Open   bool
	Fork   bool // it comes from another repository

	MergedBy string // login; not in a listing
}

// ErrNoPullRequest is wrapped if a run is not about a pull request: its event
// names none, or the pushed commit was not merged by one.
var ErrNoPullRequest = errors.New("no pull request")

// PullRequest returns the pull request that this run is about: the one of the
// event, the one that Options name, or the one whose merge was pushed.
func (g *GitHub) PullRequest(ctx context.Context) (PullRequest, error) {
	switch {
	case g.event.ofPullRequest() && g.event.PullRequest != 0:
		return PullRequest{Number: g.event.PullRequest, Head: g.event.HeadSHA}, nil
	case g.event.PullRequest != 0:
		return g.now(ctx, g.event.PullRequest)
	case g.pushed.Number != 0: // its approval is used up there, whatever Options name
		return g.pushed, nil
	case g.number != 0:
		return g.now(ctx, g.number)
	case g.event.Name == "push":
		return g.merged(ctx)
	}
	return PullRequest{}, retry.WithHint(fmt.Errorf("%w: the event %.40q names none", ErrNoPullRequest, g.event.Name), "set pull-request to its number")
}

// mergeLag is how long GitHub may take until it knows the pull request of a
// commit that it has just merged.
const mergeLag = 30 * time.Second

// merged returns the pull request whose merge was pushed. While GitHub may not
// know it yet, it is asked again.
func (g *GitHub) merged(ctx context.Context) (PullRequest, error) {
	if g.pushedDone {
		return g.pushed, g.errPushed
	}
	branch, isBranch := strings.CutPrefix(g.event.Ref, "refs/heads/")
	if !isBranch || g.event.SHA == "" {
		return PullRequest{}, fmt.Errorf("%w: no commit was pushed to a branch", ErrNoPullRequest)
	}
	deadline := time.Now().Add(mergeLag)
	if pushed := g.event.PushedAt; !pushed.IsZero() && pushed.Add(mergeLag).Before(deadline) {
		deadline = pushed.Add(mergeLag)
	}
	for wait := time.Second; ; wait *= 2 {
		found, err := g.mergedAs(ctx, branch)
		left := time.Until(deadline)
		if !errors.Is(err, ErrNoPullRequest) || left <= 0 {
			g.pushed, g.errPushed, g.pushedDone = found, err, err == nil || errors.Is(err, ErrNoPullRequest)
			return found, err
		}
		timer := time.NewTimer(min(wait, left))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return PullRequest{}, retry.WithHint(fmt.Errorf("could not wait for the pull request of commit %s: %w", g.event.SHA, context.Cause(ctx)), outageHint)
		}
	}
}

// mergedAs returns the pull request that was merged into the branch as the
// pushed commit.
func (g *GitHub) mergedAs(ctx context.Context, branch string) (PullRequest, error) {
	c := call{
		doing:      "read which pull request of " + g.event.repository() + " commit " + g.event.SHA + " merged",
		permission: "`permissions: pull-requests: read` (write, to comment)",
	}
	merged := func(pr *github.PullRequest) bool {
		base := pr.GetBase()
		return pr.GetMergeCommitSHA() == g.event.SHA && !pr.GetMergedAt().IsZero() &&
			base.GetRef() == branch && strings.EqualFold(base.GetRepo().GetFullName(), g.event.repository())
	}
	found, err := list(ctx, g, c, merged, func(ctx context.Context, page github.ListOptions, _ string) ([]*github.PullRequest, *github.Response, error) {
		return g.client.PullRequests.ListPullRequestsWithCommit(ctx, g.event.Owner, g.event.Repo, g.event.SHA, &page)
	})
	switch {
	case err != nil:
		return PullRequest{}, err
	case len(found) == 0:
		return PullRequest{}, fmt.Errorf("%w: commit %s was not pushed to %q by merging one", ErrNoPullRequest, g.event.SHA, g.shown(branch))
	case len(found) > 1:
		return PullRequest{}, retry.WithHint(fmt.Errorf("pull requests %d and %d were both merged as commit %s", found[0].GetNumber(), found[1].GetNumber(), g.event.SHA), byDigest)
	}
	return g.pullRequest(found[0]), nil
}

func (g *GitHub) pullRequest(pr *github.PullRequest) PullRequest {
	return PullRequest{
		Number: pr.GetNumber(), Head: pr.GetHead().GetSHA(), MergedAt: pr.GetMergedAt().Time,
		Author: pr.GetUser().GetLogin(), Base: pr.GetBase().GetRef(), Open: pr.GetState() == "open",
		Fork:     !strings.EqualFold(pr.GetHead().GetRepo().GetFullName(), g.event.repository()),
		MergedBy: firstMatch(accountForm, pr.GetMergedBy().GetLogin()),
	}
}

// now returns the current state of a pull request. The event of a re-run is as
// old as the first run.
func (g *GitHub) now(ctx context.Context, number int) (PullRequest, error) {
	var pr *github.PullRequest
	err := g.do(ctx, call{
		doing:      fmt.Sprintf("read pull request %d of %s", number, g.event.repository()),
		permission: "`permissions: pull-requests: read` (write, to comment)",
	}, func(ctx context.Context) (err error) {
		pr, _, err = g.client.PullRequests.Get(ctx, g.event.Owner, g.event.Repo, number)
		return err
	})
	switch {
	case err != nil:
		return PullRequest{}, err
	case pr.GetNumber() != number:
		return PullRequest{}, retry.WithHint(fmt.Errorf("could not read pull request %d: the answer is about another", number), oddHint)
	case pr.GetMerged() && pr.GetMergedAt().IsZero():
		return PullRequest{}, retry.WithHint(fmt.Errorf("could not read when pull request %d was merged", number), oddHint)
	}
	return g.pullRequest(pr), nil
}
