package simulator

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// userItem is a user in whoami's response.
type userItem struct {
	User
	Namespace  string `json:"namespace"`
	Tenant     string `json:"tenant"`
	TenantType string `json:"tenant_type"`
	Created    string `json:"creation_timestamp"`
	LastLogin  string `json:"last_login_timestamp"`
}

// listedUser is a user in the listing.
type listedUser struct {
	userItem
	OTPEnabled bool `json:"otp_enabled"`
}

func item(u User) userItem {
	return userItem{
		User: u, Namespace: system, Tenant: tenantID, TenantType: "ENTERPRISE",
		Created: timestamp, LastLogin: timestamp,
	}
}

func (t *Tenant) listUsers(call) (any, error) {
	users := t.userList()
	items := make([]listedUser, 0, len(users))
	for _, u := range users {
		items = append(items, listedUser{userItem: item(u)})
	}
	return map[string]any{"items": items}, nil
}

func (t *Tenant) whoAmI(call) (any, error) {
	u := t.find(t.caller)
	if u == nil {
		return nil, refuse(http.StatusNotFound, "the caller %q is not a user of this tenant", t.caller)
	}
	return item(u.snapshot(t.groupsOf(u))), nil
}

// userRequest is F5's userUserRoleRequest.
type userRequest struct {
	Email          string   `json:"email"`
	Name           string   `json:"name"`
	FirstName      string   `json:"first_name"`
	LastName       string   `json:"last_name"`
	IDMType        string   `json:"idm_type"`
	Type           string   `json:"type"`
	Namespace      string   `json:"namespace"`
	GroupNames     []string `json:"group_names"`
	NamespaceRoles []Role   `json:"namespace_roles"`
}

func decodeUser(body []byte) (userRequest, error) {
	req, err := decode[userRequest](body)
	switch {
	case err != nil:
		return req, err
	case req.Email == "" || req.FirstName == "" || req.LastName == "":
		return req, errors.New("email, first_name and last_name are required")
	case !strings.Contains(req.Email, "@"):
		return req, fmt.Errorf("email: %q is not an email address", req.Email)
	case !slices.Contains([]string{"", system}, req.Namespace):
		return req, fmt.Errorf("namespace: users are created in %q only", system)
	case !slices.Contains([]string{"", idmSSO, idmLocal, "UNDEFINED"}, req.IDMType):
		return req, fmt.Errorf("idm_type: unknown value %q", req.IDMType)
	case !slices.Contains([]string{"", typeUser, "SERVICE", "DEBUG"}, req.Type):
		return req, fmt.Errorf("type: unknown value %q", req.Type)
	}
	return req, checkRoles(req.NamespaceRoles)
}

func (t *Tenant) createUser(c call) (any, error) {
	req, err := decodeUser(c.body)
	if err != nil {
		return nil, err
	}
	u := User{
		Email: req.Email, Name: cmp.Or(req.Name, req.Email), FirstName: req.FirstName, LastName: req.LastName,
		IDMType: cmp.Or(req.IDMType, idmSSO), Type: cmp.Or(req.Type, typeUser), NamespaceRoles: req.NamespaceRoles,
	}
	_, emailTaken := t.emails[fold(u.Email)]
	_, nameTaken := t.users[fold(u.Name)]
	if emailTaken || nameTaken {
		return nil, refuse(http.StatusConflict, "user %q exists", u.Email)
	}
	if t.idm != "" && u.Type == typeUser && u.IDMType != t.idm {
		return nil, fmt.Errorf("idm_type: this tenant takes %s users only", t.idm)
	}
	if err := t.checkMoves(&u, req.GroupNames); err != nil {
		return nil, err
	}
	kept := t.putUser(u)
	t.move(kept, req.GroupNames)
	return t.userObject(kept), nil
}

// replaceUser replaces names, roles and groups: what is left out is removed.
func (t *Tenant) replaceUser(c call) (any, error) {
	req, err := decodeUser(c.body)
	if err != nil {
		return nil, err
	}
	key, ok := t.emails[fold(req.Email)]
	if !ok {
		return nil, refuse(http.StatusNotFound, "no user has the email %q", req.Email)
	}
	u := t.users[key]
	switch {
	case u.SyncMode == modeSCIM:
		return nil, fmt.Errorf("user %q is managed by the SCIM provider", u.Email)
	case req.Name != "" && fold(req.Name) != key:
		return nil, errors.New("name: it cannot be changed")
	case req.IDMType != "" && req.IDMType != u.IDMType:
		return nil, errors.New("idm_type: it cannot be changed")
	case req.Type != "" && req.Type != u.Type:
		return nil, errors.New("type: it cannot be changed")
	}
	if err := t.checkMoves(u, req.GroupNames); err != nil {
		return nil, err
	}
	u.FirstName, u.LastName = req.FirstName, req.LastName
	u.NamespaceRoles = slices.Clone(req.NamespaceRoles)
	t.move(u, req.GroupNames)
	return t.userObject(u), nil
}

