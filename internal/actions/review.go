package actions

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/google/go-github/v88/github"

	"xc-group-sync/internal/retry"
)

// ErrNotReviewed is wrapped if it is certain that there is no approved plan.
// Other errors mean that this could not be determined.
var ErrNotReviewed = errors.New("no reviewed plan")

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

const (
	byDigest = "review today's plan and re-run with its digest as expect-plan"
	again    = byDigest + "; next time, re-run the dry run on the pull request before it is merged"
)

// notReviewed returns a refusal with a hint.
func notReviewed(hint, format string, args ...any) error {
	return retry.WithHint(fmt.Errorf("%w: "+format, append([]any{ErrNotReviewed}, args...)...), hint)
}

// approved is a pull request that somebody approved.
type approved struct {
	PullRequest
	at time.Time // when it was merged or approved; zero if it has not been yet
}

// Reviewed returns the digest of the plan that was approved: by merging the pull
// request whose merge was pushed, or by the comment "/xc apply" on an open one.
// It is the digest in our comment, made for the newest commit and not edited
// since by anybody else.
func (g *GitHub) Reviewed(ctx context.Context, target Target) (digest string, err error) {
	var a approved
	switch g.event.Name {
	case "push":
		pr, err := g.merged(ctx)
		if errors.Is(err, ErrNoPullRequest) {
			return "", notReviewed("change the CSV by a pull request, or "+byDigest, "%w", err)
		}
		if err != nil {
			return "", err
		}
		a = approved{pr, pr.MergedAt}
	case "issue_comment":
		if a, err = g.commanded(ctx); err != nil {
			return "", err
		}
	default:
		return "", notReviewed("leave expect-plan empty, or give a digest", "the event %.40q approves nothing; only a push or a comment does", g.event.Name)
	}
	digest, err = g.offered(ctx, target, a)
	if named := g.event.Command.digest(); err == nil && named != "" && named != digest {
		return "", notReviewed("comment again with the digest that is shown", "the comment approves %s, but the pull request shows %s", named, digest)
	}
	g.commandApproves = err == nil && g.event.Command.isApply()
	return digest, err
}

// Queued returns the digest that reviewers saw on the pull request at the head
// of the merge queue, for a dry run of a merge_group event that decides whether
// the group may be merged.
func (g *GitHub) Queued(ctx context.Context, target Target) (digest string, err error) {
	number := g.event.queued()
	if number == 0 {
		return "", notReviewed("give a digest", "the event %.40q is not of a merge queue", g.event.Name)
	}
	pr, err := g.now(ctx, number)
	if err != nil {
		return "", err
	}
	return g.offered(ctx, target, approved{PullRequest: pr})
}

func (g *GitHub) offered(ctx context.Context, target Target, a approved) (digest string, err error) {
	ours, err := g.ourComments(ctx, a.Number, target)
	if err != nil {
		return "", err
	}
	if err := g.checkReview(ctx, target, a, ours); err != nil {
		return "", err
	}
	mark := ours[0].record.mark
	if mark.Masked && !g.acceptMasked { // not in checkReview: the plan stays on offer to a run that accepts it
		return "", notReviewed(byDigest+"; next time, set approve-masked for the run that applies, too, or mask-emails: false",
			"pull request %d of %s: its comment masks emails, so it does not show who is meant", a.Number, g.event.repository())
	}
	return mark.Plan, nil
}

// digest returns the digest that the command names; "" if it names none or is not
// a command.
func (c Command) digest() string {
	if words := strings.Fields(c.Text); c.isApply() && len(words) == 3 {
		return words[2]
	}
	return ""
}

// isApply reports whether this is "/xc apply", with or without a digest.
func (c Command) isApply() bool {
	words := strings.Fields(c.Text)
	return (len(words) == 2 || len(words) == 3 && digestForm.MatchString(words[2])) && words[0] == "/xc" && words[1] == "apply"
}

