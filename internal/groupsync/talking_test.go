package groupsync_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
	"xc-group-sync/internal/xc"
)

// wanted returns a directory of so many people, each in one of so many groups.
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
	outcome := groupsync.New(client, groupsync.Options{Concurrency: concurrency}).Apply(context.Background(), plan.New(desired, observed, plan.Policy{}))
	for _, result := range outcome.Results {
		if result.Status != groupsync.Done {
			tb.Fatalf("%s %s: %s: %v", result.Action, result.Name(), result.Status, result.Err)
		}
	}
	return outcome
}

// TestNoGaps holds how long it takes to what the requests need side by side.
func TestNoGaps(t *testing.T) {
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

// agreeable is a tenant that accepts everything, at once.
func agreeable(r *http.Request) (*http.Response, error) {
	body := `{"items":[{"email":"owner@example.com"}],"user_groups":[]}`
	if r.Method == http.MethodPost {
		body = created(r)
	}
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