// checkMoves reports whether u can be put into just these groups: they must
// exist, and the members of a SCIM-synced group stay as they are.
func (t *Tenant) checkMoves(u *User, names []string) error {
	for _, name := range names {
		if t.groups[name] == nil {
			return fmt.Errorf("group_names: no group %q", name)
		}
	}
	for name, g := range t.groups {
		_, is := g.members[fold(u.Name)]
		if g.SyncMode == modeSCIM && is != slices.Contains(names, name) {
			return fmt.Errorf("group_names: group %q is managed by the SCIM provider", name)
		}
	}
	return nil
}

func (t *Tenant) move(u *User, names []string) {
	for name, g := range t.groups {
		_, is := g.members[fold(u.Name)]
		switch will := slices.Contains(names, name); {
		case is && !will:
			delete(g.members, fold(u.Name))
		case will && !is:
			g.members[fold(u.Name)] = u.Name
		}
	}
}

func (t *Tenant) addToGroups(c call) (any, error) {
	return t.changeGroups(c, func(u *User, names []string) {
		if !t.addReplaces {
			for _, name := range names {
				t.groups[name].members[fold(u.Name)] = u.Name
			}
			return
		}
		for _, name := range t.groupsOf(u) {
			if t.groups[name].SyncMode == modeSCIM {
				names = append(names, name)
			}
		}
		t.move(u, names)
	})
}

func (t *Tenant) removeFromGroups(c call) (any, error) {
	return t.changeGroups(c, func(u *User, names []string) {
		for _, name := range names {
			delete(t.groups[name].members, fold(u.Name))
		}
	})
}

// changeGroups changes the groups of a user: those of the request that can be
// changed. For the others it answers 200 with an error.
func (t *Tenant) changeGroups(c call, change func(u *User, names []string)) (any, error) {
	req, err := decode[struct {
		Username   string   `json:"username"`
		GroupNames []string `json:"group_names"`
	}](c.body)
	switch {
	case err != nil:
		return nil, err
	case len(req.Username) == 0 || len(req.Username) > 320:
		return nil, errors.New("username: it must have 1 to 320 bytes")
	case len(req.GroupNames) == 0:
		return nil, errors.New("group_names is required")
	}
	u := t.users[fold(req.Username)]
	if u == nil {
		return nil, refuse(http.StatusNotFound, "no user %q", req.Username)
	}
	var names, problems []string
	for _, name := range req.GroupNames {
		switch g := t.groups[name]; {
		case g == nil:
			problems = append(problems, fmt.Sprintf("no group %q", name))
		case g.SyncMode == modeSCIM:
			problems = append(problems, fmt.Sprintf("group %q is managed by the SCIM provider", name))
		default:
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		change(u, names)
	}
	if len(problems) > 0 {
		return map[string]any{"error": Error{Code: "EPARTIAL", Message: strings.Join(problems, "; ")}}, nil
	}
	return struct{}{}, nil
}

// deleteUser answers 200 for a user that cannot be deleted too: delete_ok says
// which it was.
func (t *Tenant) deleteUser(c call) (any, error) {
	req, err := decode[struct {
		Email     string `json:"email"`
		Namespace string `json:"namespace"`
	}](c.body)
	switch {
	case err != nil:
		return nil, err
	case req.Email == "":
		return nil, errors.New("email is required")
	case !slices.Contains([]string{"", system}, req.Namespace):
		return nil, fmt.Errorf("namespace: it is always %q", system)
	}
	key, ok := t.emails[fold(req.Email)]
	if !ok {
		return nil, refuse(http.StatusNotFound, "no user has the email %q", req.Email)
	}
	u, problem := t.users[key], ""
	switch {
	case u.DomainOwner:
		problem = "the domain owner cannot be deleted"
	case u.SyncMode == modeSCIM:
		problem = "the user is managed by the SCIM provider"
	default:
		delete(t.users, key)
		delete(t.emails, fold(u.Email))
		for _, g := range t.groups {
			delete(g.members, key)
		}
	}
	return map[string]any{"delete_ok": problem == "", "items": []any{map[string]any{
		"object_name": u.Name, "object_type": "user", "object_uid": uid("user", u.Name), "error_message": problem,
	}}}, nil
}

// userObject is F5's userObject, which answers a write. It holds the groups as
// references, and no roles.
func (t *Tenant) userObject(u *User) any {
	type object = map[string]any
	groups := []object{}
	for _, name := range t.groupsOf(u) {
		groups = append(groups, object{
			"kind": "user_group", "tenant": tenantID, "namespace": system, "name": name, "uid": uid("group", name),
		})
	}
	id := uid("user", u.Name)
	return object{
		"metadata": object{
			"name": u.Name, "namespace": system, "uid": id, "description": "", "disable": u.Disabled,
			"labels": object{}, "annotations": object{},
		},
		"spec": object{"gc_spec": object{
			"email": u.Email, "first_name": u.FirstName, "last_name": u.LastName, "idm_type": u.IDMType,
			"type": u.Type, "sync_mode": u.SyncMode, "domain_owner": u.DomainOwner, "groups": groups,
			"state": "StateActive",
		}},
		"system_metadata": object{
			"uid": id, "tenant": tenantID, "creation_timestamp": timestamp, "modification_timestamp": timestamp,
		},
	}
}
