package actions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/go-github/v88/github"

	"xc-group-sync/internal/retry"
)

// APIError is a request that GitHub refused.
type APIError struct {
	Status  int
	Message string // GitHub's, bounded, without the token

	doing      string
	reason     string // in our words; empty if GitHub's message says enough
	hint       string
	limited    bool // rate-limited, so nothing was done
	retryAfter time.Duration
}

func (e *APIError) Error() string {
	answer := fmt.Sprintf("HTTP %d", e.Status)
	if e.Message != "" {
		answer += ": " + e.Message
	}
	if e.reason == "" {
		return fmt.Sprintf("could not %s: %s", e.doing, answer)
	}
	return fmt.Sprintf("could not %s: %s (%s)", e.doing, e.reason, answer)
}

// Hint returns what to do about the error, or "".
func (e *APIError) Hint() string { return e.hint }

// isDenied reports whether GitHub refused a request because of the token's
// rights.
func isDenied(err error) bool {
	var refused *APIError
	return errors.As(err, &refused) && (refused.Status == http.StatusForbidden || refused.Status == http.StatusNotFound) && !refused.limited
}

// pathError is an error of the connection to GitHub, with a text that is safe to
// show.
type pathError struct {
	text, hint string
	err        error
}

func (e *pathError) Error() string { return e.text }
func (e *pathError) Hint() string  { return e.hint }
func (e *pathError) Unwrap() error { return e.err }

// What to do if GitHub's response does not say.
const (
	outageHint = "re-run the job later; https://www.githubstatus.com shows whether GitHub has an outage"
	wayHint    = "check the runner's connection to GitHub (GITHUB_API_URL, proxy), and re-run the job"
	rulesHint  = "compare GitHub's message with the token's permissions and the organization's rules"
	oddHint    = "re-run the job; if it fails again, report it with the log of a run with debug logging"
)

// failure turns an error of the library into one that says what to do and whether
// the request may be sent again. A rate-limited request is always repeated, even
// a write, since GitHub refuses before it does anything.
func (g *GitHub) failure(c call, err error) error {
	if err == nil {
		return nil
	}
	var fault *retry.Fault
	if refused := g.refused(c, err); refused != nil {
		fault = retry.Answered(refused, refused.Status, refused.retryAfter)
		fault.Transient = refused.limited || fault.Transient && refused.Status != http.StatusTooManyRequests && !c.once
		fault.Transient = fault.Transient && refused.retryAfter <= longestWait
		return fault
	}
	fault = retry.Unanswered(err)
	if errors.Is(err, context.Canceled) {
		fault.Err = fmt.Errorf("could not %s: %w", c.doing, err)
	} else {
		fault.Err = &pathError{"could not " + c.doing + ": " + g.shown(err.Error()), wayHint, err}
	}
	fault.Transient = fault.Transient && !c.once && !errors.Is(err, errTooLong) && !errors.Is(err, errTooFull)
	return fault
}

// refused returns err as a refusal; nil if there was no response.
func (g *GitHub) refused(c call, err error) *APIError {
	var (
		refused   *github.ErrorResponse
		exhausted *github.RateLimitError
		secondary *github.AbuseRateLimitError
		factor    *github.TwoFactorAuthError
		elsewhere *github.RedirectionError
		known     *APIError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &secondary):
		return g.refusal(c, secondary.Response.StatusCode, secondary.Response.Header, secondary.Message)
	case errors.As(err, &exhausted):
		return g.refusal(c, exhausted.Response.StatusCode, exhausted.Response.Header, exhausted.Message)
	case errors.As(err, &elsewhere):
		return g.redirection(c, elsewhere)
	case errors.As(err, &factor):
		refused = (*github.ErrorResponse)(factor)
	case !errors.As(err, &refused):
		return nil
	}
	return g.refusal(c, refused.Response.StatusCode, refused.Response.Header, reason(refused))
}

// secondaryWait is how long to wait if GitHub does not say
// (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit).
const secondaryWait = time.Minute

