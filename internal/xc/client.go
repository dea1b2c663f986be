// Package xc is a client of the F5 Distributed Cloud API: credentials, requests,
// the client layer's retries, errors with their verdict, and users and groups in
// directory terms. It does not decide what to change.
package xc

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/retry"
)

// Grace is how long a write that was sent may still take after an interruption.
// GitHub sends SIGTERM 7.5 s after it cancels a job's step
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation).
const Grace = 7 * time.Second

// Scope says which requests the client layer retries.
type Scope string

// The scopes. With ScopeReads only the service layer retries writes.
const (
	ScopeReads Scope = "reads"
	ScopeAll   Scope = "all"
	ScopeNone  Scope = "none"
)

// Options are the settings of a Client. BaseURL is required.
type Options struct {
	BaseURL       string // without a trailing slash
	Token         string // sent as "Authorization: APIToken …"; empty: none
	UserAgent     string
	Transport     http.RoundTripper // see NewTransport; nil: http.DefaultTransport
	Timeout       time.Duration     // of one request, its body included; 0: none
	ReadOnly      bool              // refuse everything but GET before it is sent
	Additive      bool              // refuse whatever could remove something before it is sent, see holdings
	Attempts      int               // per request in the client layer; less than 2: no retries
	Scope         Scope             // empty: ScopeReads
	RetryAfterMax time.Duration     // the longest Retry-After that is honored; 0: none
	RateLimit     float64           // requests per second; 0: no limit
	Concurrency   int               // requests in flight at once, fewer for a while after a 429; 0: no limit
	Log           *slog.Logger      // nil: silent

	// Hide removes secrets from text of the server, which might echo them. It is
	// called before the text is cut. nil: nothing is hidden.
	Hide func(string) string
}

// Client reads and writes one tenant. Make it with New. It is safe for concurrent
// use.
type Client struct {
	options  Options
	http     http.Client
	retrier  retry.Retrier
	metrics  retry.Metrics
	throttle *retry.Throttle
	http1    atomic.Bool   // the server answered in HTTP/1
	held     *holdings     // nil unless Additive
	large    chan struct{} // see maxLarge

	mu        sync.Mutex
	latencies []time.Duration
}

// New returns a client. It sends nothing.
func New(options Options) *Client {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Hide == nil {
		options.Hide = func(text string) string { return text }
	}
	if options.Scope == "" {
		options.Scope = ScopeReads
	}
	c := &Client{options: options, large: make(chan struct{}, maxLarge), throttle: retry.NewThrottle(options.Concurrency, options.RateLimit), http: http.Client{
		Transport: options.Transport,
		// Not followed: it must never carry the credentials elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if options.Additive {
		c.held = newHoldings()
	}
	c.retrier = retry.Retrier{RetryAfterMax: options.RetryAfterMax, Metrics: &c.metrics, Log: options.Log.With("layer", "client")}
	return c
}

// InFlight returns how many requests are on their way.
func (c *Client) InFlight() int { return c.throttle.Flying() }

// Stats are figures of the requests so far.
type Stats struct {
	Requests      int           // sent, retries included
	Retries       int           // by the client layer
	P50, P95, Max time.Duration // latency
}

// Stats returns the figures so far.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	sorted := slices.Clone(c.latencies)
	c.mu.Unlock()
	stats := Stats{Requests: len(sorted), Retries: c.metrics.Counts().Retries}
	if n := len(sorted); n > 0 {
		slices.Sort(sorted)
		stats.P50, stats.P95, stats.Max = sorted[n/2], sorted[n*95/100], sorted[n-1]
	}
	return stats
}

// policy returns the client layer's policy, with waits of 0.5, 1, 2 … s.
func (c *Client) policy(method string) retry.Policy {
	p := retry.Policy{Attempts: 1, Multiplier: 500 * time.Millisecond, Min: 0, Max: time.Minute}
	if c.options.Scope == ScopeAll || c.options.Scope == ScopeReads && method == http.MethodGet {
		p.Attempts = c.options.Attempts
	}
	return p
}

