package config_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"xc-group-sync/internal/config"
)

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		command    string
		has, hasNo []string
	}{
		{"", []string{"--csv FILE ", "--snapshot FILE ", "(sync, plan, explain, doctor only)", "(sync, plan, restore only)", "\nRetry:\n"}, nil},
		{config.Sync, []string{"--csv FILE ", "--prune none|groups|users|all", "--tenant NAME ", "\nRetry:\n"}, []string{"--snapshot FILE", "(sync, ", "(export only)"}},
		{config.Plan, []string{"--csv FILE ", "--prune none|groups|users|all", "\nRetry:\n"}, []string{"--snapshot FILE", "(sync, ", "(export only)"}},
		{config.Restore, []string{"--snapshot FILE ", "--tenant NAME ", "\nCommon:\n", "\nRetry:\n"}, []string{"--csv ", "--delimiter ", "--prune ", "--strict ", "(sync, ", "(export only)"}},
		{config.Export, []string{"--output FILE ", "--snapshot FILE ", "--groups PATTERN ", "--tenant NAME "}, []string{"--csv ", "--dry-run", "--yes", "--prune ", "--max-removals", "--retry-attempts", "--comment", "(sync, ", "(export only)"}},
		{config.Doctor, []string{"--csv FILE ", "--tenant NAME ", "--adopt ", "--expiry-warning N ", "--report-file "}, []string{"--snapshot", "--yes", "--dry-run", "--expect-plan", "--only", "(sync, "}},
		{config.Explain, []string{"--csv FILE ", "--only PATTERN ", "--protect PATTERN ", "--tenant NAME "}, []string{"--dry-run", "--yes", "--output ", "--report-file", "--retry-attempts", "--comment", "(sync, ", "(export only)"}},
	} {
		t.Run(tt.command, func(t *testing.T) {
			t.Parallel()
			checkHelp(t, config.Help(tt.command), tt.has, tt.hasNo)
		})
	}
}

// TestCommonHelpIsShort, so that it can be read.
func TestCommonHelpIsShort(t *testing.T) {
	t.Parallel()
	help := config.CommonHelp()
	checkHelp(t, help, []string{"--csv FILE ", "--policy FILE ", "--dry-run "}, []string{"--backoff-min"})
	if n := strings.Count(help, "\n"); n > 24 {
		t.Errorf("%d lines:\n%s", n, help)
	}
}

func checkHelp(t *testing.T, help string, has, hasNo []string) {
	t.Helper()
	for _, part := range has {
		if n := strings.Count(help, part); n == 0 || n > 1 && strings.HasSuffix(part, ":\n") {
			t.Errorf("%q is there %d times:\n%s", part, n, help)
		}
	}
	for _, part := range append(hasNo, "`", "\t", " \n") {
		if strings.Contains(help, part) {
			t.Errorf("%q is there:\n%s", part, help)
		}
	}
	for line := range strings.Lines(help) {
		if n := utf8.RuneCountInString(line); n > 97 { // with its end
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
}
