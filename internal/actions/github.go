package actions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-github/v88/github"

	"xc-group-sync/internal/retry"
)

// GitHub is the API of GitHub for the repository of this run. It is not safe for
// concurrent use.
type GitHub struct {
	edge    *Edge
	event   Event
	number  int // number of the pull request to comment on if the event names none; 0 if unset
	client  *github.Client
	graphql string // URL
	hide    func(string) string
	read    *int64 // bytes of responses so far
	retrier retry.Retrier
	policy  retry.Policy

	acceptMasked bool

	me              identity    // known if there are comments of ours
	pushed          PullRequest // found by merged
	errPushed       error
	pushedDone      bool // merged has been called successfully
	commandApproves bool // the plan is approved by the event's command
}

// Options are the settings of the connection to GitHub.
type Options struct {
	Token string
	// PullRequest is the number of the pull request to comment on, for events
	// that do not name one; 0 if unset.
	PullRequest  int
	AcceptMasked bool // a comment that does not show who is affected may approve its plan
	Transport    http.RoundTripper

	// Hide removes secrets from GitHub's texts, which might echo them. It is
	// called before the text is cut.
	Hide func(string) string
}

// ErrNoToken is returned if there is no token for GitHub.
var ErrNoToken error = retry.WithHint(errors.New("missing github-token"), "set github-token: ${{ github.token }}")

const (
	requestTimeout = 10 * time.Second
	longestWait    = 2 * time.Minute // longest wait that GitHub may ask for before a request is repeated
	maxAnswer      = 10 << 20        // bytes
	maxListing     = 128 << 20       // bytes
	maxItems       = 10_000          // of a listing
	pageSize       = 100
	maxObjects     = 100_000  // of a response; a page of pull requests has a few thousand
	maxShown       = 300      // bytes of a text from GitHub in an error
	maxHidden      = 64 << 10 // bytes of it that are searched for secrets
)

// GitHub returns the API. It sends nothing yet.
func (e *Edge) GitHub(options Options) (*GitHub, error) {
	token := strings.TrimSpace(options.Token)
	if token == "" {
		return nil, ErrNoToken
	}
	event := e.Event()
	if event.Repo == "" {
		return nil, errors.New("invalid GITHUB_REPOSITORY: must be owner/name")
	}
	base, graphql := e.apiURLs()
	for _, api := range [][2]string{{"GITHUB_API_URL", base}, {"GITHUB_GRAPHQL_URL", graphql}} {
		if !isSecure(api[1]) {
			return nil, fmt.Errorf("invalid %s %q: must be an https URL, or http on a loopback address", api[0], shown(api[1], options.Hide))
		}
	}
	read := new(int64)
	client, err := github.NewClient(
		github.WithHTTPClient(&http.Client{
			Transport: wholeAnswers{options.Transport, read},
			// The library would send the token wherever a redirect leads.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		github.WithAuthToken(token),
		github.WithURLs(&base, nil),
		github.WithUserAgent("xc-group-sync"),
		github.WithDisableRateLimitCheck(), // else the library would refuse retries by itself
	)
	if err != nil {
		return nil, err
	}
	return &GitHub{
		edge: e, event: event, number: options.PullRequest, client: client, graphql: graphql, hide: options.Hide, read: read,
		acceptMasked: options.AcceptMasked,
		retrier:      retry.Retrier{RetryAfterMax: longestWait},
		policy:       retry.Policy{Attempts: 3, Multiplier: 500 * time.Millisecond, Max: 4 * time.Second},
	}, nil
}

// apiURLs returns the URLs of the REST API, with a slash at its end, and of the
// GraphQL API.
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

// wholeAnswers is a transport that reads responses to their end, within limits of
// time and size. It treats an empty response as a truncated one, since the
// library would take it for an empty list.
type wholeAnswers struct {
	transport http.RoundTripper
	read      *int64 // counts the bytes
}

var (
	errTooLong = fmt.Errorf("answer exceeds %d MiB", maxAnswer>>20)
	errTooFull = fmt.Errorf("answer has more than %d objects", maxObjects)
	errTooSlow = fmt.Errorf("no answer within %v", requestTimeout)
)

func (t wholeAnswers) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(request.Context(), requestTimeout, errTooSlow)
	defer cancel()
	response, err := t.transport.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return nil, late(ctx, err)
	}
	defer func(body io.Closer) { _ = body.Close() }(response.Body)
	if response.StatusCode < http.StatusOK {
		// Its body is the connection itself and would never end. The library
		// treats the status as a refusal.
		response.Body = http.NoBody
		return response, nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	*t.read += int64(len(body))
	switch {
	case err != nil:
		return nil, late(ctx, err)
	case len(body) > maxAnswer:
		return nil, errTooLong
	case len(body) == 0 && response.StatusCode == http.StatusOK:
		return nil, io.ErrUnexpectedEOF
	case objects(body) > maxObjects:
		return nil, errTooFull
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// objects counts the objects in a text, as far as it is JSON: each "{}" takes
// hundreds of bytes once the library has decoded it.
func objects(text []byte) (n int) {
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return n
		}
		if token.Kind() == '{' {
			n++
		}
	}
}

// late adds to err that the time limit was exceeded, if it was.
func late(ctx context.Context, err error) error {
	if context.Cause(ctx) == errTooSlow {
		return fmt.Errorf("%w: %w", errTooSlow, err)
	}
	return err
}

// call describes the purpose of a request.
type call struct {
	doing      string // "read the comments on pull request 7 of o/r"
	permission string // permission that the token needs; empty if no workflow can grant it
	off        string // setting that avoids it, as in "comment: false"; may be empty
	once       bool   // not idempotent: repeated only if it was rate-limited
}

// do sends a request, and repeats it if it failed for a transient reason and may
// be sent twice.
func (g *GitHub) do(ctx context.Context, c call, send func(context.Context) error) error {
	return g.retrier.Do(ctx, c.doing, g.policy, func(ctx context.Context, _ retry.History) error {
		return g.failure(c, send(ctx))
	}, nil).Err
}

// rewrite calls read, which reads a text and returns what writes the text after it, by
// one request. If that has to be repeated, it may wait for minutes while other runs
// write: so the text is read again first.
func (g *GitHub) rewrite(ctx context.Context, what string, read func(context.Context) (write func() error, err error)) error {
	return g.retrier.Do(ctx, what, g.policy, func(ctx context.Context, _ retry.History) error {
		write, err := read(ctx)
		if err != nil {
			return &retry.Fault{Err: err} // each request has been repeated already
		}
		return write()
	}, nil).Err
}

// list reads all pages of a listing and returns the items to keep. It makes the
// pages smaller if one is too long: a comment may be 64 KiB.
func list[T any](ctx context.Context, g *GitHub, c call, keep func(T) bool, page func(context.Context, github.ListOptions, string) ([]T, *github.Response, error)) ([]T, error) {
	var kept []T
	options, after := github.ListOptions{PerPage: pageSize}, ""
	for items, start := 0, *g.read; items < maxItems && *g.read-start < maxListing; items += options.PerPage {
		more := false
		err := g.do(ctx, c, func(ctx context.Context) error {
			found, response, err := page(ctx, options, after)
			switch {
			case err != nil:
				return err
			case len(found) > options.PerPage:
				return fmt.Errorf("%d entries on a page of %d", len(found), options.PerPage)
			}
			for _, item := range found {
				if keep(item) {
					kept = append(kept, item)
				}
			}
			options.Page, after = response.NextPage, response.After
			more = options.Page != 0 || after != ""
			return nil
		})
		switch {
		case errors.Is(err, errTooLong) && options.PerPage > 1:
			// From the same item on: a cursor needs no change, and the pages before
			// were full.
			if options.Page > 0 {
				options.Page = (options.Page-1)*10 + 1
			}
			options.PerPage /= 10
			items -= options.PerPage
		case err != nil:
			return nil, err
		case !more:
			return kept, nil
		}
	}
	return nil, retry.WithHint(
		fmt.Errorf("could not %s: more than %d entries or %d MiB", c.doing, maxItems, maxListing>>20),
		"delete what is not needed, or continue in a new pull request")
}

// noGraphQL is the response of a server without GraphQL.
var noGraphQL = []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}

