package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/report"
)

// finish reports whatever happened, the closing lines last, and returns the
// exit code.
func (j *job) finish(ctx context.Context, stdout io.Writer) int {
	stats := j.client.Stats()
	j.run.HTTP = report.HTTP{Requests: stats.Requests, Retries: stats.Retries, P50: stats.P50, P95: stats.P95, Max: stats.Max}
	j.run.Duration = time.Since(j.run.Started)
	j.tellGitHub(ctx)
	written := ""
	if path := j.settings.ReportFile; path != "" {
		if err := j.writeReport(path); err != nil {
			j.trouble(true, "report-file", err)
		} else {
			written = path
		}
	}
	if err := j.edge.Outputs(j.outputs(written)); err != nil {
		j.applies(exitFailed)
		j.log.Error(err.Error())
	}
	if j.settings.Summary {
		if err := j.edge.Summary(j.run.Summary(j.sanitiser, actions.MaxSummary)); err != nil {
			j.log.Warn(err.Error())
		}
	}
	j.annotate()
	if err := j.run.Text(stdout, j.sanitiser, j.edge.Group); err != nil {
		j.applies(exitFailed)
	}
	return gravest(j.codes)
}

func (j *job) writeReport(path string) error {
	document, err := j.run.JSON(j.sanitiser)
	if err != nil {
		return err
	}
	return writeWhole(path, document)
}

// outputs are the outputs of the action.
func (j *job) outputs(reportPath string) [][2]string {
	t := j.run.Tallies()
	var pairs [][2]string
	set := func(name string, value any) { pairs = append(pairs, [2]string{name, fmt.Sprint(value)}) }
	for _, of := range []struct {
		name string
		report.Tally
	}{{"users", t.Users}, {"groups", t.Groups}} {
		set(of.name+"-created", of.Created)
		set(of.name+"-updated", of.Updated)
		set(of.name+"-deleted", of.Deleted)
		set(of.name+"-unchanged", of.Unchanged)
		set(of.name+"-failed", of.Failed)
	}
	set("memberships-added", t.Memberships.Added)
	set("memberships-removed", t.Memberships.Removed)
	set("changed", t.Changed)
	set("result", j.run.Verdict)
	digest, retries, wait := "", 0, time.Duration(0)
	if j.run.Plan != nil {
		digest = j.run.Plan.Digest
	}
	if j.run.Outcome != nil {
		retries, wait = j.run.Outcome.Retry.Retries, j.run.Outcome.Retry.Wait
	}
	set("plan-digest", digest)
	set("retries", retries)
	set("retry-wait-seconds", strconv.FormatFloat(report.Seconds(wait), 'f', -1, 64))
	set("report", reportPath)
	return pairs
}
