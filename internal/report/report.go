// Package report turns a run's result into text, Markdown and JSON. Each sink
// has one sanitizer, which all text from outside passes. It does no I/O.
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

// Report is a run's result and what readers must know beside it.
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

// place is the tenant as readers see it.
func (r *Report) place() string { return r.Tenant + r.simulated() }

func (r *Report) simulated() string {
	switch {
	case r.Sample:
		return " (an embedded sample tenant)"
	case r.Simulate:
		return " (an embedded tenant)"
	}
	return ""
}

// Tally counts what became of one kind of object. In a dry run it counts what
// would become of it.
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

// Tallies counts what became of the plan or, in a dry run, what would.
func (r *Report) Tallies() Tallies {
	var t Tallies
	if r.Plan == nil {
		t.Users.Desired, t.Groups.Desired = r.People, r.Groups
		return t
	}
	t.Users = Tally{Desired: r.Plan.Users.Desired, Existing: r.Plan.Users.Existing, Unchanged: r.Plan.Users.Unchanged}
	t.Groups = Tally{Desired: r.Plan.Groups.Desired, Existing: r.Plan.Groups.Existing, Unchanged: r.Plan.Groups.Unchanged}
	for _, blocked := range r.Plan.Blocked {
		t.of(blocked.Object).Failed++
	}
	t.Memberships.Withheld = r.Plan.WithheldMemberships()
	if r.DryRun {
		t.plan(r.Plan)
		return t
	}
	if r.Outcome == nil {
		return t
	}
	failed := map[directory.GroupName]bool{}
	objects := wholeGroups(r.Plan)
	for i := range r.Outcome.Results {
		switch result := &r.Outcome.Results[i]; result.Status {
		case groupsync.Done:
			t.count(result.Operation, result.Effect, objects)
			t.Memberships.Added += result.Added
			t.Memberships.Removed += result.Removed
		case groupsync.Failed, groupsync.Skipped:
			if result.Object == plan.User || !failed[result.Group.Name] {
				t.of(result.Object).Failed++
			}
			failed[result.Group.Name] = result.Object == plan.Group
		}
	}
	return t
}

// wholeGroups names the groups that a plan creates, updates or deletes: what it
// grants them and revokes is part of that.
func wholeGroups(p *plan.Plan) map[directory.GroupName]bool {
	groups := map[directory.GroupName]bool{}
	for i := range p.Operations {
		if o := &p.Operations[i]; o.Object == plan.Group && o.Action != plan.Grant && o.Action != plan.Revoke {
			groups[o.Group.Name] = true
		}
	}
	return groups
}

// plan counts what a plan would change.
func (t *Tallies) plan(p *plan.Plan) {
	objects := wholeGroups(p)
	for i := range p.Operations {
		t.count(&p.Operations[i], p.Operations[i].Action, objects)
	}
	t.Memberships.Added, t.Memberships.Removed = p.Added(), p.Removed()
}

func (t *Tallies) of(object plan.Object) *Tally {
	if object == plan.User {
		return &t.Users
	}
	return &t.Groups
}

// count counts an operation by its effect. A group that is only granted roles, or
// that they are revoked of, counts once, as updated; counted are the groups that
// need not be counted any more for that.
func (t *Tallies) count(operation *plan.Operation, effect plan.Action, counted map[directory.GroupName]bool) {
	t.Changed = t.Changed || effect != ""
	roles := len(operation.RolesChanged())
	switch effect {
	case plan.Revoke:
		t.Roles.Revoked += roles
	case plan.Grant, plan.Create:
		t.Roles.Granted += roles
	}
	if operation.Action == plan.Grant || operation.Action == plan.Revoke {
		if counted[operation.Group.Name] {
			return
		}
		counted[operation.Group.Name] = true
		if effect != "" {
			effect = plan.Update
		}
	}
	t.of(operation.Object).count(effect)
}

func (t *Tally) count(effect plan.Action) {
	switch effect {
	case plan.Create:
		t.Created++
	case plan.Update:
		t.Updated++
	case plan.Delete:
		t.Deleted++
	default:
		t.Unchanged++
	}
}

// results are the operations with what became of them.
func (r *Report) results() []groupsync.Result {
	switch {
	case r.Outcome != nil:
		return r.Outcome.Results
	case r.Plan != nil:
		return groupsync.Preview(r.Plan).Results
	}
	return nil
}

// having returns the findings of a severity, in their order.
func (r *Report) having(severity directory.Severity) []directory.Finding {
	return having(severity, r.Findings)
}

func having(severity directory.Severity, findings []directory.Finding) []directory.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f directory.Finding) bool { return f.Severity != severity })
}
