package soak

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"xc-group-sync/internal/simulator"
)

// complaints are the invariants that are violated.
type complaints []string

func (c *complaints) add(format string, args ...any) {
	*c = append(*c, fmt.Sprintf(format, args...))
}

// check checks a run against everything that must hold whatever went wrong.
func (r *trial) check() (c complaints) {
	w := r.world
	if bad := w.isRefused() || w.rules.strict && w.stated().bad > 0; bad || r.end == endBadCSV {
		if !bad || r.end != endBadCSV || len(r.site.requests) > 0 {
			c.add("the CSV is no good: %v, but the run ends with %q after %d requests", bad, r.end, len(r.site.requests))
		}
		return c
	}
	aim := w.aim(r.before, r.site.knowsCaller(), r.only)
	switch {
	case r.end == endUnread:
	case (r.end == endBadOnly) != aim.badOnly:
		c.add("only %q matches nothing: %v, and must be: %v", r.only, r.end == endBadOnly, aim.badOnly)
	case r.config.ExpectPlan == "" && (r.end == endRefused) != aim.refused:
		c.add("refused: %v, and must be: %v", r.end == endRefused, aim.refused)
	}
	if r.end != endUnread {
		r.checkHeldBack(&c, aim)
	}
	for _, breach := range r.site.breaches {
		c.add("%s", breach)
	}
	r.checkFacts(&c, aim)
	r.checkExempt(&c)
	if r.end == endApplied {
		r.checkOperations(&c, aim)
		r.checkQuiet(&c, aim)
		r.checkCounts(&c)
	} else if slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool { return o.Status != "planned" }) {
		c.add("operations were begun in a run that ends with %q", r.end)
	}
	for _, q := range r.site.requests {
		if q.writes() && r.end != endApplied {
			c.add("%s %s in a run that ends with %q", q.method, q.path, r.end)
		}
	}
	return c
}

// checkHeldBack: the report says what is blocked, withheld and not in scope.
func (r *trial) checkHeldBack(c *complaints, aim goal) {
	plan := &r.report.Plan
	blocked, withheld, memberships := map[thing]bool{}, map[thing]bool{}, 0
	for _, b := range plan.Blocked {
		blocked[thing{b.Object, "", b.Name}] = true
		if b.Reason == "" {
			c.add("%s %s is blocked without a reason", b.Object, b.Name)
		}
	}
	for _, held := range plan.Withheld {
		withheld[thing{held.Kind, held.Group, held.Email + held.Role}] = true
		memberships += bit(held.Kind == "membership")
		if held.Reason == "" {
			c.add("%v is withheld without a reason", held)
		}
	}
	if !maps.Equal(blocked, aim.blocked) {
		c.add("blocked are %v, and must be %v", blocked, aim.blocked)
	}
	if !maps.Equal(withheld, aim.withheld) {
		c.add("withheld are %v, and must be %v", withheld, aim.withheld)
	}
	if n := r.report.Memberships.Withheld; n != memberships {
		c.add("%d memberships are counted as withheld, %d are", n, memberships)
	}
	outside := size{}
	for what := range r.world.stated().outside {
		outside.users, outside.groups = outside.users+bit(strings.HasPrefix(what, "person ")), outside.groups+bit(strings.HasPrefix(what, "dn "))
	}
	if told := r.report.OutOfScope; told.DNs != outside.groups || told.People != outside.users {
		c.add("not in scope are %v, and must be %v", told, outside)
	}
}

// meddled reports whether somebody else changed something meanwhile.
func (r *trial) meddled() bool { return len(r.site.given)+len(r.site.taken) > 0 }

// checkFacts: only what export and settings say is taken or given, and what
// somebody else gave stays.
func (r *trial) checkFacts(c *complaints, aim goal) {
	wanted := aim.held.facts()
	mayLose, mayWin := missing(wanted, r.wasFacts), missing(r.wasFacts, wanted)
	for f := range r.lost {
		if r.end != endApplied || !mayLose[f] {
			c.add("lost: %s", f)
		}
	}
	for f := range r.won {
		if r.end != endApplied || !mayWin[f] && !r.mayWinNew(f) {
			c.add("given: %s", f)
		}
	}
	for f := range r.site.given {
		if !r.isFacts[f] && !(f.what == "member" && r.deleted(f.person)) {
			c.add("lost what somebody else gave meanwhile: %s", f)
		}
	}
	if r.settled() && !r.meddled() {
		for f := range missing(r.isFacts, wanted) {
			c.add("all is done, but it is missing: %s", f)
		}
		for f := range missing(wanted, r.isFacts) {
			c.add("all is done, but it is left: %s", f)
		}
	}
}

