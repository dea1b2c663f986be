package cli_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
)

// TestMaskedRunsNameNobody runs every command on made tenants that refuse requests with
// somebody's address or username: where emails are masked, nothing that others can read
// has the distinct part of one.
func TestMaskedRunsNameNobody(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, 11, 19, 20, 21} { // the first three failed once
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			of := func(forms ...string) string { return forms[random.IntN(len(forms))] }
			made := 0
			named := func(form string) string { // with somebody's distinct part in each place
				for strings.Contains(form, "%") {
					made++
					form = strings.Replace(form, "%", fmt.Sprintf("zq%dk", made), 1)
				}
				return form
			}
			users := []simulator.User{{Email: named("%@example.com"), DomainOwner: true}}
			for range 8 {
				users = append(users, simulator.User{
					Email: named(of("%@example.com", "x.%+y@example.com", "o'%@example.com", "é%@exämple.com", "%")), FirstName: named("%"), LastName: named("%"),
					Name: named(of("", "%", "CORP\\%", "% %", "%@x.example", "ü%/%", "X:%$", `"%"`, "% (ext)")), Type: of("USER", "USER", "USER", "SERVICE"),
				})
			}
			somebody := func() string {
				user := users[random.IntN(len(users))]
				return of(user.Email, user.Name, user.Email)
			}
			var groups []simulator.Group
			csv := "Email,Entitlement Display Name,User Display Name,Employee Status\n"
			for i := range 6 {
				group := simulator.Group{Name: fmt.Sprintf("xc-g%d", i), Description: of(plan.Marker, plan.Marker, "by hand"), NamespaceRoles: []simulator.Role{{Namespace: "*", Role: "ves-io-admin-role"}}}
				for _, user := range users {
					if random.IntN(2) == 0 {
						group.Usernames = append(group.Usernames, cmp.Or(user.Name, user.Email))
					}
				}
				if random.IntN(3) == 0 { // somebody who is not in the listing
					group.Usernames = append(group.Usernames, named(of("%", "% ghost", "%@gone.example")))
				}
				groups = append(groups, group)
			}
			for range 12 {
				email := of(somebody(), somebody(), named("%@example.com"), named(of("%", "%@", "%@@x.y", "A % <%@x.y>", "% @x.y", "'%@x.y", "%@x..y", "%＠x.y", "%@x.y %", "mailto:%@x.y")))
				csv += fmt.Sprintf("%q,CN=xc-g%d,%s,%s\n", strings.ReplaceAll(email, `"`, ""), random.IntN(5), named("% %"), of("A", "A", "I", "?"))
			}
			fault, refuses := "", "no"
			tenant := simulator.New(users, groups, simulator.WithToken("tok-12345"), simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
				if fault == "" || !strings.HasPrefix(r.Method+" "+r.URL.Path, fault) {
					return simulator.Fault{}
				}
				message, _ := json.Marshal(refuses)
				return simulator.Fault{Status: http.StatusBadRequest, Body: `{"code":"E","message":` + string(message) + `}`}
			}))
			r := newRepository(t)
			r.tenant = tenant
			r.write(r.csv, csv)
			r.env["RUNNER_DEBUG"], r.env["GITHUB_STEP_SUMMARY"] = "1", filepath.Join(t.TempDir(), "summary.md")
			snapshot := filepath.Join(t.TempDir(), "snapshot.json")
			run := func(event, command string, args ...string) {
				const api = "/api/web/custom/namespaces/system/"
				fault = of("", "GET "+api+"whoami", "PUT "+api, "POST "+api+"user_groups", "POST "+api+"user_roles", "GET "+api+"user_groups/")
				refuses = fmt.Sprintf(of("user %s is unknown", "user %q", "users/%s?x=1", "(%s)", "%s: denied", "user=%s,", "%s."), somebody())
				r.env["GITHUB_EVENT_NAME"] = event
				r.write(r.env["GITHUB_EVENT_PATH"], `{"number":7,"pull_request":{"number":7,"head":{"sha":"`+headOne+`","repo":{"full_name":"acme/directory"}}}}`)
				_, shown := program(t.Context(), r.env, nil, append([]string{command}, args...)...)
				if command != "doctor" && command != "explain" && command != "export" {
					shown += read(t, r.env["GITHUB_STEP_SUMMARY"])
				}
				for _, comment := range r.Comments(7) {
					shown += comment.Body
				}
				for _, issue := range r.Issues() {
					shown += issue.Title + issue.Body
				}
				for _, found := range regexp.MustCompile(`(?i).{0,80}zq\d+k.{0,40}`).FindAllString(shown, 3) {
					t.Errorf("%s %s, refused with %q: %s", command, args, refuses, found)
				}
			}
			sync := []string{"--csv", r.csv, "--max-removals", "none", "--adopt", "*", "--prune", of("none", "users", "all"), "--approve-masked"}
			run("pull_request", "sync", append(sync, "--dry-run")...)
			run("schedule", "sync", append(sync, "--issue-on-failure", "--snapshot-file", snapshot)...)
			run("schedule", "restore", "--snapshot", snapshot, "--max-removals", "none", "--issue-on-failure")
			run("schedule", "explain", "--csv", r.csv, "--only", "*")
			run("schedule", "doctor", "--csv", r.csv)
			run("schedule", "export", "--output", filepath.Join(t.TempDir(), "out.csv"))
		})
	}
}
