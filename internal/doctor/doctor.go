// Package doctor checks whether a sync would work: settings, network,
// credentials, the tenant, and what the CSV means for it. It changes nothing and
// renders nothing: a check is a value.
package doctor

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/run"
	"xc-group-sync/internal/xc"
)

// Status is how a check ended.
type Status string

// The statuses.
const (
	OK   Status = "ok"
	Warn Status = "warn" // a sync can run, but look at this first; also for checks that were not made
	Fail Status = "FAIL" // a sync cannot run
)

// Check is one thing that was looked at, with the keys of the JSON report.
type Check struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	File   string `json:"file"` // as in directory.Finding, with Line and Column
	Line   int    `json:"line"`
	Column string `json:"column"`
	Detail string `json:"detail"` // one sentence, lower case, without a final stop
	Items  []Item `json:"items"`  // everything that Detail is about; may be empty
	Hint   string `json:"hint"`   // what to do about it; may be empty

	Subject string         `json:"-"` // text in Detail that names a person; may be empty
	Kind    directory.Kind `json:"-"` // of a Fail: decides the exit code
}

// Item is a person or a group that a check is about.
type Item struct {
	Name  string `json:"name"` // email or username of a person, API name of a group
	Note  string `json:"note"` // may be empty
	Group bool   `json:"-"`
}

// The names of the checks, in the order in which they are shown.
const (
	Settings    = "settings"
	Certificate = "client certificate"
	TenantName  = "tenant"
	DNS         = "dns"
	TCP         = "tcp"
	Proxy       = "proxy"
	TLS         = "tls"
	Clock       = "clock"
	Credentials = "credentials"
	Reading     = "users and groups"
	UserType    = "user type"
	SCIM        = "scim"
	CSV         = "csv"
	Adopt       = "adopt"
	NewUsers    = "new users"
	Changes     = "plan"
	LastLogin   = "last login"
	Unlisted    = "not in the csv"
	DirectRoles = "direct roles"
	NoRoles     = "groups without roles"
)

var names = []string{
	Settings, Certificate, TenantName, DNS, TCP, Proxy, TLS, Clock, Credentials, Reading, UserType, SCIM,
	CSV, Adopt, NewUsers, Changes, LastLogin, Unlisted, DirectRoles, NoRoles,
}

// Options describe what to check.
type Options struct {
	Tenant        string
	APIURL        string              // empty for the embedded tenant
	Certificate   *x509.Certificate   // the client's; nil: none
	ExpiryWarning int                 // days; 0: off
	Policy        plan.Policy         // without the caller
	Warnings      []directory.Finding // about the settings
	Source        run.Source          // the CSV; nil: none is given
	Now           time.Time           // when the checks begin
	Log           *slog.Logger        // nil: silent
}

// Result is all checks, in order.
type Result struct {
	Checks []Check
	Inputs []run.Input // files that Options.Source was read from
}

// Code returns the exit code for the failed checks.
func (r *Result) Code() run.Code {
	var failed run.Result
	for _, check := range r.Checks {
		if check.Status == Fail {
			failed.Findings = append(failed.Findings, directory.Finding{Severity: directory.Error, Kind: check.Kind})
		}
	}
	return failed.Code()
}

// Run makes all checks. tenant must send its requests through probe, which must
// be unused. Run sends requests only through Observe and WhoAmI.
func Run(ctx context.Context, tenant run.Tenant, probe *Probe, options Options) *Result {
	e := &examination{Options: options, tenant: tenant, probe: probe}
	e.settings()
	if options.Certificate == nil {
		e.add(Check{Name: Certificate, Status: OK, Detail: "none is used"})
	} else {
		e.add(CheckCertificate(options.Certificate, options.Now, options.ExpiryWarning))
	}
	if e.identify(ctx) {
		e.read(ctx)
	}
	e.tenantName()
	if options.Source != nil {
		e.csv(ctx)
	}
	return e.result(options.Source != nil)
}

// Unready returns the result for invalid settings: nothing else can be checked.
// csv is whether a CSV was given.
func Unready(invalid []directory.Finding, csv bool) *Result {
	e := &examination{}
	for _, f := range invalid {
		f.Severity, f.Kind = directory.Error, directory.BadSettings
		e.found(Settings, f)
	}
	return e.result(csv)
}

type examination struct {
	Options
	tenant   run.Tenant
	probe    *Probe
	caller   directory.User
	observed *directory.Observed // nil: not read
	checks   []Check
	inputs   []run.Input
	unknown  error // why the caller is unknown
}