// mayWinNew reports whether a fact is about somebody in the export, and the run
// could create them because somebody else deleted the unlisted user with the email.
func (r *trial) mayWinNew(f fact) bool {
	if f.what == "member" && !r.world.stated().wants(f.group)[f.person] {
		return false
	}
	for taken := range r.site.taken {
		if taken.what == "user" && taken.person == f.person && r.world.unlisted[taken.username] {
			return slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool { return o.is("create", "user") && o.Name == f.person })
		}
	}
	return false
}

// deleted reports whether the run may have deleted a user.
func (r *trial) deleted(email string) bool {
	return slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool {
		return o.is("delete", "user") && o.Name == email && o.Status != "planned"
	})
}

// checkExempt checks once more, independently, what must never be deleted.
func (r *trial) checkExempt(c *complaints) {
	rules := &r.world.rules
	taken := func(what, username, group string) bool {
		for f := range r.site.taken {
			if f.what == what && f.username == username && f.group == group {
				return true
			}
		}
		return false
	}
	for username, user := range r.was.users {
		if _, stays := r.is.users[username]; !stays && !taken("user", username, "") && (!rules.users || rules.withhold || user.DomainOwner || user.Type != "USER" ||
			user.SyncMode == "SCIM" || username == r.world.callerUser || r.world.unlisted[username] || rules.protects(mail(user.Email), username)) {
			c.add("user %s was deleted", username)
		}
	}
	for _, group := range r.before.Groups {
		if _, stays := r.is.groups[group.Name]; !stays && !taken("group", "", group.Name) && (!rules.groups || rules.withhold || group.SyncMode == "SCIM" ||
			group.ReferencesCount["policy"] > 0 || rules.protects(group.Name) || !rules.unmanaged && !strings.HasPrefix(group.Description, marker)) {
			c.add("group %s was deleted", group.Name)
		}
	}
	for f := range r.lost {
		if rules.withhold && f.what != "name" {
			c.add("removals are withheld, but this is lost: %s", f)
		}
	}
	created := func(o operation) bool { return o.Action != "create" || o.Status == "done" }
	for _, q := range r.site.requests {
		if deletes := q.method == http.MethodDelete || q.path == "users/cascade_delete"; deletes && slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool { return !created(o) }) {
			c.add("%s %s, though something could not be created", q.method, q.path)
		}
	}
}

// checkOperations: what the outcome says about each operation is true, and
// nothing happened that no operation reports.
func (r *trial) checkOperations(c *complaints, aim goal) {
	for i := range r.report.Plan.Operations {
		o := &r.report.Plan.Operations[i]
		switch {
		case o.Status == "planned":
			if n := r.writesAbout(o); n > 0 && !r.wasThere(o) || o.Attempts > 0 {
				c.add("%s %s %s is planned still, but %d writes were sent in %d attempts", o.Action, o.Object, o.Name, n, o.Attempts)
			}
		case o.Status == "done" && !r.visible(o, aim) && !r.hidden(o):
			c.add("%s %s %s is said to be done, but is not", o.Action, o.Object, o.Name)
		case o.Status == "failed" && r.lookedBack(o) && r.visible(o, aim) && !slices.ContainsFunc(o.Remove, r.deleted):
			c.add("%s %s %s is said to have failed, but the tenant was asked and shows it", o.Action, o.Object, o.Name)
		case o.failed() && o.Error == "":
			c.add("%s %s %s failed without a reason", o.Action, o.Object, o.Name)
		}
	}
	for f := range r.lost {
		if !slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool { return o.takes(f) }) {
			c.add("no operation reports the loss of: %s", f)
		}
	}
	for f := range r.won {
		if !slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool { return o.gives(f) }) {
			c.add("no operation reports: %s", f)
		}
	}
}

