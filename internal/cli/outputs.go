package cli

import (
	"fmt"
	"slices"
	"strconv"

	"xc-group-sync/internal/report"
)

// Output is an output of the action.
type Output struct {
	Name, Meaning string // Meaning is Markdown that also reads as text
	value         func(outcome) any
}

// outcome is what the outputs describe.
type outcome struct {
	*report.Report
	report.Tallies
	path string // of the JSON report; empty if none was written
}

// outputs are the action's outputs, in the order of the documentation.
var outputs = []Output{
	{"users-created", "Users created. In a dry run, this and the following outputs are what a run would do.", func(o outcome) any { return o.Users.Created }},
	{"users-updated", "Users whose names were corrected.", func(o outcome) any { return o.Users.Updated }},
	{"users-deleted", "Users deleted.", func(o outcome) any { return o.Users.Deleted }},
	{"users-unchanged", "Users in the CSV that needed no change.", func(o outcome) any { return o.Users.Unchanged }},
	{"users-failed", "Users that could not be created, corrected or deleted.", func(o outcome) any { return o.Users.Failed }},
	{"groups-created", "Groups created.", func(o outcome) any { return o.Groups.Created }},
	{"groups-updated", "Groups whose members or roles changed.", func(o outcome) any { return o.Groups.Updated }},
	{"groups-deleted", "Groups deleted.", func(o outcome) any { return o.Groups.Deleted }},
	{"groups-unchanged", "Groups in the CSV that needed no change.", func(o outcome) any { return o.Groups.Unchanged }},
	{"groups-failed", "Groups that could not be created, changed or deleted, and groups that were skipped or blocked.", func(o outcome) any { return o.Groups.Failed }},
	{"memberships-added", "Memberships added, over all groups.", func(o outcome) any { return o.Memberships.Added }},
	{"memberships-removed", "Memberships removed, including those of deleted groups and users.", func(o outcome) any { return o.Memberships.Removed }},
	{"memberships-withheld", "Memberships that stay although the CSV does not list them, for the reasons given in the plan.", func(o outcome) any { return o.Memberships.Withheld }},
	{"roles-granted", "Roles granted to groups, including those that new groups are created with.", func(o outcome) any { return o.Roles.Granted }},
	{"roles-revoked", "Roles revoked from groups.", func(o outcome) any { return o.Roles.Revoked }},
	{"changed", "`true` if anything was changed or, in a dry run, would be; otherwise `false`.", func(o outcome) any { return o.Changed }},
	{"result", "`success`, `failed`, `refused` (by a guard), `drift` or `interrupted`.", func(o outcome) any { return o.Code().Verdict() }},
	{"plan-digest", "Digest of the plan, for `expect-plan`; empty if the run ended before there was one.", func(o outcome) any {
		if o.Plan == nil {
			return ""
		}
		return o.Plan.Digest
	}},
	{"retries", "Retries of user and group operations.", func(o outcome) any {
		if o.Outcome == nil {
			return 0
		}
		return o.Outcome.Retry.Retries
	}},
	{"retry-wait-seconds", "Seconds waited before those retries, over all operations.", func(o outcome) any {
		if o.Outcome == nil {
			return 0
		}
		return strconv.FormatFloat(report.Seconds(o.Outcome.Retry.Wait), 'f', -1, 64)
	}},
	{"report", "Path of the JSON report; empty if none was written.", func(o outcome) any { return o.path }},
}

// outputsOf returns the names and values of a run's outputs.
func outputsOf(r *report.Report, path string) (pairs [][2]string) {
	o := outcome{r, r.Tallies(), path}
	for _, output := range outputs {
		pairs = append(pairs, [2]string{output.Name, fmt.Sprint(output.value(o))})
	}
	return pairs
}

// Outputs returns the action's outputs.
func Outputs() []Output { return slices.Clone(outputs) }
