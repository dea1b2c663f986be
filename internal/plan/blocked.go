package plan

import (
	"cmp"
	"fmt"
	"strings"

	"xc-group-sync/internal/directory"
)

// blockGroup blocks a group: it is left alone and counts as failed.
func (p *planner) blockGroup(name directory.GroupName, reason, hint string) {
	blocked := Blocked{Object: Group, Name: string(name), Reason: reason, Hint: hint}
	if group := p.tenant.groups[name]; group != nil {
		blocked.Roles = rolesBeyond(group.Roles, nil)
		blocked.Reason += fmt.Sprintf(" (%s; %s)", directory.Count(len(group.Usernames), "member", "members"), rolesText(blocked.Roles))
	}
	p.plan.Blocked = append(p.plan.Blocked, blocked)
	p.blocked[name] = true
}

// blockUnowned blocks a group that this program may not change.
func (p *planner) blockUnowned(group *directory.Group) {
	p.blockGroup(group.Name, "it exists, and this program did not create it", fmt.Sprintf("to take it over, add it to adopt: %s", group.Name))
	p.plan.Blocked[len(p.plan.Blocked)-1].Adoptable = true
}

// hintAtAdopt adds a hint with all groups that adopt would unblock, as one line
// to paste.
func (p *planner) hintAtAdopt() {
	if names := p.plan.Adoptable(); len(names) > 1 {
		for i := range p.plan.Blocked { // one line for all of them
			if b := &p.plan.Blocked[i]; b.Adoptable {
				b.Hint = ""
			}
		}
		p.warn(directory.NotOwned, "", "to take all of them over, add to the policy file: "+AdoptLine(names),
			"%d groups in the CSV exist, and this program did not create them", len(names))
	}
}

// Adoptable returns the blocked groups that adopt would unblock.
func (p *Plan) Adoptable() []directory.GroupName {
	var names []directory.GroupName
	for _, b := range p.Blocked {
		if b.Adoptable {
			names = append(names, directory.GroupName(b.Name))
		}
	}
	return names
}

// AdoptLine returns the line of a policy file that adopts groups.
func AdoptLine(groups []directory.GroupName) string {
	names := make([]string, len(groups))
	for i, name := range groups {
		names[i] = yamlString(string(name))
	}
	return "adopt: [" + strings.Join(names, ", ") + "]"
}

// yamlString writes the name of a group so that YAML reads it as a string.
func yamlString(name string) string {
	switch name {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return `"` + name + `"`
	}
	return name
}

// barPeople determines who may not be put into any group: people who cannot be
// told apart from others, who look like others, or who are not in scope.
func (p *planner) barPeople() {
	taken := map[*directory.Person]bool{} // whose email is the username of somebody else
	for _, named := range p.desired.People {
		switch person := p.person(named); {
		case !p.policy.PersonInScope(person.Email) || p.lookalikes[person.Email] != "":
			person.barred = true
		case person.shared:
			person.barred = true
			p.blockShared(person.Email)
		case person.member.user == nil && p.tenant.Username(directory.Username(person.Email)) != nil:
			taken[named] = true
		}
	}
	if len(taken) == 0 {
		return
	}
	for _, group := range p.desired.Groups { // somebody in no group need not be created
		if observed := p.tenant.groups[group.Name]; observed != nil && observed.SyncMode == directory.SyncSCIM {
			continue
		}
		for _, named := range group.Members {
			if taken[named] {
				delete(taken, named)
				p.person(named).barred = p.blockTaken(named.Email)
			}
		}
	}
}

// blockShared blocks somebody whose email several users have.
func (p *planner) blockShared(email directory.Email) {
	p.plan.Blocked = append(p.plan.Blocked, Blocked{Object: User, Name: string(email),
		Reason: fmt.Sprintf("%d users have this email, and it is not the username of any of them", len(p.tenant.Emails(email))),
		Hint:   "give each user a different email"})
}

// blockTaken blocks somebody to be created whose email is another user's
// username, and reports whether it did.
func (p *planner) blockTaken(email directory.Email) bool {
	other := p.tenant.Username(directory.Username(email))
	if other == nil {
		return false
	}
	p.taken[other.Username.Key()] = true
	p.plan.Blocked = append(p.plan.Blocked, Blocked{Object: User, Name: string(email),
		Reason: fmt.Sprintf("this email is the username of another user (%s)", cmp.Or(string(other.Email), "who has no email")),
		Hint:   "rename that user, or correct the email in the CSV"})
	return true
}
