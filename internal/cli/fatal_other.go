//go:build !unix

package cli

// abortOnFatalErrors does nothing: only Unix has signals to end by.
func abortOnFatalErrors() {}