// hasGraphQL reports whether the server is known to have GraphQL, so that its
// absence is a failure.
func (g *GitHub) hasGraphQL() bool {
	api, _ := url.Parse(g.graphql) // isSecure parsed it
	host := strings.ToLower(api.Hostname())
	return host == "api.github.com" || strings.HasSuffix(host, ".ghe.com")
}

// query asks the GraphQL API, and returns the data of the attempt that succeeded. It
// reports whether this server has none.
func query[T any](ctx context.Context, g *GitHub, c call, text string, variables map[string]string) (data T, none bool, err error) {
	err = g.do(ctx, c, func(ctx context.Context) error {
		var answer struct {
			Data   T
			Errors []struct{ Message string }
		}
		request, err := g.client.NewRequest(ctx, http.MethodPost, g.graphql, map[string]any{"query": text, "variables": variables})
		if err != nil {
			return err
		}
		response, err := g.client.Do(request, &answer)
		if err != nil {
			return err
		}
		if len(answer.Errors) == 0 {
			data = answer.Data
			return nil
		}
		// GraphQL refuses with a 200.
		refused := g.refusal(c, http.StatusForbidden, response.Header, answer.Errors[0].Message)
		refused.Status = response.StatusCode
		return refused
	})
	var refused *APIError
	if errors.As(err, &refused) && slices.Contains(noGraphQL, refused.Status) && !g.hasGraphQL() {
		return data, true, nil
	}
	return data, false, err
}

// identity is the user whose comments and issues are ours.
type identity struct {
	known bool
	login string // empty if the server does not say: then any bot's are ours
}

func (i identity) is(user *github.User) bool {
	if i.login == "" {
		return user.GetType() == "Bot"
	}
	return user.GetLogin() == i.login
}

// identity asks whose token this is. A server without GraphQL does not say for
// the token of a job or of a GitHub App; those belong to bots.
func (g *GitHub) identity(ctx context.Context) (identity, error) {
	if g.me.known {
		return g.me, nil
	}
	type viewer struct{ Viewer struct{ Login string } }
	c := call{doing: "ask GitHub whose token this is"}
	data, none, err := query[viewer](ctx, g, c, "{viewer{login}}", nil)
	if err != nil {
		return identity{}, err
	}
	login := data.Viewer.Login
	if none {
		login, err = g.user(ctx, c)
	} else if login == "" {
		err = retry.WithHint(errors.New("could not "+c.doing+": the answer has no login"), "check github-token")
	}
	if err != nil {
		return identity{}, err
	}
	g.me = identity{known: true, login: login}
	return g.me, nil
}

// user returns the login of the token's user, or "" if the token has none.
func (g *GitHub) user(ctx context.Context, c call) (login string, err error) {
	err = g.do(ctx, c, func(ctx context.Context) error {
		user, _, err := g.client.Users.Get(ctx, "")
		login = user.GetLogin()
		return err
	})
	if isDenied(err) {
		return "", nil
	}
	return login, err
}
