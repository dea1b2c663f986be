package actions_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/actions/githubtest"
	"xc-group-sync/internal/retry"
)

// transport is a function that answers requests.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request, status int, header http.Header, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

var dryRun = actions.Note{Target: target, DryRun: true, Approves: true, Plan: plan, Body: "x"}

func TestGitHubNeedsATokenAndASafeURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		env   map[string]string
		token string
		says  string // empty: it is fine
	}{
		{nil, githubtest.Token, ""},
		{nil, " ", "github-token"},
		{map[string]string{"GITHUB_REPOSITORY": "o"}, githubtest.Token, "GITHUB_REPOSITORY"},
		{map[string]string{"GITHUB_API_URL": "http://api.github.com"}, githubtest.Token, "GITHUB_API_URL"},
		{map[string]string{"GITHUB_API_URL": "https://user:pw@api.github.com"}, githubtest.Token, "GITHUB_API_URL"},
		{map[string]string{"GITHUB_API_URL": "ftp://api.github.com"}, githubtest.Token, "GITHUB_API_URL"},
		{map[string]string{"GITHUB_API_URL": "http://localhost.evil.example"}, githubtest.Token, "GITHUB_API_URL"},
		{map[string]string{"GITHUB_GRAPHQL_URL": "http://api.github.com/graphql"}, githubtest.Token, "GITHUB_GRAPHQL_URL"},
		{map[string]string{"GITHUB_API_URL": "http://localhost:8080/api/v3"}, githubtest.Token, ""},
		{map[string]string{"GITHUB_API_URL": "http://[::1]:8080"}, githubtest.Token, ""},
	}
	for _, tt := range tests {
		env := map[string]string{"GITHUB_REPOSITORY": "o/r"}
		maps.Copy(env, tt.env)
		_, err := actions.New(environment(env), &bytes.Buffer{}).GitHub(actions.Options{Token: tt.token, Hide: strings.ToUpper})
		if tt.says == "" {
			if err != nil {
				t.Errorf("%v: %v", tt.env, err)
			}
			continue
		}
		contains(t, err, tt.says)
		if (strings.TrimSpace(tt.token) == "") != errors.Is(err, actions.ErrNoToken) {
			t.Errorf("%v", err)
		}
	}
}

func TestWhereTheRequestsGo(t *testing.T) {
	t.Parallel()
	tests := []struct{ api, graphql, wantAPI, wantGraphQL string }{
		{"", "", "https://api.github.com/repos/", "https://api.github.com/graphql"},
		{"https://ghe.example/api/v3", "", "https://ghe.example/api/v3/repos/", "https://ghe.example/api/graphql"},
		{"https://ghe.example/api/v3/", "https://ghe.example/api/graphql", "https://ghe.example/api/v3/repos/", "https://ghe.example/api/graphql"},
		{"https://api.acme.ghe.com", "", "https://api.acme.ghe.com/repos/", "https://api.acme.ghe.com/graphql"},
	}
	for _, tt := range tests {
		s := newServer(t)
		var asked []string
		seen := transport(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.String())
			if r.Header.Get("Authorization") != "Bearer "+githubtest.Token {
				t.Errorf("%s: Authorization: %q", r.URL, r.Header.Get("Authorization"))
			}
			return s.RoundTrip(r)
		})
		github := onEvent(t, seen, githubtest.Token, `{"number":7}`, map[string]string{
			"GITHUB_EVENT_NAME": "pull_request", "GITHUB_API_URL": tt.api, "GITHUB_GRAPHQL_URL": tt.graphql,
		})
		comment(t, github, dryRun)
		if len(asked) != 4 || !strings.HasPrefix(asked[0], tt.wantAPI) || asked[1] != tt.wantGraphQL {
			t.Errorf("%+v: %q", tt, asked)
		}
	}
}

