package actions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/google/go-github/v88/github"

	"xc-group-sync/internal/retry"
)

// APIError is a request that GitHub refused.
type APIError struct {
	Status  int
	Message string // GitHub's, bounded, without the token

	call    call
	limited bool // the refusal is of the pace, not of the request
}

func (e *APIError) Error() string {
	reason := fmt.Sprintf("HTTP %d %s", e.Status, e.Message)
	switch {
	case e.limited:
		return fmt.Sprintf("could not %s (%s): GitHub limits how often it is asked; run the job again later", e.call.doing, reason)
	case e.Status == http.StatusUnauthorized:
		return fmt.Sprintf("could not %s (%s): GitHub does not accept the token; check github-token", e.call.doing, reason)
	case e.call.permission != "" && (e.Status == http.StatusForbidden || e.Status == http.StatusNotFound || e.Status == http.StatusGone):
		return fmt.Sprintf("the token may not %s (%s): give the job %s", e.call.doing, reason, e.call.permission)
	}
	return fmt.Sprintf("could not %s (%s)", e.call.doing, reason)
}

// pathError is an error on the way to GitHub or back, with a text that is fit
// to be shown.
type pathError struct {
	text string
	err  error
}

func (e *pathError) Error() string { return e.text }
func (e *pathError) Unwrap() error { return e.err }

// failure makes of the library's errors what people can act on.
func (g *GitHub) failure(c call, err error) error {
	var (
		refused   *github.ErrorResponse
		limited   *github.RateLimitError
		abused    *github.AbuseRateLimitError
		factor    *github.TwoFactorAuthError
		elsewhere *github.RedirectionError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &abused):
		refusal := &APIError{Status: abused.Response.StatusCode, Message: g.shown(abused.Message), call: c, limited: true}
		return retry.Answered(refusal, http.StatusTooManyRequests, abused.GetRetryAfter()) // a 403, often
	case errors.As(err, &limited):
		// Its end may be an hour off, so it is not waited for.
		reason := fmt.Sprintf("HTTP %d %s", limited.Response.StatusCode, g.shown(limited.Message))
		return &pathError{"could not " + c.doing + " (" + reason + "): the token's requests are used up; run the job again later", err}
	case errors.As(err, &factor):
		refused = (*github.ErrorResponse)(factor)
	case errors.As(err, &elsewhere):
		return retry.Answered(&APIError{Status: elsewhere.StatusCode, Message: "it redirects instead of answering; check GITHUB_API_URL", call: c}, elsewhere.StatusCode, 0)
	}
	if refused != nil || errors.As(err, &refused) {
		status := refused.Response.StatusCode
		return retry.Answered(&APIError{Status: status, Message: g.reason(refused), call: c}, status, retry.ParseAfter(refused.Response.Header.Get("Retry-After")))
	}
	fault := retry.Unanswered(err)
	if errors.Is(err, context.Canceled) {
		fault.Err = fmt.Errorf("could not %s: %w", c.doing, err)
	} else {
		fault.Err = &pathError{"could not " + c.doing + ": " + g.shown(err.Error()), err}
	}
	return fault
}

// reason is what GitHub says, with the first of the details.
func (g *GitHub) reason(refused *github.ErrorResponse) string {
	text := refused.Message
	if len(refused.Errors) > 0 && refused.Errors[0].Message != "" {
		text += ": " + refused.Errors[0].Message
	}
	if text == "" {
		text = http.StatusText(refused.Response.StatusCode)
	}
	return g.shown(text)
}

// shown bounds a text from GitHub, and takes out the token that a server might
// echo.
func (g *GitHub) shown(text string) string {
	return cut(strings.ReplaceAll(text, g.token, "***"), maxShown, utf8.RuneLen)
}
