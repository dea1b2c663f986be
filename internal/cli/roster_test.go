package cli_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/simulator"
)

// madeRoster is an export of 200 people in 20 groups, several rows a person,
// in mixed case and with pipes, and the memberships that it states.
func madeRoster() (csv string, memberships map[string][]string) {
	random := rand.New(rand.NewPCG(1, 2))
	rows := []string{"Email,Ignored,Entitlement Display Name,User Display Name,Employee Status"}
	in := map[string]map[string]bool{}
	for person := range 200 {
		email := fmt.Sprintf("Person.%03d@Example.com", person)
		for range 1 + random.IntN(4) {
			var dns []string
			for range 1 + random.IntN(3) {
				group := random.IntN(20)
				dns = append(dns, fmt.Sprintf(`CN=Team %02d \| All,OU=Groups,DC=example`, group))
				name := fmt.Sprintf("team-%02d-all", group)
				if in[name] == nil {
					in[name] = map[string]bool{}
				}
				in[name][strings.ToLower(email)] = true
			}
			if random.IntN(2) == 0 {
				email = strings.ToUpper(email)
			}
			rows = append(rows, fmt.Sprintf("%s,x,\"%s\",Person Number %d,A", email, strings.Join(dns, "|"), person))
		}
	}
	memberships = map[string][]string{}
	for name, members := range in {
		memberships[name] = slices.Sorted(maps.Keys(members))
	}
	return strings.Join(rows, "\r\n"), memberships
}

// run syncs a CSV in process with a tenant and returns exit code and output.
func run(t *testing.T, tenant http.Handler, csv string, args ...string) (int, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "export.csv")
	write(t, path, csv)
	return command(t, tenant, append([]string{"sync", "--csv", path}, args...)...)
}

// address is one at which tenants answer, one after the other: where it does not
// change, neither do digests nor what a snapshot is of.
type address struct {
	http.Handler
	url string
}

func newAddress(t *testing.T, tenant http.Handler) *address {
	a := &address{Handler: tenant}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// command runs any command in process against a tenant, at an address of its own
// unless it is given one.
func command(t *testing.T, tenant http.Handler, args ...string) (int, string) {
	t.Helper()
	at, ok := tenant.(*address)
	if !ok {
		at = newAddress(t, tenant)
	}
	return program(t.Context(), nil, nil, append(args, "--api-url", at.url, "--api-token", "tok-12345", "--tenant", "acme", "--log-level", "error")...)
}

func TestMadeRosterEndsInExactlyItsMemberships(t *testing.T) {
	t.Parallel()
	csv, want := madeRoster()
	tenant := simulator.New([]simulator.User{{Email: "admin@example.com", DomainOwner: true}}, nil)
	if code, out := run(t, tenant, csv); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	got := map[string][]string{}
	for _, group := range tenant.Groups() {
		slices.Sort(group.Usernames)
		got[group.Name] = group.Usernames
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("memberships (-want +got):\n%s", diff)
	}
	before := len(tenant.Requests())
	if code, out := run(t, tenant, csv); code != 0 || !strings.Contains(out, "nothing to do") {
		t.Errorf("second run: exit code %d:\n%s", code, out)
	}
	for _, request := range writesOf(tenant.Requests()[before:]) {
		t.Errorf("the second run sent %s %s", request.Method, request.Path)
	}
}

// TestEqualSpellingsAreOnePerson gives an export that spells everybody and every
// group otherwise than the tenant does: there is nothing to do.
func TestEqualSpellingsAreOnePerson(t *testing.T) {
	t.Parallel()
	users := []simulator.User{
		{Email: "admin@example.com", DomainOwner: true}, {Email: "Jürgen@bücher.example", FirstName: "J", LastName: "B"},
		{Email: "ann@xn--bcher-kva.example", FirstName: "A", LastName: "B"}, {Email: "kim@example.com", FirstName: "K", LastName: "M"},
	}
	groups := []simulator.Group{{Name: "z-rich", DisplayName: "Zürich", Description: plan.Marker, Usernames: []string{"Jürgen@bücher.example", "ann@xn--bcher-kva.example", "kim@example.com"}}}
	csv := "Email,Entitlement Display Name\n" +
		"Ju\u0308rgen@XN--Bcher-KVA.example,\"CN=Zürich,DC=x\"\n" +
		"ANN@bu\u0308cher.example,\"commonName=ZU\u0308RICH , DC=X|\"\n" +
		"\u212aim@example.com,\"2.5.4.3=Zu\u0308\u200brich,DC=x\"\n"
	if code, out := run(t, simulator.New(users, groups), csv, "--prune", "all"); code != 0 || !strings.Contains(out, "nothing to do") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

// TestNewUsersKeepTheDomainOfTheCSV creates a person whose domain the CSV has
// in Punycode, which an identity provider may compare byte by byte.
func TestNewUsersKeepTheDomainOfTheCSV(t *testing.T) {
	t.Parallel()
	tenant := simulator.New([]simulator.User{{Email: "admin@example.com", DomainOwner: true}}, nil)
	for range 2 {
		if code, out := run(t, tenant, "Email,Entitlement Display Name\nAnn@XN--Bcher-KVA.example,CN=Ops\n"); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, out)
		}
	}
	if got := tenant.Groups()[0].Usernames; len(got) != 1 || got[0] != "ann@xn--bcher-kva.example" {
		t.Errorf("the group has %q", got)
	}
}
