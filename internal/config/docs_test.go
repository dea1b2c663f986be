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
		{"", []string{"--csv ", "--snapshot ", "Of sync only.", "Of restore only.", "\nRetry:\n"}, nil},
		{config.Sync, []string{"--csv ", "--prune ", "--tenant ", "\nRetry:\n"}, []string{"--snapshot ", "Of sync only.", "Of restore only."}},
		{config.Restore, []string{"--snapshot ", "--tenant ", "\nCSV or snapshot:\n", "\nRetry:\n"}, []string{"--csv ", "--delimiter ", "--prune ", "--strict ", "Of sync only.", "Of restore only."}},
	} {
		t.Run(tt.command, func(t *testing.T) {
			t.Parallel()
			help := config.Help(tt.command)
			for _, part := range tt.has {
				if n := strings.Count(help, part); n == 0 || n > 1 && strings.HasSuffix(part, ":\n") {
					t.Errorf("there is %q %d times in\n%s", part, n, help)
				}
			}
			for _, part := range append(tt.hasNo, "`", "\t", " \n") {
				if strings.Contains(help, part) {
					t.Errorf("there is %q in\n%s", part, help)
				}
			}
			for line := range strings.Lines(help) {
				if n := utf8.RuneCountInString(line); n > 97 { // with its end
					t.Errorf("a line of %d characters: %s", n, line)
				}
			}
		})
	}
}
