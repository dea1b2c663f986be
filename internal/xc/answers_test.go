package xc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/xc"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	json, page, plain := http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"r-1"}}, http.Header{"Content-Type": {"text/html"}}, http.Header{"Content-Type": {"text/plain"}}
	tests := []struct {
		name      string
		operation int
		reply     reply
		says      []string
		login     bool // retry.Fault.Unauthenticated
		refused   bool // xc.Refused
	}{
		{"error JSON", 0, reply{404, json, `{"code":"ENOTFOUND","message":"no such thing"}`}, []string{"GET user_roles", "HTTP 404 Not Found", "ENOTFOUND", "no such thing", "r-1"}, false, false},
		{"message only", 4, reply{409, json, `{"message":"exists"}`}, []string{"POST user_roles", "409", ": exists"}, false, false},
		{"other JSON", 4, reply{400, json, `{"error":"odd"}`}, []string{`{"error":"odd"}`}, false, false},
		{"plain text", 4, reply{503, plain, "busy\n"}, []string{"503", ": busy"}, false, false},
		{"no body", 4, reply{500, plain, ""}, []string{"500 Internal Server Error"}, false, false},
		{"error page", 4, reply{502, page, "<html>oops</html>"}, []string{"a web page"}, false, false},
		{"401", 4, reply{401, json, `{"code":"EPERMS","message":"no"}`}, []string{"api-token", "client certificate"}, true, true},
		{"401 while reading", 0, reply{401, page, "<html>"}, []string{"api-token"}, true, true},
		{"403 while reading", 0, reply{403, json, ``}, []string{"role"}, false, true},
		{"403 while writing", 4, reply{403, json, ``}, []string{"403"}, false, false},
		{"login page", 0, reply{200, page, "<!DOCTYPE html><title>Log in</title>"}, []string{"login page", "api-token"}, true, true},
		{"login page after a write", 4, reply{200, page, "<!DOCTYPE html>"}, []string{"login page"}, true, true},
		{"login page that calls itself JSON", 0, reply{200, json, "\n <html>"}, []string{"login page"}, true, true},
		{"empty page", 0, reply{200, page, ""}, []string{"login page"}, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := xc.New(xc.Options{BaseURL: "https://tenant.example", Token: token, Hide: hide, Transport: tripper(func(r *http.Request) (*http.Response, error) {
				return tt.reply.response(r), nil
			})})
			err := operations[tt.operation].do(client, t.Context())
			var refused *xc.Error
			fault := retry.FaultOf(err)
			if !errors.As(err, &refused) || refused.Status != tt.reply.status || fault.Status != tt.reply.status {
				t.Fatalf("error = %v", err)
			}
			if fault.Unauthenticated != tt.login || xc.Refused(err) != tt.refused {
				t.Errorf("unauthenticated: %t, refused: %t", fault.Unauthenticated, xc.Refused(err))
			}
			if hint := retry.HintOf(err); hint != "" && strings.Contains(err.Error(), hint) {
				t.Errorf("error = %v: it contains the hint", err)
			}
			for _, said := range tt.says {
				if !strings.Contains(err.Error()+retry.HintOf(err), said) {
					t.Errorf("error = %v (%s): it does not say %q", err, retry.HintOf(err), said)
				}
			}
		})
	}
}

// What is shown of an error's body is limited, and never includes the token.
func TestErrorBodies(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"plain":            strings.Repeat("x", 250) + " your token " + token + " is bad " + strings.Repeat("é", 1<<16),
		"token at the cut": strings.Repeat("x", 995) + token + strings.Repeat("x", 1<<16),
		"JSON":             `{"code":"E` + token + `","message":"Authorization: APIToken ` + token + strings.Repeat("ü", 1<<16) + `"}`,
	} {
		client := xc.New(xc.Options{BaseURL: "https://tenant.example", Token: token, Hide: hide, Transport: tripper(func(r *http.Request) (*http.Response, error) {
			return reply{400, nil, body}.response(r), nil
		})})
		_, err := client.Users(t.Context())
		if err == nil || utf8.RuneCountInString(err.Error()) > 1100 || strings.Contains(err.Error(), token[:4]) || !strings.HasSuffix(err.Error(), "…") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}

