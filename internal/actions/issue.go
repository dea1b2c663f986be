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

// Alarm keeps one open issue about a tenant whose runs fail: it is opened at
// the first failure, its text kept up to date, and closed at the first run that
// works again. A closed one is never opened again. Where failed is false, title
// and body do not count.
func (g *GitHub) Alarm(ctx context.Context, tenant, title, body string, failed bool) error {
	open, err := g.ourIssues(ctx, tenant)
	if err != nil {
		return err
	}
	if !failed {
		for _, issue := range open {
			if err := g.closeIssue(ctx, issue.GetNumber()); err != nil {
				return err
			}
		}
		return nil
	}
	body = Mark{Tenant: tenant, Kind: KindAlarm}.over(body)
	if len(open) == 0 {
		title = cut(strings.Join(strings.Fields(title), " "), maxIssueTitle, utf8.RuneLen)
		return g.writeIssue(ctx, 0, &github.IssueRequest{Title: &title, Body: &body})
	}
	if sameText(open[0].GetBody(), body) {
		return nil
	}
	return g.writeIssue(ctx, open[0].GetNumber(), &github.IssueRequest{Body: &body})
}

// issueCall is a call about issues.
func (g *GitHub) issueCall(doing string) call {
	return call{
		doing:      doing + " of " + g.event.repository(),
		permission: "`permissions: issues: write` and turn issues on in the repository, or set issue-on-failure to false",
	}
}

// ourIssues are our open issues about a tenant, the oldest first.
func (g *GitHub) ourIssues(ctx context.Context, tenant string) ([]*github.Issue, error) {
	author, err := g.author(ctx)
	if err != nil {
		return nil, err
	}
	all, err := list(ctx, g, g.issueCall("read the issues"), func(ctx context.Context, page github.ListOptions, after string) ([]*github.Issue, *github.Response, error) {
		options := &github.IssueListByRepoOptions{State: "open", Creator: author, ListOptions: page}
		options.After = after
		return g.client.Issues.ListByRepo(ctx, g.event.Owner, g.event.Repo, options)
	})
	if err != nil {
		return nil, err
	}
	ours := slices.DeleteFunc(all, func(issue *github.Issue) bool {
		mark, marked := ParseMark(issue.GetBody())
		return issue.IsPullRequest() || issue.GetUser().GetLogin() != author ||
			!marked || mark.Kind != KindAlarm || mark.Tenant != tenant
	})
	slices.SortFunc(ours, func(a, b *github.Issue) int { return cmp.Compare(a.GetNumber(), b.GetNumber()) })
	return ours, nil
}

// writeIssue edits an issue, or opens one where number is 0.
func (g *GitHub) writeIssue(ctx context.Context, number int, issue *github.IssueRequest) error {
	c := g.issueCall("open issues")
	if number != 0 {
		c = g.issueCall(fmt.Sprintf("change issue %d", number))
	}
	c.once = number == 0
	return g.do(ctx, c, func(ctx context.Context) (err error) {
		if number == 0 {
			_, _, err = g.client.Issues.Create(ctx, g.event.Owner, g.event.Repo, issue)
		} else {
			_, _, err = g.client.Issues.Edit(ctx, g.event.Owner, g.event.Repo, number, issue)
		}
		return err
	})
}

// closeIssue says that all is well again, and closes.
func (g *GitHub) closeIssue(ctx context.Context, number int) error {
	text := "It works again."
	if run := g.edge.RunURL(); run != "" {
		text = "It works again: " + run
	}
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
	return g.writeIssue(ctx, number, &github.IssueRequest{State: &closed, StateReason: &reason})
}
