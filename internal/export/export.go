// Package export writes a tenant as a CSV and a policy file for which a sync
// finds nothing to do. It is pure.
package export

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// Export is a tenant as files, and what they leave out.
type Export struct {
	CSV    []byte // under the standard titles, a row per person, by email
	Policy []byte // the policy file that goes with it

	People, Groups int // in the CSV

	// What is in scope and left out on purpose: groups that SCIM syncs, users who
	// are not people, and members that the user listing does not know.
	SCIMGroups, ServiceUsers, UnknownMembers int

	Findings []directory.Finding // groups and people that no CSV can name
}

// New exports the groups and people that are in the scope of a policy. The policy
// file names the policy's tenant, if that is not empty. Nothing else of the policy
// counts.
func New(observed *directory.Observed, scope plan.Policy) *Export {
	x := &exporter{scope: scope, index: directory.NewIndex(observed.Users), people: map[string]*person{}, services: map[string]bool{}, unknown: map[string]bool{}, protect: map[string]bool{}}
	groups := x.groups(observed)
	for _, g := range groups {
		x.members(g)
	}
	nameGroups(groups)
	x.CSV = x.csv()
	x.Policy = x.policy(groups)
	slices.SortFunc(x.Findings, func(a, b directory.Finding) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject))
	})
	x.People, x.ServiceUsers, x.UnknownMembers = len(x.people), len(x.services), len(x.unknown)
	for _, g := range groups {
		if g.named {
			x.Groups++
		}
	}
	return &x.Export
}

type exporter struct {
	Export
	scope    plan.Policy
	index    *directory.Index
	people   map[string]*person // by the key of the username
	services map[string]bool    // usernames, by key
	unknown  map[string]bool    // usernames, by key
	protect  map[string]bool    // patterns of people that no CSV can name
	excluded plan.Patterns      // exclusions of groups in scope that a sync must not look at
}

// group is a group of the tenant that a CSV can name.
type group struct {
	*directory.Group
	named  bool   // the CSV names it, as dn
	dn     string // made of a common name alone
	mapped bool   // dn does not form the API name by itself
}

// person is a row.
type person struct {
	email  directory.Email
	cell   string // the email as the tenant spells it
	name   string // may be empty
	groups []*group
}

// groups returns the groups in scope that a CSV can name, by name.
func (x *exporter) groups(observed *directory.Observed) []*group {
	inScope := map[bool][]*directory.Group{} // by whether the tenant returned them incomplete
	for i := range observed.Groups {
		if g := &observed.Groups[i]; x.scope.GroupInScope(g, &directory.Desired{}) {
			inScope[g.ReadError != ""] = append(inScope[g.ReadError != ""], g)
		}
	}
	for _, g := range inScope[true] { // a sync would block them
		x.excluded = append(x.excluded, "!"+literal(string(g.Name)))
		x.leaveOutGroup(g, "the tenant returned incomplete data about it: "+g.ReadError)
	}
	slices.Sort(x.excluded)
	var groups []*group
	for _, g := range inScope[false] {
		formed, err := directory.NewGroupName(string(g.Name))
		switch {
		case len(x.excluded) > 0 && !x.excluded.Match(string(g.Name)):
			x.leaveOutGroup(g, "the tenant returned incomplete data about a group with a similar name")
		case g.SyncMode == directory.SyncSCIM:
			x.SCIMGroups++
		case err != nil || formed != g.Name:
			x.leaveOutGroup(g, "no CN forms this API name")
		default:
			groups = append(groups, &group{Group: g})
		}
	}
	slices.SortFunc(groups, func(a, b *group) int { return cmp.Compare(a.Name, b.Name) })
	return groups
}

func (x *exporter) leaveOutGroup(g *directory.Group, reason string) {
	x.Findings = append(x.Findings, directory.Finding{
		Kind: directory.GroupLeftOut, Subject: string(g.Name), Message: fmt.Sprintf("group %q is left out: %s", g.Name, reason),
	})
}

// members puts the members of a group into their rows.
func (x *exporter) members(g *group) {
	for _, username := range g.Usernames {
		user, key := x.index.Username(username), username.Key()
		switch {
		case user == nil:
			x.unknown[key] = true
			continue
		case !user.Ordinary():
			x.services[key] = true
			continue
		case !x.scope.PersonInScope(user.Email):
			continue
		}
		p := x.people[key]
		if p == nil {
			cell, reason := x.address(user)
			if reason != "" {
				x.leaveOutPerson(user, reason)
				continue
			}
			p = &person{email: user.Email, cell: cell, name: displayName(user)}
			x.people[key] = p
		}
		if len(p.groups) == 0 || p.groups[len(p.groups)-1] != g {
			p.groups = append(p.groups, g)
		}
		g.named = true
	}
}

