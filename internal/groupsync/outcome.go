package groupsync

import (
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
)

// Status is what became of an operation.
type Status string

// The statuses, as reports name them.
const (
	Planned Status = "planned" // not begun
	Done    Status = "done"
	Failed  Status = "failed"
	Skipped Status = "skipped" // left alone on purpose; counts as failed
)

// Result is what became of one operation.
type Result struct {
	*plan.Operation
	Status   Status
	Attempts int
	Err      error // of a failed or skipped one
	// Effect is what a done operation turned out to do: its Action, or Update
	// for a group that was there already, or empty where nothing was left to do.
	Effect plan.Action
	// Added and Removed count the memberships that a done operation changed.
	Added, Removed int
	// LeftOut are the people who could not be created: the group was synced
	// without those of them in Add. Nil where it needs none of them.
	LeftOut map[directory.Email]bool

	ambiguous bool // an attempt failed in a way that leaves open whether it was carried out
}

// unsettled tells whether the tenant must say if a user that was to be created
// exists, or as whom.
func (r *Result) unsettled() bool {
	return r.Object == plan.User && r.Action == plan.Create &&
		(r.Status == Done && r.Effect == "" || r.Status == Failed && r.ambiguous)
}

// Outcome is what became of a plan.
type Outcome struct {
	Results []Result // one for each operation of the plan, in its order
	Retry   retry.Counts
	// ByOperation are the parts of Retry, by kind of operation ("create user");
	// kinds that nothing was tried of are left out.
	ByOperation map[string]retry.Counts
	Budget      *int  // what is left of the retry budget; nil where there is none
	Opened      int   // how often the circuit breaker opened
	Stopped     error // the cause of the context's end, if it ended before the plan did
}

// Preview is the outcome of a plan that is not carried out.
func Preview(p *plan.Plan) *Outcome {
	o := &Outcome{Results: make([]Result, len(p.Operations))}
	for i := range p.Operations {
		o.Results[i] = Result{Operation: &p.Operations[i], Status: Planned}
	}
	return o
}
