// Package config turns flags, action inputs, environment, the policy file and
// defaults into a validated Config. One table of settings drives that, and help,
// completion, action.yml, docs/settings.md and the JSON schema of the policy file
// are generated from it. The package reads the policy file and touches nothing
// else outside the process.
package config

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/roster"
	"xc-group-sync/internal/xc"
)

// Config is a run's settings, valid by themselves and together.
type Config struct {
	CSV      []string // of Sync and Explain, and optionally of Doctor: paths and globs; - is standard input
	Roster   roster.Options
	Snapshot string // of Restore and Export
	Tenant   string // never empty: the host of the API where no tenant is named
	APIURL   string // without a trailing slash or /api; empty with Simulate
	// OwnTenant is the tenant's name if it was given by name and the API is at
	// the address that follows from the name, so that a policy file that names it
	// leads to the same API; otherwise it is empty.
	OwnTenant string

	Credential  Credential // which of these counts
	APIToken    string
	P12File     string
	P12Base64   string
	P12Password string
	CertFile    string
	KeyFile     string
	// ExpiryWarning is how many days before the client certificate expires a run
	// warns; 0: never.
	ExpiryWarning int

	Simulate       bool
	SimulateState  []string // a snapshot, or a CSV and a policy file; empty: a sample
	SimulateFaults float64  // share, 0 to 1

	DryRun      bool
	Yes         bool        // apply without asking
	Policy      plan.Policy // without the caller, which a run looks up
	PolicyFile  PolicyFile  // zero if there is none
	ExpectPlan  string      // a digest, or PullRequest; empty: any
	FailOnDrift bool
	Strict      bool

	groupsync.Options // of the sync service; RetryAfterMax and Concurrency also of the client

	HTTPAttempts int
	HTTPScope    xc.Scope
	Timeout      time.Duration
	RateLimit    float64 // requests a second; 0: no limit

	Proxy    string // URL; empty: as the environment says
	CABundle string

	Summary        bool
	Comment        Tristate
	PullRequest    int  // to comment on, if the event names none; 0: none
	ApproveMasked  bool // comments with masked emails approve
	IssueOnFailure bool
	GitHubToken    string
	MaskEmails     Tristate
	ReportFile     string

	Output       string // of Export; - is standard output
	PolicyOutput string // of Export; empty: none

	SnapshotFile string // empty: none is taken
	LogLevel     slog.Level
	LogFormat    string // "text" or "json"

	// Warnings are about settings that are valid but probably not meant.
	Warnings []directory.Finding

	secrets []string // see Secrets
}

// PolicyFile is the policy file; zero if none is named.
type PolicyFile struct {
	Path   string
	SHA256 string // of its content, in hex
}

// PullRequest stands for the digest that the pull request's comment showed.
const PullRequest = "pull-request"

// Tristate is a choice that may be left to the program.
type Tristate string

// The choices of a Tristate.
const (
	Auto Tristate = "auto"
	Yes  Tristate = "true"
	No   Tristate = "false"
)

// Credential is a kind of credentials, by the setting that gives it.
type Credential string

// The kinds of credentials.
const (
	NoCredential Credential = "" // with Simulate, or if the one that counts is invalid
	ByToken      Credential = "api-token"
	ByP12File    Credential = "p12-file"
	ByP12Base64  Credential = "p12-base64"
	ByPEM        Credential = "cert-file"
)

// Errors are all errors in the settings, one finding each.
type Errors []directory.Finding

// Error returns a line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, finding := range e {
		if finding.File != "" {
			lines[i] = finding.File + ":"
			if finding.Line > 0 {
				lines[i] += fmt.Sprintf("%d:%s:", finding.Line, finding.Column)
			}
			lines[i] += " "
		}
		lines[i] += finding.Message
	}
	return strings.Join(lines, "\n")
}
