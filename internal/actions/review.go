package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ErrNotReviewed is wrapped where it is certain that there is no reviewed plan
// for what was pushed. Other errors tell that it could not be found out.
var ErrNotReviewed = errors.New("no reviewed plan")

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// remedy is what mends a refusal. The merge is done, so its dry run is past.
const remedy = "review today's plan and give its digest as expect-plan, and next time run the dry run on the pull request again before merging"

// Reviewed is the digest of the plan that reviewers saw on the pull request
// whose merge was pushed: the one in our comment, made of the newest commit,
// and not touched since the merge or by anybody else.
func (g *GitHub) Reviewed(ctx context.Context, tenant string) (digest string, err error) {
	if g.event.Name != "push" {
		return "", fmt.Errorf("%w: the plan of a pull request is found on a push only, and the event is %.40q; leave expect-plan empty or give a digest", ErrNotReviewed, g.event.Name)
	}
	pr, err := g.PullRequest(ctx)
	if errors.Is(err, ErrNoPullRequest) {
		return "", fmt.Errorf("%w: %w; change the CSV by a pull request", ErrNotReviewed, err)
	}
	if err != nil {
		return "", err
	}
	ours, err := g.ourComments(ctx, pr.Number, tenant)
	if err != nil {
		return "", err
	}
	if err := g.checkReview(ctx, tenant, pr, ours); err != nil {
		return "", err
	}
	return ours[0].mark.Plan, nil
}

// checkReview checks that our comments on a merged pull request are one whose
// plan was reviewed.
func (g *GitHub) checkReview(ctx context.Context, tenant string, pr PullRequest, ours []comment) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w on pull request %d of %s: "+format, append([]any{ErrNotReviewed, pr.Number, g.event.repository()}, args...)...)
	}
	switch {
	case len(ours) == 0:
		return refuse("it has no comment with a plan for tenant %q; set comment to true; "+remedy, tenant)
	case len(ours) > 1:
		return refuse("it has %d comments for tenant %q; delete them; "+remedy, len(ours), tenant)
	}
	if err := g.checkMark(ours[0], pr, refuse); err != nil {
		return err
	}
	editor, err := g.foreignEditor(ctx, ours[0])
	if err == nil && editor != "" {
		err = refuse("its comment was edited by %q; delete it; "+remedy, g.shown(editor))
	}
	return err
}

// checkMark checks what the comment tells of itself.
func (g *GitHub) checkMark(c comment, pr PullRequest, refuse func(string, ...any) error) error {
	mark, changed := c.mark, c.GetUpdatedAt()
	switch {
	case mark.Plan == "":
		return refuse("its last dry run came to no plan; " + remedy)
	case !digestForm.MatchString(mark.Plan):
		return refuse("its comment holds no digest; " + remedy)
	case pr.Head == "" || mark.Head != pr.Head:
		return refuse("its plan was made of commit %.40q, but commit %.40q was merged; "+remedy, mark.Head, pr.Head)
	case changed.IsZero() || pr.MergedAt.IsZero():
		return refuse("GitHub does not tell when it was merged and its comment changed")
	case changed.After(pr.MergedAt) && !mark.Approved:
		return refuse("its comment was changed after the merge; " + remedy)
	}
	return nil
}

const editorQuery = `query($id:ID!){node(id:$id){__typename ... on IssueComment{editor{__typename login}}}}`

// foreignEditor is who last edited our comment, if it was not us. Where this
// server has no GraphQL it is not known, and nobody.
func (g *GitHub) foreignEditor(ctx context.Context, c comment) (string, error) {
	author, err := g.author(ctx)
	if err != nil {
		return "", err
	}
	type actor struct {
		Typename string `json:"__typename"`
		Login    string
	}
	var data struct {
		Node struct {
			Typename string `json:"__typename"`
			Editor   *actor
		}
	}
	asked := call{doing: fmt.Sprintf("read who edited comment %d of %s", c.GetID(), g.event.repository())}
	notThere, err := g.query(ctx, asked, editorQuery, map[string]string{"id": c.GetNodeID()}, &data)
	switch {
	case err != nil || notThere:
		return "", err
	case data.Node.Typename != "IssueComment":
		return "", fmt.Errorf("could not %s: GitHub does not know it", asked.doing)
	case data.Node.Editor == nil:
		return "", nil
	}
	login := data.Node.Editor.Login
	// GraphQL leaves out what REST, and viewer, put behind the name of a bot.
	if data.Node.Editor.Typename == "Bot" && !strings.HasSuffix(login, "[bot]") {
		login += "[bot]"
	}
	if login == author {
		return "", nil
	}
	return cmp.Or(login, "somebody"), nil
}
