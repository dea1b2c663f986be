// Package report turns a run's result into text, Markdown and JSON. Each sink has
// one sanitizer, through which all text from outside passes. It does no I/O.
package report

import (
	"slices"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/run"
)

// HTTP are figures about the requests of a run.
type HTTP struct {
	Requests, Retries int
	P50, P95, Max     time.Duration
}

// Report is a run's result, and what else readers must know.
type Report struct {
	*run.Result
	Version  string
	Tenant   string
	API      string // host and path; empty for the embedded tenant
	Simulate bool   // the tenant is the embedded one, whatever its name
	Sample   bool   // and holds the sample
	HTTP     HTTP
	URL      string // of the run on GitHub; empty: none

	Policy *PolicyFile // nil: none
	GitHub *GitHub     // nil: not in Actions

	Told int // how many of the findings, from the first, the reader of the text has seen
}

// simulated returns what follows the tenant's name if the tenant is embedded.
func (r *Report) simulated() string {
	switch {
	case r.Sample:
		return " (an embedded sample tenant)"
	case r.Simulate:
		return " (an embedded tenant)"
	}
	return ""
}

// Tally counts the outcomes for one kind of object. In a dry run it counts what
// would be done.
type Tally struct {
	Desired   int `json:"desired"`
	Existing  int `json:"existing"`
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Deleted   int `json:"deleted"`
	Unchanged int `json:"unchanged"`
	Failed    int `json:"failed"`
}

// Memberships counts changes to who is in which group.
type Memberships struct {
	Added    int `json:"added"`
	Removed  int `json:"removed"`
	Withheld int `json:"withheld"`
}

// Roles counts single roles of groups, those of new groups included.
type Roles struct {
	Granted int `json:"granted"`
	Revoked int `json:"revoked"`
}

// Tallies are the counts of a run.
type Tallies struct {
	Users, Groups Tally
	Memberships   Memberships
	Roles         Roles
	Changed       bool // something was changed or, in a dry run, would be
}

// Tallies counts the outcomes of the plan or, in a dry run, what would be done.
func (r *Report) Tallies() Tallies {
	var t Tallies
	if r.Plan == nil {
		t.Users.Desired, t.Groups.Desired = len(r.Stated().People), len(r.Stated().Groups)
		return t
	}
	t.Users = Tally{Desired: r.Plan.Users.Desired, Existing: r.Plan.Users.Existing, Unchanged: r.Plan.Users.Unchanged}
	t.Groups = Tally{Desired: r.Plan.Groups.Desired, Existing: r.Plan.Groups.Existing, Unchanged: r.Plan.Groups.Unchanged}
	for _, blocked := range r.Plan.Blocked {
		t.of(blocked.Object).Failed++
	}
	t.Memberships.Withheld = r.Plan.WithheldMemberships()
	switch {
	case r.DryRun:
		t.plan(r.Plan)
	case r.Outcome != nil:
		t.results(len(r.Outcome.Results), func(i int) groupsync.Result { return r.Outcome.Results[i] })
	}
	return t
}

// plan counts what a plan would change.
func (t *Tallies) plan(p *plan.Plan) {
	t.results(len(p.Operations), func(i int) groupsync.Result {
		o := &p.Operations[i]
		return groupsync.Result{
			Operation: o, Status: groupsync.Done, Effect: o.Action,
			Added: len(o.Add), Removed: o.Removals(), RolesWritten: len(o.RolesChanged()),
		}
	})
}

// results counts the outcomes of n operations. A group counts once,
// even with several operations: as failed if one of them failed.
func (t *Tallies) results(n int, of func(i int) groupsync.Result) {
	fates := map[directory.GroupName]fate{}
	for i := range n {
		result := of(i)
		t.Changed = t.Changed || result.Effect != ""
		t.Memberships.Added += result.Added
		t.Memberships.Removed += result.Removed
		if result.Action == plan.Revoke {
			t.Roles.Revoked += result.RolesWritten
		} else {
			t.Roles.Granted += result.RolesWritten
		}
		if result.Object == plan.User {
			t.Users.count(fateOf(&result))
		} else {
			fates[result.Group.Name] = max(fates[result.Group.Name], fateOf(&result))
		}
	}
	for _, fate := range fates {
		t.Groups.count(fate)
	}
}

func (t *Tallies) of(object plan.Object) *Tally {
	if object == plan.User {
		return &t.Users
	}
	return &t.Groups
}

// fate is the outcome for an object. If several apply, the greatest counts.
type fate int

const (
	open fate = iota // nothing was begun
	unchanged
	updated
	created
	deleted
	failed
)

func fateOf(result *groupsync.Result) fate {
	switch result.Status {
	case groupsync.Failed, groupsync.Skipped:
		return failed
	case groupsync.Planned:
		return open
	}
	switch plan.KindOf(result.Object, result.Effect).Sign {
	case plan.Creates:
		return created
	case plan.Changes:
		return updated
	case plan.Deletes:
		return deleted
	}
	return unchanged
}

func (t *Tally) count(f fate) {
	switch f {
	case unchanged:
		t.Unchanged++
	case updated:
		t.Updated++
	case created:
		t.Created++
	case deleted:
		t.Deleted++
	case failed:
		t.Failed++
	}
}

// results returns the operations with their outcomes.
func (r *Report) results() []groupsync.Result {
	switch {
	case r.Outcome != nil:
		return r.Outcome.Results
	case r.Plan != nil:
		return groupsync.Preview(r.Plan).Results
	}
	return nil
}

// having returns the findings with a severity, in order.
func having(severity directory.Severity, findings []directory.Finding) []directory.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f directory.Finding) bool { return f.Severity != severity })
}
