package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/run"
)

// userType says what kind of users the tenant has, and what kind new ones will be.
func (e *examination) userType() {
	sso, local := 0, 0
	for _, user := range e.observed.Users {
		switch {
		case !user.Ordinary():
		case user.IDMType == directory.IDMLocal:
			local++
		default:
			sso++
		}
	}
	usual := plan.IDMType(e.observed)
	kind := cmp.Or(e.Policy.IDMType, usual)
	text := fmt.Sprintf("%s and %s; new users will be %s", count(sso, "SSO user"), count(local, "local user"), directory.KindOf(kind))
	if kind != usual && sso+local > 0 {
		e.warn(UserType, "a tenant takes one kind of user at a time: remove idm-type, unless the tenant has just changed", "%s, unlike most", text)
		return
	}
	e.ok(UserType, "%s", text)
}

func (e *examination) scim() {
	var groups []Item
	for _, group := range e.observed.Groups {
		if group.SyncMode == directory.SyncSCIM {
			groups = append(groups, Item{Name: string(group.Name), Group: true})
		}
	}
	users := 0
	for _, user := range e.observed.Users {
		if user.SyncMode == directory.SyncSCIM {
			users++
		}
	}
	if len(groups)+users == 0 {
		e.ok(SCIM, "nothing is synced by SCIM")
		return
	}
	e.add(Check{Name: SCIM, Status: OK, Items: groups,
		Detail: fmt.Sprintf("%s and %s are synced by SCIM and stay as they are", count(users, "user"), count(len(groups), "group"))})
}

// read is a tenant that has already been read.
type read struct {
	run.Tenant
	*examination
}

var errUnread = errors.New("the tenant was not read")

// Observe returns what was read.
func (r read) Observe(context.Context) (*directory.Observed, error) {
	if r.observed == nil {
		return nil, errUnread
	}
	return r.observed, nil
}

// WhoAmI returns the caller who was found.
func (r read) WhoAmI(context.Context) (directory.User, error) { return r.caller, r.unknown }

// csv makes a dry run with the CSV, and adds checks about what it means for the
// tenant.
func (e *examination) csv(ctx context.Context) {
	result := run.Run(ctx, e.Source, read{e.tenant, e}, e.Policy, run.Options{DryRun: true, Log: e.Log})
	e.inputs = result.Inputs
	if !e.rows(result) || result.Plan == nil {
		return
	}
	e.changes(result.Plan)
	if e.observed != nil && result.Desired != nil {
		e.stale(result.Desired)
	}
}

// rows adds the check of the CSV itself, and reports whether it can be used.
func (e *examination) rows(result *run.Result) bool {
	var warnings, broken []directory.Finding
	for _, f := range result.Findings {
		switch code := run.CodeOf(f); {
		case code == run.CSVRefused && !f.Kind.InvalidRow():
			broken = append(broken, f)
		case f.Kind == directory.Bug:
			e.found(CSV, f)
			return false
		case f.File != "":
			warnings = append(warnings, f)
		}
	}
	more, subject := "", ""
	if len(warnings) > 0 {
		first, where := warnings[0], ""
		if first.Line > 0 {
			where = fmt.Sprintf(" in %s, line %d", first.File, first.Line)
		}
		more, subject = fmt.Sprintf("; %s about rows, the first%s: %s", count(len(warnings), "message"), where, first.Message), first.Subject
	}
	for _, f := range broken {
		f.Message, f.Subject = f.Message+more, subject
		e.found(CSV, f)
	}
	if len(broken) > 0 {
		return false
	}
	text := fmt.Sprintf("%s named, in %s", directory.Count(len(result.Stated().People), "person", "people"), count(len(result.Stated().Groups), "group"))
	if more == "" {
		e.ok(CSV, "%s", text)
	} else {
		e.add(Check{Name: CSV, Status: Warn, Detail: text + more, Subject: subject, Hint: `to see all of them, run "xc-group-sync plan"`})
	}
	return true
}