// A refusal means the same whether or not its text arrives whole: credentials
// that are refused are not tried again, and what was refused was not carried out.
func TestRefusalsOfBrokenBodies(t *testing.T) {
	t.Parallel()
	faultOf := func(do func(*xc.Client, context.Context) error, status int, body io.Reader, encoding string) retry.Fault {
		client := xc.New(xc.Options{BaseURL: "https://tenant.example", Transport: tripper(func(r *http.Request) (*http.Response, error) {
			header := http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {encoding}, "Retry-After": {"5"}, "Location": {"https://login.example/"}}
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(body), Request: r}, nil
		})})
		fault := retry.FaultOf(do(client, t.Context()))
		fault.Err = nil
		return fault
	}
	const text = `{"code":"EPERMS","message":"no"}`
	bomb := compressed(t, func(w io.Writer) { _, _ = io.WriteString(w, `{"code":"`+strings.Repeat("x", 4<<20)) })
	for _, status := range []int{302, 401, 403, 409, 429, 503} {
		for _, operation := range operations {
			want := faultOf(operation.do, status, strings.NewReader(text), "")
			for name, got := range map[string]retry.Fault{
				"half":    faultOf(operation.do, status, io.MultiReader(strings.NewReader(text[:9]), brokenReader{}), ""),
				"nothing": faultOf(operation.do, status, brokenReader{}, ""),
				"no gzip": faultOf(operation.do, status, strings.NewReader(text), "gzip"),
				"a bomb":  faultOf(operation.do, status, bytes.NewReader(bomb), "gzip"),
			} {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%d, %s, %s (-whole +got):\n%s", status, operation.name, name, diff)
				}
			}
		}
	}
}

