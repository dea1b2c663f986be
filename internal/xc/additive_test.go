package xc_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/simulator"
	"xc-group-sync/internal/xc"
)

// additive makes a client that must remove nothing of a tenant.
func additive(transport http.RoundTripper) *xc.Client {
	return xc.New(xc.Options{BaseURL: "https://tenant.example", Additive: true, Attempts: 3, Scope: xc.ScopeAll, Transport: transport})
}

// A request that removes does not leave the program, nor does a replacement of
// what was not read before.
func TestAdditiveRefusesRemovals(t *testing.T) {
	t.Parallel()
	adds := map[string]bool{"create user": true, "create group": true, "assign roles": true, "add to group": true}
	for _, tt := range operations {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var seen record
			client := additive(tripper(func(r *http.Request) (*http.Response, error) {
				seen.add(r)
				return reply{200, nil, tt.answer}.response(r), nil
			}))
			err := tt.do(client, t.Context())
			if sent := tt.method == "GET" || adds[tt.name]; sent != (err == nil) || sent != (seen.count() == 1) {
				t.Errorf("error = %v after %d requests", err, seen.count())
			}
			if fault := retry.FaultOf(err); err != nil && (fault.Transient || fault.Ambiguous || !fault.NotSent || !strings.Contains(err.Error(), "removals: withhold")) {
				t.Errorf("error = %v (%+v)", err, fault)
			}
		})
	}
}

const heldGroup = `{"name":"ops","usernames":["Ann","bob"],"namespace_roles":[{"namespace":"*","role":"monitor"}]}`

