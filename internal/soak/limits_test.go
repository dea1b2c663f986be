package soak

import (
	"slices"
	"time"

	"xc-group-sync/internal/xc"
)

// checkWire checks what was sent, and when, against the settings.
func (r *trial) checkWire(c *complaints) {
	s := r.site
	for _, path := range []string{"user_roles", "user_groups"} {
		if r.end != endUnread && !slices.ContainsFunc(s.requests, func(q *request) bool { return q.path == path && !q.writes() && q.whole() }) {
			c.add("a plan was made though no listing of %s was whole", path)
		}
	}
	r.checkStops(c)
	r.checkWorst(c)
	for i, q := range s.requests {
		for _, later := range s.requests[i+1:] {
			// Those at the same moment were in flight.
			if q.status == 429 && q.retryAfter <= r.config.RetryAfterMax && later.came.After(q.left) && later.came.Before(q.left.Add(q.retryAfter)) {
				c.add("%s %s %v after a 429 that asks for %v", later.method, later.path, later.came.Sub(q.left), q.retryAfter)
			}
		}
		if rate := r.config.RateLimit; rate > 0 && i > 0 {
			if gap := q.came.Sub(s.requests[i-1].came); gap < time.Duration(0.99*float64(time.Second)/rate) {
				c.add("%v between two requests where %v a second are allowed", gap, rate)
			}
		}
	}
	if s.most > r.config.Concurrency {
		c.add("%d requests at once where %d are allowed", s.most, r.config.Concurrency)
	}
	if n := r.report.HTTP.Requests; n < len(s.requests) || n > len(s.requests) && s.cancelled.IsZero() && r.end != endUnread {
		c.add("%d requests are reported, %d were sent", n, len(s.requests))
	}
	if budget := r.config.RetryBudget; budget > 0 && r.report.Retry.Retries > budget {
		c.add("%d retries where %d are allowed", r.report.Retry.Retries, budget)
	}
}

// checkStops: after the end of the context or a refusal of the credentials
// nothing new is begun.
func (r *trial) checkStops(c *complaints) {
	s := r.site
	stopped, why := s.cancelled, "the cancellation"
	for _, q := range s.requests {
		if q.login && (stopped.IsZero() || q.left.Before(stopped)) {
			stopped, why = q.left, "the refusal of "+q.method+" "+q.path
		}
	}
	if stopped.IsZero() {
		return
	}
	for _, q := range s.requests {
		if q.came.After(stopped) {
			c.add("%s %s %v after %s", q.method, q.path, q.came.Sub(stopped), why)
		}
	}
	if late := s.start.Add(r.took).Sub(stopped); late > xc.Grace+time.Second && late > r.config.Timeout+time.Second {
		c.add("the run ends %v after %s", late, why)
	}
}

// checkWorst bounds the number of requests and how long a run takes.
func (r *trial) checkWorst(c *complaints) {
	k := r.config
	read, write := k.HTTPAttempts, 1
	switch k.HTTPScope {
	case xc.ScopeAll:
		write = k.HTTPAttempts
	case xc.ScopeNone:
		read = 1
	}
	users, groups := k.UserRetry.Attempts, k.GroupRetry.Attempts
	most := 6 * read // both listings, the caller, the users after their creation, before their change and before their deletion
	for i := range r.report.Plan.Operations {
		o := &r.report.Plan.Operations[i]
		writes, reads := users*write, 0
		switch {
		case o.is("delete", "user"):
			reads = 2*users + 1 // before each retry; each 404 and the last failure are looked into
		case o.is("update", "user"):
			reads = 1
			if r.world.rules.single && len(r.site.given)+len(r.site.taken) > 0 {
				writes++ // what the first single write seems to have taken is given back
			}
		case o.is("create", "group"):
			writes, reads = 3*groups*write, groups+1 // it may exist, and lack its roles
		case o.is("update", "group") && r.world.rules.single:
			people := max(len(o.Add)+len(o.Remove), 1)
			writes, reads = groups*write*people, groups+1+2*groups // the first write is read back
		case o.Object == "group":
			writes, reads = groups*write, groups+1
		}
		if n := r.writesAbout(o); n > writes {
			c.add("%s %s %s: %d writes where %d are allowed", o.Action, o.Object, o.Name, n, writes)
		}
		most += writes + reads*read
	}
	if n := len(r.site.requests); n > most {
		c.add("%d requests where %d are the most", n, most)
	}
	wait := slices.Max([]time.Duration{k.UserRetry.Max, k.GroupRetry.Max, k.RetryAfterMax, time.Duration(1<<read) * time.Second})
	if k.RateLimit > 0 {
		wait += time.Duration(float64(time.Second) / k.RateLimit)
	}
	longest := time.Duration(most)*(2*k.Timeout+2*time.Second+2*wait) + time.Duration(1+len(r.report.Plan.Operations))*k.BreakerCooldown
	if r.took > longest {
		c.add("the run takes %v where %v is the most", r.took, longest)
	}
}
