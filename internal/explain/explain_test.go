package explain_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/explain"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/roster"
)

func oneOf[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

// place is a membership, as "GROUP EMAIL".
func place(group directory.GroupName, email directory.Email) string {
	return fmt.Sprintf("%s %s", group, email)
}

// TestPeopleTellsThePlan: of everybody, and of each group that the CSV or the
// tenant puts somebody into, exactly what the plan does about it is told, and why
// it does not do what the CSV says.
func TestPeopleTellsThePlan(t *testing.T) {
	t.Parallel()
	told := map[string]int{}
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 29))
		csv := "Email,Employee Status,Entitlement Display Name\nz@x.y,A,CN=g0\n"
		for range random.IntN(12) {
			csv += fmt.Sprintf("u%d@x.y,%s,CN=g%d|CN=g%d\n", random.IntN(7), oneOf(random, "A", "A", "A", "I", "?"), random.IntN(6), random.IntN(6))
		}
		only := plan.Patterns{"*"}
		desired, err := roster.Read(strings.NewReader(csv), roster.Options{Trace: func(email directory.Email) bool { return only.Match(string(email)) }})
		if err != nil {
			t.Fatal(err)
		}
		observed := randomTenant(random)
		policy := plan.Policy{
			MaxRemovals: plan.Limit{None: true}, Caller: plan.Caller{Known: true}, PruneUsers: random.IntN(2) == 0, PruneGroups: random.IntN(3) == 0,
			Adopt: oneOf(random, nil, plan.Patterns{"g[0-2]"}), Protect: oneOf(random, nil, plan.Patterns{"u1@*", "g2"}), Withhold: random.IntN(8) == 0,
		}
		p := plan.New(desired, observed, policy)
		people := explain.People(desired, observed, p, policy, only)

		found := map[string]explain.Group{}
		for _, person := range people {
			for _, group := range person.Groups {
				found[place(group.Name, person.Email)] = group
				if group.Outcome == "" || group.Desired != group.Observed && (group.Outcome == "stays" || group.Outcome == "not added") {
					t.Fatalf("seed %d: %s in %s: no reason: %+v\n%s", seed, person.Email, group.Name, group, csv)
				}
			}
		}
		planned := map[string]string{}
		for i := range p.Operations {
			for _, member := range p.Operations[i].Add {
				planned[place(p.Operations[i].Group.Name, member.Email)] = "add"
			}
			for _, member := range p.Operations[i].Remove {
				planned[place(p.Operations[i].Group.Name, member.Email)] = "remove"
			}
		}
		for at := range planned {
			if _, is := found[at]; !is {
				t.Fatalf("seed %d: %s is planned and not told\n%s", seed, at, csv)
			}
		}
		for at, group := range found {
			does := ""
			switch outcome := group.Outcome; {
			case strings.HasPrefix(outcome, "a run would add"), strings.HasPrefix(outcome, "a run would create"):
				does = "add"
			case strings.HasPrefix(outcome, "a run would remove"), strings.HasPrefix(outcome, "a run would delete"):
				does = "remove"
			}
			if does != planned[at] {
				t.Fatalf("seed %d: %s: told %q, planned %q\n%s", seed, at, group.Outcome, planned[at], csv)
			}
			told[does]++
		}
		members := 0
		for i := range observed.Groups {
			members += len(observed.Groups[i].Usernames)
		}
		for at, group := range found {
			if group.Observed {
				members--
			}
			if group.Desired && len(group.Rows) == 0 {
				t.Fatalf("seed %d: %s: no row\n%s", seed, at, csv)
			}
		}
		if members != 0 {
			t.Fatalf("seed %d: %d memberships of the tenant are not told\n%s", seed, members, csv)
		}
	}
	if told["add"] < 100 || told["remove"] < 100 || told[""] < 100 {
		t.Errorf("told %v: the generator is too tame", told)
	}
}

// randomTenant has no two users with one email.
func randomTenant(random *rand.Rand) *directory.Observed {
	observed := &directory.Observed{}
	usernames := []directory.Username{"ghost"}
	for i := range 9 {
		if random.IntN(3) == 0 {
			continue
		}
		user := directory.User{Email: directory.Email(fmt.Sprintf("u%d@x.y", i)), Username: directory.Username(oneOf(random, fmt.Sprintf("U%d@x.y", i), fmt.Sprintf("name%d", i))),
			Type: oneOf(random, directory.TypeUser, directory.TypeUser, directory.TypeUser, directory.TypeService), SyncMode: directory.SyncSelf, DomainOwner: random.IntN(9) == 0}
		observed.Users, usernames = append(observed.Users, user), append(usernames, user.Username)
	}
	for i := range 7 {
		if random.IntN(3) == 0 {
			continue
		}
		group := directory.Group{Name: directory.GroupName(fmt.Sprintf("g%d", i)), Description: oneOf(random, plan.Marker, plan.Marker, ""),
			SyncMode: oneOf(random, directory.SyncSelf, directory.SyncSelf, directory.SyncSelf, directory.SyncSCIM), ReadError: oneOf(random, "", "", "", "", "boom")}
		for _, username := range usernames {
			if random.IntN(3) == 0 {
				group.Usernames = append(group.Usernames, username)
			}
		}
		observed.Groups = append(observed.Groups, group)
	}
	return observed
}
