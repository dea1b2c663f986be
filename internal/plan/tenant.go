package plan

import (
	"cmp"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
)

// tenant is the observed state, by name.
type tenant struct {
	*directory.Index
	observed *directory.Observed
	groups   map[directory.GroupName]*directory.Group
}

func newTenant(observed *directory.Observed) *tenant {
	t := &tenant{
		Index:    directory.NewIndex(observed.Users),
		observed: observed,
		groups:   make(map[directory.GroupName]*directory.Group, len(observed.Groups)),
	}
	for i := range observed.Groups {
		t.groups[observed.Groups[i].Name] = &observed.Groups[i]
	}
	return t
}

// groupsByName returns the observed groups, sorted by name.
func (t *tenant) groupsByName() []*directory.Group {
	groups := make([]*directory.Group, len(t.observed.Groups))
	for i := range groups {
		groups[i] = &t.observed.Groups[i]
	}
	slices.SortFunc(groups, func(a, b *directory.Group) int { return cmp.Compare(a.Name, b.Name) })
	return groups
}

// member returns the person a group lists by username.
func (t *tenant) member(username directory.Username) Member {
	user := t.Username(username)
	return Member{Email: directory.EmailOf(username, user), Username: username, user: user}
}

// newMember returns the member for the person with an email; user is nil if the
// person must be created.
func newMember(email directory.Email, user *directory.User) Member {
	m := Member{Email: email, user: user}
	if user != nil {
		m.Username = user.Username
	}
	return m
}

// members returns the people a group lists, sorted.
func (t *tenant) members(group *directory.Group) []Member {
	members := make([]Member, len(group.Usernames))
	for i, username := range group.Usernames {
		members[i] = t.member(username)
	}
	sortMembers(members)
	return members
}

// IDMType returns the kind of users that a sync of the tenant creates unless the
// policy says otherwise: the kind of most ordinary users, leaving out the domain
// owner unless there is nobody else; local if that gives no answer.
func IDMType(observed *directory.Observed) string {
	sso, local := countIDM(observed.Users, false)
	if sso+local == 0 {
		sso, local = countIDM(observed.Users, true)
	}
	if sso > local {
		return directory.IDMSSO
	}
	return directory.IDMLocal
}

func countIDM(users []directory.User, owners bool) (sso, local int) {
	for i := range users {
		switch user := &users[i]; {
		case !user.Ordinary() || user.DomainOwner != owners:
		case user.IDMType == directory.IDMSSO:
			sso++
		case user.IDMType == directory.IDMLocal:
			local++
		}
	}
	return sso, local
}

// Owned reports whether this program created the group.
func Owned(group *directory.Group) bool { return strings.HasPrefix(group.Description, Marker) }
