package directory

import (
	"errors"
)

// GroupName is the name of a group in the API, in DNS-1035 form if this program
// formed it.
type GroupName string

// maxGroupName is the longest label that DNS-1035 allows, in bytes.
const maxGroupName = 63

// NewGroupName forms the API name of a group from its common name: lower case,
// runs of other characters become one "-", at most 63 characters, no "-" at
// either end. It returns an error if nothing is left or a digit would come
// first.
func NewGroupName(cn string) (GroupName, error) {
	name := make([]byte, 0, min(len(cn), maxGroupName+1))
	for i := 0; i < len(cn) && len(name) <= maxGroupName; i++ {
		switch c := cn[i]; {
		case 'A' <= c && c <= 'Z':
			name = append(name, c+'a'-'A')
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			name = append(name, c)
		case len(name) > 0 && name[len(name)-1] != '-':
			name = append(name, '-')
		}
	}
	name = name[:min(len(name), maxGroupName)]
	if n := len(name); n > 0 && name[n-1] == '-' {
		name = name[:n-1]
	}
	switch {
	case len(name) == 0:
		return "", errors.New("the CN has no letter from a to z to form a group name from")
	case name[0] <= '9':
		return "", errors.New("the group name would begin with a digit")
	}
	return GroupName(name), nil
}
