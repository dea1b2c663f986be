package actions

import (
	"encoding/json"
	"io"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Event is what started the run. A field that is unknown, or malformed in the
// event, has its zero value.
type Event struct {
	Name        string    // "push", "pull_request", "schedule" …
	Owner, Repo string    // both or neither
	Ref         string    // "refs/heads/main"
	SHA         string    // commit of the run; for a push, the newest commit pushed
	PullRequest int       // number of the pull request of the event, or of the comment on one; 0 if none
	HeadSHA     string    // head of the pull request at the time of the event
	Fork        bool      // the pull request comes from another repository
	Private     bool      // the repository is known not to be public; otherwise the log may be
	PushedAt    time.Time // of a push
	Command     Command   // of a new comment on a pull request
}

// Command is a new comment on a pull request, which may be a command.
type Command struct {
	ID     int64     // of the comment
	Author string    // login
	At     time.Time // of the comment
	Text   string    // without outer blanks, at most maxCommand bytes
}

const maxCommand = 200

// repository returns "owner/name", or "" if it is unknown.
func (e Event) repository() string {
	if e.Repo == "" {
		return ""
	}
	return e.Owner + "/" + e.Repo
}

// ofPullRequest reports whether this is an event of a pull request or of a
// review of one.
func (e Event) ofPullRequest() bool { return strings.HasPrefix(e.Name, "pull_request") }

// queued returns the number of the pull request at the head of the merge queue; 0
// if this is not a merge queue's event.
func (e Event) queued() int {
	found := queueRefForm.FindStringSubmatch(e.Ref)
	if e.Name != "merge_group" || found == nil {
		return 0
	}
	number, _ := strconv.Atoi(found[1]) // nine digits at most
	return number
}

// Event returns the event of this run, which is read once.
func (e *Edge) Event() Event { return e.event() }

// maxEvent bounds the event file, in bytes. GitHub caps payloads at 25 MB
// (https://docs.github.com/webhooks/webhook-events-and-payloads#payload-cap).
const maxEvent = 32 << 20

// payload is the part of the event file that is used
// (https://docs.github.com/webhooks/webhook-events-and-payloads).
type payload struct {
	Action      string
	Number      int
	After       string
	Repository  payloadRepository
	PullRequest *struct {
		Number int
		Head   struct {
			SHA  string
			Repo *payloadRepository // nil if the fork was deleted
		}
	} `json:"pull_request"`
	Issue struct {
		Number      int
		PullRequest *struct{} `json:"pull_request"` // nil if it is not on a pull request
	}
	Comment struct {
		ID        int64
		Body      string
		CreatedAt string `json:"created_at"`
		User      struct{ Login string }
	}
}

type payloadRepository struct {
	FullName   string `json:"full_name"`
	Private    bool
	Visibility string
	PushedAt   json.RawMessage `json:"pushed_at"` // seconds in a push, otherwise a date
}

// readPayload reads the event file. A broken file yields an empty payload.
func readPayload(path string) payload {
	file, err := os.Open(path)
	if err != nil {
		return payload{}
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxEvent+1))
	var p payload
	if err != nil || len(data) > maxEvent || json.Unmarshal(data, &p) != nil {
		return payload{}
	}
	return p
}

// readEvent joins the event file and the environment, which wins.
func readEvent(getenv func(string) string) Event {
	p := readPayload(getenv("GITHUB_EVENT_PATH"))
	event := Event{
		Name:    getenv("GITHUB_EVENT_NAME"),
		Ref:     getenv("GITHUB_REF"),
		SHA:     firstMatch(commitForm, getenv("GITHUB_SHA"), p.After),
		Private: p.Repository.Private || p.Repository.Visibility == "private" || p.Repository.Visibility == "internal",
	}
	event.Owner, event.Repo, _ = strings.Cut(firstMatch(repositoryForm, getenv("GITHUB_REPOSITORY"), p.Repository.FullName), "/")
	if event.ofPullRequest() {
		event.PullRequest = pullRequestNumber(p, event.Ref)
		if pr := p.PullRequest; pr != nil {
			event.HeadSHA = firstMatch(commitForm, pr.Head.SHA)
			event.Fork = pr.Head.Repo == nil || !strings.EqualFold(pr.Head.Repo.FullName, event.repository())
		}
	}
	switch {
	case event.Name == "push":
		event.PushedAt = pushedAt(p)
	case event.Name == "issue_comment" && p.Issue.PullRequest != nil:
		event.PullRequest = max(p.Issue.Number, 0)
		event.Command = newCommand(p)
	}
	return event
}

