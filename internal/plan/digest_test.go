package plan_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

// world is an input of New in which every kind of operation comes up.
type world struct {
	csv      *csv
	observed directory.Observed
	policy   plan.Policy
}

func everything() *world {
	w := &world{csv: newCSV(), policy: prunes()}
	w.policy.Tenant, w.policy.UpdateUsers, w.policy.IDMType = "acme", true, directory.IDMLocal
	w.csv.group("CN=Ops", "ann@x.y", "new@x.y", "newer@x.y")
	w.csv.group("CN=Fresh", "ann@x.y", "new@x.y")
	ann := w.csv.person("ann@x.y", directory.Active)
	ann.Name, ann.Named = directory.PersonName{First: "Ann", Last: "Ray"}, true
	roles := func() []directory.Role {
		return []directory.Role{{Namespace: "a", Role: "x"}, {Namespace: "a", Role: "y"}, {Namespace: "b", Role: "x"}}
	}
	for _, email := range []directory.Email{"ann@x.y", "old@x.y", "older@x.y"} {
		user := local(email)
		user.Roles, user.Groups = roles(), []string{"ops", "gone"}
		w.observed.Users = append(w.observed.Users, user)
	}
	for _, name := range []directory.GroupName{"ops", "gone", "idle"} {
		group := managed(name, "old@x.y", "older@x.y")
		group.Roles, group.SyncID = roles(), "id"
		w.observed.Groups = append(w.observed.Groups, group)
	}
	return w
}

func (w *world) plan() *plan.Plan { return plan.New(&w.csv.Desired, &w.observed, w.policy) }

// ops is the group that is updated.
func (w *world) ops() *directory.Group {
	return &w.observed.Groups[slices.IndexFunc(w.observed.Groups, func(g directory.Group) bool { return g.Name == "ops" })]
}

func (w *world) ann() *directory.User {
	return &w.observed.Users[slices.IndexFunc(w.observed.Users, func(u directory.User) bool { return u.Email == "ann@x.y" })]
}

// leaver is one more member of ops that the CSV lists as inactive.
func (w *world) leaver() {
	w.csv.person("x@x.y", directory.Inactive)
	w.observed.Users = append(w.observed.Users, local("x@x.y"))
	w.ops().Usernames = append(w.ops().Usernames, "x@x.y")
}

func TestDigestHasEveryKindOfOperation(t *testing.T) {
	t.Parallel()
	same(t, "operations", shown(everything().plan()), []string{
		"create user new@x.y", "create user newer@x.y", "update user ann@x.y",
		"create group fresh +ann@x.y +new@x.y", "update group ops +ann@x.y +new@x.y +newer@x.y -old@x.y -older@x.y",
		"delete group gone -old@x.y -older@x.y", "delete group idle -old@x.y -older@x.y",
		"delete user old@x.y", "delete user older@x.y",
	})
}

func TestDigestDoesNotDependOnOrder(t *testing.T) {
	t.Parallel()
	want := everything().plan()
	for seed := range uint64(100) {
		random, w := rand.New(rand.NewPCG(seed, 1)), everything()
		shuffle(random, w.observed.Users)
		shuffle(random, w.observed.Groups)
		for i := range w.observed.Users {
			shuffle(random, w.observed.Users[i].Roles)
			shuffle(random, w.observed.Users[i].Groups)
		}
		for i := range w.observed.Groups {
			shuffle(random, w.observed.Groups[i].Roles)
			shuffle(random, w.observed.Groups[i].Usernames)
		}
		before := slices.Clone(w.ops().Usernames)
		got := w.plan()
		if got.Digest != want.Digest {
			t.Fatalf("seed %d: another digest, though only the order differs", seed)
		}
		same(t, "operations", shown(got), shown(want))
		same(t, "the tenant's own order", w.ops().Usernames, before)
	}
}

