package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
)

// section writes a table below a title; head has its columns and their alignment.
func (d *markdown) section(title, head string, rank rank, of string, rows []string) {
	d.paragraph("#### %s", capital(title))
	d.line("%s", head)
	d.table(rank, of, rows)
}

// folded writes a table that is folded behind its title, from rows without their
// end; rows that read the same become one.
func (d *markdown) folded(title, head string, rank rank, of string, rows []string) {
	d.paragraph("<details><summary>%s</summary>", title)
	d.line("%s", head)
	d.table(rank, of, alike(rows, " |"))
	d.paragraph("</details>")
}

func (d *markdown) of(object plan.Object) []groupsync.Result {
	return slices.DeleteFunc(slices.Clone(d.results()), func(r groupsync.Result) bool { return r.Object != object })
}

// groupChange is everything that is done to one group.
type groupChange struct {
	*directory.Group
	results []groupsync.Result // at least one
}

func (d *markdown) groupChanges() []*groupChange {
	var all []*groupChange
	byName := map[directory.GroupName]*groupChange{}
	for _, result := range d.of(plan.Group) {
		change := byName[result.Group.Name]
		if change == nil {
			change = &groupChange{Group: &result.Group}
			byName[change.Name] = change
			all = append(all, change)
		}
		change.results = append(change.results, result)
	}
	return all
}

// importance is higher for groups with roles, and for those that lose something.
func (g *groupChange) importance() int {
	roles, removals := 0, 0
	for i := range g.results {
		result := &g.results[i]
		if len(result.Group.Roles)+len(result.Roles) > 0 {
			roles = 2
		}
		if len(result.Remove) > 0 || result.Kind().Takes != plan.Nothing {
			removals = 1
		}
	}
	return roles + removals
}

// groups lists what is done to groups; if rows must be left out, the last ones
// are.
func (d *markdown) groups() {
	groups := d.groupChanges()
	if len(groups) == 0 {
		return
	}
	slices.SortStableFunc(groups, func(a, b *groupChange) int {
		return cmp.Or(-cmp.Compare(a.importance(), b.importance()), cmp.Compare(a.Name, b.Name))
	})
	d.section(count(len(groups), "group"), "| group | roles | change | + | − | people |\n|---|---|---|--:|--:|---|", changes, "groups", each(groups, func(g *groupChange) string {
		added, removed, people := 0, 0, ""
		for i := range g.results {
			result := &g.results[i]
			if result.Status == groupsync.Done {
				added, removed = added+result.Added, removed+result.Removed
			} else {
				added, removed = added+len(result.Add), removed+len(result.Remove)
			}
			people = cmp.Or(people, d.people(result)) // one operation is about people
		}
		what := each(g.results, func(r groupsync.Result) string { return d.what(&r) })
		return fmt.Sprintf("| %s | %s | %s | %d | %s | %s |", d.group(g.Group), d.roles(g), strings.Join(what, ", "), added, strong(removed), people)
	}))
}

// group returns a group's API name and the name that the console shows.
func (d *markdown) group(g *directory.Group) string {
	name := d.code(string(g.Name))
	if g.DisplayName != "" && g.DisplayName != string(g.Name) {
		name += " " + d.prose(g.DisplayName)
	}
	return name
}

// roles returns a group's roles and the changes to them, losses first.
func (d *markdown) roles(g *groupChange) string {
	signs := map[directory.Role]string{}
	for i := range g.results {
		sign := "+&nbsp;"
		if g.results[i].Kind().Takes == plan.RoleRevocation {
			sign = "−&nbsp;"
		}
		for _, role := range g.results[i].RolesChanged() {
			signs[role] = sign
		}
	}
	for _, role := range g.Roles {
		if _, changes := signs[role]; !changes {
			signs[role] = ""
		}
	}
	roles := slices.SortedFunc(maps.Keys(signs), func(a, b directory.Role) int {
		return cmp.Or(-cmp.Compare(signs[a], signs[b]), a.Compare(b))
	})
	return strings.Join(each(roles, func(role directory.Role) string { return signs[role] + d.code(role.String()) }), "<br>")
}

