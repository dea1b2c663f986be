package cli_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/roster"
	dryrun "xc-group-sync/internal/run"
	"xc-group-sync/internal/simulator"
	"xc-group-sync/internal/xc"
)

// export has the files of an export of 20 columns, ten rows a person, in a fiftieth
// as many groups, and the same as a tenant would list it. They are not in memory:
// the system counts this process's for the programs that it starts.
type export struct {
	path, users, groups string
}

func writeExport(b *testing.B, people int) *export {
	b.Helper()
	dir := b.TempDir()
	e := &export{filepath.Join(dir, "export.csv"), filepath.Join(dir, "users.json"), filepath.Join(dir, "groups.json")}
	var files [3]*bufio.Writer
	for i, path := range []string{e.path, e.users, e.groups} {
		file, err := os.Create(path)
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		files[i] = bufio.NewWriter(file)
	}
	w, listed, grouped := files[0], files[1], files[2]
	_, _ = w.WriteString("User Name,Login ID,User Display Name,Cof Account Type,Application Name,Entitlement Attribute,Entitlement Display Name,Related Application,Sox,Job Level,Job Title,Created Date,Account Locker,Employee Status,Email,Cost Center,Finc Level 4,Manager EID,Manager Name,Manager Email\n")
	groups := max(people/50, 1)
	members := make([][]string, groups)
	_, _ = listed.WriteString(`{"items":[{"email":"admin@example.com","domain_owner":true}`)
	for person := range people {
		email := fmt.Sprintf("person%d@example.com", person)
		_, _ = fmt.Fprintf(listed, `,{"email":%q,"name":%q,"first_name":"Person","last_name":"Number %d","idm_type":"SSO","type":"USER","sync_mode":"SELF","namespace_roles":[],"group_names":[`, email, email, person)
		for row := range 10 {
			group := (person*7 + row*131) % groups
			_, _ = fmt.Fprintf(w, "\"EX\\u%d\",u%d,Person Number %d,User,Active Directory,memberOf,\"CN=Group-%05d,OU=F5 XC,OU=Groups,DC=example,DC=com\",F5 XC,false,50,Engineer,2025-11-01 00:00:00,0,A,%s,IT-1,Platform Engineering,ex1,Ada Lovelace,ada.lovelace@example.com\n",
				person, person, person, group, email)
			if n := len(members[group]); n == 0 || members[group][n-1] != email {
				members[group] = append(members[group], email)
			}
			_, _ = fmt.Fprintf(listed, `%s"group-%05d"`, ","[:min(row, 1)], group)
		}
		_, _ = listed.WriteString(`]}`)
	}
	_, _ = listed.WriteString(`]}`)
	_, _ = grouped.WriteString(`{"user_groups":[`)
	for group, emails := range members {
		_, _ = fmt.Fprintf(grouped, `%s{"name":"group-%05d","display_name":"Group-%05d","description":"Managed by xc-group-sync","sync_mode":"SELF","usernames":["%s"]}`,
			","[:min(group, 1)], group, group, strings.Join(emails, `","`))
	}
	_, _ = grouped.WriteString(`]}`)
	if err := errors.Join(w.Flush(), listed.Flush(), grouped.Flush()); err != nil {
		b.Fatal(err)
	}
	return e
}

// merely has encoding/csv read a file so many times, its record reused.
func merely(path string, times int) error {
	for range times {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		reader := csv.NewReader(bufio.NewReaderSize(file, 1<<16))
		reader.ReuseRecord = true
		for err == nil {
			_, err = reader.Read()
		}
		if !errors.Is(err, io.EOF) {
			return err
		}
		_ = file.Close()
	}
	return nil
}

// build builds the program as it is released.
func build(b *testing.B) (program string) {
	b.Helper()
	program = filepath.Join(b.TempDir(), "xc-group-sync")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, root("."))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return program
}

