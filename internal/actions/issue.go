package actions

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/go-github/v88/github"
)

// maxIssueTitle is GitHub's limit, in characters, and so also safe in bytes.
const maxIssueTitle = 256

// Alarm keeps one open issue about a tenant while its runs fail: it opens the
// issue at the first failure, adds each further one, and closes the issue after
// the first success. It never reopens one. For a success only the target matters.
func (g *GitHub) Alarm(ctx context.Context, title string, note Note, failed bool) error {
	if !failed {
		return g.closeIssues(ctx, note.Target)
	}
	this := g.edge.entry(note.DryRun, note.Body)
	return g.rewrite(ctx, "issue", func(ctx context.Context) (write func() error, err error) {
		open, err := g.ourIssues(ctx, note.Target)
		if err != nil {
			return nil, err
		}
		r := record{mark: Mark{Target: note.Target, Kind: KindAlarm, Approval: Nothing}}
		if len(open) > 0 {
			r = parseRecord(open[0].GetBody())
		}
		r.add(this)
		body := r.fitted(false).String()
		number, issue := 0, &github.IssueRequest{Body: &body}
		if len(open) > 0 {
			number = open[0].GetNumber()
		} else {
			title := cut(strings.Join(strings.Fields(title), " "), maxIssueTitle, utf8.RuneLen)
			issue.Title = &title
		}
		return func() error { return g.writeIssue(ctx, number, issue) }, nil
	})
}

// issueCall returns a call about issues.
func (g *GitHub) issueCall(doing string) call {
	return call{
		doing:      doing + " of " + g.event.repository(),
		permission: "`permissions: issues: write`",
		off:        "issue-on-failure: false",
	}
}

// ourIssues returns our open issues about a tenant, the oldest first.
func (g *GitHub) ourIssues(ctx context.Context, target Target) ([]*github.Issue, error) {
	me, err := g.identity(ctx)
	if err != nil {
		return nil, err
	}
	is := func(issue *github.Issue) bool {
		mark, marked := ParseMark(issue.GetBody())
		return !issue.IsPullRequest() && me.is(issue.GetUser()) && marked && mark.Kind == KindAlarm && mark.Target == target
	}
	ours, err := list(ctx, g, g.issueCall("read the issues"), is, func(ctx context.Context, page github.ListOptions, after string) ([]*github.Issue, *github.Response, error) {
		options := &github.IssueListByRepoOptions{State: "open", Creator: me.login, ListOptions: page}
		options.After = after
		return g.client.Issues.ListByRepo(ctx, g.event.Owner, g.event.Repo, options)
	})
	slices.SortFunc(ours, func(a, b *github.Issue) int { return cmp.Compare(a.GetNumber(), b.GetNumber()) })
	return ours, err
}

// writeIssue edits an issue, or opens one if number is 0, by one request.
func (g *GitHub) writeIssue(ctx context.Context, number int, issue *github.IssueRequest) (err error) {
	if number != 0 {
		_, _, err = g.client.Issues.Edit(ctx, g.event.Owner, g.event.Repo, number, issue)
		return g.failure(g.issueCall(fmt.Sprintf("change issue %d", number)), err)
	}
	c := g.issueCall("open an issue")
	c.once = true
	_, _, err = g.client.Issues.Create(ctx, g.event.Owner, g.event.Repo, issue)
	return g.failure(c, err)
}

// closeIssues closes our open issues about a tenant, each with a comment.
func (g *GitHub) closeIssues(ctx context.Context, target Target) error {
	open, err := g.ourIssues(ctx, target)
	if err != nil {
		return err
	}
	for _, issue := range open {
		if err := g.closeIssue(ctx, issue.GetNumber()); err != nil {
			return err
		}
	}
	return nil
}

func (g *GitHub) closeIssue(ctx context.Context, number int) error {
	text := "Recovered: " + g.edge.runLink() + "."
	c := g.issueCall(fmt.Sprintf("comment on issue %d", number))
	c.once = true
	err := g.do(ctx, c, func(ctx context.Context) error {
		_, _, err := g.client.Issues.CreateComment(ctx, g.event.Owner, g.event.Repo, number, &github.IssueComment{Body: &text})
		return err
	})
	if err != nil {
		return err
	}
	closed, reason := "closed", "completed"
	write := func() error {
		return g.writeIssue(ctx, number, &github.IssueRequest{State: &closed, StateReason: &reason})
	}
	return g.rewrite(ctx, "issue", func(context.Context) (func() error, error) { return write, nil })
}
