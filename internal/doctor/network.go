package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/xc"
)

// network adds checks by how far the first request got; err is its outcome. It
// reports whether the server answered.
func (e *examination) network(err error) bool {
	route := e.probe.Route()
	unencrypted := e.APIURL == "" || strings.HasPrefix(e.APIURL, "http://")
	if route.Proxy == nil {
		e.ok(Proxy, "none is used")
	}
	switch {
	case route.LookupErr != nil && route.Connected == "" && !route.Answered:
		e.unreachable(DNS, err)
		return false
	case route.Host == "" && route.Connected == "":
	case route.Host == "":
		e.ok(DNS, "not needed: the host is an address")
	default:
		e.ok(DNS, "%s resolves to %s", route.Host, directory.List(route.Addresses, 3, func(address string) string { return address }))
	}
	if route.Connected == "" && !route.Answered {
		e.unreachable(TCP, err)
		return false
	}
	e.ok(TCP, "connected to %s", route.Connected)
	if route.Proxy != nil {
		if !route.Secured && !route.Answered {
			e.unreachable(Proxy, err)
			return false
		}
		e.ok(Proxy, "connects through %s", route.Proxy.Redacted())
	}
	if unencrypted {
		e.ok(TLS, "not needed: the tenant is on this machine")
	} else if !route.Answered && (route.HandshakeErr != nil || retry.FaultOf(err).Cause == retry.CauseTLS) {
		e.unreachable(TLS, err)
		return false
	} else if route.TLS != nil {
		e.ok(TLS, "%s", handshake(route.TLS))
	}
	if !route.Answered {
		e.unreachable(Credentials, err)
		return false
	}
	e.clock(route)
	return true
}

// unreachable returns the check at which the first request ended.
func (e *examination) unreachable(name string, err error) {
	detail := err.Error()
	var request *xc.Error
	if errors.As(err, &request) {
		detail = request.Message
	}
	e.add(Check{Name: name, Status: Fail, Detail: detail, Hint: retry.HintOf(err), Kind: directory.TenantUnread})
}

// handshake describes a TLS connection.
func handshake(state *tls.ConnectionState) string {
	text := tls.VersionName(state.Version)
	if len(state.PeerCertificates) > 0 {
		leaf := state.PeerCertificates[0]
		text += fmt.Sprintf(", certificate for %s by %s, until %s", state.ServerName, issuer(leaf), day(leaf.NotAfter))
	}
	return text
}

func issuer(certificate *x509.Certificate) string {
	name := certificate.Issuer
	if len(name.Organization) > 0 && name.CommonName != "" {
		return name.Organization[0] + " " + name.CommonName
	}
	if name.CommonName != "" {
		return name.CommonName
	}
	return name.String()
}

// clockTolerance is how far two clocks may be apart: a date in a header has whole
// seconds, and a response takes time.
const clockTolerance = time.Minute

func (e *examination) clock(route Route) {
	switch skew := route.Skew.Round(time.Second); {
	case !route.Dated:
		e.warn(Clock, "", "not checked: the server's answer has no date")
	case skew > clockTolerance:
		e.warn(Clock, "correct this machine's clock: certificates are checked against it", "this machine's clock is %v behind the server's", skew)
	case skew < -clockTolerance:
		e.warn(Clock, "correct this machine's clock: certificates are checked against it", "this machine's clock is %v ahead of the server's", -skew)
	default:
		e.ok(Clock, "agrees with the server's")
	}
}

// CheckCertificate checks whether a client certificate is valid at now. It warns
// if it expires in fewer than so many days; 0 never warns.
func CheckCertificate(certificate *x509.Certificate, now time.Time, days int) Check {
	left := certificate.NotAfter.Sub(now)
	check := Check{Name: Certificate, Status: OK, Detail: fmt.Sprintf("the client certificate expires on %s, in %s", minute(certificate.NotAfter), count(int(left/(24*time.Hour)), "day"))}
	const renew = "create a new certificate in the console (Administration, Credentials), and replace p12-file, p12-base64 or cert-file"
	switch {
	case left < 0:
		check.Status, check.Kind, check.Hint = Fail, directory.Authentication, renew
		check.Detail = fmt.Sprintf("the client certificate expired on %s: servers will refuse it", minute(certificate.NotAfter))
	case now.Before(certificate.NotBefore):
		check.Status, check.Kind, check.Hint = Fail, directory.Authentication, "correct this machine's clock, or use another certificate"
		check.Detail = fmt.Sprintf("the client certificate is not valid before %s: servers will refuse it", minute(certificate.NotBefore))
	case left < time.Duration(days)*24*time.Hour:
		check.Status, check.Hint = Warn, renew
	}
	return check
}

func day(t time.Time) string    { return t.UTC().Format(time.DateOnly) }
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// tenantName warns of an ID in place of the name, unless it is a name: then the
// credentials have been accepted at its host.
func (e *examination) tenantName() {
	host := e.APIURL
	if u, err := url.Parse(e.APIURL); err == nil {
		host = u.Host
	}
	if e.APIURL == "" {
		e.ok(TenantName, "%s (embedded)", e.Tenant)
		return
	}
	rest, isHost := strings.CutPrefix(host, e.Tenant+".")
	if name, isID := xc.NameOfID(e.Tenant); isID && !(isHost && e.observed != nil) {
		if !isHost {
			rest = strings.TrimPrefix(xc.ConsoleSuffix, ".")
		}
		e.warn(TenantName, fmt.Sprintf("if it is one, use the name alone: tenant: %s", name),
			"%q looks like a tenant ID, not like the name in https://NAME.%s", e.Tenant, rest)
		return
	}
	if host == e.Tenant {
		e.ok(TenantName, "%s", host)
		return
	}
	e.ok(TenantName, "%s at %s", e.Tenant, host)
}
