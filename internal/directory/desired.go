package directory

import (
	"cmp"
	"slices"
)

// Status is what the CSV says about whether a person is active.
type Status uint8

// The statuses. Contradicted: rows disagree. Unclear: a row's status is unknown.
// Neither may be changed.
const (
	Active Status = iota
	Inactive
	Contradicted
	Unclear
)

// Desired is the directory that a CSV states, and how far it can be trusted. It
// does not depend on the order of the rows.
type Desired struct {
	People []*Person       // everybody that any row names, by email
	Groups []*DesiredGroup // every group that any row names, by name; Group relies on that

	// An invalid row may have stated any membership, user or group; these prevent
	// its removal.
	KeepMemberships bool // nobody is removed from any group
	KeepUsers       bool // no user is deleted
	KeepGroups      bool // no group is emptied or deleted

	OutOfScope struct{ DNs, People int } // distinct ones that rows name
	Outside    map[GroupName]bool        // groups that DNs out of scope name

	UnusedNames []string // DNs that Names maps and no row has, sorted

	Rows            int // after the header, without those that state nothing
	InvalidRows     int // rows with a finding whose kind is an InvalidRow
	FirstInvalidRow Row // the place of the first; zero if there is none

	// Findings are by file and line, the first 1,000 of each kind; then one of the kind
	// Unlisted for each kind of which there are more.
	Findings []Finding
}

// Person is somebody the CSV names.
type Person struct {
	Email Email
	Rank  int // index in Desired.People
	// File and Line are of the first row about the person.
	File string
	Line int
	// Address is the email as it is sent for a new user, see AddressAsSent; the
	// smallest of several spellings.
	Address string
	Name    PersonName // for a new user
	Named   bool       // Name comes from the CSV's column of names, not from the email
	Status  Status
	// StatusWord is the status in the CSV of a person who is Unclear, cut to 60
	// characters; empty if the cell is.
	StatusWord string
	// KeepMemberships is set if a row of this person has an invalid DN: the
	// person is removed from no group.
	KeepMemberships bool
	Rows            []Row // by file and line; kept only for people to be explained
}

// Row is a row of a CSV, and what it states about a person.
type Row struct {
	File string
	Line int
	DNs  []RowDN // nil if only its place matters
}

// RowDN is one of the DNs of a row, as it is written, and what becomes of it.
type RowDN struct {
	Text   string    // cut by Quotable
	Group  GroupName // that it names; empty if it is invalid or not in scope
	Reason string    // why it is invalid; may be empty
}

// DesiredGroup is a group that the CSV names.
type DesiredGroup struct {
	Name    GroupName
	DNs     []DN      // the distinct DNs with this name, one spelling each; two or more collide
	Members []*Person // active people, by email
	// KeepMembers is set if an invalid row may have named a member: nobody is
	// removed from the group. It is so if a row names the group with an invalid
	// email, if only invalid rows name it, and if it would be emptied in spite
	// of KeepGroups.
	KeepMembers bool
}

// Collides reports whether several DNs have the group's name by accident, since
// not all of them were mapped to it.
func (g *DesiredGroup) Collides() bool {
	return len(g.DNs) > 1 && slices.ContainsFunc(g.DNs, func(dn DN) bool { return !dn.mapped })
}

// DisplayName returns what a new group is called: the CN of its (first) DN, or
// its name if that has none.
func (g *DesiredGroup) DisplayName() string { return cmp.Or(g.DNs[0].CN(), string(g.Name)) }

// Group returns what the CSV says about a group; nil if no row names it.
func (d *Desired) Group(name GroupName) *DesiredGroup {
	i, found := slices.BinarySearchFunc(d.Groups, name, func(g *DesiredGroup, name GroupName) int { return cmp.Compare(g.Name, name) })
	if !found {
		return nil
	}
	return d.Groups[i]
}

// Person returns what the CSV says about somebody; nil if it does not name them.
func (d *Desired) Person(email Email) *Person {
	i, found := slices.BinarySearchFunc(d.People, email, func(p *Person, email Email) int { return cmp.Compare(p.Email, email) })
	if !found {
		return nil
	}
	return d.People[i]
}
