package doctor

import (
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Route is how far requests got on their way to the tenant.
type Route struct {
	Proxy        *url.URL // nil: none
	Host         string   // host that was looked up; empty: an address needs no look-up
	LookupErr    error
	Addresses    []string
	Connected    string               // address; empty: no connection
	Secured      bool                 // a TLS handshake with the server has begun
	HandshakeErr error                // of that handshake
	TLS          *tls.ConnectionState // of an answer; nil: plain HTTP, or no answer
	Answered     bool
	Skew         time.Duration // of the server's clock against this machine's
	Dated        bool          // the answer has a date
}

// Probe is a transport that watches how far requests get until one is answered.
// It is safe for concurrent use.
type Probe struct {
	base  http.RoundTripper
	proxy func(*http.Request) (*url.URL, error)
	now   func() time.Time

	mu    sync.Mutex
	route *Route // of the last attempt
}

// NewProbe returns a probe of base. proxy says where base sends a request through;
// nil: nowhere.
func NewProbe(base http.RoundTripper, proxy func(*http.Request) (*url.URL, error), now func() time.Time) *Probe {
	return &Probe{base: base, proxy: proxy, now: now, route: new(Route)}
}

// Route returns how far the last request got, or the first one that was answered.
func (p *Probe) Route() Route {
	p.mu.Lock()
	defer p.mu.Unlock()
	route := *p.route
	route.Addresses = slices.Clone(route.Addresses) // a connection may still be pending
	return route
}

// RoundTrip sends a request.
func (p *Probe) RoundTrip(request *http.Request) (*http.Response, error) {
	p.mu.Lock()
	answered := p.route.Answered
	route := new(Route)
	if !answered {
		p.route = route
	}
	p.mu.Unlock()
	if answered {
		return p.base.RoundTrip(request)
	}
	if p.proxy != nil {
		via, _ := p.proxy(request) // base meets the error
		p.note(func() { route.Proxy = via })
	}
	response, err := p.base.RoundTrip(request.WithContext(httptrace.WithClientTrace(request.Context(), p.trace(route))))
	if err != nil {
		return nil, err
	}
	received := p.now()
	date, dateErr := http.ParseTime(response.Header.Get("Date"))
	p.note(func() {
		route.Answered, route.TLS = true, response.TLS
		route.Dated, route.Skew = dateErr == nil, date.Sub(received)
	})
	return response, nil
}

func (p *Probe) note(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// trace records the stages of a connection. Its functions are called
// concurrently, and even after the request ended.
func (p *Probe) trace(route *Route) *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart: func(info httptrace.DNSStartInfo) { p.note(func() { route.Host = info.Host }) },
		DNSDone: func(info httptrace.DNSDoneInfo) {
			p.note(func() {
				route.LookupErr, route.Addresses = info.Err, nil
				for _, address := range info.Addrs {
					route.Addresses = append(route.Addresses, address.String())
				}
			})
		},
		ConnectDone: func(_, address string, err error) {
			if err == nil {
				p.note(func() { route.Connected = address })
			}
		},
		TLSHandshakeStart: func() { p.note(func() { route.Secured = true }) },
		TLSHandshakeDone:  func(_ tls.ConnectionState, err error) { p.note(func() { route.HandshakeErr = err }) },
	}
}
