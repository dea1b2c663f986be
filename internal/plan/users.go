package plan

import (
	"cmp"

	"xc-group-sync/internal/directory"
)

// users plans the creation and the update of users, and counts the other users
// that the CSV names. It allocates room for more operations.
func (p *planner) users(deletions []Operation, more int) []Operation {
	deleted := map[directory.Email]bool{}
	for _, operation := range deletions {
		deleted[operation.User.Email] = true
	}
	changed := 0
	for _, named := range p.desired.People {
		switch person := p.person(named); {
		case person.needed, !deleted[person.Email] && p.renamed(person):
			changed++
		case person.member.user != nil && !deleted[person.Email]:
			p.plan.Users.Unchanged++
		}
	}
	idm := cmp.Or(p.policy.IDMType, IDMType(p.tenant.observed))
	operations := make([]Operation, 0, changed+more)
	for _, named := range p.desired.People {
		switch person := p.person(named); {
		case person.needed:
			operations = append(operations, Operation{Action: Create, Object: User, User: directory.User{
				Email: named.Email, Address: named.Address, Username: directory.Username(cmp.Or(named.Address, string(named.Email))),
				Name: named.Name, IDMType: idm, Type: directory.TypeUser,
			}})
		case !deleted[person.Email] && p.renamed(person):
			update := *person.member.user
			update.Name = person.Name
			operations = append(operations, Operation{Action: Update, Object: User, User: update, Before: person.member.user.Name})
		}
	}
	return operations
}

// renamed reports whether the CSV gives an existing user another name that this
// program may write.
func (p *planner) renamed(person *person) bool {
	return p.policy.UpdateUsers && person.member.user != nil && !person.barred && person.Status == directory.Active &&
		person.Named && person.Name != person.member.user.Name && person.member.user.Local() && p.replaceable(person.member.user)
}

// replaceable reports whether a replacement, which the API takes by email, can
// only be about the user.
func (p *planner) replaceable(user *directory.User) bool {
	return len(p.tenant.Emails(user.Email)) == 1
}
