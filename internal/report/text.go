package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// Style is how text looks.
type Style struct {
	Color bool // for a terminal
	// Short only counts a group's people beyond 20 and operations beyond 50: a
	// reader at a terminal does not scroll through thousands.
	Short bool
	// Fold begins a part that the reader may fold away, and returns what ends
	// it. Nil folds nothing.
	Fold func(title string) (end func())
}

// The limits of Short.
const (
	shortPeople     = 20
	shortOperations = 50
)

// WritePlan writes what the plan would change, and what it withholds and why.
// Without a plan it writes nothing.
func (r *Report) WritePlan(w io.Writer, s Sanitizer, style Style) error {
	if r.Plan == nil {
		return nil
	}
	t := newText(w, s, style)
	counted := r.planned("")
	t.printf("Tenant %s: %s\n", r.Tenant+r.simulated(), counted)
	operations, withheld := r.Plan.Operations, r.Plan.Withheld
	if len(operations)+len(withheld) > 0 {
		end := t.fold("The plan")
		for i := range operations {
			if style.Short && i == shortOperations {
				t.printf("  … and %s (--log-level debug shows all of them)\n", count(len(operations)-i, "more operation"))
				break
			}
			t.operation(&operations[i])
		}
		for i, w := range withheld {
			if style.Short && i == shortOperations {
				t.printf("  … and %s withheld (--log-level debug shows all of them)\n", count(len(withheld)-i, "more removal"))
				break
			}
			t.printf("  . %s: %s\n", s.withheld(w), w.Reason)
		}
		end()
		t.access(r)
		t.printf("Plan: %s\n", counted)
	}
	t.printf("Plan digest: %s\n", r.Plan.Digest)
	if r.DryRun && len(operations) > 0 && len(r.Plan.Refusals) == 0 {
		command := "sync"
		if r.Desired == nil {
			command = "restore"
		}
		t.printf("To apply exactly this plan, run %s with --expect-plan %s\n", command, r.Plan.Digest)
	}
	return t.Flush()
}

// withheld says who or what stays.
func (s Sanitizer) withheld(w plan.Withheld) string {
	person := s.subject(string(w.Member.Email))
	switch w.Kind {
	case plan.GroupRemoval:
		return "group " + string(w.Group) + " is not deleted"
	case plan.RoleRevocation:
		return "role " + w.Role.String() + " of group " + string(w.Group) + " is not revoked"
	case plan.UserDeletion:
		return "user " + person + " is not deleted"
	}
	return person + " stays in group " + string(w.Group)
}

// WriteText writes the end of a run's output, the closing lines last.
func (r *Report) WriteText(w io.Writer, s Sanitizer, style Style) error {
	t := newText(w, s, style)
	t.findings(r.Findings[r.Told:])
	switch refused := r.Plan != nil && r.Code().Verdict() == "refused"; {
	case r.DryRun && refused:
		t.printf("DRY RUN: nothing was changed. The figures are what the plan asks for; a run would be refused.\n")
	case r.DryRun && r.Plan != nil:
		t.printf("DRY RUN: nothing was changed. The figures are what a run would do.\n")
	case r.DryRun:
		t.printf("DRY RUN: nothing was changed.\n")
	}
	counts := r.Tallies()
	t.tally("Users", counts.Users)
	t.tally("Groups", counts.Groups)
	t.printf("Execution time: %.2f seconds\n", r.Duration.Seconds())
	return t.Flush()
}

// WriteFindings writes findings as WriteText does, for those that cannot wait for
// the end of a run.
func WriteFindings(w io.Writer, s Sanitizer, style Style, findings []directory.Finding) error {
	t := newText(w, s, style)
	t.findings(findings)
	return t.Flush()
}

// text is the destination of a report. Its writer keeps the first error, which
// Flush returns.
type text struct {
	*bufio.Writer
	Style
	s Sanitizer
}

func newText(w io.Writer, s Sanitizer, style Style) *text {
	return &text{Writer: bufio.NewWriterSize(w, 64<<10), Style: style, s: s}
}

