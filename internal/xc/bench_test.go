package xc_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"xc-group-sync/internal/xc"
)

// processorTime of this process so far; other processes do not disturb it.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// listing writes the listing of so many users, each in ten groups.
func listing(w io.Writer, users int) {
	out := bufio.NewWriter(w)
	separator := `{"items":[`
	for i := range users {
		fmt.Fprintf(out, `%s{"email":"person%06d@example.com","name":"person%06d@example.com","first_name":"Person","last_name":"Number %d","idm_type":"SSO","type":"USER","sync_mode":"SELF","domain_owner":false,"disabled":false,"creation_timestamp":"2024-01-02T03:04:05Z","namespace_roles":[{"namespace":"system","role":"ves-io-default-role"}],"group_names":[`, separator, i, i, i)
		separator = ","
		for g := range 9 {
			fmt.Fprintf(out, `"group-%05d",`, (i*7+g*131)%2000)
		}
		fmt.Fprintf(out, `"group-%05d"]}`, i%2000)
	}
	_, _ = out.WriteString(`]}`)
	_ = out.Flush()
}

// answeringWith makes a client whose tenant answers every request with a body.
func answeringWith(body func() io.Reader) *xc.Client {
	return xc.New(xc.Options{BaseURL: "https://tenant.example", Transport: tripper(func(r *http.Request) (*http.Response, error) {
		header := http.Header{"Content-Type": {"application/json"}}
		return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(body()), ContentLength: -1, Request: r}, nil
	})})
}

// BenchmarkListing reads the listing of a large tenant. ratio-cpu is its CPU
// time by that of encoding/json merely reading the same bytes once.
func BenchmarkListing(b *testing.B) {
	for _, users := range []int{1_000, 10_000, 100_000} {
		var body bytes.Buffer
		listing(&body, users)
		c := answeringWith(func() io.Reader { return bytes.NewReader(body.Bytes()) })
		b.Run(fmt.Sprintf("users=%d", users), func(b *testing.B) {
			const readings = 3
			start := processorTime(b)
			for range readings {
				readOnce(b, body.Bytes())
			}
			theirs := processorTime(b) - start
			b.ReportAllocs()
			start = processorTime(b)
			for b.Loop() {
				if got, err := c.Users(b.Context()); err != nil || len(got) != users {
					b.Fatal(err, len(got))
				}
			}
			ours := processorTime(b) - start
			b.ReportMetric(float64(ours)/float64(b.N)/(float64(theirs)/readings), "ratio-cpu")
		})
	}
}

// readOnce is what reading the fields of a user listing takes at the least.
func readOnce(b *testing.B, body []byte) {
	b.Helper()
	var items struct {
		Items []struct {
			Email, Name string
			Roles       []struct{ Namespace, Role string } `json:"namespace_roles"`
			Groups      []string                           `json:"group_names"`
		}
	}
	if err := json.Unmarshal(body, &items); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLongAnswer reads a listing near the bound of 512 MiB. peak/body is
// the most memory that the process ever held by the listing's length.
func BenchmarkLongAnswer(b *testing.B) {
	const users = 1_100_000
	length := 0
	c := answeringWith(func() io.Reader {
		reader, writer := io.Pipe()
		go func() { listing(writer, users); _ = writer.Close() }()
		return readerFunc(func(p []byte) (int, error) {
			n, err := reader.Read(p)
			length += n
			return n, err
		})
	})
	for b.Loop() {
		length = 0
		if got, err := c.Users(b.Context()); err != nil || len(got) != users {
			b.Fatal(err, len(got))
		}
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(length)/(1<<20), "body-MiB")
	b.ReportMetric(float64(usage.Maxrss)/(1<<10), "peak-MiB") // of the process, in KiB on Linux
}

// readerFunc reads.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
