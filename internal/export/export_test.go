package export_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/export"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/roster"
)

func oneOf[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

func chance(random *rand.Rand, percent int) bool { return random.IntN(100) < percent }

// odd are texts that somebody may have typed into a console.
var odd = []string{
	"Ops", "ops", "OPS ", " Ops", "Net|Ops", `Back\slash`, `"quoted"`, "a,b;c", "a=b", "a CN=b", "a,CN=b", "CN=Ops,OU=x", "#1", "1st", "Über Admins", "ﬃ", "Straße", "İ", "運用",
	"＝ wide CN＝x", "tab\tbed", "line\nbreak", "\u200bzero", "\ufeff\"bom", "\u00a0nbsp\u00a0", "::set-output", "##[error]x", "##vso[task.complete]x", "=HYPERLINK(1)", "+1", "-", "…", "null", "true", "~", "{a: b}", "&a", "*", "!x", "[a", "a]",
	"\x7f", "\u2028", "\U0001f600", "\ufffe", "\ufffd", strings.Repeat("long ", 80), "group-1", "group-2", "Group 3", "group_4", "$(id)", "%s", "`x`", "<b>", "a: b #c", "'", "\\7C", "\\|", "x\\",
}

func oddText(random *rand.Rand) string {
	text := oneOf(random, odd...)
	if chance(random, 20) {
		text += oneOf(random, odd...)
	}
	return text
}

func randomTenant(random *rand.Rand) *directory.Observed {
	observed := &directory.Observed{}
	usernames := []directory.Username{"ghost", "ghost@x.y"}
	taken := map[string]bool{}
	for i := range random.IntN(14) {
		address := oneOf(random, fmt.Sprintf("u%d@x.y", i), fmt.Sprintf("U%d@X.y", i), fmt.Sprintf("u%d@x.y", random.IntN(8)), fmt.Sprintf("ú%d@bücher.example", i), fmt.Sprintf("ü%d@XN--BCHER-KVA.example", i),
			fmt.Sprintf("=%d@x.y", i), fmt.Sprintf("!%d*?@x.y", i), "", oddText(random), oddText(random)+"@x.y", fmt.Sprintf(" u%d@x.y ", i))
		user := directory.User{
			Email: directory.ObservedEmail(address), Address: address, Username: directory.Username(oneOf(random, address, strings.ToUpper(address), fmt.Sprintf("name%d", i), oddText(random))),
			Name: directory.PersonName{First: oddText(random), Last: oddText(random)}, IDMType: oneOf(random, directory.IDMSSO, directory.IDMLocal),
			Type:     oneOf(random, directory.TypeUser, directory.TypeUser, directory.TypeUser, directory.TypeUser, directory.TypeService, directory.TypeDebug),
			SyncMode: oneOf(random, directory.SyncSelf, directory.SyncSelf, directory.SyncSCIM), DomainOwner: chance(random, 10),
		}
		if chance(random, 50) {
			user.Name = directory.NewPersonName("Ada King Lovelace", user.Email)
		}
		if user.Username == "" || taken[user.Username.Key()] {
			continue
		}
		taken[user.Username.Key()] = true
		observed.Users = append(observed.Users, user)
		usernames = append(usernames, user.Username, directory.Username(user.Username.Key()))
	}
	names := map[directory.GroupName]bool{}
	for i := range random.IntN(9) {
		name := directory.GroupName(oneOf(random, fmt.Sprintf("group-%d", i), fmt.Sprintf("group-%d", i), "ops", "null", "net-ops", oddText(random)))
		if names[name] || name == "" {
			continue
		}
		names[name] = true
		g := directory.Group{
			Name: name, DisplayName: oneOf(random, "", string(name), strings.ToUpper(string(name)), oddText(random), oddText(random), "Group 1"),
			Description: oneOf(random, plan.Marker, "", "by hand"), SyncMode: oneOf(random, directory.SyncSelf, directory.SyncSelf, directory.SyncSelf, directory.SyncSCIM),
			ReadError: oneOf(random, "", "", "", "", "", "boom"),
			Roles:     []directory.Role{{Namespace: "*", Role: "admin"}, {Namespace: oneOf(random, "system", oddText(random)), Role: oneOf(random, "admin", oddText(random))}, {Namespace: "*", Role: "admin"}},
		}
		present := map[string]bool{}
		for _, username := range usernames {
			if chance(random, 40) && !present[username.Key()] {
				present[username.Key()] = true
				g.Usernames = append(g.Usernames, username)
			}
		}
		observed.Groups = append(observed.Groups, g)
	}
	return observed
}

func randomScope(random *rand.Rand) plan.Policy {
	return plan.Policy{
		Groups: oneOf(random, nil, nil, nil, plan.Patterns{"group-*"}, plan.Patterns{"!ops"}, plan.Patterns{"*,OU=x"}, plan.Patterns{"ops", "*,OU=x"}, plan.Patterns{"!*,OU=x"}),
		People: oneOf(random, nil, nil, nil, plan.Patterns{"*@x.y"}, plan.Patterns{"!u1@*"}),
	}
}

// load reads a policy file as a sync does.
func load(t *testing.T, policy []byte) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yml")
	if err := os.WriteFile(path, policy, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Plan, []string{"--simulate", "--csv", "-", "--policy", path}, func(string) string { return "" })
	if err != nil {
		t.Fatalf("%v\n%s", err, policy)
	}
	return c
}

