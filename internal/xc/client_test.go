package xc_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/xc"
)

// ops is a group with all that a replacement must give back.
var ops = directory.Group{
	Name: "ops", DisplayName: "Ops", Description: "On call.", Usernames: []directory.Username{"ann", "Bob@example.com"},
	Roles: []directory.Role{{Namespace: "*", Role: "monitor"}}, SyncID: "ops-1",
}

// operations are all requests that the client can send.
var operations = []struct {
	name, method, path, body, answer string
	do                               func(*xc.Client, context.Context) error
}{
	{"list users", "GET", "user_roles", "", oneUser,
		func(c *xc.Client, ctx context.Context) error { _, err := c.Users(ctx); return err }},
	{"list groups", "GET", "user_groups", "", noGroups,
		func(c *xc.Client, ctx context.Context) error { _, err := c.Groups(ctx); return err }},
	{"who am I", "GET", "whoami", "", `{"email":"a@b"}`,
		func(c *xc.Client, ctx context.Context) error { _, err := c.WhoAmI(ctx); return err }},
	{"read group", "GET", "user_groups/ops", "", `{"name":"ops"}`,
		func(c *xc.Client, ctx context.Context) error { _, err := c.Group(ctx, "ops"); return err }},
	{"create user", "POST", "user_roles",
		`{"email":"ann@example.com","first_name":"Ann","last_name":"Example","idm_type":"SSO","type":"USER"}`, `{}`,
		func(c *xc.Client, ctx context.Context) error { _, err := c.CreateUser(ctx, ann); return err }},
	{"replace user", "PUT", "user_roles",
		`{"email":"ann@example.com","first_name":"Ann","last_name":"Example","name":"ann","idm_type":"SSO","type":"USER",` +
			`"group_names":["ops"],"namespace_roles":[{"namespace":"*","role":"monitor"}]}`, `{}`,
		func(c *xc.Client, ctx context.Context) error {
			user := ann
			user.Username, user.Groups, user.Roles = "ann", []string{"ops"}, ops.Roles
			return c.ReplaceUser(ctx, user)
		}},
	{"delete user", "POST", "users/cascade_delete", `{"email":"ann@example.com","namespace":"system"}`, `{"delete_ok":true}`,
		func(c *xc.Client, ctx context.Context) error { return c.DeleteUser(ctx, ann) }},
	{"create group", "POST", "user_groups",
		`{"name":"ops","display_name":"Ops","description":"On call.","usernames":["ann","Bob@example.com"],` +
			`"namespace_roles":[{"namespace":"*","role":"monitor"}],"sync_id":"ops-1"}`, `{}`,
		func(c *xc.Client, ctx context.Context) error { return c.CreateGroup(ctx, ops) }},
	{"replace group", "PUT", "user_groups/ops",
		`{"name":"ops","display_name":"Ops","description":"On call.","usernames":["ann","Bob@example.com"],` +
			`"namespace_roles":[{"namespace":"*","role":"monitor"}],"sync_id":"ops-1"}`, ``,
		func(c *xc.Client, ctx context.Context) error { return c.ReplaceGroup(ctx, ops) }},
	{"empty group", "PUT", "user_groups/ops", `{"name":"ops","usernames":[]}`, `{}`,
		func(c *xc.Client, ctx context.Context) error {
			return c.ReplaceGroup(ctx, directory.Group{Name: "ops"})
		}},
	{"assign roles", "PUT", "user_groups/ops/assign_namespace_roles",
		`{"name":"ops","namespace_roles":[{"namespace":"*","role":"monitor"}]}`, `{"name":"ops"}`,
		func(c *xc.Client, ctx context.Context) error { return c.AssignRoles(ctx, "ops", ops.Roles) }},
	{"remove roles", "PUT", "user_groups/ops/remove_namespace_roles",
		`{"name":"ops","namespace_roles":[{"namespace":"*","role":"monitor"}]}`, `{"name":"ops"}`,
		func(c *xc.Client, ctx context.Context) error { return c.RemoveRoles(ctx, "ops", ops.Roles) }},
	{"add to group", "PUT", "users/group_add", `{"username":"Bob@example.com","group_names":["ops"]}`, `{}`,
		func(c *xc.Client, ctx context.Context) error { return c.AddToGroup(ctx, "Bob@example.com", "ops") }},
	{"remove from group", "PUT", "users/group_remove", `{"username":"ann","group_names":["ops"]}`, `{}`,
		func(c *xc.Client, ctx context.Context) error { return c.RemoveFromGroup(ctx, "ann", "ops") }},
	{"delete group", "DELETE", "user_groups/ops", "", `{}`,
		func(c *xc.Client, ctx context.Context) error { return c.DeleteGroup(ctx, "ops") }},
}

func TestRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range operations {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var seen record
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				seen.add(r)
				answering(200, tt.answer)(w, r)
			})
			client := xc.New(xc.Options{BaseURL: server.URL, Token: token, Hide: hide, UserAgent: "xc-group-sync/test", Transport: transport(t, xc.TransportOptions{})})
			if err := tt.do(client, t.Context()); err != nil {
				t.Fatal(err)
			}
			if seen.count() != 1 {
				t.Fatalf("%d requests", seen.count())
			}
			r, want := seen.requests[0], http.Header{
				"Authorization": {"APIToken " + token}, "User-Agent": {"xc-group-sync/test"},
				"Accept": {"application/json"}, "Accept-Encoding": {"gzip"},
			}
			if tt.body != "" {
				want.Set("Content-Type", "application/json")
			}
			r.Header.Del("Content-Length")
			if diff := cmp.Diff(want, r.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if r.Method != tt.method || r.RequestURI != root+tt.path || seen.bodies[0] != tt.body {
				t.Errorf("request = %s %s %s, want %s %s %s", r.Method, r.RequestURI, seen.bodies[0], tt.method, tt.path, tt.body)
			}
		})
	}
}

// Without a token no header takes its place.
func TestNoToken(t *testing.T) {
	t.Parallel()
	var seen record
	client := xc.New(xc.Options{BaseURL: "http://tenant.example", Transport: tripper(func(r *http.Request) (*http.Response, error) {
		seen.add(r)
		return reply{200, nil, oneUser}.response(r), nil
	})})
	if _, err := client.Users(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, set := seen.requests[0].Header["Authorization"]; set {
		t.Errorf("Authorization = %q", got)
	}
}

// A group's name is a single segment of the path, whatever is in it.
func TestGroupNameInPath(t *testing.T) {
	t.Parallel()
	const odd = `a/../b?c#d e`
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != root+"user_groups/"+odd || r.URL.RawQuery != "" {
			t.Errorf("path = %q, query = %q", r.URL.Path, r.URL.RawQuery)
		}
		answering(200, `{"name":"`+odd+`"}`)(w, r)
	})
	if _, err := connect(t, server.URL, xc.TransportOptions{}).Group(t.Context(), odd); err != nil {
		t.Error(err)
	}
}

// The backstop of a dry run: what is not a GET does not leave the program.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	for _, tt := range operations {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var seen record
			client := xc.New(xc.Options{
				BaseURL: "http://tenant.example", ReadOnly: true, Attempts: 3, Scope: xc.ScopeAll,
				Transport: tripper(func(r *http.Request) (*http.Response, error) {
					seen.add(r)
					return reply{200, nil, tt.answer}.response(r), nil
				}),
			})
			err := tt.do(client, t.Context())
			if read := tt.method == "GET"; read != (err == nil) || read != (seen.count() == 1) {
				t.Errorf("error = %v after %d requests", err, seen.count())
			}
			if err != nil && (retry.FaultOf(err).Transient || !strings.Contains(err.Error(), "dry run")) {
				t.Errorf("error = %v", err)
			}
		})
	}
}

// Redirects are never followed, and the credentials go nowhere else.
func TestRedirects(t *testing.T) {
	t.Parallel()
	login := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s: followed with %v", r.Method, r.URL, r.Header)
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, tt := range operations {
			t.Run(http.StatusText(status)+", "+tt.name, func(t *testing.T) {
				t.Parallel()
				var seen record
				server := serve(t, func(w http.ResponseWriter, r *http.Request) {
					seen.add(r)
					http.Redirect(w, r, login.URL+"/auth/realms/x?state=123", status)
				})
				client := xc.New(xc.Options{BaseURL: server.URL, Token: token, Hide: hide, Attempts: 3, Scope: xc.ScopeAll, Transport: transport(t, xc.TransportOptions{})})
				err := tt.do(client, t.Context())
				var refused *xc.Error
				if fault := retry.FaultOf(err); !errors.As(err, &refused) || !fault.Unauthenticated || fault.FromAPI || !xc.Refused(err) || refused.Status != status {
					t.Fatalf("error = %v", err)
				}
				for _, said := range []string{strings.TrimPrefix(login.URL, "http://"), "api-token", "TLS"} {
					if !strings.Contains(err.Error()+retry.HintOf(err), said) {
						t.Errorf("error = %v (%s): it does not say %q", err, retry.HintOf(err), said)
					}
				}
				if strings.Contains(err.Error(), "state=123") || seen.count() != 1 {
					t.Errorf("error = %v after %d requests", err, seen.count())
				}
			})
		}
	}
}

func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(http.ResponseWriter){
		"no answer": func(http.ResponseWriter) {},
		"half an answer": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"items":[`)
			_ = http.NewResponseController(w).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				start(w)
				<-r.Context().Done()
			})
			client := xc.New(xc.Options{BaseURL: server.URL, Token: token, Hide: hide, Timeout: 50 * time.Millisecond, Transport: transport(t, xc.TransportOptions{})})
			_, err := client.Users(t.Context())
			got := retry.FaultOf(err)
			if got.Cause != "timeout" || !got.Transient || got.Ambiguous || !strings.Contains(err.Error(), "timeout of 50ms") {
				t.Errorf("error = %v (%+v), want a timeout that names the setting", err, got)
			}
		})
	}
}