func pushedAt(p payload) time.Time {
	if seconds, err := strconv.ParseInt(string(p.Repository.PushedAt), 10, 64); err == nil && seconds > 0 {
		return time.Unix(seconds, 0)
	}
	return time.Time{}
}

// newCommand returns the comment that was just created; an edited one is not a
// command.
func newCommand(p payload) Command {
	at, err := time.Parse(time.RFC3339, p.Comment.CreatedAt)
	author := firstMatch(loginForm, p.Comment.User.Login)
	text := strings.TrimSpace(p.Comment.Body)
	if p.Action != "created" || err != nil || author == "" || len(text) > maxCommand {
		return Command{}
	}
	return Command{ID: p.Comment.ID, Author: author, At: at, Text: text}
}

func pullRequestNumber(p payload, ref string) int {
	if p.PullRequest != nil && p.PullRequest.Number > 0 {
		return p.PullRequest.Number
	}
	if p.Number > 0 {
		return p.Number
	}
	if found := pullRefForm.FindStringSubmatch(ref); found != nil {
		number, _ := strconv.Atoi(found[1]) // nine digits at most
		return number
	}
	return 0
}

// The forms of values that end up in URLs and Markdown.
var (
	commitForm     = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
	repositoryForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*/([A-Za-z0-9_-]|\.[A-Za-z0-9_-]|\.\.[A-Za-z0-9_.-])[A-Za-z0-9_.-]*$`)
	pullRefForm    = regexp.MustCompile(`^refs/pull/([1-9][0-9]{0,8})/(merge|head)$`)
	queueRefForm   = regexp.MustCompile(`^refs/heads/gh-readonly-queue/.+/pr-([1-9][0-9]{0,8})-[0-9a-f]{40}([0-9a-f]{24})?$`)
	loginForm      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)
	numberForm     = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	plainURLForm   = regexp.MustCompile(`^https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._/-]*)?(#[A-Za-z0-9-]+)?$`)
)

// firstMatch returns the first of the texts that has the form, or "".
func firstMatch(form *regexp.Regexp, texts ...string) string {
	for _, text := range texts {
		if form.MatchString(text) {
			return text
		}
	}
	return ""
}

// RunURL returns the URL of this run, or "" if it is unknown. It is safe in
// Markdown.
func (e *Edge) RunURL() string {
	event, run := e.Event(), firstMatch(numberForm, e.getenv("GITHUB_RUN_ID"))
	if event.Repo == "" || run == "" {
		return ""
	}
	page := strings.TrimSuffix(e.getenv("GITHUB_SERVER_URL"), "/") + "/" + event.repository() + "/actions/runs/" + run
	if attempt := firstMatch(numberForm, e.getenv("GITHUB_RUN_ATTEMPT")); attempt != "" {
		page += "/attempts/" + attempt
	}
	return plainURL(page)
}

// plainURL returns the URL if it is safe in Markdown and a log, else "".
func plainURL(text string) string {
	if !isSecure(text) || !plainURLForm.MatchString(text) {
		return ""
	}
	return text
}

// isSecure reports whether requests to a URL are safe from eavesdropping.
func isSecure(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	address, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (strings.EqualFold(u.Hostname(), "localhost") || err == nil && address.IsLoopback())
}