// The comment is found again with every kind of token, also on a server that
// does not tell whose token it is.
func TestAuthor(t *testing.T) {
	t.Parallel()
	for _, login := range []string{githubtest.Bot, "sync-app[bot]", "octo-machine"} {
		for _, noGraphQL := range []bool{false, true} {
			s := newServer(t)
			s.NoGraphQL = noGraphQL
			s.Grant("ghs_x", login, githubtest.Write)
			run := func(payload string, env map[string]string) *actions.GitHub {
				env["GITHUB_API_URL"] = onServer["GITHUB_API_URL"]
				return onEvent(t, s, "ghs_x", payload, env)
			}
			for _, body := range []string{"first", "second"} {
				note := dryRun
				note.Body = body
				comment(t, run(`{"number":7,"pull_request":{"head":{"sha":"`+head+`"}}}`, map[string]string{"GITHUB_EVENT_NAME": "pull_request"}), note)
			}
			if c := only(t, s); c.Author != login || !strings.HasSuffix(c.Body, "second") {
				t.Errorf("%s: %+v", login, c)
			}
			s.Merge(number, merge)
			push := map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": merge}
			got, err := run("", push).Reviewed(t.Context(), target)
			if noGraphQL && login == "sync-app[bot]" { // it might be any bot's
				contains(t, err, "this server does not say whether its comment is ours", "use the job's own token")
			} else if noGraphQL { // the second dry run edited it, which this server tells nobody
				contains(t, err, "its comment was edited by somebody this server does not name")
			} else if got != plan || err != nil {
				t.Errorf("%s: %q, %v", login, got, err)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	t.Run("read-only", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.Grant(githubtest.Token, githubtest.Bot, githubtest.Read)
		_, err := onPullRequest(t, s, "pull_request", head).Comment(t.Context(), dryRun)
		contains(t, err, "could not comment on pull request 7 of o/r: the token lacks a permission (HTTP 403: Resource not accessible by integration)",
			"give the job `permissions: pull-requests: write`, or set comment: false")
		var refused *actions.APIError
		if !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
			t.Errorf("%v", err)
		}
	})
	t.Run("unknown token", func(t *testing.T) {
		t.Parallel()
		github := onEvent(t, newServer(t), "ghs_wrong", `{"number":7}`, map[string]string{"GITHUB_EVENT_NAME": "pull_request"})
		_, err := github.Comment(t.Context(), dryRun)
		contains(t, err, "GitHub rejected the token (HTTP 401: Bad credentials)", "check github-token")
	})
	for name, failure := range map[string]githubtest.Failure{
		"echo":    {Status: 422, Body: `{"message":"` + githubtest.Token + strings.Repeat("ü", 500) + `"}`},
		"no JSON": {Status: 400, Body: githubtest.Token + strings.Repeat("\xff", 50_000)},
		"details": {Status: 422, Body: `{"message":"Validation Failed","errors":["` + githubtest.Token + strings.Repeat("x", 5000) + `"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			failure.Times = 1
			s.Fail(failure)
			_, err := onPullRequest(t, s, "pull_request", head).Comment(t.Context(), dryRun)
			contains(t, err, "could not read pull request 7 of o/r: HTTP ")
			if len(err.Error()) > 500 {
				t.Errorf("%d bytes", len(err.Error()))
			}
		})
	}
}

// A 403 is explained by what GitHub says, with a cure for each reason.
func TestRefusalsAreExplained(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		failure githubtest.Failure
		says    string
		hint    string
	}{
		{"locked", githubtest.Locked, "could not comment on pull request 7 of o/r: the conversation is locked (HTTP 403: Unable to create comment because issue is locked.)", "unlock the conversation, or set comment: false"},
		{"archived", githubtest.Archived, "the repository is archived (HTTP 403", "unarchive the repository"},
		{"single sign-on", githubtest.SingleSignOn, "the token is not authorized for the organization's single sign-on (HTTP 403", "authorize the token for single sign-on"},
		{"IP allow list", githubtest.IPAllowList, "the organization's IP allow list does not include the runner (HTTP 403", "add the runner's address"},
		{"moved", githubtest.Moved, "the repository o/r was renamed or transferred (HTTP 301)", "start a new run in the repository under its new name"},
		{"unknown reason", githubtest.Failure{Method: "POST", Path: "/comments", Times: 1, Status: 403, Body: `{"message":"Blocked by a rule"}`}, "could not comment on pull request 7 of o/r: HTTP 403: Blocked by a rule", "compare GitHub's message with the token's permissions"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			for _, method := range []string{"GET", "POST"} { // reads fail alike
				failure := tt.failure
				if !strings.HasPrefix(method, failure.Method) {
					failure.Method = method
				}
				if method == "GET" && (tt.name == "locked" || tt.name == "archived" || tt.name == "unknown reason") {
					continue
				}
				s.Fail(failure)
			}
			_, err := onPullRequest(t, s, "pull_request", head).Comment(t.Context(), dryRun)
			if tt.name == "single sign-on" || tt.name == "IP allow list" {
				_, err = onPush(t, s).Reviewed(t.Context(), target)
			}
			contains(t, err, tt.says, tt.hint)
			if got := retry.HintOf(err); strings.Contains(got, "permissions:") {
				t.Errorf("hint: %s", got)
			}
		})
	}
}

// A refusal because of the rate is waited for by reads and writes, since GitHub
// refused before it did anything. Other failures are repeated only if the request
// may be sent twice.
func TestRetries(t *testing.T) {
	t.Parallel()
	limited := func(method, path, after string, times int) githubtest.Failure {
		failure := githubtest.SecondaryLimit
		failure.Method, failure.Path, failure.Times = method, path, times
		failure.Header = map[string]string{"Retry-After": after}
		if after == "" {
			failure.Header = nil
		}
		return failure
	}
	tests := []struct {
		name    string
		failure githubtest.Failure
		exists  bool // our comment is there already, to be edited
		took    time.Duration
		says    string // empty: it succeeds in the end
	}{
		{"a read", githubtest.Failure{Method: "GET", Path: "comments", Times: 2, Status: 502}, false, 1500 * time.Millisecond, ""},
		{"a read that never succeeds", githubtest.Failure{Method: "GET", Path: "comments", Times: 9, Status: 503, Body: `{"message":"busy"}`}, false, 1500 * time.Millisecond, "could not read the comments on pull request 7 of o/r: HTTP 503: busy (after 3 attempts)"},
		{"a broken connection", githubtest.Failure{Method: "GET", Path: "comments", Times: 1}, false, 500 * time.Millisecond, ""},
		{"an empty answer", githubtest.Failure{Method: "GET", Path: "comments", Times: 1, Status: 200}, false, 500 * time.Millisecond, ""},
		{"a query", githubtest.Failure{Method: "POST", Path: "graphql", Times: 1, Status: 502}, false, 500 * time.Millisecond, ""},
		{"too many requests", githubtest.Failure{Method: "GET", Path: "comments", Times: 1, Status: 429, Header: map[string]string{"Retry-After": "7"}}, false, 7 * time.Second, ""},
		{"rate limited read", limited("GET", "comments", "9", 1), false, 9 * time.Second, ""},
		{"rate limited creation", limited("POST", "comments", "20", 2), false, 40 * time.Second, ""},
		{"rate limited edit", limited("PATCH", "comments", "20", 1), true, 20 * time.Second, ""},
		{"rate limited query", limited("POST", "graphql", "20", 1), false, 20 * time.Second, ""},
		{"rate limited without a time", limited("POST", "comments", "", 1), false, time.Minute, ""},
		{"rate limited by message only", githubtest.Failure{Method: "POST", Path: "comments", Times: 1, Status: 403, Body: `{"message":"You have exceeded a secondary rate limit"}`}, false, time.Minute, ""},
		{"rate limited query with a 200", githubtest.Failure{Method: "POST", Path: "graphql", Times: 1, Status: 200, Body: `{"data":null,"errors":[{"message":"You have exceeded a secondary rate limit."}]}`}, false, time.Minute, ""},
		{"rate limited for ever", limited("POST", "comments", "20", 9), false, 40 * time.Second, "rate limited by GitHub (HTTP 403: You have exceeded a secondary rate limit"},
		{"rate limited for long", limited("GET", "comments", "900", 1), false, 0, "rate limited by GitHub (HTTP 403"},
		{"exhausted", githubtest.Failure{Method: "GET", Path: "comments", Times: 1, Status: 403, Body: `{"message":"API rate limit exceeded"}`, Header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9999999999"}}, false, 0, "the rate limit of the token is exhausted (HTTP 403: API rate limit exceeded)"},
		{"an edit", githubtest.Failure{Method: "PATCH", Times: 1, Status: 500}, true, 500 * time.Millisecond, ""},
		{"a new comment", githubtest.Failure{Method: "POST", Path: "comments", Times: 1, Status: 500, Body: `{"message":"oops"}`}, false, 0, "could not comment on pull request 7 of o/r: HTTP 500: oops"},
		{"a new comment, connection broken", githubtest.Failure{Method: "POST", Path: "comments", Times: 1}, false, 0, "could not comment on pull request 7 of o/r"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				if tt.exists {
					review(t, s, otherPlan)
				}
				s.Fail(tt.failure)
				start := time.Now()
				_, err := onPullRequest(t, s, "pull_request", head).Comment(t.Context(), dryRun)
				if took := time.Since(start); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
				if tt.says != "" {
					contains(t, err, tt.says)
					return
				}
				if err != nil || markOf(t, only(t, s)).Plan != plan {
					t.Errorf("%v: %+v", err, s.Comments(number))
				}
			})
		})
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		silent := transport(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		start := time.Now()
		_, err := onPullRequest(t, silent, "pull_request", head).Comment(t.Context(), dryRun)
		contains(t, err, "could not read pull request 7 of o/r", "no answer within 10s", "after 3 attempts")
		if took := time.Since(start); took != 31500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start = time.Now()
		_, err = onPullRequest(t, silent, "pull_request", head).Comment(ctx, dryRun)
		if took := time.Since(start); !errors.Is(err, context.Canceled) || took != 3*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// Redirects are not followed, wherever they lead.
func TestRedirects(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 307, 308} {
		for _, where := range []string{"https://evil.example/x", "https://api.github.com/x", "//evil.example", ""} {
			var asked []string
			github := onPullRequest(t, transport(func(r *http.Request) (*http.Response, error) {
				asked = append(asked, r.URL.String())
				return answer(r, status, http.Header{"Location": {where}}, "{}")
			}), "pull_request", head)
			_, err := github.Comment(t.Context(), dryRun)
			contains(t, err, "GitHub redirects instead of answering (HTTP ", "check GITHUB_API_URL")
			if diff := cmp.Diff([]string{"https://api.github.com/repos/o/r/pulls/7"}, asked); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	t.Run("size", func(t *testing.T) {
		t.Parallel()
		endless := transport(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(endless{}), Request: r}, nil
		})
		synctest.Test(t, func(t *testing.T) {
			_, err := onPullRequest(t, endless, "pull_request", head).Comment(t.Context(), dryRun)
			contains(t, err, "answer exceeds 10 MiB")
		})
	})
	t.Run("pages", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		requests := 0
		_, err := onPullRequest(t, transport(func(r *http.Request) (*http.Response, error) {
			if !strings.Contains(r.URL.Path, "/comments") {
				return s.RoundTrip(r)
			}
			requests++
			next := fmt.Sprintf(`<https://api.github.com/x?page=%d>; rel="next"`, requests+1)
			return answer(r, 200, http.Header{"Link": {next}}, "[]")
		}), "pull_request", head).Comment(t.Context(), dryRun)
		contains(t, err, "more than 10000 entries")
		if requests != 100 {
			t.Errorf("%d requests", requests)
		}
	})
	for name, tt := range map[string]struct{ body, says string }{
		"entries of a page": {"[" + strings.Repeat(`{"id":1},`, 100) + `{"id":2}]`, "101 entries on a page of 100"},
		"nothings":          {"[" + strings.Repeat("null,", 1<<20) + "null]", "entries on a page of 100"},
		"empty entries":     {"[" + strings.Repeat("{},", 3<<20) + "{}]", "more than 100000 objects"},
		"empty objects":     {`[{"x":[` + strings.Repeat("{},", 3<<20) + "{}]}]", "more than 100000 objects"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			requests := 0
			_, err := onPullRequest(t, transport(func(r *http.Request) (*http.Response, error) {
				if !strings.Contains(r.URL.Path, "/comments") {
					return s.RoundTrip(r)
				}
				requests++
				return answer(r, 200, nil, tt.body)
			}), "pull_request", head).Comment(t.Context(), dryRun)
			contains(t, err, tt.says)
			if requests != 1 {
				t.Errorf("%d requests", requests)
			}
		})
	}
}

