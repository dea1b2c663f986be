package plan

import (
	"errors"
	"strconv"
	"strings"

	"xc-group-sync/internal/directory"
)

// Marker begins the description of every group that this program creates. It
// deletes no group without it, unless the policy says otherwise.
const Marker = "Managed by xc-group-sync"

// Policy is what the user allows. The zero value deletes nothing, refuses
// colliding names and every removal, and creates users of the tenant's kind.
type Policy struct {
	Tenant          string // its name
	API             string // host and path of its API; empty for the embedded tenant
	PruneGroups     bool
	PruneUsers      bool
	PruneUnmanaged  bool     // also groups without the Marker
	PruneInactive   bool     // also users that the CSV calls inactive
	Groups          Patterns // in scope; none: all. A pattern with a "=" is about the whole DN
	People          Patterns // in scope, by email; none: all
	Adopt           Patterns // groups without the Marker that may be changed
	Protect         Patterns
	Only            Patterns // people and groups this run is limited to; none: all
	EmptyUnnamed    bool     // empty groups in scope that no row names
	Withhold        bool     // remove nothing, and report what was withheld
	MaxRemovals     Limit
	MergeCollisions bool
	IDMType         string // of users that are created; empty: what most ordinary users are
	UpdateUsers     bool
	Roles           map[directory.GroupName][]directory.Role // that groups should have; others keep theirs
	EnforceRoles    bool                                     // revoke what Roles does not list, of the groups it lists
	Caller          Caller
	Sample          bool // the tenant is the embedded sample: no warnings about groups that no row names
}

// Caller is who the credentials belong to, and is never deleted.
type Caller struct {
	Known    bool // users are pruned only if it is
	Email    directory.Email
	Username directory.Username
}

func (c Caller) is(u directory.User) bool {
	return c.Email != "" && c.Email == u.Email || c.Username != "" && c.Username.Key() == u.Username.Key()
}

// Limit bounds removals. The zero value allows none.
type Limit struct {
	None  bool    // no limit
	Share bool    // Max is a percentage of what the tenant holds
	Max   float64 // a number or, with Share, percent
}

// shareFloor is the number of removals that a percentage never blocks: in a small
// tenant, every change is a large share.
const shareFloor = 5

// ParseLimit reads a whole number ("10"), a share ("25%") or "none".
func ParseLimit(s string) (Limit, error) {
	if strings.EqualFold(s, "none") {
		return Limit{None: true}, nil
	}
	if percent, ok := strings.CutSuffix(s, "%"); ok {
		share, err := strconv.ParseFloat(strings.TrimSpace(percent), 64)
		if err != nil || strings.ContainsAny(percent, "xX_") || !(share >= 0 && share <= 100) {
			return Limit{}, errors.New("must be a percentage from 0% to 100%")
		}
		return Limit{Share: true, Max: share}, nil
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return Limit{}, errors.New("must be a number (10), a percentage (25%) or none")
	}
	return Limit{Max: float64(n)}, nil
}

// String returns the limit as the setting writes it.
func (l Limit) String() string {
	switch {
	case l.None:
		return "none"
	case l.Share:
		return strconv.FormatFloat(l.Max, 'f', -1, 64) + "%"
	}
	return strconv.FormatFloat(l.Max, 'f', -1, 64)
}

// allows reports whether so many of the existing objects may be removed.
func (l Limit) allows(removed, of int) bool {
	switch {
	case l.None || removed == 0:
		return true
	case l.Share:
		return removed <= shareFloor || float64(removed)*100 <= l.Max*float64(of)+1e-6
	}
	return float64(removed) <= l.Max
}
