package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xc-group-sync/internal/access"
	"xc-group-sync/internal/directory"
)

// accessChange is the change to one role: the people who gain or lose it.
type accessChange struct {
	role   directory.Role
	gains  bool // else loses
	people []directory.Email
}

// accessChanges returns the plan's effect on access, by role: losses first, then
// the strongest roles.
func (r *Report) accessChanges() []accessChange {
	return append(byRole(r.Plan.Access.Lost, false), byRole(r.Plan.Access.Gained, true)...)
}

func byRole(people []access.Person, gains bool) []accessChange {
	index := map[directory.Role]int{}
	var changes []accessChange
	for _, person := range people {
		for _, role := range person.Roles {
			i, known := index[role]
			if !known {
				i = len(changes)
				index[role] = i
				changes = append(changes, accessChange{role: role, gains: gains})
			}
			changes[i].people = append(changes[i].people, person.Email)
		}
	}
	slices.SortFunc(changes, func(a, b accessChange) int { return byStrength(a.role, b.role) })
	return changes
}

// byStrength orders roles: on all namespaces, on system, on any other; in each,
// administrators first.
func byStrength(a, b directory.Role) int {
	return cmp.Or(cmp.Compare(weakness(a), weakness(b)), a.Compare(b))
}

// weakest is more than any weakness.
const weakest = 6

func weakness(role directory.Role) int {
	weak := 4
	switch role.Namespace {
	case directory.AllNamespaces:
		weak = 0
	case directory.SystemNamespace:
		weak = 2
	}
	if !strings.Contains(role.Role, "admin") {
		weak++
	}
	return weak
}

// access writes who gains and who loses what.
func (t *text) access(r *Report) {
	changes, last := r.accessChanges(), r.Plan.Access.LastGroup
	if len(changes)+len(last) == 0 {
		return
	}
	t.printf("Access:\n")
	line := func(color, sign, does string, people []directory.Email) {
		names := directory.List(people, 3, func(email directory.Email) string { return t.s.subject(string(email)) })
		t.printf("  %s %s %s: %s\n", t.colored(color, sign), directory.Count(len(people), "person", "people"), does, names)
	}
	for _, change := range changes {
		color, sign, does := red, "-", "lose"
		if change.gains {
			color, sign, does = green, "+", "gain"
		}
		line(color, sign, verb(len(change.people), does)+" "+change.role.Words(), change.people)
	}
	if len(last) > 0 {
		line(red, "-", verb(len(last), "leave")+" their last group", last)
	}
}

func verb(n int, plural string) string {
	if n == 1 {
		return plural + "s"
	}
	return plural
}

// access says by role who gains and who loses it; the people are folded away.
func (d *markdown) access(title string, changes []accessChange, last []directory.Email) {
	if len(changes)+len(last) == 0 {
		return
	}
	all := each(changes, func(c accessChange) string {
		sign := "−"
		if c.gains {
			sign = "+"
		}
		return fmt.Sprintf("| %s | %s | %s |", sign, d.role(c.role), d.counted(len(c.people), d.everybody(c.people)))
	})
	if len(last) > 0 {
		all = append(all, fmt.Sprintf("| − | the last group | %s |", d.counted(len(last), d.everybody(last))))
	}
	d.section(title, "| | role | who |\n|---|---|---|", details, "roles", all)
}

func (d *markdown) everybody(people []directory.Email) []string {
	return alike(each(people, d.who), "")
}

func (d *markdown) role(role directory.Role) string {
	if role.Namespace == directory.AllNamespaces {
		return d.code(role.Role) + " on all namespaces"
	}
	return d.code(role.Role) + " on " + d.code(role.Namespace)
}

type accessJSON struct {
	Gained []personJSON `json:"gained"`
	Lost   []personJSON `json:"lost"`
}

type personJSON struct {
	Email directory.Email `json:"email"`
	Roles []string        `json:"roles"`
}

func accessReport(person access.Person) personJSON {
	return personJSON{person.Email, directory.RoleNames(person.Roles)}
}
