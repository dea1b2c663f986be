package cli

import "xc-group-sync/internal/report"

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1 // some operations failed, or the tenant could not be read
	exitSettings    = 2
	exitCredentials = 3 // authentication
	exitCSV         = 4
	exitGuard       = 5 // nothing changed
	exitDrift       = 6
	exitInterrupted = 130
)

// gravity orders the codes: of several that apply the first counts.
var gravity = []int{exitInterrupted, exitSettings, exitCSV, exitCredentials, exitGuard, exitFailed, exitDrift}

// gravest is the code that counts of those that apply.
func gravest(codes map[int]bool) int {
	for _, code := range gravity {
		if codes[code] {
			return code
		}
	}
	return exitDone
}

func verdict(code int) report.Verdict {
	switch code {
	case exitDone:
		return report.Success
	case exitGuard:
		return report.Refused
	case exitDrift:
		return report.Drift
	case exitInterrupted:
		return report.Interrupted
	}
	return report.Failed
}
