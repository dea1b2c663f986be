package directory

// Finding is one thing that went wrong or deserves attention. A run keeps one
// list of them; the exit code and every report are made from that list.
type Finding struct {
	Severity Severity
	Kind     Kind
	File     string // path of the file it is about; empty if none
	Line     int    // in File, from 1; 0 if it concerns no single line
	Column   string // name of the CSV column, or number of the column in any other file; may be empty
	// Subject is the text in Message that names a person or an object (an email,
	// a username, a group), so that it can be masked and findings of one kind can
	// be counted; may be empty.
	Subject string
	Message string // one sentence, lower case, without a final stop: what happened to what
	Hint    string // what to do about it; may be empty
}

// Severity says how grave a finding is.
type Severity uint8

// The severities. An Error makes the exit code its Kind's; a Warning never does.
const (
	Warning Severity = iota
	Error
)

// Kind groups findings that are alike: they are counted and shown together, and
// the gravest kind among the errors decides the exit code. Its text is a noun
// phrase, as in "12 rows with KIND".
type Kind string

// BadCSV is the kind of a CSV that cannot be used as a whole.
const BadCSV Kind = "invalid CSV"

// The kinds of findings about rows of a CSV. See Kind.InvalidRow.
const (
	MissingEmail        Kind = "missing email"
	InvalidEmail        Kind = "invalid email"
	InvalidDN           Kind = "invalid DN"
	JoinedDNs           Kind = "several DNs joined into one"
	UnusableCN          Kind = "unusable CN"
	UnknownStatus       Kind = "unknown status"
	FieldCount          Kind = "wrong number of fields"
	EmptyEntitlement    Kind = "empty entitlement"
	ContradictoryStatus Kind = "contradictory status"
)

// Unlisted is the kind of the finding that counts those of another kind that
// are not listed, see Desired.Suppressed.
const Unlisted Kind = "unlisted findings"

// InvalidRow reports whether a finding of this kind makes its row invalid,
// which strict refuses.
func (k Kind) InvalidRow() bool {
	switch k {
	case MissingEmail, InvalidEmail, InvalidDN, JoinedDNs, UnusableCN, UnknownStatus, FieldCount:
		return true
	}
	return false
}

// The kinds of findings about a run as a whole.
const (
	BadSettings Kind = "invalid settings"
)
