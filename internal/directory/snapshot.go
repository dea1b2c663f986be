package directory

// SnapshotSchema is the version of the form that Snapshot has.
const SnapshotSchema = 1

// Snapshot is what an apply was about to change, as it was before: enough to
// plan the way back.
type Snapshot struct {
	Schema  int     `json:"schema"`
	Tenant  string  `json:"tenant"`
	TakenAt string  `json:"taken_at"` // RFC 3339
	Digest  string  `json:"plan_digest"`
	Users   []User  `json:"users"`  // to be updated or deleted
	Groups  []Group `json:"groups"` // to be updated or deleted
	// Members are the people whom Groups name, by folded username: a username
	// may be somebody else's by the time of going back.
	Members map[string]Email `json:"members"`
	// What the apply was to create; going back leaves it.
	NewUsers  []Email     `json:"new_users"`
	NewGroups []GroupName `json:"new_groups"`
}
