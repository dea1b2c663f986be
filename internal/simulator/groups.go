package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
)

// F5's object names are DNS-1035 labels.
var dns1035 = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`)

// groupItem is F5's user_groupUserGroupResponse.
type groupItem struct {
	Group
	ID  string `json:"id"`
	UID string `json:"uid"`
}

func groupAnswer(g Group) groupItem {
	return groupItem{Group: g, ID: uid("group id", g.Name), UID: uid("group", g.Name)}
}

func (t *Tenant) listGroups(call) (any, error) {
	groups := t.groupList()
	items := make([]groupItem, 0, len(groups))
	for _, g := range groups {
		items = append(items, groupAnswer(g))
	}
	return map[string]any{"user_groups": items}, nil
}

func (t *Tenant) readGroup(c call) (any, error) {
	g, err := t.group(c.name)
	if err != nil {
		return nil, err
	}
	return groupAnswer(g.snapshot()), nil
}

func (t *Tenant) group(name string) (*group, error) {
	g := t.groups[name]
	if g == nil {
		return nil, refuse(http.StatusNotFound, "no group %q", name)
	}
	return g, nil
}

// groupRequest is F5's user_groupUserGroupRequest.
type groupRequest struct {
	Name           string   `json:"name"`
	DisplayName    string   `json:"display_name"`
	Description    string   `json:"description"`
	Usernames      []string `json:"usernames"`
	NamespaceRoles []Role   `json:"namespace_roles"`
	SyncID         string   `json:"sync_id"`
}

func (t *Tenant) createGroup(c call) (any, error) {
	req, err := decode[groupRequest](c.body)
	if err != nil {
		return nil, err
	}
	if !dns1035.MatchString(req.Name) {
		return nil, fmt.Errorf("name: %q is not a DNS-1035 label", req.Name)
	}
	if t.groups[req.Name] != nil {
		return nil, refuse(http.StatusConflict, "group %q exists", req.Name)
	}
	return t.writeGroup(Group{Name: req.Name}, req)
}

func (t *Tenant) replaceGroup(c call) (any, error) {
	req, err := decode[groupRequest](c.body)
	if err != nil {
		return nil, err
	}
	g, err := t.group(c.name)
	switch {
	case err != nil:
		return nil, err
	case req.Name != "" && req.Name != c.name:
		return nil, fmt.Errorf("name: %q is not the %q of the path", req.Name, c.name)
	case g.SyncMode == modeSCIM:
		return nil, fmt.Errorf("group %q is managed by the SCIM provider", c.name)
	}
	return t.writeGroup(g.Group, req)
}

// writeGroup stores g with all that a request can set taken from req. Members
// are kept in their users' spelling.
func (t *Tenant) writeGroup(g Group, req groupRequest) (any, error) {
	if err := checkRoles(req.NamespaceRoles); err != nil {
		return nil, err
	}
	g.Usernames = nil
	for _, name := range req.Usernames {
		u := t.users[fold(name)]
		if u == nil {
			return nil, fmt.Errorf("usernames: no user %q", name)
		}
		g.Usernames = append(g.Usernames, u.Name)
	}
	g.DisplayName, g.Description, g.SyncID = req.DisplayName, req.Description, req.SyncID
	g.NamespaceRoles = req.NamespaceRoles
	return groupAnswer(t.putGroup(g).snapshot()), nil
}

func (t *Tenant) assignRoles(c call) (any, error) {
	return t.changeRoles(c, func(has, roles []Role) []Role {
		for _, r := range roles {
			if !slices.Contains(has, r) {
				has = append(has, r)
			}
		}
		return has
	})
}

func (t *Tenant) removeRoles(c call) (any, error) {
	return t.changeRoles(c, func(has, roles []Role) []Role {
		return slices.DeleteFunc(has, func(r Role) bool { return slices.Contains(roles, r) })
	})
}

// changeRoles gives a group the roles that change makes of those it has and
// those of the request.
func (t *Tenant) changeRoles(c call, change func(has, roles []Role) []Role) (any, error) {
	req, err := decode[struct {
		Name           string `json:"name"`
		NamespaceRoles []Role `json:"namespace_roles"`
	}](c.body)
	if err != nil {
		return nil, err
	}
	g, err := t.group(c.name)
	switch {
	case err != nil:
		return nil, err
	case req.Name != c.name:
		return nil, fmt.Errorf("name: %q is not the %q of the path", req.Name, c.name)
	case len(req.NamespaceRoles) == 0:
		return nil, errors.New("namespace_roles is required")
	case g.SyncMode == modeSCIM:
		return nil, fmt.Errorf("group %q is managed by the SCIM provider", c.name)
	}
	if err := checkRoles(req.NamespaceRoles); err != nil {
		return nil, err
	}
	g.NamespaceRoles = change(slices.Clone(g.NamespaceRoles), req.NamespaceRoles)
	return groupAnswer(g.snapshot()), nil
}

func (t *Tenant) deleteGroup(c call) (any, error) {
	g, err := t.group(c.name)
	switch {
	case err != nil:
		return nil, err
	case g.SyncMode == modeSCIM:
		return nil, fmt.Errorf("group %q is managed by the SCIM provider", c.name)
	case g.referenced() && c.query.Get("attempt_remove_references") != "true":
		return nil, refuse(http.StatusConflict, "group %q is referred to by other objects", c.name)
	}
	delete(t.groups, c.name)
	return struct{}{}, nil
}

func (g *group) referenced() bool {
	for _, n := range g.ReferencesCount {
		if n > 0 {
			return true
		}
	}
	return false
}
