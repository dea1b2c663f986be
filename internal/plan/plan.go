// Package plan joins the desired directory, the tenant's state and the user's
// policy into the operations that lead from one to the other, or into a refusal.
// It is pure: no network, no clock, no environment; the same inputs always give
// the same plan.
package plan

import (
	"cmp"
	"slices"

	"xc-group-sync/internal/access"
	"xc-group-sync/internal/directory"
)

// Action is what an operation does to its object.
type Action string

// Object is the kind of thing that an operation acts on.
type Object string

// The actions and the objects, as reports name them.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
	Grant  Action = "grant"  // roles of a group
	Revoke Action = "revoke" // roles of a group

	User  Object = "user"
	Group Object = "group"
)

// Kind is a kind of operation, with everything that depends on it.
type Kind struct {
	Object Object
	Action Action
	Takes  WithheldKind // what it removes besides memberships, or Nothing
	Sign   Sign         // what becomes of the object
	Past   string       // what was done, before the object, as in "created user"

	phase int // in which it begins
}

// Sign is what happens to an object, as plans show it.
type Sign string

// The signs.
const (
	Creates Sign = "+"
	Changes Sign = "~"
	Deletes Sign = "-"
)

// kinds is the table of operations, in the order of the phases. Revocations come
// before anybody joins, and grants after: at no moment does anybody have more
// than before or after.
var kinds = []Kind{
	{User, Create, Nothing, Creates, "created", 1},
	{User, Update, Nothing, Changes, "updated", 2},
	{Group, Revoke, RoleRevocation, Changes, "revoked roles of", 3},
	{Group, Create, Nothing, Creates, "created", 4},
	{Group, Update, Nothing, Changes, "updated", 4},
	{Group, Grant, Nothing, Changes, "granted roles of", 5},
	{Group, Delete, GroupRemoval, Deletes, "deleted", 6},
	{User, Delete, UserDeletion, Deletes, "deleted", 7},
}

// Kinds returns all kinds of operations, in the order of the phases.
func Kinds() []Kind { return slices.Clone(kinds) }

// KindOf returns the kind of an action on an object; the zero Kind if there is none.
func KindOf(object Object, action Action) Kind {
	for i := range kinds {
		if kinds[i].Action == action && kinds[i].Object == object {
			return kinds[i]
		}
	}
	return Kind{}
}

// String returns the kind as readers know it, such as "create user".
func (k Kind) String() string { return string(k.Action) + " " + string(k.Object) }

// byPhase orders operations by phase, then by name.
func byPhase(a, b Operation) int {
	return cmp.Or(cmp.Compare(a.Kind().phase, b.Kind().phase), cmp.Compare(a.Name(), b.Name()))
}

// Operation is a change to one user or one group. It takes one write of the API,
// or several if members are written one by one.
type Operation struct {
	Action Action
	Object Object

	// User is who to create, with what to send; for an update the user as
	// observed but with the name to give; for a deletion the user as observed.
	User directory.User
	// Before is the name of a user who is updated, as observed.
	Before directory.PersonName
	// Group is what to create, without its members; for an update or a deletion,
	// the group as observed.
	Group directory.Group
	// Attributes are what a group gets back from a snapshot; nil leaves them as
	// the tenant has them.
	Attributes *Attributes

	// Adopted says that a group to create may be changed if it turns out to exist,
	// although this program did not create it.
	Adopted bool

	Roles  []directory.Role // to grant or revoke, sorted
	Add    []Member         // of a group, by email
	Remove []Member         // of a group that is updated or deleted, by email
	// Lost counts the memberships that go with a deleted user and that no
	// other operation removes.
	Lost int
}

// Kind returns the kind of the operation.
func (o *Operation) Kind() Kind { return KindOf(o.Object, o.Action) }

// Name returns the email or the API name of the object.
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
	// Email identifies the member; for somebody without an email, and for a
	// member the user listing does not know, it is the key of Username.
	Email directory.Email
	// Username is what the group lists, in the tenant's spelling; empty for a
	// user to be created.
	Username directory.Username

	user   *directory.User // nil: to be created, or unknown to the user listing
	person *person         // nil: not of the CSV
}

// key distinguishes members: several users may share an email.
func (m Member) key() string { return cmp.Or(m.Username, directory.Username(m.Email)).Key() }

func (m Member) barred() bool { return m.person != nil && m.person.barred }

// Withheld is a removal that the CSV, a snapshot or prune asks for and that is
// not planned. Everything else is planned, and a withheld removal does not count
// as failed.
type Withheld struct {
	Kind   WithheldKind
	Group  directory.GroupName // of a membership or a group
	Member Member              // of a membership; for a user, who stays
	Role   directory.Role      // of a role
	Reason string
}

// WithheldKind is what is not removed.
type WithheldKind string

// The kinds of removals that can be withheld.
const (
	Membership   WithheldKind = "membership"
	UserDeletion WithheldKind = "user"
	GroupRemoval WithheldKind = "group"

	RoleRevocation WithheldKind = "role"

	Nothing WithheldKind = "nothing" // of a Kind; never withheld
)

// Blocked is an object that the CSV names and that nothing is planned for. It
// counts as failed.
type Blocked struct {
	Object Object
	Name   string
	Reason string           // a clause, as in "skipping group x: …"
	Hint   string           // what to do about it; may be empty
	Roles  []directory.Role // of a group in the tenant
	// Adoptable is set if adopt would unblock it.
	Adoptable bool
}

// Count is how many objects of one kind the CSV names and the tenant holds.
type Count struct{ Desired, Existing, Unchanged int }

// Refusal is why a guard does not let a plan be applied.
type Refusal struct {
	Reason string
	Hint   string // what would let the plan pass
}

// Plan is what a run would do. Make it with New or NewRestore.
type Plan struct {
	// Operations in the order in which they are begun: by phase, and by name within
	// each.
	Operations []Operation
	Blocked    []Blocked // groups, then users, by name
	Withheld   []Withheld
	Findings   []directory.Finding // anything else that deserves attention
	Refusals   []Refusal           // empty: the guards let it pass
	// UnmatchedOnly are the patterns of Only that match nothing: the setting is invalid.
	UnmatchedOnly Patterns
	Access        access.Diff // what the operations mean for people
	Users         Count
	Groups        Count
	Digest        string // "sha256:…", over the tenant and everything that would be sent
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

// Drift reports whether there is anything to do, or would be if removals were not
// withheld.
func (p *Plan) Drift() bool {
	return len(p.Operations) > 0 || slices.ContainsFunc(p.Withheld, func(w Withheld) bool { return w.Reason == withheld })
}

// WithheldMemberships counts the memberships that are withheld.
func (p *Plan) WithheldMemberships() int {
	n := 0
	for i := range p.Withheld {
		if p.Withheld[i].Kind == Membership {
			n++
		}
	}
	return n
}
