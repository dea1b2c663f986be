package actions

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The longest texts of a run, in characters. With the mark and the headings of
// runs, they fit into the 65,536 that GitHub accepts: one plan, or the record of
// two runs.
const (
	MaxPlan   = 64_000 // of a dry run on an open pull request
	MaxRecord = 30_000 // of any other run, and in an issue
	maxText   = 65_000 // of a comment or an issue, mark included
)

// record is a comment or an issue of ours: what the last dry run showed, and
// below it what each run did. Its parts are separated by lines that no text from
// outside can contain, since open defuses them.
type record struct {
	mark Mark
	plan string // Markdown; empty if there is none, and in an issue
	runs []entry
}

// entry is what one run did.
type entry struct {
	dry     bool   // it changed nothing and was not meant to
	heading string // one line of Markdown: link and time
	body    string // Markdown; empty if it was left out
}

const (
	entryApply = markStart + "run=apply -->"
	entryDry   = markStart + "run=dry -->"
	leftOut    = "_Left out here, since a comment is limited to 65,536 characters: see the summary of the run._"
	someGone   = "**Earlier runs**"
	planGone   = "_The plan is left out here, since a comment is limited to 65,536 characters: see this comment's edit history._"
)

// htmlComments defuses what could begin an HTML comment. Empty comments stay: the
// report splits mentions with them.
var htmlComments = strings.NewReplacer("<!-- -->", "<!-- -->", "<!--", "&lt;!--")

// defused returns text from outside without HTML comments, except empty ones, so
// that it can neither forge a mark nor hide what follows it.
func defused(text string) string {
	return htmlComments.Replace(plainText(strings.ToValidUTF8(text, "\uFFFD")))
}

// shortened returns a body from outside in the form in which it goes into a text
// of ours.
func shortened(body string, limit int) string {
	return defused(cut(defused(body), limit, func(rune) int { return 1 })) // the cut may open a comment
}

// entry returns the entry of this run, with the current time.
func (e *Edge) entry(dry bool, body string) entry {
	return entry{dry, "**" + e.runLink() + "**, " + time.Now().UTC().Format("2006-01-02 15:04 UTC"), shortened(body, MaxRecord)}
}

// parseRecord reads a text that has a mark of ours.
func parseRecord(text string) (r record) {
	r.mark, _ = ParseMark(text)
	_, text, _ = strings.Cut(plainText(text), "\n")
	part := &r.plan
	for line := range strings.Lines(text) {
		if bare := strings.TrimSuffix(line, "\n"); bare == entryApply || bare == entryDry {
			r.runs = append(r.runs, entry{dry: bare == entryDry})
			part = &r.runs[len(r.runs)-1].body
			continue
		}
		*part += line
	}
	r.plan = strings.TrimSpace(r.plan)
	for i := range r.runs {
		e := &r.runs[i]
		heading, body, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(e.body), "---\n\n"), "\n")
		e.heading, e.body = heading, strings.TrimSpace(body)
		if e.body == leftOut {
			e.body = ""
		}
	}
	return r
}

// String returns the text for GitHub.
func (r record) String() string {
	var b strings.Builder
	b.WriteString(r.mark.String() + "\n" + r.plan)
	for _, e := range r.runs {
		line, body := entryApply, e.body
		if e.dry {
			line = entryDry
		}
		if body == "" {
			body = leftOut
		}
		b.WriteString("\n\n" + line + "\n---\n\n" + e.heading + "\n\n" + body)
	}
	return b.String()
}

// fitted returns the record short enough for GitHub. It leaves out the bodies of
// the runs between the first and the last, the oldest first, and then the plan;
// with planFirst, the bodies of all runs and the plan last. A run keeps its heading
// while there is space.
func (r record) fitted(planFirst bool) record {
	r.runs = slices.Clone(r.runs)
	fits := func() bool { return utf8.RuneCountInString(r.String()) <= maxText }
	first, last := 1, len(r.runs)-1
	if planFirst {
		first, last = 0, len(r.runs)
	}
	for i := first; i < last && !fits(); i++ {
		r.runs[i].body = ""
	}
	if len(r.runs) > 0 && r.plan != "" && !planFirst && !fits() {
		r.plan = planGone
	}
	for len(r.runs) > 3 && !fits() {
		r.runs = slices.Delete(r.runs, 1, 2)
		r.runs[1] = entry{heading: someGone}
	}
	if len(r.runs) > 0 && !fits() {
		r.plan = planGone
	}
	return r
}

// add adds a run, unless a write whose response was lost has added it already. A dry
// run replaces the dry run before it, which did nothing.
func (r *record) add(e entry) {
	if n := len(r.runs); n > 0 && (r.runs[n-1] == e || e.dry && r.runs[n-1].dry) {
		r.runs = r.runs[:n-1]
	}
	r.runs = append(r.runs, e)
}

// runLink names this run for readers, with a link to it if its URL is known.
func (e *Edge) runLink() string {
	name := strings.TrimSpace("Run " + firstMatch(numberForm, e.getenv("GITHUB_RUN_ID")))
	if attempt := firstMatch(numberForm, e.getenv("GITHUB_RUN_ATTEMPT")); attempt != "" && attempt != "1" {
		name += ", attempt " + attempt
	}
	if page := e.RunURL(); page != "" {
		return "[" + name + "](" + page + ")"
	}
	return name
}

// plainText undoes GitHub's changes to a text's line ends and outer blanks.
func plainText(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
}
