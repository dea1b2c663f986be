package xc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"xc-group-sync/internal/directory"
)

// Observe reads the tenant's users and groups, whole or not at all.
func (c *Client) Observe(ctx context.Context) (*directory.Observed, error) {
	var observed directory.Observed
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { observed.Users, err = c.Users(ctx); return })
	group.Go(func() (err error) { observed.Groups, err = c.Groups(ctx); return })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	c.crossCheck(&observed)
	return &observed, nil
}

// crossCheck marks as incomplete the groups that were listed without members
// although a user is listed as being in them.
func (c *Client) crossCheck(observed *directory.Observed) {
	hasMembers := map[string]bool{}
	for _, user := range observed.Users {
		for _, name := range user.Groups {
			hasMembers[name] = true
		}
	}
	for i := range observed.Groups {
		if group := &observed.Groups[i]; group.Usernames == nil && hasMembers[string(group.Name)] && group.ReadError == "" {
			group.ReadError = "it was listed without members, although the user listing says that it has some"
			c.held.readGroup(group)
		}
	}
}

// A listing may have freeElements elements, and one more for each elementSize
// bytes. A real user or group has several hundred bytes; "{}" a million times
// must not become a million elements in memory.
const (
	freeElements = 100_000
	elementSize  = 128
)

// list reads the listing under key, element by element. wire is what an element
// is decoded into; convert returns it with its name, which must be unique
// regardless of case.
func list[W, T any](ctx context.Context, c *Client, path, key string, convert func(wire *W) (T, directory.Username, error)) ([]T, error) {
	var elements []T
	err := c.exchange(ctx, http.MethodGet, path, nil, func(a *answer) error {
		elements = nil
		found, seen := false, map[string]bool{}
		var wire, zero W
		d := newDecoder(a.text)
		err := d.object(func(name string) error {
			if name != key || d.PeekKind() != '[' {
				return d.ignore(name)
			}
			found = true
			return d.array(func() error {
				wire = zero
				if err := d.value(&wire); err != nil {
					return err
				}
				element, name, err := convert(&wire)
				folded := name.Key()
				switch {
				case err != nil:
					return err
				case seen[folded]:
					return fmt.Errorf("%q is listed twice (compared without case)", c.quotable(string(name)))
				case int64(len(elements)) >= freeElements+a.size/elementSize:
					return fmt.Errorf("more %s than %d bytes can hold", key, a.size)
				}
				seen[folded] = true
				if len(elements) == cap(elements) {
					elements = slices.Grow(elements, len(elements)+1) // append alone grows in smaller steps, and users are large
				}
				elements = append(elements, element)
				return nil
			})
		})
		switch {
		case err != nil:
			return err
		case !found:
			return errors.New("no " + key)
		}
		return d.end()
	})
	return elements, err
}

// Users lists the tenant's users. An empty listing is an error: the caller is
// always in it.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user-customapi-list
func (c *Client) Users(ctx context.Context) ([]directory.User, error) {
	const path = "user_roles"
	users, err := list(ctx, c, path, "items", func(wire *wireUser) (directory.User, directory.Username, error) {
		user, err := wire.directory(c.quotable)
		return user, user.Username, err
	})
	if err == nil && len(users) == 0 {
		err = c.unexpected(http.MethodGet, path, errors.New("no users, not even the caller"))
	}
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	c.held.readUsers(users)
	return users, nil
}

// Groups lists the tenant's groups. Their names are in DNS-1035 form, so two that
// differ only in case are one name for two groups.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user_group-customapi-list
func (c *Client) Groups(ctx context.Context) ([]directory.Group, error) {
	groups, err := list(ctx, c, "user_groups", "user_groups", func(wire *wireGroup) (directory.Group, directory.Username, error) {
		group, err := wire.directory(c.quotable, c.shown)
		return group, directory.Username(group.Name), err
	})
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	for i := range groups {
		c.held.readGroup(&groups[i])
	}
	return groups, nil
}

// WhoAmI returns the user the credentials belong to.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user-customapi-get
func (c *Client) WhoAmI(ctx context.Context) (directory.User, error) {
	type body struct {
		envelope
		wireUser
	}
	caller, err := ask[body](ctx, c, http.MethodGet, "whoami", nil)
	if err != nil {
		return directory.User{}, fmt.Errorf("identify the caller: %w", err)
	}
	user, err := caller.directory(c.quotable)
	if err != nil {
		return directory.User{}, fmt.Errorf("identify the caller: %w", c.unexpected(http.MethodGet, "whoami", err))
	}
	return user, nil
}

// CreateUser creates a user with their roles, in no group, and returns the
// username that the tenant gave them, or "" if it does not say. If Username is
// empty or the email, the API chooses it.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user-customapi-create
func (c *Client) CreateUser(ctx context.Context, user directory.User) (directory.Username, error) {
	request := newUserRequest(user)
	request.GroupNames = nil
	if directory.ObservedEmail(string(user.Username)) == user.Email {
		request.Name = "" // the API's own default
	}
	type body struct {
		envelope
		Metadata struct {
			Name directory.Username `json:"name"`
		} `json:"metadata"`
	}
	created, err := ask[body](ctx, c, http.MethodPost, "user_roles", request)
	return created.Metadata.Name, err
}