// printf writes formatted text; string arguments are sanitized.
func (t *text) printf(format string, args ...any) {
	for i, arg := range args {
		switch text := arg.(type) {
		case own:
			args[i] = string(text) // which is faster to format
		case string:
			args[i] = t.s.Line(text)
		}
	}
	_, _ = fmt.Fprintf(t.Writer, format, args...)
}

// The colors of a terminal, as the ANSI sequences that begin them.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	reset  = "\x1b[0m"
)

// own is a text of this program's own, which is safe to write.
type own string

func (t *text) colored(color, text string) own {
	if t.Color {
		text = color + text + reset
	}
	return own(text)
}

func (t *text) tally(what string, c Tally) {
	t.printf("%s: created=%d, updated=%d, deleted=%d, unchanged=%d, errors=%d\n", what, c.Created, c.Updated, c.Deleted, c.Unchanged, c.Failed)
}

// shownWarnings limits the lines that are not folded away.
const shownWarnings = 10

// findings writes the warnings, then the errors.
func (t *text) findings(findings []directory.Finding) {
	t.labeled("warning", yellow, having(directory.Warning, findings))
	t.labeled("error", red, having(directory.Error, findings))
}

func (t *text) labeled(label, color string, findings []directory.Finding) {
	grouped := t.s.Grouped(findings)
	if len(grouped) > shownWarnings && label == "warning" {
		defer t.fold(count(len(findings), label))()
	}
	for i, f := range grouped {
		t.printf("%s %s\n", t.colored(color, label+":"), prefix(f)+f.Message)
		if f.Hint != "" && (i == len(grouped)-1 || t.s.Line(grouped[i+1].Hint) != t.s.Line(f.Hint)) { // once for several in a row
			t.printf("%s %s\n", t.colored(bold, "hint:"), f.Hint)
		}
	}
}

// fold begins a part that the reader may fold away. What was written before is
// flushed first.
func (t *text) fold(title string) (end func()) {
	if t.Fold == nil {
		return func() {}
	}
	_ = t.Flush()
	unfold := t.Fold(title)
	return func() { _ = t.Flush(); unfold() }
}

var colors = map[plan.Sign]string{plan.Creates: green, plan.Changes: yellow, plan.Deletes: red}

func (t *text) operation(o *plan.Operation) {
	kind := o.Kind()
	t.printf("  %s %s %s%s\n", t.colored(colors[kind.Sign], string(kind.Sign)), string(o.Object), t.name(o), t.described(o))
	for _, role := range o.RolesChanged() {
		color, sign := green, "+"
		if kind.Takes == plan.RoleRevocation {
			color, sign = red, "-"
		}
		t.printf("      %s role %s\n", t.colored(color, sign), role.String())
	}
	t.members(green, "+", o.Add)
	t.members(red, "-", o.Remove)
	for _, change := range otherChanges(o) {
		t.printf("      ~ %s\n", change.String())
	}
	if o.Lost > 0 {
		t.printf("      leaves %s\n", count(o.Lost, "group"))
	}
}

func (t *text) members(color, sign string, members []plan.Member) {
	sign = "      " + string(t.colored(color, sign)) + " "
	for i, member := range members {
		if t.Short && i == shortPeople {
			t.printf("      … and %s\n", fmt.Sprintf("%d more", len(members)-i))
			return
		}
		_, _ = t.WriteString(sign)
		_, _ = t.WriteString(t.s.Line(t.s.subject(string(member.Email))))
		_ = t.WriteByte('\n')
	}
}

// name returns the operation's object as it may be shown.
func (t *text) name(o *plan.Operation) string {
	if o.Object == plan.User {
		return t.s.subject(o.Name())
	}
	return o.Name()
}

