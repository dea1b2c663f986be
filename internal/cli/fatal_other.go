//go:build !unix

package cli

// abortOnFatalErrors does nothing: only on Unix can a signal end the process.
func abortOnFatalErrors() {}
