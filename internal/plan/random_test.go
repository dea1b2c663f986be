package plan_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
)

func chance(random *rand.Rand, percent int) bool { return random.IntN(100) < percent }

func oneOf[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

func randomPolicy(random *rand.Rand) plan.Policy {
	return plan.Policy{
		Tenant: "acme", PruneGroups: chance(random, 60), PruneUsers: chance(random, 60), PruneUnmanaged: chance(random, 30),
		PruneInactive: chance(random, 40), MergeCollisions: chance(random, 50), UpdateUsers: chance(random, 50),
		MaxRemovals:  oneOf(random, plan.Limit{None: true}, plan.Limit{Max: 2}, plan.Limit{Share: true, Max: 25}),
		Caller:       plan.Caller{Known: chance(random, 80), Email: oneOf[directory.Email](random, "u0@x.y", "root@x.y"), Username: oneOf[directory.Username](random, "", "NAME1")},
		Protect:      oneOf(random, nil, nil, plan.Patterns{"u3@*"}, plan.Patterns{"name4", "g1"}),
		Groups:       oneOf(random, nil, nil, nil, plan.Patterns{"g[0-4]"}, plan.Patterns{"!g1", "!*,OU=b"}, plan.Patterns{"*,OU=a"}, plan.Patterns{"g2", "*,OU=b", "!g3"}),
		People:       oneOf(random, nil, nil, nil, plan.Patterns{"*", "!u2@*"}, plan.Patterns{"u[0-6]@x.y"}, plan.Patterns{"!ú*"}),
		Adopt:        oneOf(random, nil, plan.Patterns{"*"}, plan.Patterns{"g[0-3]"}),
		EmptyUnnamed: chance(random, 40), Withhold: chance(random, 10),
		Roles: randomRoles(random), EnforceRoles: chance(random, 50),
	}
}

// randomRoles lists some groups with some roles.
func randomRoles(random *rand.Rand) map[directory.GroupName][]directory.Role {
	roles := map[directory.GroupName][]directory.Role{}
	for i := range 9 {
		if chance(random, 30) {
			roles[directory.GroupName(fmt.Sprintf("g%d", i))] = someRoles(random)
		}
	}
	return roles
}

// someRoles are up to four roles, sometimes one of them twice.
func someRoles(random *rand.Rand) []directory.Role {
	roles := []directory.Role{}
	for range random.IntN(5) {
		roles = append(roles, directory.Role{Namespace: oneOf(random, "*", "system", "n"), Role: oneOf(random, "admin", "r")})
	}
	return roles
}

// randomWorld is a small directory, tenant and policy; the CSV is as consistent
// as the roster makes it, and has nothing of what is out of scope but people.
func randomWorld(seed uint64) *world {
	random := rand.New(rand.NewPCG(seed, 7))
	w := &world{csv: newCSV(), policy: randomPolicy(random)}
	w.randomCSV(random)
	w.randomTenant(random)
	return w
}

// randomEmail has a look-alike now and then.
func randomEmail(random *rand.Rand) directory.Email {
	return directory.Email(fmt.Sprintf("%s%d@x.y", oneOf(random, "u", "u", "u", "u", "u", "u", "ú"), random.IntN(9)))
}

func (w *world) randomCSV(random *rand.Rand) {
	for range random.IntN(9) {
		person := w.csv.person(randomEmail(random), oneOf(random, directory.Active, directory.Active, directory.Inactive, directory.Contradicted, directory.Unclear))
		person.Named = chance(random, 50)
		if person.Named {
			person.Name = directory.PersonName{First: "Named", Last: "Person"}
		}
		person.KeepMemberships = chance(random, 10) || !w.policy.PersonInScope(person.Email)
		w.csv.KeepGroups = w.csv.KeepGroups || chance(random, 3)
	}
	for _, i := range random.Perm(6)[:random.IntN(6)] {
		var dns []string
		for _, dn := range []string{fmt.Sprintf("CN=G%d,OU=%s", i, oneOf(random, "a", "b")), fmt.Sprintf("CN=G%d", i)}[:1+random.IntN(6)/5] {
			parsed, err := directory.ParseDN(dn)
			if err != nil {
				panic(err)
			}
			if w.policy.DNInScope(parsed) {
				dns = append(dns, dn)
			}
		}
		if dns == nil {
			continue
		}
		group := w.csv.group(strings.Join(dns, "|"))
		for _, person := range w.csv.People {
			if person.Status == directory.Active && chance(random, 40) {
				group.Members = append(group.Members, person)
			}
		}
		group.KeepMembers = chance(random, 8)
		w.csv.KeepUsers = w.csv.KeepUsers || group.KeepMembers
	}
	if chance(random, 5) {
		w.csv.KeepMemberships, w.csv.KeepUsers, w.csv.KeepGroups = true, true, true
	}
}

func (w *world) randomTenant(random *rand.Rand) {
	usernames := []directory.Username{"ghost", "Ghost@x.y", "ú9@x.y"} // that the listing does not know
	taken := map[string]bool{}
	add := func(user directory.User) {
		if !taken[user.Username.Key()] {
			taken[user.Username.Key()] = true
			w.observed.Users = append(w.observed.Users, user)
			usernames = append(usernames, user.Username)
		}
	}
	for i := range 10 {
		if chance(random, 30) {
			continue
		}
		user := local(directory.Email(fmt.Sprintf("u%d@x.y", i)))
		if chance(random, 8) {
			user = local(randomEmail(random))
		}
		user.Username = oneOf(random, user.Username, directory.Username(strings.ToUpper(string(user.Username))), directory.Username(fmt.Sprintf("Name%d", i)),
			directory.Username(fmt.Sprintf("u%d@x.y", random.IntN(9))))
		user.Type = oneOf(random, directory.TypeUser, directory.TypeUser, directory.TypeUser, directory.TypeUser, directory.TypeService, directory.TypeDebug)
		user.SyncMode = oneOf(random, directory.SyncSelf, directory.SyncSelf, directory.SyncSelf, directory.SyncSCIM)
		user.IDMType = oneOf(random, directory.IDMSSO, directory.IDMLocal)
		user.DomainOwner = chance(random, 10)
		user.Name.First = oneOf(random, user.Name.First, "Else")
		if chance(random, 4) {
			user.Email = ""
		}
		add(user)
		if chance(random, 10) {
			user.Username = directory.Username(fmt.Sprintf("second%d", i))
			add(user)
		}
	}
	shuffle(random, w.observed.Users)
	for _, i := range random.Perm(8)[:random.IntN(8)] {
		group := managed(directory.GroupName(fmt.Sprintf("g%d", i)))
		for _, username := range usernames {
			if chance(random, 35) {
				group.Usernames = append(group.Usernames, oneOf(random, username, directory.Username(strings.ToLower(string(username)))))
			}
		}
		group.Description = oneOf(random, plan.Marker, plan.Marker+" v1", "", "by hand")
		group.SyncMode = oneOf(random, directory.SyncSelf, directory.SyncSelf, directory.SyncSelf, directory.SyncSCIM)
		group.ReadError = oneOf(random, "", "", "", "", "", "", "boom")
		group.References = oneOf(random, nil, nil, map[string]int{"policy": 1}, map[string]int{"policy": 0})
		group.Roles = someRoles(random)
		w.observed.Groups = append(w.observed.Groups, group)
	}
}

// applied returns the tenant after the plan: a model that knows nothing about how
// the plan was made.
func applied(observed *directory.Observed, p *plan.Plan) directory.Observed {
	users, groups := slices.Clone(observed.Users), slices.Clone(observed.Groups)
	leave := func(g *directory.Group, members []plan.Member) {
		g.Usernames = slices.DeleteFunc(slices.Clone(g.Usernames), func(username directory.Username) bool {
			return slices.ContainsFunc(members, func(m plan.Member) bool { return m.Username.Key() == username.Key() })
		})
	}
	for i := range p.Operations {
		o := &p.Operations[i]
		user := slices.IndexFunc(users, func(u directory.User) bool { return u.Email == o.User.Email && u.Username == o.User.Username })
		group := slices.IndexFunc(groups, func(g directory.Group) bool { return g.Name == o.Group.Name })
		switch o.Kind().String() {
		case "create user":
			created := o.User
			created.SyncMode = directory.SyncSelf
			users = append(users, created)
		case "update user":
			users[user] = o.User
		case "delete user":
			for i := range groups {
				leave(&groups[i], []plan.Member{{Username: users[user].Username}})
			}
			users = slices.Delete(users, user, user+1)
		case "create group":
			created := o.Group
			created.SyncMode = directory.SyncSelf
			groups = append(groups, created)
			group = len(groups) - 1
			fallthrough
		case "update group":
			leave(&groups[group], o.Remove)
			for _, member := range o.Add {
				groups[group].Usernames = append(slices.Clone(groups[group].Usernames), cmp.Or(member.Username, directory.Username(member.Email)))
			}
		case "grant group":
			groups[group].Roles = slices.Concat(groups[group].Roles, o.Roles)
		case "revoke group":
			groups[group].Roles = slices.DeleteFunc(slices.Clone(groups[group].Roles), func(role directory.Role) bool { return slices.Contains(o.Roles, role) })
		case "delete group":
			groups = slices.Delete(groups, group, group+1)
		default:
			panic("no model of what it does: " + o.Kind().String())
		}
	}
	return directory.Observed{Users: users, Groups: groups}
}

// who is the person behind a username.
func who(observed *directory.Observed, username directory.Username) (directory.Email, *directory.User) {
	for i := range observed.Users {
		if user := &observed.Users[i]; user.Username.Key() == username.Key() {
			return cmp.Or(user.Email, directory.Email(username.Key())), user
		}
	}
	return directory.Email(username.Key()), nil
}

// emails are who is in a group.
func emails(observed *directory.Observed, group *directory.Group) []directory.Email {
	members := map[directory.Email]bool{}
	for _, username := range group.Usernames {
		email, _ := who(observed, username)
		members[email] = true
	}
	return slices.Sorted(maps.Keys(members))
}

// left returns the people that a plan leaves as they are, with a message.
func (w *world) left(p *plan.Plan) map[directory.Email]bool {
	left := map[directory.Email]bool{}
	for _, b := range p.Blocked {
		if b.Object == plan.User {
			left[directory.Email(b.Name)] = true
		}
	}
	for _, f := range p.Findings {
		if f.Kind == directory.Lookalike {
			for _, person := range w.csv.People {
				left[person.Email] = left[person.Email] || strings.Contains(f.Message, string(person.Email))
			}
		}
	}
	for _, person := range w.csv.People {
		left[person.Email] = left[person.Email] || !w.policy.PersonInScope(person.Email)
	}
	return left
}
