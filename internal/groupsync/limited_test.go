package groupsync_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/xc"
)

// admission decides about a request that arrives so long after the start; it is
// asked in order of arrival.
type admission func(at time.Duration) bool

// tokenBucket refills steadily and holds a burst.
func tokenBucket(perSecond, burst float64) admission {
	tokens, last := burst, time.Duration(0)
	return func(at time.Duration) bool {
		tokens, last = min(tokens+(at-last).Seconds()*perSecond, burst), at
		if tokens < 1 {
			return false
		}
		tokens--
		return true
	}
}

// fixedWindow starts a new count each second, for the first time when so much of one
// is left.
func fixedWindow(perSecond int, left time.Duration) admission {
	window, count := time.Duration(0), 0
	return func(at time.Duration) bool {
		if now := (at + time.Second - left) / time.Second; now != window {
			window, count = now, 0
		}
		count++
		return count <= perSecond
	}
}

// slidingWindow remembers what it let in during the last second.
func slidingWindow(perSecond int) admission {
	var admitted []time.Duration
	return func(at time.Duration) bool {
		for len(admitted) > 0 && at-admitted[0] >= time.Second {
			admitted = admitted[1:]
		}
		if len(admitted) >= perSecond {
			return false
		}
		admitted = append(admitted, at)
		return true
	}
}

// limited is a tenant that answers 429 to what is not admitted. An answer takes
// the latency, give or take a fifth.
type limited struct {
	admit      admission
	retryAfter string // "" for none
	latency    time.Duration
	start      time.Time

	mu              sync.Mutex
	random          *rand.Rand
	asked, refusals int
}

func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	there, back := l.half(), l.half()
	l.mu.Unlock()
	time.Sleep(there)
	l.mu.Lock()
	l.asked++
	admitted := l.admit(time.Since(l.start))
	if !admitted {
		l.refusals++
	}
	l.mu.Unlock()
	time.Sleep(back)
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(created(r))), Request: r}
	if !admitted {
		answer.StatusCode = http.StatusTooManyRequests
		answer.Header.Set("Retry-After", l.retryAfter)
	}
	return answer, nil
}

// created is the documented answer to the creation of a user.
func created(r *http.Request) string {
	var user struct{ Email string }
	_ = json.NewDecoder(r.Body).Decode(&user)
	return fmt.Sprintf(`{"metadata":{"name":%q}}`, user.Email)
}

func (l *limited) half() time.Duration {
	return time.Duration((0.8 + 0.4*l.random.Float64()) * float64(l.latency) / 2)
}

// newcomers is a plan that creates so many users.
func newcomers(n int) *plan.Plan {
	p := &plan.Plan{Operations: make([]plan.Operation, n)}
	for i := range p.Operations {
		p.Operations[i] = createUser(directory.Email(fmt.Sprintf("user%05d@example.com", i)))
	}
	return p
}

// TestStrayRefusals holds what a stray 429 costs that signals no limit.
func TestStrayRefusals(t *testing.T) {
	t.Parallel()
	took := func(share float64) (d time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(3, 4))
			tenant := &limited{admit: func(time.Duration) bool { return random.Float64() >= share }, latency: 20 * time.Millisecond, start: time.Now(), random: rand.New(rand.NewPCG(1, 2))}
			client := xc.New(xc.Options{BaseURL: base, Transport: tenant, Timeout: 30 * time.Second, Attempts: 3, RetryAfterMax: time.Minute, Concurrency: 4})
			for _, result := range groupsync.New(client, groupsync.Options{}).Apply(t.Context(), newcomers(2000)).Results {
				if result.Status != groupsync.Done {
					t.Errorf("%s: %v", result.Name(), result.Err)
				}
			}
			d = time.Since(tenant.start)
		})
		return d
	}
	without := took(0)
	for share, most := range map[float64]time.Duration{0.001: 2 * without, 0.005: 2 * without, 0.01: 4 * without} {
		if d := took(share); d > most {
			t.Errorf("%v with %v refused, %v without", d, share, without)
		}
	}
}

// TestUnderARateLimit holds a run of 7,500 users to a limit of 50 requests a
// second that it is not told of: nobody fails, 90 % of the limit are used, and
// hardly a request is refused. Every two of limit, Retry-After and requests in
// flight meet at least once.
func TestUnderARateLimit(t *testing.T) {
	t.Parallel()
	const users, perSecond = 7_500, 50
	flights := []struct {
		most    int
		latency time.Duration
	}{{4, 20 * time.Millisecond}, {64, 100 * time.Millisecond}}
	for i, limit := range []struct {
		name  string
		admit func() admission
	}{
		{"a bucket with a burst of 10", func() admission { return tokenBucket(perSecond, 10) }},
		{"a bucket with a burst of 200", func() admission { return tokenBucket(perSecond, 200) }},
		{"a fixed window, half gone", func() admission { return fixedWindow(perSecond, time.Second/2) }},
		{"a sliding window", func() admission { return slidingWindow(perSecond) }},
	} {
		for j, retryAfter := range []string{"", "1"} {
			flying := flights[(i+j)%2]
			t.Run(fmt.Sprintf("%s, Retry-After %q, %d in flight, %v", limit.name, retryAfter, flying.most, flying.latency), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					tenant := &limited{admit: limit.admit(), retryAfter: retryAfter, latency: flying.latency, start: time.Now(), random: rand.New(rand.NewPCG(1, 2))}
					client := xc.New(xc.Options{BaseURL: base, Transport: tenant, Timeout: 30 * time.Second, Attempts: 3, RetryAfterMax: time.Minute, Concurrency: flying.most})
					service := groupsync.New(client, groupsync.Options{RetryAfterMax: time.Minute, Concurrency: flying.most, BreakerThreshold: 5, BreakerCooldown: 30 * time.Second})
					outcome := service.Apply(t.Context(), newcomers(users))
					used := users / time.Since(tenant.start).Seconds() / perSecond
					failed := 0
					for _, result := range outcome.Results {
						if result.Status != groupsync.Done {
							failed++
						}
					}
					if failed > 0 || used < 0.9 || tenant.refusals > users/50 || tenant.asked != users+tenant.refusals {
						t.Errorf("%d failed, %.1f %% of the limit used, %d of %d requests refused; want none, 90 %%, and at most 2 %%", failed, 100*used, tenant.refusals, tenant.asked)
					}
				})
			})
		}
	}
}
