package directory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// SnapshotSchema is the version of Snapshot's format.
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
	// Members are the people that Groups name, by Username.Key: by the time of a
	// restore, a username may be somebody else's.
	Members map[string]Email `json:"members"`
	// What the apply was to create; a restore leaves it.
	NewUsers  []Email     `json:"new_users"`
	NewGroups []GroupName `json:"new_groups"`
}

// ParseSnapshot reads a snapshot that has every field that is written, and no
// other: a group that lacks its members would be emptied. It stops at the first
// element that lacks a field; memory is proportional to the document.
func ParseSnapshot(document []byte) (*Snapshot, error) {
	s := new(Snapshot)
	decoder := jsontext.NewDecoder(bytes.NewBuffer(document))
	err := json.UnmarshalDecode(decoder, s, json.RejectUnknownMembers(true), json.WithUnmarshalers(json.JoinUnmarshalers(
		listed(128, User.check), listed(128, Group.check), listed(32, Role.check),
		listed(16, named[Username]), listed(16, named[GroupName]), listed(16, named[Email]), listed(16, named[string]),
	)))
	var wrong *json.SemanticError
	switch {
	case errors.As(err, &wrong) && wrong.Err != nil:
		return nil, fmt.Errorf("%s: %w", Quotable(string(wrong.JSONPointer)), wrong.Err)
	case err != nil:
		return nil, err
	}
	if _, err := decoder.ReadToken(); err != io.EOF {
		return nil, errors.New("trailing data after JSON")
	}
	if s.Schema != SnapshotSchema {
		return nil, fmt.Errorf("unsupported schema %d: must be %d", s.Schema, SnapshotSchema)
	}
	if s.Tenant == "" || s.Users == nil || s.Groups == nil || s.Members == nil {
		return nil, errors.New("missing tenant, users, groups or members")
	}
	for _, user := range s.Users { // no sync saves others, and a restore would send what the plan does not show
		switch {
		case ObservedEmail(user.Address) != user.Email:
			return nil, fmt.Errorf("user %q has another address: %q", Quotable(string(user.Email)), Quotable(user.Address))
		case !user.Ordinary():
			return nil, fmt.Errorf("user %q has the type %q", Quotable(string(user.Email)), Quotable(user.Type))
		}
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

// freeElements is how many elements a list of a snapshot may have, however short
// they are.
const freeElements = 100_000

// listed reads a list, each element of which must pass check. Beyond
// freeElements, it may have one for each size bytes of the document.
func listed[T any](size int64, check func(T) error) *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(d *jsontext.Decoder, list *[]T) error {
		if d.PeekKind() == 'n' {
			return d.SkipValue()
		}
		if token, err := d.ReadToken(); err != nil {
			return err
		} else if token.Kind() != '[' {
			return fmt.Errorf("%s instead of a list", token.Kind())
		}
		*list = []T{}
		var element, zero T
		for d.PeekKind() != ']' {
			element = zero
			if err := json.UnmarshalDecode(d, &element); err != nil {
				return err
			}
			if err := check(element); err != nil {
				return err
			}
			if int64(len(*list)) >= freeElements+d.InputOffset()/size {
				return fmt.Errorf("more elements than %d bytes can hold", d.InputOffset())
			}
			*list = append(*list, element)
		}
		_, err := d.ReadToken()
		return err
	})
}

func named[T ~string](name T) error {
	if name == "" {
		return errors.New("an empty name")
	}
	return nil
}

func (r Role) check() error { return named(r.Role) }

func (u User) check() error {
	if u.Username == "" && u.Email == "" {
		return errors.New("a user without username and email")
	}
	return nil
}

func (g Group) check() error {
	if g.Name == "" || g.Usernames == nil || g.Roles == nil {
		return fmt.Errorf("group %q has no name, usernames or roles", g.Name)
	}
	return nil
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
				Email: email, Address: string(email), Username: username, Name: NewPersonName("", email), IDMType: IDMSSO, Type: TypeUser, SyncMode: SyncSelf,
			})
		}
	}
	return observed
}
