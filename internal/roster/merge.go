package roster

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
)

// merger makes one directory of many rows.
type merger struct {
	titles [len(columns)]string // for problems

	everyoneActive bool   // there is no status
	ownStatus      bool   // the status is in the words of status()
	semicolons     bool   // semicolons separate DNs, too
	statusAdvice   string // how to have the status read in those words

	numbers map[directory.Email]int32
	people  [][]person // by number, in pages: the garbage collector is paid by the piece and the pointer
	groups  map[directory.GroupName]*group
	dns     map[string]*spelling // by the DN as written: an export repeats them
	desired directory.Desired
	named   []*spelling // what the row at hand names
	doubts  []doubtful
}

func newMerger(t *table) *merger {
	m := &merger{
		everyoneActive: t.index[inStatus] < 0,
		ownStatus:      t.headings[inStatus].own,
		semicolons:     t.headings[inEntitlements].own,
		statusAdvice:   t.statusAdvice(),
		numbers:        map[directory.Email]int32{},
		groups:         map[directory.GroupName]*group{},
		dns:            map[string]*spelling{},
	}
	for i, heading := range t.headings {
		m.titles[i] = heading.title
	}
	return m
}

type person struct {
	directory.Person
	number           int32  // in merger.people
	display          string // the smallest spelling of the name
	active, inactive bool
	unclear          bool   // a row's status is no known word
	doubts           uint16 // which of merger.doubts count this person
}

type group struct {
	directory.DesiredGroup
	members []int32 // numbers of people, with some repetitions
}

type spelling struct {
	directory.DN
	group *group
}

func (m *merger) add(row *cells, at position) {
	badDN := m.entitlements(row, at)
	p, err := m.person(row[inEmail])
	if err != nil {
		m.problem(at.emailLine, inEmail, row[inEmail], true, "%v; nobody is taken out of the groups that this row names, and no user is deleted in this run", err)
		m.desired.KeepUsers = true
		for _, dn := range m.named {
			dn.group.KeepMembers = true
		}
		if badDN {
			// Neither who nor which group: it may have stated any membership.
			m.desired.KeepMemberships = true
		}
		return
	}
	p.KeepMemberships = p.KeepMemberships || badDN
	if row[inName] != p.display {
		p.learn(row[inName])
	}
	m.status(p, row[inStatus], at)
}

// learn keeps the smallest spelling of the name.
func (p *person) learn(display string) {
	if name := strings.TrimSpace(directory.CleanText(display)); name != "" && (p.display == "" || name < p.display) {
		p.display = strings.Clone(name)
	}
}

func (m *merger) person(text string) (*person, error) {
	text = strings.TrimSpace(text)
	if number, known := m.numbers[directory.Email(text)]; known {
		return m.numbered(number), nil // written as it is kept: the usual case
	}
	email, err := directory.ParseEmail(text)
	if err != nil {
		return nil, err
	}
	number, known := m.numbers[email]
	if !known {
		number = int32(len(m.numbers))
		if number%page == 0 {
			m.people = append(m.people, make([]person, page))
		}
		email = directory.Email(strings.Clone(string(email))) // not a part of the whole row
		*m.numbered(number) = person{Person: directory.Person{Email: email}, number: number}
		m.numbers[email] = number
	}
	return m.numbered(number), nil
}

// page is how many people are kept together.
const page = 256

func (m *merger) numbered(number int32) *person { return &m.people[number/page][number%page] }

// entitlements puts into m.named what the row names, and tells whether
// something in it could not be read.
func (m *merger) entitlements(row *cells, at position) (bad bool) {
	m.named = m.named[:0]
	if strings.TrimSpace(row[inEntitlements]) == "" {
		m.problem(at.entitlementsLine, inEntitlements, row[inEmail], false, "%s has an empty entitlement: the row names no group", shown(row[inEmail]))
		return false
	}
	if dn := m.dns[row[inEntitlements]]; dn != nil {
		m.named = append(m.named, dn) // one DN that is known: the usual case
		return false
	}
	for rest, more := row[inEntitlements], true; more; {
		var text string
		text, rest, more = cutDN(rest, m.semicolons)
		dn, err := m.dn(text)
		if err != nil {
			m.problem(at.entitlementsLine, inEntitlements, row[inEmail], true, "%v; %s is taken out of no group, and no group is deleted in this run", err, shown(row[inEmail]))
			m.desired.KeepGroups = true
			bad = true
			continue
		}
		m.named = append(m.named, dn)
	}
	return bad
}

func shown(email string) string {
	if email = strings.TrimSpace(email); email == "" {
		return "the person without an e-mail"
	}
	return email
}

