package soak

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"

	"xc-group-sync/internal/simulator"
)

// The cells that soak exports are made of. What each means is next to it, so that
// none of the program's code is needed to know what an export says.

// named is an email with the name that it gives where the export gives none.
type named struct{ email, first, last string }

var everybody = slices.Concat(ordinary, lookAlikes)

// lookAlikes look like other people, see looks.
var lookAlikes = []named{{"jurgen@x.y", "jurgen", "jurgen"}, {"ｂob@x.y", "ｂob", "ｂob"}}

// looks returns what an email looks like to a reader.
func looks(email string) string {
	switch email {
	case "jürgen@x.y":
		return "jurgen@x.y"
	case "ｂob@x.y":
		return "bob@x.y"
	}
	return email
}

var ordinary = []named{
	{"ann@x.y", "ann", "ann"}, {"bob@x.y", "bob", "bob"}, {"cyd@x.y", "cyd", "cyd"}, {"dee@x.y", "dee", "dee"},
	{"eve@x.y", "eve", "eve"}, {"fay@partner.z", "fay", "fay"}, {"gus@partner.z", "gus", "gus"}, {"hal@x.y", "hal", "hal"},
	{"jürgen@x.y", "jürgen", "jürgen"}, {"mary-ann.lee@x.y", "mary ann", "lee"}, {"o'neil@x.y", "o'neil", "o'neil"},
	{"root@x.y", "root", "root"}, {"svc@x.y", "svc", "svc"}, {"old1@x.y", "old1", "old1"}, {"old2@x.y", "old2", "old2"}, {"old3@x.y", "old3", "old3"},
	{"kim@bücher.example", "kim", "kim"},
}

// punycode is another spelling of an email with an internationalized domain.
func punycode(email string) string { return strings.Replace(email, "bücher", "xn--bcher-kva", 1) }

var badEmailCells = []string{"", "  ", "nobody", "a@@x.y", "a b@x.y", "@x.y", "ann@", "ann@x.y;bob@x.y", `"ann"@x.y`, "a\x01@x.y", "ann\u202e@x.y", "bob@x.y\u200b", "\ufeffann@x.y", "“ann@x.y”", "'bob@x.y", "bob@x.y."}

// dnCell is a DN with the API name that its CN forms; empty if it forms none. The
// key is the DN as DNs are compared; empty for what is not a DN.
type dnCell struct{ text, group, key, cn string }

var longCN = strings.Repeat("Long ", 14) + "End"

var dnCells = []dnCell{
	{`CN=Team A,OU=g`, "team-a", "cn=team a,ou=g", "Team A"}, {`cn=team a,ou=G`, "team-a", "cn=team a,ou=g", "team a"}, {`CN=Team\20A,OU=g`, "team-a", "cn=team a,ou=g", "Team A"},
	{`CN=Ops,OU=g`, "ops", "cn=ops,ou=g", "Ops"}, {`CN=OPS,OU=g`, "ops", "cn=ops,ou=g", "OPS"}, {`CN=Dev,OU=g`, "dev", "cn=dev,ou=g", "Dev"},
	{`CN=Data \| ML,OU=g`, "data-ml", "cn=data | ml,ou=g", "Data | ML"}, {`CN=DATA \7C ML,OU=g`, "data-ml", "cn=data | ml,ou=g", "DATA | ML"},
	{`CN=Zürich,OU=g`, "z-rich", "cn=zürich,ou=g", "Zürich"}, {`CN=Net\,Core,OU=g`, "net-core", `cn=net\,core,ou=g`, "Net,Core"},
	{`OU=g,CN=Deep,DC=x`, "deep", "ou=g,cn=deep,dc=x", "Deep"}, {`CN=` + longCN + `,OU=g`, strings.Repeat("long-", 12) + "lon", "cn=" + strings.ToLower(longCN) + ",ou=g", longCN},
}

// collisions agree with DNs above in the API name only.
var collisions = []dnCell{
	{`CN=Team A,OU=other`, "team-a", "cn=team a,ou=other", "Team A"}, {`CN=Team-A,OU=g`, "team-a", "cn=team-a,ou=g", "Team-A"}, {`CN=Ops!,OU=g`, "ops", "cn=ops!,ou=g", "Ops!"},
}

