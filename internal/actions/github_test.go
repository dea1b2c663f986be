package actions_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
)

// transport is a function that answers requests.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request, status int, header http.Header, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

var dryRun = actions.Note{Tenant: tenant, DryRun: true, Plan: plan, Body: "x"}

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
		for name, value := range tt.env {
			env[name] = value
		}
		_, err := actions.New(environment(env), &bytes.Buffer{}).GitHub(tt.token, nil)
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

// Whoever the token is of, their comment is found again.
func TestAuthor(t *testing.T) {
	t.Parallel()
	for _, login := range []string{githubtest.Bot, "sync-app[bot]", "octo-machine"} {
		for _, noGraphQL := range []bool{false, true} {
			if noGraphQL && login == "sync-app[bot]" {
				continue // such a server does not tell
			}
			s := newServer(t)
			s.NoGraphQL = noGraphQL
			s.Grant("ghs_x", login, githubtest.Write)
			for _, body := range []string{"first", "second"} {
				note := dryRun
				note.Body = body
				comment(t, onEvent(t, s, "ghs_x", `{"number":7,"pull_request":{"head":{"sha":"`+head+`"}}}`, map[string]string{"GITHUB_EVENT_NAME": "pull_request"}), note)
			}
			if c := only(t, s); c.Author != login || !strings.HasSuffix(c.Body, "second") {
				t.Errorf("%s: %+v", login, c)
			}
			s.Merge(number, merge)
			push := map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": merge}
			if got, err := onEvent(t, s, "ghs_x", "", push).Reviewed(t.Context(), tenant); got != plan || err != nil {
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
		contains(t, err, "the token may not write comments on pull request 7 of o/r (HTTP 403 Resource not accessible by integration): "+
			"give the job `permissions: pull-requests: write`, or set comment to false")
		var refused *actions.APIError
		if !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
			t.Errorf("%v", err)
		}
	})
	t.Run("unknown token", func(t *testing.T) {
		t.Parallel()
		github := onEvent(t, newServer(t), "ghs_wrong", `{"number":7}`, map[string]string{"GITHUB_EVENT_NAME": "pull_request"})
		_, err := github.Comment(t.Context(), dryRun)
		contains(t, err, "HTTP 401 Bad credentials", "check github-token")
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
			contains(t, err, "could not read pull request 7 of o/r (HTTP ")
			if len(err.Error()) > 500 {
				t.Errorf("%d bytes", len(err.Error()))
			}
		})
	}
}

// Reads and edits are sent again; what creates something is sent once.
func TestRetries(t *testing.T) {
	t.Parallel()
	const limit = `{"message":"You have exceeded a secondary rate limit","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`
	tests := []struct {
		name    string
		failure githubtest.Failure
		exists  bool // our comment is there already, to be edited
		took    time.Duration
		says    string // empty: it succeeds in the end
	}{
		{"a read", githubtest.Failure{Method: "GET", Path: "comments", Times: 2, Status: 502}, false, 1500 * time.Millisecond, ""},
		{"a read that never succeeds", githubtest.Failure{Method: "GET", Path: "comments", Times: 9, Status: 503, Body: `{"message":"busy"}`}, false, 1500 * time.Millisecond, "could not read the comments on pull request 7 of o/r (HTTP 503 busy) (after 3 attempts)"},
		{"a broken connection", githubtest.Failure{Method: "GET", Path: "comments", Times: 1}, false, 500 * time.Millisecond, ""},
		{"an empty answer", githubtest.Failure{Method: "GET", Path: "comments", Times: 1, Status: 200}, false, 500 * time.Millisecond, ""},
		{"a query", githubtest.Failure{Method: "POST", Path: "graphql", Times: 1, Status: 502}, false, 500 * time.Millisecond, ""},
		{"too many requests", githubtest.Failure{Method: "GET", Path: "comments", Times: 1, Status: 429, Header: map[string]string{"Retry-After": "7"}}, false, 7 * time.Second, ""},
		{"too fast", githubtest.Failure{Method: "GET", Path: "comments", Times: 1, Status: 403, Body: limit, Header: map[string]string{"Retry-After": "9"}}, false, 9 * time.Second, ""},
		{"too fast for long", githubtest.Failure{Method: "GET", Path: "comments", Times: 1, Status: 403, Body: limit, Header: map[string]string{"Retry-After": "900"}}, false, 0, "GitHub limits how often it is asked"},
		{"used up", githubtest.Failure{Method: "GET", Path: "comments", Times: 1, Status: 403, Body: `{"message":"API rate limit exceeded"}`, Header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9999999999"}}, false, 0, "HTTP 403 API rate limit exceeded): the token's requests are used up"},
		{"an edit", githubtest.Failure{Method: "PATCH", Times: 1, Status: 500}, true, 500 * time.Millisecond, ""},
		{"a new comment", githubtest.Failure{Method: "POST", Path: "comments", Times: 1, Status: 500, Body: `{"message":"oops"}`}, false, 0, "could not write comments on pull request 7 of o/r (HTTP 500 oops)"},
		{"a new comment, connection broken", githubtest.Failure{Method: "POST", Path: "comments", Times: 1}, false, 0, "could not write comments on pull request 7 of o/r"},
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
			contains(t, err, "redirects instead of answering")
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
			contains(t, err, "longer than 10 MiB")
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
		contains(t, err, "there are more than 10000")
		if requests != 100 {
			t.Errorf("%d requests", requests)
		}
	})
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

// Over a real connection, as with the default transport.
func TestOverHTTP(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	server := httptest.NewServer(s)
	defer server.Close()
	github := onEvent(t, nil, githubtest.Token, `{"number":7}`, map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_API_URL": server.URL + "/api/v3"})
	comment(t, github, dryRun)
	only(t, s)
}
