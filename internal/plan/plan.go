// Package plan joins the directory that is desired, the tenant's state and the
// user's policy into the operations that lead from one to the other, or into a
// refusal. It is pure: no network, no clock, no environment; the same three
// always give the same plan.
package plan

import "xc-group-sync/internal/directory"

// Action is what an operation does to its object.
type Action string

// Object is the kind of thing that an operation acts on.
type Object string

// The actions and the objects, as reports name them.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"

	User  Object = "user"
	Group Object = "group"
)

// Operation is one write of the API.
type Operation struct {
	Action Action
	Object Object

	// User is whom to create, with what to send; for an update the user as
	// observed but with the name to give; for a deletion the user as observed.
	User directory.User
	// Before is the name of a user who is updated or deleted, as observed.
	Before directory.PersonName
	// Group is what to create but for its members; for an update or a deletion
	// the group as observed.
	Group directory.Group
	// Attributes are what a group that is updated gets back from a snapshot;
	// nil leaves them as the tenant has them.
	Attributes *Attributes

	Add    []Member // of a group, by e-mail
	Remove []Member // of a group that is updated or deleted, by e-mail
	// Lost counts the memberships that go with a deleted user and that no
	// other operation removes.
	Lost int
}

// Name is the e-mail or the API name of the object.
func (o *Operation) Name() string {
	if o.Object == User {
		return string(o.User.Email)
	}
	return string(o.Group.Name)
}

// Removals counts the memberships that the operation takes away.
func (o *Operation) Removals() int { return len(o.Remove) + o.Lost }

// Member is somebody in a group.
type Member struct {
	Email    directory.Email    // who it is; the username's key where the tenant knows no such user
	Username directory.Username // what the group lists; empty for a user to be created
}

// Withheld is a removal from a group that the CSV or a snapshot asks for and
// that is not planned. The rest of the group is, and nothing counts as failed.
type Withheld struct {
	Group  directory.GroupName
	Member Member
	Reason string
}

// Blocked is an object that the CSV names and that nothing is planned for. It
// counts as failed.
type Blocked struct {
	Object  Object
	Name    string
	Reason  string // a clause, as in "skipped: …"
	Hint    string // what to do about it; may be empty
	Missing bool   // the tenant has no such object, and it is not created
}

// Count is what the CSV names and the tenant holds of one kind of object.
type Count struct{ Desired, Existing, Unchanged int }

// Refusal is why a guard does not let a plan be applied.
type Refusal struct {
	Guard  string // name of the setting
	Reason string
	Hint   string // what would let the plan pass
}

// Plan is what a run would do. Make it with New.
type Plan struct {
	// Operations in the order in which they are begun: users to create and to
	// update, groups to create and to update, groups to delete, users to
	// delete; by name within each.
	Operations []Operation
	Blocked    []Blocked
	Withheld   []Withheld
	Findings   []directory.Finding // what deserves attention beside all that
	Refusals   []Refusal           // empty: the guards let it pass
	Users      Count
	Groups     Count
	Digest     string // "sha256:…", of the tenant and of all that would be sent
}

// Added counts the memberships that the plan adds.
func (p *Plan) Added() int {
	n := 0
	for i := range p.Operations {
		n += len(p.Operations[i].Add)
	}
	return n
}

// Removed counts the memberships that the plan takes away.
func (p *Plan) Removed() int {
	n := 0
	for i := range p.Operations {
		n += p.Operations[i].Removals()
	}
	return n
}
