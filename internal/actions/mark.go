package actions

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Mark is the first line of a comment or issue of ours, which readers do not
// see. It tells whose it is and what it is the record of.
type Mark struct {
	Tenant   string
	Kind     Kind
	Plan     string // digest of the dry run that reviewers saw; empty: none
	Head     string // commit of the pull request that it was made of; empty: none
	Approved bool   // a run after the merge found the plan reviewed, and edited the comment
}

// Kind is what a mark stands on.
type Kind string

// The kinds.
const (
	KindComment Kind = "comment"
	KindAlarm   Kind = "alarm"
)

// String is the line, without its end. No field can end it early.
func (m Mark) String() string {
	return "<!-- xc-group-sync tenant=" + markField(m.Tenant) + " kind=" + markField(string(m.Kind)) +
		" plan=" + markField(m.Plan) + " head=" + markField(m.Head) + " approved=" + strconv.FormatBool(m.Approved) + " -->"
}

func markField(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "--", "%2D%2D") }

var markForm = regexp.MustCompile(`^<!-- xc-group-sync tenant=(\S*) kind=(\S*) plan=(\S*) head=(\S*) approved=(true|false) -->$`)

// ParseMark reads the mark that the text begins with. Only what String writes
// is one, to the letter.
func ParseMark(text string) (Mark, bool) {
	line, _, _ := strings.Cut(text, "\n")
	line = strings.TrimSuffix(line, "\r")
	found := markForm.FindStringSubmatch(line)
	if found == nil {
		return Mark{}, false
	}
	for i, field := range found[1:] {
		plain, err := url.QueryUnescape(field)
		if err != nil {
			return Mark{}, false
		}
		found[i+1] = plain
	}
	m := Mark{Tenant: found[1], Kind: Kind(found[2]), Plan: found[3], Head: found[4], Approved: found[5] == "true"}
	return m, m.String() == line
}

// over is a text with the mark over it.
func (m Mark) over(text string) string { return m.String() + "\n" + text }

// sameText compares texts as GitHub may give them back: with other line ends
// and without blanks at the end.
func sameText(a, b string) bool { return plainText(a) == plainText(b) }

func plainText(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
}
