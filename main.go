// Command xc-group-sync keeps the user groups of an F5 Distributed Cloud tenant
// in step with a CSV export of a company's directory.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"xc-group-sync/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second Ctrl-C ends the program where it stands. Not a SIGTERM: the runner
	// sends one 7.5 s after its SIGINT, while the report may be on its way.
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) })
	os.Exit(cli.Main(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}
