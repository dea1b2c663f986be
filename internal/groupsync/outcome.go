package groupsync

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
)

// Status is the outcome of an operation.
type Status string

// The statuses, as reports name them.
const (
	Planned Status = "planned" // not begun
	Done    Status = "done"
	Failed  Status = "failed"
	Skipped Status = "skipped" // deliberately not carried out; counts as failed
)

// Result is the outcome of one operation.
type Result struct {
	*plan.Operation
	Status   Status
	Attempts int
	Err      error // why it failed or was skipped
	// Ended is when it ended; zero if it was not begun.
	Ended time.Time
	// RequestID is the server's ID of the last write; empty if nothing was
	// written, or the server did not say.
	RequestID string
	// Effect is what the operation did: its Action, or Update for a group that
	// existed already, or empty if it changed nothing. One that failed halfway has
	// an effect, too.
	Effect plan.Action
	// Added and Removed count the memberships that the operation changed, in all
	// attempts, whether or not it came to its end; RolesWritten counts the single
	// roles that it granted or revoked.
	Added, Removed int
	RolesWritten   int
	// LeftOut are members in Add who could not be created: the group was synced
	// without them.
	LeftOut map[directory.Email]bool

	username     directory.Username // of a created user, as the tenant says
	changed      bool               // a write took effect
	joined, left ledger[string]     // by username key
	roles        ledger[directory.Role]
}

// ledger tracks the outcome of each thing that an operation writes. The zero
// value is an empty ledger.
type ledger[T comparable] struct {
	done map[T]bool // the tenant confirmed it, or has it
	open map[T]bool // written, but whether it took effect is not known
}

func (l *ledger[T]) written(thing T, err error) {
	switch {
	case err == nil:
		put(&l.done, thing)
		delete(l.open, thing)
	case retry.FaultOf(err).Ambiguous:
		put(&l.open, thing)
	}
}

// settle resolves what is open, by what was read.
func (l *ledger[T]) settle(tookEffect func(T) bool) {
	for thing := range l.open {
		if tookEffect(thing) {
			put(&l.done, thing)
		}
	}
	l.open = nil
}

func put[T comparable](set *map[T]bool, thing T) {
	if *set == nil {
		*set = map[T]bool{}
	}
	(*set)[thing] = true
}

// written records the answer to one write of an operation on a group.
func (r *Result) written(err error, leaving, joining []directory.Username, roles []directory.Role) error {
	r.changed = r.changed || err == nil
	for _, username := range leaving {
		r.left.written(username.Key(), err)
	}
	for _, username := range joining {
		r.joined.written(username.Key(), err)
	}
	for _, role := range roles {
		r.roles.written(role, err)
	}
	return err
}

// settle resolves, by the group as it was just read, writes whose outcome is
// open.
func (r *Result) settle(group *directory.Group) {
	if group.ReadError == "" && group.Usernames != nil {
		present := setOf(keys(group.Usernames))
		r.left.settle(func(key string) bool { return !present[key] })
		r.joined.settle(func(key string) bool { return present[key] })
	}
	if group.ReadError == "" && group.Roles != nil {
		r.roles.settle(func(role directory.Role) bool { return slices.Contains(group.Roles, role) != (r.Action == plan.Revoke) })
	}
}

// nothingLeft records that an attempt found nothing left to write: an earlier
// attempt did it, or somebody else.
func (r *Result) nothingLeft(history retry.History) {
	r.changed = r.changed || history.MaybeDone
	if !r.changed {
		r.Effect = ""
	}
}

// count sets Effect and the figures by what took effect.
func (r *Result) count() {
	r.Added, r.Removed, r.RolesWritten = len(r.joined.done), len(r.left.done), len(r.roles.done)
	if r.Status != Done && !r.changed && r.Added+r.Removed+r.RolesWritten == 0 {
		r.Effect = ""
	}
}

// partial says how many memberships a failed operation changed; empty if none.
func (r *Result) partial() string {
	var parts []string
	if n := len(r.left.done); n > 0 {
		parts = append(parts, fmt.Sprintf("removing %d of %d", n, len(r.Remove)))
	}
	if n := len(r.joined.done); n > 0 {
		parts = append(parts, fmt.Sprintf("adding %d of %d", n, len(r.Add)))
	}
	return strings.Join(parts, " and ")
}

// uncertain reports whether the user listing must be read to know the outcome of
// a creation: whether the user exists, or under which username.
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

// Outcome is the outcome of a plan.
type Outcome struct {
	Results []Result // one for each operation of the plan, in its order
	Retry   retry.Counts
	// ByOperation is Retry by kind of operation ("create user"); kinds without an
	// attempt are left out.
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
