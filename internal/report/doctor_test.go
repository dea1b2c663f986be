package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/doctor"
	"xc-group-sync/internal/report"
)

// TestChecksAreSafeForEverySink: hostile names, masked people, bounded pages.
func TestChecksAreSafeForEverySink(t *testing.T) {
	t.Parallel()
	r := &report.Doctor{Tenant: "acme", Result: &doctor.Result{Checks: []doctor.Check{
		{Name: doctor.NewUsers, Status: doctor.Warn, Detail: "2 users", Items: []doctor.Item{{Name: "ada@example.com"}, {Name: "aturing", Note: "s3cr3t"}}},
		{Name: doctor.Adopt, Status: doctor.Warn, Detail: "1 group", Items: []doctor.Item{{Name: "x\n::error::##[error] | <b> @team", Group: true}}, Hint: "see s3cr3t"},
		{Name: doctor.CSV, Status: doctor.Fail, File: "a.csv", Line: 3, Detail: "broken by eve@example.com", Kind: directory.BadCSV},
	}}}
	s := report.Sanitizer{MaskEmails: true, Secrets: report.NewSecrets("s3cr3t")}
	var text bytes.Buffer
	if err := r.WriteText(&text, s, report.Style{}); err != nil {
		t.Fatal(err)
	}
	summary := r.Summary(s, 1<<20)
	failures := fmt.Sprint(r.Failures(s))
	for sink, out := range map[string]string{"text": text.String(), "summary": summary} {
		for _, bad := range []string{"ada@", "aturing", "eve@", "s3cr3t", "##[", "\n::", "<b>", "@team"} {
			if strings.Contains(out, bad) && !(sink == "text" && (bad == "<b>" || bad == "@team")) {
				t.Errorf("%s shows %q:\n%s", sink, bad, out)
			}
		}
	}
	if !strings.Contains(failures, "a.csv 3") || strings.Contains(failures, "new users") {
		t.Errorf("failures: %s", failures)
	}
	document, err := r.JSON(s)
	if err != nil || strings.Contains(string(document), "s3cr3t") || !strings.Contains(string(document), "ada@example.com") {
		t.Errorf("JSON (%v): %s", err, document)
	}
	if r.Code() != 4 {
		t.Errorf("exit code %d", r.Code())
	}
	for range 2000 {
		r.Checks = append(r.Checks, doctor.Check{Name: doctor.Settings, Status: doctor.Warn, Detail: strings.Repeat("long ", 100)})
	}
	if n := len(r.Summary(s, 10_000)); n > 10_000 {
		t.Errorf("%d bytes of summary", n)
	}
}
