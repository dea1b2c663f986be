package roster

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
)

// merger makes one directory of many rows.
type merger struct {
	options      Options
	titles       [len(columns)]string // for findings
	ownStatus    bool                 // the status is in words of the user's directory
	semicolons   bool                 // semicolons separate DNs, too
	statusAdvice string               // how to have the status read in words of a directory

	// Of the export at hand.
	everyoneActive bool // there is no status
	readStatus     func(word string) (active, known bool)

	files, without []string // that were read, and those of them without rows

	numbers   map[directory.Email]int32
	people    [][]person // by number, in pages: the garbage collector is paid by the piece and the pointer
	groups    map[directory.GroupName]*group
	dns       map[string]*statedDN // by key
	spellings map[string]*statedDN // by the text as written: an export repeats them
	rowDNs    []*statedDN          // of the row at hand
	anyActive bool                 // a row says that somebody is
	desired   directory.Desired
	findings  *findings
}

func newMerger(options Options) *merger {
	m := &merger{
		options:   options,
		numbers:   map[directory.Email]int32{},
		groups:    map[directory.GroupName]*group{},
		dns:       map[string]*statedDN{},
		spellings: map[string]*statedDN{},
		findings:  newFindings(),
	}
	headings := options.Columns.headings()
	for i, heading := range headings {
		m.titles[i] = heading.title
	}
	m.ownStatus, m.semicolons = headings[inStatus].own, headings[inEntitlements].own
	return m
}

// begin prepares for the rows of an export.
func (m *merger) begin(t *table) {
	m.statusAdvice = t.statusAdvice()
	m.everyoneActive = t.index[inStatus] < 0
	switch {
	case m.everyoneActive:
		m.readStatus = func(string) (active, known bool) { return true, true }
	case t.headings[inStatus].not:
		m.readStatus = inverted
	case m.ownStatus:
		m.readStatus = inWords
	default:
		m.readStatus = inLetters
	}
}

type person struct {
	directory.Person
	number           int32  // in merger.people
	display          string // the smallest spelling of the name
	active, inactive bool
	unclear          bool // a row's status is not known
	out              bool // not in scope
}

type group struct {
	directory.DesiredGroup
	stated  bool    // a valid row names it
	members []int32 // numbers of people, with some repetitions
}

// statedDN is a DN, in its smallest spelling so far, and the group it names; nil
// if it is not in scope.
type statedDN struct {
	directory.DN
	group *group
}

// add takes a row.
func (m *merger) add(row *cells, at position) {
	p, err := m.person(row[inEmail])
	if err == nil && p.Line == 0 {
		p.File, p.Line = m.findings.file, at.emailLine
	}
	badDN := m.entitlements(row, p, at.entitlementsLine)
	if err == nil && m.options.Trace != nil && m.options.Trace(p.Email) {
		m.trace(p, row[inEntitlements], at.emailLine)
	}
	valid := !badDN
	if err != nil {
		m.invalidEmail(row[inEmail], err, at.emailLine)
		valid = false
		m.desired.KeepUsers = true
		for _, dn := range m.rowDNs {
			dn.group.KeepMembers = true
		}
		if badDN {
			// Neither who nor which group: it may have stated any membership.
			m.desired.KeepMemberships = true
		}
	} else if p.out {
		m.outOfScope(p, at.emailLine)
		valid = false
	} else {
		p.KeepMemberships = p.KeepMemberships || badDN
		if row[inName] != p.display {
			p.learnName(row[inName])
		}
		if !m.status(p, row[inStatus], at.emailLine) {
			valid = false
		}
	}
	if !valid {
		m.findings.invalidRow(min(at.emailLine, at.entitlementsLine))
		return
	}
	for _, dn := range m.rowDNs {
		dn.group.stated = true
	}
}

// maxRows is how many rows about one person are kept.
const maxRows = 1000

// trace keeps a row about a person.
func (m *merger) trace(p *person, entitlements string, line int) {
	if len(p.Rows) == maxRows {
		return
	}
	row := directory.Row{File: m.findings.file, Line: line}
	for rest, more := entitlements, true; more; {
		var text string
		text, rest, more = cutDN(rest, m.semicolons)
		if strings.TrimSpace(text) == "" {
			continue
		}
		stated := directory.RowDN{Text: strings.Clone(directory.Quotable(strings.TrimSpace(text)))}
		switch dn, err := m.dn(text); {
		case err != nil:
			stated.Reason = err.Error()
		case dn.group != nil:
			stated.Group = dn.group.Name
		}
		row.DNs = append(row.DNs, stated)
	}
	p.Rows = append(p.Rows, row)
}

// learnName keeps the smallest spelling of the name.
func (p *person) learnName(display string) {
	if name := directory.CleanName(display); name != "" && (p.display == "" || name < p.display) {
		p.display = strings.Clone(name)
	}
}

