package groupsync

import (
	"net/http"
	"time"

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
	Skipped Status = "skipped" // not carried out on purpose; counts as failed
)

// Result is what became of one operation.
type Result struct {
	*plan.Operation
	Status   Status
	Attempts int
	Err      error // why it failed or was skipped
	// Ended is when it ended; zero if it was not begun.
	Ended time.Time
	// RequestID is the server's for the last write; empty if nothing was written,
	// or the server did not say.
	RequestID string
	// Effect is what a done operation did: its Action, or Update for a group that
	// existed already, or empty if nothing was left to do.
	Effect plan.Action
	// Added and Removed count the memberships that a done operation changed. They
	// and RolesWritten are set before the answer is known: the next attempt, or
	// settling, may find that this one took effect.
	Added, Removed int
	RolesWritten   int // single roles that a done operation granted or revoked
	// LeftOut are members in Add who could not be created: the group was synced
	// without them.
	LeftOut map[directory.Email]bool

	username directory.Username // of a user who was created, as the tenant says
}

// didNothing takes back what attempts were to do.
func (r *Result) didNothing() { r.Effect, r.Added, r.Removed, r.RolesWritten = "", 0, 0, 0 }

// uncertain reports whether the listing must say what became of the creation of a
// user: whether the user exists, or under which username.
func (r *Result) uncertain() bool {
	if r.Object != plan.User || r.Action != plan.Create {
		return false
	}
	switch r.Status {
	case Done:
		return r.username.Key() != r.User.Username.Key()
	case Failed:
		return retry.FaultOf(r.Err).Ambiguous || answered(r.Err, http.StatusConflict)
	}
	return false
}

// Outcome is what became of a plan.
type Outcome struct {
	Results []Result // one for each operation of the plan, in its order
	Retry   retry.Counts
	// ByOperation are the parts of Retry by kind of operation ("create user");
	// kinds of which nothing was tried are left out.
	ByOperation map[string]retry.Counts
	Budget      *int  // what remains of the retry budget; nil if there is none
	Opened      int   // how often the circuit breaker opened
	Stopped     error // why the context ended, if it ended before the plan did
}

// Preview returns the outcome of a plan that is not carried out.
func Preview(p *plan.Plan) *Outcome {
	o := &Outcome{Results: make([]Result, len(p.Operations))}
	for i := range p.Operations {
		o.Results[i] = Result{Operation: &p.Operations[i], Status: Planned}
	}
	return o
}
