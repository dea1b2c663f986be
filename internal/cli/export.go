package cli

import (
	"context"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/export"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/run"
)

// export writes the tenant, or a snapshot's, as a CSV and a policy file. It
// reports what it leaves out.
func (s *session) export(ctx context.Context) run.Code {
	var result run.Result
	result.Add(s.settings.Warnings...)
	observed, finding := s.observed(ctx)
	if finding == nil {
		scope := s.settings.Policy
		scope.Tenant = s.settings.OwnTenant
		finding = s.writeExport(export.New(observed, scope), &result)
	}
	if finding != nil {
		result.Add(*finding)
	}
	_ = report.WriteFindings(s.text, s.sanitizer, s.style, result.Findings)
	s.annotate("Export", result.Findings)
	return result.Code()
}

// observed reads what to export. The finding says why it cannot be.
func (s *session) observed(ctx context.Context) (*directory.Observed, *directory.Finding) {
	if path := s.settings.Snapshot; path != "" {
		snapshot, _, err := s.readSnapshot(path)
		if err != nil {
			return nil, &directory.Finding{Severity: directory.Error, Kind: directory.BadSnapshot, File: path, Message: err.Error(), Hint: retry.HintOf(err)}
		}
		return snapshot.Observed(), nil
	}
	s.log.Info("reading", s.addressed()...)
	s.show("reading " + s.settings.Tenant + " …")
	defer s.show("")
	return run.Observe(ctx, s.tenant(s.client), s.settings.Tenant)
}

// writeExport writes the files. The finding says why it did not.
func (s *session) writeExport(x *export.Export, result *run.Result) *directory.Finding {
	result.Add(x.Findings...)
	if x.People == 0 {
		return &directory.Finding{Severity: directory.Error, Kind: directory.BadCSV,
			Message: "no group in scope has a member that a CSV can name; nothing was written", Hint: "check the patterns of groups and people"}
	}
	for _, file := range []struct {
		setting, path string
		content       []byte
	}{{"policy-output", s.settings.PolicyOutput, x.Policy}, {"output", s.settings.Output, x.CSV}} {
		var err error
		switch file.path {
		case "":
		case "-":
			_, err = s.stdout.Write(file.content)
		default:
			err = s.writeWhole(file.path, file.content)
		}
		if err != nil {
			return &directory.Finding{Severity: directory.Error, Kind: directory.NotReported, Message: file.setting + ": " + err.Error()}
		}
	}
	s.log.Info("exported", "people", x.People, "groups", x.Groups)
	unnamable := 0
	for _, finding := range x.Findings {
		if finding.Kind != directory.RolesLeftOut {
			unnamable++
		}
	}
	s.log.Info("left out", "scim_groups", x.SCIMGroups, "service_users", x.ServiceUsers, "unknown_members", x.UnknownMembers, "unnamable", unnamable)
	return nil
}
