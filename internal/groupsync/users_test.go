package groupsync_test

import (
	"context"
	"slices"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/simulator"
)

func renamed(email directory.Email) plan.Operation {
	return plan.Operation{Action: plan.Update, Object: plan.User, User: directory.User{
		Email: email, Username: directory.Username(email), Name: directory.PersonName{First: "New", Last: "Name"},
		IDMType: directory.IDMLocal, Type: directory.TypeUser, SyncMode: directory.SyncSelf,
	}}
}

// local is a tenant of local users with roles and groups.
func local(options ...simulator.Option) *simulator.Tenant {
	user := func(email string, change func(*simulator.User)) simulator.User {
		u := simulator.User{Email: email, FirstName: "Old", LastName: "Name", IDMType: "VOLTERRA_MANAGED",
			NamespaceRoles: []simulator.Role{{Namespace: "*", Role: "monitor"}}}
		if change != nil {
			change(&u)
		}
		return u
	}
	return simulator.New([]simulator.User{
		user("ann@example.com", func(u *simulator.User) { u.Name = "Ann" }), user("bob@example.com", nil),
		user("sso@example.com", func(u *simulator.User) { u.IDMType = "SSO" }), user("scim@example.com", func(u *simulator.User) { u.SyncMode = "SCIM" }),
		user("right@example.com", func(u *simulator.User) { u.FirstName = "New" }),
	}, []simulator.Group{{Name: "ops", Usernames: []string{"Ann"}}, {Name: "dev", Usernames: []string{"Ann", "bob@example.com"}}}, options...)
}

// A replacement gives back all that it does not change, as it is then.
func TestUpdateUsers(t *testing.T) {
	t.Parallel()
	tenant := local()
	operations := []plan.Operation{renamed("ann@example.com"), renamed("gone@example.com"), renamed("sso@example.com"), renamed("scim@example.com"), renamed("right@example.com")}
	operations[0].User.Username = "Ann"
	// Since the plan was made Ann is in one group less and has another role.
	send(t, tenant, "PUT", "user_roles", `{"email":"ann@example.com","first_name":"Old","last_name":"Name","group_names":["dev"],"namespace_roles":[{"namespace":"system","role":"admin"}]}`)
	want := tenant.Users()
	want[0].FirstName = "New"
	check(t, "outcome", []string{
		"update user ann@example.com: done update", "update user gone@example.com: skipped", "update user sso@example.com: skipped",
		"update user scim@example.com: skipped", "update user right@example.com: done",
	}, told(apply(t, tenant, operations)))
	check(t, "users", want, tenant.Users())
	check(t, "writes", []string{"PUT user_roles", "PUT user_roles"}, writes(tenant)) // the first is the other's
}

// Without the listing nobody is changed.
func TestUpdateUsersUnread(t *testing.T) {
	t.Parallel()
	tenant := local(on("GET", "user_roles", 0, simulator.Fault{Status: 500}))
	outcome := apply(t, tenant, []plan.Operation{renamed("ann@example.com"), createGroup("new", member("Ann"))})
	check(t, "outcome", []string{"update user ann@example.com: failed", "create group new: done create +1 -0"}, told(outcome))
	check(t, "writes", []string{"POST user_groups"}, writes(tenant))
}

// A replacement that failed for a transient reason is tried again.
func TestUpdateUserRetried(t *testing.T) {
	t.Parallel()
	tenant := local(on("PUT", "user_roles", 1, simulator.Fault{Drop: true, AfterAct: true}))
	outcome := apply(t, tenant, []plan.Operation{renamed("bob@example.com")}, groupsync.Options{UserRetry: retry.Policy{Attempts: 3}})
	check(t, "outcome", []string{"update user bob@example.com: done update"}, told(outcome))
	check(t, "groups", []string{"dev"}, tenant.Users()[1].GroupNames)
}

// What others changed before the retry stays: a replacement with what was listed
// before would put the user back into the group.
func TestUpdateUserRetriedAsItIsThen(t *testing.T) {
	t.Parallel()
	var tenant *simulator.Tenant
	tenant = local(before("PUT", "user_roles", 1, func() simulator.Fault {
		send(t, tenant, "PUT", "user_groups/dev", `{"name":"dev","usernames":["Ann"]}`)
		return simulator.Fault{Status: 503}
	}))
	want := tenant.Users()
	want[1].FirstName, want[1].GroupNames = "New", []string{}
	outcome := apply(t, tenant, []plan.Operation{renamed("bob@example.com")}, groupsync.Options{UserRetry: retry.Policy{Attempts: 3}})
	check(t, "outcome", []string{"update user bob@example.com: done update"}, told(outcome))
	check(t, "users", want, tenant.Users())
}

// partly is a tenant that lists users without a part of what they have.
type partly struct {
	groupsync.Repository
	leaveOut func(*directory.User)
}

func (p partly) Users(ctx context.Context) ([]directory.User, error) {
	users, err := p.Repository.Users(ctx)
	for i := range users {
		p.leaveOut(&users[i])
	}
	return users, err
}

