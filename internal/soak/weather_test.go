package soak

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"xc-group-sync/internal/simulator"
)

// weather is what goes wrong during one run. The zero value means nothing does.
type weather struct {
	seed        uint64
	percent     int  // of the requests that meet a fault
	writing     bool // only once the first write is sent
	from, to    time.Duration
	timeout     time.Duration // of a request; what is slower is given up; 0: time is real, and nothing is slow
	cancelAfter time.Duration // 0: the run is not cancelled so
	cancelWrite int           // cancelled as the n-th write comes; 0: not so
	adminWrite  int           // somebody else changes something as the n-th write comes; 0: nobody does
}

// disturbs reports whether anything goes wrong.
func (w weather) disturbs() bool {
	return w.percent+w.adminWrite+w.cancelWrite > 0 || w.cancelAfter > 0
}

// newWeather draws the weather of a world's run.
func newWeather(seed uint64) weather {
	random := rand.New(rand.NewPCG(seed, 3))
	w := weather{seed: seed, to: time.Hour * 1000, writing: chance(random, 60)}
	w.percent = oneOf(random, 0, 5, 15, 15, 40, 40, 70, 100)
	if chance(random, 30) { // an outage
		w.percent = 100
		w.from = time.Duration(random.Float64() * float64(time.Second))
		w.to = w.from + time.Duration(random.Float64()*float64(20*time.Second))
	}
	if chance(random, 15) {
		w.cancelAfter = 1 + time.Duration(random.Float64()*random.Float64()*float64(10*time.Second))
	} else if chance(random, 15) {
		w.cancelWrite = 1 + random.IntN(6)
	}
	if chance(random, 25) {
		w.adminWrite = 1 + random.IntN(3)
	}
	return w
}

// wireFault is a fault with what a simulator cannot do by itself.
type wireFault struct {
	simulator.Fault
	cut     bool    // the body ends in the middle
	half    bool    // the answer tells half of what there is, and an error
	garbled *string // in place of the body of an answer that says yes
}

// fault draws what a request meets: from the seed, what it asks for and how
// often that was asked, but for nothing that depends on who comes first.
func (w weather) fault(r *request, attempt int, since time.Duration) wireFault {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, w.seed, r.method, r.path, r.about, attempt)
	random := rand.New(rand.NewPCG(w.seed, h.Sum64()))
	// No two responses take equally long: the scheduler would have to break a
	// tie.
	latency := time.Duration(1 + random.Int64N(int64(50*time.Millisecond)))
	var f wireFault
	if since >= w.from && since < w.to && random.IntN(100) < w.percent {
		f = w.bad(random, r)
	}
	if f.Delay += latency; w.timeout == 0 {
		f.Delay = 0
	}
	return f
}

func (w weather) bad(random *rand.Rand, r *request) wireFault {
	slow := w.timeout + time.Second
	write := r.method != http.MethodGet
	switch draw := random.IntN(100); {
	case draw < 3:
		return wireFault{Fault: pick(random, logins)}
	case draw < 15:
		return wireFault{Fault: pick(random, refusals)}
	case draw < 25 && write:
		return wireFault{garbled: &garbledAnswers[random.IntN(len(garbledAnswers))]}
	case draw < 25 && !strings.HasPrefix(r.path, "user_groups/"):
		return wireFault{Fault: pick(random, garbledListings)}
	case draw < 30:
		return wireFault{cut: true}
	case draw < 35 && !write:
		return wireFault{half: true}
	case draw < 38 && w.timeout > 0:
		return wireFault{Fault: simulator.Fault{Delay: slow, AfterAct: write && chance(random, 50)}}
	default:
		f := pick(random, passingFaults)
		f.AfterAct = write && f.Status != http.StatusTooManyRequests && chance(random, 40)
		return wireFault{Fault: f}
	}
}