// ReplaceUser replaces a whole user: groups and roles that are left out are
// removed.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user-customapi-replace
func (c *Client) ReplaceUser(ctx context.Context, user directory.User) error {
	return c.do(ctx, http.MethodPut, "user_roles", newUserRequest(user))
}

func newUserRequest(user directory.User) userRequest {
	return userRequest{
		Email: address(user), FirstName: user.Name.First, LastName: user.Name.Last, Name: user.Username,
		IDMType: user.IDMType, Type: user.Type, GroupNames: user.Groups, Roles: user.Roles,
	}
}

// address returns the email in the tenant's spelling.
func address(user directory.User) string { return cmp.Or(user.Address, string(user.Email)) }

// DeleteUser deletes a user and their roles.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user-customapi-cascadedelete
func (c *Client) DeleteUser(ctx context.Context, user directory.User) error {
	type body struct {
		envelope
		Deleted *bool   `json:"delete_ok"`
		Reasons reasons `json:"items"`
	}
	request := struct {
		Email     string `json:"email"`
		Namespace string `json:"namespace"`
	}{address(user), "system"}
	const path = "users/cascade_delete"
	answer, err := ask[body](ctx, c, http.MethodPost, path, request)
	if err != nil {
		return err
	}
	switch {
	case answer.Deleted == nil && len(answer.Reasons) == 0:
		return c.unexpected(http.MethodPost, path, errors.New("no delete_ok"))
	case answer.Deleted != nil && *answer.Deleted:
		return nil
	}
	return errors.New("the tenant did not delete the user: " + cmp.Or(c.shown(strings.Join(answer.Reasons, "; ")), "no reason given"))
}

// The calls that only add, by the end of their path.
const (
	assignRoles = "/assign_namespace_roles"
	groupAdd    = "users/group_add"
)

func groupPath(name directory.GroupName) string {
	return "user_groups/" + url.PathEscape(string(name))
}

// Group reads one group. Usernames is nil if the response does not say.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user_group-customapi-get
func (c *Client) Group(ctx context.Context, name directory.GroupName) (directory.Group, error) {
	answer, err := ask[wireGroup](ctx, c, http.MethodGet, groupPath(name), nil)
	if err != nil {
		return directory.Group{}, fmt.Errorf("read group: %w", err)
	}
	group, err := answer.directory(c.quotable, c.shown)
	if err == nil && group.Name != name {
		err = fmt.Errorf("group %q instead of %q", group.Name, name)
	}
	if err != nil {
		return directory.Group{}, fmt.Errorf("read group: %w", c.unexpected(http.MethodGet, groupPath(name), err))
	}
	c.held.readGroup(&group)
	return group, nil
}

// CreateGroup creates a group with its members and roles.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user_group-customapi-create
func (c *Client) CreateGroup(ctx context.Context, group directory.Group) error {
	return c.do(ctx, http.MethodPost, "user_groups", newGroupRequest(group))
}

// ReplaceGroup replaces a whole group: what is left out is removed.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user_group-customapi-replace
func (c *Client) ReplaceGroup(ctx context.Context, group directory.Group) error {
	return c.do(ctx, http.MethodPut, groupPath(group.Name), newGroupRequest(group))
}

func newGroupRequest(group directory.Group) groupRequest {
	return groupRequest{
		Name: string(group.Name), DisplayName: group.DisplayName, Description: group.Description,
		Usernames: append([]directory.Username{}, group.Usernames...), Roles: group.Roles, SyncID: group.SyncID,
	}
}

// AssignRoles adds roles to those of a group.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user_group-customapi-assignrole
func (c *Client) AssignRoles(ctx context.Context, group directory.GroupName, roles []directory.Role) error {
	return c.do(ctx, http.MethodPut, groupPath(group)+assignRoles, rolesRequest{string(group), roles})
}

// RemoveRoles removes roles from those of a group.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user_group-customapi-removerole
func (c *Client) RemoveRoles(ctx context.Context, group directory.GroupName, roles []directory.Role) error {
	return c.do(ctx, http.MethodPut, groupPath(group)+"/remove_namespace_roles", rolesRequest{string(group), roles})
}

// AddToGroup adds one user to one group, so that there is no partial success. F5
// documents that the user's other groups stay.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user-customapi-addusertogroup
func (c *Client) AddToGroup(ctx context.Context, username directory.Username, group directory.GroupName) error {
	return c.do(ctx, http.MethodPut, groupAdd, membershipRequest{username, []directory.GroupName{group}})
}

// RemoveFromGroup removes one user from one group.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user-customapi-removeuserfromgroup
func (c *Client) RemoveFromGroup(ctx context.Context, username directory.Username, group directory.GroupName) error {
	return c.do(ctx, http.MethodPut, "users/group_remove", membershipRequest{username, []directory.GroupName{group}})
}

// DeleteGroup deletes a group that nothing refers to.
//
// https://docs.cloud.f5.com/docs-v2/platform/reference/api-ref/ves-io-schema-user_group-customapi-delete
func (c *Client) DeleteGroup(ctx context.Context, name directory.GroupName) error {
	return c.do(ctx, http.MethodDelete, groupPath(name), nil)
}
