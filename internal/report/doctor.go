package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/doctor"
	"xc-group-sync/internal/run"
)

// Doctor is the result of the doctor command, and what else readers must know.
type Doctor struct {
	*doctor.Result
	Version  string
	Tenant   string
	API      string      // host and path; empty for the embedded tenant
	Policy   *PolicyFile // nil: none
	Started  time.Time
	Duration time.Duration
}

// shownItems limits the people and groups that a line names; the JSON has all.
const shownItems = 5

// WriteText writes a line for each check, with a hint on the next line if there
// is one, and counts the checks at the end.
func (d *Doctor) WriteText(w io.Writer, s Sanitizer, style Style) error {
	t := newText(w, s, style)
	width := 0
	for _, check := range d.Checks {
		width = max(width, len(check.Name))
	}
	colors := map[doctor.Status]string{doctor.OK: green, doctor.Warn: yellow, doctor.Fail: red}
	for _, check := range d.Checks {
		t.printf("%s  %-*s  %s\n", t.colored(colors[check.Status], fmt.Sprintf("%-4s", check.Status)), width, check.Name, s.check(check))
		if check.Hint != "" {
			t.printf("      %s %s\n", t.colored(bold, "hint:"), check.Hint)
		}
	}
	t.printf("%s\n", d.counted())
	return t.Flush()
}

// counted returns how many checks had each result.
func (d *Doctor) counted() string {
	counts := map[doctor.Status]int{}
	for _, check := range d.Checks {
		counts[check.Status]++
	}
	what := "the settings"
	if d.Tenant != "" {
		what = "tenant " + d.Tenant
	}
	return fmt.Sprintf("Checked %s: %d ok, %s, %d failed", what, counts[doctor.OK], count(counts[doctor.Warn], "warning"), counts[doctor.Fail])
}

// check returns what a check found, with the people or groups it is about.
func (s Sanitizer) check(check doctor.Check) string {
	f := directory.Finding{File: check.File, Line: check.Line, Column: check.Column, Subject: check.Subject, Message: check.Detail}
	text := prefix(f) + s.message(f)
	if len(check.Items) == 0 {
		return text
	}
	var names []string
	for i, item := range check.Items {
		if i == shownItems {
			names = append(names, fmt.Sprintf("and %d more", len(check.Items)-i))
			break
		}
		name := item.Name
		if !item.Group {
			name = s.subject(name)
		}
		if item.Note != "" {
			name += " (" + s.ErrorText(item.Note) + ")"
		}
		names = append(names, name)
	}
	return text + ": " + strings.Join(names, ", ")
}

// Summary returns the checks as a job summary of at most limit bytes.
func (d *Doctor) Summary(s Sanitizer, limit int) string {
	var p page
	if d.Tenant == "" {
		p.line("## Checks of the settings")
	} else {
		p.line("## Checks of tenant %s", s.Code(d.Tenant))
	}
	p.line("")
	p.line("| | check | result |")
	p.line("|---|---|---|")
	p.table(changes, "checks", each(d.Checks, func(check doctor.Check) string {
		status := string(check.Status)
		if check.Status != doctor.OK {
			status = "**" + status + "**"
		}
		text := s.Prose(s.check(check))
		if check.Hint != "" {
			text += ". " + capital(s.Prose(check.Hint)) + "."
		}
		return fmt.Sprintf("| %s | %s | %s |", status, s.Prose(check.Name), text)
	}))
	return p.render(limit, inReport)
}

// JSON returns the checks as a document, without secrets. Emails are not masked.
func (d *Doctor) JSON(s Sanitizer) ([]byte, error) {
	document := struct {
		Schema    int            `json:"schema"`
		Command   string         `json:"command"`
		Version   string         `json:"version"`
		Tenant    string         `json:"tenant"`
		Host      string         `json:"host"`
		Result    string         `json:"result"`
		StartedAt string         `json:"started_at"`
		Duration  float64        `json:"duration_seconds"`
		Source    []run.Input    `json:"source"`
		Policy    *PolicyFile    `json:"policy,omitzero"`
		Checks    []doctor.Check `json:"checks"`
	}{schema, "doctor", d.Version, d.Tenant, d.API, d.Code().Verdict(), moment(d.Started), Seconds(d.Duration), d.Inputs, d.Policy, d.Checks}
	return s.document(document)
}

// Failures returns the checks that failed, as annotations show them.
func (d *Doctor) Failures(s Sanitizer) []directory.Finding {
	var findings []directory.Finding
	for _, check := range d.Checks {
		if check.Status == doctor.Fail {
			at := directory.Finding{Severity: directory.Error, File: check.File, Line: check.Line, Column: check.Column, Hint: check.Hint}
			check.File, check.Line = "", 0 // the annotation has them
			at.Message = check.Name + ": " + s.check(check)
			findings = append(findings, at)
		}
	}
	return findings
}