func TestAdditiveReplacements(t *testing.T) {
	t.Parallel()
	const (
		listed   = `{"user_groups":[` + heldGroup + `]}`
		ann      = `{"email":"ann@example.com","name":"Ann","group_names":["ops"],"namespace_roles":[{"namespace":"ns","role":"dev"}]}`
		annsTwin = `{"email":"Ann@Example.com","name":"twin","group_names":["dev"],"namespace_roles":[]}`
	)
	monitor, dev := directory.Role{Namespace: "*", Role: "monitor"}, directory.Role{Namespace: "ns", Role: "dev"}
	group := func(roles []directory.Role, usernames ...directory.Username) func(*xc.Client, context.Context) error {
		return func(c *xc.Client, ctx context.Context) error {
			return c.ReplaceGroup(ctx, directory.Group{Name: "ops", Usernames: usernames, Roles: roles})
		}
	}
	user := func(username directory.Username, roles []directory.Role, groups ...string) func(*xc.Client, context.Context) error {
		return func(c *xc.Client, ctx context.Context) error {
			return c.ReplaceUser(ctx, directory.User{Email: "ann@example.com", Username: username, Groups: groups, Roles: roles})
		}
	}
	for _, tt := range []struct {
		name    string
		answers []string // to the reads before
		do      func(*xc.Client, context.Context) error
		removes string // in the refusal; empty: it is sent
	}{
		{"nothing changes", []string{heldGroup}, group([]directory.Role{monitor}, "Ann", "bob"), ""},
		{"more, in another order and spelling", []string{listed}, group([]directory.Role{dev, monitor}, "carol", "BOB", "ann"), ""},
		{"a member less", []string{heldGroup}, group([]directory.Role{monitor}, "Ann", "carol"), `"bob"`},
		{"a member less than listed", []string{listed}, group([]directory.Role{monitor}, "bob"), `"ann"`},
		{"emptied", []string{heldGroup}, group([]directory.Role{monitor}), `"ann"`},
		{"a role less", []string{heldGroup}, group([]directory.Role{dev}, "Ann", "bob"), "monitor"},
		{"the role elsewhere", []string{heldGroup}, group([]directory.Role{{Namespace: "ns", Role: "monitor"}}, "Ann", "bob"), "monitor"},
		{"the last read counts", []string{listed, `{"name":"ops","usernames":["bob"],"namespace_roles":[]}`}, group(nil, "bob"), ""},
		{"the last read counts, not a better one before", []string{`{"name":"ops","usernames":["bob"]}`, heldGroup}, group([]directory.Role{monitor}, "bob"), `"ann"`},
		{"an answer without members is no news", []string{listed, `{"name":"ops"}`}, group([]directory.Role{monitor}, "bob"), `"ann"`},
		{"an answer without roles is no news", []string{listed, `{"name":"ops","usernames":["bob"]}`}, group(nil, "bob"), "monitor"},
		{"half read", []string{`{"name":"ops","usernames":["bob"],"error":{"code":"EPARTIAL"}}`}, group(nil, "bob"), "not read whole"},
		{"another group was read", []string{`{"user_groups":[{"name":"dev","usernames":[]}]}`}, group(nil, "bob"), "not read whole"},

		{"user: nothing lost", []string{`{"items":[` + ann + `]}`}, user("ann", []directory.Role{dev, monitor}, "ops", "dev"), ""},
		{"user: no name given", []string{`{"items":[{"email":"ann@example.com","group_names":["ops"],"namespace_roles":[]}]}`}, user("", nil, "dev"), `"ops"`},
		{"user: a group less", []string{`{"items":[` + ann + `]}`}, user("Ann", []directory.Role{dev}), `"ops"`},
		{"user: a role less", []string{`{"items":[` + ann + `]}`}, user("Ann", []directory.Role{monitor}, "ops"), "dev"},
		{"user: by the name of one and the email of two", []string{`{"items":[` + ann + `,` + annsTwin + `]}`}, user("Ann", []directory.Role{dev}, "ops"), `"dev"`},
		{"user: whose username is another's email", []string{`{"items":[` + ann + `,{"email":"dee@example.com","name":"cy@example.com","group_names":["dev"],"namespace_roles":[]},{"email":"cy@example.com","name":"dee","group_names":["ops"],"namespace_roles":[]}]}`},
			func(c *xc.Client, ctx context.Context) error {
				return c.ReplaceUser(ctx, directory.User{Email: "cy@example.com", Username: "dee", Groups: []string{"ops"}})
			}, ""},
		{"user: listed without groups", []string{`{"items":[{"email":"ann@example.com","name":"Ann","namespace_roles":[]}]}`}, user("Ann", nil), "not read whole"},
		{"user: not listed any more", []string{`{"items":[` + ann + `]}`, oneUser}, user("Ann", []directory.Role{dev}, "ops"), "not read whole"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var seen record
			client := additive(tripper(func(r *http.Request) (*http.Response, error) {
				answer := "{}"
				if n := seen.add(r); r.Method == http.MethodGet {
					answer = tt.answers[n-1]
				}
				return reply{200, nil, answer}.response(r), nil
			}))
			for _, answer := range tt.answers {
				var err error
				switch {
				case strings.Contains(answer, "items"):
					_, err = client.Users(t.Context())
				case strings.Contains(answer, "user_groups"):
					_, err = client.Groups(t.Context())
				default:
					_, err = client.Group(t.Context(), "ops")
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			err := tt.do(client, t.Context())
			if sent := seen.count() > len(tt.answers); sent != (tt.removes == "") || sent != (err == nil) {
				t.Fatalf("error = %v, sent: %t", err, sent)
			}
			if err != nil && !strings.Contains(err.Error(), tt.removes) {
				t.Errorf("error = %v, which does not say %s", err, tt.removes)
			}
		})
	}
}

// Whatever is asked of an additive client that reads before it replaces: nobody
// loses anything, and what only adds is done.
func TestAdditiveNeverTakesAway(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 0))
		tenant := simulator.New(simulator.Sample())
		client := additive(tenant)
		refused, done := 0, 0
		for range 30 {
			observed, err := client.Observe(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			before := possessions(observed)
			err = anyWrite(t.Context(), client, random, observed)
			if err == nil {
				done++
			} else if retry.FaultOf(err).NotSent {
				refused++
			}
			observed, err = client.Observe(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			after := possessions(observed)
			lost := slices.DeleteFunc(before, func(p string) bool { return slices.Contains(after, p) })
			if len(lost) > 0 {
				t.Fatalf("seed %d: lost %q", seed, lost)
			}
		}
		if refused == 0 || done == 0 {
			t.Errorf("seed %d: %d refused, %d done", seed, refused, done)
		}
	}
}

