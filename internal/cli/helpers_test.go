package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"xc-group-sync/internal/cli"
	"xc-group-sync/internal/simulator"
)

// program runs the whole program in process and returns its exit code and all that
// it says. Nil is an empty standard input.
func program(ctx context.Context, env map[string]string, stdin io.Reader, args ...string) (code int, said string) {
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	var out bytes.Buffer
	code = cli.MainContext(ctx, args, func(name string) string { return env[name] }, stdin, &out, &out)
	return code, out.String()
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// readJSON reads a document into what it is to be, and returns its text.
func readJSON(t testing.TB, path string, into any) string {
	t.Helper()
	document := read(t, path)
	if err := json.Unmarshal([]byte(document), into); err != nil {
		t.Fatalf("%v:\n%s", err, document)
	}
	return document
}

// failing lets some of a tenant's requests fail.
func failing(fault simulator.Fault, which func(*http.Request) bool) simulator.Option {
	return simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
		if which(r) {
			return fault
		}
		return simulator.Fault{}
	})
}
