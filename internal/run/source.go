package run

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/roster"
)

// Source reads what the tenant should become.
type Source func(plan.Policy) (Goal, []directory.Finding)

// Goal is what a source states.
type Goal struct {
	Desired *directory.Desired // what a CSV states; nil for a snapshot, or if it cannot be used
	Inputs  []Input            // even if they cannot be used
	// Plan plans the operations that lead there. Nil means that the source cannot
	// be used; the findings say why.
	Plan func(*directory.Observed, plan.Policy) *plan.Plan
}

// Input is a file that a source was read from, to its end.
type Input struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"` // of its bytes, in hex
	Rows   int    `json:"rows"`   // of a CSV: records after its header
}

// File is a CSV export.
type File struct {
	Path string // names it in findings
	Open func() (io.ReadCloser, error)
}

// CSV returns the source of a sync: what the exports state together. With strict,
// any invalid row makes it unusable.
func CSV(files []File, options roster.Options, strict bool) Source {
	return func(plan.Policy) (Goal, []directory.Finding) {
		desired, inputs, findings := readCSV(files, options)
		if desired == nil {
			return Goal{Inputs: inputs}, findings
		}
		goal := Goal{Inputs: inputs, Desired: desired, Plan: func(observed *directory.Observed, policy plan.Policy) *plan.Plan {
			return plan.New(desired, observed, policy)
		}}
		if first := desired.FirstInvalidRow; strict && desired.InvalidRows > 0 {
			goal.Plan = nil
			findings = append(asErrors(findings), directory.Finding{
				Severity: directory.Error, Kind: directory.BadCSV, File: first.File,
				Message: fmt.Sprintf("%s (the first on line %d); not allowed with strict", directory.Count(desired.InvalidRows, "invalid row", "invalid rows"), first.Line),
			})
		}
		return goal, findings
	}
}

// readCSV reads all files and adds findings about them. It returns nil if they
// cannot be used.
func readCSV(files []File, options roster.Options) (desired *directory.Desired, inputs []Input, findings []directory.Finding) {
	r := roster.New(options)
	for _, file := range files {
		opened, err := file.Open()
		if err != nil {
			findings = append(findings, directory.Finding{Severity: directory.Error, Kind: directory.BadCSV, File: file.Path, Message: err.Error(), Hint: retry.HintOf(err)})
			continue
		}
		input, err := file.read(r, opened)
		_ = opened.Close()
		if err != nil {
			findings = append(findings, csvFindings(err)...)
			continue
		}
		inputs = append(inputs, input)
	}
	if len(findings) > 0 {
		return nil, inputs, findings
	}
	desired, err := r.Desired()
	if err != nil {
		return nil, inputs, csvFindings(err)
	}
	return desired, inputs, desired.Findings
}

// read adds the content of the file to a roster.
func (f File) read(r *roster.Roster, content io.Reader) (Input, error) {
	hash := sha256.New()
	rows, err := r.Add(f.Path, io.TeeReader(content, hash))
	return Input{Path: f.Path, SHA256: hex.EncodeToString(hash.Sum(nil)), Rows: rows}, err
}

// csvFindings returns why a CSV cannot be used, the findings about its rows
// first.
func csvFindings(err error) []directory.Finding {
	var broken *roster.Error
	if !errors.As(err, &broken) {
		return []directory.Finding{{Severity: directory.Error, Kind: directory.BadCSV, Message: err.Error()}}
	}
	return append(asErrors(broken.Rows), broken.Finding)
}

// asErrors turns findings about rows that end the run into errors.
func asErrors(findings []directory.Finding) []directory.Finding {
	for i := range findings {
		if findings[i].Kind.InvalidRow() {
			findings[i].Severity = directory.Error
		}
	}
	return findings
}

// Snapshot returns the source of a restore: the file that read reads, and its
// SHA-256 in hex.
func Snapshot(path string, read func() (snapshot *directory.Snapshot, sha256 string, err error)) Source {
	return func(policy plan.Policy) (Goal, []directory.Finding) {
		snapshot, hash, err := read()
		if err != nil {
			return Goal{}, []directory.Finding{{Severity: directory.Error, Kind: directory.BadSnapshot, File: path, Message: err.Error(), Hint: retry.HintOf(err)}}
		}
		goal := Goal{Inputs: []Input{{Path: path, SHA256: hash}}}
		if snapshot.Tenant != policy.Tenant || snapshot.API != policy.API {
			return goal, []directory.Finding{{
				Severity: directory.Error, Kind: directory.Refusal, File: path,
				Message: fmt.Sprintf("snapshot is for tenant %s, not %s; nothing was changed", placeOf(snapshot.Tenant, snapshot.API), placeOf(policy.Tenant, policy.API)),
				Hint:    "use the tenant and api-url of the original sync",
			}}
		}
		goal.Plan = func(observed *directory.Observed, policy plan.Policy) *plan.Plan {
			return plan.NewRestore(snapshot, observed, policy)
		}
		return goal, nil
	}
}

// placeOf returns a tenant as messages name it.
func placeOf(tenant, api string) string {
	if api == "" {
		return fmt.Sprintf("%q", tenant)
	}
	return fmt.Sprintf("%q (%s)", tenant, api)
}
