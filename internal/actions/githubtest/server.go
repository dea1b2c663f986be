// Package githubtest is a GitHub for tests: the few endpoints that the program
// uses, as one handler over plain slices. It is strict: whatever else is asked
// for is remembered as unexpected.
package githubtest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Token is a token of the job: that of github-actions[bot], which may write.
const Token = "ghs_tokenOfTheJob"

// Bot is whose the token of a job is.
const Bot = "github-actions[bot]"

// Rights are what a token may do.
type Rights int

// The rights.
const (
	None Rights = iota
	Read
	Write
)

// Comment is one on an issue or a pull request.
type Comment struct {
	ID               int64
	Number           int // of the issue or pull request
	Author, Editor   string
	Body             string
	Created, Updated time.Time
}

// Issue is an issue, or what the listing of issues shows of a pull request.
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
	Head       string // commit
	Base       string // branch; empty: main
	Repository string // of the base; empty: the server's
	Commit     string // of the merge; empty: not merged
	MergedAt   time.Time
}

// Failure is what some requests meet instead of an answer.
type Failure struct {
	Method, Path string // the beginning of the method, a part of path and query
	Times        int    // how many of them
	Status       int    // 0: the connection breaks
	Header       map[string]string
	Body         string
}

// Server is a GitHub with one repository. The zero value is of no use.
type Server struct {
	NoGraphQL bool // as old or closed-off servers are
	NoIssues  bool // they are turned off in the repository
	CRLF      bool // texts come back with other line ends

	repository string
	mux        *http.ServeMux

	mu         sync.Mutex
	now        time.Time // one minute later at each change
	lastID     int64
	accounts   map[string]account
	comments   []Comment
	issues     []Issue
	pulls      []Pull
	failures   []*Failure
	requests   []string
	unexpected []string
}

type account struct {
	login  string
	rights Rights
}

// New makes a GitHub with a repository, "owner/name". Set its fields before it
// is used.
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

// Fail has requests fail. Of several failures the first that fits counts.
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

// Push moves the head of a pull request.
func (s *Server) Push(number int, head string) {
	s.changePull(number, func(p *Pull) { p.Head = head })
}

// Merge merges a pull request as the commit.
func (s *Server) Merge(number int, commit string) {
	s.changePull(number, func(p *Pull) { p.Commit, p.MergedAt = commit, s.tick() })
}

func (s *Server) changePull(number int, change func(*Pull)) {
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

// Comments are those on an issue or pull request, the oldest first.
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

// Issues are all of them, the oldest first.
func (s *Server) Issues() []Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.issues)
}

// Requests are all that were made: method, path and query.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Writes are the requests that were to change something.
func (s *Server) Writes() []string {
	return slices.DeleteFunc(s.Requests(), func(request string) bool {
		return strings.HasPrefix(request, http.MethodGet) || strings.HasSuffix(request, "/graphql")
	})
}

// Unexpected are the requests that are none of the program's business.
func (s *Server) Unexpected() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.unexpected)
}

// Now is the time of the last change.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// tick moves the clock; the caller holds the lock.
func (s *Server) tick() time.Time {
	s.now = s.now.Add(time.Minute)
	return s.now
}

// RoundTrip serves a request in memory, so that a Server is a transport, too,
// for whatever host.
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
