package directory_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/directory"
)

func snapshot() *directory.Snapshot {
	return &directory.Snapshot{
		Schema: directory.SnapshotSchema, Tenant: "acme", TakenAt: "2026-03-01T12:00:00Z", Digest: "sha256:x",
		Users: []directory.User{{Email: "ann@example.com", Address: "Ann@example.com", Username: "ann", Name: directory.PersonName{First: "A", Last: "B"}, Type: directory.TypeUser, Groups: []string{"ops"}}, {Username: "bob", Type: directory.TypeUser}},
		Groups: []directory.Group{
			{Name: "ops", Usernames: []directory.Username{"ann"}, Roles: []directory.Role{{Namespace: "*", Role: "r"}}, References: map[string]int{"a": 1}},
			{Name: "empty", Usernames: []directory.Username{}, Roles: []directory.Role{}},
		},
		Members:   map[string]directory.Email{"ann": "ann@example.com"},
		NewUsers:  []directory.Email{"eve@example.com"},
		NewGroups: []directory.GroupName{"new"},
	}
}

func TestSnapshotIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	document, err := json.MarshalIndent(snapshot(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got, err := directory.ParseSnapshot(document)
	if diff := cmp.Diff(snapshot(), got); err != nil || diff != "" {
		t.Errorf("%v (-want +got) %s", err, diff)
	}
}

func TestBrokenSnapshots(t *testing.T) {
	t.Parallel()
	whole, err := json.Marshal(snapshot())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"nothing":                 {string(whole), ""},
		"null":                    {string(whole), "null"},
		"more after it":           {`"new_groups":["new"]}`, `"new_groups":["new"]}{}`},
		"an unknown key":          {`"tenant":`, `"x":1,"tenant":`},
		"an unknown key of one":   {`"uid":""`, `"x":""`},
		"a doubled key":           {`"tenant":`, `"tenant":"x","tenant":`},
		"another schema":          {`"schema":1`, `"schema":2`},
		"no tenant":               {`"tenant":"acme"`, `"tenant":""`},
		"null users":              {`"users":[`, `"users":null,"new_groups":[],"groups":[],"x":[`},
		"users are no list":       {`"new_users":["eve@example.com"]`, `"new_users":{}`},
		"an empty user":           {`"users":[`, `"users":[{},`},
		"an address of another":   {`"address":"Ann@`, `"address":"Eve@`},
		"a user without address":  {`"address":"Ann@example.com"`, `"address":""`},
		"a service user":          {`"type":"USER"`, `"type":"SERVICE"`},
		"an empty group":          {`"groups":[{`, `"groups":[{},{`},
		"a group without members": {`"usernames":["ann"],`, ``},
		"null members":            {`"usernames":["ann"]`, `"usernames":null`},
		"null roles":              {`"roles":[]`, `"roles":null`},
		"a member without a name": {`"usernames":["ann"]`, `"usernames":["ann",""]`},
		"a member without email":  {`"members":{"ann":"ann@example.com"}`, `"members":{}`},
		"a role without a name":   {`"role":"r"`, `"role":""`},
		"a new user of no name":   {`"new_users":["eve@example.com"]`, `"new_users":[""]`},
		"a new group of no name":  {`"new_groups":["new"]`, `"new_groups":[""]`},
	} {
		document := strings.Replace(string(whole), change[0], change[1], 1)
		if got, err := directory.ParseSnapshot([]byte(document)); err == nil || document == string(whole) || len(err.Error()) > 300 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// Not in parallel: it looks at the heap. However little each element has, a
// document takes memory in proportion to its length.
func TestSnapshotsOfShortElements(t *testing.T) {
	const size = 4 << 20
	group := `"groups":[{"name":"a","roles":[],"usernames":[`
	for name, tt := range map[string]struct {
		first, again string
		next         func(i int) string // in place of again
	}{
		"empty users":       {`"users":[`, `{},`, nil},
		"empty groups":      {`"groups":[`, `{},`, nil},
		"short users":       {`"users":[`, `{"username":"a"},`, nil},
		"short groups":      {`"groups":[`, `{"name":"a","usernames":[],"roles":[]},`, nil},
		"short members":     {group, `"a",`, nil},
		"empty members":     {group, `"",`, nil},
		"short roles":       {`"groups":[{"name":"a","usernames":[],"roles":[`, `{"role":"a"},`, nil},
		"empty roles":       {`"groups":[{"name":"a","usernames":[],"roles":[`, `{},`, nil},
		"short group names": {`"users":[{"username":"a","groups":[`, `"a",`, nil},
		"new users":         {`"new_users":[`, `"a",`, nil},
		"new groups":        {`"new_groups":[`, `"a",`, nil},
		"emails":            {`"members":{`, "", func(i int) string { return fmt.Sprintf(`"%x":"a@b",`, i) }},
	} {
		t.Run(name, func(t *testing.T) {
			var document strings.Builder
			document.WriteString(`{` + tt.first)
			for i := 0; document.Len() < size; i++ {
				if tt.next != nil {
					document.WriteString(tt.next(i))
				} else {
					document.WriteString(tt.again)
				}
			}
			text := []byte(document.String())
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			_, err := directory.ParseSnapshot(text)
			runtime.ReadMemStats(&after)
			// All that was allocated, garbage included: more than it ever held.
			if grown := after.TotalAlloc - before.TotalAlloc; err == nil || grown > 16*size+72<<20 {
				t.Errorf("%d MiB allocated for %d MiB, %v", grown>>20, size>>20, err)
			}
		})
	}
}
