//go:build unix

package cli

import (
	"runtime/debug"
	"syscall"
)

// abortOnFatalErrors makes the process end by SIGABRT where Go's runtime would
// exit with 2, which here means bad settings: out of memory, say, or a panic
// that nothing recovers. No core is left behind, since it would hold the
// credentials.
func abortOnFatalErrors() {
	if syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) == nil {
		debug.SetTraceback("crash")
	}
}
