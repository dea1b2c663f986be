package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// BenchmarkNew plans for 100,000 people, 2,000 groups and 1,000,000 memberships.
// Whatever the policy, the time must stay proportional to those.
func BenchmarkNew(b *testing.B) {
	const people, groups, members = 100_000, 2_000, 500
	all, users := make([]*directory.Person, people), make([]directory.User, people)
	for i := range all {
		email := directory.Email(fmt.Sprintf("person%06d@example.com", i))
		all[i], users[i] = &directory.Person{Email: email, Rank: i}, local(email)
	}
	// Half of each group stays, the other half is exchanged.
	build := func(owned, named bool) (*directory.Desired, *directory.Observed) {
		desired, observed := &directory.Desired{People: all}, &directory.Observed{Users: users}
		for g := range groups {
			dn, err := directory.ParseDN(fmt.Sprintf("CN=Group%04d", g))
			if err != nil {
				b.Fatal(err)
			}
			group := managed(dn.GroupName())
			if !owned {
				group = byHand(dn.GroupName())
			}
			wanted := &directory.DesiredGroup{Name: dn.GroupName(), DNs: []directory.DN{dn}}
			for m := range members {
				group.Usernames = append(group.Usernames, users[(g*37+m)%people].Username)
				wanted.Members = append(wanted.Members, all[(g*37+m+members/2)%people])
			}
			observed.Groups = append(observed.Groups, group)
			if named {
				desired.Groups = append(desired.Groups, wanted)
			}
		}
		return desired, observed
	}
	loose := plan.Policy{
		Groups: plan.Patterns{"*"}, People: plan.Patterns{"*@example.com"}, Protect: plan.Patterns{"break-glass@*"}, EmptyUnnamed: true,
		PruneGroups: true, PruneUsers: true, PruneInactive: true, Caller: known, MaxRemovals: plan.Limit{None: true},
	}
	withhold, only := loose, loose
	withhold.Withhold, only.Only = true, plan.Patterns{"person00001*", "group00*"}
	for name, tt := range map[string]struct {
		owned, named bool
		policy       plan.Policy
		people       []*directory.Person
	}{
		"changed":            {true, true, loose, all},
		"blocked":            {false, true, loose, all},
		"blocked, only":      {false, true, only, all},
		"emptied and pruned": {true, false, loose, nil},
		"withheld":           {true, true, withhold, all},
		"only":               {true, true, only, all},
		"addresses changed":  {true, true, loose, all},
	} {
		b.Run(name, func(b *testing.B) {
			desired, observed := build(tt.owned, tt.named)
			desired.People = tt.people
			if name == "addresses changed" { // the usernames are still the old ones, as is the CSV
				observed.Users = slices.Clone(users)
				for i := range observed.Users {
					observed.Users[i].Email += ".net"
				}
			}
			for b.Loop() {
				plan.New(desired, observed, tt.policy)
			}
		})
	}
}