// anyWrite asks for some write about what was observed.
func anyWrite(ctx context.Context, c *xc.Client, random *rand.Rand, observed *directory.Observed) error {
	user := observed.Users[random.IntN(len(observed.Users))]
	group := observed.Groups[random.IntN(len(observed.Groups))]
	role := directory.Role{Namespace: "ns", Role: string(rune('a' + random.IntN(3)))}
	maybe := func(do func()) {
		if random.IntN(3) == 0 {
			do()
		}
	}
	switch random.IntN(9) {
	case 0:
		return c.DeleteUser(ctx, user)
	case 1:
		return c.DeleteGroup(ctx, group.Name)
	case 2:
		return c.RemoveFromGroup(ctx, user.Username, group.Name)
	case 3:
		return c.RemoveRoles(ctx, group.Name, group.Roles)
	case 4:
		return c.AddToGroup(ctx, user.Username, group.Name)
	case 5:
		return c.AssignRoles(ctx, group.Name, []directory.Role{role})
	case 6:
		maybe(func() { user.Groups = append(slices.Clone(user.Groups), string(group.Name)) })
		maybe(func() { user.Groups = slices.Delete(slices.Clone(user.Groups), 0, min(1, len(user.Groups))) })
		maybe(func() { user.Roles = append(slices.Clone(user.Roles), role) })
		maybe(func() { user.Roles = slices.Delete(slices.Clone(user.Roles), 0, min(1, len(user.Roles))) })
		return c.ReplaceUser(ctx, user)
	default:
		maybe(func() { group.Usernames = append(slices.Clone(group.Usernames), user.Username) })
		maybe(func() {
			group.Usernames = slices.Delete(slices.Clone(group.Usernames), 0, min(1, len(group.Usernames)))
		})
		maybe(func() { group.Roles = append(slices.Clone(group.Roles), role) })
		maybe(func() { group.Roles = slices.Delete(slices.Clone(group.Roles), 0, min(1, len(group.Roles))) })
		return c.ReplaceGroup(ctx, group)
	}
}

// possessions are the facts that a removal would end.
func possessions(observed *directory.Observed) []string {
	facts := map[string]bool{}
	for _, user := range observed.Users {
		facts["user "+string(user.Username)] = true
		for _, role := range user.Roles {
			facts["role "+string(user.Username)+" "+role.Namespace+"/"+role.Role] = true
		}
	}
	for _, group := range observed.Groups {
		facts["group "+string(group.Name)] = true
		for _, username := range group.Usernames {
			facts["member "+string(group.Name)+" "+string(username)] = true
		}
		for _, role := range group.Roles {
			facts["role of "+string(group.Name)+" "+role.Namespace+"/"+role.Role] = true
		}
	}
	return slices.Sorted(maps.Keys(facts))
}

// A write that the tenant answers with an error in a 200 may have been done in
// part: it did not succeed, and the address need not be checked.
func TestPartialErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range operations {
		if tt.name == "read group" {
			continue // a group keeps its error
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := replying(reply{200, nil, `{"error":{"code":"EPARTIAL","message":"half"}}`})
			err := tt.do(client, t.Context())
			if fault := retry.FaultOf(err); err == nil || fault.Transient || fault.Ambiguous != (tt.method != "GET") || !strings.Contains(err.Error(), "EPARTIAL half") || retry.HintOf(err) != "" {
				t.Errorf("error = %v (%s; %+v)", err, retry.HintOf(err), fault)
			}
		})
	}
}
