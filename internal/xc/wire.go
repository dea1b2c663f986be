package xc

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"xc-group-sync/internal/directory"
)

// The parts that are used of F5's objects ves.io.schema.user and
// ves.io.schema.user_group. F5's documentation of a call is linked above the
// method that makes it, in tenant.go.

type wireRole struct {
	Namespace string `json:"namespace"`
	Role      string `json:"role"`
}

// UnmarshalJSONFrom refuses a role without a name at once, of which a listing
// could have millions.
func (r *wireRole) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	type fields wireRole
	if err := jsonv2.UnmarshalDecode(d, (*fields)(r)); err != nil {
		return err
	}
	if r.Role == "" {
		return errors.New("a role without a name")
	}
	return nil
}

type wireUser struct {
	Email       string     `json:"email"`
	Name        string     `json:"name,omitempty"`
	FirstName   string     `json:"first_name"`
	LastName    string     `json:"last_name"`
	IDMType     string     `json:"idm_type,omitempty"`
	Type        string     `json:"type,omitempty"`
	GroupNames  []string   `json:"group_names,omitempty"`
	Roles       []wireRole `json:"namespace_roles,omitempty"`
	SyncMode    string     `json:"sync_mode,omitempty"`
	DomainOwner bool       `json:"domain_owner,omitempty"`
	LastLogin   wireTime   `json:"last_login_timestamp"`
	Created     wireTime   `json:"creation_timestamp"`
}

type wireGroup struct {
	Name        string               `json:"name"`
	UID         string               `json:"uid,omitempty"`
	DisplayName string               `json:"display_name,omitempty"`
	Description string               `json:"description,omitempty"`
	Usernames   []directory.Username `json:"usernames"` // nil if the answer does not say
	Roles       []wireRole           `json:"namespace_roles,omitempty"`
	SyncID      string               `json:"sync_id,omitempty"`
	SyncMode    string               `json:"sync_mode,omitempty"`
	References  references           `json:"references_count,omitempty"`
	Error       *wireError           `json:"error,omitempty"`
}

// references count by kind what refers to a group.
type references map[string]int

// maxReferences bounds the kinds: F5 has some dozens.
const maxReferences = 1000

// UnmarshalJSONFrom takes a count that cannot be read for one: better to keep a
// group.
func (r *references) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	*r = references{}
	return between(d, '{', '}', func() error {
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		kind := token.String()
		count, err := d.ReadValue()
		if err != nil {
			return err
		}
		if len(*r) == maxReferences {
			return fmt.Errorf("more than %d kinds of references", maxReferences)
		}
		n := 1
		_ = json.Unmarshal(bytes.Trim(count, `"`), &n)
		(*r)[kind] = n
		return nil
	})
}

// wireError is F5's error field, which can come with status 200.
type wireError struct {
	Code    any    `json:"code"`
	Message string `json:"message"`
}

// present reports whether there is an error: the field has several empty forms.
func (e *wireError) present() bool {
	if e == nil {
		return false
	}
	switch e.Code {
	case nil, "", "EOK", float64(0):
		return e.Message != ""
	}
	return true
}

// response is a decoded body.
type response interface {
	// partial returns F5's error field if it is set: the body is incomplete.
	partial() error
}

// envelope is the part of a body that any response may have.
type envelope struct {
	Error *wireError `json:"error"`
}

func (e *envelope) partial() error {
	if e.Error.present() {
		return incompleteError(e.Error.String())
	}
	return nil
}

// partial returns nil: a group keeps its error, see directory.Group.ReadError.
func (w *wireGroup) partial() error { return nil }

func (e *wireError) String() string {
	if e.Code == nil {
		return e.Message
	}
	return fmt.Sprintf("%v %s", e.Code, e.Message)
}

// maxName bounds an identity, in bytes: an address has 254, a group's name 63.
const maxName = 1024

// identity returns an error if a name cannot be one.
func identity(names ...string) error {
	for _, name := range names {
		if len(name) > maxName {
			return fmt.Errorf("a name longer than %d bytes: %q", maxName, directory.Quotable(name))
		}
	}
	return nil
}

