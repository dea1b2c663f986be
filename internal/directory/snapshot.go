package directory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// SnapshotSchema is the version of the form that Snapshot has.
const SnapshotSchema = 1

// Snapshot is what an apply was about to change, as it was before: enough to
// plan the way back.
type Snapshot struct {
	Schema  int     `json:"schema"`
	Tenant  string  `json:"tenant"`
	API     string  `json:"api"`      // host and path; empty for the embedded tenant
	TakenAt string  `json:"taken_at"` // RFC 3339
	Digest  string  `json:"plan_digest"`
	Users   []User  `json:"users"`  // to be updated or deleted
	Groups  []Group `json:"groups"` // to be updated or deleted
	// Members are the people that Groups name, by Username.Key: a username
	// may be somebody else's by the time of going back.
	Members map[string]Email `json:"members"`
	// What the apply was to create; going back leaves it.
	NewUsers  []Email     `json:"new_users"`
	NewGroups []GroupName `json:"new_groups"`
}

// ParseSnapshot reads a snapshot that has all that one is written with, and
// nothing else: a group that lacks its members would be emptied.
func ParseSnapshot(document []byte) (*Snapshot, error) {
	s := new(Snapshot)
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(s); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("trailing data after JSON")
	}
	var keys struct{ Groups []map[string]json.RawMessage }
	if err := json.Unmarshal(document, &keys); err != nil {
		return nil, err
	}
	for _, group := range keys.Groups {
		if group["name"] == nil || group["usernames"] == nil || group["roles"] == nil {
			return nil, fmt.Errorf("group %s has no name, usernames or roles", group["name"])
		}
	}
	if s.Schema != SnapshotSchema {
		return nil, fmt.Errorf("unsupported schema %d: must be %d", s.Schema, SnapshotSchema)
	}
	if s.Tenant == "" || s.Users == nil || s.Groups == nil || s.Members == nil {
		return nil, errors.New("missing tenant, users, groups or members")
	}
	for _, group := range s.Groups {
		for _, username := range group.Usernames {
			if s.Members[username.Key()] == "" {
				return nil, fmt.Errorf("missing the email of member %q of group %q", username, group.Name)
			}
		}
	}
	return s, nil
}

// Observed returns the part of the tenant that the snapshot holds: its groups,
// their members and its users. A member without an email is known by username
// alone.
func (s *Snapshot) Observed() *Observed {
	observed := &Observed{Users: slices.Clone(s.Users), Groups: slices.Clone(s.Groups)}
	known := map[string]bool{}
	for _, user := range s.Users {
		known[user.Username.Key()] = true
	}
	for _, group := range s.Groups {
		for _, username := range group.Usernames {
			email := s.Members[username.Key()]
			if known[username.Key()] || !strings.Contains(string(email), "@") {
				continue
			}
			known[username.Key()] = true
			observed.Users = append(observed.Users, User{
				Email: email, Address: string(email), Username: username, Name: NewPersonName("", email), IdmType: IdmSSO, Type: TypeUser, SyncMode: SyncSelf,
			})
		}
	}
	return observed
}
