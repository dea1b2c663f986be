package cli_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"xc-group-sync/internal/cli"
	"xc-group-sync/internal/simulator"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"xc-group-sync": func() {
			os.Exit(cli.Main(os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
		},
		"bare-loop": func() {
			requests, err := strconv.Atoi(os.Args[2])
			if err = errors.Join(err, bareLoop(os.Args[1], requests)); err != nil {
				log.Fatal(err)
			}
		},
		"merely": func() {
			times, err := strconv.Atoi(os.Args[2])
			if err = errors.Join(err, merely(os.Args[1], times)); err != nil {
				log.Fatal(err)
			}
		},
		"held": func() {
			if err := printHeld(os.Args[1], os.Args[2]); err != nil {
				log.Fatal(err)
			}
		},
		"out-of-memory": func() {
			os.Exit(cli.Main([]string{"plan", "--csv", "-", "--simulate", "--tenant", "acme"}, os.Getenv, hog{}, os.Stdout, os.Stderr))
		},
	})
}

// root returns the path of a file, given by its path in the repository.
func root(path string) string { return filepath.Join("..", "..", path) }

// TestScripts drives the whole program, each script against a tenant of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: root("testdata/script"),
		Setup: func(env *testscript.Env) error {
			sample, err := filepath.Abs(root("testdata/sample.csv"))
			env.Setenv("SAMPLE", sample)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"tenant":   startTenant,
			"writes":   countWrites,
			"requests": showRequests,
			"members":  showMembers,
			"roles":    showRoles,
			"exits":    exits,
		},
	})
}

// tenants holds the tenant that each script started last.
var tenants sync.Map

// scripted is the tenant of a script.
type scripted struct {
	*simulator.Tenant
	shown int // of its requests
}

func tenantOf(ts *testscript.TestScript) *scripted {
	tenant, ok := tenants.Load(ts)
	if !ok {
		ts.Fatalf("no tenant was started")
	}
	return tenant.(*scripted)
}

// startTenant starts a tenant: tenant [seed.json] [fault] [caller=EMAIL]
// [unlisted=EMAIL]. It answers below /managed, too. A user who is unlisted exists,
// but not in the listing.
// Faults: replaces (group_add puts a person into that group only), login (a login
// page), forbidden, slow (writes take a second, and
// the first leaves a file "writing"),
// down (writes answer 503), and "METHOD /END STATUS MESSAGE" for the requests
// whose path has that end.
func startTenant(ts *testscript.TestScript, _ bool, args []string) {
	users, groups := simulator.Sample()
	fault, unlisted := "", ""
	options := []simulator.Option{simulator.WithToken("tok-12345")}
	for _, arg := range args {
		if caller, ok := strings.CutPrefix(arg, "caller="); ok {
			options = append(options, simulator.WithCaller(caller))
			continue
		}
		if arg == "replaces" {
			options = append(options, simulator.WithGroupAddReplaces())
			continue
		}
		if email, ok := strings.CutPrefix(arg, "unlisted="); ok {
			unlisted = email
			continue
		}
		if !strings.HasSuffix(arg, ".json") {
			fault = arg
			continue
		}
		var seed struct {
			Users  []simulator.User
			Groups []simulator.Group
		}
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(arg)), &seed))
		users, groups = seed.Users, seed.Groups
	}
	writing := ts.MkAbs("writing")
	refused := strings.SplitN(fault+"   ", " ", 4) // method, end, status, message
	options = append(options, simulator.WithFault(func(_ int, r *http.Request) simulator.Fault {
		switch {
		case fault == "login":
			return simulator.Fault{Status: http.StatusOK, Body: "<!DOCTYPE html><title>Log in</title>"}
		case fault == "forbidden":
			return simulator.Fault{Status: http.StatusForbidden, Body: `{"code":"EPERMS","message":"no"}`}
		case fault == "slow" && r.Method != http.MethodGet:
			_ = os.WriteFile(writing, nil, 0o600) // the script waits for it
			return simulator.Fault{Delay: time.Second}
		case fault == "down" && r.Method != http.MethodGet:
			return simulator.Fault{Status: http.StatusServiceUnavailable}
		case refused[1] != "" && r.Method == refused[0] && strings.HasSuffix(r.URL.Path, refused[1]):
			status, err := strconv.Atoi(refused[2])
			ts.Check(err)
			return simulator.Fault{Status: status, Body: fmt.Sprintf(`{"code":"E","message":%q}`, strings.TrimSpace(refused[3]))}
		}
		return simulator.Fault{}
	}))
	tenant := simulator.New(users, groups, options...)
	paths := http.NewServeMux()
	paths.Handle("/", without(unlisted, tenant))
	paths.Handle("/managed/", http.StripPrefix("/managed", tenant))
	server := httptest.NewServer(paths)
	ts.Defer(server.Close)
	tenants.Store(ts, &scripted{Tenant: tenant})
	ts.Setenv("XC_API_URL", server.URL)
	ts.Setenv("XC_API_TOKEN", "tok-12345")
}