// TestASyncOfAnExportDoesNothing, whatever the tenant holds, and names as many
// people and groups as the export says.
func TestASyncOfAnExportDoesNothing(t *testing.T) {
	t.Parallel()
	synced, mapped := 0, 0
	for seed := range uint64(1200) {
		random := rand.New(rand.NewPCG(seed, 19))
		observed := randomTenant(random)
		x := export.New(observed, randomScope(random))
		c := load(t, x.Policy)
		if x.People == 0 {
			continue
		}
		synced++
		mapped += bytes.Count(x.Policy, []byte("\nnames:"))
		desired, err := roster.Read(bytes.NewReader(x.CSV), c.Roster)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s\n%s", seed, err, x.CSV, x.Policy)
		}
		if len(desired.Findings) > 0 || len(desired.People) != x.People || len(desired.Groups) != x.Groups || desired.Rows != x.People {
			t.Fatalf("seed %d: %d people, %d groups, %d rows, findings %v\n%+v\n%s", seed, len(desired.People), len(desired.Groups), desired.Rows, desired.Findings, x, x.CSV)
		}
		c.Policy.UpdateUsers = true // the names are the tenant's, too
		c.Policy.EnforceRoles = len(c.Policy.Roles) > 0
		c.Policy.Caller = plan.Caller{Known: true}
		p := plan.New(desired, observed, c.Policy)
		if len(p.Operations)+len(p.Blocked)+len(p.Refusals) > 0 {
			t.Fatalf("seed %d: %+v\nblocked %v\n%s\n%s", seed, p.Operations, p.Blocked, x.CSV, x.Policy)
		}
		simulated := export.Tenant(desired, c.Policy) // the tenant that the files describe is as good
		if p := plan.New(desired, simulated, c.Policy); len(p.Operations)+len(p.Blocked)+len(p.Withheld) > 0 || p.Groups.Existing != x.Groups || p.Users.Existing != x.People {
			t.Fatalf("seed %d: in the simulated tenant: %+v\n%s", seed, p, x.CSV)
		}
		if p.Groups.Unchanged != x.Groups {
			t.Fatalf("seed %d: %d of %d groups are unchanged", seed, p.Groups.Unchanged, x.Groups)
		}
		if directory.RunnerCommand.Match(x.CSV) {
			t.Fatalf("seed %d: a command of a CI system\n%s", seed, x.CSV)
		}
	}
	if synced < 500 || mapped < 100 {
		t.Errorf("%d tenants had anybody to export, %d needed names: the generator is too tame", synced, mapped)
	}
}