var (
	logins = []simulator.Fault{
		{Status: 401, Body: `{"code":"EPERMS","message":"no"}`}, {Status: 302, Location: "https://login.example/"},
		{Status: 200, Body: `<!DOCTYPE html><title>Log in</title>`},
	}
	// refusals are permanent. A 404 or 409 from the API itself would not be a
	// fault but a lie.
	refusals = []simulator.Fault{
		{Status: 400, Body: `{"code":"EBADINPUT","message":"bad"}`}, {Status: 403, Body: `{}`}, {Status: 404, Body: `<html>not found</html>`},
		{Status: 409, Body: `<html>conflict</html>`}, {Status: 408}, {Status: 413, Body: `<html>too large</html>`}, {Status: 422, Body: `no`},
	}
	garbledAnswers  = []string{`{"meta`, `{}`, ``, `{"error":{"code":"EPARTIAL","message":"half"}}`, `OK`}
	garbledListings = []simulator.Fault{
		{Status: 200, Body: `{}`}, {Status: 200, Body: `{"items":null,"user_groups":null}`}, {Status: 200, Body: `[]`}, {Status: 200},
		{Status: 200, Body: `{"items":[{"email":"a@x.y"},{"email":"A@x.y"}],"user_groups":[{"name":"a","usernames":[]},{"name":"a","usernames":[]}]}`},
		{Status: 404, Body: `{"code":"ENOTFOUND","message":"no such method"}`}, {Status: 200, Body: `{"items":[],"user_groups":null}`},
	}
	passingFaults = []simulator.Fault{
		{Status: 500, Body: `{"code":"EINTERNAL","message":"oops"}`}, {Status: 502, Body: `<html>bad gateway</html>`}, {Status: 503, Body: `{"code":"EUNKNOWN"}`},
		{Status: 503, RetryAfter: "3"}, {Status: 504, Body: `<html>gateway time-out</html>`}, {Status: 503, RetryAfter: "Sat, 01 Jan 2000 00:00:07 GMT"},
		{Status: 429}, {Status: 429, RetryAfter: "1"}, {Status: 429, RetryAfter: "4"}, {Status: 429, RetryAfter: "100"}, {Status: 429, RetryAfter: "soon"},
		{Drop: true}, {Drop: true}, {Drop: true},
	}
)

// meddle lets another administrator change something at this moment, in a group
// that the run has not yet read by itself: a change between its read and its
// write cannot be kept.
func (s *site) meddle(random *rand.Rand, target string) {
	before := heldOf(s.tenant.State())
	var groups []simulator.Group
	for _, group := range s.tenant.Groups() {
		if !s.looked[group.Name] && group.Name != target && group.SyncMode != "SCIM" {
			groups = append(groups, group)
		}
	}
	users := s.tenant.Users()
	user := pick(random, users)
	switch act := random.IntN(7); {
	case act == 0 && s.missing != "" && !s.world.rules.update: // a replaced user loses what is given meanwhile
		s.ask(http.MethodPost, "user_groups", fmt.Sprintf(`{"name":%q,"description":"by hand","usernames":[%q],"namespace_roles":[{"namespace":"*","role":"monitor"}]}`, s.missing, user.Name))
	case act == 1 && s.newcomer != "":
		s.ask(http.MethodPost, "user_roles", fmt.Sprintf(`{"email":%q,"first_name":"By","last_name":"Hand","idm_type":"SSO"}`, s.newcomer))
	case act == 2 && strings.ToLower(user.Name) != s.world.callerUser && !s.world.rules.update && len(before.withEmail(mail(user.Email))) == 1:
		s.ask(http.MethodPost, "users/cascade_delete", fmt.Sprintf(`{"email":%q,"namespace":"system"}`, user.Email))
	case len(groups) == 0:
	case act == 3:
		s.ask(http.MethodDelete, "user_groups/"+pick(random, groups).Name, "")
	default:
		group := pick(random, groups)
		switch {
		case act == 4:
			group.Description = "edited in the console"
		case act == 5 && len(group.Usernames) > 0:
			group.Usernames = group.Usernames[1:]
		case !before.in[group.Name][strings.ToLower(user.Name)] && !s.world.rules.update:
			group.Usernames = append(group.Usernames, user.Name)
		}
		s.ask(http.MethodPut, "user_groups/"+group.Name, groupBody(group))
	}
	after := heldOf(s.tenant.State())
	s.given, s.taken = missing(before.facts(), after.facts()), missing(after.facts(), before.facts())
}

// ask sends a request past the wire, as somebody else. What the tenant refuses
// is not done.
func (s *site) ask(method, path, body string) {
	request, err := http.NewRequest(method, "https://tenant.example"+apiRoot+path, bytes.NewReader([]byte(body)))
	if err != nil {
		panic(err) // a mistake in the test
	}
	response, err := s.tenant.RoundTrip(request)
	if err != nil {
		panic(err)
	}
	_ = response.Body.Close()
}
