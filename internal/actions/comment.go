package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/go-github/v88/github"
)

// MaxBody is the longest text of a comment or an issue, in characters, that
// goes with the mark over it into the 65,536 that GitHub takes.
const MaxBody = 64_000

// Note is what a run says about a tenant on the pull request.
type Note struct {
	Tenant string
	DryRun bool
	Plan   string // digest of the plan that Body shows; empty: none
	Body   string // Markdown, at most MaxBody characters
}

// ErrKept is wrapped where a comment was left as it is, since it is not this
// run's to change: that is no failure.
var ErrKept = errors.New("the comment was left as it is")

// Comment keeps one comment about the tenant on the pull request of this run,
// and returns its page; empty where that is not known. It has the mark that
// Reviewed looks for: the plan is that of a dry run on the pull request,
// whatever later runs say in the comment.
func (g *GitHub) Comment(ctx context.Context, note Note) (page string, err error) {
	pr, err := g.PullRequest(ctx)
	if err != nil {
		return "", err
	}
	if err := g.mayComment(ctx, pr); err != nil {
		return "", err
	}
	ours, err := g.ourComments(ctx, pr.Number, note.Tenant)
	if err != nil {
		return "", err
	}
	mark, err := g.mark(ctx, note, pr, ours)
	if err != nil {
		return "", err
	}
	body := mark.over(note.Body)
	if len(ours) == 0 {
		return g.writeComment(ctx, pr.Number, 0, body)
	}
	if sameText(ours[0].GetBody(), body) {
		return plainURL(ours[0].GetHTMLURL()), nil
	}
	return g.writeComment(ctx, pr.Number, ours[0].GetID(), body)
}

// mayComment holds back runs of a pull request whose time has passed: what
// reviewers saw must not be lost, nor what a newer run says.
func (g *GitHub) mayComment(ctx context.Context, pr PullRequest) error {
	if !g.event.ofPullRequest() {
		return nil
	}
	now, err := g.now(ctx, pr.Number)
	var refused *APIError
	switch {
	case errors.As(err, &refused) && (refused.Status == http.StatusForbidden || refused.Status == http.StatusNotFound):
		return nil // a token may write comments and read no pull requests; Reviewed checks again
	case err != nil:
		return err
	case !now.MergedAt.IsZero():
		return fmt.Errorf("%w: pull request %d is merged already", ErrKept, pr.Number)
	case pr.Head != "" && now.Head != pr.Head:
		return fmt.Errorf("%w: pull request %d has newer commits than this run", ErrKept, pr.Number)
	}
	return nil
}

// mark is what the comment gets in place of ours, the first of which it
// replaces. Only a dry run on the pull request shows a plan for review; any
// other run hands on the plan that there is.
func (g *GitHub) mark(ctx context.Context, note Note, pr PullRequest, ours []comment) (Mark, error) {
	mark := Mark{Tenant: note.Tenant, Kind: KindComment}
	if note.DryRun && g.event.Name == "pull_request" {
		if digestForm.MatchString(note.Plan) && pr.Head != "" {
			mark.Plan, mark.Head = note.Plan, pr.Head
		}
		return mark, nil
	}
	if len(ours) == 0 || ours[0].mark.Plan == "" || note.DryRun && g.event.ofPullRequest() {
		return mark, nil // what the last of these shows is not the plan of the head
	}
	if g.event.ofPullRequest() {
		// Handing on what somebody else wrote would make it ours.
		editor, err := g.foreignEditor(ctx, ours[0])
		if err != nil || editor != "" {
			return mark, err
		}
	} else {
		// Once it is edited, only its mark tells that it was good until then.
		err := g.checkReview(ctx, note.Tenant, pr, ours)
		if err != nil && !errors.Is(err, ErrNotReviewed) {
			return mark, fmt.Errorf("the comment was left as it is: it is the record of the review, which could not be checked: %w", err)
		}
		mark.Approved = err == nil
	}
	mark.Plan, mark.Head = ours[0].mark.Plan, ours[0].mark.Head
	return mark, nil
}

// comment is a comment of ours.
type comment struct {
	*github.IssueComment
	mark Mark
}

// ourComments are our comments on a pull request about a tenant, the oldest
// first.
func (g *GitHub) ourComments(ctx context.Context, number int, tenant string) ([]comment, error) {
	author, err := g.author(ctx)
	if err != nil {
		return nil, err
	}
	c := call{
		doing:      fmt.Sprintf("read the comments on pull request %d of %s", number, g.event.repository()),
		permission: "`permissions: pull-requests: read` (to keep a comment, write)",
	}
	all, err := list(ctx, g, c, func(ctx context.Context, page github.ListOptions, _ string) ([]*github.IssueComment, *github.Response, error) {
		return g.client.Issues.ListComments(ctx, g.event.Owner, g.event.Repo, number, &github.IssueListCommentsOptions{ListOptions: page})
	})
	if err != nil {
		return nil, err
	}
	var ours []comment
	for _, one := range all {
		mark, marked := ParseMark(one.GetBody())
		if marked && mark.Kind == KindComment && mark.Tenant == tenant && one.GetUser().GetLogin() == author {
			ours = append(ours, comment{one, mark})
		}
	}
	slices.SortFunc(ours, func(a, b comment) int { return cmp.Compare(a.GetID(), b.GetID()) })
	return ours, nil
}

// writeComment edits a comment, or creates one where id is 0.
func (g *GitHub) writeComment(ctx context.Context, number int, id int64, body string) (page string, err error) {
	permission := "`permissions: pull-requests: write`"
	if g.event.Fork && g.event.Name == "pull_request" {
		permission = "a token that may write, which GitHub gives no pull request from a fork (docs/recipes/forks.yml is a way)"
	}
	c := call{
		doing:      fmt.Sprintf("write comments on pull request %d of %s", number, g.event.repository()),
		permission: permission + ", or set comment to false",
		once:       id == 0,
	}
	err = g.do(ctx, c, func(ctx context.Context) (err error) {
		written := &github.IssueComment{Body: &body}
		if id == 0 {
			written, _, err = g.client.Issues.CreateComment(ctx, g.event.Owner, g.event.Repo, number, written)
		} else {
			written, _, err = g.client.Issues.EditComment(ctx, g.event.Owner, g.event.Repo, id, written)
		}
		page = plainURL(written.GetHTMLURL())
		return err
	})
	return page, err
}
