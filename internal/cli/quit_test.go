package cli_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"xc-group-sync/internal/cli"
)

// A run that does not end after a signal is ended; one that does is left alone.
func TestQuitAfter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		signal time.Duration // until it comes
		ends   time.Duration // until the run ends
		quits  bool
	}{
		"hangs":               {time.Second, time.Hour, true},
		"ends in time":        {time.Second, 9 * time.Second, false},
		"ends without signal": {time.Hour, time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, signal := context.WithCancel(t.Context())
				defer time.AfterFunc(tt.signal, signal).Stop()
				var quit atomic.Int64
				start := time.Now()
				stop := cli.QuitAfter(ctx, func() { quit.Store(int64(time.Since(start))) })
				time.Sleep(tt.ends)
				stop()
				time.Sleep(time.Hour)
				after := time.Duration(quit.Load())
				if quits := after > 0; quits != tt.quits || quits && after > tt.signal+10*time.Second {
					t.Errorf("ended after %v", after)
				}
			})
		})
	}
}

// TestAReaderThatIsGone: a closed reader does not end a run in the middle of its
// writes.
func TestAReaderThatIsGone(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no SIGPIPE there")
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	report := filepath.Join(t.TempDir(), strings.Repeat("r", 250)+".json") // as long as a name can be
	command := exec.CommandContext(t.Context(), "xc-group-sync", "sync", "--simulate", "--csv", root("testdata/sample.csv"), "--report-file", report)
	command.Stdout, command.Stderr = write, write
	err = command.Run()
	_ = write.Close()
	var status *exec.ExitError
	if !errors.As(err, &status) || status.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	var document struct{ Users struct{ Created int } }
	if content := readJSON(t, report, &document); document.Users.Created == 0 {
		t.Error(content)
	}
}