// net/http hands over the connection itself as the body of a 101. The server says
// nothing on it and leaves it open.
func TestSwitchingProtocols(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn) // until the client closes it
		_ = conn.Close()
	}))
	defer server.Close()
	github := onEvent(t, http.DefaultTransport, githubtest.Token, `{"pull_request":{"number":7}}`, map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_API_URL": server.URL})
	_, err := github.Comment(t.Context(), dryRun)
	contains(t, err, "HTTP 101")
}

// A page that is too long, of strangers' huge comments, is read in smaller pages
// from where it begins.
func TestHugeComments(t *testing.T) {
	t.Parallel()
	for name, small := range map[string]string{"ten a page": "per_page=10&", "one a page": "per_page=1&"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			for range 150 {
				s.AddComment(number, "mallory", "huge")
			}
			review(t, s, plan)
			for range 20 {
				s.AddComment(number, "mallory", "huge")
			}
			s.Merge(number, merge)
			huge := transport(func(r *http.Request) (*http.Response, error) {
				if strings.Contains(r.URL.RawQuery, "page=2&per_page=100") || r.URL.Query().Has("page") && strings.Contains(r.URL.Path, "/comments") && !strings.Contains(r.URL.RawQuery+"&", small) {
					return answer(r, 200, nil, strings.Repeat(" ", 10<<20+1))
				}
				return s.RoundTrip(r)
			})
			if got, err := onPush(t, huge).Reviewed(t.Context(), target); got != plan || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			s.AddComment(number, githubtest.Bot, s.Comments(number)[150].Body)
			_, err := onPush(t, huge).Reviewed(t.Context(), target)
			contains(t, err, "2 comments about tenant")
		})
	}
}

