// Command xc-group-sync keeps the user groups of an F5 Distributed Cloud tenant
// in step with a CSV export of a company's directory.
package main

import (
	"os"

	"xc-group-sync/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}
