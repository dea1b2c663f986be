package directory

import (
	"cmp"
	"errors"
	"regexp"
	"strings"
)

// Role is a role in a namespace, held by a user or a group.
type Role struct {
	Namespace string `json:"namespace"` // AllNamespaces for every one
	Role      string `json:"role"`
}

// AllNamespaces is the namespace of a role that holds in every namespace, and
// SystemNamespace the one that users, groups and the tenant itself belong to
// (F5's OpenAPI documents: schemaNamespaceRoleType).
const (
	AllNamespaces   = "*"
	SystemNamespace = "system"
)

// maxRolePart is the longest namespace and the longest role that the API takes,
// in bytes (schemaNamespaceRoleType).
const maxRolePart = 256

var rolePart = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// ParseRole reads a role as NAMESPACE/ROLE. Its errors say what it must be.
func ParseRole(s string) (Role, error) {
	namespace, role, found := strings.Cut(s, "/")
	switch {
	case !found:
		return Role{}, errors.New("must be NAMESPACE/ROLE, as in system/ves-io-monitor-role, or */ROLE for all namespaces")
	case namespace != AllNamespaces && !rolePart.MatchString(namespace) || !rolePart.MatchString(role):
		return Role{}, errors.New("must be NAMESPACE/ROLE, each of lower-case letters, digits and -; the namespace may be *")
	case len(namespace) > maxRolePart || len(role) > maxRolePart:
		return Role{}, errors.New("must have at most 256 characters on each side of the /")
	}
	return Role{Namespace: namespace, Role: role}, nil
}

// String returns the role as NAMESPACE/ROLE.
func (r Role) String() string { return r.Namespace + "/" + r.Role }

// RoleNames returns roles as NAMESPACE/ROLE.
func RoleNames(roles []Role) []string {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = role.String()
	}
	return names
}

// ListRoles returns the first roles as NAMESPACE/ROLE, and how many more there
// are.
func ListRoles(roles []Role) string { return List(roles, 3, Role.String) }

// Words returns the role in words, as in "ves-io-admin-role on all namespaces".
func (r Role) Words() string {
	if r.Namespace == AllNamespaces {
		return r.Role + " on all namespaces"
	}
	return r.Role + " on " + r.Namespace
}

// Compare orders roles by namespace, then by name.
func (r Role) Compare(other Role) int {
	return cmp.Or(cmp.Compare(r.Namespace, other.Namespace), cmp.Compare(r.Role, other.Role))
}

// Everywhere returns the role of that name on all namespaces, which includes r.
func (r Role) Everywhere() Role { return Role{Namespace: AllNamespaces, Role: r.Role} }
