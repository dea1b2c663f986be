package roster

import (
	"fmt"
	"slices"
	"strings"
)

// status reads a word of a status column whose title is the user's own. Whoever
// is only kept from signing in for a while is active: a mistyped password must
// cost nobody their groups. A word that is not known is not guessed at.
func status(word string) (active, known bool) {
	switch statusKey(word) {
	case "a", "active", "true", "enabled", "1", "yes", "y",
		"provisioned", "recovery", "password_expired", "password_reset", "locked_out": // Okta's
		return true, true
	case "i", "inactive", "false", "disabled", "0", "no", "n", "terminated", "deactivated",
		"staged", "suspended", "deprovisioned": // Okta's
		return false, true
	}
	return false, false
}

// statusKey is equal for two spellings of one word.
func statusKey(word string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(word)), " ", "_")
}

// status takes note of what a row says of a person who is known.
func (m *merger) status(p *person, word string, at position) {
	wasBoth := p.active && p.inactive
	switch active, known := m.isActive(word); {
	case !known:
		p.unknownStatus(word)
		m.problem(at.emailLine, inStatus, string(p.Email), true, "%s has the status %.60q, which is no known word for active or inactive: nothing of this person is changed", p.Email, word)
	case active:
		p.active = true
		for _, dn := range m.named {
			dn.group.note(p.number)
		}
	default:
		p.inactive = true
		m.doubt(p, word, at.emailLine)
	}
	if p.active && p.inactive && !wasBoth {
		m.problem(at.emailLine, inStatus, string(p.Email), false, "%s is active in one row and inactive in another: nothing of this person is changed", p.Email)
	}
}

func (m *merger) isActive(word string) (active, known bool) {
	switch {
	case m.everyoneActive:
		return true, true
	case m.ownStatus:
		return status(word)
	}
	return strings.EqualFold(strings.TrimSpace(word), "A"), true
}

// unknownStatus keeps the smallest of the words that are not known.
func (p *person) unknownStatus(word string) {
	if word = fmt.Sprintf("%.60s", strings.TrimSpace(word)); !p.unclear || word < p.StatusWord {
		p.unclear, p.StatusWord = true, word
	}
}

// doubtful is a word for active people, or none at all, that takes people out
// of their groups, since under the standard titles only A is active.
type doubtful struct {
	key    string
	word   string // its smallest spelling; empty: the cell is
	line   int    // the first with it
	people int
}

// doubt takes note of a word that counts as inactive and may not be meant so.
func (m *merger) doubt(p *person, word string, line int) {
	word = strings.TrimSpace(word)
	if active, _ := status(word); !active && word != "" {
		return
	}
	key := statusKey(word)
	i := slices.IndexFunc(m.doubts, func(d doubtful) bool { return d.key == key })
	if i < 0 {
		i = len(m.doubts)
		m.doubts = append(m.doubts, doubtful{key: strings.Clone(key), word: strings.Clone(word), line: line})
	}
	d := &m.doubts[i]
	if word < d.word {
		d.word = strings.Clone(word)
	}
	if mark := uint16(1) << i; p.doubts&mark == 0 { // status knows fewer words than this has bits
		p.doubts |= mark
		d.people++
	}
}

// tellDoubts makes one problem of each doubtful word.
func (m *merger) tellDoubts() {
	for _, d := range m.doubts {
		what, purpose := fmt.Sprintf("%q", d.word), "if it means active"
		if d.word == "" {
			what, purpose = "an empty status", "to leave such people as they are"
		}
		m.problem(d.line, inStatus, "", false, "%s counts as inactive, since only A is active under the standard titles (%s); %s, %s",
			what, count(d.people, "person", "people"), purpose, m.statusAdvice)
	}
}
