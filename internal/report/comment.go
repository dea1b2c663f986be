package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/run"
)

// CommentOptions describe what a comment is about.
type CommentOptions struct {
	Limit        int    // in bytes
	Commit       string // that the run is about; empty if unknown
	Merge        string // of Commit into the base branch, whose files the run read; empty if none
	AcceptMasked bool   // a comment with masked emails is complete
	Alarm        bool   // it is an issue about a failed run: say what to do next
}

// Comment returns the report for a pull request. It lists everybody and every
// group until the limit is reached; complete reports whether it leaves nobody and
// nothing out, and shows who is affected.
func (r *Report) Comment(s Sanitizer, o CommentOptions) (body string, complete bool) {
	gap := ""
	if s.MaskEmails && !o.AcceptMasked {
		gap = "**Emails are masked**, so this comment does not show who is affected, and approves nothing. `approve-masked` would let it approve its plan."
	}
	body, cut, secret := r.comment(s, o, gap)
	switch {
	case cut:
		gap = "**Incomplete.** GitHub limits the length of comments, so people, groups or the ends of long names are left out below, and this comment approves nothing. " + capital(inReport) + "."
	case secret:
		gap = "**Incomplete.** A secret of this run is part of a name below, where it is hidden, so this comment approves nothing. Change the name or the secret."
	default:
		return body, gap == ""
	}
	body, _, _ = r.comment(s, o, gap)
	return body, false
}

// comment writes the comment, with what keeps it from approving its plan, if
// anything. It reports whether something is left out, and whether a secret is hidden.
func (r *Report) comment(s Sanitizer, o CommentOptions, gap string) (body string, cut, secret bool) {
	d := markdown{Report: r, s: s, cell: o.Limit / 4}
	d.paragraph("### User groups of %s%s", s.Code(r.Tenant), r.simulated())
	if gap != "" && d.DryRun {
		d.box(caution, gap)
	}
	d.consequence()
	d.failures()
	if o.Alarm {
		d.paragraph("**Next:** %s The first successful run closes this issue.", cmp.Or(nextSteps[d.Code()], nextSteps[run.Failed]))
	}
	d.losses()
	if d.Plan != nil {
		d.access("Who gains access", byRole(d.Plan.Access.Gained, true), nil)
	}
	d.groups()
	d.users()
	d.withheld()
	d.warnings()
	d.digest(gap == "")
	d.line("")
	d.line("%s", d.origin(o))
	body = d.render(o.Limit, link("the summary of the run", r.URL)+" has more, and "+inReport)
	return body, d.cut, d.secret
}

// nextSteps says what to do after a failed run, by its exit code.
var nextSteps = map[run.Code]string{
	run.Failed:         "correct what the errors name, then run the job again. It does only what is left.",
	run.Settings:       "correct the settings or the file that the errors name, then run the job again.",
	run.Authentication: "check that the token or certificate has not expired, belongs to this tenant, and can read and manage users and groups. Then run the job again.",
	run.CSVRefused:     "correct the CSV, or how it is exported, then run the job again.",
	run.Refused:        "look at the plan below. If it is right, allow it for one run, as the refusal says. If not, correct the CSV.",
	run.Drifted:        "apply the plan below with a run without `dry-run`, or correct the CSV.",
}

// consequence writes what merging takes away or, if that is nothing, the verdict.
func (d *markdown) consequence() {
	var t Tallies
	if d.Plan != nil {
		t.plan(d.Plan)
	}
	var taken []string
	for _, part := range []struct {
		n    int
		what string
	}{{t.Memberships.Removed, "membership"}, {t.Roles.Revoked, "role"}, {t.Groups.Deleted, "group"}, {t.Users.Deleted, "user"}} {
		if part.n > 0 {
			taken = append(taken, count(part.n, part.what))
		}
	}
	if d.DryRun && d.Code() != run.Refused && len(taken) > 0 {
		d.box(warned, "**Merging takes away "+strings.Join(taken, ", ")+".**", "Dry run, nothing was changed. "+d.headline())
		return
	}
	d.verdict()
}

// loss is what somebody loses.
type loss struct {
	email   directory.Email
	groups  []string // as they are shown
	roles   []directory.Role
	last    bool // of their groups
	deleted bool
}

// losses returns who loses access, those who lose the strongest roles first.
func (d *markdown) losses() {
	people := d.findLosses()
	if len(people) == 0 {
		return
	}
	d.section("Who loses access", "| who | leaves | loses |\n|---|---|---|", changes, "people", alike(each(people, func(l *loss) string {
		lost := each(l.roles, d.role)
		if l.last {
			lost = append(lost, "their last group")
		}
		if l.deleted {
			lost = append(lost, "**the account**")
		}
		return fmt.Sprintf("| %s | %s | %s", d.who(l.email), strings.Join(l.groups, ", "), strings.Join(lost, ", "))
	}), " |"))
}

func (d *markdown) findLosses() []*loss {
	if d.Plan == nil {
		return nil
	}
	byEmail := map[directory.Email]*loss{}
	of := func(email directory.Email) *loss {
		if byEmail[email] == nil {
			byEmail[email] = &loss{email: email}
		}
		return byEmail[email]
	}
	for i := range d.Plan.Operations {
		o := &d.Plan.Operations[i]
		for _, member := range o.Remove {
			l := of(member.Email)
			l.groups = append(l.groups, d.code(o.Name()))
		}
		if o.Object == plan.User && o.Action == plan.Delete {
			l := of(o.User.Email)
			l.deleted = true
			if o.Lost > 0 {
				l.groups = append(l.groups, count(o.Lost, "group"))
			}
		}
	}
	for _, person := range d.Plan.Access.Lost {
		of(person.Email).roles = slices.SortedFunc(slices.Values(person.Roles), byStrength)
	}
	for _, email := range d.Plan.Access.LastGroup {
		of(email).last = true
	}
	return slices.SortedFunc(maps.Values(byEmail), func(a, b *loss) int {
		return cmp.Or(cmp.Compare(a.weakness(), b.weakness()), cmp.Compare(a.email, b.email))
	})
}

func (l *loss) weakness() int {
	if len(l.roles) == 0 {
		return weakest
	}
	return weakness(l.roles[0])
}

// origin writes which commit the comment is about, and when and by which run it
// was made. If people are named by their lines, it says of which commit these
// are.
func (d *markdown) origin(o CommentOptions) string {
	short := func(commit string) string { return d.s.Code(commit[:min(len(commit), 12)]) }
	about := ""
	if o.Commit != "" {
		about = fmt.Sprintf("Commit %s, ", short(o.Commit))
	}
	if o.Merge != "" && d.s.MaskEmails {
		about += fmt.Sprintf("lines as in its merge %s, ", short(o.Merge))
	}
	return fmt.Sprintf("<sub>%s%s by %s</sub>", about, d.Started.UTC().Format(time.DateTime)+" UTC", link("this run", d.URL))
}
