package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// TestAdviceOfTheGuard: what a refusal advises lets the plan pass, even if a
// percentage allowed more than that number.
func TestAdviceOfTheGuard(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops")
	big := c.group("CN=Big")
	names := crowd("m", 100)
	for _, name := range names[10:] {
		big.Members = append(big.Members, c.person(directory.Email(name), directory.Active))
	}
	observed := observe(nil, managed("ops", crowd("u", 8)...), managed("big", names...))
	p := plan.New(&c.Desired, observed, plan.Policy{MaxRemovals: plan.Limit{Share: true, Max: 25}})
	if len(p.Refusals) != 1 {
		t.Fatalf("refusals = %v, want one", p.Refusals)
	}
	for allow, passes := range map[int]bool{18: true, 17: false} {
		again := plan.New(&c.Desired, observed, plan.Policy{MaxRemovals: plan.Limit{Max: float64(allow)}})
		if (len(again.Refusals) == 0) != passes {
			t.Errorf("with %d allowed: %v", allow, again.Refusals)
		}
	}
	if advice := p.Refusals[0].Hint; !strings.Contains(advice, "max-removals: 18") {
		t.Errorf("advice = %s", advice)
	}
}

// TestProtectSpansSlashes: a slash is a letter of an email like any other.
func TestProtectSpansSlashes(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops")
	protect, err := parsePatterns("*@corp.example")
	if err != nil {
		t.Fatal(err)
	}
	observed := observe(nil, managed("ops", "a@corp.example", "svc/ops@corp.example"))
	p := plan.New(&c.Desired, observed, plan.Policy{Protect: protect, MaxRemovals: plan.Limit{None: true}})
	if len(p.Operations) > 0 {
		t.Errorf("operations = %+v", p.Operations)
	}
}

// TestAShareAllowsItsOwnValue, however it rounds.
func TestAShareAllowsItsOwnValue(t *testing.T) {
	t.Parallel()
	names, c := crowd("u", 1000), newCSV()
	ops := c.group("CN=Ops")
	for _, name := range names {
		c.People = append(c.People, &directory.Person{Email: directory.Email(name)})
	}
	observed := observe(nil, managed("ops", names...))
	for tenths := 10; tenths < 1000; tenths += 3 {
		limit, err := plan.ParseLimit(fmt.Sprintf("%d.%d%%", tenths/10, tenths%10))
		if err != nil {
			t.Fatal(err)
		}
		ops.Members = c.People[tenths:]
		if p := plan.New(&c.Desired, observed, plan.Policy{MaxRemovals: limit}); len(p.Refusals) > 0 {
			t.Errorf("%d of 1000: %v", tenths, p.Refusals)
		}
	}
}
