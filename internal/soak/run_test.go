package soak

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/run"
	"xc-group-sync/internal/simulator"
	"xc-group-sync/internal/xc"
)

// document is the JSON report, as far as it is checked.
type document struct {
	Users, Groups struct{ Created, Updated, Deleted, Unchanged, Failed int }
	Memberships   struct{ Added, Removed, Withheld int }
	Roles         struct{ Granted, Revoked int }
	OutOfScope    struct{ DNs, People int } `json:"out_of_scope"`
	Result, Error string
	Plan          struct {
		Digest     string
		Operations []operation
		Blocked    []struct{ Object, Name, Reason string }
		Withheld   []struct{ Kind, Group, Email, Role, Reason string }
	}
	Retry struct {
		Attempts, Retries    int
		Exhausted, Permanent int
		Budget               *int `json:"budget_left"`
	}
	HTTP struct{ Requests int }
}

type operation struct {
	Action, Object, Name, Status, Error string
	Add, Remove, Roles                  []string
	Attempts                            int
}

func (o *operation) is(action, object string) bool {
	return o.Action == action && o.Object == object
}
func (o *operation) failed() bool { return o.Status == "failed" || o.Status == "skipped" }

// How far a run came.
const (
	endBadCSV  = "bad CSV"
	endUnread  = "tenant not read"
	endBadOnly = "bad only"
	endRefused = "refused"
	endDryRun  = "dry run"
	endApplied = "applied"
)

// trial is one run with everything that can be observed about it.
type trial struct {
	world         *world
	site          *site
	config        *config.Config
	only          []string // what the run is limited to
	before, after simulator.State
	end           string
	report        document
	took          time.Duration

	was, is           *held // before and after
	wasFacts, isFacts facts // of them
	lost, won         facts // by the run, not by somebody else
}

// sync is one run on virtual time, carried out by the product.
func (w *world) sync(site *site, weather weather, extra ...string) *trial {
	ctx, cancel := context.WithCancel(context.Background())
	c, err := config.Load(config.Sync, slices.Concat([]string{"--csv=x", "--tenant=acme", "--api-token=tok-12345"}, override(w.args, extra)), func(string) string { return "" })
	if err != nil {
		panic(err) // a mistake in the test
	}
	weather.timeout = c.Timeout
	r := &trial{world: w, site: site, config: c, only: c.Policy.Only, before: site.tenant.State()}
	site.begin(weather, cancel)
	r.walk(ctx)
	site.end()
	r.after, r.took = site.tenant.State(), time.Since(site.start)
	r.compare()
	return r
}

// override returns the flags of args and more; where both have one, more's.
func override(args, more []string) []string {
	kept := slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		name, _, _ := strings.Cut(arg, "=")
		return slices.ContainsFunc(more, func(other string) bool { return strings.HasPrefix(other, name+"=") })
	})
	return append(kept, more...)
}

// compare finds what the run took and gave, without what somebody else did.
func (r *trial) compare() {
	r.was, r.is = heldOf(r.before), heldOf(r.after)
	r.wasFacts, r.isFacts = r.was.facts(), r.is.facts()
	r.lost, r.won = missing(r.isFacts, r.wasFacts), missing(r.wasFacts, r.isFacts)
	for f := range r.site.taken {
		delete(r.lost, f)
	}
	for f := range r.site.given {
		delete(r.won, f)
	}
}

func (r *trial) walk(ctx context.Context) {
	c := r.config
	client := xc.New(xc.Options{
		BaseURL: "https://tenant.example", Timeout: c.Timeout, ReadOnly: c.DryRun, Additive: c.Policy.Withhold, Attempts: c.HTTPAttempts, Scope: c.HTTPScope,
		RetryAfterMax: c.RetryAfterMax, RateLimit: c.RateLimit, Concurrency: c.Concurrency, Transport: r.site, Token: c.APIToken,
	})
	result := run.Run(ctx, source(r.world.csv(r.world.rows), c), client, c.Policy, run.Options{
		DryRun:   c.DryRun,
		Expected: func(context.Context) (string, error) { return c.ExpectPlan, nil },
		Service:  r.service(),
	})
	r.end = endOf(result)
	text, err := (&report.Report{Result: result, HTTP: report.HTTP{Requests: client.Stats().Requests}}).JSON(report.Sanitizer{})
	if err == nil {
		err = json.Unmarshal(text, &r.report)
	}
	if err != nil {
		panic(err)
	}
}