// changes adds checks about what a sync would do, as far as somebody has to
// decide something before the first one.
func (e *examination) changes(p *plan.Plan) {
	for _, f := range p.Findings {
		if f.Kind == directory.Unmatched {
			e.checks = slices.DeleteFunc(e.checks, func(c Check) bool { return c.Name == Settings && c.Status == OK })
			e.found(Settings, f)
		}
	}
	adoptable := p.Adoptable()
	var foreign []Item
	for _, name := range adoptable {
		foreign = append(foreign, Item{Name: string(name), Group: true})
	}
	e.list(Adopt, foreign, "no group in the CSV needs to be adopted",
		directory.Count(len(adoptable), "group in the CSV exists, and this program did not create it", "groups in the CSV exist, and this program did not create them"),
		"if a sync may change their members, add to the policy file: "+plan.AdoptLine(adoptable))
	var created []Item
	for i := range p.Operations {
		if o := &p.Operations[i]; o.Object == plan.User && o.Action == plan.Create {
			created = append(created, Item{Name: string(o.User.Email)})
		}
	}
	e.list(NewUsers, created, "none would be created", count(len(created), "user")+" would be created, and F5 emails each of them", "")
	for _, refusal := range p.Refusals {
		e.add(Check{Name: Changes, Status: Fail, Detail: "a sync would be refused: " + refusal.Reason, Hint: refusal.Hint, Kind: directory.NotDone})
	}
	if len(p.Refusals) > 0 {
		return
	}
	text := "nothing to do"
	if len(p.Operations) > 0 {
		text = fmt.Sprintf("%s, which add %s and remove %d", count(len(p.Operations), "operation"), count(p.Added(), "membership"), p.Removed())
	}
	var blocked []Item
	for _, b := range p.Blocked {
		if !b.Adoptable {
			blocked = append(blocked, Item{Name: b.Name, Note: b.Reason, Group: b.Object == plan.Group})
		}
	}
	warnings := slices.DeleteFunc(slices.Clone(p.Findings), func(f directory.Finding) bool {
		return f.Kind == directory.Unmatched || f.Kind == directory.NotOwned && f.Subject == "" // Settings and Adopt say so already
	})
	if len(blocked)+len(warnings) == 0 {
		e.ok(Changes, "%s", text)
		return
	}
	if len(warnings) > 0 {
		text += "; " + count(len(warnings), "warning")
	}
	if len(blocked) > 0 {
		text += fmt.Sprintf("; %d blocked", len(blocked))
	}
	e.add(Check{Name: Changes, Status: Warn, Detail: text, Items: blocked, Hint: `to see all of it, run "xc-group-sync plan"`})
}

// idle is how long somebody may go without a login.
const idle = 90 * 24 * time.Hour

// stale adds checks about access that no review of the CSV would show.
func (e *examination) stale(desired *directory.Desired) {
	var absent, unlisted, direct []Item
	known := false
	for i := range e.observed.Users {
		user := &e.observed.Users[i]
		known = known || !user.LastLogin.IsZero()
		if !user.Ordinary() || !e.Policy.PersonInScope(user.Email) {
			continue
		}
		item := Item{Name: nameOf(user)}
		if note := absence(user, e.Now); note != "" {
			absent = append(absent, Item{item.Name, note, false})
		}
		if user.DomainOwner || user.Username.Key() == e.caller.Username.Key() {
			continue // they have access by means other than the CSV
		}
		if desired.Person(user.Email) == nil {
			unlisted = append(unlisted, item)
		}
		if len(user.Roles) > 0 {
			direct = append(direct, Item{item.Name, directory.ListRoles(user.Roles), false})
		}
	}
	have := func(items []Item) string { return directory.Count(len(items), "person has", "people have") }
	if !known {
		e.warn(LastLogin, "", "not checked: the tenant does not say when people logged in")
	} else {
		e.list(LastLogin, absent, "everybody has logged in within 90 days", have(absent)+" not logged in for 90 days", "disable unused accounts in the console; prune: users deletes only accounts that the CSV does not name")
	}
	e.list(Unlisted, unlisted, "every account is in the CSV", have(unlisted)+" an account that the CSV does not name", "prune: users deletes such accounts; protect keeps some")
	e.list(DirectRoles, direct, "all roles come from groups", have(direct)+" roles of their own, which no change to groups takes away", "remove them in the console, if groups give the access that is needed")
	e.groupsWithoutRoles(desired)
}

// list warns about people or groups, if there are any.
func (e *examination) list(name string, items []Item, none, some, hint string) {
	if len(items) == 0 {
		e.ok(name, "%s", none)
		return
	}
	e.add(Check{Name: name, Status: Warn, Detail: some, Items: items, Hint: hint})
}

// absence returns since when a user has not logged in, if that is too long.
func absence(user *directory.User, now time.Time) string {
	last, note := user.LastLogin, "last "
	if last.IsZero() {
		last, note = user.Created, "never; created "
	}
	if last.IsZero() || now.Sub(last) <= idle {
		return ""
	}
	return note + day(last)
}

func (e *examination) groupsWithoutRoles(desired *directory.Desired) {
	var empty []Item
	for i := range e.observed.Groups {
		group := &e.observed.Groups[i]
		if e.Policy.GroupInScope(group, desired) && len(group.Roles) == 0 && group.ReadError == "" {
			empty = append(empty, Item{Name: string(group.Name), Note: count(len(group.Usernames), "member"), Group: true})
		}
	}
	e.list(NoRoles, empty, "none", directory.Count(len(empty), "group gives its members", "groups give their members")+" no roles", "assign roles in the console")
}
