package soak

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"xc-group-sync/internal/simulator"
)

// complaints are the invariants that do not hold.
type complaints []string

func (c *complaints) add(format string, args ...any) {
	*c = append(*c, fmt.Sprintf(format, args...))
}

// check holds a run to all that must be so whatever went wrong.
func (r *trial) check() (c complaints) {
	w := r.world
	if bad := w.unusable != "" || w.rules.strict && w.stated().bad > 0; bad || r.end == endBadCSV {
		if !bad || r.end != endBadCSV || len(r.site.requests) > 0 {
			c.add("the CSV is no good: %v, but the run ends with %q after %d requests", bad, r.end, len(r.site.requests))
		}
		return c
	}
	aim := w.aim(r.before, r.knowsCaller())
	if r.end != endUnread && r.config.ExpectPlan == "" && (r.end == endRefused) != aim.refused {
		c.add("refused: %v, and must be: %v", r.end == endRefused, aim.refused)
	}
	r.checkFacts(&c, aim)
	r.checkExempt(&c)
	if r.end == endApplied {
		r.checkOperations(&c, aim)
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

// knowsCaller tells whether the run was told who the caller is.
func (r *trial) knowsCaller() bool {
	return slices.ContainsFunc(r.site.requests, func(q *request) bool { return q.path == "whoami" && q.whole() })
}

// meddled tells whether somebody else changed something meanwhile.
func (r *trial) meddled() bool { return len(r.site.given)+len(r.site.taken) > 0 }

// checkFacts: nothing is taken or given but what export and settings say, and
// what somebody else gave stays.
func (r *trial) checkFacts(c *complaints, aim goal) {
	wanted := aim.held.facts()
	mayLose, mayWin := missing(wanted, r.wasFacts), missing(r.wasFacts, wanted)
	for fact := range r.lost {
		if r.end != endApplied || !mayLose[fact] {
			c.add("lost: %s", fact)
		}
	}
	for fact := range r.won {
		if r.end != endApplied || !mayWin[fact] {
			c.add("given: %s", fact)
		}
	}
	for fact := range r.site.given {
		if _, who, _ := strings.Cut(fact, "member "); !r.isFacts[fact] && !r.deleted(strings.Fields(who+" ")) {
			c.add("lost what somebody else gave meanwhile: %s", fact)
		}
	}
	if r.settled() && !r.meddled() {
		for fact := range missing(r.isFacts, wanted) {
			c.add("all is done, but it is missing: %s", fact)
		}
		for fact := range missing(wanted, r.isFacts) {
			c.add("all is done, but it is left: %s", fact)
		}
	}
}

// deleted tells whether the run deleted the user whom words begin with.
func (r *trial) deleted(words []string) bool {
	return len(words) > 0 && slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool {
		return o.is("delete", "user") && o.Name == words[0] && o.Status != "planned"
	})
}

// checkExempt says once more, in other words, who must never be deleted.
func (r *trial) checkExempt(c *complaints) {
	rules := &r.world.rules
	taken := func(kind string) bool {
		for fact := range r.site.taken {
			if strings.HasPrefix(fact, kind) {
				return true
			}
		}
		return false
	}
	for username, user := range r.was.users {
		email := strings.ToLower(user.Email)
		if _, stays := r.is.users[username]; !stays && !taken("user "+email+" ") && (!rules.users || user.DomainOwner || user.Type != "USER" ||
			user.SyncMode == "SCIM" || user.Email == r.world.caller || rules.protects(email) || rules.protects(username)) {
			c.add("user %s was deleted", email)
		}
	}
	for _, group := range r.before.Groups {
		if _, stays := r.is.groups[group.Name]; !stays && !taken("group "+group.Name+":") && (!rules.groups || group.SyncMode == "SCIM" ||
			group.ReferencesCount["policy"] > 0 || rules.protects(group.Name) || !rules.unmanaged && !strings.HasPrefix(group.Description, marker)) {
			c.add("group %s was deleted", group.Name)
		}
	}
	created := func(o operation) bool { return o.Action != "create" || o.Status == "done" }
	for _, q := range r.site.requests {
		if deletes := q.method == http.MethodDelete || q.path == "users/cascade_delete"; deletes && slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool { return !created(o) }) {
			c.add("%s %s, though something could not be created", q.method, q.path)
		}
	}
}

// checkOperations: what the outcome says of each operation is so, and nothing
// happened that no operation tells of.
func (r *trial) checkOperations(c *complaints, aim goal) {
	for i := range r.report.Plan.Operations {
		o := &r.report.Plan.Operations[i]
		switch {
		case o.Status == "planned":
			if n := r.writesAbout(o); n > 0 && !r.wasThere(o) || o.Attempts > 0 {
				c.add("%s %s %s is planned still, but %d writes were sent in %d attempts", o.Action, o.Object, o.Name, n, o.Attempts)
			}
		case o.Status == "done" && !r.visible(o, aim):
			c.add("%s %s %s is said to be done, but is not", o.Action, o.Object, o.Name)
		case o.Status == "failed" && r.lookedBack(o) && r.visible(o, aim):
			c.add("%s %s %s is said to have failed, but the tenant was asked and shows it", o.Action, o.Object, o.Name)
		case o.failed() && o.Error == "":
			c.add("%s %s %s failed without a reason", o.Action, o.Object, o.Name)
		}
	}
	for fact := range r.lost {
		if !slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool { return o.takes(fact) }) {
			c.add("no operation tells of the loss of: %s", fact)
		}
	}
	for fact := range r.won {
		if !slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool { return o.gives(fact) }) {
			c.add("no operation tells of: %s", fact)
		}
	}
}

