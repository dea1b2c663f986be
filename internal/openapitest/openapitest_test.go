package openapitest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"xc-group-sync/internal/openapitest"
)

// errorCounter is a test that counts its errors instead of failing.
type errorCounter struct {
	testing.TB
	errors int
}

func (c *errorCounter) Helper()               {}
func (c *errorCounter) Errorf(string, ...any) { c.errors++ }

func TestCheck(t *testing.T) {
	t.Parallel()
	checker := openapitest.Load(t)
	const list, group = "/api/web/custom/namespaces/system/user_groups", "/api/web/custom/namespaces/system/user_groups/a"
	tests := []struct {
		name, method, path, request string
		status                      int
		kind, answer                string
		ok                          bool
	}{
		{"good", "GET", list, "", 200, "application/json", `{"user_groups":[{"usernames":["a"],"references_count":{"x":1}}]}`, true},
		{"good write", "PUT", group, `{"usernames":["a"]}`, 200, "application/json", `{}`, true},
		{"unknown operation", "PATCH", list, "", 200, "application/json", `{}`, false},
		{"unknown path", "GET", list + "s", "", 200, "application/json", `{}`, false},
		{"unknown query", "DELETE", group + "?force=true", "", 200, "application/json", `{}`, false},
		{"bad query", "DELETE", group + "?attempt_remove_references=x", "", 200, "application/json", `{}`, false},
		{"no request body", "POST", list, "", 200, "application/json", `{}`, false},
		{"unknown property sent", "POST", list, `{"names":[]}`, 200, "application/json", `{}`, false},
		{"unknown property sent below", "POST", list, `{"namespace_roles":[{"id":1}]}`, 200, "application/json", `{}`, false},
		{"wrong type sent", "POST", list, `{"usernames":"a"}`, 200, "application/json", `{}`, false},
		{"unknown property answered", "GET", list, "", 200, "application/json", `{"user_groups":[{"users":[]}]}`, false},
		{"null answered", "GET", list, "", 200, "application/json", `{"user_groups":[{"usernames":null}]}`, false},
		{"unknown value answered", "GET", group, "", 200, "application/json", `{"sync_mode":"NONE"}`, false},
		{"not empty", "DELETE", group, "", 200, "application/json", `{"name":"a"}`, false},
		{"unknown success", "POST", list, `{}`, 201, "application/json", `{}`, false},
		{"page", "GET", list, "", 200, "text/html", `<html>`, false},
		{"plain refusal", "GET", list, "", 503, "text/plain", `busy`, true},
		{"refusal", "POST", list, `{}`, 400, "application/json", `{"code":"EBADINPUT"}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := httptest.NewRequest(tt.method, "http://127.0.0.1:1"+tt.path, nil)
			if tt.request != "" {
				req.Header.Set("Content-Type", "application/json")
			}
			counter := &errorCounter{TB: t}
			checker.Check(counter, req, []byte(tt.request), tt.status, http.Header{"Content-Type": {tt.kind}}, []byte(tt.answer))
			if (counter.errors == 0) != tt.ok {
				t.Errorf("%d errors, want none: %t", counter.errors, tt.ok)
			}
		})
	}
}

func TestRequestToGitHub(t *testing.T) {
	t.Parallel()
	checker := openapitest.LoadGitHub(t)
	const comments = "/repos/o/r/issues/7/comments"
	tests := []struct {
		name, method, path, request string
		ok                          bool
	}{
		{"good", "GET", comments + "?per_page=100&page=2", "", true},
		{"good write", "POST", comments, `{"body":"x"}`, true},
		{"unknown path", "GET", comments + "s", "", false},
		{"unknown operation", "PUT", comments, `{"body":"x"}`, false},
		{"unknown query", "GET", comments + "?size=5", "", false},
		{"bad query", "GET", comments + "?per_page=x", "", false},
		{"bad number", "GET", "/repos/o/r/pulls/x", "", false},
		{"no body", "POST", comments, "", false},
		{"unknown property", "POST", comments, `{"body":"x","text":"x"}`, false},
		{"wrong type", "POST", comments, `{"body":7}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := httptest.NewRequest(tt.method, "http://127.0.0.1:1"+tt.path, nil)
			if tt.request != "" {
				req.Header.Set("Content-Type", "application/json")
			}
			counter := &errorCounter{TB: t}
			checker.Request(counter, req, []byte(tt.request))
			if (counter.errors == 0) != tt.ok {
				t.Errorf("%d errors, want none: %t", counter.errors, tt.ok)
			}
		})
	}
}