func (d *markdown) users() {
	users := d.of(plan.User)
	if len(users) == 0 {
		return
	}
	title := count(len(users), "user")
	if d.Outcome == nil {
		var all Tallies
		all.plan(d.Plan)
		title = Tallies{Users: all.Users}.sentence(planned, "")
		if all.Users.Deleted > 0 {
			title = "<b>" + title + "</b>" // Markdown does not count here
		}
	}
	d.folded(title, "| user | change |\n|---|---|", details, "users", each(users, func(u groupsync.Result) string {
		return strings.TrimSpace(fmt.Sprintf("| %s | %s %s", d.who(u.User.Email), d.what(&u), d.prose(d.s.describedUser(u.Operation))))
	}))
}

// what returns what is done to an object, and the outcome.
func (d *markdown) what(result *groupsync.Result) string {
	what := string(result.Action)
	if result.Kind().Sign == plan.Deletes {
		what = "**" + what + "**"
	}
	for _, change := range otherChanges(result.Operation) {
		what += ", " + d.prose(change.String())
	}
	if d.Outcome == nil || result.Status == groupsync.Done {
		return what
	}
	return what + " (" + string(result.Status) + ")"
}

// people folds people away, so that a row stays one line.
func (d *markdown) people(result *groupsync.Result) string {
	var labels []string
	for _, part := range []struct {
		sign    string
		members []plan.Member
	}{{"−", result.Remove}, {"+", result.Add}} {
		labels = append(labels, alike(each(part.members, func(m plan.Member) string {
			label := part.sign + "&nbsp;" + d.who(m.Email)
			if result.LeftOut[m.Email] {
				label += " (could not be created)"
			}
			return label
		}), "")...)
	}
	if len(labels) == 0 {
		return ""
	}
	return d.counted(len(result.Add)+len(result.Remove), labels)
}

// counted folds several labels away behind their number; a single one is shown.
func (d *markdown) counted(n int, labels []string) string {
	if n == 1 {
		return labels[0]
	}
	if d.cell > 0 {
		labels = d.fit(labels)
	}
	return fmt.Sprintf("<details><summary>%d&nbsp;people</summary>%s</details>", n, strings.Join(labels, "<br>"))
}

// fit cuts labels to the space of one cell, and counts the rest.
func (d *markdown) fit(labels []string) []string {
	size := 0
	for i, label := range labels {
		if size += len(label) + len("<br>"); size > d.cell {
			d.cut = true
			return append(labels[:i:i], fmt.Sprintf("… and %d more", len(labels)-i))
		}
	}
	return labels
}

func (d *markdown) withheld() {
	if d.Plan == nil || len(d.Plan.Withheld) == 0 {
		return
	}
	d.folded(count(len(d.Plan.Withheld), "removal")+" withheld", "| group | who stays | why |\n|---|---|---|", comments, "removals", each(d.Plan.Withheld, func(w plan.Withheld) string {
		group, person := d.s.Code(string(w.Group)), d.who(w.Member.Email)
		switch w.Kind {
		case plan.GroupRemoval:
			person = "the group itself"
		case plan.RoleRevocation:
			person = d.s.Code(w.Role.String())
		case plan.UserDeletion:
			group = "(user not deleted)"
		}
		return fmt.Sprintf("| %s | %s | %s", group, person, d.s.Prose(w.Reason))
	}))
}

func (d *markdown) warnings() {
	warnings := having(directory.Warning, d.Findings)
	if len(warnings) == 0 {
		return
	}
	d.section(count(len(warnings), "warning"), "| line | column | warning |\n|--:|---|---|", comments, "warnings", each(warnings, func(f directory.Finding) string {
		line := ""
		if f.Line > 0 {
			line = fmt.Sprint(f.Line)
		}
		f.Line, f.File = 0, ""
		return fmt.Sprintf("| %s | %s | %s |", line, d.s.Prose(f.Column), d.sentence(f))
	}))
}

// strong makes a number above 0 bold.
func strong(n int) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("**%d**", n)
}

// each maps a list. The result is not nil.
func each[T, R any](things []T, made func(T) R) []R {
	all := make([]R, len(things))
	for i, thing := range things {
		all[i] = made(thing)
	}
	return all
}

// alike makes one row of rows that read the same, as rows about masked people
// may, adds their number, and ends each row.
func alike(all []string, end string) []string {
	counts := map[string]int{}
	for _, row := range all {
		counts[row]++
	}
	var distinct []string
	for _, row := range all {
		n := counts[row]
		if n == 0 {
			continue // it is there already
		}
		delete(counts, row)
		if n > 1 {
			row += fmt.Sprintf(" (%d times)", n)
		}
		distinct = append(distinct, row+end)
	}
	return distinct
}