func (r *trial) writesAbout(o *operation) (n int) {
	for _, q := range r.site.requests {
		if q.writes() && q.about == o.Name && strings.HasPrefix(q.path, "user_groups") == (o.Object == "group") {
			n++
		}
	}
	return n
}

// wasThere tells whether the tenant's only answer was that the object exists,
// so that nothing was changed.
func (r *trial) wasThere(o *operation) bool {
	return r.writesAbout(o) == 1 && slices.ContainsFunc(r.site.requests, func(q *request) bool { return q.writes() && q.about == o.Name && q.status == 409 })
}

// lookedBack tells whether the answer to the operation's last write was lost,
// and the tenant's own answer to a question about it was not.
func (r *trial) lookedBack(o *operation) bool {
	listed := o.Object == "user" && !r.world.rules.update // else the listing may have another reason
	lost, told := false, false
	for _, q := range r.site.requests {
		switch {
		case q.writes() && q.about == o.Name:
			lost, told = q.status == 0 || q.status >= 500, false
		case lost && (o.Object == "group" && q.path == "user_groups/"+o.Name || listed && q.path == "user_roles" && !q.writes()):
			lost, told = false, q.whole() || q.own && q.status == 404 // the first question is the operation's
		}
	}
	return told && !r.meddled() && r.site.cancelled.IsZero()
}

// visible tells whether the tenant shows what the operation did.
func (r *trial) visible(o *operation, aim goal) bool {
	facts, after := r.isFacts, r.is
	username := after.username(o.Name)
	_, exists := after.groups[o.Name]
	switch {
	case r.meddled() && o.Object == "user":
		return true // it may be somebody else's doing
	case o.is("delete", "user"):
		return username == ""
	case o.Object == "user":
		user := aim.held.users[username]
		return username != "" && facts["name "+user.FirstName+"/"+user.LastName+" of user "+o.Name]
	case o.Action == "delete":
		return !exists
	}
	for _, email := range o.Add {
		left := r.world.rules.syncRest && slices.ContainsFunc(r.report.Plan.Operations, func(o operation) bool {
			return o.is("create", "user") && o.Name == email && o.Status == "failed"
		})
		if !facts["member "+email+" of group "+o.Name] && !left {
			return r.meddled() && after.username(email) == ""
		}
	}
	return exists && !slices.ContainsFunc(o.Remove, func(email string) bool { return facts["member "+email+" of group "+o.Name] })
}

// begun tells whether the operation may have changed something.
func (o *operation) begun() bool {
	return o.Status == "done" || o.Status == "failed" || o.Status == "skipped" && o.Attempts > 1
}

// takes tells whether the loss of a fact is the operation's.
func (o *operation) takes(fact string) bool {
	member, of, isMember := strings.Cut(strings.TrimPrefix(fact, "member "), " of group ")
	switch {
	case !o.begun():
	case o.is("delete", "user"):
		return strings.HasPrefix(fact, "user "+o.Name+" as ") || strings.HasSuffix(fact, " of user "+o.Name) || isMember && member == o.Name
	case o.is("update", "user"):
		return strings.HasPrefix(fact, "name ") && strings.HasSuffix(fact, " of user "+o.Name)
	case o.is("delete", "group"):
		return strings.HasPrefix(fact, "group "+o.Name+":") || isMember && of == o.Name
	case o.is("update", "group"):
		return isMember && of == o.Name && slices.Contains(o.Remove, member)
	}
	return false
}

// gives tells whether a new fact is the operation's.
func (o *operation) gives(fact string) bool {
	member, of, isMember := strings.Cut(strings.TrimPrefix(fact, "member "), " of group ")
	switch {
	case !o.begun() || o.Action == "delete":
	case o.Object == "user":
		return o.Action == "create" && strings.HasPrefix(fact, "user "+o.Name+" as ") || strings.HasPrefix(fact, "name ") && strings.HasSuffix(fact, " of user "+o.Name)
	case o.Action == "create" && strings.HasPrefix(fact, "group "+o.Name+":"):
		return true
	default:
		return isMember && of == o.Name && slices.Contains(o.Add, member)
	}
	return false
}

// checkCounts holds the sums to what the tenant shows: exactly, but for
// operations that failed and may have been carried out.
func (r *trial) checkCounts(c *complaints) {
	failed := map[string]int{}
	for _, o := range r.report.Plan.Operations {
		if o.failed() {
			failed[o.Object]++
			failed[o.Action+o.Object]++
			failed["added"] += len(o.Add)
			failed["removed"] += len(o.Remove)
		}
	}
	if users, groups := r.report.Users.Failed, r.report.Groups.Failed; users != failed["user"] || groups != failed["group"]+r.blocked {
		c.add("%d and %d failures are counted, there are %v", users, groups, failed)
	}
	if n := r.report.Retry.Exhausted + r.report.Retry.Permanent; n > failed["user"]+failed["group"] {
		c.add("%d operations are said to have failed for good, %v did", n, failed)
	}
	if r.meddled() {
		return
	}
	memberships := func(facts map[string]bool) (n int) {
		for fact := range facts {
			if strings.HasPrefix(fact, "member ") {
				n++
			}
		}
		return n
	}
	// Who is deleted takes with them what a failed operation did not.
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