// source is a CSV, read as the settings say.
func source(csv string, c *config.Config) run.Source {
	file := run.File{Path: "x", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(csv)), nil }}
	return run.CSV([]run.File{file}, c.Roster, c.Strict)
}

// visitor is a client of a tenant of the world, which nothing disturbs.
func (w *world) visitor(tenant *simulator.Tenant) *xc.Client {
	calm := &site{world: w, tenant: tenant, asked: map[string]int{}, looked: map[string]bool{}}
	return xc.New(xc.Options{BaseURL: "https://tenant.example", Concurrency: 1, Transport: calm})
}

func endOf(result *run.Result) string {
	switch code := result.Code(); {
	case code == run.CSVRefused:
		return endBadCSV
	case result.Plan == nil:
		return endUnread
	case code == run.Settings:
		return endBadOnly
	case code == run.Refused:
		return endRefused
	case result.DryRun:
		return endDryRun
	}
	return endApplied
}

func (r *trial) service() groupsync.Options {
	c := r.config
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(r.world.seed, 5))
	return groupsync.Options{
		UserRetry: c.UserRetry, GroupRetry: c.GroupRetry, RetryAfterMax: c.RetryAfterMax, RetryBudget: c.RetryBudget,
		BreakerThreshold: c.BreakerThreshold, BreakerCooldown: c.BreakerCooldown, Concurrency: c.Concurrency, OnUserFailure: c.OnUserFailure, MembershipWrites: c.MembershipWrites,
		Random: func() float64 {
			mu.Lock()
			defer mu.Unlock()
			return random.Float64()
		},
	}
}

// settled tells a run in which everything that was to be done was.
func (r *trial) settled() bool {
	return r.end == endApplied && r.site.cancelled.IsZero() &&
		!slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool { return o.Status != "done" })
}

// digest is of the plan that the rows give in another order.
func (w *world) digest(from simulator.State, c *config.Config) string {
	rows := slices.Clone(w.rows)
	rand.New(rand.NewPCG(w.seed, 6)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	client := w.visitor(simulator.New(from.Users, from.Groups, simulator.WithCaller(w.caller)))
	result := run.Run(context.Background(), source(w.csv(rows), c), client, c.Policy, run.Options{DryRun: true})
	if result.Plan == nil {
		return fmt.Sprint(result.Findings)
	}
	return result.Plan.Digest
}

// String is the course of the run.
func (r *trial) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s after %v, only %q, cancelled at %v, somebody else gave %v and took %v\n", r.end, r.took, r.only, r.site.cancelled, r.site.given, r.site.taken)
	for _, blocked := range r.report.Plan.Blocked {
		fmt.Fprintf(&b, "  blocked %s %s: %s\n", blocked.Object, blocked.Name, blocked.Reason)
	}
	for _, withheld := range r.report.Plan.Withheld {
		fmt.Fprintf(&b, "  withheld %s %s %s: %s\n", withheld.Kind, withheld.Group, withheld.Email, withheld.Reason)
	}
	for _, o := range r.report.Plan.Operations {
		fmt.Fprintf(&b, "  %s %s %s +%v -%v %v: %s after %d attempts %s\n", o.Action, o.Object, o.Name, o.Add, o.Remove, o.Roles, o.Status, o.Attempts, o.Error)
	}
	for _, q := range r.site.requests {
		fmt.Fprintf(&b, "  %v to %v: %s %s about %s: %d %v\n", q.came.Sub(r.site.start), q.left.Sub(r.site.start), q.method, q.path, q.about, q.status, q.retryAfter)
	}
	return b.String()
}