// brokenReader is a connection that breaks.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// An answer that is not the documented object is an error, never an empty
// tenant.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	const listUsers, listGroups, whoAmI, readGroup, createUser, deleteUser = 0, 1, 2, 3, 4, 6
	tests := []struct {
		name      string
		operation int
		body      string
		says      string
	}{
		{"empty", listUsers, "", "unexpected response"},
		{"not JSON", listUsers, "OK", "unexpected response"},
		{"truncated JSON", listUsers, `{"items":[{"email":"a@b"}`, "unexpected response"},
		{"more after it", listUsers, oneUser + "x", "unexpected response"},
		{"array", listUsers, `[]`, "unexpected response"},
		{"text", listUsers, `"items"`, "unexpected response"},
		{"null", listUsers, `null`, "unexpected response"},
		{"no items", listUsers, `{}`, "no items"},
		{"null items", listUsers, `{"items":null}`, "no items"},
		{"items are no list", listUsers, `{"items":{}}`, "unexpected response"},
		{"no users", listUsers, `{"items":[]}`, "not even the caller"},
		{"error field", listUsers, `{"items":[{"email":"a@b"}],"error":{"code":"EPARTIAL","message":"half"}}`, "EPARTIAL half"},
		{"error field without code", listUsers, `{"items":[{"email":"a@b"}],"error":{"message":"half"}}`, "half"},
		{"doubled user", listUsers, `{"items":[{"email":"Ann@b"},{"email":"x@y","name":"ann@B"}]}`, "twice"},
		{"nameless user", listUsers, `{"items":[{"first_name":"a"}]}`, "without name"},
		{"null groups", listGroups, `null`, "unexpected response"},
		{"no user_groups", listGroups, `{"items":[]}`, "no user_groups"},
		{"null user_groups", listGroups, `{"user_groups":null}`, "no user_groups"},
		{"groups' error field", listGroups, `{"user_groups":[],"error":{"code":7}}`, "7"},
		{"doubled group", listGroups, `{"user_groups":[{"name":"a"},{"name":"a"}]}`, "twice"},
		{"nameless group", listGroups, `{"user_groups":[{"display_name":"a"}]}`, "without a name"},
		{"doubled group but for case", listGroups, `{"user_groups":[{"name":"ops"},{"name":"Ops"}]}`, "twice"},
		{"doubled listing", listUsers, `{"items":[{"email":"a@b"},{"email":"c@d"}],"items":[{"email":"a@b"}]}`, "duplicate"},
		{"doubled error field", listUsers, `{"items":[{"email":"a@b"}],"error":{"code":5},"error":null}`, "5"},
		{"doubled key", listGroups, `{"user_groups":[{"name":"a","usernames":["x"],"usernames":[]}]}`, "duplicate"},
		{"doubled key, escaped", listGroups, `{"user_groups":[{"name":"a","usernames":["x"],"username\u0073":[]}]}`, "duplicate"},
		{"doubled key, escaped first", listGroups, `{"user_groups":[{"username\u0073":["x"],"name":"a","usernames":[]}]}`, "duplicate"},
		{"doubled key among many", listGroups, `{"user_groups":[{"name":"a",` + keys(0, 40) + `,"name":"b"}]}`, "duplicate"},
		{"doubled key further in", listUsers, `{"items":[{"email":"a@b","x":[{"y":1,"y":2}]}]}`, "duplicate"},
		{"doubled key beside the listing", listUsers, `{"x":{"y":{},"y":{}},"items":[{"email":"a@b"}]}`, "duplicate"},
		{"doubled key of one object", readGroup, `{"name":"ops","usernames":["x"],"usernames":[]}`, "duplicate"},
		{"member without a name", readGroup, `{"name":"ops","usernames":["x",""]}`, "without a name"},
		{"null member", readGroup, `{"name":"ops","usernames":["x",null]}`, "null instead of string"},
		{"code of an error", listGroups, `{"user_groups":[{"name":"a","error":{"code":{"x":1}}}]}`, "instead of a code"},
		{"deep", listUsers, `{"x":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + `,"items":[{"email":"a@b"}]}`, "depth"},
		{"crossed brackets", listUsers, `{"items":[{"email":"a@b","x":[}]]}`, "unexpected response"},
		{"broken beside the listing", listUsers, `{"x":{"y":},"items":[{"email":"a@b"}]}`, "unexpected response"},
		{"no comma", listUsers, `{"items":[{"email":"a@b"} {"email":"c@d"}]}`, "unexpected response"},
		{"a comma at the end", listUsers, `{"items":[{"email":"a@b"},]}`, "unexpected response"},
		{"group without a name", listUsers, `{"items":[{"email":"a@b","group_names":["g",""]}]}`, "without a name"},
		{"role without a name", listUsers, `{"items":[{"email":"a@b","namespace_roles":[{}]}]}`, "without a name"},
		{"role of a namespace without a name", listGroups, `{"user_groups":[{"name":"a","namespace_roles":[{"namespace":"n"}]}]}`, "without a name"},
		{"member without a name", listGroups, `{"user_groups":[{"name":"a","usernames":["x",""]}]}`, "without a name"},
		{"a long name", listGroups, `{"user_groups":[{"name":"` + strings.Repeat("a", 2000) + `"}]}`, "longer than"},
		{"nobody", whoAmI, `{}`, "without name"},
		{"no group", readGroup, `{}`, "without a name"},
		{"empty group", readGroup, ``, "unexpected response"},
		{"another group", readGroup, `{"name":"dev"}`, `"dev" instead of "ops"`},
		{"answer to a write", createUser, "OK", "unexpected response"},
		{"error field of a write", createUser, `{"error":{"code":"EPARTIAL"}}`, "EPARTIAL"},
		{"not deleted", deleteUser, `{"delete_ok":false,"items":[{"object_name":"a","error_message":"the owner"}]}`, "did not delete the user: the owner"},
		{"not deleted, no reason", deleteUser, `{"delete_ok":false}`, "no reason"},
		{"deleted or not", deleteUser, ``, "no delete_ok"},
		{"an echo of the token", deleteUser, `{"error":{"message":"no ` + token + `"}}`, "no ***"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			client := xc.New(xc.Options{BaseURL: "https://tenant.example", Token: token, Hide: hide, Attempts: 3, Scope: xc.ScopeAll, Transport: tripper(func(r *http.Request) (*http.Response, error) {
				requests++
				return reply{200, nil, tt.body}.response(r), nil
			})})
			err := operations[tt.operation].do(client, t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.says) || retry.FaultOf(err).Transient || requests != 1 {
				t.Errorf("error = %v after %d requests, want a permanent one that says %q", err, requests, tt.says)
			}
		})
	}
}

// keys returns members of an object, all different.
func keys(from, to int) string {
	var members []string
	for i := from; i < to; i++ {
		members = append(members, fmt.Sprintf(`"key%d":%d`, i, i))
	}
	return strings.Join(members, ",")
}

// A response with a status other than 200 is not a listing.
func TestPartialListings(t *testing.T) {
	t.Parallel()
	for _, status := range []int{201, 202, 203, 204, 206} {
		client := replying(reply{status, nil, oneUser})
		if _, err := client.Users(t.Context()); err == nil || retry.FaultOf(err).Transient {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// The error field's empty forms are no error.
func TestNoErrorField(t *testing.T) {
	t.Parallel()
	for _, empty := range []string{`null`, `{}`, `{"code":"EOK"}`, `{"code":0,"message":""}`, `{"code":""}`} {
		client := replying(reply{200, nil, `{"items":[{"email":"a@b"}],"error":` + empty + `}`})
		if _, err := client.Users(t.Context()); err != nil {
			t.Errorf("%s: %v", empty, err)
		}
	}
}

// A body that breaks off is an error of the connection, and read again.
func TestTruncatedBody(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"by length": "Content-Length: 1000\r\n\r\n" + `{"items":[{"email":"a@b"}]}`,
		"by chunks": "Transfer-Encoding: chunked\r\n\r\n10\r\n" + `{"items":[{"emai`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen record
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if seen.add(r) > 1 {
					answering(200, oneUser)(w, r)
					return
				}
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"+head)
				_ = conn.(*net.TCPConn).Close()
			})
			once := xc.New(xc.Options{BaseURL: server.URL, Transport: transport(t, xc.TransportOptions{})})
			_, err := once.Users(t.Context())
			if got := retry.FaultOf(err); got.Cause != "connection" || !got.Transient || got.Ambiguous {
				t.Errorf("error = %v (%+v)", err, got)
			}
			seen = record{}
			twice := xc.New(xc.Options{BaseURL: server.URL, Transport: transport(t, xc.TransportOptions{}), Attempts: 2})
			if _, err := twice.Users(t.Context()); err != nil || twice.Stats().Requests != 2 {
				t.Errorf("error = %v after %+v", err, twice.Stats())
			}
		})
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	client := xc.New(xc.Options{BaseURL: "https://tenant.example", Transport: tripper(func(r *http.Request) (*http.Response, error) {
		body := `{"items":[
			{"email":" Ann@Example.com","name":"ann","group_names":["unsaid","said","half"],"sync_mode":"SCIM","domain_owner":true,
			 "namespace_roles":[{"namespace":"*","role":"r"}],"idm_type":"VOLTERRA_MANAGED","type":"SERVICE","first_name":"A","last_name":"B"},
			{"name":"machine","last_login_timestamp":"0001-01-01T00:00:00Z","creation_timestamp":"2024-05-06T07:08:09.123+02:00"},
			{"name":"odd","last_login_timestamp":{"seconds":1},"creation_timestamp":"last year"}]}`
		if strings.HasSuffix(r.URL.Path, "user_groups") {
			body = `{"user_groups":[{"name":"said","usernames":["ann"],"references_count":{"a":2,"b":"3","c":"x","d":0}},{"name":"unsaid"},
				{"name":"nobody"},{"name":"empty","usernames":[]},{"name":"half","error":{"code":"EPARTIAL","message":"half"}},{"name":"long","error":{"message":"` + strings.Repeat("x", 5000) + `"}},{"name":"whole","error":{}}]}`
		}
		return reply{200, nil, body}.response(r), nil
	})})
	got, err := client.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	group := func(name directory.GroupName, usernames []directory.Username, wrong string) directory.Group {
		return directory.Group{Name: name, Usernames: usernames, SyncMode: "SELF", References: map[string]int{}, ReadError: wrong}
	}
	want := &directory.Observed{
		Users: []directory.User{
			{Email: "ann@example.com", Address: " Ann@Example.com", Username: "ann", Name: directory.PersonName{First: "A", Last: "B"}, IDMType: "VOLTERRA_MANAGED", Type: "SERVICE",
				SyncMode: "SCIM", DomainOwner: true, Groups: []string{"unsaid", "said", "half"}, Roles: []directory.Role{{Namespace: "*", Role: "r"}}},
			{Username: "machine", IDMType: "SSO", Type: "USER", SyncMode: "SELF", Created: time.Date(2024, 5, 6, 5, 8, 9, 123e6, time.UTC)},
			{Username: "odd", IDMType: "SSO", Type: "USER", SyncMode: "SELF"},
		},
		Groups: []directory.Group{
			group("said", []directory.Username{"ann"}, ""),
			group("unsaid", nil, "it was listed without members, although the user listing says that it has some"),
			group("nobody", nil, ""), group("empty", []directory.Username{}, ""), group("half", nil, "EPARTIAL half"), group("long", nil, strings.Repeat("x", 1000)+"…"), group("whole", nil, ""),
		},
	}
	want.Groups[0].References = map[string]int{"a": 2, "b": 3, "c": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

// A list of more names than any group has is refused, however short the names
// are.
func TestMostEntries(t *testing.T) {
	t.Parallel()
	const most = 400_000
	for n, says := range map[int]string{most: "<nil>", most + 1: "more than 400000 entries"} {
		body := `{"name":"ops","usernames":["a"` + strings.Repeat(`,"a"`, n-1) + `]}`
		_, err := replying(reply{200, nil, body}).Group(t.Context(), "ops")
		if !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("%d names: %v", n, err)
		}
	}
}