// without leaves a user out of the listing of a tenant.
func without(email string, tenant http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if email == "" || r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/user_roles") {
			tenant.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		tenant.ServeHTTP(answer, r)
		var listing struct {
			Items []map[string]any `json:"items"`
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &listing); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		listing.Items = slices.DeleteFunc(listing.Items, func(user map[string]any) bool { return user["email"] == email })
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(listing)
	})
}

// countWrites checks how many requests but GETs the tenant got: writes N.
func countWrites(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var writes []string
	for _, request := range writesOf(tenantOf(ts).Requests()) {
		writes = append(writes, request.Method+" "+request.Path+" "+string(request.Body))
	}
	if len(writes) != want {
		ts.Fatalf("%d writes, want %d:\n%s", len(writes), want, strings.Join(writes, "\n"))
	}
}

// showRequests compares the requests since it was last called with a file, in the
// order of the alphabet: requests FILE.
func showRequests(ts *testscript.TestScript, _ bool, args []string) {
	tenant := tenantOf(ts)
	all := tenant.Requests()
	var lines []string
	for _, request := range all[tenant.shown:] {
		lines = append(lines, request.Method+" "+strings.TrimPrefix(request.Path, "/api/web/custom/namespaces/system/")+"\n")
	}
	tenant.shown = len(all)
	slices.Sort(lines)
	if got, want := strings.Join(lines, ""), ts.ReadFile(args[0]); got != want {
		ts.Fatalf("the requests are\n%s\nwant\n%s", got, want)
	}
}

// showMembers compares the tenant's groups with a file: members FILE.
func showMembers(ts *testscript.TestScript, _ bool, args []string) {
	var b strings.Builder
	for _, group := range tenantOf(ts).Groups() {
		slices.Sort(group.Usernames)
		fmt.Fprintf(&b, "%s: %s\n", group.Name, strings.Join(group.Usernames, " "))
	}
	if want := ts.ReadFile(args[0]); b.String() != want {
		ts.Fatalf("the groups are\n%s\nwant\n%s", b.String(), want)
	}
}

// showRoles compares the roles of the tenant's groups with a file: roles FILE.
func showRoles(ts *testscript.TestScript, _ bool, args []string) {
	var b strings.Builder
	for _, group := range tenantOf(ts).Groups() {
		var roles []string
		for _, role := range group.NamespaceRoles {
			roles = append(roles, " "+role.Namespace+"/"+role.Role)
		}
		slices.Sort(roles)
		fmt.Fprintf(&b, "%s:%s\n", group.Name, strings.Join(roles, ""))
	}
	if want := ts.ReadFile(args[0]); b.String() != want {
		ts.Fatalf("the roles are\n%s\nwant\n%s", b.String(), want)
	}
}

// exits runs the program and checks its exit code: exits CODE xc-group-sync …
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// TestASecondInterruptEndsTheProgram, where the first one waits for a write that
// the tenant does not answer.
func TestASecondInterruptEndsTheProgram(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no signals there")
	}
	writing, hang := make(chan struct{}, 100), make(chan struct{})
	tenant := simulator.New(simulator.Sample())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			writing <- struct{}{}
			<-hang
		}
		tenant.ServeHTTP(w, r)
	}))
	defer server.Close()
	defer close(hang)
	command := exec.CommandContext(t.Context(), "xc-group-sync", "sync", "--csv", root("testdata/sample.csv"), "--api-url", server.URL, "--api-token", "tok-12345", "--max-removals", "none")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	<-writing
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	// When the first has been taken is not known: they go on until it ends.
	for tick := time.Tick(20 * time.Millisecond); ; {
		select {
		case <-tick:
			_ = command.Process.Signal(os.Interrupt)
		case err := <-ended:
			var status *exec.ExitError
			if !errors.As(err, &status) || status.ExitCode() >= 0 { // -1: by the signal
				t.Errorf("it ended with %v", err)
			}
			return
		}
	}
}
