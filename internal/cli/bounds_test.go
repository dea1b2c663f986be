package cli_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"xc-group-sync/internal/cli"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/simulator"
)

// silent is a standard input that says nothing; the first read calls asked.
type silent struct {
	asked func()
	end   <-chan struct{}
}

func (s silent) Read([]byte) (int, error) { s.asked(); <-s.end; return 0, io.EOF }

func TestReadingStandardInputEndsWithTheRun(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	defer close(end)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if code, out := program(ctx, nil, silent{cancel, end}, "sync", "--csv", "-", "--simulate", "--tenant", "acme"); code != 130 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

// inActions runs the program on the sample, in a step of a workflow or not.
func inActions(t *testing.T, active bool, tenant http.Handler, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	server := httptest.NewServer(tenant)
	defer server.Close()
	var out, log bytes.Buffer
	args = append([]string{"sync", "--csv", root("testdata/sample.csv"), "--api-url", server.URL, "--api-token", "tok-12345", "--max-removals", "none"}, args...)
	code = cli.MainContext(t.Context(), args, func(name string) string {
		if name == "GITHUB_ACTIONS" && active {
			return "true"
		}
		return ""
	}, strings.NewReader(""), &out, &log)
	return code, out.String(), log.String()
}

func TestFilesAreTheirOwners(t *testing.T) {
	t.Parallel()
	for active, want := range map[bool]fs.FileMode{false: 0o600, true: 0o644} {
		dir := t.TempDir()
		report, snapshot := filepath.Join(dir, "report.json"), filepath.Join(dir, "snapshot.json")
		if err := os.WriteFile(report, []byte("an old one"), 0o666); err != nil {
			t.Fatal(err)
		}
		if code, out, log := inActions(t, active, simulator.New(simulator.Sample()), "--report-file", report, "--snapshot-file", snapshot); code != 0 {
			t.Fatalf("exit code %d:\n%s%s", code, out, log)
		}
		for _, path := range []string{report, snapshot} {
			info, err := os.Stat(path)
			if err != nil || info.Mode() != want {
				t.Errorf("in Actions: %t: %s: %v, %v", active, path, info.Mode(), err)
			}
		}
		if left, err := os.ReadDir(dir); len(left) != 2 || err != nil {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

// TestASnapshotThatComesMeanwhileIsKept, as when two runs have one name for it.
func TestASnapshotThatComesMeanwhileIsKept(t *testing.T) {
	t.Parallel()
	for name, create := range map[string]func(path string) error{
		"a file":            func(path string) error { return os.WriteFile(path, []byte("theirs"), 0o600) },
		"a link to nothing": func(path string) error { return os.Symlink(path+"-none", path) },
	} {
		path := filepath.Join(t.TempDir(), "snapshot.json")
		tenant := simulator.New(simulator.Sample())
		code, out, log := inActions(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "user_roles") && r.Method == http.MethodGet {
				if err := create(path); err != nil {
					t.Error(err)
				}
			}
			tenant.ServeHTTP(w, r)
		}), "--snapshot-file", path)
		if writes := writesOf(tenant.Requests()); code != 1 || len(writes) > 0 || !strings.Contains(log+out, "already exists") {
			t.Errorf("%s: exit code %d, %d writes:\n%s%s", name, code, len(writes), out, log)
		}
		if content, err := os.ReadFile(path); err == nil && string(content) != "theirs" {
			t.Errorf("%s: the snapshot is %q", name, content)
		}
		if code, _, _ := inActions(t, false, tenant, "--snapshot-file", path); code != 2 {
			t.Errorf("%s: exit code %d where it is there from the beginning", name, code)
		}
	}
}

// TestNoReportOnADeviceInActions: through /dev/stdout it would reach the log
// unescaped.
func TestNoReportOnADeviceInActions(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(os.DevNull, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{os.DevNull, link} {
		for active, want := range map[bool]int{false: 0, true: 2} {
			if code, out, log := inActions(t, active, simulator.New(simulator.Sample()), "--report-file", path); code != want {
				t.Errorf("%s, in Actions: %t: exit code %d, want %d:\n%s%s", path, active, code, want, out, log)
			}
		}
	}
}

// TestAReportIsWrittenThroughLinks, which stay what they are, also where they lead
// to an open file of a process: its directory is the system's.
func TestAReportIsWrittenThroughLinks(t *testing.T) {
	t.Parallel()
	open, err := os.Create(filepath.Join(t.TempDir(), "open"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }()
	for name, test := range map[string]struct {
		to   string // empty: target.json beside the link
		file string // that gets the report
		old  string // its content before; empty: there is none
		want int    // exit code in Actions
	}{
		"a file":           {old: "an old one"},
		"nothing yet":      {},
		"an open file":     {to: fmt.Sprintf("/dev/fd/%d", open.Fd()), file: open.Name(), want: 2},
		"standard output":  {to: "/dev/fd/1", want: 2},
		"a missing device": {to: "/dev/xc-group-sync-none", want: 2},
	} {
		for _, active := range []bool{true, false} {
			dir := t.TempDir()
			first, link, target := filepath.Join(dir, "first.json"), filepath.Join(dir, "link.json"), cmp.Or(test.file, filepath.Join(dir, "target.json"))
			to := cmp.Or(test.to, "target.json")
			if err := errors.Join(os.Symlink("link.json", first), os.Symlink(to, link)); err != nil {
				t.Fatal(err)
			}
			if test.old != "" {
				write(t, target, test.old)
			}
			code, out, log := inActions(t, active, simulator.New(simulator.Sample()), "--report-file", first)
			for path, to := range map[string]string{first: "link.json", link: to} {
				if is, err := os.Readlink(path); is != to || err != nil {
					t.Errorf("%s, in Actions: %t: the link is now %q, %v", name, active, is, err)
				}
			}
			if want := test.want; active && want != 0 || name == "a missing device" {
				if code != want {
					t.Errorf("%s, in Actions: %t: exit code %d, want %d:\n%s%s", name, active, code, want, out, log)
				}
				continue
			}
			document := []byte(out[max(strings.Index(out, "{"), 0):])
			if test.to == "" || test.file != "" {
				if document, err = os.ReadFile(target); err != nil {
					t.Error(err)
				}
			}
			var report struct{ Result string }
			if err := json.NewDecoder(bytes.NewReader(document)).Decode(&report); code != 0 || err != nil || report.Result != "success" {
				t.Errorf("%s, in Actions: %t: exit code %d, %v, report %.100q:\n%s", name, active, code, err, document, log)
			}
		}
	}
}

func TestAReportOnStandardOutputHoldsNoCommand(t *testing.T) {
	t.Parallel()
	const name = "x ##[add-mask]a ##vso[task.complete]b"
	users, groups := simulator.Sample()
	groups = append(groups, simulator.Group{Name: name, Description: "Managed by xc-group-sync"})
	code, out, log := inActions(t, true, simulator.New(users, groups), "--report-file", "-", "--prune", "groups")
	var report struct {
		Plan struct{ Operations []struct{ Name string } }
	}
	if err := json.Unmarshal([]byte(out), &report); code != 0 || err != nil || directory.RunnerCommand.MatchString(out) {
		t.Fatalf("exit code %d, %v:\n%s%s", code, err, out, log)
	}
	for _, operation := range report.Plan.Operations {
		if operation.Name == name {
			return
		}
	}
	t.Errorf("the report does not name the group:\n%s", out)
}

// TestLoopbackIsNotProxied: a proxy would learn the token.
func TestLoopbackIsNotProxied(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer proxy.Close()
	if code, out := run(t, simulator.New(simulator.Sample()), sample(t), "--max-removals", "none", "--proxy", proxy.URL); code != 0 || asked.Load() > 0 {
		t.Errorf("exit code %d, the proxy was asked %d times:\n%s", code, asked.Load(), out)
	}
}

// hog is a standard input that takes all memory: as much as is free when it is
// read, and then more.
type hog struct{}

func (hog) Read([]byte) (int, error) {
	const more = 1 << 30
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: more, Max: more}); err != nil {
		return 0, err
	}
	for kept := [][]byte{}; ; {
		kept = append(kept, bytes.Repeat([]byte("x"), 64<<20))
		if len(kept) > more/(64<<20) {
			return 0, io.EOF
		}
	}
}

// TestOutOfMemory does not end with 2, which means that the settings are invalid.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	var status *exec.ExitError
	command := exec.CommandContext(t.Context(), "out-of-memory")
	command.Dir = t.TempDir()
	out, err := command.CombinedOutput()
	if !errors.As(err, &status) {
		t.Fatalf("%v:\n%.2000s", err, out)
	}
	if signal := status.Sys().(syscall.WaitStatus); signal.Signal() != syscall.SIGABRT || signal.CoreDump() {
		t.Errorf("it ended with %v", err)
	}
	if left, err := os.ReadDir(command.Dir); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