// Some of many kinds of references are named; the total is right.
func TestManyReferences(t *testing.T) {
	t.Parallel()
	body := `{"name":"ops","usernames":[],"references_count":{"none":0,"odd":-1,"huge":9223372036854775807,` + keys(0, 2000) + `}}`
	got, err := answeringWith(func() io.Reader { return strings.NewReader(body) }).Group(t.Context(), "ops")
	if err != nil || len(got.References) > 25 {
		t.Fatalf("%d kinds, %v", len(got.References), err)
	}
	sum := 0
	for _, n := range got.References {
		sum += n
	}
	if sum < 2001 || got.References["odd"] != 1 || got.References["huge"] <= 0 || got.References["none"] != 0 {
		t.Errorf("%d in all: %v", sum, got.References)
	}
}

// A tenant is read whole or not at all.
func TestObserveHalf(t *testing.T) {
	t.Parallel()
	for _, broken := range []string{"user_roles", "user_groups"} {
		client := xc.New(xc.Options{BaseURL: "https://tenant.example", Transport: tripper(func(r *http.Request) (*http.Response, error) {
			switch {
			case strings.HasSuffix(r.URL.Path, broken):
				return reply{500, nil, ""}.response(r), nil
			case strings.HasSuffix(r.URL.Path, "user_roles"):
				return reply{200, nil, oneUser}.response(r), nil
			}
			return reply{200, nil, noGroups}.response(r), nil
		})})
		if observed, err := client.Observe(t.Context()); observed != nil || err == nil || !strings.Contains(err.Error(), broken) {
			t.Errorf("%s: observed = %v, error = %v", broken, observed, err)
		}
	}
}