// TestTheOrderOfAListingDoesNotMatter.
func TestTheOrderOfAListingDoesNotMatter(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 23))
		observed := randomTenant(random)
		first := export.New(observed, plan.Policy{})
		shuffle := func(n int, swap func(i, j int)) { random.Shuffle(n, swap) }
		shuffle(len(observed.Users), func(i, j int) { observed.Users[i], observed.Users[j] = observed.Users[j], observed.Users[i] })
		shuffle(len(observed.Groups), func(i, j int) {
			observed.Groups[i], observed.Groups[j] = observed.Groups[j], observed.Groups[i]
		})
		for _, g := range observed.Groups {
			shuffle(len(g.Usernames), func(i, j int) { g.Usernames[i], g.Usernames[j] = g.Usernames[j], g.Usernames[i] })
		}
		if diff := cmp.Diff(first, export.New(observed, plan.Policy{})); diff != "" {
			t.Fatalf("seed %d (-first +shuffled):\n%s", seed, diff)
		}
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	user := func(address string, name directory.Username, kind string) directory.User {
		return directory.User{Email: directory.ObservedEmail(address), Address: address, Username: name, Name: directory.PersonName{First: "Ada", Last: "Lovelace"}, Type: kind, SyncMode: directory.SyncSelf}
	}
	observed := &directory.Observed{
		Users: []directory.User{
			user("Ada@x.y", "ada", directory.TypeUser), user("bob@x.y", "bob@x.y", directory.TypeUser), user("twin@x.y", "twin1", directory.TypeUser), user("twin@x.y", "twin2", directory.TypeUser),
			user("robot@x.y", "robot", directory.TypeService), user("", "nomail", directory.TypeUser),
		},
		Groups: []directory.Group{
			{Name: "ops", DisplayName: "Net|Ops", Usernames: []directory.Username{"BOB@x.y", "ada", "twin1", "nomail", "robot", "ghost"}, SyncMode: directory.SyncSelf},
			{Name: "xc-admins", DisplayName: "XC Admins", Description: plan.Marker, Usernames: []directory.Username{"ada", "twin2", "nomail"}, SyncMode: directory.SyncSelf,
				Roles: []directory.Role{{Namespace: "system", Role: "ves-io-monitor-role"}, {Namespace: "*", Role: "ves-io-admin-role"}, {Namespace: "system", Role: "ves-io-monitor-role"}}},
			{Name: "odd", DisplayName: "odd", Description: plan.Marker, SyncMode: directory.SyncSelf, Roles: []directory.Role{{Namespace: "*", Role: "ves-io-admin-role"}, {Namespace: "no name", Role: "x"}}},
			{Name: "robots", Usernames: []directory.Username{"robot"}, SyncMode: directory.SyncSelf}, // not to be adopted: the CSV names nobody in it
			{Name: "scim", Usernames: []directory.Username{"ada"}, SyncMode: directory.SyncSCIM},
			{Name: "1st", Usernames: []directory.Username{"ada"}, SyncMode: directory.SyncSelf},
		},
	}
	x := export.New(observed, plan.Policy{})
	wantCSV := "Email,User Display Name,Employee Status,Entitlement Display Name\n" +
		`Ada@x.y,Ada Lovelace,A,CN=Net\7COps|CN=XC Admins` + "\n" +
		`bob@x.y,Ada Lovelace,A,CN=Net\7COps` + "\n"
	if diff := cmp.Diff(wantCSV, string(x.CSV)); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
	_, policy, _ := strings.Cut(string(x.Policy), "protect:")
	if diff := cmp.Diff("\n  - \"nomail\"\n  - \"twin@x.y\"\nadopt:\n  - \"ops\"\nnames:\n  \"CN=Net\\\\7COps\": \"ops\"\nroles:\n  \"xc-admins\":\n    - \"*/ves-io-admin-role\"\n    - \"system/ves-io-monitor-role\"\n", policy); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	if x.People != 2 || x.Groups != 2 || x.SCIMGroups != 1 || x.ServiceUsers != 1 || x.UnknownMembers != 1 {
		t.Errorf("%+v", x)
	}
	var left []string
	for _, f := range x.Findings {
		left = append(left, f.Subject)
	}
	if !slices.Equal(left, []string{"1st", "nomail", "twin@x.y", "odd"}) {
		t.Errorf("left out: %v", left)
	}
}

// TestALongNameIsProtected: a pattern may not be as long as a name.
func TestALongNameIsProtected(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("n", 1024)
	x := export.New(&directory.Observed{
		Users:  []directory.User{{Username: directory.Username(name), Type: directory.TypeUser}},
		Groups: []directory.Group{{Name: "ops", Usernames: []directory.Username{directory.Username(name)}}},
	}, plan.Policy{})
	if protect := load(t, x.Policy).Policy.Protect; !protect.Match(name) || protect.Match(name[:100]) {
		t.Errorf("protect: %q", protect)
	}
}