// cost is what a process took, its children left out.
type cost struct {
	cpu        time.Duration
	writes     int   // write calls of any kind
	peak       int64 // bytes in memory
	stdout     int64 // bytes
	closingOut string
}

// measure runs a program, its output into files, and returns what it took.
func measure(b *testing.B, program string, args ...string) cost {
	b.Helper()
	out, err := os.Create(filepath.Join(b.TempDir(), "out"))
	if err != nil {
		b.Fatal(err)
	}
	log, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	command := exec.Command(program, args...)
	command.Env, command.Stdout, command.Stderr = []string{}, out, log
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	awaitEnd(b, command.Process.Pid)
	writes := writeCalls(b, command.Process.Pid)
	if err := command.Wait(); err != nil {
		said, _ := os.ReadFile(log.Name())
		b.Fatalf("%v: %.2000s", err, said)
	}
	usage := command.ProcessState.SysUsage().(*syscall.Rusage)
	said, err := os.ReadFile(out.Name())
	if err := errors.Join(err, out.Close(), log.Close()); err != nil {
		b.Fatal(err)
	}
	return cost{
		cpu: command.ProcessState.UserTime() + command.ProcessState.SystemTime(), writes: writes,
		peak: usage.Maxrss << 10, stdout: int64(len(said)), closingOut: string(said[max(0, len(said)-300):]),
	}
}

// awaitEnd waits for a process to end and leaves what the system knows of it.
func awaitEnd(b *testing.B, pid int) {
	b.Helper()
	const process, exited, keep = 1, 4, 0x1000000 // P_PID, WEXITED, WNOWAIT
	var info [128]byte
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, process, uintptr(pid), uintptr(unsafe.Pointer(&info)), exited|keep, 0, 0)
		if errno == 0 {
			return
		}
		if errno != syscall.EINTR {
			b.Fatal(errno)
		}
	}
}

// writeCalls returns how often a process has called write or the like.
func writeCalls(b *testing.B, pid int) int {
	b.Helper()
	counts := read(b, fmt.Sprintf("/proc/%d/io", pid))
	_, count, _ := strings.Cut(counts, "syscw: ")
	count, _, _ = strings.Cut(count, "\n")
	n, err := strconv.Atoi(count)
	if err != nil {
		b.Fatalf("%v in %s", err, counts)
	}
	return n
}

// BenchmarkWhole runs the whole program, a dry run of 1k to 1M rows that prints
// its plan to a file: for a tenant that has none of the people, and for one in
// which there is nothing to do. ratio-cpu is the CPU time of the process by that
// of another one in which encoding/csv merely reads the file; peak/held its most memory by what the
// directory, the tenant and the plan hold in the end. Times are medians.
func BenchmarkWhole(b *testing.B) {
	program := build(b)
	for _, rows := range []int{1_000, 10_000, 100_000, 1_000_000} {
		e := writeExport(b, rows/10)
		for _, state := range []string{"empty", "synced"} {
			b.Run(fmt.Sprintf("rows=%d/tenant=%s", rows, state), func(b *testing.B) {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					switch users := strings.HasSuffix(r.URL.Path, "user_roles"); {
					case strings.HasSuffix(r.URL.Path, "whoami"):
						_, _ = io.WriteString(w, `{"email":"admin@example.com","domain_owner":true}`)
					case users && state == "empty":
						_, _ = io.WriteString(w, `{"items":[{"email":"admin@example.com","domain_owner":true}]}`)
					case users:
						http.ServeFile(w, r, e.users)
					case state == "empty":
						_, _ = io.WriteString(w, `{"user_groups":[]}`)
					default:
						http.ServeFile(w, r, e.groups)
					}
				}))
				defer server.Close()
				debug.FreeOSMemory()
				var ratios, costs []float64
				var sum cost
				for b.Loop() {
					times := 1_000_000 / rows // a short time is measured badly
					base := measure(b, "merely", e.path, strconv.Itoa(times)).cpu / time.Duration(times)
					got := measure(b, program, "plan", "--csv", e.path, "--api-url", server.URL, "--api-token", "tok-12345")
					if state == "synced" && !strings.Contains(got.closingOut, "created=0, updated=0, deleted=0") {
						b.Fatalf("there is something to do:\n%s", got.closingOut)
					}
					ratios = append(ratios, float64(got.cpu)/float64(base))
					costs = append(costs, float64(got.cpu.Nanoseconds())/float64(rows))
					sum.writes, sum.peak, sum.stdout = got.writes, max(sum.peak, got.peak), got.stdout
				}
				b.ReportMetric(0, "ns/op") // wall, with the server's
				b.ReportMetric(median(ratios), "ratio-cpu")
				b.ReportMetric(median(costs), "cpu-ns/row")
				b.ReportMetric(float64(sum.writes), "writes")
				b.ReportMetric(float64(sum.peak)/(1<<20), "peak-MiB")
				b.ReportMetric(float64(sum.peak)/held(b, e.path, server.URL), "peak/held")
				b.ReportMetric(float64(sum.stdout)/(1<<20), "out-MiB")
			})
		}
	}
}

