package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"xc-group-sync/internal/directory"
)

// shownFindings limits the findings of one kind that are shown one by one; if
// there are more, the first are named and the rest counted.
const shownFindings = 3

// Grouped returns findings whose messages are fit for Line, with many warnings of
// one kind replaced by one that counts them. Operations that failed and what is
// blocked are always named one by one.
func (s Sanitizer) Grouped(findings []directory.Finding) []directory.Finding {
	var grouped []directory.Finding
	byKind := map[directory.Kind][]directory.Finding{}
	for _, f := range findings {
		byKind[f.Kind] = append(byKind[f.Kind], f)
	}
	for _, f := range findings {
		switch alike := byKind[f.Kind]; {
		case alike == nil: // counted already
		case len(alike) > shownFindings && countable(f):
			byKind[f.Kind] = nil
			example := usual(alike)
			grouped = append(grouped, directory.Finding{Severity: f.Severity, Kind: f.Kind, File: f.File, Message: s.several(alike, example), Hint: example.Hint})
		default:
			f.Message = s.message(f)
			grouped = append(grouped, f)
		}
	}
	return grouped
}

func countable(f directory.Finding) bool {
	return (f.Severity == directory.Warning || f.Kind.InvalidRow()) && f.Kind.Count(1) != ""
}

// usual returns the first finding with the most frequent hint: what fixes one
// need not fix the others.
func usual(alike []directory.Finding) directory.Finding {
	counts := map[string]int{}
	for _, f := range alike {
		if f.Hint != "" {
			counts[f.Hint]++
		}
	}
	usual := alike[0]
	for _, f := range alike {
		if counts[f.Hint] > counts[usual.Hint] {
			usual = f
		}
	}
	return usual
}

// several returns one finding for many of one kind; example is one of them.
func (s Sanitizer) several(alike []directory.Finding, example directory.Finding) string {
	first := alike[:shownFindings]
	var names []string
	for _, f := range first {
		switch {
		case f.Line > 0:
			names = append(names, fmt.Sprintf("line %d", f.Line))
		case f.Kind.OfGroup():
			names = append(names, f.Subject)
		case f.Subject != "":
			names = append(names, s.subject(f.Subject))
		}
	}
	listed := ""
	if len(names) > 0 {
		listed = fmt.Sprintf(": %s and %d more", strings.Join(names, ", "), len(alike)-len(names))
	}
	return fmt.Sprintf("%s%s; for example, %s", alike[0].Kind.Count(len(alike)), listed, s.message(example))
}

// prefix returns where a finding is, as in "groups.csv: line 3, Email: " or
// "acme.yml:3:5: ".
func prefix(f directory.Finding) string {
	file := ""
	if f.File != "" {
		file = fileName(f.File) + ": "
	}
	_, err := strconv.Atoi(f.Column)
	switch {
	case f.Line > 0 && err == nil && f.File != "":
		return fmt.Sprintf("%s:%d:%s: ", f.File, f.Line, f.Column)
	case f.Line > 0 && f.Column != "":
		return fmt.Sprintf("%sline %d, %s: ", file, f.Line, f.Column)
	case f.Line > 0:
		return fmt.Sprintf("%sline %d: ", file, f.Line)
	}
	return file
}

func fileName(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// message returns a finding's message, which may quote the tenant. If emails are
// masked, so is its subject, which need not look like an email.
func (s Sanitizer) message(f directory.Finding) string {
	f.Message = s.ErrorText(f.Message)
	if !s.MaskEmails || f.Subject == "" || f.Kind.OfGroup() {
		return f.Message
	}
	masked := s.subject(f.Subject)
	return strings.NewReplacer(fmt.Sprintf("%q", f.Subject), fmt.Sprintf("%q", masked), f.Subject, masked).Replace(f.Message)
}

// subject returns a person's address or username; if emails are masked, without
// its local part and without what follows its domain.
func (s Sanitizer) subject(text string) string {
	if !s.MaskEmails {
		return text
	}
	at := strings.LastIndex(text, "@")
	if at < 0 {
		return "***"
	}
	end := strings.IndexFunc(text[at:], func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`<>()[],;:\"`, r) })
	if end < 0 {
		return "***" + text[at:]
	}
	return "***" + text[at:at+end] + "***"
}

// Notes returns findings one by one, with sanitized texts.
func (s Sanitizer) Notes(findings []directory.Finding) []directory.Finding {
	notes := slices.Clone(findings)
	for i, f := range findings {
		notes[i].Column, notes[i].Subject = s.Line(f.Column), ""
		notes[i].Message, notes[i].Hint = s.Line(s.message(f)), s.Line(f.Hint)
	}
	return notes
}