// address returns how a CSV names a user, or why none can.
func (x *exporter) address(user *directory.User) (address, reason string) {
	if user.Email == "" {
		return "", "without an email"
	}
	sharing := 0
	for _, other := range x.index.Emails(user.Email) {
		if other.Ordinary() {
			sharing++
		}
	}
	if sharing > 1 {
		return "", fmt.Sprintf("%d users have this email", sharing)
	}
	var err error
	for _, address := range []string{strings.TrimSpace(user.Address), string(user.Email)} {
		var email directory.Email
		if email, err = directory.ParseEmail(address); err == nil && email == user.Email {
			return address, ""
		}
	}
	if err == nil {
		return "", "the email cannot be written to a CSV"
	}
	return "", err.Error()
}

// leaveOutPerson leaves a user out, and protects who it is.
func (x *exporter) leaveOutPerson(user *directory.User, reason string) {
	who := cmp.Or(string(user.Email), string(user.Username))
	pattern := literal(who)
	if x.protect[pattern] {
		return
	}
	x.protect[pattern] = true
	x.Findings = append(x.Findings, directory.Finding{
		Kind: directory.PersonLeftOut, Subject: who, Message: fmt.Sprintf("%s is left out: %s", who, reason),
		Hint: "give every user a valid email that no other user has; until then, keep protect in the policy file",
	})
}

// displayName returns the name of a user as a cell from which a sync reads the
// same name; empty if there is none, and if a spreadsheet or a log might take it
// for something else.
func displayName(user *directory.User) string {
	name := user.Name.First + " " + user.Name.Last
	if directory.NewPersonName(name, user.Email) != user.Name || directory.RunnerCommand.MatchString(name) || strings.ContainsAny(name[:1], "=+-@'") {
		return ""
	}
	return name
}

// nameGroups finds a DN for each group that the CSV names. It is made of the
// display name, unless that is not a CN or is another group's, and otherwise of
// the API name.
func nameGroups(groups []*group) {
	owners := map[string]*group{} // by the DN's key
	for _, g := range groups {
		if dn, err := directory.ParseAnyDN("CN=" + string(g.Name)); err == nil && g.named {
			owners[dn.Key()] = g // to fall back to
		}
	}
	named := slices.DeleteFunc(slices.Clone(groups), func(g *group) bool { return !g.named })
	take := func(g *group, text string, mapped bool) bool {
		dn, err := directory.ParseAnyDN(text)
		if err != nil || g.DisplayName != "" && dn.CN() != g.DisplayName {
			return false
		}
		if formed, err := dn.Named(); (err != nil || formed.GroupName() != g.Name) != mapped {
			return false
		}
		if owner := owners[dn.Key()]; owner != nil && owner != g {
			return false
		}
		owners[dn.Key()], g.dn, g.mapped = g, text, mapped
		return true
	}
	for _, mapped := range []bool{false, true} { // first those that need no mapping
		for _, g := range named {
			if g.dn == "" && g.DisplayName != "" && len(g.DisplayName) <= maxDisplayName {
				take(g, "CN="+escapeDN(g.DisplayName), mapped)
			}
		}
	}
	for _, g := range named {
		g.dn = cmp.Or(g.dn, "CN="+string(g.Name))
	}
}

// maxDisplayName is the longest display name that a DN is made of, in bytes.
const maxDisplayName = 256

// escapeDN escapes what ends a value or a DN, what joins several, and what a log
// might take for a command (RFC 4514, section 2.4).
func escapeDN(value string) string {
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		if strings.IndexByte(`,+"\<>;=|#`, c) >= 0 || c == ' ' && (i == 0 || i == len(value)-1) {
			fmt.Fprintf(&b, `\%02X`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (x *exporter) csv() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"Email", "User Display Name", "Employee Status", "Entitlement Display Name"}) // a buffer accepts everything
	rows := slices.SortedFunc(maps.Values(x.people), func(a, b *person) int { return cmp.Compare(a.email, b.email) })
	for _, p := range rows {
		dns := make([]string, len(p.groups))
		for i, g := range p.groups {
			dns[i] = g.dn
		}
		_ = w.Write([]string{p.cell, p.name, "A", strings.Join(dns, "|")})
	}
	w.Flush()
	return b.Bytes()
}