func TestListingsAreBounded(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	page, requests := "[]"+strings.Repeat(" ", 10<<20-2), 0
	_, err := onPullRequest(t, transport(func(r *http.Request) (*http.Response, error) {
		if !strings.Contains(r.URL.Path, "/comments") {
			return s.RoundTrip(r)
		}
		requests++
		return answer(r, 200, http.Header{"Link": {`<https://api.github.com/x?page=9>; rel="next"`}}, page)
	}), "pull_request", head).Comment(t.Context(), dryRun)
	contains(t, err, "or 128 MiB", "new pull request")
	if requests > 13 {
		t.Errorf("%d requests", requests)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte(" "), len(p))), nil }

// Errors on the way name what was asked for, and never the token.
func TestTransportErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refusing := transport(func(r *http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("%w with %s", syscall.ECONNREFUSED, r.Header.Get("Authorization"))}
		})
		_, err := onPullRequest(t, refusing, "pull_request", head).Comment(t.Context(), dryRun)
		contains(t, err, "could not read pull request 7 of o/r: ", "connection refused with Bearer ***")
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the cause is lost: %v", err)
		}
	})
}

// Over a real connection.
func TestOverHTTP(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	server := httptest.NewServer(s)
	defer server.Close()
	github := onEvent(t, http.DefaultTransport, githubtest.Token, `{"number":7}`, map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_API_URL": server.URL + "/api/v3"})
	comment(t, github, dryRun)
	only(t, s)
}

// Every failure of GitHub's says what to do about it.
func TestEveryFailureHasAHint(t *testing.T) {
	t.Parallel()
	acts := map[string]func(*testing.T, *githubtest.Server) error{
		"find the plan": func(t *testing.T, s *githubtest.Server) error {
			_, err := onPush(t, s).Reviewed(t.Context(), target)
			return err
		},
		"obey": func(t *testing.T, s *githubtest.Server) error {
			_, err := onCommand(t, s, "grace", "/xc apply").Reviewed(t.Context(), target)
			return err
		},
		"record": func(t *testing.T, s *githubtest.Server) error {
			_, err := onPush(t, s).Comment(t.Context(), actions.Note{Target: target, Body: "x"})
			return err
		},
		"comment": func(t *testing.T, s *githubtest.Server) error {
			_, err := onPullRequest(t, s, "pull_request", head).Comment(t.Context(), actions.Note{Target: target, DryRun: true, Body: "x"})
			return err
		},
		"alarm": func(t *testing.T, s *githubtest.Server) error {
			return onPush(t, s).Alarm(t.Context(), "title", actions.Note{Target: target, Body: "x"}, true)
		},
		"all clear": func(t *testing.T, s *githubtest.Server) error {
			return onPush(t, s).Alarm(t.Context(), "title", actions.Note{Target: target}, false)
		},
	}
	failures := []githubtest.Failure{{Status: 0}, {Status: 503, Body: "<html>"}, {Status: 200}, {Status: 200, Body: "<html>"}, {Status: 200, Body: `{"data":null}`}, {Status: 302, Header: map[string]string{"Location": "https://login.example/"}}}
	for _, status := range []int{400, 401, 403, 404, 410, 422, 429, 502} {
		failures = append(failures, githubtest.Failure{Status: status, Body: `{"message":"` + http.StatusText(status) + `"}`})
	}
	var silent []string
	for name, act := range acts {
		for _, method := range []string{"GET", "POST", "P"} {
			for _, failure := range failures {
				synctest.Test(t, func(t *testing.T) {
					s := newServer(t)
					s.Writers = map[string]string{"grace": "write"}
					review(t, s, plan)
					s.AddIssue(githubtest.Issue{Author: githubtest.Bot, Body: actions.Mark{Target: target, Kind: actions.KindAlarm, Approval: actions.Nothing}.String()})
					if name != "comment" && name != "obey" {
						s.Merge(number, merge)
					}
					failure.Method, failure.Times = method, 99
					s.Fail(failure)
					if err := act(t, s); err != nil && retry.HintOf(err) == "" {
						silent = append(silent, fmt.Sprintf("%s, %s %d %q: %v", name, method, failure.Status, failure.Body, err))
					}
				})
			}
		}
	}
	if len(silent) > 0 {
		t.Errorf("%d errors without a hint:\n%s", len(silent), strings.Join(silent, "\n"))
	}
}
