package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (s *Server) addComment(number int, author, body string) Comment {
	s.lastID++
	now := s.tick()
	comment := Comment{ID: s.lastID, Number: number, Author: author, Body: body, Created: now, Updated: now}
	s.comments = append(s.comments, comment)
	return comment
}

func (s *Server) editComment(id int64, editor, body string) (Comment, bool) {
	i := slices.IndexFunc(s.comments, func(c Comment) bool { return c.ID == id })
	if i < 0 {
		return Comment{}, false
	}
	c := &s.comments[i]
	c.Body, c.Editor, c.Updated = body, editor, s.tick()
	return *c, true
}

func (s *Server) commentsOn(number int) []Comment {
	return slices.DeleteFunc(slices.Clone(s.comments), func(c Comment) bool { return c.Number != number })
}

func (s *Server) listComments(r *http.Request, _ account) (int, any) {
	return paged(r, s.commentsOn(number(r.PathValue("number"), 0)), s.showComment)
}

func (s *Server) createComment(r *http.Request, who account) (int, any) {
	fields, refused := text(r)
	if refused != nil {
		return http.StatusUnprocessableEntity, refused
	}
	return http.StatusCreated, s.showComment(s.addComment(number(r.PathValue("number"), 0), who.login, fields["body"]))
}

// getComments serves issues/{number}/comments and issues/comments/{id}, which are one
// pattern to a ServeMux.
func (s *Server) getComments(r *http.Request, who account) (int, any) {
	if r.PathValue("id") == "comments" {
		return s.listComments(r, who)
	}
	for _, comment := range s.comments {
		if r.PathValue("number") == "comments" && strconv.FormatInt(comment.ID, 10) == r.PathValue("id") {
			return http.StatusOK, s.showComment(comment)
		}
	}
	return http.StatusNotFound, refusal("Not Found")
}

func (s *Server) patchComment(r *http.Request, who account) (int, any) {
	fields, refused := text(r)
	if refused != nil {
		return http.StatusUnprocessableEntity, refused
	}
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	comment, found := s.editComment(id, who.login, fields["body"])
	if !found {
		return http.StatusNotFound, refusal("Not Found")
	}
	return http.StatusOK, s.showComment(comment)
}

func (s *Server) showComment(c Comment) any {
	return map[string]any{
		"id": c.ID, "node_id": nodeID(c), "body": s.shown(c.Body), "user": user(c.Author),
		"created_at": c.Created.Format(time.RFC3339), "updated_at": c.Updated.Format(time.RFC3339),
		"html_url": fmt.Sprintf("https://github.com/%s/pull/%d#issuecomment-%d", s.repository, c.Number, c.ID),
	}
}

func (s *Server) shown(text string) string {
	if s.CRLF {
		return strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text
}

func (s *Server) addIssue(issue Issue) Issue {
	if issue.Number == 0 {
		issue.Number = len(s.issues) + 1
	}
	if issue.State == "" {
		issue.State = "open"
	}
	s.issues = append(s.issues, issue)
	return issue
}

func (s *Server) listIssues(r *http.Request, _ account) (int, any) {
	if s.NoIssues {
		return http.StatusGone, refusal("Issues are disabled for this repo")
	}
	query := r.URL.Query()
	issues := slices.DeleteFunc(slices.Clone(s.issues), func(i Issue) bool {
		return query.Has("creator") && i.Author != query.Get("creator") || query.Get("state") != "all" && i.State != "open"
	})
	slices.Reverse(issues) // the newest comes first
	return paged(r, issues, s.showIssue)
}

func (s *Server) createIssue(r *http.Request, who account) (int, any) {
	fields, refused := text(r)
	switch {
	case s.NoIssues:
		return http.StatusGone, refusal("Issues has been disabled in this repository.")
	case refused != nil:
		return http.StatusUnprocessableEntity, refused
	case fields["title"] == "" || len(fields["title"]) > 256:
		return http.StatusUnprocessableEntity, refusal("Validation Failed", "title is missing or too long")
	}
	return http.StatusCreated, s.showIssue(s.addIssue(Issue{Author: who.login, Title: fields["title"], Body: fields["body"]}))
}

func (s *Server) patchIssue(r *http.Request, _ account) (int, any) {
	fields, refused := text(r)
	if refused != nil {
		return http.StatusUnprocessableEntity, refused
	}
	i := slices.IndexFunc(s.issues, func(i Issue) bool { return strconv.Itoa(i.Number) == r.PathValue("number") })
	if i < 0 {
		return http.StatusNotFound, refusal("Not Found")
	}
	for field, place := range map[string]*string{
		"title": &s.issues[i].Title, "body": &s.issues[i].Body, "state": &s.issues[i].State, "state_reason": &s.issues[i].Reason,
	} {
		if value, given := fields[field]; given {
			*place = value
		}
	}
	return http.StatusOK, s.showIssue(s.issues[i])
}

func (s *Server) showIssue(i Issue) any {
	shown := map[string]any{
		"number": i.Number, "title": i.Title, "body": s.shown(i.Body), "user": user(i.Author), "state": i.State,
		"html_url": fmt.Sprintf("https://github.com/%s/issues/%d", s.repository, i.Number),
	}
	if i.PullRequest {
		shown["pull_request"] = map[string]string{"url": "https://api.github.com/pulls"}
	}
	return shown
}
