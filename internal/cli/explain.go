package cli

import (
	"context"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/explain"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/run"
)

// explain says why the people whom only selects are, or are not, in each group. It
// is a dry run, of which it tells these people's part.
func (s *session) explain(ctx context.Context) run.Code {
	c := s.settings
	options := c.Roster
	options.Trace = func(email directory.Email) bool { return c.Policy.Only.Match(string(email)) }
	result := run.Run(ctx, s.csv(options), s.client, c.Policy, run.Options{DryRun: true, Warnings: c.Warnings, Log: s.log})
	if result.Plan != nil {
		people := explain.People(result.Desired, result.Observed, result.Plan, c.Policy)
		if len(people) == 0 && result.Code() != run.Settings {
			result.Add(directory.Finding{Severity: directory.Error, Kind: directory.BadSettings, Message: "invalid only: must match a person in the CSV or the tenant", Hint: "give an email, or a pattern of emails"})
		}
		for i := range result.Findings { // what a run would meet with is no failure of this one
			if f := &result.Findings[i]; f.Kind == directory.Blocked || f.Kind == directory.Refusal || f.Kind == directory.CallerUnknown {
				f.Severity = directory.Warning
			}
		}
		if err := report.WritePeople(s.text, s.sanitizer, s.style, people); err != nil {
			result.Fail(directory.NotReported, err)
		}
	}
	_ = report.WriteFindings(s.stderr, s.sanitizer, s.style, result.Findings)
	s.annotate("Explain", result.Findings)
	return result.Code()
}
