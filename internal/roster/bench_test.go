package roster_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"xc-group-sync/internal/roster"
)

// export is a 20-column export of so many people, ten rows each, in a fiftieth
// as many groups.
func export(people int) []byte {
	var b bytes.Buffer
	b.WriteString("User Name,Login ID,User Display Name,Cof Account Type,Application Name,Entitlement Attribute,Entitlement Display Name,Related Application,Sox,Job Level,Job Title,Created Date,Account Locker,Employee Status,Email,Cost Center,Finc Level 4,Manager EID,Manager Name,Manager Email\n")
	groups := max(people/50, 1)
	for person := range people {
		for row := range 10 {
			fmt.Fprintf(&b, "\"EX\\u%d\",u%d,Person Number %d,User,Active Directory,memberOf,\"CN=Group-%05d,OU=F5 XC,OU=Groups,DC=example,DC=com\",F5 XC,false,50,Engineer,2025-11-01 00:00:00,0,A,person%d@example.com,IT-1,Platform Engineering,ex1,Ada Lovelace,ada.lovelace@example.com\n",
				person, person, person, (person*7+row*131)%groups, person)
		}
	}
	return b.Bytes()
}

// cpu is the CPU time of this process so far; other processes do not disturb it.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkRead reads exports of 1k to 1M rows; ratio-cpu is its CPU time by
// that of encoding/csv merely reading the same bytes, B/row what it allocates.
func BenchmarkRead(b *testing.B) {
	for _, people := range []int{100, 1000, 10_000, 100_000} {
		path := filepath.Join(b.TempDir(), "export.csv")
		if err := os.WriteFile(path, export(people), 0o600); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("rows=%d", people*10), func(b *testing.B) {
			var ours, theirs time.Duration
			b.ReportAllocs()
			for b.Loop() {
				start := cpu()
				reader := csv.NewReader(open(b, path))
				reader.ReuseRecord = true
				for {
					if _, err := reader.Read(); errors.Is(err, io.EOF) {
						break
					}
				}
				middle := cpu()
				if _, err := roster.Read(open(b, path)); err != nil {
					b.Fatal(err)
				}
				theirs += middle - start
				ours += cpu() - middle
			}
			b.ReportMetric(float64(ours)/float64(theirs), "ratio-cpu")
			b.ReportMetric(float64(ours)/float64(b.N*people*10), "ns/row")
			b.ReportMetric(peak(b, path), "peak/held")
		})
	}
}

func open(b *testing.B, path string) io.Reader {
	b.Helper()
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = file.Close() })
	return bufio.NewReader(file)
}

// peak is the most memory that reading takes by what the directory holds.
func peak(b *testing.B, path string) float64 {
	b.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most := uint64(0)
	desired, err := roster.Read(&watched{open(b, path), &most})
	if err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(desired)
	return float64(most-before.HeapAlloc) / float64(max(after.HeapAlloc-before.HeapAlloc, 1))
}

// watched looks at the heap each time it is read from.
type watched struct {
	io.Reader
	most *uint64
}

func (w *watched) Read(p []byte) (int, error) {
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	*w.most = max(*w.most, now.HeapAlloc)
	return w.Reader.Read(p)
}
