package soak

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"

	"xc-group-sync/internal/simulator"
)

// The cells that soak exports are made of. What each means stands beside it,
// so that no code of the program is needed to know what an export says.

// named is an e-mail with the name that it gives where the export gives none.
type named struct{ email, first, last string }

var everybody = []named{
	{"ann@x.y", "ann", "ann"}, {"bob@x.y", "bob", "bob"}, {"cyd@x.y", "cyd", "cyd"}, {"dee@x.y", "dee", "dee"},
	{"eve@x.y", "eve", "eve"}, {"fay@partner.z", "fay", "fay"}, {"gus@partner.z", "gus", "gus"}, {"hal@x.y", "hal", "hal"},
	{"jürgen@x.y", "jürgen", "jürgen"}, {"mary-ann.lee@x.y", "mary ann", "lee"}, {"o'neil@x.y", "o'neil", "o'neil"},
	{"root@x.y", "root", "root"}, {"svc@x.y", "svc", "svc"}, {"old1@x.y", "old1", "old1"}, {"old2@x.y", "old2", "old2"}, {"old3@x.y", "old3", "old3"},
}

var badEmailCells = []string{"", "  ", "nobody", "a@@x.y", "a b@x.y", "@x.y", "ann@", "ann@x.y;bob@x.y", `"ann"@x.y`, "a\x01@x.y", "ann\u202e@x.y", "bob@x.y\u200b", "\ufeffann@x.y", "“ann@x.y”", "'bob@x.y", "bob@x.y."}

// dnCell is a DN with the group that it names; cells of one key are one DN.
type dnCell struct{ text, group, key, cn string }

func (d dnCell) bad() bool { return d.group == "" }

var longCN = strings.Repeat("Long ", 14) + "End"

var dnCells = []dnCell{
	{`CN=Team A,OU=g`, "team-a", "team a,g", "Team A"}, {`cn=team a,ou=G`, "team-a", "team a,g", "team a"}, {`CN=Team\20A,OU=g`, "team-a", "team a,g", "Team A"},
	{`CN=Ops,OU=g`, "ops", "ops,g", "Ops"}, {`CN=OPS,OU=g`, "ops", "ops,g", "OPS"}, {`CN=Dev,OU=g`, "dev", "dev,g", "Dev"},
	{`CN=Data \| ML,OU=g`, "data-ml", "data | ml,g", "Data | ML"}, {`CN=DATA \7C ML,OU=g`, "data-ml", "data | ml,g", "DATA | ML"},
	{`CN=Zürich,OU=g`, "z-rich", "zürich,g", "Zürich"}, {`CN=Net\,Core,OU=g`, "net-core", "net,core,g", "Net,Core"},
	{`OU=g,CN=Deep,DC=x`, "deep", "g,deep,x", "Deep"}, {`CN=` + longCN + `,OU=g`, strings.Repeat("long-", 12) + "lon", "long,g", longCN},
}

// collisions agree with DNs above in the API name only.
var collisions = []dnCell{
	{`CN=Team A,OU=other`, "team-a", "team a,other", "Team A"}, {`CN=Team-A,OU=g`, "team-a", "team-a,g", "Team-A"}, {`CN=Ops!,OU=g`, "ops", "ops!,g", "Ops!"},
}

