package directory

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// The words of the API (F5's OpenAPI documents: userIdmType, userUserType,
// schemaSyncMode). If a field is missing, the first of each applies.
const (
	IDMSSO   = "SSO"
	IDMLocal = "VOLTERRA_MANAGED"

	TypeUser    = "USER"
	TypeService = "SERVICE"
	TypeDebug   = "DEBUG"

	SyncSelf = "SELF"
	SyncSCIM = "SCIM"
)

// User is a user of the tenant.
type User struct {
	Email       Email      `json:"email"`   // empty for users without one
	Address     string     `json:"address"` // the email in the tenant's spelling; empty for a user to be created
	Username    Username   `json:"username"`
	Name        PersonName `json:"name"`
	IDMType     string     `json:"idm_type"`
	Type        string     `json:"type"`
	SyncMode    string     `json:"sync_mode"`
	DomainOwner bool       `json:"domain_owner"`
	Groups      []string   `json:"groups"` // nil where the tenant does not say
	Roles       []Role     `json:"roles"`  // nil where the tenant does not say
	LastLogin   time.Time  `json:"-"`      // zero where the tenant does not say, or before the first
	Created     time.Time  `json:"-"`      // zero where the tenant does not say
}

// KindOf returns an IDMType as readers know it.
func KindOf(idmType string) string {
	if idmType == IDMLocal {
		return "local"
	}
	return idmType
}

// EmailOf returns what identifies the user with a username: the email or, without
// one, the username. user is nil if the tenant's listing does not have the
// username.
func EmailOf(username Username, user *User) Email {
	if user != nil && user.Email != "" {
		return user.Email
	}
	return Email(username.Key())
}

// Ordinary reports whether the user is a person, not a user that XC keeps for
// itself or for a machine.
func (u User) Ordinary() bool { return u.Type == TypeUser }

// Local reports whether XC itself keeps the person's name, not an identity
// provider.
func (u User) Local() bool {
	return u.Ordinary() && u.IDMType == IDMLocal && u.SyncMode == SyncSelf
}

// Group is a user group of the tenant.
type Group struct {
	Name        GroupName      `json:"name"`
	UID         string         `json:"uid"` // distinguishes the group from a later one of the same name
	DisplayName string         `json:"display_name"`
	Description string         `json:"description"`
	Usernames   []Username     `json:"usernames"` // in the tenant's order and spelling; nil where it does not say
	Roles       []Role         `json:"roles"`     // nil where the tenant does not say
	SyncID      string         `json:"sync_id"`
	SyncMode    string         `json:"sync_mode"`
	References  map[string]int `json:"references"` // what else refers to the group, counted by kind
	// ReadError says why the tenant could not read the group whole; a group
	// that has one must not be changed.
	ReadError string `json:"read_error"`
}

// ReferredBy returns what refers to the group, with counts, sorted; nil if
// nothing does.
func (g *Group) ReferredBy() []string {
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(g.References)) {
		if n := g.References[kind]; n > 0 {
			kinds = append(kinds, fmt.Sprintf("%s (%d)", kind, n))
		}
	}
	return kinds
}

// Observed is the tenant's state.
type Observed struct {
	Users  []User
	Groups []Group
}
