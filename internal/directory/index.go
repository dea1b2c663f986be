package directory

import "cmp"

// Index finds the users of a listing by email and by username. It is the one
// place where people of a CSV and users of a tenant are joined.
type Index struct {
	byUsername map[string]*User // by Username.Key
	byEmail    map[Email][]*User
}

// NewIndex indexes users, which must not change afterwards.
func NewIndex(users []User) *Index {
	x := &Index{byUsername: make(map[string]*User, len(users)), byEmail: make(map[Email][]*User, len(users))}
	for i := range users {
		user := &users[i]
		x.byUsername[user.Username.Key()] = user
		if user.Email != "" {
			x.byEmail[user.Email] = append(x.byEmail[user.Email], user)
		}
	}
	return x
}

// Username returns the user that groups list by a name; nil if the listing does
// not know it. The name need not be an email, and an email need not be the name
// of the user who has it.
func (x *Index) Username(name Username) *User { return x.byUsername[name.Key()] }

// Email returns the user who has an email; nil if there is none. If several
// ordinary users have it, the one whose username it is counts; if there is not
// exactly one such user, shared is true and nobody counts.
func (x *Index) Email(email Email) (user *User, shared bool) {
	users := x.byEmail[email]
	switch len(users) {
	case 0:
		return nil, false
	case 1:
		return users[0], false
	}
	user = cmp.Or(
		single(users, func(u *User) bool { return u.Ordinary() }),
		single(users, func(u *User) bool { return ObservedEmail(string(u.Username)) == email }), // none if the spellings of the domain differ
	)
	return user, user == nil
}

// single returns the only user that holds accepts; nil if there is not exactly one.
func single(users []*User, holds func(*User) bool) *User {
	var found *User
	for _, user := range users {
		if holds(user) && found != nil {
			return nil
		} else if holds(user) {
			found = user
		}
	}
	return found
}

// Emails returns the users who share an email.
func (x *Index) Emails(email Email) []*User { return x.byEmail[email] }