func (w *wireUser) directory() (directory.User, error) {
	username, err := directory.NewUsername(w.Name, w.Email)
	if err == nil {
		err = identity(w.Name, w.Email)
	}
	if slices.Contains(w.GroupNames, "") {
		err = fmt.Errorf("a group without a name, of user %q", directory.Quotable(string(username)))
	}
	return directory.User{
		Email:       directory.ObservedEmail(w.Email),
		Address:     w.Email,
		Username:    username,
		Name:        directory.PersonName{First: w.FirstName, Last: w.LastName},
		IdmType:     cmp.Or(w.IDMType, directory.IdmSSO),
		Type:        cmp.Or(w.Type, directory.TypeUser),
		SyncMode:    cmp.Or(w.SyncMode, directory.SyncSelf),
		DomainOwner: w.DomainOwner,
		Groups:      w.GroupNames,
		Roles:       roles(w.Roles),
		LastLogin:   w.LastLogin.Time,
		Created:     w.Created.Time,
	}, err
}

// wireTime is a timestamp. One that is missing, unreadable or before 2000 (as of
// somebody who never logged in) is the zero time: nothing that is changed depends
// on it, so it must not make a listing invalid.
type wireTime struct{ time.Time }

// UnmarshalJSON never fails.
func (w *wireTime) UnmarshalJSON(text []byte) error {
	at, err := time.Parse(`"`+time.RFC3339+`"`, string(text))
	if err == nil && at.Year() >= 2000 {
		w.Time = at.UTC()
	}
	return nil
}

func roles(wire []wireRole) []directory.Role {
	if wire == nil {
		return nil
	}
	all := make([]directory.Role, len(wire))
	for i, role := range wire {
		all[i] = directory.Role(role)
	}
	return all
}

func wireRoles(all []directory.Role) []wireRole {
	wire := make([]wireRole, len(all))
	for i, role := range all {
		wire[i] = wireRole(role)
	}
	return wire
}

func (w *wireGroup) directory() (directory.Group, error) {
	group := directory.Group{
		Name:        directory.GroupName(w.Name),
		UID:         w.UID,
		DisplayName: w.DisplayName,
		Description: w.Description,
		Usernames:   w.Usernames,
		Roles:       roles(w.Roles),
		SyncID:      w.SyncID,
		SyncMode:    cmp.Or(w.SyncMode, directory.SyncSelf),
		References:  w.References,
	}
	if group.References == nil {
		group.References = map[string]int{}
	}
	if w.Error.present() {
		group.ReadError = directory.Cut(w.Error.String(), maxShown)
	}
	if w.Name == "" {
		return group, errors.New("a group without a name")
	}
	if slices.Contains(w.Usernames, "") {
		return group, fmt.Errorf("a member without a name, of group %q", directory.Quotable(w.Name))
	}
	return group, identity(w.Name)
}

// userRequest is F5's userUserRoleRequest. In a replacement a field left out is
// removed.
type userRequest struct {
	Email      string             `json:"email"`
	FirstName  string             `json:"first_name"`
	LastName   string             `json:"last_name"`
	Name       directory.Username `json:"name,omitempty"`
	IDMType    string             `json:"idm_type,omitempty"`
	Type       string             `json:"type,omitempty"`
	GroupNames []string           `json:"group_names,omitempty"`
	Roles      []wireRole         `json:"namespace_roles,omitempty"`
}

// groupRequest is F5's user_groupUserGroupRequest. In a replacement a field left
// out is removed.
type groupRequest struct {
	Name        string               `json:"name"`
	DisplayName string               `json:"display_name,omitempty"`
	Description string               `json:"description,omitempty"`
	Usernames   []directory.Username `json:"usernames"`
	Roles       []wireRole           `json:"namespace_roles,omitempty"`
	SyncID      string               `json:"sync_id,omitempty"`
}

// rolesRequest is F5's user_groupModifyRoleRequest.
type rolesRequest struct {
	Group string     `json:"name"`
	Roles []wireRole `json:"namespace_roles"`
}

// membershipRequest is F5's userUserGroupRequest.
type membershipRequest struct {
	Username directory.Username    `json:"username"`
	Groups   []directory.GroupName `json:"group_names"`
}
