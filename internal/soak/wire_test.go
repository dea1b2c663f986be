package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"xc-group-sync/internal/simulator"
)

const apiRoot = "/api/web/custom/namespaces/system/"

// request is what the wire saw of a request.
type request struct {
	method, path string
	about        string // the group or the email
	action       string // of a group's operation
	came, left   time.Time
	status       int // 0: no answer
	retryAfter   time.Duration
	login        bool // the answer says that the credentials are no good
	own          bool // the answer is the tenant's, as it gave it
}

// whole tells that the answer is what was asked for.
func (r *request) whole() bool { return r.own && r.status == http.StatusOK }

func (r *request) writes() bool { return r.method != http.MethodGet }

// isOf reports whether a write is an operation's. A group that was to be created
// and exists already is granted its roles by its creation.
func (r *request) isOf(o *operation) bool {
	if !r.writes() || r.about != o.Name || (strings.HasPrefix(r.path, "user_groups") || strings.HasPrefix(r.path, "users/group_")) != (o.Object == "group") {
		return false
	}
	switch o.Action {
	case "grant", "revoke":
		return r.action == o.Action
	case "create":
		return true
	case "delete": // and not the give-back of a single write
		return r.method == http.MethodDelete || r.path == "users/cascade_delete"
	}
	return r.action == "" || r.action == "update"
}

// site is a tenant behind a wire that has a weather and keeps a record.
type site struct {
	world  *world
	tenant *simulator.Tenant

	mu       sync.Mutex
	weather  weather
	start    time.Time
	cancel   context.CancelFunc
	timer    *time.Timer // of the cancellation; nil: none
	requests []*request
	asked    map[string]int // how often, by what is asked
	writes   int
	flying   int
	most     int // in flight at once

	cancelled    time.Time
	looked       map[string]bool // groups that were read by themselves or written
	given, taken facts           // that another administrator made and unmade
	breaches     []string        // what writes did that none may
	joined       map[string]bool // groups to which somebody was added
	granted      map[string]bool // groups that were granted roles
	before       *held           // at the beginning of the run
	missing      string          // a group that the export names and the tenant has not
	newcomer     string          // likewise a person
}

type faultKey struct{}

func newSite(w *world) *site {
	s := &site{world: w}
	s.tenant = w.start(simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
		fault, _ := r.Context().Value(faultKey{}).(wireFault)
		return fault.Fault
	}))
	aim := w.aim(s.tenant.State(), true, nil)
	before := heldOf(s.tenant.State())
	for name := range aim.held.groups {
		if _, exists := before.groups[name]; !exists {
			s.missing = max(s.missing, name)
		}
	}
	for username := range aim.held.users {
		if _, exists := before.users[username]; !exists {
			s.newcomer = max(s.newcomer, username)
		}
	}
	return s
}

// begin forgets the record and changes the weather.
func (s *site) begin(weather weather, cancel context.CancelFunc) {
	s.weather, s.start, s.cancel = weather, time.Now(), cancel
	s.requests, s.asked, s.writes, s.flying, s.most = nil, map[string]int{}, 0, 0, 0
	s.cancelled, s.looked, s.given, s.taken = time.Time{}, map[string]bool{}, nil, nil
	s.breaches, s.before = nil, heldOf(s.tenant.State())
	s.joined, s.granted = map[string]bool{}, map[string]bool{}
	s.timer = nil
	if weather.cancelAfter > 0 {
		s.timer = time.AfterFunc(weather.cancelAfter, s.interrupt)
	}
}

// end keeps what was not cancelled from being cancelled later.
func (s *site) end() {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Lock() // an interruption at this very moment is over
	defer s.mu.Unlock()
	s.cancel()
}

func (s *site) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop()
}

func (s *site) stop() {
	if s.cancelled.IsZero() {
		s.cancelled = time.Now()
		s.cancel()
	}
}

