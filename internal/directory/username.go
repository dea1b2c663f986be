package directory

import (
	"cmp"
	"errors"
)

// Username is the name by which groups list a user, in the tenant's spelling. It
// need not be the email. Usernames with the same Key are the same user; the zero
// value is nobody.
type Username string

// NewUsername returns the username of a user that the tenant holds by a name and
// an address: the API's default for a missing name is the address. It returns an
// error if both are empty.
func NewUsername(name, address string) (Username, error) {
	if name == "" && address == "" {
		return "", errors.New("a user without name and email")
	}
	return Username(cmp.Or(name, address)), nil
}

// Key returns the form in which usernames are compared: without case.
func (u Username) Key() string { return fold(string(u)) }