// A user who is listed without groups or roles is not replaced: that would remove them.
func TestUserListedInPartIsNotUpdated(t *testing.T) {
	t.Parallel()
	for name, leaveOut := range map[string]func(*directory.User){
		"groups": func(u *directory.User) { u.Groups = nil },
		"roles":  func(u *directory.User) { u.Roles = nil },
	} {
		tenant := local()
		outcome := groupsync.New(partly{connect(tenant), leaveOut}, groupsync.Options{}).Apply(t.Context(), &plan.Plan{Operations: []plan.Operation{renamed("bob@example.com")}})
		check(t, name, []string{"update user bob@example.com: skipped"}, told(outcome))
		check(t, name, []string{}, writes(tenant))
	}
}

// TestChangedUserIsNotDeleted: a user who got a group or role after planning stays.
func TestChangedUserIsNotDeleted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(users []simulator.User, user *simulator.User, groups []simulator.Group)
		deleted bool
	}{
		{"nothing", func([]simulator.User, *simulator.User, []simulator.Group) {}, true},
		{"a group less", func(_ []simulator.User, _ *simulator.User, groups []simulator.Group) { groups[1].Usernames = nil }, true},
		{"a role less", func(_ []simulator.User, u *simulator.User, _ []simulator.Group) { u.NamespaceRoles = nil }, true},
		{"another name", func(_ []simulator.User, u *simulator.User, _ []simulator.Group) { u.FirstName = "New" }, true},
		{"another group", func(_ []simulator.User, u *simulator.User, groups []simulator.Group) {
			groups[0].Usernames = []string{u.Email}
		}, false},
		{"another role", func(_ []simulator.User, u *simulator.User, _ []simulator.Group) {
			u.NamespaceRoles = append(u.NamespaceRoles, simulator.Role{Namespace: "n", Role: "more"})
		}, false},
		{"a service user", func(_ []simulator.User, u *simulator.User, _ []simulator.Group) { u.Type = "SERVICE" }, false},
		{"of an identity provider", func(_ []simulator.User, u *simulator.User, _ []simulator.Group) { u.IDMType = "VOLTERRA_MANAGED" }, false},
		{"synced by SCIM", func(_ []simulator.User, u *simulator.User, _ []simulator.Group) { u.SyncMode = "SCIM" }, false},
		{"the domain owner", func(_ []simulator.User, u *simulator.User, _ []simulator.Group) { u.DomainOwner = true }, false},
		{"another email", func(_ []simulator.User, u *simulator.User, _ []simulator.Group) {
			u.Name, u.Email = u.Email, "new@example.com"
		}, false},
		{"not the only one with the email", func(users []simulator.User, u *simulator.User, _ []simulator.Group) {
			users[1].Email, users[1].Name = u.Email, "another"
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			first := crew()
			operation := deleteUser(t, first, "cy@example.com")
			users, groups := first.Users(), first.Groups()
			i := slices.IndexFunc(users, func(u simulator.User) bool { return u.Email == "cy@example.com" })
			groups = slices.DeleteFunc(groups, func(g simulator.Group) bool { return g.Name == "ops" })
			groups = append([]simulator.Group{{Name: "ops"}}, groups...)
			tt.change(users, &users[i], groups)
			tenant := simulator.New(users, groups)
			result := apply(t, tenant, []plan.Operation{operation}).Results[0]
			if deleted := len(tenant.Users()) < len(users); deleted != tt.deleted || deleted != (result.Status == groupsync.Done) {
				t.Errorf("result = %+v", result)
			}
			if !tt.deleted && (result.Status != groupsync.Skipped || len(writes(tenant)) > 0) {
				t.Errorf("result = %+v, writes %v", result, writes(tenant))
			}
		})
	}
}

// What a retry of one deletion has learned counts for those that follow.
func TestLaterDeletionsUseTheLatestListing(t *testing.T) {
	t.Parallel()
	var tenant *simulator.Tenant
	tenant = company(on("POST", "users/cascade_delete", 1, simulator.Fault{Status: 503}), before("GET", "user_roles", 2, func() simulator.Fault {
		send(t, tenant, "PUT", "users/group_add", `{"username":"dee@example.com","group_names":["ops"]}`)
		return simulator.Fault{}
	}))
	outcome := apply(t, tenant, []plan.Operation{deleteUser(t, tenant, "cy@example.com"), deleteUser(t, tenant, "dee@example.com")},
		groupsync.Options{UserRetry: retry.Policy{Attempts: 2}, Concurrency: 1})
	check(t, "outcome", []string{"delete user cy@example.com: done delete", "delete user dee@example.com: skipped"}, told(outcome))
}

// TestDeletionIsRetriedAsTheUserIsThen: who got a group meanwhile stays.
func TestDeletionIsRetriedAsTheUserIsThen(t *testing.T) {
	t.Parallel()
	var tenant *simulator.Tenant
	tenant = company(before("POST", "users/cascade_delete", 1, func() simulator.Fault {
		send(t, tenant, "PUT", "users/group_add", `{"username":"dee@example.com","group_names":["ops"]}`)
		return simulator.Fault{Status: 429}
	}))
	outcome := apply(t, tenant, []plan.Operation{deleteUser(t, tenant, "dee@example.com")}, groupsync.Options{UserRetry: retry.Policy{Attempts: 3}})
	check(t, "outcome", []string{"delete user dee@example.com: skipped"}, told(outcome))
	if n := len(tenant.Users()); n != 5 {
		t.Errorf("%d users are left", n)
	}
}
