package directory

// Finding is one thing that went wrong or deserves attention. A run keeps one
// list of them; the exit code and every report are made from that list.
type Finding struct {
	Severity Severity
	Kind     Kind
	File     string // path of the file it is about; empty if none
	Line     int    // in File, from 1; 0 if it concerns no single line
	Column   string // name of the CSV column, or the key in a policy file; may be empty
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
// the gravest kind among the errors decides the exit code.
type Kind string
