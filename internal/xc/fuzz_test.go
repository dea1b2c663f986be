package xc_test

import (
	"encoding/json"
	"errors"
	"testing"

	"xc-group-sync/internal/directory"
)

// FuzzListings: whatever a tenant answers, a listing that is no error is whole.
func FuzzListings(f *testing.F) {
	for _, body := range []string{
		`{"items":[{"email":"a@x.y","name":"a","group_names":["g"]}],"user_groups":[{"name":"g","usernames":["a"]}]}`,
		`{"items":[]}`, `{"user_groups":null}`, `{}`, `[]`, `null`, `"x"`, `{"items":[{}]}`, `{"user_groups":[{"name":"g","error":{"code":"EPARTIAL"}}]}`,
		`{"items":[{"email":"a@x.y"},{"email":"A@X.Y"}]}`, `{"user_groups":[{"name":"g"},{"name":"g"}],"error":{"code":5}}`, `<html>`, ``, `{"items":[{"email":"a"}]} x`,
		`{"items":[{"email":"a","x":{"\\\"":[1,{"y":null}],"z":"\\\\"}}]}`, `{"items":[{"email":"a","name":"b","name":"c"}]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		client := replying(reply{200, nil, string(body)})
		users, err := client.Users(t.Context())
		if err == nil && len(users) == 0 {
			t.Error("a listing without a user")
		}
		names := map[string]bool{}
		for _, user := range users {
			if key := user.Username.Key(); key == "" || names[key] {
				t.Errorf("a user without a name or twice: %q", user.Username)
			} else {
				names[key] = true
			}
		}
		groups, groupsErr := client.Groups(t.Context())
		var reference struct {
			Items  []struct{ Email, Name string }
			Groups []struct{ Name string } `json:"user_groups"`
		}
		switch broken := json.Unmarshal(body, &reference); {
		case broken != nil && err == nil && !errors.As(broken, new(*json.UnmarshalTypeError)):
			t.Errorf("users of what is not JSON: %v", broken)
		case err == nil && len(users) != len(reference.Items):
			t.Errorf("%d users, and %d by encoding/json", len(users), len(reference.Items))
		case groupsErr == nil && len(groups) != len(reference.Groups):
			t.Errorf("%d groups, and %d by encoding/json", len(groups), len(reference.Groups))
		}
		seen := map[directory.GroupName]bool{}
		for _, group := range groups {
			if group.Name == "" || seen[group.Name] {
				t.Errorf("a group without a name or twice: %q", group.Name)
			}
			seen[group.Name] = true
		}
	})
}
