package directory

// Status is what the CSV says of a person.
type Status uint8

// The statuses. A person whom one row calls active and another inactive is
// Contradicted, one of whom a row says what cannot be understood is Unclear:
// nothing about either may be changed.
const (
	Active Status = iota
	Inactive
	Contradicted
	Unclear
)

// Desired is the directory that the CSV states, and how far it may be trusted.
// It does not depend on the order of the rows.
type Desired struct {
	People []*Person       // everybody whom any row names, by e-mail
	Groups []*DesiredGroup // every group that any row names, by name

	// A row that could not be read may have stated any membership, user or
	// group; these hold back what would take it away.
	KeepMemberships bool // nobody is taken out of any group
	KeepUsers       bool // no user is deleted
	KeepGroups      bool // no group is deleted

	Problems []Problem // by line
}

// BadRows counts the problems that are bad rows, which strict refuses.
func (d *Desired) BadRows() int {
	n := 0
	for _, problem := range d.Problems {
		if problem.BadRow {
			n++
		}
	}
	return n
}

// FirstBadRow is the line of the first bad row; 0 where there is none.
func (d *Desired) FirstBadRow() int {
	for _, problem := range d.Problems {
		if problem.BadRow {
			return problem.Line
		}
	}
	return 0
}

// Person is somebody whom the CSV names.
type Person struct {
	Email  Email
	Name   PersonName // for a new user
	Named  bool       // Name comes from the CSV's column of names, not from the e-mail
	Status Status
	// StatusWord is what the CSV says of a person who is Unclear, cut to 60
	// characters; empty where it says nothing.
	StatusWord string
	// KeepMemberships holds where a row of this person has a DN that could not
	// be read: the person is taken out of no group.
	KeepMemberships bool
}

// DesiredGroup is a group that the CSV names.
type DesiredGroup struct {
	Name    GroupName
	DNs     []DN      // the distinct DNs behind the name, one spelling each; two or more collide
	Members []*Person // active people, by e-mail
	// KeepMembers holds where a row names this group with an e-mail that could
	// not be read: nobody is taken out of it.
	KeepMembers bool
}

// DisplayName is what a new group is called: the CN of its (first) DN.
func (g *DesiredGroup) DisplayName() string { return g.DNs[0].CN() }

// Problem is something in the input that the user should look at.
type Problem struct {
	Line    int    // of the CSV, from 1; 0 where it concerns no single row
	Column  string // the CSV column's name, or empty
	Message string
	Person  string // the cell that names the person, as it stands in Message; may be no e-mail
	BadRow  bool   // the row could not be used as it stands
}