var badDNCells = []dnCell{
	{text: "zzz"}, {text: `CN=bad\`}, {text: "CN=a\x01b"}, {text: "CN=x,y"}, {text: "CN=Ops,DC=x,CN=Dev,DC=x"}, {text: "CN=Ops#CN=Dev"}, {text: "NULL"},
	{"CN=1st,OU=g", "", "cn=1st,ou=g", "1st"}, {"OU=g", "", "ou=g", ""}, {"CN=é", "", "cn=é", "é"},
}

// nameCell is a display name; text is what of it is compared, empty for none.
type nameCell struct{ cell, text, first, last string }

var nameCells = []nameCell{
	{}, {"Ann Lee", "Ann Lee", "Ann", "Lee"}, {" Zoe ", "Zoe", "Zoe", "Zoe"}, {"Ludwig van B", "Ludwig van B", "Ludwig van", "B"},
	{"Bob\nRay", "Bob Ray", "Bob", "Ray"}, {"\u200e", "", "", ""}, {"=cmd() ::x", "=cmd() ::x", "=cmd()", "::x"},
}

// exportRow is a row of an export.
type exportRow struct {
	cell   string // the email as it stands
	email  string // who that is; empty where it is malformed
	dns    []dnCell
	name   nameCell
	status string
	odd    int // fields too many, or too few
}

// unclear reports whether the status says neither.
func (r exportRow) unclear() bool {
	return !r.active() && !slices.Contains([]string{"I", "T", "Inactive"}, r.status)
}

func (r exportRow) active() bool { return strings.TrimSpace(strings.ToLower(r.status)) == "a" }

// world is an export, a tenant, and settings.
type world struct {
	seed              uint64
	rows              []exportRow
	noStatus, noNames bool
	unusable          string // what makes the export as a whole unusable; empty: nothing
	encoding          int
	comma             rune      // between fields
	titles            [2]string // of the columns with emails and with groups
	users             []simulator.User
	groups            []simulator.Group
	unlisted          map[string]bool // usernames of users that the listing lacks
	caller            string          // as the tenant finds them: by email or by username
	callerUser        string          // folded username
	rules             rules
	args              []string // but for those of one run only
	policy            string   // the policy file; empty: none
}

func pick[T any](random *rand.Rand, from []T) T   { return from[random.IntN(len(from))] }
func oneOf[T any](random *rand.Rand, from ...T) T { return pick(random, from) }

// some are a part of them, in any order.
func some[T any](random *rand.Rand, from []T) []T {
	all := slices.Clone(from)
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:1+random.IntN(len(all))]
}

func chance(random *rand.Rand, percent int) bool { return random.IntN(100) < percent }

// newWorld makes a world. Its policy file, if it has one, is put into dir.
func newWorld(seed uint64, dir string) *world {
	random := rand.New(rand.NewPCG(seed, 1))
	w := &world{seed: seed, unlisted: map[string]bool{}}
	w.settings(random)
	w.export(random)
	w.tenant(random)
	if w.policy != "" {
		path := filepath.Join(dir, "policy.yaml")
		if err := os.WriteFile(path, []byte(w.policy), 0o600); err != nil {
			panic(err)
		}
		w.args = append(w.args, "--policy="+path)
	}
	return w
}

// export fills the rows. Each kind of invalid row is only in some exports;
// otherwise everything would always be held back.
func (w *world) export(random *rand.Rand) {
	badEmails, badDNs, badWidths, both, collide := chance(random, 15), chance(random, 15), chance(random, 6), chance(random, 20), chance(random, 20)
	w.noStatus, w.noNames, w.encoding = chance(random, 10), chance(random, 10), random.IntN(5)
	if chance(random, 4) {
		w.unusable = oneOf(random, "no column", "column twice", "quote", "not UTF-8", "no group")
	}
	people, dns := some(random, ordinary), some(random, dnCells)
	if chance(random, 25) {
		people = append(people, lookAlikes...)
	}
	if collide {
		dns = append(dns, collisions...)
	}
	status := map[string]string{}
	for range 2 + random.IntN(2*len(people)+2) {
		person := pick(random, people)
		if status[person.email] == "" || both && chance(random, 20) {
			status[person.email] = oneOf(random, "A", "A", "A", "A", "A", "A", "A", "a ", "a", "I", "I", "T", "Inactive", oneOf(random, " ", "Active", "Aktiv", "#REF!", "А"))
		}
		row := exportRow{email: person.email, status: status[person.email], name: pick(random, nameCells)}
		row.cell = oneOf(random, person.email, person.email, strings.ToUpper(person.email), " "+person.email+" ", norm.NFD.String(person.email), punycode(person.email))
		for range oneOf(random, 0, 1, 1, 2, 3) {
			row.dns = append(row.dns, pick(random, dns))
		}
		if badEmails && chance(random, 20) {
			row.cell, row.email = pick(random, badEmailCells), ""
		}
		if badDNs && chance(random, 20) {
			row.dns = append(row.dns, pick(random, badDNCells))
		}
		if badWidths && chance(random, 20) {
			row.odd = oneOf(random, -1, 1, 3)
		}
		w.rows = append(w.rows, row)
	}
	if w.unusable == "no group" {
		for i := range w.rows {
			w.rows[i].dns = nil
		}
	}
}

// csv writes the rows in their order.
func (w *world) csv(rows []exportRow) string {
	order := rand.New(rand.NewPCG(w.seed, 2)).Perm(5)
	head := []string{w.titles[0], w.titles[1], "User Display Name", "Employee Status", "Ignored"}
	if w.noNames {
		head[2] = "Other Name"
	}
	if w.noStatus {
		head[3] = "Other Status"
	}
	switch w.unusable {
	case "no column":
		head[1] = "Entitlement"
	case "column twice":
		head[4] = " " + strings.ToLower(head[0]) + " "
	}
	var text bytes.Buffer
	writer := csv.NewWriter(&text)
	writer.UseCRLF, writer.Comma = w.encoding == 1, w.comma
	write := func(cells []string, odd int) {
		record := make([]string, len(cells))
		for i, at := range order {
			record[at] = cells[i]
		}
		for ; odd > 0; odd-- {
			record = append(record, "more")
		}
		_ = writer.Write(record[:len(record)+odd]) // a buffer takes everything
	}
	write(head, 0)
	if w.encoding == 4 { // what states nothing
		write(make([]string, 5), 0)
		write(head, 0)
	}
	for _, row := range rows {
		texts := make([]string, len(row.dns))
		for i, dn := range row.dns {
			texts[i] = dn.text
		}
		write([]string{row.cell, strings.Repeat("|", len(row.cell)%2) + strings.Join(texts, "|"), row.name.cell, row.status, "x"}, row.odd)
	}
	writer.Flush()
	switch w.unusable {
	case "quote":
		text.WriteString("a" + string(w.comma) + "\"b\n")
	case "not UTF-8":
		text.WriteString(strings.ReplaceAll("a,b\xff,c,d,e\n", ",", string(w.comma)))
	}
	return w.encoded(text.String())
}

func (w *world) encoded(text string) string {
	switch {
	case w.encoding == 2:
		return "\ufeff" + text
	case w.encoding == 3 && w.unusable != "not UTF-8":
		both := []byte{0xff, 0xfe}
		for _, unit := range utf16.Encode([]rune(text)) {
			both = append(both, byte(unit), byte(unit>>8))
		}
		return string(both)
	case w.encoding == 4:
		return strings.Replace(text, "\n", "\n\n   \n", 1) // lines of blanks state nothing
	}
	return text
}

// tenant fills the tenant: of every kind of user and group some.
func (w *world) tenant(random *rand.Rand) {
	local := random.IntN(101)
	people := ordinary
	if chance(random, 25) {
		people = everybody
	}
	for _, person := range people {
		if person.email != "root@x.y" && chance(random, 35) {
			continue
		}
		w.addUser(random, local, simulator.User{
			Email: oneOf(random, person.email, person.email, strings.ToUpper(person.email), punycode(person.email)),
			Name:  oneOf(random, "", "", strings.ToUpper(person.email), "name of "+person.email), DomainOwner: person.email == "root@x.y",
			FirstName: oneOf(random, person.first, "Ann"), LastName: oneOf(random, person.last, "Lee"),
		})
	}
	w.confuse(random, local)
	// The simulator finds the last of several users with one email.
	slices.SortStableFunc(w.users, func(a, b simulator.User) int {
		return cmp.Or(cmp.Compare(mail(a.Email), mail(b.Email)), cmp.Compare(bit(mail(a.Name) == mail(a.Email)), bit(mail(b.Name) == mail(b.Email))))
	})
	usernames := []string{}
	for _, user := range w.users {
		usernames = append(usernames, user.Name)
	}
	if chance(random, 6) {
		usernames = append(usernames, "ghost", "Ghost@x.y") // no such users
	}
	w.choose(random)
	w.holdGroups(random, usernames)
}

func bit(is bool) int { return map[bool]int{true: 1}[is] }

// addUser adds a user of any kind, unless the username is taken.
func (w *world) addUser(random *rand.Rand, local int, user simulator.User) {
	user.Name = cmp.Or(user.Name, user.Email)
	user.IDMType, user.Type, user.SyncMode = "SSO", oneOf(random, "", "", "", "", "", "", "SERVICE", "DEBUG"), oneOf(random, "", "", "", "", "", "SCIM")
	user.Disabled = chance(random, 10)
	if chance(random, local) {
		user.IDMType = "VOLTERRA_MANAGED"
	}
	if chance(random, 30) {
		user.NamespaceRoles = []simulator.Role{{Namespace: "*", Role: oneOf(random, "monitor", "admin")}}
	}
	if !slices.ContainsFunc(w.users, func(other simulator.User) bool { return strings.EqualFold(other.Name, user.Name) }) {
		w.users = append(w.users, user)
	}
}

// confuse adds users who are hard to tell apart: with usernames that are other
// people's emails, with emails that several have, and without emails.
func (w *world) confuse(random *rand.Rand, local int) {
	add := func(email, name string) {
		w.addUser(random, local, simulator.User{Email: email, Name: name, FirstName: "An", LastName: "Other"})
	}
	some := func() *simulator.User { return &w.users[random.IntN(len(w.users))] }
	if chance(random, 10) {
		one, other := some(), some()
		one.Name, other.Name = other.Name, one.Name
	}
	if chance(random, 15) {
		add("another@x.y", pick(random, ordinary).email)
	}
	for range oneOf(random, 0, 0, 0, 0, 1, 2) {
		email := some().Email
		add(oneOf(random, email, strings.ToUpper(email), punycode(mail(email))), oneOf(random, "twin of "+email, "", mail(email)))
	}
	if chance(random, 10) {
		add("", "without email")
		add("", pick(random, ordinary).email)
	}
}

// choose chooses the caller, and users that the listing lacks.
func (w *world) choose(random *rand.Rand) {
	emails := map[string]int{}
	for _, user := range w.users {
		emails[strings.ToLower(user.Email)]++
	}
	user := pick(random, w.users)
	w.callerUser = strings.ToLower(user.Name)
	switch {
	case user.Email != "" && emails[strings.ToLower(user.Email)] == 1:
		w.caller = user.Email
	case emails[w.callerUser] == 0:
		w.caller = user.Name
	}
	if w.caller == "" || chance(random, 4) {
		w.caller, w.callerUser = "nobody", "nobody" // whoami fails
	}
	if chance(random, 8) {
		for range oneOf(random, 1, 1, 2, 4) {
			// Deleting one of two with one email deletes either. One with an
			// internationalized domain can be created again in its other spelling, and
			// is then two members of one email.
			user := pick(random, w.users)
			twins := len(heldOf(simulator.State{Users: w.users}).withEmail(mail(user.Email))) > 1
			if !twins && punycode(mail(user.Email)) == mail(user.Email) {
				w.unlisted[strings.ToLower(user.Name)] = true
			}
		}
	}
	if len(w.unlisted) == len(w.users) {
		clear(w.unlisted)
	}
}

// holdGroups fills the tenant's groups from the usernames.
func (w *world) holdGroups(random *rand.Rand, usernames []string) {
	crowd := oneOf(random, 20, 40, 70)
	for _, name := range w.rules.groupNames() {
		if chance(random, 45) {
			continue
		}
		group := simulator.Group{
			Name: name, DisplayName: oneOf(random, name, "Shown "+name, ""), Description: oneOf(random, marker, marker, marker+" since 2024", "by hand", "x "+marker),
			SyncID: oneOf(random, "", "id-"+name), SyncMode: oneOf(random, "", "", "", "", "", "", "SCIM"),
			ReferencesCount: oneOf(random, nil, nil, nil, nil, map[string]int{"policy": 1}, map[string]int{"policy": 0}),
		}
		if chance(random, 50) {
			group.NamespaceRoles = []simulator.Role{{Namespace: "*", Role: "monitor"}, {Namespace: "system", Role: "admin"}}[:1+random.IntN(2)]
		}
		if chance(random, 4) {
			group.Error = &simulator.Error{Code: "EPARTIAL", Message: "half of it"}
		}
		for _, username := range usernames {
			if chance(random, crowd) {
				group.Usernames = append(group.Usernames, username)
			}
		}
		w.groups = append(w.groups, group)
	}
}

const marker = "Managed by xc-group-sync"

// start makes the tenant as it is before the first run.
func (w *world) start(options ...simulator.Option) *simulator.Tenant {
	return simulator.New(w.users, w.groups, append(options, simulator.WithCaller(w.caller), simulator.WithIDM(""))...)
}

// isOdd reports whether the tenant refuses what its listings let a run plan: it
// has users that the listing lacks, or groups with members who are not users.
func (w *world) isOdd() bool {
	return len(w.unlisted) > 0 || slices.ContainsFunc(w.groups, func(group simulator.Group) bool {
		return slices.Contains(group.Usernames, "ghost") || slices.Contains(group.Usernames, "Ghost@x.y")
	})
}

func (w *world) String() string {
	var b strings.Builder
	plain := *w
	plain.encoding = 0
	fmt.Fprintf(&b, "settings %q\n%scaller %s, unlisted %v, unusable %q, encoding %d\n%s\n", w.args, w.policy, w.caller, w.unlisted, w.unusable, w.encoding, plain.csv(w.rows))
	for _, user := range w.start().Users() {
		fmt.Fprintf(&b, "user %s as %s: %s %s %s owner %v\n", user.Email, user.Name, user.IDMType, user.Type, user.SyncMode, user.DomainOwner)
	}
	for _, group := range w.start().Groups() {
		fmt.Fprintf(&b, "group %s: %q %s %v %v %v\n", group.Name, group.Description, group.SyncMode, group.ReferencesCount, group.Error, group.Usernames)
	}
	return b.String()
}