// maxEmail is more than any valid email takes, in bytes: nothing longer is
// looked up as it is.
const maxEmail = 254

// person returns the person that a cell names.
func (m *merger) person(cell string) (*person, error) {
	text := strings.TrimSpace(cell)
	if number, known := m.numbers[directory.Email(text)]; known && len(text) <= maxEmail {
		p := m.numbered(number) // written as it is kept: the usual case
		p.learnAddress(text)
		return p, nil
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
		out := m.options.PersonInScope != nil && !m.options.PersonInScope(email)
		*m.numbered(number) = person{Person: directory.Person{Email: email, KeepMemberships: out}, number: number, out: out}
		m.numbers[email] = number
	}
	p := m.numbered(number)
	p.learnAddress(directory.AddressAsSent(text))
	return p, nil
}

// learnAddress keeps the smallest spelling of the address.
func (p *person) learnAddress(address string) {
	switch {
	case address == p.Address || p.Address != "" && address > p.Address:
	case address == string(p.Email):
		p.Address = string(p.Email)
	default:
		p.Address = strings.Clone(address)
	}
}

// page is how many people are kept together.
const page = 256

func (m *merger) numbered(number int32) *person { return &m.people[number/page][number%page] }

func (m *merger) invalidEmail(cell string, err error, line int) {
	var invalid *directory.InvalidError
	if !errors.As(err, &invalid) {
		invalid = &directory.InvalidError{Kind: directory.InvalidEmail, Reason: err.Error()}
	}
	m.findings.add(invalid.Kind, func() directory.Finding {
		return directory.Finding{
			Line: line, Column: m.titles[inEmail], Subject: strings.Clone(directory.Quotable(strings.TrimSpace(cell))),
			Message: invalid.Error() + "; no one will be removed from this row's groups and no users will be deleted in this run",
			Hint:    invalid.Hint,
		}
	})
}

// subject returns how a finding names the person of a row, p or nil, and how
// its message does.
func subject(p *person, cell string) (name, inMessage string) {
	if p != nil {
		return string(p.Email), string(p.Email)
	}
	if cell = strings.TrimSpace(cell); cell == "" {
		return "", "a person without an email"
	}
	name = strings.Clone(directory.Quotable(cell))
	return name, fmt.Sprintf("%q", name)
}

// entitlements puts the DNs that a row names into m.rowDNs, and reports whether
// any is invalid. p is nil if the row's email is invalid.
func (m *merger) entitlements(row *cells, p *person, line int) (bad bool) {
	m.rowDNs = m.rowDNs[:0]
	if dn := m.spellings[row[inEntitlements]]; dn != nil { // one DN that is known: the usual case
		if dn.group != nil {
			m.rowDNs = append(m.rowDNs, dn)
		}
		return false
	}
	ignored := false
	for rest, more := row[inEntitlements], true; more; {
		var text string
		text, rest, more = cutDN(rest, m.semicolons)
		if strings.TrimSpace(text) == "" {
			continue // separators at the ends, or doubled
		}
		dn, err := m.dn(text)
		if err != nil {
			m.invalidDN(row, p, err, line)
			bad = true
			continue
		}
		if dn.group == nil {
			ignored = true
			continue
		}
		m.rowDNs = append(m.rowDNs, dn)
	}
	if bad {
		m.desired.KeepGroups = true
	} else if len(m.rowDNs) == 0 && !ignored {
		m.findings.add(directory.EmptyEntitlement, func() directory.Finding {
			name, inMessage := subject(p, row[inEmail])
			return directory.Finding{
				Line: line, Column: m.titles[inEntitlements], Subject: name,
				Message: fmt.Sprintf("empty entitlement: the row puts %s in no group", inMessage),
			}
		})
	}
	return bad
}

func (m *merger) invalidDN(row *cells, p *person, err error, line int) {
	var invalid *directory.InvalidError
	if !errors.As(err, &invalid) {
		invalid = &directory.InvalidError{Kind: directory.InvalidDN, Reason: err.Error()}
	}
	m.findings.add(invalid.Kind, func() directory.Finding {
		name, inMessage := subject(p, row[inEmail])
		return directory.Finding{
			Line: line, Column: m.titles[inEntitlements], Subject: name,
			Message: fmt.Sprintf("%v; %s will not be removed from any group, and no group will be emptied or deleted in this run", invalid, inMessage),
			Hint:    invalid.Hint,
		}
	})
}

// cutDN cuts s at the first "|", or with semicolons ";", that is not part of a
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

// The spellings that are kept bound the memory that they take, and cost nothing
// in an export that spells its DNs in a few ways.
const (
	maxSpelling   = 1 << 10 // bytes of one that is kept
	freeSpellings = 1 << 12 // kept beside two for each DN
)

