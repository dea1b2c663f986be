package xc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	crossCheck(&observed)
	return &observed, nil
}

// crossCheck marks as half read the groups that were listed without a list of
// members although a user is said to be in them.
func crossCheck(observed *directory.Observed) {
	said := map[string]bool{}
	for _, user := range observed.Users {
		for _, name := range user.Groups {
			said[name] = true
		}
	}
	for i := range observed.Groups {
		if group := &observed.Groups[i]; group.Usernames == nil && said[string(group.Name)] && group.ReadError == "" {
			group.ReadError = "it was listed without its members, though users are said to be in it"
		}
	}
}

// Users lists the tenant's users. A listing without one is an error: the
// caller is always there.
func (c *Client) Users(ctx context.Context) ([]directory.User, error) {
	const path = "user_roles"
	var listing struct {
		plain
		Items *[]wireUser
	}
	if err := c.do(ctx, http.MethodGet, path, nil, &listing); err != nil {
		return nil, fmt.Errorf("list the users: %w", err)
	}
	broken := func(format string, args ...any) error {
		return fmt.Errorf("list the users: %w", &FormatError{Method: http.MethodGet, Path: path, Err: fmt.Errorf(format, args...)})
	}
	switch {
	case listing.Items == nil:
		return nil, broken("it has no items")
	case len(*listing.Items) == 0:
		return nil, broken("it names no user, not even the caller")
	}
	users := make([]directory.User, len(*listing.Items))
	seen := make(map[string]bool, len(users))
	for i := range users {
		var err error
		if users[i], err = (*listing.Items)[i].directory(); err != nil {
			return nil, broken("it has %w", err)
		}
		username := directory.Fold(users[i].Username)
		if seen[username] {
			return nil, broken("it names the user %q twice", users[i].Username)
		}
		seen[username] = true
	}
	return users, nil
}

// Groups lists the tenant's groups.
func (c *Client) Groups(ctx context.Context) ([]directory.Group, error) {
	const path = "user_groups"
	var listing struct {
		plain
		Groups *[]wireGroup `json:"user_groups"`
	}
	if err := c.do(ctx, http.MethodGet, path, nil, &listing); err != nil {
		return nil, fmt.Errorf("list the groups: %w", err)
	}
	broken := func(format string, args ...any) error {
		return fmt.Errorf("list the groups: %w", &FormatError{Method: http.MethodGet, Path: path, Err: fmt.Errorf(format, args...)})
	}
	if listing.Groups == nil {
		return nil, broken("it has no user_groups")
	}
	groups := make([]directory.Group, len(*listing.Groups))
	seen := make(map[directory.GroupName]bool, len(groups))
	for i := range groups {
		var err error
		if groups[i], err = (*listing.Groups)[i].directory(); err != nil {
			return nil, broken("it has %w", err)
		}
		if seen[groups[i].Name] {
			return nil, broken("it names the group %q twice", groups[i].Name)
		}
		seen[groups[i].Name] = true
	}
	return groups, nil
}

// WhoAmI is the user whom the credentials belong to.
func (c *Client) WhoAmI(ctx context.Context) (directory.User, error) {
	var caller struct {
		plain
		wireUser
	}
	if err := c.do(ctx, http.MethodGet, "whoami", nil, &caller); err != nil {
		return directory.User{}, fmt.Errorf("ask who the caller is: %w", err)
	}
	user, err := caller.directory()
	if err != nil {
		return user, fmt.Errorf("ask who the caller is: %w", &FormatError{Method: http.MethodGet, Path: "whoami", Err: err})
	}
	return user, nil
}

// CreateUser creates a user with their roles, in no group. An empty Username,
// or one that is the e-mail, is left to the API.
func (c *Client) CreateUser(ctx context.Context, user directory.User) error {
	name := user.Username
	if directory.Fold(name) == string(user.Email) {
		name = "" // the API's own default
	}
	return c.do(ctx, http.MethodPost, "user_roles", userRequest{
		Email: string(user.Email), FirstName: user.Name.First, LastName: user.Name.Last, Name: name, IdmType: user.IdmType, Type: user.Type, Roles: wireRoles(user.Roles),
	}, nil)
}

// ReplaceUser replaces a user whole: groups and roles that are not given are
// taken away.
func (c *Client) ReplaceUser(ctx context.Context, user directory.User) error {
	return c.do(ctx, http.MethodPut, "user_roles", userRequest{
		Email: cmp.Or(user.Address, string(user.Email)), FirstName: user.Name.First, LastName: user.Name.Last, Name: user.Username,
		IdmType: user.IdmType, Type: user.Type, GroupNames: user.Groups, Roles: wireRoles(user.Roles),
	}, nil)
}

// DeleteUser deletes a user and their roles.
func (c *Client) DeleteUser(ctx context.Context, user directory.User) error {
	var answer struct {
		plain
		Deleted *bool `json:"delete_ok"`
		Items   []struct {
			Name    string `json:"object_name"`
			Message string `json:"error_message"`
		}
	}
	request := struct {
		Email     string `json:"email"`
		Namespace string `json:"namespace"`
	}{cmp.Or(user.Address, string(user.Email)), "system"}
	const path = "users/cascade_delete"
	if err := c.do(ctx, http.MethodPost, path, request, &answer); err != nil {
		return err
	}
	var reasons []string
	for _, item := range answer.Items {
		if item.Message != "" {
			reasons = append(reasons, item.Message)
		}
	}
	switch {
	case answer.Deleted == nil && len(reasons) == 0:
		return &FormatError{Method: http.MethodPost, Path: path, Err: errors.New("it does not say whether the user is deleted")}
	case answer.Deleted != nil && *answer.Deleted:
		return nil
	}
	return errors.New("the tenant did not delete the user: " + cmp.Or(c.shown(strings.Join(reasons, "; ")), "it gives no reason"))
}

func groupPath(name directory.GroupName) string {
	return "user_groups/" + url.PathEscape(string(name))
}

// Group reads one group. Usernames is nil where the answer does not say.
func (c *Client) Group(ctx context.Context, name directory.GroupName) (directory.Group, error) {
	var answer wireGroup
	if err := c.do(ctx, http.MethodGet, groupPath(name), nil, &answer); err != nil {
		return directory.Group{}, fmt.Errorf("read the group: %w", err)
	}
	group, err := answer.directory()
	if err == nil && group.Name != name {
		err = fmt.Errorf("the group %q in place of %q", group.Name, name)
	}
	if err != nil {
		return directory.Group{}, fmt.Errorf("read the group: %w", &FormatError{Method: http.MethodGet, Path: groupPath(name), Err: err})
	}
	return group, nil
}

// CreateGroup creates a group with its members.
func (c *Client) CreateGroup(ctx context.Context, group directory.Group) error {
	return c.do(ctx, http.MethodPost, "user_groups", newGroupRequest(group), nil)
}

// ReplaceGroup replaces a group whole: what is not given is taken away.
func (c *Client) ReplaceGroup(ctx context.Context, group directory.Group) error {
	return c.do(ctx, http.MethodPut, groupPath(group.Name), newGroupRequest(group), nil)
}

func newGroupRequest(group directory.Group) groupRequest {
	return groupRequest{
		Name: string(group.Name), DisplayName: group.DisplayName, Description: group.Description,
		Usernames: append([]string{}, group.Usernames...), Roles: wireRoles(group.Roles), SyncID: group.SyncID,
	}
}

// DeleteGroup deletes a group that nothing refers to.
func (c *Client) DeleteGroup(ctx context.Context, name directory.GroupName) error {
	return c.do(ctx, http.MethodDelete, groupPath(name), nil, nil)
}
