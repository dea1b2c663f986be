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
	os.Exit(cli.Main(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}