// come records a request and draws its fault.
func (s *site) come(method, path string, body []byte) (*request, wireFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &request{method: method, path: strings.TrimPrefix(path, apiRoot), came: time.Now()}
	r.about, _ = strings.CutPrefix(r.path, "user_groups/")
	if name, call, calls := strings.Cut(r.about, "/"); calls && r.about != r.path {
		r.about, r.action = name, map[string]string{"assign_namespace_roles": "grant", "remove_namespace_roles": "revoke"}[call]
	}
	if r.writes() && r.about == r.path {
		var named struct {
			Name, Email string
			Groups      []string `json:"group_names"`
		}
		_ = json.Unmarshal(body, &named) // the simulator complains
		switch {
		case strings.HasPrefix(r.path, "users/group_"):
			r.about, r.action = named.Groups[0], "update"
		case named.Email != "":
			r.about = mail(named.Email)
		default:
			r.about = named.Name
		}
	}
	s.requests = append(s.requests, r)
	s.flying++
	s.most = max(s.most, s.flying)
	if r.writes() {
		if s.writes++; s.writes == s.weather.adminWrite {
			s.meddle(rand.New(rand.NewPCG(s.weather.seed, 4)), r.about)
		}
		if breach := s.breach(r, body); breach != "" {
			s.breaches = append(s.breaches, fmt.Sprintf("%s %s %s: %s", r.method, r.path, body, breach))
		}
		if s.writes == s.weather.cancelWrite {
			s.stop()
		}
	}
	s.looked[r.about] = true
	key := r.method + r.path + r.about
	s.asked[key]++
	if s.weather.writing && s.writes == 0 {
		weather := s.weather
		weather.percent = 0
		return r, weather.fault(r, s.asked[key], 0)
	}
	return r, s.weather.fault(r, s.asked[key], time.Since(s.start))
}

func (s *site) leave(r *request, status int, header http.Header, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying--
	r.left, r.status = time.Now(), status
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil {
		r.retryAfter = time.Duration(seconds) * time.Second
	}
	r.login = status == 401 || status >= 300 && status < 400 || status == 200 && bytes.HasPrefix(body, []byte("<"))
}

// RoundTrip is the wire in memory.
func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body) // from memory
		_ = r.Body.Close()
	}
	record, fault := s.come(r.Method, r.URL.Path, body)
	passed := r.WithContext(context.WithValue(r.Context(), faultKey{}, fault))
	passed.Body = io.NopCloser(bytes.NewReader(body))
	response, err := s.tenant.RoundTrip(passed)
	if err != nil {
		s.leave(record, 0, nil, nil)
		return nil, err
	}
	answer, _ := io.ReadAll(response.Body)
	answer = s.screen(r, answer)
	s.leave(record, response.StatusCode, response.Header, answer)
	record.own = fault.Status == 0 && !fault.cut && !fault.half
	if fault.garbled != nil && response.StatusCode == http.StatusOK {
		answer = []byte(*fault.garbled)
	}
	if fault.half && response.StatusCode == http.StatusOK {
		answer = halved(answer)
	}
	response.Body = io.NopCloser(bytes.NewReader(answer))
	if fault.cut {
		response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(answer[:len(answer)/2]), broken{}))
	}
	return response, nil
}

// halved is an answer without half of what it lists, which it says itself.
func halved(answer []byte) []byte {
	var document map[string]any
	_ = json.Unmarshal(answer, &document) // it is the simulator's own
	for _, key := range []string{"items", "user_groups", "usernames"} {
		if list, is := document[key].([]any); is {
			document[key] = list[len(list)/2:]
		}
	}
	document["error"] = map[string]any{"code": "EPARTIAL", "message": "half of it"}
	answer, _ = json.Marshal(document)
	return answer
}

// broken is a body whose connection ends.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// ServeHTTP is the wire over a real connection, where nothing is cut or garbled.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	record, fault := s.come(r.Method, r.URL.Path, body)
	passed := r.WithContext(context.WithValue(r.Context(), faultKey{}, fault))
	passed.Body = io.NopCloser(bytes.NewReader(body))
	defer func() {
		if failed := recover(); failed != nil {
			s.leave(record, 0, nil, nil)
			panic(failed)
		}
	}()
	seen := httptest.NewRecorder()
	s.tenant.ServeHTTP(seen, passed)
	answer := s.screen(r, seen.Body.Bytes())
	s.leave(record, seen.Code, seen.Header(), answer)
	record.own = fault.Status == 0
	maps.Copy(w.Header(), seen.Header())
	w.WriteHeader(seen.Code)
	_, _ = w.Write(answer)
}

// screen leaves out of the tenant's listing the users that it lacks.
func (s *site) screen(r *http.Request, answer []byte) []byte {
	if len(s.world.unlisted) == 0 || r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/user_roles") {
		return answer
	}
	var listing struct {
		Items []map[string]any `json:"items"`
	}
	if err := json.Unmarshal(answer, &listing); err != nil || listing.Items == nil {
		return answer // it is a fault
	}
	listing.Items = slices.DeleteFunc(listing.Items, func(item map[string]any) bool {
		name, _ := item["name"].(string)
		return s.world.unlisted[strings.ToLower(name)]
	})
	answer, _ = json.Marshal(listing)
	return answer
}

// groupBody is a replacement of the group.
func groupBody(g simulator.Group) string {
	body, _ := json.Marshal(map[string]any{ // nothing in it can fail
		"name": g.Name, "display_name": g.DisplayName, "description": g.Description, "usernames": g.Usernames, "namespace_roles": g.NamespaceRoles, "sync_id": g.SyncID,
	})
	return string(body)
}
