package report

import (
	"bytes"
	"cmp"
	"io"
	"math"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/run"
)

// schema is the version of the JSON documents of a run and of doctor.
const schema = 2

// The JSON report. It is for machines: emails are not masked.
type document struct {
	Schema      int         `json:"schema"`
	Version     string      `json:"version"`
	Tenant      string      `json:"tenant"`
	Host        string      `json:"host"` // of the API, and its path
	Simulated   bool        `json:"simulated,omitzero"`
	DryRun      bool        `json:"dry_run"`
	Result      string      `json:"result"`
	Error       string      `json:"error,omitzero"`
	StartedAt   string      `json:"started_at"`
	Duration    float64     `json:"duration_seconds"`
	Source      []run.Input `json:"source"`
	Policy      *PolicyFile `json:"policy,omitzero"`
	GitHub      *GitHub     `json:"github,omitzero"`
	Users       Tally       `json:"users"`
	Groups      Tally       `json:"groups"`
	Memberships Memberships `json:"memberships"`
	Roles       Roles       `json:"roles"`
	OutOfScope  scopeJSON   `json:"out_of_scope"`
	Plan        planJSON    `json:"plan"`
	Retry       retryJSON   `json:"retry"`
	HTTP        httpJSON    `json:"http"`
	Warnings    []warning   `json:"warnings"`
}

type scopeJSON struct {
	DNs    int `json:"dns"`
	People int `json:"people"`
}

type planJSON struct {
	Digest     string          `json:"digest"`
	Refusals   []string        `json:"refusals"`
	Operations []operationJSON `json:"operations"`
	Blocked    []blockedJSON   `json:"blocked"`
	Withheld   []withheldJSON  `json:"withheld"`
	Access     accessJSON      `json:"access"`
}

type blockedJSON struct {
	Object plan.Object `json:"object"`
	Name   string      `json:"name"`
	Reason string      `json:"reason"`
	Roles  []string    `json:"roles"`
}

type withheldJSON struct {
	Kind   plan.WithheldKind   `json:"kind"`
	Group  directory.GroupName `json:"group"`
	Email  directory.Email     `json:"email"`
	Role   string              `json:"role"`
	Reason string              `json:"reason"`
}

type operationJSON struct {
	Action  plan.Action       `json:"action"`
	Object  plan.Object       `json:"object"`
	Name    string            `json:"name"`
	Add     []directory.Email `json:"add"`
	Remove  []directory.Email `json:"remove"`
	LeftOut []directory.Email `json:"left_out,omitzero"` // of Add
	Roles   []string          `json:"roles"`
	attributesJSON
	Was       *attributesJSON  `json:"was,omitzero"` // old values of what changes
	Status    groupsync.Status `json:"status"`
	Attempts  int              `json:"attempts"`
	At        string           `json:"at,omitzero"`         // when it ended; absent if it was not begun
	RequestID string           `json:"request_id,omitzero"` // of the response to the last write
	Error     string           `json:"error"`
}

// attributesJSON are the attributes that an operation sends and that the tenant
// does not have yet.
type attributesJSON struct {
	FirstName   *string `json:"first_name,omitzero"`
	LastName    *string `json:"last_name,omitzero"`
	IDMType     *string `json:"idm_type,omitzero"`
	DisplayName *string `json:"display_name,omitzero"`
	Description *string `json:"description,omitzero"`
	SyncID      *string `json:"sync_id,omitzero"`
}

// attributes returns what an operation sends, and the old values of
// what changes.
func attributes(o *plan.Operation) (now attributesJSON, was *attributesJSON) {
	for _, change := range o.AttributeChanges() {
		*now.of(change.Attribute) = &change.To
		if o.Kind().Sign == plan.Changes {
			was = cmp.Or(was, new(attributesJSON))
			*was.of(change.Attribute) = &change.From
		}
	}
	return now, was
}

