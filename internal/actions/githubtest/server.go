// Package githubtest is a fake GitHub for tests: the few endpoints that the
// program uses, as one handler over plain slices. It is strict: it records every
// other request as unexpected.
package githubtest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Token is the token of a job: github-actions[bot]'s, which may write.
const Token = "ghs_tokenOfTheJob"

// Bot is the login that the token of a job has.
const Bot = "github-actions[bot]"

// Rights are what a token may do.
type Rights int

// The rights.
const (
	None Rights = iota
	Read
	Write
)

// Comment is a comment on an issue or a pull request.
type Comment struct {
	ID               int64
	Number           int    // of the issue or pull request
	Author, Editor   string // logins; no Editor if it was never edited, Ghost if that account is deleted
	Body             string
	Hidden           bool // minimized
	Created, Updated time.Time
}

// Ghost is an editor whose account is deleted.
const Ghost = "ghost"

// Issue is an issue, or a pull request in the listing of issues.
type Issue struct {
	Number        int
	Author        string
	Title, Body   string
	State, Reason string // "open", or "closed" and why
	PullRequest   bool
}

// Pull is a pull request.
type Pull struct {
	Number     int
	Author     string // login
	Head       string // commit
	HeadFork   string // repository of the head, if it is another
	Base       string // branch; main if empty
	Repository string // of the base; the server's if empty
	Commit     string // of the merge; not merged if empty
	MergedAt   time.Time
	MergedBy   string // login
	Closed     bool
}

// Review is a review of a pull request.
type Review struct {
	Author string    // login; empty if that account is deleted
	State  string    // "APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED" …
	Commit string    // that it is about
	At     time.Time // when it was submitted; now if zero
}

// Failure is what some requests get instead of a response.
type Failure struct {
	Method, Path string // beginning of the method, part of path and query
	Times        int    // how many of them
	Status       int    // 0 breaks the connection
	Header       map[string]string
	Body         string
}

const always = 1 << 30

// Refusals in GitHub's own words.
var (
	// SecondaryLimit refuses one request
	// (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits).
	SecondaryLimit = Failure{
		Times: 1, Status: 403, Header: map[string]string{"Retry-After": "20"},
		Body: `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",` +
			`"documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`,
	}
	// Locked refuses comments on a locked conversation.
	Locked = Failure{
		Method: http.MethodPost, Path: "/comments", Times: always, Status: 403,
		Body: `{"message":"Unable to create comment because issue is locked.","documentation_url":"https://docs.github.com/articles/locking-conversations/"}`,
	}
	// Archived refuses writes to an archived repository.
	Archived = Failure{Method: "P", Path: "/repos/", Times: always, Status: 403, Body: `{"message":"Repository was archived so is read-only.","documentation_url":"https://docs.github.com/rest"}`}
	// SingleSignOn refuses a token that is not authorized for it.
	SingleSignOn = Failure{
		Path: "/repos/", Times: always, Status: 403, Header: map[string]string{"X-GitHub-SSO": "required; url=https://github.com/orgs/o/sso"},
		Body: `{"message":"Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization."}`,
	}
	// IPAllowList refuses an address that is not on the list.
	IPAllowList = Failure{
		Path: "/repos/", Times: always, Status: 403,
		Body: "{\"message\":\"Although you appear to have the correct authorization credentials, the `o` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.\"}",
	}
	// Moved answers for a repository that was renamed or transferred.
	Moved = Failure{
		Path: "/repos/", Times: always, Status: 301, Header: map[string]string{"Location": "https://api.github.com/repositories/1/issues"},
		Body: `{"message":"Moved Permanently","url":"https://api.github.com/repositories/1/issues"}`,
	}
)

