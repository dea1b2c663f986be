package simulator

import (
	"math/rand/v2"
	"net/http"
	"time"
)

// Option is a setting of [New].
type Option func(*Tenant)

// WithToken makes requests without "Authorization: APIToken <token>" fail with
// 401. If token is empty, any credentials will do, and so will none.
func WithToken(token string) Option {
	return func(t *Tenant) { t.token = token }
}

// WithCaller sets by name or email the user that whoami answers with. The
// default is the first domain owner, else the first user.
func WithCaller(name string) Option {
	return func(t *Tenant) { t.caller = name }
}

// WithIDM sets the one kind of ordinary users (SSO or VOLTERRA_MANAGED) that the
// tenant takes: creating another answers 400. The default is the kind of most of
// its ordinary users, and no check if it has none.
func WithIDM(kind string) Option {
	return func(t *Tenant) { t.idm = kind }
}

// WithGroupAddReplaces makes users/group_add put a user into the groups of the
// request alone, as replacing the user does, instead of adding them. F5's
// documents say that it adds; nobody has seen a real tenant do it.
func WithGroupAddReplaces() Option {
	return func(t *Tenant) { t.addReplaces = true }
}

// WithLatency makes every request wait that long before it is handled, or until
// its context is done.
func WithLatency(d time.Duration) Option {
	return func(t *Tenant) { t.latency = d }
}

// Fault is what goes wrong with one request. The zero Fault means nothing does.
type Fault struct {
	// Status replaces the tenant's response, with Body. 0: the tenant's own
	// response.
	Status int
	// Body is sent as application/json if it begins with a brace, otherwise as
	// what it looks like.
	Body string
	// RetryAfter and Location are headers of the response, left out if empty.
	RetryAfter, Location string
	// Drop breaks the connection without a response.
	Drop bool
	// AfterAct carries the request out first, so that the client cannot know
	// whether it was.
	AfterAct bool
	// Delay is how long the response takes, at most until the request's context
	// is done: before the act, or after it with AfterAct.
	Delay time.Duration
}

// WithFault asks choose about every request: n counts them from 1 in their
// order of arrival. It is called concurrently, as requests come, and may use
// the tenant (say, to change something between two requests) and read the
// body. Of several such options the first that names a fault counts.
func WithFault(choose func(n int, r *http.Request) Fault) Option {
	return func(t *Tenant) { t.faults = append(t.faults, choose) }
}

// WithFaults makes a share (0 to 1) of the requests fail transiently. Which ones
// and how depends only on the seed and a request's number.
func WithFaults(share float64, seed uint64) Option {
	faults := []Fault{
		{Status: http.StatusServiceUnavailable, Body: `{"code":"EUNKNOWN","message":"the service is unavailable"}`},
		{Status: http.StatusTooManyRequests, RetryAfter: "1", Body: `{"code":"EUNKNOWN","message":"too many requests"}`},
		{Status: http.StatusInternalServerError, AfterAct: true, Body: `{"code":"EINTERNAL","message":"internal error"}`},
		{Drop: true},
		{Drop: true, AfterAct: true},
	}
	return WithFault(func(n int, _ *http.Request) Fault {
		draw := rand.New(rand.NewPCG(seed, uint64(n)))
		if draw.Float64() >= share {
			return Fault{}
		}
		return faults[draw.IntN(len(faults))]
	})
}
