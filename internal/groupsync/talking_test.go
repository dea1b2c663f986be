package groupsync_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
	"xc-group-sync/internal/xc"
)

// wanted is a directory of so many people, each in one of so many groups.
func wanted(tb testing.TB, people, groups int) *directory.Desired {
	tb.Helper()
	desired := &directory.Desired{}
	for i := range groups {
		dn, err := directory.ParseDN(fmt.Sprintf("CN=group-%05d,OU=Groups,DC=example,DC=com", i))
		if err != nil {
			tb.Fatal(err)
		}
		desired.Groups = append(desired.Groups, &directory.DesiredGroup{Name: directory.GroupName(fmt.Sprintf("group-%05d", i)), DNs: []directory.DN{dn}})
	}
	for i := range people {
		email := directory.Email(fmt.Sprintf("person%06d@example.com", i))
		person := &directory.Person{Email: email, Name: directory.NewPersonName("", email)}
		desired.People = append(desired.People, person)
		group := desired.Groups[i%groups]
		group.Members = append(group.Members, person)
	}
	return desired
}

// empty is a tenant with nobody but its owner.
func empty(options ...simulator.Option) *simulator.Tenant {
	return simulator.New([]simulator.User{{Email: "owner@example.com", DomainOwner: true}}, nil, options...)
}

// bring reads the tenant, plans, and applies the plan; it fails unless all is
// done.
func bring(tb testing.TB, client *xc.Client, desired *directory.Desired, concurrency int) *groupsync.Outcome {
	tb.Helper()
	observed, err := client.Observe(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	outcome := groupsync.New(client, groupsync.WithConcurrency(concurrency)).Apply(context.Background(), plan.New(desired, observed, plan.Policy{}))
	for _, result := range outcome.Results {
		if result.Status != groupsync.Done {
			tb.Fatalf("%s %s: %s: %v", result.Action, result.Name(), result.Status, result.Err)
		}
	}
	return outcome
}

// TestFewestRequests counts what reaches the desired state, and how long it
// takes: two listings, one request a user, one a group, the operations side by
// side without a gap.
func TestFewestRequests(t *testing.T) {
	t.Parallel()
	const people, groups, latency = 2000, 200, 20 * time.Millisecond
	for _, concurrency := range []int{1, 4, 32} {
		t.Run(fmt.Sprint(concurrency), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := empty(simulator.WithLatency(latency))
				client := xc.New(xc.Options{BaseURL: base, Transport: tenant, Timeout: time.Minute, Concurrency: concurrency})
				desired, start := wanted(t, people, groups), time.Now()
				bring(t, client, desired, concurrency)
				took, requests := time.Since(start), len(tenant.Requests())
				if requests != 2+people+groups {
					t.Errorf("%d requests, want %d", requests, 2+people+groups)
				}
				if bound := time.Duration(requests) * latency / time.Duration(concurrency); took > bound*110/100 {
					t.Errorf("it took %v, want no more than 110 %% of %v", took, bound)
				}
			})
		})
	}
}

// TestFewestRequestsOfAnUpdate counts the reading before the replacement, too.
func TestFewestRequestsOfAnUpdate(t *testing.T) {
	t.Parallel()
	tenant := company()
	client := connect(tenant)
	observed, err := client.Observe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	desired := wanted(t, 1, 1)
	desired.Groups[0].Name, desired.People[0].Email = "ops", "dee@example.com"
	apply(t, tenant, plan.New(desired, observed, plan.Policy{}).Operations)
	var sent []string
	for _, request := range tenant.Requests() {
		sent = append(sent, request.Method+" "+strings.TrimPrefix(request.Path, root))
	}
	slices.Sort(sent[:2]) // the listings go side by side
	if diff := cmp.Diff([]string{"GET user_groups", "GET user_roles", "GET user_groups/ops", "PUT user_groups/ops"}, sent); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestAGroupOf50000 creates a group of 50,000 members, and then replaces one of
// them.
func TestAGroupOf50000(t *testing.T) {
	t.Parallel()
	const size = 50_000
	users := make([]simulator.User, size+1)
	for i := range users {
		users[i].Email = fmt.Sprintf("person%06d@example.com", i)
	}
	tenant := simulator.New(users, nil)
	client := connect(tenant)
	desired := wanted(t, size, 1)
	bring(t, client, desired, 4)
	if got := groupOf(t, tenant, "group-00000").Usernames; len(got) != size {
		t.Fatalf("%d members, want %d", len(got), size)
	}
	members := desired.Groups[0].Members
	members[0] = &directory.Person{Email: "person050000@example.com"}
	desired.People = append(desired.People, members[0])
	outcome := bring(t, client, desired, 4)
	if diff := cmp.Diff([]string{"update group group-00000: done update +1 -1"}, told(outcome)); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	got := groupOf(t, tenant, "group-00000").Usernames
	if len(got) != size || slices.Contains(got, "person000000@example.com") || !slices.Contains(got, "person050000@example.com") {
		t.Errorf("%d members, want one of %d replaced", len(got), size)
	}
	if n := len(writes(tenant)); n != 2 {
		t.Errorf("%d writes, want 2", n)
	}
}

// agreeable is a tenant that says yes to everything, at once.
func agreeable(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	body := `{"items":[{"email":"owner@example.com"}],"user_groups":[]}`
	header := http.Header{"Content-Type": {"application/json"}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// TestAllocationsAreLinear holds twice the changes to about twice the
// allocations.
func TestAllocationsAreLinear(t *testing.T) {
	of := func(changes int) float64 {
		desired := wanted(t, changes-changes/10, changes/10)
		return testing.AllocsPerRun(3, func() {
			bring(t, xc.New(xc.Options{BaseURL: base, Transport: tripper(agreeable)}), desired, 4)
		})
	}
	few, many := of(200), of(400)
	if many > 2.2*few {
		t.Errorf("%.0f allocations for 200 changes and %.0f for 400", few, many)
	}
}
