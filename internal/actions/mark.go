package actions

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Target is the tenant that a comment or an issue is about.
type Target struct {
	Tenant string // name
	API    string // host and path of its API
}

// Mark is the first line of our comments and issues, which readers do not see.
// It says what the text is about and what it approves.
type Mark struct {
	Target
	Kind     Kind
	Approval Approval
	Plan     string // digest of the plan that reviewers saw; empty if Approval is Nothing
	Head     string // commit of the pull request the plan was made for; empty if Approval is Nothing
	Masked   bool   // the comment does not show who is affected
}

// Kind is the kind of text that carries a mark.
type Kind string

// The kinds.
const (
	KindComment Kind = "comment"
	KindAlarm   Kind = "alarm"
)

// Approval is what a comment approves.
type Approval string

// The approvals.
const (
	// Nothing: there is no plan, or the comment does not show all of it.
	Nothing Approval = "nothing"
	// Offered: merging the pull request approves the plan.
	Offered Approval = "offered"
	// Given: a run found the plan approved and edited the comment since.
	Given Approval = "given"
	// Used: a run applied the plan, at least in part, so it is no longer
	// approved: re-running an old job must not undo later changes.
	Used Approval = "used"
)

const markStart = "<!-- xc-group-sync "

// String returns the line, without a line end. No field can end it early.
func (m Mark) String() string {
	return markStart + "tenant=" + markField(m.Tenant) + " api=" + markField(m.API) + " kind=" + markField(string(m.Kind)) +
		" approval=" + markField(string(m.Approval)) + " plan=" + markField(m.Plan) + " head=" + markField(m.Head) + " masked=" + strconv.FormatBool(m.Masked) + " -->"
}

func markField(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "--", "%2D%2D") }

var (
	markForm  = regexp.MustCompile(`^` + markStart + `tenant=(\S*) api=(\S*) kind=(\S*) approval=(\S*) plan=(\S*) head=(\S*) masked=(\S*) -->$`)
	kinds     = []Kind{KindComment, KindAlarm}
	approvals = []Approval{Nothing, Offered, Given, Used}
)

// ParseMark reads the mark at the beginning of text. It accepts exactly what
// String writes, of a known kind and approval.
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
	m := Mark{Target: Target{found[1], found[2]}, Kind: Kind(found[3]), Approval: Approval(found[4]), Plan: found[5], Head: found[6], Masked: found[7] == "true"}
	return m, m.String() == line && slices.Contains(kinds, m.Kind) && slices.Contains(approvals, m.Approval)
}