// found adds a check that ended with a finding.
func (e *examination) found(name string, f directory.Finding) {
	check := Check{Name: name, Status: Warn, File: f.File, Line: f.Line, Column: f.Column, Detail: f.Message, Hint: f.Hint}
	if !f.Kind.OfGroup() {
		check.Subject = f.Subject
	}
	if f.Severity == directory.Error {
		check.Status, check.Kind = Fail, f.Kind
	}
	e.add(check)
}

func (e *examination) add(check Check) { e.checks = append(e.checks, check) }

func (e *examination) ok(name, format string, args ...any) {
	e.add(Check{Name: name, Status: OK, Detail: fmt.Sprintf(format, args...)})
}

func (e *examination) warn(name, hint, format string, args ...any) {
	e.add(Check{Name: name, Status: Warn, Detail: fmt.Sprintf(format, args...), Hint: hint})
}

// result puts the checks in order and adds those that could not be made; csv:
// also those of the CSV.
func (e *examination) result(csv bool) *Result {
	failed := slices.IndexFunc(e.checks, func(c Check) bool { return c.Status == Fail })
	for i, name := range names {
		made := slices.ContainsFunc(e.checks, func(c Check) bool { return c.Name == name })
		if made || !csv && i >= slices.Index(names, CSV) {
			continue
		}
		detail := "not checked"
		if failed >= 0 {
			detail += ": " + e.checks[failed].Name + " failed"
		}
		e.warn(name, "", "%s", detail)
	}
	slices.SortStableFunc(e.checks, func(a, b Check) int { return slices.Index(names, a.Name) - slices.Index(names, b.Name) })
	return &Result{e.checks, e.inputs}
}

func (e *examination) settings() {
	for _, f := range e.Warnings {
		e.found(Settings, f)
	}
	if len(e.Warnings) == 0 {
		e.ok(Settings, "valid")
	}
}

// identify asks who the caller is, and adds the network's checks by how far this
// request got. It reports whether to go on and read the tenant.
func (e *examination) identify(ctx context.Context) bool {
	caller, err := e.tenant.WhoAmI(ctx)
	if ctx.Err() != nil {
		e.interrupted(Credentials)
		return false
	}
	if !e.network(err) {
		return false
	}
	switch {
	case err == nil:
		e.caller = caller
		e.add(Check{Name: Credentials, Status: OK, Detail: "accepted; they belong to", Items: []Item{{Name: nameOf(&caller), Note: role(&caller)}}})
	case retry.FaultOf(err).Unauthenticated:
		e.add(Check{Name: Credentials, Status: Fail, Detail: reason(err), Hint: retry.HintOf(err), Kind: directory.Authentication})
		return false
	default:
		// A run also goes on: reading shows whether it can.
		e.unknown = err
		e.warn(Credentials, retry.HintOf(err), "could not identify the credentials' own user, so a sync deletes nobody: %s", reason(err))
	}
	return true
}

func (e *examination) read(ctx context.Context) {
	observed, err := e.tenant.Observe(ctx)
	switch {
	case ctx.Err() != nil:
		e.interrupted(Reading)
		return
	case err != nil:
		kind := directory.TenantUnread
		if xc.Refused(err) {
			kind = directory.Authentication
		}
		e.add(Check{Name: Reading, Status: Fail, Detail: reason(err), Hint: retry.HintOf(err), Kind: kind})
		return
	}
	e.observed = observed
	owned := 0
	for i := range observed.Groups {
		if plan.Owned(&observed.Groups[i]) {
			owned++
		}
	}
	e.ok(Reading, "read %s, and %s, of which this program created %d", count(len(observed.Users), "user"), count(len(observed.Groups), "group"), owned)
	e.userType()
	e.scim()
}

func (e *examination) interrupted(name string) {
	e.add(Check{Name: name, Status: Fail, Detail: "interrupted", Kind: directory.Interrupted})
}

func nameOf(user *directory.User) string { return cmp.Or(string(user.Email), string(user.Username)) }

// role describes a user who is not an ordinary one.
func role(user *directory.User) string {
	switch {
	case user.DomainOwner:
		return "domain owner"
	case user.Type == directory.TypeService:
		return "service user"
	}
	return ""
}

// reason returns a request's error without the name of the operation.
func reason(err error) string {
	var request *xc.Error
	if errors.As(err, &request) {
		return request.Error()
	}
	return err.Error()
}

func count(n int, what string) string { return directory.Count(n, what, what+"s") }
