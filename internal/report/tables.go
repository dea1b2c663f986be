package report

import (
	"fmt"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
)

// heading begins a section that is a table.
func (d *markdown) heading(title, columns, alignment string) {
	d.line("#### %s", capital(title))
	d.line("")
	d.line("%s", columns)
	d.line("%s", alignment)
}

func (d *markdown) of(object plan.Object) []groupsync.Result {
	return slices.DeleteFunc(slices.Clone(d.results()), func(r groupsync.Result) bool { return r.Object != object })
}

func (d *markdown) groups() {
	groups := d.of(plan.Group)
	if len(groups) == 0 {
		return
	}
	d.heading(count(len(groups), "group"), "| group | change | + | − | people |", "|---|---|--:|--:|---|")
	d.table("groups", rows(groups, func(g groupsync.Result) string {
		added, removed := len(g.Add), len(g.Remove)
		if g.Status == groupsync.Done {
			added, removed = g.Added, g.Removed
		}
		return fmt.Sprintf("| %s | %s | %d | %s | %s |", d.s.Code(g.Name()), d.what(&g), added, strong(removed), d.people(&g))
	}))
}

func (d *markdown) users() {
	users := d.of(plan.User)
	if len(users) == 0 {
		return
	}
	title := count(len(users), "user")
	if d.Outcome == nil {
		var changes Tallies
		for i := range users {
			changes.count(users[i].Operation, users[i].Action)
		}
		title = changes.sentence("to create", "to update", "to delete", "", "", "")
		if changes.Users.Deleted > 0 {
			title = "<b>" + title + "</b>" // Markdown does not count here
		}
	}
	d.line("<details><summary>%s</summary>", title)
	d.line("")
	d.line("| user | change |")
	d.line("|---|---|")
	d.table("users", alike(rows(users, func(u groupsync.Result) string {
		return fmt.Sprintf("| %s | %s", d.s.Code(u.Name()), d.what(&u))
	}), " |"))
	d.line("</details>")
	d.line("")
}

// what is done with an object, and what became of it.
func (d *markdown) what(result *groupsync.Result) string {
	what := string(result.Action)
	if result.Action == plan.Delete {
		what = "**delete**"
	}
	if result.Attributes != nil {
		what += ", gets back " + d.s.Prose(result.Attributes.String())
	}
	if d.Outcome == nil || result.Status == groupsync.Done {
		return what
	}
	return what + " (" + string(result.Status) + ")"
}

// shownPeople bounds the names in a cell of each sign; the counts stand beside.
const shownPeople = 20

// people are folded away, so that a row a group stays a line a group.
func (d *markdown) people(result *groupsync.Result) string {
	var names []string
	for _, part := range []struct {
		sign    string
		members []plan.Member
	}{{"+", result.Add}, {"−", result.Remove}} {
		labels := alike(rows(part.members, func(m plan.Member) string {
			label := part.sign + "&nbsp;" + d.s.Code(string(m.Email))
			if result.LeftOut[m.Email] {
				label += " (could not be created)"
			}
			return label
		}), "")
		if more := len(labels) - shownPeople; more > 0 {
			labels = append(labels[:shownPeople], fmt.Sprintf("%s&nbsp;%d more", part.sign, more))
		}
		names = append(names, labels...)
	}
	if len(names) == 0 {
		return ""
	}
	people := "people"
	if len(result.Add)+len(result.Remove) == 1 {
		people = "person"
	}
	return fmt.Sprintf("<details><summary>%d&nbsp;%s</summary>%s</details>", len(result.Add)+len(result.Remove), people, strings.Join(names, "<br>"))
}

func (d *markdown) withheld() {
	if d.Plan == nil || len(d.Plan.Withheld) == 0 {
		return
	}
	d.line("<details><summary>%s withheld</summary>", count(len(d.Plan.Withheld), "removal"))
	d.line("")
	d.line("| group | who stays | why |")
	d.line("|---|---|---|")
	d.table("removals", alike(rows(d.Plan.Withheld, func(w plan.Withheld) string {
		group, person := d.s.Code(string(w.Group)), d.s.Code(string(w.Member.Email))
		switch w.Kind {
		case plan.GroupRemoval:
			person = "the group itself"
		case plan.UserDeletion:
			group = "(user not deleted)"
		}
		return fmt.Sprintf("| %s | %s | %s", group, person, d.s.Prose(w.Reason))
	}), " |"))
	d.line("</details>")
	d.line("")
}

func (d *markdown) warnings() {
	warnings := d.having(directory.Warning)
	if len(warnings) == 0 {
		return
	}
	d.heading(count(len(warnings), "warning"), "| line | column | warning |", "|--:|---|---|")
	d.table("warnings", rows(warnings, func(f directory.Finding) string {
		line := ""
		if f.Line > 0 {
			line = fmt.Sprint(f.Line)
		}
		f.Line, f.File = 0, ""
		return fmt.Sprintf("| %s | %s | %s |", line, d.s.Prose(f.Column), d.sentence(f))
	}))
}

// strong makes a number stand out that is above 0.
func strong(n int) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("**%d**", n)
}

// rows turns each of things into a row.
func rows[T any](things []T, row func(T) string) []string {
	all := make([]string, len(things))
	for i, thing := range things {
		all[i] = row(thing)
	}
	return all
}

// alike makes one row of those that read the same, as those of masked people
// do, says how many they are, and ends each.
func alike(all []string, end string) []string {
	counts := map[string]int{}
	for _, row := range all {
		counts[row]++
	}
	var distinct []string
	for _, row := range all {
		n := counts[row]
		if n == 0 {
			continue // it stands already
		}
		delete(counts, row)
		if n > 1 {
			row += fmt.Sprintf(" (%d times)", n)
		}
		distinct = append(distinct, row+end)
	}
	return distinct
}
