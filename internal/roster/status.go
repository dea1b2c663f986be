package roster

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"xc-group-sync/internal/directory"
)

// inWords reads a word that directories use for the status of a person. Somebody
// who is only locked out for a while is active: a mistyped password must not cost
// anybody their groups. Any other word is unknown.
func inWords(word string) (active, known bool) {
	switch statusKey(word) {
	case "a", "active", "true", "enabled", "1", "yes", "y",
		"provisioned", "recovery", "password_expired", "password_reset", "locked_out": // Okta's
		return true, true
	case "i", "inactive", "false", "disabled", "0", "no", "n", "terminated", "deactivated", "deleted", "archived",
		"staged", "suspended", "deprovisioned": // Okta's
		return false, true
	}
	return false, false
}

// inverted reads a word of a column that says who is not active. Words other than
// yes and no are unknown: "Suspended" below such a title means the opposite of
// what it means below "Status".
func inverted(word string) (active, known bool) {
	switch statusKey(word) {
	case "true", "yes", "y", "1":
		return false, true
	case "false", "no", "n", "0":
		return true, true
	}
	return false, false
}

// inLetters reads a word below the standard title: A is active; other letters,
// and the words that directories use for inactive, are inactive.
func inLetters(word string) (active, known bool) {
	word = strings.TrimSpace(word)
	if len(word) == 1 && (word[0]|0x20 >= 'a' && word[0]|0x20 <= 'z') {
		return word[0]|0x20 == 'a', true
	}
	active, known = inWords(word)
	return false, known && !active && strings.Trim(word, "0123456789") != "" // a number is not a word
}

// statusKey returns a text that is equal for two spellings of one word; empty for
// a word that is not ASCII, since no such word is known.
func statusKey(word string) string {
	word = strings.TrimSpace(word)
	for i := range len(word) {
		if word[i] >= utf8.RuneSelf {
			return ""
		}
	}
	return strings.ReplaceAll(strings.ToLower(word), " ", "_")
}

// opposites are words in titles of columns in which true means not active.
var opposites = []string{"suspended", "disabled", "inactive", "terminated", "locked", "archived", "deleted"}

// meansInactive reports whether true below a title means not active.
func meansInactive(title string) bool {
	title = strings.ReplaceAll(strings.ToLower(title), "unlocked", "")
	for _, word := range opposites {
		if strings.Contains(title, word) {
			return true
		}
	}
	return false
}

// looksLikeStatus reports whether a title is one under which directories export
// who is active, or who is not.
func looksLikeStatus(title string) bool {
	if len(title) > 100 { // it is quoted in messages
		return false
	}
	key := strings.ReplaceAll(strings.ReplaceAll(statusKey(title), "_", ""), "-", "")
	for _, of := range []string{"is", "user", "employee", "employment", "account"} {
		key = strings.TrimPrefix(key, of)
	}
	return key == "status" || key == "enabled" || key == "active" || slices.Contains(opposites, key)
}

// warnUnreadStatus warns about a column that seems to say who is active, in an
// export without the status column that is looked for.
func (r *Roster) warnUnreadStatus(t *table) {
	i := slices.IndexFunc(t.header, looksLikeStatus)
	if i < 0 || r.headings[inStatus].own { // its own empty title says that there is none
		return
	}
	title, not, who := strings.TrimSpace(t.header[i]), "", "active"
	if meansInactive(title) {
		not, who = "!", "not active"
	}
	pair, none := fmt.Sprintf("%q", columns[inStatus].role+"="+not+title), fmt.Sprintf("%q", columns[inStatus].role+"=")
	r.findings.add(directory.UnreadStatus, func() directory.Finding {
		return directory.Finding{
			Line: t.headerLine, Column: title,
			Message: fmt.Sprintf("the column %q is not read, so everybody counts as active", title),
			Hint:    fmt.Sprintf("if it says who is %s, %s; if not, %s", who, r.headings.advice(pair, pair), r.headings.advice(none, none)),
		}
	})
}

// status reads the status in a row of a valid person, and reports whether it is
// valid.
func (r *Roster) status(p *person, word string, line int) bool {
	wasBoth := p.active && p.inactive
	active, known := r.readStatus(word)
	switch {
	case !known:
		p.unknownStatus(word)
		r.findings.add(directory.UnknownStatus, func() directory.Finding { return r.unknownStatus(p, word, line) })
		return false
	case active:
		p.active, r.anyActive = true, true
		for _, dn := range r.rowDNs {
			dn.group.addMember(p.number)
		}
	default:
		p.inactive = true
	}
	if p.active && p.inactive && !wasBoth {
		r.findings.add(directory.ContradictoryStatus, func() directory.Finding {
			return directory.Finding{
				Line: line, Column: r.headings[inStatus].title, Subject: string(p.Email),
				Message: fmt.Sprintf("%s is active in one row and inactive in another; leaving this person unchanged", p.Email),
			}
		})
	}
	return true
}

func (r *Roster) unknownStatus(p *person, word string, line int) directory.Finding {
	finding := directory.Finding{
		Line: line, Column: r.headings[inStatus].title, Subject: string(p.Email),
		Message: fmt.Sprintf("unrecognized status %q; leaving %s unchanged", directory.Quotable(strings.TrimSpace(word)), p.Email),
	}
	if active, _ := inWords(word); active && !r.headings[inStatus].own {
		finding.Hint = "if it means active, " + r.headings.statusAdvice()
	}
	if strings.TrimSpace(word) == "" {
		finding.Message = fmt.Sprintf("empty status; leaving %s unchanged", p.Email)
	}
	return finding
}

// unknownStatus keeps the smallest of the unknown words.
func (p *person) unknownStatus(word string) {
	if word = fmt.Sprintf("%.60s", strings.TrimSpace(word)); !p.unclear || word < p.StatusWord {
		p.unclear, p.StatusWord = true, word
	}
}
