package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/go-github/v88/github"

	"xc-group-sync/internal/retry"
)

// Note is what a run says about a tenant.
type Note struct {
	Target
	DryRun   bool
	Plan     string // digest of the plan that Body shows; empty if none
	Approves bool   // Body shows all of Plan, and no guard refused it
	Masked   bool   // Body does not show who is affected
	Applied  bool   // the run changed something
	Body     string // Markdown, at most MaxPlan characters of a dry run, else MaxRecord; more is cut
}

// ErrKept is wrapped if a comment was left as it is because this run may not
// change it, which is not a failure.
var ErrKept = errors.New("left the comment as it is")

// Comment keeps one comment about the tenant on the pull request of this run, and
// returns its URL; "" if that is unknown. A dry run on an open pull request
// replaces the plan in it, and the comment's mark offers the plan for approval if
// it can be approved. Any other run adds what it did below. If there are several
// such comments, the first is updated and an error says so.
func (g *GitHub) Comment(ctx context.Context, note Note) (page string, err error) {
	var pr PullRequest
	var ours []comment
	this := g.edge.entry(note.DryRun, note.Body)
	err = g.rewrite(ctx, "comment", func(ctx context.Context) (write func() error, err error) {
		if pr, err = g.PullRequest(ctx); err != nil {
			return nil, err
		}
		if err = g.mayComment(ctx, pr); err != nil {
			return nil, err
		}
		if ours, err = g.ourComments(ctx, pr.Number, note.Target); err != nil {
			return nil, err
		}
		text, err := g.commentText(ctx, note, this, pr, ours)
		return func() (err error) { page, err = g.putComment(ctx, pr.Number, ours, text); return err }, err
	})
	if err == nil && len(ours) > 1 {
		err = retry.WithHint(
			fmt.Errorf("pull request %d has %d comments about tenant %q; none of them approves a plan", pr.Number, len(ours), note.Tenant),
			fmt.Sprintf("delete all but %s", cmp.Or(page, "the first")))
	}
	return page, err
}

// mayComment stops an outdated run of a pull request: it must not replace what
// reviewers saw, or what a newer run says.
func (g *GitHub) mayComment(ctx context.Context, pr PullRequest) error {
	if !g.event.ofPullRequest() {
		return nil
	}
	now, err := g.now(ctx, pr.Number)
	switch {
	case isDenied(err):
		return nil // a token may write comments but not read pull requests; Reviewed checks again
	case err != nil:
		return err
	case !now.MergedAt.IsZero():
		return fmt.Errorf("%w: pull request %d is merged already", ErrKept, pr.Number)
	case pr.Head != "" && now.Head != pr.Head:
		return fmt.Errorf("%w: pull request %d has newer commits than this run", ErrKept, pr.Number)
	}
	return nil
}

// edited separates text that somebody else edited from what runs add below.
var edited = entry{heading: "**Edited by somebody else**", body: "_The text above may not be what the runs wrote: see this comment's edit history._"}

// commentText returns the text of the comment after this run.
func (g *GitHub) commentText(ctx context.Context, note Note, this entry, pr PullRequest, ours []comment) (string, error) {
	planned := note.DryRun && pr.MergedAt.IsZero()
	var r record
	if len(ours) > 0 {
		if err := g.disown(ctx, note.Target, &ours[0], planned); err != nil {
			return "", err
		}
		r = ours[0].record
	}
	plan := r.plan
	if planned {
		plan = defused(note.Body)
		r.plan, r.mark = shortened(note.Body, MaxPlan), nothing(note.Target)
		if note.Approves && g.event.Name == "pull_request" && digestForm.MatchString(note.Plan) && pr.Head != "" {
			r.mark.Approval, r.mark.Plan, r.mark.Head, r.mark.Masked = Offered, note.Plan, pr.Head, note.Masked
		}
	} else {
		mark, err := g.handedOn(ctx, note.Target, pr, ours)
		if err != nil {
			return "", err
		}
		if note.Applied && mark.Approval != Nothing {
			mark.Approval = Used
		}
		r.mark = mark
		r.add(this)
	}
	// As long as the plan may be approved it stays, whatever else is left out.
	pending := pr.MergedAt.IsZero() && r.mark.Approval != Used
	fitted := r.fitted(pending)
	if pending && fitted.plan != plan {
		fitted.mark = nothing(note.Target)
	}
	return fitted.String(), nil
}

