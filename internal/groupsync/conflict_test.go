package groupsync_test

import (
	"bytes"
	"encoding/json"
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
)

var (
	reserved = simulator.Fault{Status: 409, Body: `{"code":"EEXIST","message":"the name is reserved"}`}
	lostPost = simulator.Fault{Drop: true} // not carried out
	broken   = simulator.Fault{Status: 500}
	sees     = simulator.Fault{}
)

// TestConflictOfAUser: after a 409 the listing decides. A user that it does not
// show was not created, and the error is what the 409 said.
func TestConflictOfAUser(t *testing.T) {
	t.Parallel()
	const email = "new@example.com"
	with := []simulator.User{{Email: "owner@example.com"}, {Email: email, Name: "Newcomer"}, {Email: "dee@example.com"}}
	without := []simulator.User{with[0], with[2]}
	for name, tt := range map[string]struct {
		users   []simulator.User
		posts   []simulator.Fault
		listing simulator.Fault
		repeats bool // by the client layer
		want    string
	}{
		"listed":                                {with, nil, sees, false, "done"},
		"listed after a refusal":                {with, []simulator.Fault{{Status: 429}}, sees, false, "done"},
		"listed after a lost attempt":           {with, []simulator.Fault{lostPost}, sees, false, "done create"},
		"listed after a lost try of the client": {with, []simulator.Fault{lostPost}, sees, true, "done create"},
		"not listed":                            {without, []simulator.Fault{reserved}, sees, false, "failed"},
		"not listed after a lost attempt":       {without, []simulator.Fault{lostPost, reserved}, sees, false, "failed"},
		"no listing":                            {with, nil, broken, false, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := simulator.New(tt.users, nil, inTurn("POST", "user_roles", tt.posts...), on("GET", "user_roles", 0, tt.listing))
				client := connect(tenant)
				if tt.repeats {
					client = repeating(tenant)
				}
				outcome := groupsync.New(client, groupsync.Options{RetryAfterMax: time.Minute}).Apply(t.Context(), &plan.Plan{Operations: []plan.Operation{
					createUser(email), createGroup("dev", member("new:"+email)), deleteUser(t, tenant, "dee@example.com"),
				}})
				result, failed := outcome.Results[0], tt.want == "failed"
				check(t, "outcome", "create user "+email+": "+tt.want, told(outcome)[0])
				if failed != (outcome.Results[1].Status == groupsync.Skipped) || failed != (outcome.Results[2].Status == groupsync.Planned) {
					t.Errorf("the rest: %v", told(outcome)[1:])
				}
				if failed && (!strings.Contains(result.Err.Error(), "409") || len(tt.posts) > 0 && !strings.Contains(result.Err.Error(), "the name is reserved")) {
					t.Errorf("error = %v", result.Err)
				}
				if !failed {
					check(t, "members", []string{"Newcomer"}, groupOf(t, tenant, "dev").Usernames)
				}
				counts := outcome.ByOperation["create user"]
				if recovered := len(tt.posts) > 0 && !failed; (counts.Permanent == 1) != failed || (counts.Succeeded == 1) == failed || (counts.Recovered == 1) != recovered {
					t.Errorf("counts = %+v", counts)
				}
			})
		})
	}
}