// Attempts returns how often the client layer sends one read and one write at most.
func (c *Client) Attempts() (read, write int) {
	return max(c.policy(http.MethodGet).Attempts, 1), max(c.policy(http.MethodPost).Attempts, 1)
}

// permit returns an error for a request that this run must not send.
func (c *Client) permit(method, path string, in any) error {
	reason := ""
	switch {
	case method == http.MethodGet:
	case c.options.ReadOnly:
		reason = "a dry run sends nothing but GET"
	case c.options.Additive:
		if removal := c.held.removal(method, path, in); removal != "" {
			reason = "with removals: withhold nothing is removed, and the request " + removal
		}
	}
	if reason == "" {
		return nil
	}
	return &retry.Fault{Cause: retry.CauseOther, NotSent: true, Err: &Error{Method: method, Path: path, Message: "refused: " + reason}}
}

const root = "/api/web/custom/namespaces/system/"

// do sends one request, repeated as the scope allows. in may be nil.
func (c *Client) do(ctx context.Context, method, path string, in any) error {
	_, err := ask[envelope](ctx, c, method, path, in)
	return err
}

// ask is do that returns the response: of the attempt that succeeded alone, for one
// that broke off may have been decoded in part. It is zero if the body is empty.
func ask[T any, P interface {
	*T
	response
}](ctx context.Context, c *Client, method, path string, in any) (T, error) {
	var out T
	err := c.exchange(ctx, method, path, in, func(a *answer) error {
		a.large = c.large
		var decoded T
		err := decode(a, P(&decoded))
		if err == nil {
			out = decoded
		}
		return err
	})
	return out, err
}

// exchange sends one request, repeated as the scope allows, and calls read with
// each good response; read must start over each time. in may be nil.
func (c *Client) exchange(ctx context.Context, method, path string, in any, read func(*answer) error) error {
	if err := c.permit(method, path, in); err != nil {
		return err
	}
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	return c.retrier.Do(ctx, method+" "+path, c.policy(method), func(ctx context.Context, history retry.History) error {
		entered, err := c.enter(ctx, method, history.Attempts > 0)
		if err != nil {
			return err
		}
		return c.send(ctx, entered, method, path, body, read)
	}, nil).Err
}

// enter waits until a request may be sent. A write is rechecked first if it is late;
// see retry.WithRecheck.
func (c *Client) enter(ctx context.Context, method string, late bool) (entered time.Time, err error) {
	recheck := retry.RecheckOf(ctx)
	if recheck == nil || method == http.MethodGet {
		return c.throttle.Enter(ctx)
	}
	for {
		if late {
			if err := recheck(ctx); err != nil {
				return time.Time{}, err
			}
		}
		if entered, late, err = c.throttle.EnterNext(ctx); !late {
			return entered, err
		}
	}
}

// send sends one request that has entered the throttle, and reads the response. An
// interruption of a read is a fault with NotSent.
func (c *Client) send(interrupt context.Context, entered time.Time, method, path string, body []byte, read func(*answer) error) error {
	receipt := new(retry.Receipt)
	if method != http.MethodGet {
		receipt = retry.ReceiptOf(interrupt)
		receipt.RequestID = "" // an earlier attempt's does not apply to this one
	}
	refused := false
	defer func() { c.throttle.Leave(entered, refused) }()
	ctx, cancel := c.bound(interrupt, method)
	defer cancel()
	request, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	var (
		verdict error
		got     answer
		start   = time.Now()
	)
	response, broken := c.http.Do(request)
	if broken == nil {
		c.http1.Store(response.ProtoMajor == 1)
		a, end := open(ctx, response)
		receipt.RequestID = c.requestID(a.header)
		verdict = c.receive(method, path, a, read)
		broken, got = a.failed, *a
		end()
	}
	refused = got.status == http.StatusTooManyRequests
	elapsed := time.Since(start)
	c.mu.Lock()
	c.latencies = append(c.latencies, elapsed)
	c.mu.Unlock()
	c.options.Log.Debug("request", "method", method, "path", path, "status", got.status, "took", elapsed, "bytes", got.size)
	switch {
	case broken != nil && method == http.MethodGet && interrupt.Err() != nil:
		return retry.Interrupted(interrupt)
	case broken != nil:
		return c.unanswered(method, path, broken)
	}
	return verdict
}

