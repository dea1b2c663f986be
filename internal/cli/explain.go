package cli

import (
	"context"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/explain"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/run"
)

// explain says why the people that only selects are, or are not, in each group.
// It does a dry run of everything and shows these people's part.
func (s *session) explain(ctx context.Context) run.Code {
	policy := s.settings.Policy
	selected := policy.Only
	policy.Only = nil
	options := s.settings.Roster
	byGroup := slices.ContainsFunc(selected, func(pattern string) bool { return !strings.ContainsAny(pattern, "!@") })
	options.Trace = func(email directory.Email) bool { return byGroup || selected.Match(string(email)) }
	result := run.Run(ctx, s.csv(options), s.tenant(s.client), policy, run.Options{DryRun: true, Warnings: s.settings.Warnings, Log: s.log})
	if result.Plan != nil {
		people := explain.People(result.Desired, result.Observed, result.Plan, policy, selected)
		result.Findings = slices.DeleteFunc(result.Findings, func(f directory.Finding) bool {
			return f.Kind == directory.Blocked || !explain.Concerns(people, f) // blocked objects are shown with each group
		})
		for i := range result.Findings { // errors that a run would have are not errors of this command
			if f := &result.Findings[i]; f.Kind == directory.Refusal || f.Kind == directory.CallerUnknown {
				f.Severity = directory.Warning
			}
		}
		result.CheckOnly(selected)
		if err := report.WritePeople(s.text, s.sanitizer, s.style, people); err != nil {
			result.Fail(directory.NotReported, err)
		}
	}
	_ = report.WriteFindings(s.stderr, s.sanitizer, s.style, result.Findings)
	s.annotate("Explain", result.Findings)
	return result.Code()
}