// refusal explains a response by its message. A 403 is a missing permission only
// if the message says so
// (https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#resource-not-accessible).
func (g *GitHub) refusal(c call, status int, header http.Header, message string) *APIError {
	says := strings.ToLower(message)
	after := header.Get("Retry-After")
	e := &APIError{Status: status, Message: g.shown(message), doing: c.doing, retryAfter: retry.ParseAfter(after)}
	explain := func(reason, hint string) { e.reason, e.hint = reason, hint }
	refuses := e.Status == http.StatusForbidden || e.Status == http.StatusTooManyRequests
	switch {
	case refuses && after == "" && header.Get("X-RateLimit-Remaining") == "0" && !strings.Contains(says, "secondary rate limit"):
		// The limit may take an hour to be reset, which is too long to wait.
		explain("the rate limit of the token is exhausted", "re-run the job later")
	case e.Status == http.StatusTooManyRequests, refuses && (after != "" || strings.Contains(says, "secondary rate limit")), strings.Contains(says, "submitted too quickly"):
		explain("rate limited by GitHub", "re-run the job later")
		e.limited = true
		if e.retryAfter == 0 {
			e.retryAfter = secondaryWait
		}
	case e.Status == http.StatusUnauthorized:
		explain("GitHub rejected the token", "check github-token")
	case strings.Contains(says, "resource not accessible by"):
		explain("the token lacks a permission", c.grant())
	case strings.Contains(says, "saml") || header.Get("X-GitHub-SSO") != "":
		explain("the token is not authorized for the organization's single sign-on", "authorize the token for single sign-on, or use the job's own: github-token: ${{ github.token }}")
	case strings.Contains(says, "ip allow list"):
		explain("the organization's IP allow list does not include the runner", "add the runner's address to the IP allow list, or use a runner whose address is on it")
	case strings.Contains(says, "archived"):
		explain("the repository is archived", "unarchive the repository, or disable this workflow")
	case refuses && strings.Contains(says, "is locked"):
		explain("the conversation is locked", "unlock the conversation"+c.orOff())
	case strings.Contains(says, "issues are disabled") || strings.Contains(says, "issues has been disabled"):
		explain("issues are disabled in the repository", "enable issues in the settings of the repository"+c.orOff())
	case e.Status == http.StatusNotFound && c.permission != "":
		e.hint = "GitHub also answers 404 if the token cannot see something: " + c.grant()
	case e.Status == http.StatusNotFound:
		e.hint = wayHint
	case e.Status >= http.StatusInternalServerError:
		e.hint = outageHint
	case refuses:
		e.hint = rulesHint
	default:
		e.hint = oddHint
	}
	return e
}

// redirection explains a redirect. None is followed: the library would send the
// token along. A repository that was renamed or transferred redirects to
// /repositories/ID
// (https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects).
func (g *GitHub) redirection(c call, elsewhere *github.RedirectionError) *APIError {
	e := &APIError{Status: elsewhere.StatusCode, doing: c.doing, reason: "GitHub redirects instead of answering", hint: "check GITHUB_API_URL"}
	base, err := url.Parse(g.client.BaseURL())
	if to := elsewhere.Location; to != nil && err == nil && (to.Host == "" || strings.EqualFold(to.Host, base.Host)) && strings.Contains(to.Path, "/repositories/") {
		e.reason, e.hint = "the repository "+g.event.repository()+" was renamed or transferred", "start a new run in the repository under its new name; a re-run keeps the old one"
	}
	return e
}

// grant says how the token gets the permission for the call.
func (c call) grant() string {
	if c.permission == "" {
		return "give the job `permissions: pull-requests: write` for comment, and `issues: write` for issue-on-failure, or check github-token"
	}
	return "give the job " + c.permission + c.orOff()
}

// orOff says which setting avoids the call.
func (c call) orOff() string {
	if c.off == "" {
		return ""
	}
	return ", or set " + c.off
}

// reason returns GitHub's message, with the first of the details.
func reason(refused *github.ErrorResponse) string {
	text := refused.Message
	if len(refused.Errors) > 0 && refused.Errors[0].Message != "" {
		text += ": " + refused.Errors[0].Message
	}
	if text == "" {
		text = http.StatusText(refused.Response.StatusCode)
	}
	return text
}

// shown shortens a text from GitHub and hides secrets in it.
func (g *GitHub) shown(text string) string { return shown(text, g.hide) }

func shown(text string, hide func(string) string) string {
	return cut(hide(cut(text, maxHidden, utf8.RuneLen)), maxShown, utf8.RuneLen)
}