// receive reads a response if it is good, and returns what is wrong with it.
// Errors of the connection are in the answer.
func (c *Client) receive(method, path string, a *answer, read func(*answer) error) error {
	var body []byte
	switch {
	case a.status < http.StatusOK:
		// Its body is the connection itself and would never end.
	case a.status >= http.StatusMultipleChoices:
		body, _ = io.ReadAll(io.LimitReader(a.text, maxErrorBody))
		a.failed = nil // the status says what there is to know
	default:
		body = a.start()
	}
	if err := c.check(method, path, a, body); err != nil {
		return err
	}
	if len(body) == 0 && method != http.MethodGet {
		return nil // nothing to read
	}
	if err := read(a); err != nil {
		return c.unexpected(method, path, err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	var content io.Reader
	switch {
	case body != nil:
		content = bytes.NewReader(body)
	case c.http1.Load():
		// net/http resends a GET by itself, uncounted, if a kept-alive connection
		// breaks, unless the GET has a body that it cannot rewind. It finds this
		// one empty and sends none.
		content = io.MultiReader()
	}
	request, err := http.NewRequestWithContext(ctx, method, c.options.BaseURL+root+path, content)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", c.options.UserAgent)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Accept-Encoding", "gzip") // so that net/http leaves it to answer
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.options.Token != "" {
		request.Header.Set("Authorization", "APIToken "+c.options.Token)
	}
	return request, nil
}

// bound gives a request its timeout. An interruption ends a read at once; a
// write may finish within Grace, so that its outcome is known.
func (c *Client) bound(ctx context.Context, method string) (context.Context, context.CancelFunc) {
	timeout := c.options.Timeout
	if timeout == 0 {
		timeout = 1 << 62
	}
	if method == http.MethodGet {
		return context.WithTimeout(ctx, timeout)
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(Grace):
			cancel()
		case <-bounded.Done():
		}
	})
	return bounded, func() { stop(); cancel() }
}

func host(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return "another page"
	}
	return u.Host
}

// errorBody returns the code and the message of a refusal.
func (c *Client) errorBody(header http.Header, body []byte) (code, message string) {
	var document wireError
	switch {
	case jsonv2.Unmarshal(body, &document, decoding, jsonv2.MatchCaseInsensitiveNames(true)) == nil && document.Message != "":
		code, message = string(document.Code), document.Message
	case isHTML(header, body):
		message = "the response is a web page"
	default:
		message = strings.TrimSpace(string(body))
	}
	return c.shown(code), c.shown(message)
}

// maxRequestID bounds a request's ID, in characters; F5's are UUIDs.
const maxRequestID = 128

// requestID returns what the server calls a request; "" if it does not say.
func (c *Client) requestID(header http.Header) string {
	return directory.Cut(directory.VisibleText(c.hide(strings.TrimSpace(header.Get("X-Request-Id")))), maxRequestID)
}

// How much of a text from the server is shown, and how much of it is searched for
// secrets, in characters.
const (
	maxShown  = 1000
	maxHidden = 64 << 10
)

// shown shortens a text from the server and hides secrets in it.
func (c *Client) shown(text string) string { return directory.Cut(c.hide(text), maxShown) }

// quotable is like shown, for a name that a message quotes.
func (c *Client) quotable(name string) string { return directory.Quotable(c.hide(name)) }

// hide removes secrets. Cut only what it returns.
func (c *Client) hide(text string) string {
	return c.options.Hide(strings.ToValidUTF8(directory.Cut(text, maxHidden), "\uFFFD"))
}
