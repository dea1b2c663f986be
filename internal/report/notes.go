package report

import (
	"fmt"
	"strings"
)

// Note is something that a reader should see beside the CSV, or above the log.
type Note struct {
	Error   bool // else a warning
	Line    int  // of the CSV; 0: of no line
	Title   string
	Message string
}

// Notes are what went or may go wrong: the bad rows by line, then why the run
// was refused or failed. They are errors where they ended the run.
func (r *Run) Notes(s Sanitiser) []Note {
	var notes []Note
	said := false
	for _, problem := range r.problems() {
		title := "CSV"
		if problem.Line == 0 && r.Plan != nil {
			title = "Plan"
		}
		if problem.Column != "" {
			title += ", " + problem.Column
		}
		said = said || r.BadCSV && strings.Contains(r.Failure, problem.Message)
		notes = append(notes, Note{Error: r.BadCSV, Line: problem.Line, Title: s.Line(title), Message: s.Line(s.problem(problem))})
	}
	fail := func(title, message string) {
		notes = append(notes, Note{Error: true, Title: s.Line(title), Message: s.Line(message)})
	}
	if r.Failure != "" && !said {
		fail(fmt.Sprintf("Tenant %s: %s", r.place(), r.Verdict), r.Failure)
	}
	if r.Plan != nil {
		for _, refusal := range r.Plan.Refusals {
			fail(fmt.Sprintf("Tenant %s: refused by a guard", r.place()), refusal.String())
		}
	}
	for _, trouble := range r.Troubles {
		if !trouble.Error {
			notes = append(notes, Note{Title: s.Line(trouble.Title), Message: s.Line(trouble.Message)})
		}
	}
	for _, failure := range r.failures() {
		fail(fmt.Sprintf("Tenant %s: %s failed", r.place(), failure.what), failure.cause)
	}
	return notes
}