// TestCreatedUsername: the answer to a creation says the username, or does not.
func TestCreatedUsername(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]directory.Username{
		``: "", `{}`: "", `{"metadata":null}`: "", `{"metadata":{"uid":"1"}}`: "", `{"metadata":{"name":"Acme-Ann"},"spec":{}}`: "Acme-Ann",
	} {
		client := replying(reply{200, nil, body})
		if got, err := client.CreateUser(t.Context(), ann); got != want || err != nil {
			t.Errorf("%s: %q, %v", body, got, err)
		}
	}
}

// TestAKeyInAnotherCaseTakesNothing: it must not count as the field.
func TestAKeyInAnotherCaseTakesNothing(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"Usernames", "USERNAMES", "u\u017fernames", `\u0055sernames`} {
		for _, more := range []string{"", strings.Repeat(`,"%d":0`, 40)} {
			for i := range 40 {
				more = strings.Replace(more, "%d", fmt.Sprint(i), 1)
			}
			client := replying(reply{200, nil, `{"user_groups":[{"name":"ops","usernames":["ann"]` + more + `,"` + key + `":[]}]}`})
			if groups, err := client.Groups(t.Context()); err == nil && len(groups[0].Usernames) != 1 {
				t.Errorf("%s: %+v", key, groups)
			}
		}
	}
}

// TestARepeatedReadStartsOver: what an answer said before its connection broke
// does not count with the answer to the next attempt.
func TestARepeatedReadStartsOver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cut, whole string
		ask        func(context.Context, *xc.Client) string
		want       string
	}{
		"the caller": {
			cut: `{"email":"ann@example.com","name":"ann",`, whole: `{}`,
			ask: func(ctx context.Context, c *xc.Client) string {
				user, err := c.WhoAmI(ctx)
				return fmt.Sprint(user.Email, err)
			},
			want: "identify the caller: GET whoami: unexpected response: a user without name and email",
		},
		"members and an error of a group": {
			cut: `{"error":{"code":"EPARTIAL"},"usernames":["ann"],"references_count":{"policy":1},`, whole: `{"name":"ops"}`,
			ask: func(ctx context.Context, c *xc.Client) string {
				group, err := c.Group(ctx, "ops")
				return fmt.Sprint(group.Usernames == nil, group.References, err)
			},
			want: "true map[] <nil>",
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			bodies := []io.Reader{io.MultiReader(strings.NewReader(tt.cut), brokenReader{}), strings.NewReader(tt.whole)}
			client := xc.New(xc.Options{BaseURL: "https://tenant.example", Attempts: 2, Transport: tripper(func(r *http.Request) (*http.Response, error) {
				response := reply{status: 200}.response(r)
				response.Body, bodies = io.NopCloser(bodies[0]), bodies[1:]
				return response, nil
			})})
			if got := tt.ask(t.Context(), client); got != tt.want {
				t.Errorf("%s: %s, want %s", name, got, tt.want)
			}
		})
	}
}
