package plan_test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// csv is a desired directory under construction.
type csv struct {
	directory.Desired
	people map[directory.Email]*directory.Person
}

func newCSV() *csv { return &csv{people: map[directory.Email]*directory.Person{}} }

func (c *csv) person(email directory.Email, status directory.Status) *directory.Person {
	p := c.people[email]
	if p == nil {
		p = &directory.Person{Email: email, Name: directory.NewPersonName("", email), Status: status}
		c.people[email] = p
		c.People = append(c.People, p)
		slices.SortFunc(c.People, func(a, b *directory.Person) int { return cmp.Compare(a.Email, b.Email) })
	}
	return p
}

// group names a group by one DN or several, separated by "|".
func (c *csv) group(dns string, members ...directory.Email) *directory.DesiredGroup {
	group := &directory.DesiredGroup{}
	for text := range strings.SplitSeq(dns, "|") {
		dn, err := directory.ParseDN(text)
		if err != nil {
			panic(err) // a mistake in the test
		}
		group.Name, group.DNs = dn.GroupName(), append(group.DNs, dn)
	}
	for _, email := range members {
		group.Members = append(group.Members, c.person(email, directory.Active))
	}
	slices.SortFunc(group.Members, func(a, b *directory.Person) int { return cmp.Compare(a.Email, b.Email) })
	c.Groups = append(c.Groups, group)
	slices.SortFunc(c.Groups, func(a, b *directory.DesiredGroup) int { return cmp.Compare(a.Name, b.Name) })
	return group
}

// local is an ordinary local user whose username is the email.
func local(email directory.Email) directory.User {
	return directory.User{
		Email: email, Username: directory.Username(email), Name: directory.NewPersonName("", email),
		IDMType: directory.IDMLocal, Type: directory.TypeUser, SyncMode: directory.SyncSelf,
	}
}

func locals(emails ...directory.Email) []directory.User {
	users := make([]directory.User, len(emails))
	for i, email := range emails {
		users[i] = local(email)
	}
	return users
}

// observe is a tenant in which every member of a group is listed: users, and a
// local user for each username that is not among them.
func observe(users []directory.User, groups ...directory.Group) *directory.Observed {
	observed := &directory.Observed{Users: slices.Clone(users), Groups: groups}
	known := map[string]bool{}
	for _, user := range users {
		known[user.Username.Key()] = true
	}
	for _, group := range groups {
		for _, username := range group.Usernames {
			if !known[username.Key()] {
				known[username.Key()] = true
				user := local(directory.Email(username.Key()))
				user.Username = username
				observed.Users = append(observed.Users, user)
			}
		}
	}
	return observed
}

// managed is a group that this program created.
func managed(name directory.GroupName, usernames ...directory.Username) directory.Group {
	return directory.Group{
		Name: name, DisplayName: string(name), Description: plan.Marker, Usernames: usernames, SyncMode: directory.SyncSelf,
	}
}

// known is a caller who is nobody in these worlds.
var known = plan.Caller{Known: true, Email: "caller@x.y", Username: "caller@x.y"}

// prunes deletes all that it may, without limit.
func prunes() plan.Policy {
	return plan.Policy{PruneGroups: true, PruneUsers: true, Caller: known, MaxRemovals: plan.Limit{None: true}}
}

// shown is a plan's operations, a line each.
func shown(p *plan.Plan) []string {
	lines := []string{}
	for i := range p.Operations {
		o := &p.Operations[i]
		line := fmt.Sprintf("%s %s %s", o.Action, o.Object, o.Name())
		for _, member := range o.Add {
			line += " +" + string(member.Email)
			if member.Username != "" && string(member.Username) != string(member.Email) {
				line += "=" + string(member.Username)
			}
		}
		for _, member := range o.Remove {
			line += " -" + string(member.Username)
		}
		if roles := o.RolesChanged(); len(roles) > 0 {
			line += fmt.Sprint(" ", directory.RoleNames(roles))
		}
		if o.Lost > 0 {
			line += fmt.Sprintf(" lost %d", o.Lost)
		}
		lines = append(lines, line)
	}
	return lines
}

func blocked(p *plan.Plan) []string {
	var names []string
	for _, b := range p.Blocked {
		names = append(names, b.Name)
	}
	return names
}

// withheld is what is withheld, a line each: a membership as "GROUP USERNAME: …",
// the others as "user EMAIL: …" and "group NAME: …".
func withheld(p *plan.Plan) []string {
	var lines []string
	for _, w := range p.Withheld {
		switch w.Kind {
		case plan.Membership:
			lines = append(lines, fmt.Sprintf("%s %s: %s", w.Group, w.Member.Username, w.Reason))
		case plan.UserDeletion:
			lines = append(lines, fmt.Sprintf("user %s: %s", w.Member.Email, w.Reason))
		case plan.RoleRevocation:
			lines = append(lines, fmt.Sprintf("%s %s: %s", w.Group, w.Role, w.Reason))
		default:
			lines = append(lines, fmt.Sprintf("%s %s: %s", w.Kind, w.Group, w.Reason))
		}
	}
	return lines
}

// countRoles counts the roles that operations of some actions grant or revoke.
func countRoles(p *plan.Plan, actions ...plan.Action) (n int) {
	for i := range p.Operations {
		if o := &p.Operations[i]; slices.Contains(actions, o.Action) {
			n += len(o.RolesChanged())
		}
	}
	return n
}

var removes = regexp.MustCompile(`^plan would remove (\d+) of (\d+) (.+), over the max-removals limit`)

func refused(p *plan.Plan) []string {
	var lines []string
	for _, r := range p.Refusals {
		line := r.Reason
		if parts := removes.FindStringSubmatch(line); parts != nil {
			line = fmt.Sprintf("%s %s/%s", parts[3], parts[1], parts[2])
		}
		lines = append(lines, line)
	}
	return lines
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := gocmp.Diff(want, got, byText); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// byText compares DNs by how they are written.
var byText = gocmp.Comparer(func(a, b directory.DN) bool { return a.String() == b.String() })

func says(p *plan.Plan, text string) bool {
	return slices.ContainsFunc(p.Findings, func(f directory.Finding) bool { return strings.Contains(f.Message+"\n"+f.Hint, text) })
}
