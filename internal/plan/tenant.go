package plan

import (
	"cmp"
	"slices"

	"xc-group-sync/internal/directory"
)

// tenant is the observed state, by name.
type tenant struct {
	observed  *directory.Observed
	groups    map[directory.GroupName]*directory.Group
	users     map[directory.Email][]directory.User // more than one where users share an e-mail
	usernames map[string]directory.Email           // by Username.Key
}

func newTenant(observed *directory.Observed) *tenant {
	t := &tenant{
		observed:  observed,
		groups:    make(map[directory.GroupName]*directory.Group, len(observed.Groups)),
		users:     make(map[directory.Email][]directory.User, len(observed.Users)),
		usernames: make(map[string]directory.Email, len(observed.Users)),
	}
	for i := range observed.Groups {
		t.groups[observed.Groups[i].Name] = &observed.Groups[i]
	}
	for _, user := range observed.Users {
		username := user.Username.Key()
		email := cmp.Or(user.Email, directory.Email(username))
		t.users[email] = append(t.users[email], user)
		t.usernames[username] = email
	}
	return t
}

// who is the person whom a group lists by username.
func (t *tenant) who(username directory.Username) directory.Email {
	key := username.Key()
	if email, ok := t.usernames[key]; ok {
		return email
	}
	return directory.Email(key)
}

// members are the people whom a group lists.
func (t *tenant) members(group *directory.Group) []directory.Email {
	people := make([]directory.Email, len(group.Usernames))
	for i, username := range group.Usernames {
		people[i] = t.who(username)
	}
	return people
}

// user is the user of an e-mail: of several an ordinary one, then the first by
// username.
func (t *tenant) user(email directory.Email) (directory.User, bool) {
	users := t.users[email]
	if len(users) == 0 {
		return directory.User{}, false
	}
	return slices.MinFunc(users, func(a, b directory.User) int {
		if a.Ordinary() != b.Ordinary() {
			if a.Ordinary() {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Username, b.Username)
	}), true
}

// member is the person as a group lists or will list them.
func (t *tenant) member(email directory.Email) Member {
	user, _ := t.user(email)
	return Member{Email: email, Username: user.Username}
}

// idmType is what most ordinary users are, the domain owner aside unless there
// is nobody else; local where that leaves no answer.
func (t *tenant) idmType() string {
	sso, local := t.count(false)
	if sso+local == 0 {
		sso, local = t.count(true)
	}
	if sso > local {
		return directory.IdmSSO
	}
	return directory.IdmLocal
}

func (t *tenant) count(owners bool) (sso, local int) {
	for _, user := range t.observed.Users {
		switch {
		case !user.Ordinary() || user.DomainOwner != owners:
		case user.IdmType == directory.IdmSSO:
			sso++
		case user.IdmType == directory.IdmLocal:
			local++
		}
	}
	return sso, local
}