// disown records in a comment that somebody else edited it last, because our next
// edit would make it look like ours. A new plan keeps only what runs did.
func (g *GitHub) disown(ctx context.Context, target Target, c *comment, planned bool) error {
	if len(c.record.runs) == 0 && (planned || c.record.plan == "") {
		return nil
	}
	edit, err := g.lastEdit(ctx, c)
	if err != nil {
		return fmt.Errorf("left the comment as it is, since it could not be checked: %w", err)
	}
	if edit.byOthers {
		c.record.mark = nothing(target)
		c.record.add(edited)
	}
	return nil
}

func nothing(target Target) Mark {
	return Mark{Target: target, Kind: KindComment, Approval: Nothing}
}

// handedOn returns the mark after a run that shows no plan for review. The edit
// makes the comment ours again, so what it approves is checked before.
func (g *GitHub) handedOn(ctx context.Context, target Target, pr PullRequest, ours []comment) (Mark, error) {
	mark := nothing(target)
	if len(ours) == 0 || ours[0].record.mark.Approval == Nothing {
		return mark, nil
	}
	if ours[0].record.mark.Approval == Used {
		return ours[0].record.mark, nil
	}
	at := pr.MergedAt
	if at.IsZero() && g.event.Command.isApply() {
		if !g.commandApproves { // the run may have failed before it looked for the approval
			_, _ = g.Reviewed(ctx, target)
		}
		if g.commandApproves {
			at = g.event.Command.At
		}
	}
	err := g.checkReview(ctx, target, approved{pr, at}, ours)
	switch {
	case errors.Is(err, ErrNotReviewed):
		return mark, nil
	case err != nil:
		return mark, fmt.Errorf("left the comment as it is, since the approval it records could not be checked: %w", err)
	}
	mark = ours[0].record.mark
	if !at.IsZero() {
		mark.Approval = Given
	}
	return mark, nil
}

// comment is a comment of ours.
type comment struct {
	*github.IssueComment
	record record
	edit   *edit // as found by lastEdit; nil before
}

// ourComments returns our comments about a tenant on a pull request, the oldest
// first.
func (g *GitHub) ourComments(ctx context.Context, number int, target Target) ([]comment, error) {
	me, err := g.identity(ctx)
	if err != nil {
		return nil, err
	}
	c := call{
		doing:      fmt.Sprintf("read the comments on pull request %d of %s", number, g.event.repository()),
		permission: "`permissions: pull-requests: read` (write, to comment)",
	}
	is := func(one *github.IssueComment) bool {
		mark, marked := ParseMark(one.GetBody())
		return marked && mark.Kind == KindComment && mark.Target == target && me.is(one.GetUser())
	}
	found, err := list(ctx, g, c, is, func(ctx context.Context, page github.ListOptions, _ string) ([]*github.IssueComment, *github.Response, error) {
		return g.client.Issues.ListComments(ctx, g.event.Owner, g.event.Repo, number, &github.IssueListCommentsOptions{ListOptions: page})
	})
	if err != nil {
		return nil, err
	}
	ours := make([]comment, len(found))
	for i, one := range found {
		ours[i] = comment{IssueComment: one, record: parseRecord(one.GetBody())}
	}
	slices.SortFunc(ours, func(a, b comment) int { return cmp.Compare(a.GetID(), b.GetID()) })
	return ours, nil
}

// putComment writes the text into the first of our comments, or into a new one if
// there is none or it was deleted meanwhile.
func (g *GitHub) putComment(ctx context.Context, number int, ours []comment, text string) (page string, err error) {
	if len(ours) == 0 {
		return g.writeComment(ctx, number, 0, text)
	}
	if plainText(ours[0].GetBody()) == plainText(text) {
		return plainURL(ours[0].GetHTMLURL()), nil
	}
	page, err = g.writeComment(ctx, number, ours[0].GetID(), text)
	var refused *APIError
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return g.writeComment(ctx, number, 0, text)
	}
	return page, err
}

// writeComment edits a comment, or creates one if id is 0, by one request.
func (g *GitHub) writeComment(ctx context.Context, number int, id int64, body string) (page string, err error) {
	c := call{
		doing:      fmt.Sprintf("comment on pull request %d of %s", number, g.event.repository()),
		permission: "`permissions: pull-requests: write`",
		off:        "comment: false",
		once:       id == 0,
	}
	if g.event.Fork && g.event.Name == "pull_request" {
		c.permission = "a token that may write, which GitHub does not give to pull requests from forks (see docs/recipes/forks.yml)"
	}
	written := &github.IssueComment{Body: &body}
	if id == 0 {
		written, _, err = g.client.Issues.CreateComment(ctx, g.event.Owner, g.event.Repo, number, written)
	} else {
		written, _, err = g.client.Issues.EditComment(ctx, g.event.Owner, g.event.Repo, id, written)
	}
	return plainURL(written.GetHTMLURL()), g.failure(c, err)
}