func (a *attributesJSON) of(attribute plan.Attribute) **string {
	return map[plan.Attribute]**string{
		plan.FirstName: &a.FirstName, plan.LastName: &a.LastName, plan.IDMKind: &a.IDMType,
		plan.DisplayName: &a.DisplayName, plan.Description: &a.Description, plan.SyncID: &a.SyncID,
	}[attribute]
}

// PolicyFile is the policy file of a run.
type PolicyFile struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"` // in hex
}

// GitHub is where a run comes from. Its fields are as in actions.Origin.
type GitHub struct {
	Repository  string   `json:"repository"`
	SHA         string   `json:"sha"`
	Ref         string   `json:"ref"`
	Event       string   `json:"event"`
	RunID       string   `json:"run_id"`
	RunAttempt  string   `json:"run_attempt"`
	Actor       string   `json:"actor"`
	PullRequest int      `json:"pull_request,omitzero"`
	MergedBy    string   `json:"merged_by,omitzero"`
	ApprovedBy  []string `json:"approved_by,omitzero"`
}

type retryJSON struct {
	countsJSON
	Wait        float64                       `json:"wait_seconds"`
	Budget      *int                          `json:"budget_left"`
	ByCause     map[string]int                `json:"by_cause"`
	Breaker     breakerJSON                   `json:"breaker"`
	ByOperation map[string]operationRetryJSON `json:"by_operation"`
}

type operationRetryJSON struct {
	countsJSON
	Rejected int     `json:"rejected"`
	Wait     float64 `json:"wait_seconds"`
}

type countsJSON struct {
	Attempts  int `json:"attempts"`
	Retries   int `json:"retries"`
	Recovered int `json:"recovered"`
	Exhausted int `json:"exhausted"`
	Permanent int `json:"permanent"`
}

type breakerJSON struct {
	Opened   int `json:"opened"`
	Rejected int `json:"rejected"`
}

type httpJSON struct {
	Requests int     `json:"requests"`
	Retries  int     `json:"retries"`
	P50      float64 `json:"p50_seconds"`
	P95      float64 `json:"p95_seconds"`
	Max      float64 `json:"max_seconds"`
}

type warning struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  string `json:"column"`
	Message string `json:"message"`
}

// JSON returns the report as a document, without secrets.
func (r *Report) JSON(s Sanitizer) ([]byte, error) {
	t, p := r.Tallies(), cmp.Or(r.Plan, new(plan.Plan))
	d := document{
		Schema: schema, Version: r.Version, Tenant: r.Tenant, Host: r.API, Simulated: r.Simulate, DryRun: r.DryRun, Result: r.Code().Verdict(), Error: r.cause(),
		StartedAt: moment(r.Started), Duration: Seconds(r.Duration),
		Source: r.Inputs, Policy: r.Policy, GitHub: r.GitHub,
		Users: t.Users, Groups: t.Groups, Memberships: t.Memberships, Roles: t.Roles, OutOfScope: scopeJSON(r.Stated().OutOfScope),
		Plan: planJSON{
			Digest:     p.Digest,
			Refusals:   each(p.Refusals, func(refusal plan.Refusal) string { return withHint(refusal.Reason, refusal.Hint) }),
			Operations: each(r.results(), operationReport),
			Blocked: each(p.Blocked, func(b plan.Blocked) blockedJSON {
				return blockedJSON{b.Object, b.Name, withHint(b.Reason, b.Hint), directory.RoleNames(b.Roles)}
			}),
			Withheld: each(p.Withheld, func(w plan.Withheld) withheldJSON {
				role := ""
				if w.Kind == plan.RoleRevocation {
					role = w.Role.String()
				}
				return withheldJSON{w.Kind, w.Group, w.Member.Email, role, w.Reason}
			}),
			Access: accessJSON{each(p.Access.Gained, accessReport), each(p.Access.Lost, accessReport)},
		},
		Retry: retryReport(r.Outcome),
		HTTP:  httpJSON{r.HTTP.Requests, r.HTTP.Retries, Seconds(r.HTTP.P50), Seconds(r.HTTP.P95), Seconds(r.HTTP.Max)},
	}
	for _, f := range r.Findings {
		if f.Severity == directory.Warning || f.Line > 0 {
			d.Warnings = append(d.Warnings, warning{f.File, f.Line, f.Column, withHint(f.Message, f.Hint)})
		}
	}
	return s.document(d)
}

