package actions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-github/v88/github"

	"xc-group-sync/internal/retry"
)

// GitHub is the API, as the token may use it, for the repository of this run.
// It is not safe for concurrent use.
type GitHub struct {
	edge    *Edge
	event   Event
	client  *github.Client
	graphql string // URL
	token   string
	retrier retry.Retrier
	policy  retry.Policy

	login string // whose comments are ours; empty: not asked yet
}

// ErrNoToken is returned where there is no token to talk to GitHub with.
var ErrNoToken = errors.New("there is no token to talk to GitHub with: set github-token, as in `github-token: ${{ github.token }}`")

const (
	requestTimeout = 10 * time.Second
	maxAnswer      = 10 << 20 // bytes
	maxPages       = 100
	pageSize       = 100
	maxShown       = 300 // bytes of a text from GitHub in an error
)

// GitHub makes a way to the API. Nothing is sent yet. A nil transport is
// net/http's default.
func (e *Edge) GitHub(token string, transport http.RoundTripper) (*GitHub, error) {
	if token = strings.TrimSpace(token); token == "" {
		return nil, ErrNoToken
	}
	event := e.Event()
	if event.Repo == "" {
		return nil, errors.New("GITHUB_REPOSITORY does not name the repository of this run, as in owner/name")
	}
	base, graphql := e.apiURLs()
	for _, api := range [][2]string{{"GITHUB_API_URL", base}, {"GITHUB_GRAPHQL_URL", graphql}} {
		if _, secure := secureURL(api[1]); !secure {
			return nil, fmt.Errorf("%s is %.100q, but the token may only be sent to an https URL (http to a loopback address)", api[0], api[1])
		}
	}
	if transport == nil {
		transport = http.DefaultTransport
	}
	client, err := github.NewClient(
		github.WithHTTPClient(&http.Client{
			Transport: wholeAnswers{transport},
			// The library sends the token along wherever a redirect leads.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		github.WithAuthToken(token),
		github.WithURLs(&base, nil),
		github.WithUserAgent("xc-group-sync"),
		github.WithDisableRateLimitCheck(), // it would answer retries itself
	)
	if err != nil {
		return nil, err
	}
	return &GitHub{
		edge: e, event: event, client: client, graphql: graphql, token: token,
		retrier: retry.Retrier{RetryAfterMax: time.Minute},
		policy:  retry.Policy{Attempts: 3, Multiplier: 500 * time.Millisecond, Max: 4 * time.Second},
	}, nil
}

// apiURLs are the URLs of both APIs, that of the first with a slash at its end.
func (e *Edge) apiURLs() (base, graphql string) {
	base = strings.TrimRight(e.getenv("GITHUB_API_URL"), "/")
	if base == "" {
		base = "https://api.github.com"
	}
	if graphql = e.getenv("GITHUB_GRAPHQL_URL"); graphql == "" {
		// A GitHub Enterprise Server has them side by side.
		graphql = strings.TrimSuffix(base, "/v3") + "/graphql"
	}
	return base + "/", graphql
}

// wholeAnswers is a transport that reads answers to their end, within bounds of
// time and size, and takes an empty one for cut off: the library would take it
// for an empty list.
type wholeAnswers struct{ transport http.RoundTripper }

var (
	errTooLong = fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)
	errTooSlow = fmt.Errorf("there was no answer within %v", requestTimeout)
)

func (t wholeAnswers) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(request.Context(), requestTimeout, errTooSlow)
	defer cancel()
	response, err := t.transport.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return nil, late(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, late(ctx, err)
	case len(body) > maxAnswer:
		return nil, errTooLong
	case len(body) == 0 && response.StatusCode == http.StatusOK:
		return nil, io.ErrUnexpectedEOF
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// late says so where time ran out.
func late(ctx context.Context, err error) error {
	if context.Cause(ctx) == errTooSlow {
		return fmt.Errorf("%w: %w", errTooSlow, err)
	}
	return err
}

// call is what a request is for.
type call struct {
	doing      string // "read the comments on pull request 7 of o/r"
	permission string // what the token needs for it; empty: nothing that the workflow could grant
	once       bool   // never to be repeated
}

// do sends a request, and repeats it if it failed in passing and may be.
func (g *GitHub) do(ctx context.Context, c call, send func(context.Context) error) error {
	policy := g.policy
	if c.once {
		policy.Attempts = 1
	}
	return g.retrier.Do(ctx, c.doing, policy, func(ctx context.Context, _ retry.History) error {
		return g.failure(c, send(ctx))
	}, nil).Err
}

// list reads all pages of a listing.
func list[T any](ctx context.Context, g *GitHub, c call, page func(context.Context, github.ListOptions, string) ([]T, *github.Response, error)) ([]T, error) {
	var all []T
	options, after := github.ListOptions{PerPage: pageSize}, ""
	for range maxPages {
		more := false
		err := g.do(ctx, c, func(ctx context.Context) error {
			items, response, err := page(ctx, options, after)
			if err != nil {
				return err
			}
			all = append(all, items...)
			options.Page, after = response.NextPage, response.After
			more = options.Page != 0 || after != ""
			return nil
		})
		if err != nil || !more {
			return all, err
		}
	}
	return nil, fmt.Errorf("could not %s: there are more than %d", c.doing, maxPages*pageSize)
}

// noSuchAPI is what a server answers where it has no GraphQL.
var noSuchAPI = []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}

// query asks the GraphQL API. notThere tells that this server has none.
func (g *GitHub) query(ctx context.Context, c call, text string, variables map[string]string, data any) (notThere bool, err error) {
	var answer struct {
		Data   any
		Errors []struct{ Message string }
	}
	answer.Data = data
	err = g.do(ctx, c, func(ctx context.Context) error {
		request, err := g.client.NewRequest(ctx, http.MethodPost, g.graphql, map[string]any{"query": text, "variables": variables})
		if err != nil {
			return err
		}
		_, err = g.client.Do(request, &answer)
		return err
	})
	var refused *APIError
	switch {
	case errors.As(err, &refused) && slices.Contains(noSuchAPI, refused.Status):
		return true, nil
	case err != nil:
		return false, err
	case len(answer.Errors) > 0:
		return false, fmt.Errorf("could not %s: %s", c.doing, g.shown(answer.Errors[0].Message))
	}
	return false, nil
}

// author is whose comments and issues are ours.
func (g *GitHub) author(ctx context.Context) (string, error) {
	if g.login != "" {
		return g.login, nil
	}
	var data struct{ Viewer struct{ Login string } }
	c := call{doing: "ask GitHub whose token this is"}
	notThere, err := g.query(ctx, c, "{viewer{login}}", nil, &data)
	if err != nil {
		return "", err
	}
	g.login = data.Viewer.Login
	if notThere {
		if g.login, err = g.user(ctx, c); err != nil {
			return "", err
		}
	}
	if g.login == "" {
		return "", errors.New("GitHub does not tell whose token this is")
	}
	return g.login, nil
}

// user is the author where there is no GraphQL. The token of a job may not ask.
func (g *GitHub) user(ctx context.Context, c call) (login string, err error) {
	err = g.do(ctx, c, func(ctx context.Context) error {
		user, _, err := g.client.Users.Get(ctx, "")
		login = user.GetLogin()
		return err
	})
	var refused *APIError
	if errors.As(err, &refused) && (refused.Status == http.StatusForbidden || refused.Status == http.StatusNotFound) {
		return "github-actions[bot]", nil
	}
	return login, err
}