// checkQuiet: in a run that nothing disturbs every operation succeeds that can.
func (r *trial) checkQuiet(c *complaints, aim goal) {
	if r.site.weather.disturbs() || r.meddled() || r.world.isOdd() {
		return
	}
	for _, o := range r.report.Plan.Operations {
		if o.failed() || o.Status == "planned" && !aim.missing {
			c.add("%s %s %s is %s though nothing is in its way: %s", o.Action, o.Object, o.Name, o.Status, o.Error)
		}
	}
}

func (r *trial) writesAbout(o *operation) (n int) {
	for _, q := range r.site.requests {
		if q.isOf(o) {
			n++
		}
	}
	return n
}

// wasThere reports whether the tenant's only answer was that the object exists,
// so that nothing was changed.
func (r *trial) wasThere(o *operation) bool {
	return r.writesAbout(o) == 1 && slices.ContainsFunc(r.site.requests, func(q *request) bool { return q.writes() && q.about == o.Name && q.status == 409 })
}

// lookedBack reports whether the answer to the operation's last write was lost,
// and the tenant's own answer to a question about it was not.
func (r *trial) lookedBack(o *operation) bool {
	// Else the listing may have another reason.
	listed := o.Object == "user" && !r.world.rules.update && !slices.ContainsFunc(r.report.Plan.Operations, func(other operation) bool {
		return other.is("delete", "user") && other.Name != o.Name && (other.Status == "failed" || other.Attempts > 1)
	})
	lost, told := false, false
	var left time.Time
	for _, q := range r.site.requests {
		switch {
		case q.isOf(o):
			lost, told, left = q.status == 0 || q.status >= 500, false, q.left
		case lost && !q.came.Before(left) && (o.Object == "group" && q.path == "user_groups/"+o.Name || listed && q.path == "user_roles" && !q.writes()):
			lost, told = false, q.whole() || q.own && q.status == 404 // the first question is the operation's
		}
	}
	return told && !r.meddled() && r.site.cancelled.IsZero()
}

// hidden reports whether the operation made a user that the listing hides, after
// somebody else had deleted them.
func (r *trial) hidden(o *operation) bool {
	_, exists := r.is.users[o.Name]
	return o.is("create", "user") && exists && r.world.unlisted[o.Name]
}

// visible reports whether the tenant shows what the operation did.
func (r *trial) visible(o *operation, aim goal) bool {
	after, listed := r.is, r.world.listed(r.is)
	username, _ := listed.user(o.Name)
	_, exists := after.groups[o.Name]
	isMember := func(email string) bool {
		accounts := listed.withEmail(email)
		for member := range after.in[o.Name] {
			// A member that the listing hides may have somebody else's email as username.
			if slices.Contains(accounts, member) || len(accounts) == 0 && listed.who(member) == email {
				return true
			}
		}
		return false
	}
	switch {
	case r.meddled() && o.Object == "user":
		return true // it may be somebody else's doing
	case o.is("delete", "user"):
		return username == ""
	case o.Object == "user":
		is, wanted := after.users[username], aim.held.users[username]
		return username != "" && is.FirstName == wanted.FirstName && is.LastName == wanted.LastName
	case o.Action == "delete":
		return !exists
	}
	for _, role := range o.Roles {
		if rolesOf(after.groups[o.Name])[role] == (o.Action == "revoke") {
			return r.meddled()
		}
	}
	for _, email := range o.Add {
		left := r.world.rules.syncRest && slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool {
			return o.is("create", "user") && o.Name == email && o.Status == "failed"
		})
		if !isMember(email) && !left {
			return r.meddled() && len(after.withEmail(email)) == 0
		}
	}
	for username := range after.in[o.Name] { // not somebody else with this email, who stays
		if !aim.held.in[o.Name][username] && slices.Contains(o.Remove, listed.who(username)) {
			return false
		}
	}
	return exists
}

// begun reports whether the operation may have changed something.
func (o *operation) begun() bool {
	return o.Status == "done" || o.Status == "failed" || o.Status == "skipped" && o.Attempts > 1
}

// takes reports whether the loss of a fact is the operation's.
func (o *operation) takes(f fact) bool {
	switch {
	case !o.begun():
	case o.is("delete", "user"):
		return f.person == o.Name
	case o.is("update", "user"):
		return f.what == "name" && f.person == o.Name
	case o.is("delete", "group"):
		return f.group == o.Name
	case o.is("revoke", "group"):
		return f.what == "group role" && f.group == o.Name && slices.Contains(o.Roles, f.detail)
	case o.is("update", "group"):
		return f.what == "member" && f.group == o.Name && slices.Contains(o.Remove, f.person)
	}
	return false
}