func operationReport(result groupsync.Result) operationJSON {
	operation := operationJSON{
		Action: result.Action, Object: result.Object, Name: result.Name(),
		Add: each(result.Add, emailOf), Remove: each(result.Remove, emailOf), Roles: directory.RoleNames(result.RolesChanged()),
		Status: result.Status, Attempts: result.Attempts, At: moment(result.Ended), RequestID: result.RequestID,
	}
	if result.Object == plan.User && result.Action == plan.Create { // by a restore
		operation.Roles = directory.RoleNames(result.User.Roles)
	}
	operation.attributesJSON, operation.Was = attributes(result.Operation)
	for _, email := range operation.Add {
		if result.LeftOut[email] {
			operation.LeftOut = append(operation.LeftOut, email)
		}
	}
	if result.Err != nil {
		operation.Error = withHint(result.Err.Error(), retry.HintOf(result.Err))
	}
	return operation
}

// document returns a value as JSON, with secrets hidden in every string except
// keys. Emails are not masked.
func (s Sanitizer) document(value any) ([]byte, error) {
	lenient := json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) // a path may be any bytes
	text, err := json.Marshal(value, lenient, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	from := jsontext.NewDecoder(bytes.NewReader(text), lenient)
	to := jsontext.NewEncoder(&b, lenient, jsontext.WithIndent("  "), jsontext.EscapeForHTML(true), jsontext.EscapeForJS(true))
	for {
		token, err := from.ReadToken()
		switch {
		case err == io.EOF:
			return b.Bytes(), nil
		case err != nil:
			return nil, err
		}
		if in, n := from.StackIndex(from.StackDepth()); token.Kind() == '"' && (in != '{' || n%2 == 0) { // no key
			token = jsontext.String(s.Secrets.Hide(token.String()))
		}
		if err := to.WriteToken(token); err != nil {
			return nil, err
		}
	}
}

// cause returns why the run failed and what to do about it, apart from what the
// plan and the rows say.
func (r *Report) cause() string {
	var causes []string
	for _, f := range having(directory.Error, r.Findings) {
		refusal := f.Kind == directory.Refusal && r.Plan != nil && len(r.Plan.Refusals) > 0
		if !listed(f) && !refusal && f.Kind != directory.Drift {
			causes = append(causes, withHint(prefix(f)+f.Message, f.Hint))
		}
	}
	return strings.Join(causes, "; ")
}

// withHint returns a message with its hint, if there is one.
func withHint(message, hint string) string {
	if hint == "" {
		return message
	}
	return message + " (" + hint + ")"
}

// moment returns a time as the report writes it; "" for the zero time.
func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func retryReport(outcome *groupsync.Outcome) retryJSON {
	if outcome == nil {
		return retryJSON{}
	}
	counts := outcome.Retry
	report := retryJSON{
		countsJSON: countsReport(counts), Wait: Seconds(counts.Wait), Budget: outcome.Budget, ByCause: counts.ByCause,
		Breaker: breakerJSON{outcome.Opened, counts.Rejected}, ByOperation: map[string]operationRetryJSON{},
	}
	for kind, c := range outcome.ByOperation {
		report.ByOperation[kind] = operationRetryJSON{countsReport(c), c.Rejected, Seconds(c.Wait)}
	}
	return report
}

func countsReport(c retry.Counts) countsJSON {
	return countsJSON{c.Attempts, c.Retries, c.Recovered, c.Exhausted, c.Permanent}
}

func emailOf(member plan.Member) directory.Email { return member.Email }

// Seconds is a duration as the report writes it, to a millisecond.
func Seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }
