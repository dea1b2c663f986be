package xc

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"xc-group-sync/internal/directory"
)

// The documented objects (ves.io.schema.user, ves.io.schema.user_group), as far
// as they are used.

type wireRole struct {
	Namespace string `json:"namespace"`
	Role      string `json:"role"`
}

type wireUser struct {
	Email       string     `json:"email"`
	Name        string     `json:"name,omitempty"`
	FirstName   string     `json:"first_name"`
	LastName    string     `json:"last_name"`
	IdmType     string     `json:"idm_type,omitempty"`
	Type        string     `json:"type,omitempty"`
	GroupNames  []string   `json:"group_names,omitempty"`
	Roles       []wireRole `json:"namespace_roles,omitempty"`
	SyncMode    string     `json:"sync_mode,omitempty"`
	DomainOwner bool       `json:"domain_owner,omitempty"`
}

type wireGroup struct {
	Name        string                     `json:"name"`
	UID         string                     `json:"uid,omitempty"`
	DisplayName string                     `json:"display_name,omitempty"`
	Description string                     `json:"description,omitempty"`
	Usernames   []string                   `json:"usernames"` // nil where the answer does not say
	Roles       []wireRole                 `json:"namespace_roles,omitempty"`
	SyncID      string                     `json:"sync_id,omitempty"`
	SyncMode    string                     `json:"sync_mode,omitempty"`
	References  map[string]json.RawMessage `json:"references_count,omitempty"`
	Error       *wireError                 `json:"error,omitempty"`
}

// wireError is F5's error field, which comes with status 200.
type wireError struct {
	Code    any    `json:"code"`
	Message string `json:"message"`
}

// present tells an error from the field's empty form.
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

// answer is what an answer is read into.
type answer interface {
	// half tells of F5's error field, which means that the answer is not whole.
	half() error
}

// plain is the answer that is read for nothing else, and a part of the others.
type plain struct {
	Error *wireError `json:"error"`
}

func (p *plain) half() error {
	if p.Error.present() {
		return errors.New(p.Error.String())
	}
	return nil
}

// half is nothing: a group that is read by name carries its error itself.
func (w *wireGroup) half() error { return nil }

func (e *wireError) String() string {
	if e.Code == nil {
		return e.Message
	}
	return fmt.Sprintf("%v %s", e.Code, e.Message)
}

func (w *wireUser) directory() (directory.User, error) {
	user := directory.User{
		Email:       directory.Email(directory.Fold(strings.TrimSpace(w.Email))),
		Address:     w.Email,
		Username:    cmp.Or(w.Name, w.Email),
		Name:        directory.PersonName{First: w.FirstName, Last: w.LastName},
		IdmType:     cmp.Or(w.IdmType, directory.IdmSSO),
		Type:        cmp.Or(w.Type, directory.TypeUser),
		SyncMode:    cmp.Or(w.SyncMode, directory.SyncSelf),
		DomainOwner: w.DomainOwner,
		Groups:      w.GroupNames,
		Roles:       roles(w.Roles),
	}
	if user.Username == "" {
		return user, errors.New("a user without name and e-mail")
	}
	return user, nil
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
		References:  make(map[string]int, len(w.References)),
	}
	for kind, count := range w.References {
		// A count that cannot be read is taken for one: better to keep a group.
		n := 1
		_ = json.Unmarshal([]byte(strings.Trim(string(count), `"`)), &n)
		group.References[kind] = n
	}
	if w.Error.present() {
		group.ReadError = w.Error.String()
	}
	if w.Name == "" {
		return group, errors.New("a group without a name")
	}
	return group, nil
}

// userRequest is what F5's documents know of a user that is written.
type userRequest struct {
	Email      string     `json:"email"`
	FirstName  string     `json:"first_name"`
	LastName   string     `json:"last_name"`
	Name       string     `json:"name,omitempty"`
	IdmType    string     `json:"idm_type,omitempty"`
	Type       string     `json:"type,omitempty"`
	GroupNames []string   `json:"group_names,omitempty"`
	Roles      []wireRole `json:"namespace_roles,omitempty"`
}

// groupRequest is what F5's documents know of a group that is written. In a
// replacement a field left out is removed.
type groupRequest struct {
	Name        string     `json:"name"`
	DisplayName string     `json:"display_name,omitempty"`
	Description string     `json:"description,omitempty"`
	Usernames   []string   `json:"usernames"`
	Roles       []wireRole `json:"namespace_roles,omitempty"`
	SyncID      string     `json:"sync_id,omitempty"`
}
