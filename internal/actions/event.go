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
)

// Event is what the run was started by. What is not known, or does not have
// the form that it should, is the zero value.
type Event struct {
	Name        string // "push", "pull_request", "schedule" …
	Owner, Repo string // both or neither
	Ref         string // "refs/heads/main"
	SHA         string // of the commit that the run is for; of a push the newest pushed one
	PullRequest int    // its number; 0: the event is not of one
	HeadSHA     string // of the pull request's branch when the event happened
	Fork        bool   // the pull request comes from another repository
	Private     bool   // the repository is known not to be public
}

// repository is "owner/name", empty where it is not known.
func (e Event) repository() string {
	if e.Repo == "" {
		return ""
	}
	return e.Owner + "/" + e.Repo
}

// ofPullRequest tells events of pull requests, reviews of them included.
func (e Event) ofPullRequest() bool { return strings.HasPrefix(e.Name, "pull_request") }

// Event is the event of this run, read once.
func (e *Edge) Event() Event { return e.event() }

// Private tells whether the event says that the repository is private. Where
// it does not say, the answer is no: the log may be public.
func (e *Edge) Private() bool { return e.Event().Private }

// maxEvent bounds the event file, in bytes; GitHub's payloads end at 25 MB.
const maxEvent = 32 << 20

// payload is what counts of the event file.
type payload struct {
	Number      int
	After       string
	Repository  payloadRepository
	PullRequest *struct {
		Number int
		Head   struct {
			SHA  string
			Repo *payloadRepository // nil: the fork is deleted
		}
	} `json:"pull_request"`
}

type payloadRepository struct {
	FullName   string `json:"full_name"`
	Private    bool
	Visibility string
}

// readPayload reads the event file; nothing of one that is not whole.
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

// readEvent joins the event file with the environment, which counts first.
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
	return event
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

// The forms of what goes on into URLs and Markdown.
var (
	commitForm     = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
	repositoryForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*/([A-Za-z0-9_-]|\.[A-Za-z0-9_-]|\.\.[A-Za-z0-9_.-])[A-Za-z0-9_.-]*$`)
	pullRefForm    = regexp.MustCompile(`^refs/pull/([1-9][0-9]{0,8})/(merge|head)$`)
	numberForm     = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	plainURLForm   = regexp.MustCompile(`^https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._/-]*)?(#[A-Za-z0-9-]+)?$`)
)

// firstMatch is the first of the texts that has the form; empty where none has.
func firstMatch(form *regexp.Regexp, texts ...string) string {
	for _, text := range texts {
		if form.MatchString(text) {
			return text
		}
	}
	return ""
}

// RunURL is the page of this run; empty where it is not known. It is fit for
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

// plainURL is the URL if it is safe in Markdown and a log; else it is empty.
func plainURL(text string) string {
	if _, secure := secureURL(text); !secure || !plainURLForm.MatchString(text) {
		return ""
	}
	return text
}

// secureURL tells URLs of which nobody on the way can read the requests.
func secureURL(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" {
		return nil, false
	}
	if u.Scheme == "https" {
		return u, true
	}
	address, err := netip.ParseAddr(u.Hostname())
	return u, u.Scheme == "http" && (strings.EqualFold(u.Hostname(), "localhost") || err == nil && address.IsLoopback())
}
