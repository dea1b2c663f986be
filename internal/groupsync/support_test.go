package groupsync_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/simulator"
	"xc-group-sync/internal/xc"
)

const (
	base  = "https://tenant.example"
	root  = "/api/web/custom/namespaces/system/"
	users = root + "user_roles"
	group = root + "user_groups"
)

// connect makes a client that sends every request once.
func connect(transport http.RoundTripper) *xc.Client {
	return xc.New(xc.Options{BaseURL: base, Transport: transport, Timeout: 30 * time.Second, RetryAfterMax: time.Minute})
}

func apply(t *testing.T, transport http.RoundTripper, operations []plan.Operation, options ...groupsync.Options) *groupsync.Outcome {
	t.Helper()
	return groupsync.New(connect(transport), optional(options)).Apply(t.Context(), &plan.Plan{Operations: operations})
}

// optional returns the options given, if any, with a minute as the longest
// Retry-After.
func optional(options []groupsync.Options) groupsync.Options {
	o := append(options, groupsync.Options{})[0]
	o.RetryAfterMax = time.Minute
	return o
}

// attempts is the default policy with so many attempts.
func attempts(n int) retry.Policy {
	policy := retry.Default()
	policy.Attempts = n
	return policy
}

func createUser(email directory.Email) plan.Operation {
	return plan.Operation{Action: plan.Create, Object: plan.User, User: directory.User{
		Email: email, Username: directory.Username(email), Name: directory.NewPersonName("", email),
		IDMType: directory.IDMSSO, Type: directory.TypeUser,
	}}
}

func createGroup(name directory.GroupName, members ...plan.Member) plan.Operation {
	return plan.Operation{Action: plan.Create, Object: plan.Group, Adopted: true, Add: members, Group: directory.Group{
		Name: name, DisplayName: "The " + string(name), Description: "Managed by xc-group-sync",
	}}
}

// member is a member by username, or somebody new by email.
func member(who string) plan.Member {
	if email, isNew := strings.CutPrefix(who, "new:"); isNew {
		return plan.Member{Email: directory.Email(email)}
	}
	return plan.Member{Email: directory.ObservedEmail(who), Username: directory.Username(who)}
}

func members[T ~string](who ...T) []plan.Member {
	all := make([]plan.Member, len(who))
	for i, name := range who {
		all[i] = member(string(name))
	}
	return all
}

// observed is a group as the tenant holds it now.
func observed(t *testing.T, tenant *simulator.Tenant, name directory.GroupName) directory.Group {
	t.Helper()
	found, err := connect(simulator.New(tenant.Users(), tenant.Groups())).Group(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func updateGroup(t *testing.T, tenant *simulator.Tenant, name directory.GroupName, add, remove []plan.Member) plan.Operation {
	t.Helper()
	return plan.Operation{Action: plan.Update, Object: plan.Group, Group: observed(t, tenant, name), Add: add, Remove: remove}
}

func deleteGroup(t *testing.T, tenant *simulator.Tenant, name directory.GroupName) plan.Operation {
	t.Helper()
	found := observed(t, tenant, name)
	return plan.Operation{Action: plan.Delete, Object: plan.Group, Group: found, Remove: members(found.Usernames...)}
}

// deleteUser deletes a user as the tenant holds them now; one who is not there, too.
func deleteUser(t *testing.T, tenant *simulator.Tenant, email directory.Email) plan.Operation {
	t.Helper()
	users, err := connect(simulator.New(tenant.Users(), tenant.Groups())).Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	user, _ := directory.NewIndex(users).Email(email)
	if user == nil {
		user = &directory.User{Email: email, Username: directory.Username(email)}
	}
	return plan.Operation{Action: plan.Delete, Object: plan.User, User: *user}
}

// told returns the outcomes of the operations: "create user a@b: done create".
func told(outcome *groupsync.Outcome) []string {
	var all []string
	for _, result := range outcome.Results {
		line := fmt.Sprintf("%s %s %s: %s", result.Action, result.Object, result.Name(), result.Status)
		if result.Effect != "" {
			line += " " + string(result.Effect)
		}
		if result.Added+result.Removed > 0 {
			line += fmt.Sprintf(" +%d -%d", result.Added, result.Removed)
		}
		all = append(all, line)
	}
	return all
}

// writes are the requests that change something.
func writes(tenant *simulator.Tenant) []string {
	all := []string{}
	for _, request := range tenant.Requests() {
		if request.Method != http.MethodGet {
			all = append(all, request.Method+" "+strings.TrimPrefix(request.Path, root))
		}
	}
	return all
}

func groupOf(t *testing.T, tenant *simulator.Tenant, name string) simulator.Group {
	t.Helper()
	for _, g := range tenant.Groups() {
		if g.Name == name {
			return g
		}
	}
	t.Fatalf("the tenant has no group %q", name)
	return simulator.Group{}
}

// send sends a request as somebody else would.
func send(t *testing.T, tenant *simulator.Tenant, method, path, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, base+root+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := tenant.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, response.StatusCode, answer)
	}
}

// on is a fault of the n-th (from 1) request of a method to a path; of all of
// them where n is 0.
func on(method, path string, n int, fault simulator.Fault) simulator.Option {
	return before(method, path, n, func() simulator.Fault { return fault })
}

// before asks for a fault, and may do something, before a request is answered.
func before(method, path string, n int, do func() simulator.Fault) simulator.Option {
	var mu sync.Mutex
	seen := 0
	return simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
		mu.Lock()
		if r.Method != method || r.URL.Path != root+path {
			mu.Unlock()
			return simulator.Fault{}
		}
		seen++
		now := seen
		mu.Unlock() // what is done may send requests of its own
		if n != 0 && now != n {
			return simulator.Fault{}
		}
		return do()
	})
}

// company is a small tenant.
func company(options ...simulator.Option) *simulator.Tenant {
	return simulator.New(
		[]simulator.User{
			{Email: "owner@example.com", DomainOwner: true}, {Email: "ann@example.com", FirstName: "Ann", LastName: "A"},
			{Email: "bob@example.com", Name: "Bob.Builder"}, {Email: "cy@example.com"}, {Email: "dee@example.com"},
		},
		[]simulator.Group{
			{Name: "ops", DisplayName: "Operations", Description: "On call.", Usernames: []string{"ann@example.com", "Bob.Builder"},
				NamespaceRoles: []simulator.Role{{Namespace: "*", Role: "monitor"}}, SyncID: "ops-1"},
			{Name: "old", Description: "Managed by xc-group-sync", Usernames: []string{"cy@example.com"}},
		}, options...)
}

var (
	timedOut = &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	noRoute  = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
)

// journal is a log with the time since the start.
type journal struct {
	mu    sync.Mutex
	lines bytes.Buffer
	start time.Time
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.String()
}

func newJournal() *journal { return &journal{start: time.Now()} }

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Duration("at", a.Value.Time().Sub(j.start))
		}
		return a
	}}))
}