// cutDN cuts s at the first "|", or with semicolons ";", that is no part of a
// DN, and writes "\|", which RFC 4514 does not know, as "\7C".
func cutDN(s string, semicolons bool) (dn, rest string, more bool) {
	var rewritten strings.Builder
	escaped, kept := false, 0
	for i := range len(s) {
		switch {
		case escaped && s[i] == '|':
			rewritten.WriteString(s[kept:i])
			rewritten.WriteString("7C")
			escaped, kept = false, i+1
		case escaped:
			escaped = false
		case s[i] == '\\':
			escaped = true
		case s[i] == '|', semicolons && s[i] == ';':
			return rewritten.String() + s[kept:i], s[i+1:], true
		}
	}
	return rewritten.String() + s[kept:], "", false
}

// joined finds several DNs that semicolons join. By LDAP's old rules a semicolon
// may stand for a comma: of such a text only the first group would be found,
// and the person would leave the others.
var joined = regexp.MustCompile(`(^|[^\\])(\\\\)*;\s*(?i:cn)\s*=`)

func (m *merger) dn(text string) (*spelling, error) {
	if s := m.dns[text]; s != nil {
		return s, nil
	}
	if strings.Contains(text, ";") && joined.MatchString(text) {
		return nil, fmt.Errorf("%q is several DNs: they are separated by |", text)
	}
	if strings.HasSuffix(strings.TrimSpace(text), ".ADPropertyValueCollection") {
		return nil, fmt.Errorf("%q is what PowerShell writes in place of a list: join its items by | before the export", strings.TrimSpace(text))
	}
	text = strings.Clone(text)
	dn, err := directory.ParseDN(text)
	if err != nil {
		return nil, err
	}
	g := m.groups[dn.GroupName()]
	if g == nil {
		g = &group{DesiredGroup: directory.DesiredGroup{Name: dn.GroupName()}}
		m.groups[dn.GroupName()] = g
	}
	g.learn(dn)
	s := &spelling{DN: dn, group: g}
	m.dns[text] = s
	return s, nil
}

// learn keeps one spelling of each DN: the smallest.
func (g *group) learn(dn directory.DN) {
	for i, known := range g.DNs {
		if known.Key() == dn.Key() {
			if dn.String() < known.String() {
				g.DNs[i] = dn
			}
			return
		}
	}
	g.DNs = append(g.DNs, dn)
}

func (m *merger) problem(line, column int, person string, badRow bool, format string, args ...any) {
	m.desired.Problems = append(m.desired.Problems, directory.Problem{
		Line: line, Column: m.titles[column], Person: strings.Clone(strings.TrimSpace(person)), Message: fmt.Sprintf(format, args...), BadRow: badRow,
	})
}

func (m *merger) finish() *directory.Desired {
	m.tellDoubts()
	desired := m.desired
	ranks := make([]int32, len(m.numbers)) // by number
	everyone := make([]*person, len(m.numbers))
	for i := range everyone {
		everyone[i] = m.numbered(int32(i))
	}
	slices.SortFunc(everyone, func(a, b *person) int { return cmp.Compare(a.Email, b.Email) })
	desired.People = make([]*directory.Person, 0, len(everyone))
	for i, p := range everyone {
		ranks[p.number] = int32(i)
		p.Name, p.Named = directory.NewPersonName(p.display, p.Email), p.display != ""
		switch {
		case p.active && p.inactive:
			p.Status = directory.Contradicted
		case p.unclear:
			p.Status = directory.Unclear
		case p.inactive:
			p.Status = directory.Inactive
		}
		desired.People = append(desired.People, &p.Person)
	}
	for _, g := range m.groups {
		g.settle(desired.People, ranks)
		desired.Groups = append(desired.Groups, &g.DesiredGroup)
	}
	slices.SortFunc(desired.Groups, func(a, b *directory.DesiredGroup) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(desired.Problems, func(a, b directory.Problem) int { return cmp.Compare(a.Line, b.Line) })
	return &desired
}

// note adds a member. A full list drops its repetitions first, and grows only
// if that was not enough: it is in proportion to the members, not the rows.
func (g *group) note(number int32) {
	if len(g.members) == cap(g.members) {
		slices.Sort(g.members)
		g.members = slices.Compact(g.members)
		if len(g.members) > cap(g.members)/2 {
			g.members = slices.Grow(g.members, len(g.members))
		}
	}
	g.members = append(g.members, number)
}

// settle sorts the members and the DNs, and drops repetitions and everybody
// who is not simply active.
func (g *group) settle(people []*directory.Person, ranks []int32) {
	slices.SortFunc(g.DNs, func(a, b directory.DN) int { return cmp.Compare(a.String(), b.String()) })
	for i, number := range g.members {
		g.members[i] = ranks[number]
	}
	slices.Sort(g.members)
	g.members = slices.Compact(g.members)
	g.Members = make([]*directory.Person, 0, len(g.members))
	for _, rank := range g.members {
		if people[rank].Status == directory.Active {
			g.Members = append(g.Members, people[rank])
		}
	}
	g.members = nil
}