// described returns the attributes that an operation would send, to follow its
// name.
func (t *text) described(o *plan.Operation) string {
	switch {
	case o.Object == plan.User:
		return t.s.describedUser(o)
	case o.Object == plan.Group && o.Action == plan.Create:
		return fmt.Sprintf("  %q", o.Group.DisplayName)
	case o.Object == plan.Group && len(o.Group.Roles) > 0:
		return "  (" + strings.Join(directory.RoleNames(o.Group.Roles), ", ") + ")"
	}
	return ""
}

// otherChanges returns the changes to a group's attributes that are not shown
// elsewhere: a new group's display name is next to its name, and syncs give all
// groups the same description.
func otherChanges(o *plan.Operation) []plan.AttributeChange {
	if o.Object != plan.Group {
		return nil
	}
	return slices.DeleteFunc(o.AttributeChanges(), func(c plan.AttributeChange) bool {
		return o.Action == plan.Create && (c.Attribute == plan.DisplayName || c == plan.AttributeChange{Attribute: plan.Description, To: plan.Marker})
	})
}

// describedUser returns the attributes of a user that an operation would send,
// without names if emails are masked, since they say who it is.
func (s Sanitizer) describedUser(o *plan.Operation) string {
	switch {
	case o.Action == plan.Create:
		text := "  "
		if !s.MaskEmails {
			text += fmt.Sprintf("%q, ", fullName(o.User.Name))
		}
		text += directory.KindOf(o.User.IDMType)
		if username := o.User.Username; !s.MaskEmails && username != "" && directory.ObservedEmail(string(username)) != o.User.Email {
			text += fmt.Sprintf(", username %q", username)
		}
		if len(o.User.Roles) > 0 {
			text += ", direct roles: " + rolesText(o.User.Roles)
		}
		return text
	case o.Action == plan.Update && !s.MaskEmails:
		return fmt.Sprintf("  name: %q → %q", fullName(o.Before), fullName(o.User.Name))
	}
	return ""
}

func fullName(name directory.PersonName) string { return name.First + " " + name.Last }

// planned counts what the plan would change, and what is blocked.
func (r *Report) planned(around string) string {
	var t Tallies
	t.plan(r.Plan)
	sentence := t.sentence(planned, around)
	for _, object := range []plan.Object{plan.Group, plan.User} {
		n := 0
		for _, blocked := range r.Plan.Blocked {
			if blocked.Object == object {
				n++
			}
		}
		if n > 0 {
			sentence += ", " + around + count(n, string(object)) + " blocked" + around
		}
	}
	return sentence
}

// words are the words for changes in a sentence.
type words struct{ create, update, remove, add, take, grant, revoke, nothing string }

var (
	planned = words{create: "to create", update: "to update", remove: "to delete", add: "to add", take: "to remove", grant: "to grant", revoke: "to revoke", nothing: "nothing to do"}
	done    = words{create: "created", update: "updated", remove: "deleted", add: "added", take: "removed", grant: "granted", revoke: "revoked", nothing: "no change was completed"}
)

// sentence says what changes, or that nothing does. around is put on both sides
// of what takes something away.
func (t Tallies) sentence(w words, around string) string {
	var parts []string
	for _, part := range []struct {
		n        int
		what, is string
		around   string
	}{
		{t.Users.Created, "user", w.create, ""}, {t.Users.Updated, "user", w.update, ""}, {t.Users.Deleted, "user", w.remove, around},
		{t.Groups.Created, "group", w.create, ""}, {t.Groups.Updated, "group", w.update, ""}, {t.Groups.Deleted, "group", w.remove, around},
		{t.Memberships.Added, "membership", w.add, ""}, {t.Memberships.Removed, "membership", w.take, around},
		{t.Roles.Granted, "role", w.grant, ""}, {t.Roles.Revoked, "role", w.revoke, around},
	} {
		if part.n > 0 {
			parts = append(parts, part.around+count(part.n, part.what)+" "+part.is+part.around)
		}
	}
	if len(parts) == 0 {
		return w.nothing
	}
	return strings.Join(parts, ", ")
}

func count(n int, what string) string { return directory.Count(n, what, what+"s") }