// commanded returns the pull request that the comment "/xc apply" of this event
// approves: an open one of this repository, by somebody else who may write to it.
func (g *GitHub) commanded(ctx context.Context) (approved, error) {
	command := g.event.Command
	if !command.isApply() {
		return approved{}, notReviewed("comment /xc apply on the pull request", "the comment is not a new /xc apply")
	}
	pr, err := g.now(ctx, g.event.PullRequest)
	if err != nil {
		return approved{}, err
	}
	if pr.Author == "" {
		return approved{}, retry.WithHint(fmt.Errorf("could not read who opened pull request %d", pr.Number), oddHint)
	}
	refuse := func(hint, format string, args ...any) (approved, error) {
		return approved{}, notReviewed(hint, "pull request %d of %s "+format, append([]any{pr.Number, g.event.repository()}, args...)...)
	}
	switch {
	case !pr.Open || !pr.MergedAt.IsZero():
		return refuse("comment on an open pull request", "is closed")
	case pr.Fork:
		return refuse("merge it, and "+byDigest, "comes from a fork")
	case g.event.Ref != "refs/heads/"+pr.Base:
		return refuse("", "is for branch %q, not for the default branch", g.shown(pr.Base))
	case strings.EqualFold(pr.Author, command.Author):
		return refuse("let a reviewer comment", "was opened by %s, who cannot approve it", command.Author)
	}
	var level *github.RepositoryPermissionLevel
	c := call{doing: "read the permission of " + command.Author + " for " + g.event.repository()}
	err = g.do(ctx, c, func(ctx context.Context) (err error) {
		level, _, err = g.client.Repositories.GetPermissionLevel(ctx, g.event.Owner, g.event.Repo, command.Author)
		return err
	})
	if err != nil {
		return approved{}, err
	}
	// "maintain" is "write" here
	// (https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user).
	if permission := level.GetPermission(); permission != "admin" && permission != "write" {
		return refuse("let somebody comment who may write to the repository", "cannot be approved by %s, who may not write to the repository", command.Author)
	}
	if err := g.checkUnchanged(ctx, command); err != nil {
		return approved{}, err
	}
	return approved{pr, command.At}, nil
}

// checkUnchanged checks that nobody took a command back: a job may wait for days.
func (g *GitHub) checkUnchanged(ctx context.Context, command Command) error {
	var now *github.IssueComment
	c := call{doing: fmt.Sprintf("read comment %d of %s", command.ID, g.event.repository())}
	err := g.do(ctx, c, func(ctx context.Context) (err error) {
		now, _, err = g.client.Issues.GetComment(ctx, g.event.Owner, g.event.Repo, command.ID)
		return err
	})
	var refused *APIError
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound:
		return notReviewed("comment again", "the comment was deleted")
	case err == nil && plainText(now.GetBody()) != plainText(command.Text):
		return notReviewed("comment again", "the comment was edited")
	}
	return err
}

// checkReview checks that there is exactly one comment of ours on a pull request,
// and that it shows an approved plan.
func (g *GitHub) checkReview(ctx context.Context, target Target, a approved, ours []comment) error {
	refuse := func(hint, format string, args ...any) error {
		return notReviewed(hint, "pull request %d of %s: "+format, append([]any{a.Number, g.event.repository()}, args...)...)
	}
	next := again
	if a.MergedAt.IsZero() {
		next = "re-run the dry run on the pull request, and approve what it shows"
	}
	switch {
	case len(ours) == 0:
		return refuse("set comment: true; "+next, "no comment with a plan for tenant %q at %q", target.Tenant, target.API)
	case len(ours) > 1:
		return refuse("delete them; "+next, "%d comments about tenant %q", len(ours), target.Tenant)
	}
	mark, changed := ours[0].record.mark, ours[0].GetUpdatedAt().Time
	switch {
	case mark.Approval == Nothing:
		return refuse(next, "its comment approves nothing: the dry run made no plan, was refused, or could not show all of it")
	case mark.Approval == Used && a.MergedAt.IsZero():
		return refuse(next, "its plan was applied before, at least in part")
	case mark.Approval == Used:
		return refuse(byDigest+", or open a new pull request", "its plan was applied before, at least in part")
	case g.me.login == "" && ours[0].GetUser().GetLogin() != jobLogin:
		return refuse("use the job's own token: github-token: ${{ github.token }}; "+next, "this server does not say whether its comment is ours")
	case !digestForm.MatchString(mark.Plan):
		return refuse(next, "its comment has no digest")
	case a.Head == "" || mark.Head != a.Head:
		return refuse(next, "the plan was made for commit %q, but the head is %q", g.shown(mark.Head), g.shown(a.Head))
	case changed.IsZero():
		return refuse(next, "GitHub does not say when its comment changed")
	case !a.at.IsZero() && !changed.Before(a.at) && mark.Approval != Given:
		return refuse(next, "its comment was changed after the approval")
	}
	edit, err := g.lastEdit(ctx, &ours[0])
	switch {
	case err != nil:
		return err
	case edit.by != "":
		return refuse("delete the comment; "+next, "its comment was edited %s", edit.by)
	case edit.hidden:
		return refuse("unhide the comment; "+next, "its comment is hidden")
	}
	return nil
}

