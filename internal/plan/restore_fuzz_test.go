package plan_test

import (
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// Whatever a snapshot holds, going back deletes nothing, takes nobody out of a
// group that it does not name, and lets people that protect names stay.
func FuzzRestore(f *testing.F) {
	for _, snapshot := range []string{
		`{"schema": 1, "tenant": "acme", "users": [], "groups": [], "members": {}}`,
		`{"schema": 1, "tenant": "acme", "users": [], "members": {"ann@example.com": "ann@example.com"},
			"groups": [{"name": "ops", "usernames": ["ann@example.com"], "roles": []}]}`,
		`{"schema": 1, "tenant": "acme", "members": {"bob": "new@example.com"},
			"users": [{"email": "new@example.com", "address": "new@example.com", "type": "USER", "username": "bob", "groups": ["ops", "dev", "none"]}], "groups": [{"name": "gone", "usernames": ["bob"], "roles": null}]}`,
		`{"schema": 1, "tenant": "acme", "members": {"": "a@b", "bob": "bob@example.com"}, "new_users": ["ann@example.com"], "new_groups": ["ops"],
			"users": [{"email": "ann@example.com", "address": "Ann@example.com", "type": "USER", "name": {"first": "", "last": ""}}], "groups": [{"name": "ops", "usernames": ["BOB", "bob", ""], "roles": []}]}`,
	} {
		f.Add(snapshot)
	}
	protect, err := parsePatterns("bob@*")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, document string) {
		snapshot, err := directory.ParseSnapshot([]byte(document))
		if err != nil {
			return
		}
		observed := &directory.Observed{
			Users: []directory.User{
				{Email: "ann@example.com", Username: "ann@example.com", Type: directory.TypeUser, IDMType: directory.IDMLocal, SyncMode: directory.SyncSelf},
				{Email: "bob@example.com", Username: "bob", Type: directory.TypeUser},
			},
			Groups: []directory.Group{managed("ops", "ann@example.com", "bob"), managed("dev", "bob")},
		}
		named := map[directory.GroupName]bool{}
		for _, group := range snapshot.Groups {
			named[group.Name] = true
		}
		for _, o := range plan.NewRestore(snapshot, observed, plan.Policy{Protect: protect, MaxRemovals: plan.Limit{None: true}}).Operations {
			if o.Action == plan.Delete || len(o.Remove) > 0 && !named[o.Group.Name] {
				t.Errorf("%s %s %s takes out %v", o.Action, o.Object, o.Name(), o.Remove)
			}
			for _, member := range o.Remove {
				if member.Email == "bob@example.com" {
					t.Errorf("%s is protected, but leaves %s", member.Email, o.Name())
				}
			}
		}
	})
}
