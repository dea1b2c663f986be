package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/doctor"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/run"
)

// warnOfExpiry adds a warning about a client certificate that servers refuse, or
// soon will: their own errors only say that it is bad.
func (s *session) warnOfExpiry(certificate *x509.Certificate) {
	if certificate == nil {
		return
	}
	if check := doctor.CheckCertificate(certificate, time.Now(), s.settings.ExpiryWarning); check.Status != doctor.OK {
		s.settings.Warnings = append(s.settings.Warnings, directory.Finding{Kind: directory.BadSettings, Message: check.Detail, Hint: check.Hint})
	}
}

// doctor carries out the doctor command.
func (s *session) doctor(ctx context.Context, transport *http.Transport, certificate *x509.Certificate) run.Code {
	c := s.settings
	probe := doctor.NewProbe(transport, transport.Proxy, time.Now)
	requests := slog.New(slog.DiscardHandler) // the checks say how they ended
	if c.LogLevel <= slog.LevelDebug {
		requests = s.log
	}
	client, stop, err := connect(c, probe, requests, s.sanitizer.Secrets.Hide)
	if err != nil {
		return s.unready(err)
	}
	defer stop()
	options := doctor.Options{
		Tenant: c.Tenant, APIURL: c.APIURL, Certificate: certificate, ExpiryWarning: c.ExpiryWarning,
		Policy: c.Policy, Warnings: c.Warnings, Now: time.Now(), Log: s.log,
	}
	if len(c.CSV) > 0 {
		options.Source = s.csv(c.Roster)
	}
	s.log.Info("starting", append([]any{"command", "doctor"}, s.addressed()...)...)
	s.show("checking " + c.Tenant + " …")
	result := &doctor.Result{}
	if err := run.Recovered(s.log, func() { result = doctor.Run(ctx, s.tenant(client), probe, options) }); err != nil {
		result.Checks = append(result.Checks, doctor.Check{Name: doctor.Settings, Status: doctor.Fail, Detail: err.Error(), Kind: directory.Bug})
	}
	s.show("")
	r := s.checks(result)
	r.Started, r.Duration = options.Now, time.Since(options.Now)
	if err := s.writeReport(r.JSON); err != nil {
		r.Checks = append(r.Checks, doctor.Check{Name: "report-file", Status: doctor.Fail, Detail: err.Error(), Kind: directory.NotReported})
	}
	return s.publishChecks(r)
}

// unready publishes that the settings are invalid, so nothing else was checked.
func (s *session) unready(err error) run.Code {
	return s.publishChecks(s.checks(doctor.Unready(flatten(err), len(s.settings.CSV) > 0)))
}

func (s *session) checks(result *doctor.Result) *report.Doctor {
	return &report.Doctor{Result: result, Version: release(), Tenant: s.settings.Tenant, API: s.settings.Policy.API, Policy: s.policyFile()}
}

// publishChecks writes the checks for the reader and the job, and returns the
// exit code.
func (s *session) publishChecks(r *report.Doctor) run.Code {
	if err := s.summarize(r.Summary); err != nil {
		r.Checks = append(r.Checks, doctor.Check{Name: "summary", Status: doctor.Warn, Detail: err.Error()})
	}
	s.annotate("Doctor", r.Failures(s.sanitizer))
	if err := r.WriteText(s.text, s.sanitizer, s.style); err != nil {
		_, _ = fmt.Fprintln(s.stderr, "error:", s.sanitizer.Line(err.Error()))
		return max(r.Code(), run.Failed)
	}
	return r.Code()
}