// jobLogin is the login that a job's token has.
const jobLogin = "github-actions[bot]"

// edit is the last edit of a comment of ours.
type edit struct {
	by       string // who made it, as in `by "mallory"`; empty if it was we, or nobody
	byOthers bool   // it is certain that it was somebody else
	hidden   bool   // the comment is hidden behind a click
}

// told is a value in a response that may be null, but not missing.
type told[T any] struct {
	is    bool
	value *T
}

// UnmarshalJSON reads the value.
func (t *told[T]) UnmarshalJSON(text []byte) error {
	t.is = true
	return json.Unmarshal(text, &t.value)
}

const editorQuery = `query($id:ID!){node(id:$id){__typename ... on IssueComment{body isMinimized lastEditedAt editor{__typename login}}}}`

// lastEdit asks, once, who edited our comment last. The response must be about
// the text that was read, which could be older than the last edit.
func (g *GitHub) lastEdit(ctx context.Context, c *comment) (edit, error) {
	if c.edit != nil {
		return *c.edit, nil
	}
	found, err := g.askLastEdit(ctx, c)
	if err == nil {
		c.edit = &found
	}
	return found, err
}

func (g *GitHub) askLastEdit(ctx context.Context, c *comment) (edit, error) {
	type answer struct {
		Node struct {
			Typename     string `json:"__typename"`
			Body         told[string]
			IsMinimized  told[bool]
			LastEditedAt told[time.Time] // null: never edited
			Editor       told[struct {   // null: never edited, or by a deleted account
				Typename string `json:"__typename"`
				Login    string
			}]
		}
	}
	asked := call{doing: fmt.Sprintf("read who edited comment %d of %s", c.GetID(), g.event.repository())}
	data, none, err := query[answer](ctx, g, asked, editorQuery, map[string]string{"id": c.GetNodeID()})
	node, editor := data.Node, data.Node.Editor.value
	switch {
	case err != nil:
		return edit{}, err
	case none && c.GetUpdatedAt().Equal(c.GetCreatedAt()):
		return edit{}, nil
	case none:
		return edit{by: "by somebody this server does not name"}, nil
	case node.Typename != "IssueComment":
		return edit{}, retry.WithHint(fmt.Errorf("could not %s: GitHub does not know the comment", asked.doing), "re-run the job")
	case node.Body.value == nil || node.IsMinimized.value == nil || !node.LastEditedAt.is || !node.Editor.is:
		return edit{}, retry.WithHint(fmt.Errorf("could not %s: incomplete answer", asked.doing), oddHint)
	case plainText(*node.Body.value) != plainText(c.GetBody()):
		return edit{}, retry.WithHint(fmt.Errorf("could not %s: it was changed meanwhile", asked.doing), "re-run the job")
	}
	found := edit{hidden: *node.IsMinimized.value}
	switch {
	case editor == nil && node.LastEditedAt.value == nil:
		return found, nil
	case editor == nil:
		found.by, found.byOthers = "by a deleted account", true
		return found, nil
	}
	login := editor.Login
	// GraphQL omits what REST, and viewer, append to the name of a bot.
	if editor.Typename == "Bot" && !strings.HasSuffix(login, "[bot]") {
		login += "[bot]"
	}
	if login != g.me.login {
		found.by, found.byOthers = fmt.Sprintf("by %q", cmp.Or(g.shown(login), "somebody")), true
	}
	return found, nil
}
