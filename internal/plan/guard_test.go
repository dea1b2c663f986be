package plan_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

func TestParseLimit(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]plan.Limit{
		"none": {None: true}, "NONE": {None: true}, "0": {}, "10": {Max: 10}, "2147483647": {Max: math.MaxInt32},
		"0%": {Share: true}, "25%": {Share: true, Max: 25}, "12.5 %": {Share: true, Max: 12.5}, "100%": {Share: true, Max: 100},
	} {
		got, err := plan.ParseLimit(in)
		if err != nil || got != want {
			t.Errorf("ParseLimit(%q) = %+v, %v; want %+v", in, got, err, want)
		}
		if again, err := plan.ParseLimit(got.String()); err != nil || again != got {
			t.Errorf("%+v is written %q, which reads as %+v, %v", got, got, again, err)
		}
	}
	for _, in := range []string{"", "all", "-1", "+1", "1.5", "1e3", "0x10", "2147483648", "%", "-1%", "101%", "NaN%", "Inf%", "x%", "25%%", "25 percent"} {
		if got, err := plan.ParseLimit(in); err == nil {
			t.Errorf("ParseLimit(%q) = %+v, want an error", in, got)
		}
	}
}

// crowd is n usernames.
func crowd(prefix string, n int) []directory.Username {
	all := make([]directory.Username, n)
	for i := range all {
		all[i] = directory.Username(fmt.Sprintf("%s%03d@x.y", prefix, i))
	}
	return all
}

func usersOf(usernames []directory.Username) []directory.User {
	var users []directory.User
	for _, username := range usernames {
		users = append(users, local(directory.Email(username)))
	}
	return users
}

func TestGuardOfOneGroupsMemberships(t *testing.T) {
	t.Parallel()
	number := func(n float64) plan.Limit { return plan.Limit{Max: n} }
	share := func(n float64) plan.Limit { return plan.Limit{Max: n, Share: true} }
	for name, tt := range map[string]struct {
		removed, of int
		limit       plan.Limit
		refused     bool
	}{
		"nothing removed, nothing allowed": {0, 10, plan.Limit{}, false},
		"one removed, nothing allowed":     {1, 10, plan.Limit{}, true},
		"no limit":                         {100, 100, plan.Limit{None: true}, false},
		"as many as the number":            {7, 10, number(7), false},
		"one more":                         {8, 10, number(7), true},
		"a number may stop five or fewer":  {2, 10, number(1), true},
		"exactly the share":                {25, 100, share(25), false},
		"more than the share":              {26, 100, share(25), true},
		"a share never stops five":         {5, 5, share(25), false},
		"not even no share":                {5, 100, share(0), false},
		"but six":                          {6, 6, share(25), true},
		"six of no share":                  {6, 100, share(0), true},
		"all of a full share":              {50, 50, share(100), false},
		"part of a percent":                {7, 1000, share(0.7), false},
		"more than part of a percent":      {8, 1000, share(0.7), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A second group keeps the sum of all memberships below any share.
			c, members, rest := newCSV(), crowd("m", tt.of), crowd("r", 100*tt.of)
			c.group("CN=Ops")
			for _, username := range members[tt.removed:] {
				c.Groups[0].Members = append(c.Groups[0].Members, c.person(directory.Email(username), directory.Active))
			}
			p := plan.New(&c.Desired, observe(nil, managed("ops", members...), directory.Group{Name: "rest", Usernames: rest}), plan.Policy{MaxRemovals: tt.limit})
			got := slices.Contains(refused(p), fmt.Sprintf(`memberships of group "ops" %d/%d`, tt.removed, tt.of))
			if got != tt.refused {
				t.Errorf("refused: %v; want %v (%v)", got, tt.refused, p.Refusals)
			}
		})
	}
}