// held returns what is in memory at the end of a dry run, without garbage, in
// bytes.
func held(b *testing.B, path, url string) float64 {
	b.Helper()
	out, err := exec.Command("held", path, url).Output()
	if err != nil {
		b.Fatal(err)
	}
	bytes, err := strconv.ParseFloat(string(out), 64)
	if err != nil {
		b.Fatal(err)
	}
	return bytes
}

// printHeld makes a dry run, and prints what is in memory then.
func printHeld(path, url string) error {
	file := dryrun.File{Path: path, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
	result := dryrun.Run(context.Background(), dryrun.CSV([]dryrun.File{file}, roster.Options{}, false), xc.New(xc.Options{BaseURL: url}), plan.Policy{}, dryrun.Options{DryRun: true})
	if result.Plan == nil {
		return fmt.Errorf("no plan: %v", result.Findings)
	}
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	runtime.KeepAlive(result)
	_, err := fmt.Print(memory.HeapAlloc)
	return err
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// BenchmarkWholeApply applies 2,000 users and 100 groups to a tenant that
// answers at once. ratio-cpu is the CPU time of the process by that of a bare
// loop around net/http, a process of its own, too, that sends as many requests.
func BenchmarkWholeApply(b *testing.B) {
	const users, groups = 2000, 100
	program, path := build(b), newcomers(b, users, groups)
	var ours, theirs time.Duration
	for b.Loop() {
		tenant := simulator.New([]simulator.User{{Email: "admin@example.com", DomainOwner: true}}, nil)
		server := httptest.NewServer(tenant)
		ours += measure(b, program, "sync", "--csv", path, "--api-url", server.URL, "--api-token", "tok-12345").cpu
		requests := len(tenant.Requests())
		server.Close()
		echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, `{}`)
		}))
		theirs += measure(b, "bare-loop", echo.URL, strconv.Itoa(requests)).cpu
		echo.Close()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(ours)/float64(theirs), "ratio-cpu")
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N*(users+groups)), "cpu-ns/change")
}

// bareLoop posts so many requests to a URL, four in flight.
func bareLoop(url string, requests int) error {
	const inFlight = 4
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight}}
	var left atomic.Int64
	left.Store(int64(requests))
	failures := make([]error, inFlight)
	var workers sync.WaitGroup
	for worker := range inFlight {
		workers.Go(func() {
			for left.Add(-1) >= 0 && failures[worker] == nil {
				response, err := client.Post(url, "application/json", strings.NewReader(`{"email":"person1234@example.com","first_name":"","last_name":"person1234","idm_type":"SSO"}`))
				if err != nil {
					failures[worker] = err
					return
				}
				_, err = io.Copy(io.Discard, response.Body)
				failures[worker] = errors.Join(err, response.Body.Close())
			}
		})
	}
	workers.Wait()
	return errors.Join(failures...)
}
