package access_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"xc-group-sync/internal/access"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/xc"
)

// BenchmarkLargeTenant compares changes of a tenant of 100,000 users and 2,000
// groups with 20 roles each, every user in 5 of them, with the reading of its
// listings.
func BenchmarkLargeTenant(b *testing.B) {
	const users, groups, each = 100_000, 2_000, 5
	bodies := listings(users, groups, each)
	client := xc.New(xc.Options{BaseURL: "https://tenant.example", Transport: bodies})
	observed, err := client.Observe(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("decode the listings", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := client.Observe(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	var one, some, all access.Change
	for i, group := range observed.Groups {
		change := access.GroupChange{Name: group.Name, Grant: roles("payments/ves-io-waap-monitor-role"), Revoke: group.Roles[:1]}
		all.Groups = append(all.Groups, change)
		change = access.GroupChange{Name: group.Name, Remove: []access.Member{{Username: group.Usernames[0]}}, Add: []access.Member{{Email: directory.Email(fmt.Sprintf("new%d@example.com", i))}}}
		some.Groups = append(some.Groups, change)
	}
	one.Groups = some.Groups[:1]
	for name, change := range map[string]access.Change{"one leaver": one, "a change in each group": some, "a role in each group": all} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if diff := access.Compare(observed, change); len(diff.Gained) == 0 || len(diff.Lost) == 0 {
					b.Fatal(len(diff.Gained), len(diff.Lost))
				}
			}
		})
	}
}

// answers are bodies by the end of the path.
type answers map[string][]byte

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body := a[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]]
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

func listings(users, groups, each int) answers {
	type object map[string]any
	members, in := make([][]string, groups), make([][]string, users)
	var people, teams []object
	for i := range users {
		email := fmt.Sprintf("person-%06d@example.com", i)
		for n := range each {
			group := (i*7 + n*(groups/each+1)) % groups
			members[group] = append(members[group], email)
			in[i] = append(in[i], fmt.Sprintf("xc-team-%04d", group))
		}
		people = append(people, object{"email": email, "name": email, "first_name": "Ada", "last_name": "Lovelace", "idm_type": "SSO", "type": "USER",
			"sync_mode": "SELF", "group_names": in[i], "namespace_roles": []object{{"namespace": "ns", "role": "ves-io-default-role"}}})
	}
	for i := range groups {
		var has []object
		for n := range 20 {
			has = append(has, object{"namespace": fmt.Sprintf("namespace-%d", (i+n)%400), "role": fmt.Sprintf("ves-io-role-%d", i%50)})
		}
		name := fmt.Sprintf("xc-team-%04d", i)
		teams = append(teams, object{"name": name, "display_name": name, "usernames": members[i], "namespace_roles": has})
	}
	encode := func(key string, items []object) []byte {
		body, err := json.Marshal(object{key: items})
		if err != nil {
			panic(err)
		}
		return body
	}
	return answers{"user_roles": encode("items", people), "user_groups": encode("user_groups", teams)}
}