func (m *merger) dn(text string) (*statedDN, error) {
	if dn := m.spellings[text]; dn != nil {
		return dn, nil
	}
	text = strings.Clone(text)
	parsed, inScope, err := m.parseDN(text)
	if err != nil {
		return nil, err
	}
	dn := m.dns[parsed.Key()]
	switch {
	case dn == nil && !inScope:
		dn = &statedDN{DN: parsed}
		m.dns[parsed.Key()] = dn
	case dn == nil:
		g := m.groups[parsed.GroupName()]
		if g == nil {
			g = &group{DesiredGroup: directory.DesiredGroup{Name: parsed.GroupName()}}
			m.groups[g.Name] = g
		}
		dn = &statedDN{DN: parsed, group: g}
		m.dns[parsed.Key()] = dn
	case parsed.String() < dn.String():
		dn.DN = parsed
	}
	if len(m.spellings) >= 2*len(m.dns)+freeSpellings {
		clear(m.spellings)
	}
	if len(text) <= maxSpelling {
		m.spellings[text] = dn
	}
	return dn, nil
}

// parseDN reads a DN, gives it its API name, and reports whether it is in scope.
// A DN that is not need have no name.
func (m *merger) parseDN(text string) (dn directory.DN, inScope bool, err error) {
	dn, err = directory.ParseAnyDN(text)
	if err != nil {
		return dn, false, err
	}
	mapped, isMapped := m.options.Names.Apply(dn)
	if isMapped {
		dn = mapped
	} else if named, nameErr := dn.Named(); nameErr == nil {
		dn = named
	} else {
		err = nameErr
	}
	if m.options.GroupInScope != nil && !m.options.GroupInScope(dn) {
		return dn, false, nil
	}
	return dn, true, err
}

func (m *merger) outOfScope(p *person, line int) {
	m.findings.add(directory.OutOfScope, func() directory.Finding {
		return directory.Finding{
			Line: line, Column: m.titles[inEmail], Subject: string(p.Email),
			Message: fmt.Sprintf("%s is not in scope (people); leaving this person unchanged", p.Email),
		}
	})
}

// finish returns the directory that the rows so far make.
func (m *merger) finish() *directory.Desired {
	desired := m.desired
	if m.findings.counts[directory.FieldCount] > 0 {
		desired.KeepMemberships, desired.KeepUsers, desired.KeepGroups = true, true, true
	}
	m.findings.fill(&desired)
	ranks := m.rankPeople(&desired)
	desired.Outside = map[directory.GroupName]bool{}
	for _, dn := range m.dns {
		if dn.group == nil {
			desired.OutOfScope.DNs++
			desired.Outside[dn.GroupName()] = true
		} else {
			dn.group.DNs = append(dn.group.DNs, dn.DN)
		}
	}
	desired.UnusedNames = m.options.Names.Unused(func(yield func(directory.DN) bool) {
		for _, dn := range m.dns {
			if !yield(dn.DN) {
				return
			}
		}
	})
	for _, g := range m.groups {
		g.finish(desired.People, ranks)
		g.KeepMembers = g.KeepMembers || !g.stated || desired.KeepGroups && len(g.Members) == 0
		desired.Groups = append(desired.Groups, &g.DesiredGroup)
	}
	slices.SortFunc(desired.Groups, func(a, b *directory.DesiredGroup) int { return cmp.Compare(a.Name, b.Name) })
	return &desired
}

// rankPeople puts everybody into desired, by email, and returns each one's
// place by number.
func (m *merger) rankPeople(desired *directory.Desired) (ranks []int32) {
	ranks = make([]int32, len(m.numbers))
	everyone := make([]*person, len(m.numbers))
	for i := range everyone {
		everyone[i] = m.numbered(int32(i))
	}
	slices.SortFunc(everyone, func(a, b *person) int { return cmp.Compare(a.Email, b.Email) })
	desired.People = make([]*directory.Person, 0, len(everyone))
	for i, p := range everyone {
		ranks[p.number], p.Rank = int32(i), i
		if p.out {
			desired.OutOfScope.People++
		}
		slices.SortFunc(p.Rows, func(a, b directory.Row) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
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
	return ranks
}

// addMember adds a member. A full list drops its repetitions first, and grows
// only if that was not enough: it is proportional to the members, not the rows.
func (g *group) addMember(number int32) {
	if len(g.members) == cap(g.members) {
		slices.Sort(g.members)
		g.members = slices.Compact(g.members)
		if len(g.members) > cap(g.members)/2 {
			g.members = slices.Grow(g.members, len(g.members))
		}
	}
	g.members = append(g.members, number)
}

// finish sorts the members and the DNs, and drops repetitions and everybody
// who is not simply active.
func (g *group) finish(people []*directory.Person, ranks []int32) {
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
