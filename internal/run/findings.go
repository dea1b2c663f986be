package run

import (
	"context"
	"fmt"
	"slices"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/groupsync"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/xc"
)

// planFindings returns a plan's findings: what is blocked or refused, and what
// deserves attention.
func planFindings(p *plan.Plan) []directory.Finding {
	findings := slices.Clone(p.Findings)
	for _, blocked := range p.Blocked {
		findings = append(findings, directory.Finding{
			Severity: directory.Error, Kind: directory.Blocked, Subject: person(blocked.Object, blocked.Name),
			Message: fmt.Sprintf("skipping %s %s: %s", blocked.Object, blocked.Name, blocked.Reason), Hint: blocked.Hint,
		})
	}
	for _, refusal := range p.Refusals {
		findings = append(findings, directory.Finding{Severity: directory.Error, Kind: directory.Refusal, Message: "refusing to apply: " + refusal.Reason, Hint: refusal.Hint})
	}
	return findings
}

// CheckOnly adds a finding about each pattern in only that matches nothing in the
// CSV or the tenant.
func (r *Result) CheckOnly(only plan.Patterns) {
	r.addUnmatched(plan.Unmatched(only, r.Desired, r.Observed))
}

// addUnmatched adds a finding about each pattern in only that matches nothing. A
// plan without them would not be what was asked for.
func (r *Result) addUnmatched(patterns plan.Patterns) {
	for _, pattern := range patterns {
		r.Add(directory.Finding{
			Severity: directory.Error, Kind: directory.BadSettings,
			Message: fmt.Sprintf("invalid only %q: must match a person or a group in the CSV or the tenant", pattern),
			Hint:    "give an email or an API group name as the CSV or the tenant has it, or a pattern of them",
		})
	}
}

// operationFindings returns findings about operations that failed or were
// skipped.
func operationFindings(outcome *groupsync.Outcome) []directory.Finding {
	var findings []directory.Finding
	for i := range outcome.Results {
		if result := &outcome.Results[i]; result.Err != nil {
			findings = append(findings, directory.Finding{
				Severity: directory.Error, Kind: kindOf(result.Err, directory.NotDone), Subject: person(result.Object, result.Name()),
				Message: fmt.Sprintf("%s %s %s: %s", result.Action, result.Object, result.Name(), result.Err), Hint: retry.HintOf(result.Err),
			})
		}
	}
	return findings
}

// remainder says why the run ended before the plan did, or why deletions were not
// begun.
func remainder(ctx context.Context, outcome *groupsync.Outcome) []directory.Finding {
	left := 0
	for i := range outcome.Results {
		if outcome.Results[i].Status == groupsync.Planned {
			left++
		}
	}
	rest := "no operation was left"
	if left > 0 {
		rest = directory.Count(left, "operation was", "operations were") + " not begun"
	}
	finding := directory.Finding{Severity: directory.Error}
	switch {
	case outcome.Stopped == nil && left == 0:
		return nil
	case outcome.Stopped == nil:
		finding.Severity, finding.Kind = directory.Warning, directory.NotDone
		finding.Message = directory.Count(left, "deletion was", "deletions were") + " not begun, because a user or group could not be created"
	case ctx.Err() != nil:
		finding.Kind, finding.Message = directory.Interrupted, "interrupted; "+rest
		finding.Hint = "run the same command again: it continues where this run ended (with snapshot-file, give another name)"
	case left == 0 && !xc.Refused(outcome.Stopped):
		return nil
	default:
		finding.Kind, finding.Message = kindOf(outcome.Stopped, directory.NotDone), "stopped; "+rest
	}
	return []directory.Finding{finding}
}

// person returns the name of an object if it must be hidden when emails are
// masked.
func person(object plan.Object, name string) string {
	if object == plan.User {
		return name
	}
	return ""
}

// kindOf returns Authentication for refused credentials, otherwise the given
// kind.
func kindOf(err error, other directory.Kind) directory.Kind {
	if xc.Refused(err) {
		return directory.Authentication
	}
	return other
}
