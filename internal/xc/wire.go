package xc

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"xc-group-sync/internal/directory"
)

// The parts of F5's objects ves.io.schema.user and ves.io.schema.user_group that
// the program uses. F5's documentation of a call is linked above the method that
// makes it, in tenant.go.

type wireUser struct {
	Email       string        `json:"email"`
	Name        string        `json:"name,omitempty"`
	FirstName   string        `json:"first_name"`
	LastName    string        `json:"last_name"`
	IDMType     string        `json:"idm_type,omitempty"`
	Type        string        `json:"type,omitempty"`
	GroupNames  names[string] `json:"group_names,omitempty"`
	Roles       roles         `json:"namespace_roles,omitempty"`
	SyncMode    string        `json:"sync_mode,omitempty"`
	DomainOwner bool          `json:"domain_owner,omitempty"`
	LastLogin   wireTime      `json:"last_login_timestamp"`
	Created     wireTime      `json:"creation_timestamp"`
}

type wireGroup struct {
	Name        string                    `json:"name"`
	UID         string                    `json:"uid,omitempty"`
	DisplayName string                    `json:"display_name,omitempty"`
	Description string                    `json:"description,omitempty"`
	Usernames   names[directory.Username] `json:"usernames"` // nil if the response does not say
	Roles       roles                     `json:"namespace_roles,omitempty"`
	SyncID      string                    `json:"sync_id,omitempty"`
	SyncMode    string                    `json:"sync_mode,omitempty"`
	References  references                `json:"references_count,omitempty"`
	Error       *wireError                `json:"error,omitempty"`
}

// references count, by kind, the objects that refer to a group: the first kinds
// by name, and all others together.
type references map[string]int

// A message needs only a few kinds by name; F5 has a few dozen.
const (
	namedKinds = 20
	otherKinds = "others"
	maxCount   = 1 << 30 // of one kind, so that a sum does not overflow
)

// UnmarshalJSONFrom counts an unreadable count as one, because it is safer to
// keep the group. Kinds with a count of zero are left out.
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
		text, err := scalar(d)
		if err != nil {
			return err
		}
		count, err := strconv.Atoi(text)
		switch {
		case err != nil || count < 0:
			count = 1
		case count == 0:
			return nil
		}
		if len(*r) >= namedKinds {
			kind = otherKinds
		}
		(*r)[kind] += min(count, maxCount)
		return nil
	})
}

// wireError is F5's error field, which can come with status 200.
type wireError struct {
	Code    wireCode `json:"code"`
	Message string   `json:"message"`
}

// present reports whether there is an error: the field has several empty forms.
func (e *wireError) present() bool {
	if e == nil {
		return false
	}
	switch e.Code {
	case "", "EOK", "0":
		return e.Message != ""
	}
	return true
}

// wireCode is the code of an error, a text or a number; empty if it is null.
type wireCode string

// UnmarshalJSONFrom refuses what is neither.
func (w *wireCode) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch kind := d.PeekKind(); kind {
	case '"', '0', 'n':
		text, err := scalar(d)
		*w = wireCode(text)
		return err
	default:
		return fmt.Errorf("%s instead of a code", kind)
	}
}

// response is a decoded body.
type response interface {
	// partial returns F5's error field if it is set: the body is incomplete.
	partial() error
}

// envelope is the part that every response body may have.
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
	return strings.TrimSpace(string(e.Code) + " " + e.Message)
}

// maxName bounds an identity, in bytes: an address has 254, a group's name 63.
const maxName = 1024

// identity returns an error if a name cannot be one. quotable is how it is quoted.
func identity(quotable func(string) string, names ...string) error {
	for _, name := range names {
		if len(name) > maxName {
			return fmt.Errorf("a name longer than %d bytes: %q", maxName, quotable(name))
		}
	}
	return nil
}

func (w *wireUser) directory(quotable func(string) string) (directory.User, error) {
	username, err := directory.NewUsername(w.Name, w.Email)
	if err == nil {
		err = identity(quotable, w.Name, w.Email)
	}
	return directory.User{
		Email:       directory.ObservedEmail(w.Email),
		Address:     w.Email,
		Username:    username,
		Name:        directory.PersonName{First: w.FirstName, Last: w.LastName},
		IDMType:     cmp.Or(w.IDMType, directory.IDMSSO),
		Type:        cmp.Or(w.Type, directory.TypeUser),
		SyncMode:    cmp.Or(w.SyncMode, directory.SyncSelf),
		DomainOwner: w.DomainOwner,
		Groups:      w.GroupNames,
		Roles:       w.Roles,
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

func (w *wireGroup) directory(quotable, shown func(string) string) (directory.Group, error) {
	group := directory.Group{
		Name:        directory.GroupName(w.Name),
		UID:         w.UID,
		DisplayName: w.DisplayName,
		Description: w.Description,
		Usernames:   w.Usernames,
		Roles:       w.Roles,
		SyncID:      w.SyncID,
		SyncMode:    cmp.Or(w.SyncMode, directory.SyncSelf),
		References:  w.References,
	}
	if group.References == nil {
		group.References = map[string]int{}
	}
	if w.Error.present() {
		group.ReadError = shown(w.Error.String())
	}
	if w.Name == "" {
		return group, errors.New("a group without a name")
	}
	return group, identity(quotable, w.Name)
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
	Roles      []directory.Role   `json:"namespace_roles,omitempty"`
}

// groupRequest is F5's user_groupUserGroupRequest. In a replacement a field left
// out is removed.
type groupRequest struct {
	Name        string               `json:"name"`
	DisplayName string               `json:"display_name,omitempty"`
	Description string               `json:"description,omitempty"`
	Usernames   []directory.Username `json:"usernames"`
	Roles       []directory.Role     `json:"namespace_roles,omitempty"`
	SyncID      string               `json:"sync_id,omitempty"`
}

// rolesRequest is F5's user_groupModifyRoleRequest.
type rolesRequest struct {
	Group string           `json:"name"`
	Roles []directory.Role `json:"namespace_roles"`
}

// membershipRequest is F5's userUserGroupRequest.
type membershipRequest struct {
	Username directory.Username    `json:"username"`
	Groups   []directory.GroupName `json:"group_names"`
}

// reasons are the messages of a deletion's items, as many as a message shows.
type reasons []string

// maxReasons is how many of them are kept: a user has few objects.
const maxReasons = 10

// UnmarshalJSONFrom leaves out items without a message.
func (r *reasons) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	return between(d, '[', ']', func() error {
		var item struct {
			Message string `json:"error_message"`
		}
		err := json.UnmarshalDecode(d, &item)
		if item.Message != "" && len(*r) < maxReasons {
			*r = append(*r, item.Message)
		}
		return err
	})
}
