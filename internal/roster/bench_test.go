package roster_test

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"xc-group-sync/internal/roster"
)

// writeExport writes a 20-column export of so many people, ten rows each, in a
// fiftieth as many groups.
func writeExport(b *testing.B, people int) (path string) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "export.csv")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(file)
	_, _ = w.WriteString("User Name,Login ID,User Display Name,Cof Account Type,Application Name,Entitlement Attribute,Entitlement Display Name,Related Application,Sox,Job Level,Job Title,Created Date,Account Locker,Employee Status,Email,Cost Center,Finc Level 4,Manager EID,Manager Name,Manager Email\n")
	groups := max(people/50, 1)
	for person := range people {
		for row := range 10 {
			_, _ = fmt.Fprintf(w, "\"EX\\u%d\",u%d,Person Number %d,User,Active Directory,memberOf,\"CN=Group-%05d,OU=F5 XC,OU=Groups,DC=example,DC=com\",F5 XC,false,50,Engineer,2025-11-01 00:00:00,0,A,person%d@example.com,IT-1,Platform Engineering,ex1,Ada Lovelace,ada.lovelace@example.com\n",
				person, person, person, (person*7+row*131)%groups, person)
		}
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		b.Fatal(err)
	}
	return path
}

// merely reads the file with encoding/csv alone, at its fastest: with
// ReuseRecord, and a buffer as large as Read's.
func merely(r io.Reader) error {
	reader := csv.NewReader(bufio.NewReaderSize(r, 1<<16))
	reader.ReuseRecord = true
	for {
		if _, err := reader.Read(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// BenchmarkRead reads exports of 1k to 1M rows, to show what a row costs as
// they grow. ratio-cpu is Read's CPU time by that of encoding/csv merely
// reading the same file, the median of the runs; peak/held is the most memory
// in use by what the directory holds.
func BenchmarkRead(b *testing.B) {
	for _, people := range []int{100, 1000, 10_000, 100_000} {
		rows := 10 * people
		path := writeExport(b, people)
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			times := max(1, 100_000/rows) // a short time is measured badly
			var ratios, costs []float64
			for b.Loop() {
				theirs := cpu(b, path, times, merely)
				ours := cpu(b, path, times, func(r io.Reader) error {
					_, err := roster.Read(r, roster.Options{})
					return err
				})
				ratios = append(ratios, float64(ours)/float64(theirs))
				costs = append(costs, float64(ours)/float64(times*rows))
			}
			b.ReportMetric(0, "ns/op") // of both readers: no figure to compare
			b.ReportMetric(median(ratios), "ratio-cpu")
			b.ReportMetric(median(costs), "cpu-ns/row")
			peak, held := memory(b, path)
			b.ReportMetric(peak/held, "peak/held")
			b.ReportMetric(peak/float64(rows), "peak-B/row")
		})
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// cpu is the CPU time, the garbage collector's included, that reading a file
// so many times takes. Other processes hardly disturb it.
func cpu(b *testing.B, path string, times int, read func(io.Reader) error) time.Duration {
	b.Helper()
	runtime.GC() // the garbage from before is not to be paid for
	start := used(b)
	for range times {
		file, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(read(file), file.Close()); err != nil {
			b.Fatal(err)
		}
	}
	return used(b) - start
}

// used is the CPU time of this process so far.
func used(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// memory is the most that is in use while the file is read, garbage included,
// and what the directory holds afterwards, in bytes.
func memory(b *testing.B, path string) (peak, held float64) {
	b.Helper()
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most := uint64(0)
	desired, err := roster.Read(&watched{file, &most}, roster.Options{})
	if err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(desired)
	return float64(most - before.HeapAlloc), float64(max(after.HeapAlloc-before.HeapAlloc, 1))
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