// Server is a GitHub with one repository. The zero value is not usable.
type Server struct {
	NoGraphQL bool              // as on old or closed-off servers
	NoIssues  bool              // issues are disabled in the repository
	CRLF      bool              // texts come back with CRLF line ends
	Lag       int               // requests for the pull requests of a commit until it knows any
	Writers   map[string]string // permission by login: "admin", "write" …

	// Check is called with every request to the REST API, its path without the
	// prefix of a server. Nil is not called.
	Check func(request *http.Request, body []byte)

	repository string
	mux        *http.ServeMux

	mu         sync.Mutex
	now        time.Time // advances by a minute at each change
	lastID     int64
	accounts   map[string]account
	comments   []Comment
	issues     []Issue
	pulls      []Pull
	reviews    map[int][]Review // by pull request
	failures   []*Failure
	requests   []string
	unexpected []string
}

type account struct {
	login  string
	rights Rights
}

// New returns a GitHub with a repository, "owner/name". Set its fields before
// using it.
func New(repository string) *Server {
	s := &Server{
		repository: repository,
		now:        time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC),
		accounts:   map[string]account{Token: {Bot, Write}},
	}
	s.mux = s.routes()
	return s
}

// Grant gives a token to somebody.
func (s *Server) Grant(token, login string, rights Rights) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[token] = account{login, rights}
}

// Fail makes requests fail. The first of several failures that fits counts.
func (s *Server) Fail(f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, &f)
}

// AddPull adds a pull request.
func (s *Server) AddPull(pull Pull) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pull.Base == "" {
		pull.Base = "main"
	}
	if pull.Repository == "" {
		pull.Repository = s.repository
	}
	s.pulls = append(s.pulls, pull)
}

// AddReview adds a review to a pull request.
func (s *Server) AddReview(number int, review Review) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if review.At.IsZero() {
		review.At = s.tick()
	}
	if s.reviews == nil {
		s.reviews = map[int][]Review{}
	}
	s.reviews[number] = append(s.reviews[number], review)
}

// Push moves the head of a pull request.
func (s *Server) Push(number int, head string) {
	s.EditPull(number, func(p *Pull) { p.Head = head })
}

// Merge merges a pull request as the commit.
func (s *Server) Merge(number int, commit string) {
	s.EditPull(number, func(p *Pull) { p.Commit, p.MergedAt = commit, s.tick() })
}

// EditPull changes a pull request. change must not call the server.
func (s *Server) EditPull(number int, change func(*Pull)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.pulls {
		if s.pulls[i].Number == number {
			change(&s.pulls[i])
		}
	}
}

// AddComment adds a comment by anybody, and returns its id.
func (s *Server) AddComment(number int, author, body string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addComment(number, author, body).ID
}

// EditComment edits a comment as anybody.
func (s *Server) EditComment(id int64, editor, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.editComment(id, editor, body)
}

// HideComment minimizes a comment.
func (s *Server) HideComment(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.comments {
		if s.comments[i].ID == id {
			s.comments[i].Hidden = true
		}
	}
}

// DeleteComment deletes a comment.
func (s *Server) DeleteComment(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.comments = slices.DeleteFunc(s.comments, func(c Comment) bool { return c.ID == id })
}

// Comments returns those on an issue or pull request, the oldest first.
func (s *Server) Comments(number int) []Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commentsOn(number)
}

// AddIssue adds an open issue by anybody, and returns its number.
func (s *Server) AddIssue(issue Issue) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addIssue(issue).Number
}

// Issues returns all issues, the oldest first.
func (s *Server) Issues() []Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.issues)
}

// Requests returns all requests: method, path and query.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Writes returns the requests that were to change something.
func (s *Server) Writes() []string {
	return slices.DeleteFunc(s.Requests(), func(request string) bool {
		return strings.HasPrefix(request, http.MethodGet) || strings.HasSuffix(request, "/graphql")
	})
}

// Unexpected returns the requests for anything that the program does not need.
func (s *Server) Unexpected() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.unexpected)
}

// Now returns the time of the last change.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// tick moves the clock. The caller holds the lock.
func (s *Server) tick() time.Time {
	s.now = s.now.Add(time.Minute)
	return s.now
}

// RoundTrip serves a request to any host in memory, so that a Server is also a
// transport.
func (s *Server) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	recorder := httptest.NewRecorder()
	if err := broken(func() { s.ServeHTTP(recorder, request) }); err != nil {
		return nil, err
	}
	response := recorder.Result()
	response.Request = request
	return response, nil
}
