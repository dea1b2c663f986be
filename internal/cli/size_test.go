package cli_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
)

// TestFewestRequests counts what it takes: two listings, the caller, one request a user, one
// a group that is created, and a group that is updated is read again before.
func TestFewestRequests(t *testing.T) {
	t.Parallel()
	tenant := simulator.New(
		[]simulator.User{{Email: "admin@example.com", DomainOwner: true}, {Email: "old@example.com"}},
		[]simulator.Group{{Name: "known", Description: plan.Marker, Usernames: []string{"old@example.com"}}},
	)
	code, out := run(t, tenant, "Email,Entitlement Display Name\na@example.com,CN=known|CN=fresh\nb@example.com,CN=fresh\nold@example.com,CN=known\n")
	if code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	var got []string
	for _, request := range tenant.Requests() {
		got = append(got, request.Method+" "+request.Path[strings.LastIndex(request.Path, "/")+1:])
	}
	slices.Sort(got)
	want := []string{"GET known", "GET user_groups", "GET user_roles", "GET whoami", "POST user_groups", "POST user_roles", "POST user_roles", "PUT known"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAGroupOf10000 creates it, and then adds one person: a write each.
func TestAGroupOf10000(t *testing.T) {
	t.Parallel()
	const members = 10_000
	users := []simulator.User{{Email: "admin@example.com", DomainOwner: true}, {Email: "last@example.com"}}
	csv := []string{"Email,Entitlement Display Name"}
	for i := range members {
		email := fmt.Sprintf("person%d@example.com", i)
		users = append(users, simulator.User{Email: email})
		csv = append(csv, email+",CN=everybody")
	}
	tenant := simulator.New(users, nil)
	for i, want := range []int{members, members + 1} {
		if code, out := run(t, tenant, strings.Join(csv, "\n"), "--timeout", "600"); code != 0 {
			t.Fatalf("exit code %d:\n%.2000s", code, out)
		}
		if n := len(tenant.Groups()[0].Usernames); n != want {
			t.Errorf("the group has %d members, want %d", n, want)
		}
		if writes := len(writesOf(tenant.Requests())); writes != i+1 {
			t.Errorf("%d writes, want %d", writes, i+1)
		}
		csv = append(csv, "last@example.com,CN=everybody")
	}
}