// TestConflictOfAGroup: after a 409 the group is read and updated in the same
// attempt. If it cannot be read the creation failed, and the error is what the
// 409 said.
func TestConflictOfAGroup(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		group    directory.GroupName // "ops" exists
		reads    []simulator.Fault
		attempts int
		want     string
		posts    int
	}{
		"read":               {"ops", nil, 1, "done update +1 -0", 1},
		"no such group":      {"dev", nil, 3, "failed", 1},
		"forbidden":          {"ops", []simulator.Fault{{Status: 403}}, 3, "failed", 1},
		"unauthorized":       {"ops", []simulator.Fault{unauthorized}, 3, "failed", 1},
		"broken":             {"ops", []simulator.Fault{broken}, 1, "failed", 1},
		"broken, read later": {"ops", []simulator.Fault{broken}, 3, "done update +1 -0", 2},
		"broken to the end":  {"ops", []simulator.Fault{broken, broken, broken}, 3, "failed", 3},
		"not the group":      {"ops", []simulator.Fault{{Status: 200, Body: `{"name":"dev"}`}}, 3, "failed", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := company(on("POST", "user_groups", 0, reserved), inTurn("GET", "user_groups/"+string(tt.group), tt.reads...))
				outcome := apply(t, tenant, []plan.Operation{createGroup(tt.group, member("cy@example.com"))}, groupsync.Options{GroupRetry: attempts(tt.attempts)})
				result := outcome.Results[0]
				check(t, "outcome", []string{"create group " + string(tt.group) + ": " + tt.want}, told(outcome))
				if result.Err != nil && !strings.Contains(result.Err.Error(), "the name is reserved") {
					t.Errorf("error = %v", result.Err)
				}
				posts := 0
				for _, write := range writes(tenant) {
					if write == "POST user_groups" {
						posts++
					}
				}
				if posts != tt.posts || result.Attempts != tt.posts {
					t.Errorf("%d attempts with %v, want %d", result.Attempts, writes(tenant), tt.posts)
				}
				if (outcome.Stopped != nil) != (name == "unauthorized") {
					t.Errorf("stopped = %v", outcome.Stopped)
				}
			})
		})
	}
}

// naming is a tenant that gives each new user a username of its own; answer is
// what it makes of the answer.
func naming(tenant *simulator.Tenant, answer func(string) string) tripper {
	return func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodPost || r.URL.Path != root+"user_roles" {
			return tenant.RoundTrip(r)
		}
		var user map[string]any
		if err := json.NewDecoder(r.Body).Decode(&user); err != nil {
			return nil, err
		}
		local, _, _ := strings.Cut(user["email"].(string), "@")
		user["name"] = "acme-" + local
		body, err := json.Marshal(user)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		response, err := tenant.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		given, err := io.ReadAll(response.Body)
		response.Body = io.NopCloser(strings.NewReader(answer(string(given))))
		return response, err
	}
}

// TestUsernameIsTheTenants: new users go into groups by the username that the
// tenant gave them, wherever it says so.
func TestUsernameIsTheTenants(t *testing.T) {
	t.Parallel()
	asIs := func(body string) string { return body }
	silent := func(string) string { return "{}" }
	for name, tt := range map[string]struct {
		answer  func(string) string
		listing simulator.Fault
		want    string
	}{
		"answer and listing": {asIs, sees, "done create +1 -0"},
		"answer only":        {asIs, broken, "done create +1 -0"},
		"listing only":       {silent, sees, "done create +1 -0"},
		"neither":            {silent, broken, "failed"}, // the tenant knows nobody by the email
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := company(on("GET", "user_roles", 0, tt.listing))
			outcome := apply(t, naming(tenant, tt.answer), []plan.Operation{createUser("new@example.com"), createGroup("dev", member("new:new@example.com"))})
			check(t, "outcome", []string{"create user new@example.com: done create", "create group dev: " + tt.want}, told(outcome))
			if tt.want != "failed" {
				check(t, "members", []string{"acme-new"}, groupOf(t, tenant, "dev").Usernames)
			}
		})
	}
}

// TestNoListingWithoutNeed: an answer that confirms the username is enough.
func TestNoListingWithoutNeed(t *testing.T) {
	t.Parallel()
	tenant := company()
	apply(t, tenant, []plan.Operation{createUser("new@example.com"), createGroup("dev", member("new:new@example.com"))})
	check(t, "requests", 2, len(tenant.Requests()))
}

// TestConflictOfAGroupOfSomebodyElse: a group that turns up during the run is
// taken over only if adopt names it.
func TestConflictOfAGroupOfSomebodyElse(t *testing.T) {
	t.Parallel()
	for adopted, want := range map[bool]string{true: "done update +1 -0", false: "skipped"} {
		tenant := company(on("POST", "user_groups", 0, reserved))
		operation := createGroup("ops", member("cy@example.com"))
		operation.Adopted = adopted
		outcome := apply(t, tenant, []plan.Operation{operation}, groupsync.Options{})
		check(t, "outcome", []string{"create group ops: " + want}, told(outcome))
		if got := len(writes(tenant)); got != 1+map[bool]int{true: 1}[adopted] {
			t.Errorf("adopted %v: %v", adopted, writes(tenant))
		}
	}
}
