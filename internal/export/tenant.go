package export

import (
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// Tenant returns the tenant that a CSV and a policy file describe, as New writes
// them: everybody the CSV names is a user, its groups have the members that
// it lists and the roles of the policy, and those that the policy adopts were made
// by somebody else.
func Tenant(desired *directory.Desired, policy plan.Policy) *directory.Observed {
	observed := &directory.Observed{}
	for _, person := range desired.People {
		user := directory.User{
			Email: person.Email, Address: person.Address, Username: directory.Username(person.Address),
			IDMType: directory.IDMSSO, Type: directory.TypeUser, SyncMode: directory.SyncSelf,
		}
		if person.Named {
			user.Name = person.Name
		}
		observed.Users = append(observed.Users, user)
	}
	for _, stated := range desired.Groups {
		group := directory.Group{Name: stated.Name, DisplayName: stated.DisplayName(), Description: plan.Marker, SyncMode: directory.SyncSelf, Roles: policy.Roles[stated.Name]}
		if policy.Adopt.Match(string(stated.Name)) {
			group.Description = ""
		}
		for _, member := range stated.Members {
			group.Usernames = append(group.Usernames, directory.Username(member.Address))
		}
		observed.Groups = append(observed.Groups, group)
	}
	return observed
}