func TestGuardCountsEachKindByItself(t *testing.T) {
	t.Parallel()
	ten := crowd("u", 10)
	for name, tt := range map[string]struct {
		csv    func(*csv)
		groups []directory.Group
		users  []directory.User
		want   []string
	}{
		"groups": {
			groups: []directory.Group{managed("a"), managed("b"), managed("c"), managed("d"), managed("e"), managed("f"), {Name: "g"}},
			want:   []string{"groups 6/7"},
		},
		"users": {
			csv: func(c *csv) { c.person("u000@x.y", directory.Active) }, users: usersOf(ten), want: []string{"users 9/10"},
		},
		"all memberships, though no group alone": {
			csv: func(c *csv) { c.group("CN=A"); c.group("CN=B") },
			groups: []directory.Group{
				managed("a", ten[:4]...), managed("b", ten[:4]...), {Name: "c", Usernames: ten[:1]},
			},
			want: []string{"memberships 8/9"},
		},
		"a group's own": {
			csv:    func(c *csv) { c.group("CN=A") },
			groups: []directory.Group{managed("a", ten[:6]...), {Name: "c", Usernames: crowd("z", 90)}},
			want:   []string{`memberships of group "a" 6/6`},
		},
		"members of a deleted group count among all, not against its own": {
			groups: []directory.Group{managed("a", ten...)}, want: []string{"memberships 10/10"},
		},
		"a deleted user's memberships count among all": {
			users:  usersOf(ten[:1]),
			groups: []directory.Group{{Name: "a", Usernames: ten[:1]}, {Name: "b", Usernames: ten[:1]}, {Name: "c", Usernames: ten[:1]}, {Name: "d", Usernames: ten[:1]}, {Name: "e", Usernames: ten[:1]}, {Name: "f", Usernames: ten[:1]}},
			want:   []string{"memberships 6/6"},
		},
		"withheld is not removed": {
			csv:    func(c *csv) { c.group("CN=A").KeepMembers = true },
			groups: []directory.Group{managed("a", ten...)},
		},
		"five of each pass": {
			csv:   func(c *csv) { c.group("CN=A") },
			users: usersOf(ten[:5]), groups: []directory.Group{managed("a", ten[:5]...), managed("b"), managed("c"), managed("d"), managed("e"), managed("f")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, policy := newCSV(), prunes()
			policy.MaxRemovals = plan.Limit{Share: true, Max: 25}
			if tt.csv != nil {
				tt.csv(c)
			}
			observed := observe(tt.users, tt.groups...)
			for _, user := range observed.Users[len(tt.users):] {
				c.person(user.Email, directory.Inactive) // not deleted
			}
			p := plan.New(&c.Desired, observed, policy)
			same(t, "refusals", refused(p), tt.want)
			if len(p.Operations) == 0 && len(p.Withheld) == 0 {
				t.Error("a refused plan must still be there to be shown")
			}
		})
	}
}

func TestRefusalSaysWhatWouldAllowIt(t *testing.T) {
	t.Parallel()
	c := newCSV()
	c.group("CN=Ops")
	observed := observe(nil, managed("ops", crowd("u", 8)...))
	refusals := plan.New(&c.Desired, observed, plan.Policy{MaxRemovals: plan.Limit{Share: true, Max: 25}}).Refusals
	if len(refusals) != 2 {
		t.Fatalf("refusals %v, want two", refusals)
	}
	for _, part := range []string{"8 of 8", "25%", "max-removals: 8"} {
		if text := refusals[0].Reason + "\n" + refusals[0].Hint; !strings.Contains(text, part) {
			t.Errorf("%q does not tell %q", text, part)
		}
	}
	one := newCSV()
	one.group("CN=Ops")
	same(t, "one of one", refused(plan.New(&one.Desired, observe(nil, managed("ops", "u@x.y")), plan.Policy{})),
		[]string{"membership 1/1", `membership of group "ops" 1/1`})
	if allowed := plan.New(&c.Desired, observed, plan.Policy{MaxRemovals: plan.Limit{Max: 8}}).Refusals; len(allowed) > 0 {
		t.Errorf("with the advice taken: %v", allowed)
	}
}
