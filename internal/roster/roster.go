// Package roster reads the CSV export of a company's directory and makes of it
// the directory that is desired, with every problem's line and column. It
// knows nothing of XC, and the order of the rows never matters to it.
package roster

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gocarina/gocsv"

	"xc-group-sync/internal/directory"
)

// Error says why a CSV cannot be used at all.
type Error struct{ directory.Problem }

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

func fail(line int, column, format string, args ...any) error {
	return &Error{directory.Problem{Line: line, Column: column, Message: fmt.Sprintf(format, args...)}}
}

// Read reads the export to its end. Rows that cannot be used become problems;
// the error, always an *Error, means that the file as a whole cannot: a broken
// CSV, a required column missing or doubled, no row that names a group.
func Read(r io.Reader) (*directory.Desired, error) {
	t, err := newTable(r)
	if err != nil {
		return nil, err
	}
	m := merger{
		people: map[directory.Email]*person{},
		groups: map[directory.GroupName]*group{},
		dns:    map[string]*spelling{},
		// Without the column everybody is active.
		everyoneActive: t.index[slices.Index(columns[:], columnStatus)] < 0,
	}
	var rows []row
	for !t.eof {
		rows = rows[:0]
		if err := gocsv.UnmarshalCSV(t, &rows); err != nil {
			return nil, err
		}
		for i := range t.positions {
			m.add(&rows[i], t.positions[i])
		}
	}
	if len(t.problems) > 0 {
		m.desired.KeepMemberships, m.desired.KeepUsers, m.desired.KeepGroups = true, true, true
		m.desired.Problems = append(m.desired.Problems, t.problems...)
	}
	desired := m.finish()
	if len(desired.Groups) == 0 {
		return nil, fail(0, columnEntitlements, "no row names a group: an export without groups would empty every group of the tenant, so it is refused%s", unusable(desired.Problems))
	}
	return desired, nil
}

func unusable(problems []directory.Problem) string {
	if len(problems) == 0 {
		return ""
	}
	return fmt.Sprintf(" (the first of %d problems is in line %d)", len(problems), problems[0].Line)
}

// merger makes one directory of many rows.
type merger struct {
	people         map[directory.Email]*person
	groups         map[directory.GroupName]*group
	dns            map[string]*spelling // by the DN as written: an export repeats them
	everyoneActive bool
	desired        directory.Desired
	named          []*spelling // what the row at hand names
}

type person struct {
	directory.Person
	display          string // the smallest spelling of the name
	active, inactive bool
}

type group struct {
	directory.DesiredGroup
	members []*person // with repetitions
}

type spelling struct {
	directory.DN
	group *group
}

func (m *merger) add(r *row, at position) {
	badDN := m.entitlements(r, at)
	p, err := m.person(r.Email)
	if err != nil {
		m.problem(at.emailLine, columnEmail, r.Email, true, "%v; nobody is taken out of the groups that this row names, and no user is deleted in this run", err)
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
	if name := strings.TrimSpace(directory.CleanText(r.Name)); name != "" && (p.display == "" || name < p.display) {
		p.display = strings.Clone(name)
	}
	wasBoth := p.active && p.inactive
	if m.everyoneActive || strings.EqualFold(strings.TrimSpace(r.Status), "A") {
		p.active = true
		for _, dn := range m.named {
			dn.group.members = append(dn.group.members, p)
		}
	} else {
		p.inactive = true
	}
	if p.active && p.inactive && !wasBoth {
		m.problem(at.emailLine, columnStatus, string(p.Email), false, "%s is active in one row and inactive in another: nothing of this person is changed", p.Email)
	}
}

func (m *merger) person(text string) (*person, error) {
	text = strings.TrimSpace(text)
	if p := m.people[directory.Email(text)]; p != nil {
		return p, nil // written as it is kept: the usual case
	}
	email, err := directory.ParseEmail(text)
	if err != nil {
		return nil, err
	}
	p := m.people[email]
	if p == nil {
		email = directory.Email(strings.Clone(string(email))) // not a part of the whole row
		p = &person{Person: directory.Person{Email: email}}
		m.people[email] = p
	}
	return p, nil
}

// entitlements puts into m.named what the row names, and tells whether
// something in it could not be read.
func (m *merger) entitlements(r *row, at position) (bad bool) {
	m.named = m.named[:0]
	if strings.TrimSpace(r.Entitlements) == "" {
		m.problem(at.entitlementsLine, columnEntitlements, r.Email, false, "%s has an empty entitlement: the row names no group", shown(r.Email))
		return false
	}
	for rest, more := r.Entitlements, true; more; {
		var text string
		text, rest, more = cutDN(rest)
		dn, err := m.dn(text)
		if err != nil {
			m.problem(at.entitlementsLine, columnEntitlements, r.Email, true, "%v; %s is taken out of no group, and no group is deleted in this run", err, shown(r.Email))
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

// cutDN cuts s at the first "|" that is no part of a DN, and writes "\|", which
// RFC 4514 does not know, as "\7C".
func cutDN(s string) (dn, rest string, more bool) {
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
		case s[i] == '|':
			return rewritten.String() + s[kept:i], s[i+1:], true
		}
	}
	return rewritten.String() + s[kept:], "", false
}

func (m *merger) dn(text string) (*spelling, error) {
	if s := m.dns[text]; s != nil {
		return s, nil
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

func (m *merger) problem(line int, column, person string, badRow bool, format string, args ...any) {
	m.desired.Problems = append(m.desired.Problems, directory.Problem{
		Line: line, Column: column, Person: strings.Clone(strings.TrimSpace(person)), Message: fmt.Sprintf(format, args...), BadRow: badRow,
	})
}

func (m *merger) finish() *directory.Desired {
	desired := m.desired
	desired.People = make([]*directory.Person, 0, len(m.people))
	for _, p := range m.people {
		p.Name, p.Named = directory.NewPersonName(p.display, p.Email), p.display != ""
		switch {
		case p.active && p.inactive:
			p.Status = directory.Contradicted
		case p.inactive:
			p.Status = directory.Inactive
		}
		desired.People = append(desired.People, &p.Person)
	}
	slices.SortFunc(desired.People, func(a, b *directory.Person) int { return cmp.Compare(a.Email, b.Email) })
	for _, g := range m.groups {
		g.settle()
		desired.Groups = append(desired.Groups, &g.DesiredGroup)
	}
	slices.SortFunc(desired.Groups, func(a, b *directory.DesiredGroup) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(desired.Problems, func(a, b directory.Problem) int { return cmp.Compare(a.Line, b.Line) })
	return &desired
}

// settle sorts the members and the DNs, and drops repetitions and everybody
// who is not simply active.
func (g *group) settle() {
	slices.SortFunc(g.DNs, func(a, b directory.DN) int { return cmp.Compare(a.String(), b.String()) })
	for _, p := range g.members {
		if !p.inactive {
			g.Members = append(g.Members, &p.Person)
		}
	}
	g.members = nil
	slices.SortFunc(g.Members, func(a, b *directory.Person) int { return cmp.Compare(a.Email, b.Email) })
	g.Members = slices.Compact(g.Members)
}
