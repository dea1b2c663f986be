// Package report turns a plan and what became of it into text, Markdown and
// JSON. Each sink has one sanitiser, through which all text from outside goes.
// It does no I/O.
package report

import (
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
)

// Verdict is a run's result in one word.
type Verdict string

// The verdicts.
const (
	Success     Verdict = "success"
	Failed      Verdict = "failed"
	Refused     Verdict = "refused"
	Drift       Verdict = "drift"
	Interrupted Verdict = "interrupted"
)

// HTTP are figures of the requests.
type HTTP struct {
	Requests, Retries int
	P50, P95, Max     time.Duration
}

// Run is all that a report tells. Plan and Outcome are nil where the run ended
// before there was one.
type Run struct {
	Version  string
	Tenant   string
	Simulate bool // it is an embedded one, whatever it is called
	DryRun   bool
	Verdict  Verdict
	Failure  string // why the run as a whole ended early; empty if it did not
	Started  time.Time
	Duration time.Duration
	Problems []directory.Finding
	BadCSV   bool // the CSV ended the run
	People   int  // whom the CSV names; counts where there is no plan
	Groups   int  // which groups it names, likewise
	Plan     *plan.Plan
	Outcome  *groupsync.Outcome
	HTTP     HTTP
	URL      string // where the run can be seen on GitHub; empty: nowhere
	Epilogue string // said before the closing lines; empty: nothing
	Troubles []Note // what went wrong beside the operations; Error: it is one of the failures
}

// place is the tenant as readers are told it.
func (r *Run) place() string { return r.Tenant + r.simulated() }

func (r *Run) simulated() string {
	if r.Simulate && r.Tenant != "simulated" {
		return " (simulated)"
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

// Memberships counts changes of who is in which group.
type Memberships struct {
	Added    int `json:"added"`
	Removed  int `json:"removed"`
	Withheld int `json:"withheld"`
}

// Tallies are the counts of a run.
type Tallies struct {
	Users, Groups Tally
	Memberships   Memberships
	Changed       bool // something was changed or, in a dry run, would be
}

// Tallies counts.
func (r *Run) Tallies() Tallies {
	var t Tallies
	if r.Plan == nil {
		t.Users.Desired, t.Groups.Desired = r.People, r.Groups
		return t
	}
	t.Users = Tally{Desired: r.Plan.Users.Desired, Existing: r.Plan.Users.Existing, Unchanged: r.Plan.Users.Unchanged}
	t.Groups = Tally{Desired: r.Plan.Groups.Desired, Existing: r.Plan.Groups.Existing, Unchanged: r.Plan.Groups.Unchanged, Failed: len(r.Plan.Blocked)}
	t.Memberships.Withheld = len(r.Plan.Withheld)
	if r.DryRun {
		t.plan(r.Plan)
		return t
	}
	if r.Outcome == nil {
		return t
	}
	for i := range r.Outcome.Results {
		switch result := &r.Outcome.Results[i]; result.Status {
		case groupsync.Done:
			t.count(result.Operation, result.Effect)
			t.Memberships.Added += result.Added
			t.Memberships.Removed += result.Removed
		case groupsync.Failed, groupsync.Skipped:
			t.of(result.Object).Failed++
		}
	}
	return t
}

// plan counts what a plan would change.
func (t *Tallies) plan(p *plan.Plan) {
	for i := range p.Operations {
		t.count(&p.Operations[i], p.Operations[i].Action)
	}
	t.Memberships.Added, t.Memberships.Removed = p.Added(), p.Removed()
}

func (t *Tallies) of(object plan.Object) *Tally {
	if object == plan.User {
		return &t.Users
	}
	return &t.Groups
}

func (t *Tallies) count(operation *plan.Operation, effect plan.Action) {
	t.Changed = t.Changed || effect != ""
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

// failures are the groups that were left alone, the operations that failed or
// were skipped, and what failed beside them.
func (r *Run) failures() []failure {
	var all []failure
	if r.Plan != nil {
		for _, blocked := range r.Plan.Blocked {
			all = append(all, failure{"sync group " + string(blocked.Name), blocked.Reason})
		}
	}
	if r.Outcome != nil {
		for i := range r.Outcome.Results {
			if result := &r.Outcome.Results[i]; result.Err != nil {
				all = append(all, failure{string(result.Action) + " " + string(result.Object) + " " + result.Name(), result.Err.Error()})
			}
		}
	}
	for _, trouble := range r.Troubles {
		if trouble.Error {
			all = append(all, failure{trouble.Title, trouble.Message})
		}
	}
	return all
}

type failure struct{ what, cause string }

// problems are the warnings: the plan's, which begin with the CSV's, or the
// CSV's alone where there is no plan.
func (r *Run) problems() []directory.Finding {
	if r.Plan != nil {
		return r.Plan.Problems
	}
	return r.Problems
}

// results are the operations with what became of them.
func (r *Run) results() []groupsync.Result {
	switch {
	case r.Outcome != nil:
		return r.Outcome.Results
	case r.Plan != nil:
		return groupsync.Preview(r.Plan).Results
	}
	return nil
}
