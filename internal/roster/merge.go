package roster

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
)

// begin prepares for the rows of an export.
func (r *Roster) begin(t *table) {
	r.everyoneActive = t.index[inStatus] < 0
	switch {
	case r.everyoneActive:
		r.warnUnreadStatus(t)
		r.readStatus = func(string) (active, known bool) { return true, true }
	case r.headings[inStatus].not:
		r.readStatus = inverted
	case r.headings[inStatus].own:
		r.readStatus = inWords
	default:
		r.readStatus = inLetters
	}
}

type person struct {
	directory.Person
	number           int32  // in Roster.people
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

// statedDN is a DN, in its smallest spelling so far, and the group it names; the
// group is nil if it is not in scope.
type statedDN struct {
	directory.DN
	group *group
}

// add adds a row.
func (r *Roster) add(row *cells, at position) {
	p, err := r.person(row[inEmail])
	if err == nil && p.Line == 0 {
		p.File, p.Line = r.findings.file, at.emailLine
	}
	badDN := r.entitlements(row, p, at.entitlementsLine)
	if err == nil && r.options.Trace != nil && r.options.Trace(p.Email) {
		r.trace(p, row[inEntitlements], at.emailLine)
	}
	valid := !badDN
	if err != nil {
		r.invalidEmail(row[inEmail], err, at.emailLine)
		valid = false
		r.desired.KeepUsers = true
		for _, dn := range r.rowDNs {
			dn.group.KeepMembers = true
		}
		if badDN {
			// Neither the person nor the group is known: it may have stated any
			// membership.
			r.desired.KeepMemberships = true
		}
	} else if p.out {
		r.outOfScope(p, at.emailLine)
		valid = false
	} else {
		p.KeepMemberships = p.KeepMemberships || badDN
		if row[inName] != p.display {
			p.learnName(row[inName])
		}
		if !r.status(p, row[inStatus], at.emailLine) {
			valid = false
		}
	}
	if !valid {
		r.findings.invalidRow(min(at.emailLine, at.entitlementsLine))
		return
	}
	for _, dn := range r.rowDNs {
		dn.group.stated = true
	}
}

// maxRows is how many rows about one person are kept.
const maxRows = 1000

// trace keeps a row about a person.
func (r *Roster) trace(p *person, entitlements string, line int) {
	if len(p.Rows) == maxRows {
		return
	}
	row := directory.Row{File: r.findings.file, Line: line}
	for text := range r.pieces(entitlements) {
		stated := directory.RowDN{Text: strings.Clone(directory.Quotable(strings.TrimSpace(text)))}
		switch dn, err := r.dn(text); {
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

// person returns the person that a cell names.
func (r *Roster) person(cell string) (*person, error) {
	text := strings.TrimSpace(cell)
	// Nearly all emails are written as they are kept. One that is too long to be
	// sent as written may be kept because it is short enough in Punycode.
	if number, known := r.numbers[directory.Email(text)]; known && len(text) <= directory.MaxEmail {
		p := r.numbered(number)
		p.learnAddress(text)
		return p, nil
	}
	email, err := directory.ParseEmail(text)
	if err != nil {
		return nil, err
	}
	number, known := r.numbers[email]
	if !known {
		number = int32(len(r.numbers))
		if number%page == 0 {
			r.people = append(r.people, make([]person, page))
		}
		email = directory.Email(strings.Clone(string(email))) // a copy, so that it does not keep the whole row in memory
		out := r.options.PersonInScope != nil && !r.options.PersonInScope(email)
		*r.numbered(number) = person{Person: directory.Person{Email: email, KeepMemberships: out}, number: number, out: out}
		r.numbers[email] = number
	}
	p := r.numbered(number)
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

// page is how many people are allocated together.
const page = 256

func (r *Roster) numbered(number int32) *person { return &r.people[number/page][number%page] }

func (r *Roster) invalidEmail(cell string, err error, line int) {
	invalid, _ := errors.AsType[*directory.InvalidError](err)
	r.findings.add(invalid.Kind, func() directory.Finding {
		return directory.Finding{
			Line: line, Column: r.headings[inEmail].title, Subject: strings.Clone(directory.Quotable(strings.TrimSpace(cell))),
			Message: invalid.Error() + "; no one will be removed from this row's groups and no users will be deleted in this run",
			Hint:    invalid.Hint,
		}
	})
}

// subject returns the person of a row as a finding's Subject and as its message
// names them. p is nil if the email is invalid.
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

// entitlements puts the DNs that a row names into r.rowDNs, and reports whether
// any is invalid. p is nil if the row's email is invalid.
func (r *Roster) entitlements(row *cells, p *person, line int) (bad bool) {
	r.rowDNs = r.rowDNs[:0]
	if dn := r.spellings[row[inEntitlements]]; dn != nil { // one known DN: the usual case
		if dn.group != nil {
			r.rowDNs = append(r.rowDNs, dn)
		}
		return false
	}
	ignored := false
	for text := range r.pieces(row[inEntitlements]) {
		dn, err := r.dn(text)
		if err != nil {
			r.invalidDN(row, p, err, line)
			bad = true
			continue
		}
		if dn.group == nil {
			ignored = true
			continue
		}
		r.rowDNs = append(r.rowDNs, dn)
	}
	if bad {
		r.desired.KeepGroups = true
	} else if len(r.rowDNs) == 0 && !ignored {
		r.findings.add(directory.EmptyEntitlement, func() directory.Finding {
			name, inMessage := subject(p, row[inEmail])
			return directory.Finding{
				Line: line, Column: r.headings[inEntitlements].title, Subject: name,
				Message: fmt.Sprintf("empty entitlement: the row puts %s in no group", inMessage),
			}
		})
	}
	return bad
}

func (r *Roster) invalidDN(row *cells, p *person, err error, line int) {
	invalid, _ := errors.AsType[*directory.InvalidError](err)
	r.findings.add(invalid.Kind, func() directory.Finding {
		name, inMessage := subject(p, row[inEmail])
		return directory.Finding{
			Line: line, Column: r.headings[inEntitlements].title, Subject: name,
			Message: fmt.Sprintf("%v; %s will not be removed from any group, and no group will be emptied or deleted in this run", invalid, inMessage),
			Hint:    invalid.Hint,
		}
	})
}

// pieces yields the DNs in a cell, as they are written. Empty ones, from doubled,
// leading or trailing separators, are skipped.
func (r *Roster) pieces(cell string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for more := true; more; {
			var text string
			text, cell, more = cutDN(cell, r.headings[inEntitlements].own)
			if strings.TrimSpace(text) != "" && !yield(text) {
				return
			}
		}
	}
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

// The limits of the cache of spellings bound its memory, and have no effect on an
// export that spells its DNs in a few ways.
const (
	maxSpelling   = 1 << 10 // longest spelling that is kept, in bytes
	freeSpellings = 1 << 12 // kept in addition to two for each DN
)

func (r *Roster) dn(text string) (*statedDN, error) {
	if dn := r.spellings[text]; dn != nil {
		return dn, nil
	}
	text = strings.Clone(text)
	parsed, inScope, err := r.parseDN(text)
	if err != nil {
		return nil, err
	}
	dn := r.dns[parsed.Key()]
	if dn == nil {
		dn = &statedDN{DN: parsed}
		if inScope {
			dn.group = r.group(parsed.GroupName())
		}
		r.dns[parsed.Key()] = dn
	} else if parsed.String() < dn.String() {
		dn.DN = parsed
	}
	if len(r.spellings) >= 2*len(r.dns)+freeSpellings {
		clear(r.spellings)
	}
	if len(text) <= maxSpelling {
		r.spellings[text] = dn
	}
	return dn, nil
}

func (r *Roster) group(name directory.GroupName) *group {
	g := r.groups[name]
	if g == nil {
		g = &group{DesiredGroup: directory.DesiredGroup{Name: name}}
		r.groups[name] = g
	}
	return g
}

// parseDN reads a DN, gives it its API name, and reports whether it is in scope.
// A DN that is not in scope need not have a name.
func (r *Roster) parseDN(text string) (dn directory.DN, inScope bool, err error) {
	dn, err = directory.ParseAnyDN(text)
	if err != nil {
		return dn, false, err
	}
	dn, mapped := r.options.Names.Apply(dn)
	if !mapped {
		dn, err = dn.Named()
	}
	if r.options.GroupInScope != nil && !r.options.GroupInScope(dn) {
		return dn, false, nil
	}
	return dn, true, err
}

func (r *Roster) outOfScope(p *person, line int) {
	r.findings.add(directory.OutOfScope, func() directory.Finding {
		return directory.Finding{
			Line: line, Column: r.headings[inEmail].title, Subject: string(p.Email),
			Message: fmt.Sprintf("%s is not in scope (people); leaving this person unchanged", p.Email),
		}
	})
}

// finish returns the directory that the rows so far describe.
func (r *Roster) finish() *directory.Desired {
	desired := r.desired
	if r.findings.counts[directory.FieldCount] > 0 {
		desired.KeepMemberships, desired.KeepUsers, desired.KeepGroups = true, true, true
	}
	r.findings.fill(&desired)
	ranks := r.rankPeople(&desired)
	desired.Outside = map[directory.GroupName]bool{}
	dns := make([]directory.DN, 0, len(r.dns))
	for _, dn := range r.dns {
		dns = append(dns, dn.DN)
		if dn.group == nil {
			desired.OutOfScope.DNs++
			desired.Outside[dn.GroupName()] = true
		} else {
			dn.group.DNs = append(dn.group.DNs, dn.DN)
		}
	}
	desired.UnusedNames = r.options.Names.Unused(dns)
	for _, g := range r.groups {
		g.finish(desired.People, ranks)
		g.KeepMembers = g.KeepMembers || !g.stated || desired.KeepGroups && len(g.Members) == 0
		desired.Groups = append(desired.Groups, &g.DesiredGroup)
	}
	slices.SortFunc(desired.Groups, func(a, b *directory.DesiredGroup) int { return cmp.Compare(a.Name, b.Name) })
	return &desired
}

// rankPeople puts everybody into desired, sorted by email, and returns each
// person's rank by number.
func (r *Roster) rankPeople(desired *directory.Desired) (ranks []int32) {
	ranks = make([]int32, len(r.numbers))
	everyone := make([]*person, len(r.numbers))
	for i := range everyone {
		everyone[i] = r.numbered(int32(i))
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
