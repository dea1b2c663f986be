// Package openapitest checks requests and answers against published OpenAPI
// documents. It reads those documents and knows nothing about the simulator or
// the clients; only tests may import it.
//
// The documents are not part of this repository: XC_OPENAPI_DIR names the folder
// with F5's user.json and user_group.json, GITHUB_OPENAPI_DIR the one with GitHub's
// api.github.com.json (https://github.com/github/rest-api-description).
package openapitest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// Checker compares what is sent with the documents. It is safe for concurrent
// use.
type Checker struct {
	routers []routers.Router
}

// Load reads F5's documents, or skips the test where XC_OPENAPI_DIR is not set.
func Load(tb testing.TB) *Checker {
	tb.Helper()
	return load(tb, "XC_OPENAPI_DIR", regexp.MustCompile(""), "user.json", "user_group.json")
}

// LoadGitHub reads GitHub's document, or skips the test where GITHUB_OPENAPI_DIR is
// not set.
func LoadGitHub(tb testing.TB) *Checker {
	tb.Helper()
	// Some of the other paths cannot be told apart.
	paths := regexp.MustCompile(`^/user$|^/repos/\{owner\}/\{repo\}/(issues|pulls|commits|collaborators)(/|$)`)
	return load(tb, "GITHUB_OPENAPI_DIR", paths, "api.github.com.json")
}

func load(tb testing.TB, variable string, paths *regexp.Regexp, names ...string) *Checker {
	tb.Helper()
	dir := os.Getenv(variable)
	if dir == "" {
		tb.Skipf("%s is not set: the OpenAPI documents are missing", variable)
	}
	c := &Checker{}
	for _, name := range names {
		loader := openapi3.NewLoader()
		loader.IsExternalRefsAllowed = false
		doc, err := loader.LoadFromFile(filepath.Join(dir, name))
		if err != nil {
			tb.Fatalf("read %s: %v", name, err)
		}
		doc.Servers = nil      // any host will do
		doc.Info.Version = "1" // F5 leaves it empty, which OpenAPI forbids
		for path := range doc.Paths.Map() {
			if !paths.MatchString(path) {
				doc.Paths.Delete(path)
			}
		}
		router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation())
		if err != nil {
			tb.Fatalf("read %s: %v", name, err)
		}
		c.routers = append(c.routers, router)
	}
	return c
}

// Request reports as test errors what the documents do not allow in a request.
func (c *Checker) Request(tb testing.TB, req *http.Request, body []byte) {
	tb.Helper()
	c.checkRequest(tb, req, body)
}

// Check reports as test errors what the documents do not allow in a request or
// its answer. Properties that they do not name count too. Statuses other than
// 2xx may be undocumented (400 is nowhere in the documents, and sent), and
// their bodies plain text.
func (c *Checker) Check(tb testing.TB, req *http.Request, reqBody []byte, status int, header http.Header, respBody []byte) {
	tb.Helper()
	if input := c.checkRequest(tb, req, reqBody); input != nil {
		checkResponse(tb, input, status, header, respBody)
	}
}

// Transport checks everything that passes through it to next and back.
func (c *Checker) Transport(tb testing.TB, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		var body []byte
		if r.Body != nil {
			var err error
			body, err = io.ReadAll(r.Body)
			_ = r.Body.Close()
			if err != nil {
				return nil, err
			}
		}
		input := c.checkRequest(tb, r, body)
		resp, err := next.RoundTrip(withBody(r, body))
		if err != nil {
			return nil, err
		}
		answer, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(answer))
		if input != nil {
			checkResponse(tb, input, resp.StatusCode, resp.Header, answer)
		}
		return resp, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// withBody copies a request, because a body can be read only once.
func withBody(r *http.Request, body []byte) *http.Request {
	r = r.Clone(r.Context())
	r.Body = http.NoBody
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return r
}

// checkRequest returns nil for an operation that is in none of the documents.
func (c *Checker) checkRequest(tb testing.TB, r *http.Request, body []byte) *openapi3filter.RequestValidationInput {
	tb.Helper()
	r = withBody(r, body)
	what := r.Method + " " + r.URL.Path
	route, params := c.find(r)
	if route == nil {
		tb.Errorf("%s: no such operation in the documents", what)
		return nil
	}
	for name := range r.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			tb.Errorf("%s: the query parameter %q is not documented", what, name)
		}
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc:                openapi3filter.NoopAuthenticationFunc,
			RejectWhenRequestBodyNotSpecified: true,
			SkipSettingDefaults:               true,
			MultiError:                        true,
		},
	}
	// Not the request's context: a request that is given up is checked too.
	if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
		tb.Errorf("%s: the request is not as documented: %v\n%s", what, err, body)
	}
	if doc := route.Operation.RequestBody; doc != nil {
		report(tb, what+": request", doc.Value.Content, body)
	}
	return input
}

func (c *Checker) find(r *http.Request) (*routers.Route, map[string]string) {
	for _, router := range c.routers {
		if route, params, err := router.FindRoute(r); err == nil {
			return route, params
		}
	}
	return nil, nil
}

func checkResponse(tb testing.TB, request *openapi3filter.RequestValidationInput, status int, header http.Header, body []byte) {
	tb.Helper()
	what := fmt.Sprintf("%s %s: %d", request.Request.Method, request.Request.URL.Path, status)
	success := status >= 200 && status <= 299
	if !success && !strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: status, Header: header,
		Options: &openapi3filter.Options{IncludeResponseStatus: success, MultiError: true},
	}
	if err := openapi3filter.ValidateResponse(context.Background(), input.SetBodyBytes(body)); err != nil {
		tb.Errorf("%s: the answer is not as documented: %v\n%s", what, err, body)
	}
	if doc := request.Route.Operation.Responses.Status(status); doc != nil {
		report(tb, what, doc.Value.Content, body)
	}
}

func report(tb testing.TB, what string, content openapi3.Content, body []byte) {
	tb.Helper()
	media := content.Get("application/json")
	var value any
	if media == nil || json.Unmarshal(body, &value) != nil {
		return // a body that does not parse was reported already
	}
	for _, path := range undocumented(media.Schema, value, "") {
		tb.Errorf("%s: %s is not documented", what, path)
	}
}

// undocumented returns the paths of properties that a schema does not name:
// the documents' schemas lack "additionalProperties": false. An object schema
// without properties stands for a map of anything, unless it is one of those
// called Empty.
func undocumented(schema *openapi3.SchemaRef, value any, path string) []string {
	if schema == nil || schema.Value == nil {
		return nil
	}
	var found []string
	switch value := value.(type) {
	case []any:
		for i, element := range value {
			found = append(found, undocumented(schema.Value.Items, element, fmt.Sprintf("%s[%d]", path, i))...)
		}
	case map[string]any:
		if len(schema.Value.Properties) == 0 && !strings.HasSuffix(schema.Ref, "Empty") {
			return nil
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			at := strings.TrimPrefix(path+"."+name, ".")
			property := schema.Value.Properties[name]
			if property == nil {
				found = append(found, at)
			}
			found = append(found, undocumented(property, value[name], at)...)
		}
	}
	return found
}
