//go:build unix

package cli

import (
	"runtime/debug"
	"syscall"
)

// abortOnFatalErrors makes the process end by SIGABRT where Go's runtime would
// exit with 2, which here means invalid settings: out of memory, say, or an
// unrecovered panic. No core file is written, since it would contain the
// credentials.
func abortOnFatalErrors() {
	if syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) == nil {
		debug.SetTraceback("crash")
	}
}
