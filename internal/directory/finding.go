package directory

import "fmt"

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
// phrase.
type Kind string

// The kinds of findings about a run as a whole. See also those about rows of a
// CSV and about a plan.
const (
	Interrupted    Kind = "interrupted"
	BadSettings    Kind = "invalid settings"
	BadSnapshot    Kind = "invalid snapshot"
	BadCSV         Kind = "invalid CSV"
	Authentication Kind = "authentication refused"
	TenantUnread   Kind = "tenant not read"
	CallerUnknown  Kind = "caller unknown"
	Refusal        Kind = "refused by a guard"
	Drift          Kind = "drift"
	Blocked        Kind = "blocked"
	NotDone        Kind = "failed operation"
	GitHub         Kind = "GitHub"
	NotSaved       Kind = "snapshot not written"
	NotReported    Kind = "report not written"
	Bug            Kind = "internal error"
)

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
	OutOfScope          Kind = "a person who is not in scope"
	UnreadStatus        Kind = "status column not read"
)

// Unlisted is the kind of the finding that counts those of another kind that
// are not listed, see Desired.Findings.
const Unlisted Kind = "unlisted findings"

// InvalidRow reports whether a finding of this kind makes its row invalid,
// which strict refuses.
func (k Kind) InvalidRow() bool {
	switch k {
	case MissingEmail, InvalidEmail, InvalidDN, JoinedDNs, UnusableCN, UnknownStatus, FieldCount, OutOfScope:
		return true
	}
	return false
}

// The kinds of findings about a plan.
const (
	GroupKept         Kind = "group not deleted"
	SCIMSynced        Kind = "group synced by SCIM"
	StaleGroup        Kind = "group no longer in the CSV"
	VacantRole        Kind = "vacant role"
	CallerLoses       Kind = "role of the credentials' own user"
	GrantWithheld     Kind = "roles not granted"
	GrantToLeaver     Kind = "roles for a member who should leave"
	NoSuchGroup       Kind = "no such group"
	TwinGroup         Kind = "new group with the display name of another"
	Unmatched         Kind = "entry without a match"
	NotOwned          Kind = "group not created by this program"
	Lookalike         Kind = "addresses that look the same"
	StaleMember       Kind = "inactive member"
	UserCreatedSince  Kind = "user created since the snapshot"
	GroupCreatedSince Kind = "group created since the snapshot"
	RecreatedUser     Kind = "recreated user"
	UsernameTaken     Kind = "username taken"
	MemberNotRestored Kind = "member not restored"
)

// The kinds of findings about an export.
const (
	PersonLeftOut Kind = "person left out"
	GroupLeftOut  Kind = "group left out"
	RolesLeftOut  Kind = "roles left out"
)

// counted has the kinds whose findings may be counted instead of listed, with the
// noun phrase for several of them.
var counted = map[Kind]string{
	MissingEmail:        "rows without an email",
	InvalidEmail:        "rows with an invalid email",
	InvalidDN:           "rows with an invalid DN",
	JoinedDNs:           "rows with several DNs joined into one",
	UnusableCN:          "rows with an unusable CN",
	UnknownStatus:       "rows with an unknown status",
	FieldCount:          "rows with the wrong number of fields",
	EmptyEntitlement:    "rows with an empty entitlement",
	ContradictoryStatus: "people both active and inactive",
	GroupKept:           "groups not deleted",
	SCIMSynced:          "groups synced by SCIM",
	StaleGroup:          "groups no longer in the CSV",
	GrantWithheld:       "groups that are not granted roles",
	GrantToLeaver:       "members who should leave and gain roles",
	NoSuchGroup:         "groups with roles in the policy, but not in the tenant",
	TwinGroup:           "new groups with the display name of another",
	Unmatched:           "entries of protect, adopt and names that match nothing",
	NotOwned:            "groups not created by this program",
	Lookalike:           "pairs of addresses that look the same",
	OutOfScope:          "rows about people who are not in scope",
	UnreadStatus:        "status columns that are not read",
	StaleMember:         "inactive members of groups not in the CSV",
	UserCreatedSince:    "users created since the snapshot",
	GroupCreatedSince:   "groups created since the snapshot",
	RecreatedUser:       "users recreated",
	UsernameTaken:       "users whose username is taken",
	MemberNotRestored:   "members not restored",
	PersonLeftOut:       "people left out",
	GroupLeftOut:        "groups left out",
	RolesLeftOut:        "groups whose roles are left out",
}

// Count describes several findings of the kind, as in "19 groups not deleted". It
// returns "" for a kind whose findings differ too much.
func (k Kind) Count(n int) string {
	if what := counted[k]; what != "" {
		return fmt.Sprintf("%d %s", n, what)
	}
	return ""
}

// OfGroup reports whether Subject names a group; otherwise it names a person.
func (k Kind) OfGroup() bool {
	switch k {
	case GroupKept, SCIMSynced, StaleGroup, GroupCreatedSince, NotOwned, GroupLeftOut, NoSuchGroup, TwinGroup, GrantWithheld, RolesLeftOut:
		return true
	}
	return false
}