func shuffle[T any](random *rand.Rand, s []T) {
	random.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

func TestDigestCoversAllThatIsSent(t *testing.T) {
	t.Parallel()
	seen := map[string]string{everything().plan().Digest: "the plan itself"}
	for name, change := range map[string]func(*world){
		"tenant":                       func(w *world) { w.policy.Tenant = "other" },
		"no tenant":                    func(w *world) { w.policy.Tenant = "" },
		"kind of new users":            func(w *world) { w.policy.IDMType = directory.IDMSSO },
		"first name of a new user":     func(w *world) { w.csv.person("new@x.y", 0).Name.First = "X" },
		"last name of a new user":      func(w *world) { w.csv.person("new@x.y", 0).Name.Last = "X" },
		"another new user":             func(w *world) { w.csv.group("CN=Dev", "more@x.y") },
		"a membership more":            func(w *world) { w.csv.group("CN=Idle", "old@x.y") },
		"names split elsewhere":        func(w *world) { w.csv.person("ann@x.y", 0).Name = directory.PersonName{First: "An", Last: "nRay"} },
		"an updated user's name":       func(w *world) { w.csv.person("ann@x.y", 0).Name.First = "Anne" },
		"an updated user's username":   func(w *world) { w.ann().Username = "ann" },
		"an updated user's roles":      func(w *world) { w.ann().Roles[0].Role = "z" },
		"an updated user's namespaces": func(w *world) { w.ann().Roles[0].Namespace = "z" },
		"an updated user's groups":     func(w *world) { w.ann().Groups = w.ann().Groups[:1] },
		"users are not updated":        func(w *world) { w.policy.UpdateUsers = false },
		"a new group's display name": func(w *world) {
			fresh := w.csv.Groups[slices.IndexFunc(w.csv.Groups, func(g *directory.DesiredGroup) bool { return g.Name == "fresh" })]
			dn, err := directory.ParseDN("CN=FRESH")
			if err != nil {
				panic(err)
			}
			fresh.DNs[0] = dn
		},
		"a group's display name": func(w *world) { w.ops().DisplayName = "X" },
		"a group's description":  func(w *world) { w.ops().Description = "X" },
		"a group's sync id":      func(w *world) { w.ops().SyncID = "X" },
		"a group's roles":        func(w *world) { w.ops().Roles = w.ops().Roles[1:] },
		"a member who stays":     func(w *world) { w.ops().Usernames = append(w.ops().Usernames, "ann@x.y") },
		"a member who goes":      func(w *world) { w.leaver() },
		"a member who is kept":   func(w *world) { w.leaver(); w.policy.Protect = plan.Patterns{"x@x.y"} },
		"an unknown member":      func(w *world) { w.ops().Usernames = append(w.ops().Usernames, "x") },
		"what is withheld":       func(w *world) { w.policy.Withhold = true },
		"a group is adopted": func(w *world) {
			w.csv.group("CN=Hand", "ann@x.y")
			w.observed.Groups = append(w.observed.Groups, directory.Group{Name: "hand"})
			w.policy.Adopt = plan.Patterns{"hand"}
		},
		"a role is granted":           func(w *world) { w.policy.Roles = roleMap("ops", "c/x") },
		"another role is granted":     func(w *world) { w.policy.Roles = roleMap("ops", "c/y") },
		"and the rest revoked":        func(w *world) { w.policy.Roles, w.policy.EnforceRoles = roleMap("ops", "c/y"), true },
		"roles are revoked":           func(w *world) { w.policy.Roles, w.policy.EnforceRoles = roleMap("ops"), true },
		"a new group gets a role":     func(w *world) { w.policy.Roles = roleMap("fresh", "c/x") },
		"another one":                 func(w *world) { w.policy.Roles = roleMap("fresh", "c/y") },
		"people are out of scope":     func(w *world) { w.policy.People = plan.Patterns{"!older*"} },
		"groups are out of scope":     func(w *world) { w.policy.Groups = plan.Patterns{"!idle"} },
		"only one person":             func(w *world) { w.policy.Only = plan.Patterns{"ann@x.y"} },
		"a group is no longer pruned": func(w *world) { w.policy.Protect = plan.Patterns{"gone"} },
		"users are not pruned":        func(w *world) { w.policy.PruneUsers = false },
		"nothing is pruned":           func(w *world) { w.policy.PruneUsers, w.policy.PruneGroups = false, false },
	} {
		w := everything()
		change(w)
		digest := w.plan().Digest
		if other, ok := seen[digest]; ok {
			t.Errorf("%s: the digest is that of: %s", name, other)
		}
		seen[digest] = name
	}
}

func TestDigestDoesNotCoverWhatIsNotSent(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world){
		"limit": func(w *world) { w.policy.MaxRemovals = plan.Limit{Max: 3} },
		"an idle user": func(w *world) {
			w.observed.Users = append(w.observed.Users, directory.User{Username: "svc", Type: directory.TypeService})
		},
		"an unmanaged group": func(w *world) { w.observed.Groups = append(w.observed.Groups, directory.Group{Name: "foreign"}) },
		"a blocked group": func(w *world) {
			w.csv.group("CN=Foreign", "ann@x.y")
			w.observed.Groups = append(w.observed.Groups, directory.Group{Name: "foreign"})
		},
		"rules that change nothing": func(w *world) {
			w.policy.Groups, w.policy.People = plan.Patterns{"*"}, plan.Patterns{"*"}
			w.policy.Adopt, w.policy.Only = plan.Patterns{"ops"}, plan.Patterns{"*"}
		},
		"roles that are held":  func(w *world) { w.policy.Roles = roleMap("ops", "b/x", "a/x") },
		"roles of no group":    func(w *world) { w.policy.Roles = roleMap("none", "b/x") },
		"a person in no group": func(w *world) { w.csv.person("zoe@x.y", directory.Inactive) },
	} {
		w := everything()
		change(w)
		if w.plan().Digest != everything().plan().Digest {
			t.Errorf("%s: another digest", name)
		}
	}
}