// gives reports whether a new fact is the operation's.
func (o *operation) gives(f fact) bool {
	switch {
	case !o.begun() || o.Action == "delete":
	case o.Object == "user":
		return f.person == o.Name && (f.what == "user" && o.Action == "create" || f.what == "name")
	case f.what == "group":
		return f.group == o.Name && o.Action == "create"
	case f.what == "group role":
		return f.group == o.Name && (o.Action == "create" || o.Action == "grant") && slices.Contains(o.Roles, f.detail)
	default:
		return f.what == "member" && f.group == o.Name && slices.Contains(o.Add, f.person)
	}
	return false
}

// checkCounts holds the sums to what the tenant shows: exactly, but for
// operations that failed and may have been carried out.
func (r *trial) checkCounts(c *complaints) {
	failed, operations, groups, written := map[string]int{}, 0, map[string]bool{}, map[string]bool{}
	for _, o := range r.report.Plan.Operations {
		if o.Object == "group" {
			written[o.Name] = true
		}
		if o.failed() {
			operations++
			if o.Object == "user" || !groups[o.Name] {
				failed[o.Object]++ // a group counts once
			}
			groups[o.Name] = groups[o.Name] || o.Object == "group"
			failed["roles "+o.Action] += len(o.Roles)
			failed[o.Action+o.Object]++
			failed["added"] += len(o.Add)
			failed["removed"] += len(o.Remove)
		}
	}
	blocked := map[string]int{}
	for _, b := range r.report.Plan.Blocked {
		blocked[b.Object]++
	}
	if users, groups := r.report.Users.Failed, r.report.Groups.Failed; users != failed["user"]+blocked["user"] || groups != failed["group"]+blocked["group"] {
		c.add("%d and %d failures are counted, there are %v", users, groups, failed)
	}
	if told := r.report.Groups; told.Created+told.Updated+told.Deleted+told.Failed > len(written)+blocked["group"] {
		c.add("%+v are counted, %d groups have operations or are blocked", told, len(written)+blocked["group"])
	}
	if n := r.report.Retry.Exhausted + r.report.Retry.Permanent; n > operations {
		c.add("%d operations are said to have failed for good, %d did", n, operations)
	}
	if r.meddled() {
		return
	}
	memberships := func(of facts) (n int) {
		for f := range of {
			n += bit(f.what == "member")
		}
		return n
	}
	// With a deleted user goes what a failed operation did not remove.
	between := func(what string, told, is, more int) {
		if is < told || is > told+more {
			c.add("%s: %d are told of, the tenant shows %d (%d may be of failed operations)", what, told, is, more)
		}
	}
	created := size{fresh(r.was.users, r.is.users), fresh(r.was.groups, r.is.groups)}
	deleted := size{fresh(r.is.users, r.was.users), fresh(r.is.groups, r.was.groups)}
	between("users created", r.report.Users.Created, created.users, failed["createuser"])
	between("users deleted", r.report.Users.Deleted, deleted.users, failed["deleteuser"])
	between("groups created", r.report.Groups.Created, created.groups, failed["creategroup"])
	between("groups deleted", r.report.Groups.Deleted, deleted.groups, failed["deletegroup"])
	between("memberships added", r.report.Memberships.Added, memberships(r.won), failed["added"])
	roles := func(of facts) (n int) {
		for f := range of {
			_, stays := r.is.groups[f.group]
			n += bit(f.what == "group role" && stays)
		}
		return n
	}
	between("roles granted", r.report.Roles.Granted, roles(r.won), failed["roles grant"]+failed["roles create"])
	between("roles revoked", r.report.Roles.Revoked, roles(r.lost), failed["roles revoke"])
	if failed["deleteuser"] == 0 {
		between("memberships removed", r.report.Memberships.Removed, memberships(r.lost), failed["removed"])
	}
}

type size struct{ users, groups int }

func fresh[T simulator.User | simulator.Group](from, in map[string]T) (n int) {
	for key := range in {
		if _, known := from[key]; !known {
			n++
		}
	}
	return n
}
