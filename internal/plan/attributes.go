package plan

import (
	"fmt"

	"xc-group-sync/internal/directory"
)

// Attribute is something that an operation sends besides names, members and
// roles.
type Attribute string

// The attributes, by the names that readers know.
const (
	FirstName   Attribute = "first name"
	LastName    Attribute = "last name"
	IDMKind     Attribute = "kind"
	DisplayName Attribute = "display name"
	Description Attribute = "description"
	SyncID      Attribute = "sync id"
)

// AttributeChange is an attribute that an operation changes; From is empty for a
// new object.
type AttributeChange struct {
	Attribute Attribute
	From, To  string
}

// String returns the change as readers see it.
func (c AttributeChange) String() string {
	return fmt.Sprintf("%s: %q → %q", c.Attribute, c.From, c.To)
}

// AttributeChanges returns the attributes that the operation would send and that
// the tenant does not have.
func (o *Operation) AttributeChanges() []AttributeChange {
	var changes []AttributeChange
	add := func(attribute Attribute, from, to string) {
		if from != to {
			changes = append(changes, AttributeChange{attribute, from, to})
		}
	}
	switch {
	case o.Object == User && o.Action == Create:
		add(FirstName, "", o.User.Name.First)
		add(LastName, "", o.User.Name.Last)
		add(IDMKind, "", o.User.IDMType)
	case o.Object == User && o.Action == Update:
		add(FirstName, o.Before.First, o.User.Name.First)
		add(LastName, o.Before.Last, o.User.Name.Last)
	case o.Object == Group && o.Action == Create:
		add(DisplayName, "", o.Group.DisplayName)
		add(Description, "", o.Group.Description)
		add(SyncID, "", o.Group.SyncID)
	case o.Attributes != nil:
		add(DisplayName, o.Group.DisplayName, o.Attributes.DisplayName)
		add(Description, o.Group.Description, o.Attributes.Description)
		add(SyncID, o.Group.SyncID, o.Attributes.SyncID)
	}
	return changes
}

// Attributes are what a group has besides its members and its roles.
type Attributes struct {
	DisplayName, Description, SyncID string
}

func attributesOf(group directory.Group) *Attributes {
	return &Attributes{DisplayName: group.DisplayName, Description: group.Description, SyncID: group.SyncID}
}

// Apply sets the group's attributes, and reports whether that changes anything. A
// nil a changes nothing.
func (a *Attributes) Apply(group *directory.Group) (changed bool) {
	if a == nil || *attributesOf(*group) == *a {
		return false
	}
	group.DisplayName, group.Description, group.SyncID = a.DisplayName, a.Description, a.SyncID
	return true
}
