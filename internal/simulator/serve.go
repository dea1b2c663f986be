package simulator

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

const root = "/api/web/custom/namespaces/" + system + "/"

// errDropped stands for a connection that broke without a response.
var errDropped = errors.New("connection dropped")

// Request is the record of one request.
type Request struct {
	Method, Path string
	Body         []byte
	Status       int    // 0 while it is in flight, or if it got no response
	ID           string // X-Request-Id of the answer, if it is the tenant's own
}

// Requests returns a copy of the record, in the order of arrival.
func (t *Tenant) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.requests)
}

// ServeHTTP answers a request. To drop the connection it panics with
// [http.ErrAbortHandler], as servers expect.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := t.handle(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.header)
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body)
}

// RoundTrip answers a request without a network: no sockets, no goroutines. A
// dropped connection gives the error of a reset one.
func (t *Tenant) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	answer, err := t.handle(r)
	if errors.Is(err, errDropped) {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", answer.status, http.StatusText(answer.status)),
		StatusCode: answer.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        answer.header,
		Body:          io.NopCloser(bytes.NewReader(answer.body)),
		ContentLength: int64(len(answer.body)),
		Request:       r,
	}, nil
}

// answer is a response as it is sent.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// handle records a request, applies its fault and carries it out. An error means
// that there is no response: errDropped, or the context's.
func (t *Tenant) handle(r *http.Request) (answer, error) {
	if err := r.Context().Err(); err != nil {
		return answer{}, err
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return answer{}, err
		}
	}
	n := t.record(r, body)
	if err := wait(r.Context(), t.latency); err != nil {
		return answer{}, err
	}
	fault := t.fault(n, r, body)
	out, err := t.answerWith(fault, r, body)
	if err != nil {
		return answer{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	request := &t.requests[n-1]
	request.Status = out.status
	if fault.Status == 0 {
		request.ID = fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
		out.header.Set("X-Request-Id", request.ID)
	}
	return out, nil
}

func (t *Tenant) record(r *http.Request, body []byte) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests = append(t.requests, Request{Method: r.Method, Path: r.URL.Path, Body: body})
	return len(t.requests)
}

func (t *Tenant) fault(n int, r *http.Request, body []byte) Fault {
	for _, choose := range t.faults {
		seen := r.Clone(r.Context())
		seen.Body = io.NopCloser(bytes.NewReader(body))
		if f := choose(n, seen); f != (Fault{}) {
			return f
		}
	}
	return Fault{}
}

func (t *Tenant) answerWith(f Fault, r *http.Request, body []byte) (answer, error) {
	var own answer
	if f.AfterAct {
		own = t.act(r, body)
	}
	if err := wait(r.Context(), f.Delay); err != nil {
		return answer{}, err
	}
	switch {
	case f.Drop:
		return answer{}, errDropped
	case f.Status != 0:
		return f.answer(), nil
	case f.AfterAct:
		return own, nil
	default:
		return t.act(r, body), nil
	}
}

func (f Fault) answer() answer {
	h := make(http.Header)
	if strings.HasPrefix(f.Body, "{") {
		h.Set("Content-Type", "application/json")
	} else if f.Body != "" {
		h.Set("Content-Type", http.DetectContentType([]byte(f.Body)))
	}
	if f.RetryAfter != "" {
		h.Set("Retry-After", f.RetryAfter)
	}
	if f.Location != "" {
		h.Set("Location", f.Location)
	}
	return answer{status: f.Status, header: h, body: []byte(f.Body)}
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// call is a request as an operation sees it.
type call struct {
	body  []byte
	name  string // of the group in the path
	query url.Values
}

// act carries a request out, one at a time.
func (t *Tenant) act(r *http.Request, body []byte) answer {
	t.mu.Lock()
	defer t.mu.Unlock()
	value, err := t.operate(r, body)
	status := http.StatusOK
	if err != nil {
		status, value = refusalOf(err)
	}
	encoded, _ := json.Marshal(value) // no error: it is made of texts, numbers, lists and maps
	return answer{status: status, header: http.Header{"Content-Type": {"application/json"}}, body: encoded}
}

func (t *Tenant) operate(r *http.Request, body []byte) (any, error) {
	if t.token != "" && r.Header.Get("Authorization") != "APIToken "+t.token {
		return nil, refuse(http.StatusUnauthorized, "the credentials are not valid")
	}
	methods, name := t.operations(r.URL.Path)
	if methods == nil {
		return nil, refuse(http.StatusNotFound, "no such path: %s", r.URL.Path)
	}
	operation := methods[r.Method]
	if operation == nil {
		return nil, refuse(http.StatusMethodNotAllowed, "%s is not allowed here", r.Method)
	}
	return operation(call{body: body, name: name, query: r.URL.Query()})
}

// operations returns what can be done at a path, by method, and the name of the
// group in it. It is nil for an unknown path.
func (t *Tenant) operations(path string) (methods map[string]func(call) (any, error), name string) {
	path, ok := strings.CutPrefix(path, root)
	if !ok {
		return nil, ""
	}
	type at = map[string]func(call) (any, error)
	switch path {
	case "user_roles":
		return at{"GET": t.listUsers, "POST": t.createUser, "PUT": t.replaceUser}, ""
	case "users/cascade_delete":
		return at{"POST": t.deleteUser}, ""
	case "users/group_add":
		return at{"PUT": t.addToGroups}, ""
	case "users/group_remove":
		return at{"PUT": t.removeFromGroups}, ""
	case "whoami":
		return at{"GET": t.whoAmI}, ""
	case "user_groups":
		return at{"GET": t.listGroups, "POST": t.createGroup}, ""
	}
	path, ok = strings.CutPrefix(path, "user_groups/")
	name, act, _ := strings.Cut(path, "/")
	switch {
	case !ok || name == "":
		return nil, ""
	case act == "assign_namespace_roles":
		return at{"PUT": t.assignRoles}, name
	case act == "remove_namespace_roles":
		return at{"PUT": t.removeRoles}, name
	case path != name:
		return nil, ""
	}
	return at{"GET": t.readGroup, "PUT": t.replaceGroup, "DELETE": t.deleteGroup}, name
}

// refusal is an answer other than 200.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, message: fmt.Sprintf(format, args...)}
}

// refusalOf is the answer to an error: bad input, unless it is a refusal.
func refusalOf(err error) (int, Error) {
	status := http.StatusBadRequest
	if r, ok := errors.AsType[*refusal](err); ok {
		status = r.status
	}
	// The codes are F5's schemaErrorCode.
	code := map[int]string{
		http.StatusUnauthorized: "EPERMS",
		http.StatusNotFound:     "ENOTFOUND",
		http.StatusConflict:     "EEXISTS",
	}[status]
	return status, Error{Code: cmp.Or(code, "EBADINPUT"), Message: err.Error()}
}

// decode reads a body that must be one JSON object of known fields.
func decode[T any](body []byte) (T, error) {
	var value T
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return value, errors.New("the body is not a JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&value); err != nil {
		return value, fmt.Errorf("the body does not parse: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return value, errors.New("there is something after the body's object")
	}
	return value, nil
}

func checkRoles(roles []Role) error {
	for _, r := range roles {
		if r.Namespace == "" || r.Role == "" {
			return errors.New("namespace_roles: namespace and role are required")
		}
	}
	return nil
}