var badDNCells = []string{"CN=1st,OU=g", "zzz", "OU=g", `CN=bad\`, "CN=a\x01b", "CN=é", "CN=x,y", "CN=Ops,DC=x,CN=Dev,DC=x", "CN=Ops#CN=Dev", "NULL"}

// nameCell is a display name; text is what of it is compared, empty for none.
type nameCell struct{ cell, text, first, last string }

var nameCells = []nameCell{
	{}, {"Ann Lee", "Ann Lee", "Ann", "Lee"}, {" Zoe ", "Zoe", "Zoe", "Zoe"}, {"Ludwig van B", "Ludwig van B", "Ludwig van", "B"},
	{"Bob\nRay", "Bob Ray", "Bob", "Ray"}, {"\u200e", "", "", ""}, {"=cmd() ::x", "=cmd() ::x", "=cmd()", "::x"},
}

// exportRow is a row of an export.
type exportRow struct {
	cell   string // the e-mail as it stands
	email  string // who that is; empty where it is malformed
	dns    []dnCell
	name   nameCell
	status string
	odd    int // fields too many, or too few
}

// unclear reports whether the status says neither.
func (r exportRow) unclear() bool { return r.status == " " || r.status == "Active" }

func (r exportRow) active() bool { return strings.TrimSpace(strings.ToLower(r.status)) == "a" }

// world is an export, a tenant, and settings.
type world struct {
	seed              uint64
	rows              []exportRow
	noStatus, noNames bool
	unusable          string // what makes the export as a whole no good; empty: nothing
	encoding          int
	users             []simulator.User
	groups            []simulator.Group
	caller            string
	rules             rules
	args              []string // but for those of one run only
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

func newWorld(seed uint64) *world {
	random := rand.New(rand.NewPCG(seed, 1))
	w := &world{seed: seed}
	w.export(random)
	w.tenant(random)
	w.settings(random)
	return w
}

// export fills the rows. Each kind of bad row is in some exports only, or
// everything would always be held back.
func (w *world) export(random *rand.Rand) {
	badEmails, badDNs, badWidths, both, collide := chance(random, 15), chance(random, 15), chance(random, 6), chance(random, 20), chance(random, 20)
	w.noStatus, w.noNames, w.encoding = chance(random, 10), chance(random, 10), random.IntN(5)
	if chance(random, 4) {
		w.unusable = oneOf(random, "no column", "column twice", "quote", "not UTF-8", "no group")
	}
	people, dns := some(random, everybody), some(random, dnCells)
	if collide {
		dns = append(dns, collisions...)
	}
	status := map[string]string{}
	for range 1 + random.IntN(2*len(people)) {
		person := pick(random, people)
		if status[person.email] == "" || both && chance(random, 20) {
			status[person.email] = oneOf(random, "A", "A", "A", "A", "a ", "I", "T", "Inactive", " ", "Active")
		}
		row := exportRow{email: person.email, status: status[person.email], name: pick(random, nameCells)}
		row.cell = oneOf(random, person.email, person.email, strings.ToUpper(person.email), " "+person.email+" ", norm.NFD.String(person.email))
		for range oneOf(random, 0, 1, 1, 2, 3) {
			row.dns = append(row.dns, pick(random, dns))
		}
		if badEmails && chance(random, 20) {
			row.cell, row.email = pick(random, badEmailCells), ""
		}
		if badDNs && chance(random, 20) {
			row.dns = append(row.dns, dnCell{text: pick(random, badDNCells)})
		}
		if badWidths && chance(random, 20) {
			row.odd = oneOf(random, -1, 1, 3)
		}
		w.rows = append(w.rows, row)
	}
	w.makeUnusable()
}

// makeUnusable makes an export that names no group if that is wanted, and finds
// out if it happens to be one that could only empty groups.
func (w *world) makeUnusable() {
	if w.unusable == "no group" {
		for i := range w.rows {
			w.rows[i].dns = nil
		}
	}
	group, good, active := false, false, false
	for _, r := range w.rows {
		if r.odd != 0 {
			continue
		}
		unclear := !w.noStatus && r.unclear()
		group = group || slices.ContainsFunc(r.dns, func(d dnCell) bool { return !d.bad() })
		good = good || r.email != "" && !unclear && !slices.ContainsFunc(r.dns, dnCell.bad)
		active = active || r.email != "" && (w.noStatus || r.active())
	}
	if w.unusable == "" && !(group && good && active) {
		w.unusable = "no group"
	}
}

// csv writes the rows in their order.
func (w *world) csv(rows []exportRow) string {
	order := rand.New(rand.NewPCG(w.seed, 2)).Perm(5)
	head := []string{"Email", "Entitlement Display Name", "User Display Name", "Employee Status", "Ignored"}
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
		head[4] = " email "
	}
	var text bytes.Buffer
	writer := csv.NewWriter(&text)
	writer.UseCRLF = w.encoding == 1
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
		text.WriteString("a,\"b\n")
	case "not UTF-8":
		text.WriteString("a,b\xff,c,d,e\n")
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
	usernames := []string{}
	for _, person := range everybody {
		if person.email != "root@x.y" && chance(random, 35) {
			continue
		}
		user := simulator.User{
			Email: oneOf(random, person.email, person.email, strings.ToUpper(person.email)), Name: oneOf(random, "", "", strings.ToUpper(person.email), "name of "+person.email),
			FirstName: oneOf(random, person.first, "Ann"), LastName: oneOf(random, person.last, "Lee"),
			IDMType: "SSO", Type: oneOf(random, "", "", "", "", "", "", "SERVICE", "DEBUG"), SyncMode: oneOf(random, "", "", "", "", "", "SCIM"),
			DomainOwner: person.email == "root@x.y", Disabled: chance(random, 10),
		}
		if chance(random, local) {
			user.IDMType = "VOLTERRA_MANAGED"
		}
		if chance(random, 30) {
			user.NamespaceRoles = []simulator.Role{{Namespace: "*", Role: oneOf(random, "monitor", "admin")}}
		}
		usernames = append(usernames, user.Name)
		if user.Name == "" {
			usernames[len(usernames)-1] = user.Email
		}
		w.users = append(w.users, user)
	}
	w.caller = pick(random, w.users).Email
	if chance(random, 6) {
		usernames = append(usernames, "ghost", "Ghost@x.y") // no such users
	}
	w.holdGroups(random, usernames)
}

// holdGroups fills the tenant's groups from the usernames.
func (w *world) holdGroups(random *rand.Rand, usernames []string) {
	crowd := oneOf(random, 20, 40, 70)
	names := map[string]bool{"legacy": true, "old-1": true, "old-2": true, "xc-x": true, "keep-me": true}
	for _, dn := range dnCells {
		names[dn.group] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
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

func (w *world) String() string {
	var b strings.Builder
	plain := *w
	plain.encoding = 0
	fmt.Fprintf(&b, "settings %q, caller %s, unusable %q, encoding %d\n%s\n", w.args, w.caller, w.unusable, w.encoding, plain.csv(w.rows))
	for _, user := range w.start().Users() {
		fmt.Fprintf(&b, "user %s as %s: %s %s %s owner %v\n", user.Email, user.Name, user.IDMType, user.Type, user.SyncMode, user.DomainOwner)
	}
	for _, group := range w.start().Groups() {
		fmt.Fprintf(&b, "group %s: %q %s %v %v %v\n", group.Name, group.Description, group.SyncMode, group.ReferencesCount, group.Error, group.Usernames)
	}
	return b.String()
}
