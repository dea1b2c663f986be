package xc_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/retry"
	"xc-group-sync/internal/xc"
)

// net/http hands over the connection itself as the body of a 101. The server
// keeps sending, and there is no timeout: reading it never ends.
func TestSwitchingProtocols(t *testing.T) {
	t.Parallel()
	for _, operation := range operations {
		t.Run(operation.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
				for {
					if _, err := io.WriteString(conn, " "); err != nil {
						return // the client has closed it
					}
				}
			})
			client := xc.New(xc.Options{BaseURL: server.URL, Transport: transport(t, xc.TransportOptions{}), Attempts: 3, Scope: xc.ScopeAll})
			err := operation.do(client, t.Context())
			fault := retry.FaultOf(err)
			if fault.Status != 101 || fault.Transient || fault.Ambiguous == fault.NotSent {
				t.Errorf("error = %v (%+v)", err, fault)
			}
		})
	}
}

// hanging is a body that ends when it is closed.
type hanging struct{ closed chan struct{} }

func (h hanging) Read([]byte) (int, error) { <-h.closed; return 0, net.ErrClosed }
func (h hanging) Close() error {
	select {
	case <-h.closed:
	default:
		close(h.closed)
	}
	return nil
}

// A body that never ends by itself ends with the timeout, and 7 s after an
// interruption at the latest.
func TestHangingBodies(t *testing.T) {
	t.Parallel()
	for _, operation := range operations {
		for _, status := range []int{200, 500} {
			t.Run(fmt.Sprint(operation.name, status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					client := xc.New(xc.Options{BaseURL: "https://tenant.example", Timeout: 30 * time.Second, Transport: tripper(func(r *http.Request) (*http.Response, error) {
						return &http.Response{StatusCode: status, Header: http.Header{}, Body: hanging{make(chan struct{})}, Request: r}, nil
					})})
					start := time.Now()
					if err := operation.do(client, t.Context()); err == nil || time.Since(start) != 30*time.Second {
						t.Errorf("error = %v after %v", err, time.Since(start))
					}
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(time.Second, cancel)
					start = time.Now()
					if err := operation.do(client, ctx); err == nil || time.Since(start) > time.Second+xc.Grace {
						t.Errorf("error = %v after %v", err, time.Since(start))
					}
				})
			})
		}
	}
}

func compressed(t *testing.T, write func(io.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	write(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func answeringGzip(body []byte) *xc.Client {
	return xc.New(xc.Options{BaseURL: "https://tenant.example", Attempts: 3, Transport: tripper(func(r *http.Request) (*http.Response, error) {
		header := http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}
		return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
	})})
}

func TestCompressedListing(t *testing.T) {
	t.Parallel()
	const users = 2_000
	body := compressed(t, func(w io.Writer) { listing(w, users) })
	if got, err := answeringGzip(body).Users(t.Context()); len(got) != users || err != nil {
		t.Errorf("%d users of %d bytes, %v", len(got), len(body), err)
	}
	if _, err := answeringGzip(body[:len(body)/2]).Users(t.Context()); !retry.FaultOf(err).Transient {
		t.Errorf("half of it: %v", err)
	}
	bomb := compressed(t, func(w io.Writer) {
		_, _ = io.WriteString(w, `{"items":[`)
		for range 8 {
			_, _ = w.Write(bytes.Repeat([]byte(" "), 1<<20))
		}
		_, _ = io.WriteString(w, `{"email":"a@b"}]}`)
	})
	client := answeringGzip(bomb)
	if _, err := client.Users(t.Context()); err == nil || !strings.Contains(err.Error(), "100 times") || client.Stats().Requests != 1 {
		t.Errorf("a bomb of %d bytes: %v after %d requests", len(bomb), err, client.Stats().Requests)
	}
}

// endless repeats a text after another.
type endless struct {
	first io.Reader
	again string
	next  func(i int) string // in place of again
	n     int
	rest  string
}

func (e *endless) Read(p []byte) (int, error) {
	if n, err := e.first.Read(p); n > 0 || err != io.EOF {
		return n, err
	}
	written := 0
	for written < len(p) {
		if e.rest == "" {
			if e.rest = e.again; e.next != nil {
				e.rest = e.next(e.n)
			}
			e.n++
		}
		n := copy(p[written:], e.rest)
		written, e.rest = written+n, e.rest[n:]
	}
	return written, nil
}

// maxValue is the most that one element may have.
const maxValue = 16 << 20

// Not in parallel: it looks at the heap. What an answer holds, it holds in
// proportion to its bytes, however little each element has. A sixteenth of
// maxValue shows the proportion: of all of it a decoder under the race detector takes
// too long.
func TestEndlessAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		path, first, again string
		next               func(int) string
	}{
		"empty users":       {"user_roles", `{"items":[`, `{},`, nil},
		"empty groups":      {"user_groups", `{"user_groups":[`, `{},`, nil},
		"empty group names": {"user_roles", `{"items":[{"email":"a@b","group_names":[`, `"",`, nil},
		"short group names": {"user_roles", `{"items":[{"email":"a@b","group_names":[`, `"a",`, nil},
		"empty roles":       {"user_roles", `{"items":[{"email":"a@b","namespace_roles":[`, `{},`, nil},
		"short roles":       {"user_roles", `{"items":[{"email":"a@b","namespace_roles":[`, `{"role":"a"},`, nil},
		"short members":     {"user_groups", `{"user_groups":[{"name":"a","usernames":[`, `"a",`, nil},
		"references":        {"user_groups", `{"user_groups":[{"name":"a","references_count":{`, "", numbered(`"%d":1,`)},
		"what is not read":  {"user_roles", `{"items":[{"email":"a@b","x":[`, `[{"y":[]}],`, nil},
		"keys not read":     {"user_roles", `{"items":[{"email":"a@b","x":{`, "", numbered(`"%d":1,`)},
		"depth":             {"user_roles", `{"items":[{"email":"a@b","x":`, `[`, nil},

		"long members":        {"user_groups", `{"user_groups":[{"name":"a","usernames":[`, "", numbered(`"user%d@example.com",`)},
		"null members":        {"user_groups", `{"user_groups":[{"name":"a","usernames":[`, "null,", nil},
		"roles of one name":   {"user_groups", `{"user_groups":[{"name":"a","namespace_roles":[`, `{"role":"a"},`, nil},
		"roles of many names": {"user_groups", `{"user_groups":[{"name":"a","namespace_roles":[`, "", numbered(`{"role":"%x"},`)},
		"null roles":          {"user_groups", `{"user_groups":[{"name":"a","namespace_roles":[`, `null,`, nil},
		"objects as code":     {"user_groups", `{"user_groups":[{"name":"a","error":{"code":[`, `{},`, nil},
		"objects as a count":  {"user_groups", `{"user_groups":[{"name":"a","references_count":{"a":[`, `{},`, nil},
		"code of a listing":   {"user_groups", `{"error":{"code":{"x":[`, `{},`, nil},
		"many members":        {"user_groups", `{"user_groups":[`, "", numbered(`{"name":"a%d","usernames":[` + strings.Repeat(`"a",`, 999) + `"a"]},`)},
		"many roles":          {"user_groups", `{"user_groups":[`, "", numbered(`{"name":"a%d","namespace_roles":[` + strings.Repeat(`{"role":"a"},`, 999) + `{"role":"a"}]},`)},
		"many references":     {"user_groups", `{"user_groups":[`, "", numbered(`{"name":"a%d","references_count":{` + keys(0, 1000) + `}},`)},
		"many group names":    {"user_roles", `{"items":[`, "", numbered(`{"name":"a%d","group_names":[` + strings.Repeat(`"a",`, 999) + `"a"]},`)},

		"members of one group":    {"group", `{"name":"a","usernames":[`, `"a",`, nil},
		"roles of one group":      {"group", `{"name":"a","namespace_roles":[`, `{},`, nil},
		"names of one group":      {"group", `{"name":"a","usernames":[`, "", numbered(`"%x",`)},
		"references of one group": {"group", `{"name":"a","references_count":{`, "", numbered(`"%d":1,`)},
		"code of one group":       {"group", `{"name":"a","error":{"code":[`, `{},`, nil},
		"groups of the caller":    {"whoami", `{"email":"a@b","group_names":[`, `"a",`, nil},
		"roles of the caller":     {"whoami", `{"email":"a@b","namespace_roles":[`, `{"role":"a"},`, nil},
		"items of a deletion":     {"deletion", `{"items":[`, `{},`, nil},
		"reasons of a deletion":   {"deletion", `{"items":[`, `{"error_message":"x"},`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			body := &endless{first: strings.NewReader(tt.first), again: strings.Repeat(tt.again, 1000), next: tt.next}
			if err := readAnswer(t, tt.path, body, maxValue/16, maxValue/4); !strings.Contains(fmt.Sprint(err), "unexpected response") {
				t.Errorf("error = %v", err)
			}
		})
	}
}

// Not in parallel: it looks at the heap. So many elements that they need not be of
// the usual length take up to 64 MiB.
func TestManyShortElements(t *testing.T) {
	for path, first := range map[string]string{"user_roles": `{"items":[`, "user_groups": `{"user_groups":[`} {
		body := &endless{first: strings.NewReader(first), next: numbered(`{"name":"%d"},`)}
		if err := readAnswer(t, path, body, maxValue, 64<<20); !strings.Contains(fmt.Sprint(err), "bytes can hold") {
			t.Errorf("%s: error = %v", path, err)
		}
	}
}

func numbered(format string) func(int) string {
	return func(i int) string { return fmt.Sprintf(format, i) }
}

// Not in parallel: it looks at the heap.
func TestLongElements(t *testing.T) {
	for name, tt := range map[string]struct{ path, first, again string }{
		"an email":          {"user_roles", `{"items":[{"email":"`, "x"},
		"blanks":            {"user_roles", `{"items":[{`, " "},
		"a text of a group": {"group", `{"name":"a","sync_id":"`, "x"},
	} {
		body := &endless{first: strings.NewReader(tt.first), again: strings.Repeat(tt.again, 1000)}
		if err := readAnswer(t, tt.path, body, maxValue+1<<20, 64<<20); !strings.Contains(fmt.Sprint(err), "longer than 16 MiB") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}

// readAnswer has a client read an answer that is cut after length bytes, and holds
// the memory to 8 times the bytes read and what is free.
func readAnswer(t *testing.T, path string, body io.Reader, length, free int64) error {
	t.Helper()
	before := inUse()
	watched := &watch{Reader: io.LimitReader(body, length)}
	client := answeringWith(func() io.Reader { return watched })
	err := map[string]func() error{
		"user_roles":  func() error { _, err := client.Users(t.Context()); return err },
		"user_groups": func() error { _, err := client.Groups(t.Context()); return err },
		"group":       func() error { _, err := client.Group(t.Context(), "a"); return err },
		"whoami":      func() error { _, err := client.WhoAmI(t.Context()); return err },
		"deletion":    func() error { return client.DeleteUser(t.Context(), directory.User{Email: "a@b"}) },
	}[path]()
	if grown := int64(watched.most) - int64(before); grown > 8*watched.read+free {
		t.Errorf("%d MiB in use for %d MiB read", grown>>20, watched.read>>20)
	}
	return err
}

// watch measures how much is in use after every 256 KiB that is read.
type watch struct {
	io.Reader
	read int64
	most uint64
}

func (w *watch) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if before := w.read; before>>18 != (before+int64(n))>>18 {
		w.most = max(w.most, inUse())
	}
	w.read += int64(n)
	return n, err
}

func inUse() uint64 {
	var now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&now)
	return now.HeapAlloc
}

// Decoding what was received ends with the request, though the body could go on.
func TestDecodingEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	body := &endless{first: strings.NewReader(`{"name":"a","x":[`), again: `{},`}
	read, ended := 0, 0
	_, err := answeringWith(func() io.Reader {
		return readerFunc(func(p []byte) (int, error) {
			n, err := body.Read(p)
			if read += n; read > 1<<20 && ended == 0 {
				ended = read
				cancel()
			}
			return n, err
		})
	}).Group(ctx, "a")
	if !errors.Is(err, context.Canceled) || read > ended+64<<10 {
		t.Errorf("%v after %d bytes, though it ended after %d", err, read, ended)
	}
}

// Few large answers are read at a time, however many workers there are.
func TestLargeAnswersTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reading, most atomic.Int32
		client := answeringWith(func() io.Reader {
			return io.MultiReader(strings.NewReader(`{"name":"a",`+strings.Repeat(" ", 2<<20)), readerFunc(func([]byte) (int, error) {
				most.Store(max(most.Load(), reading.Add(1)))
				time.Sleep(time.Second)
				reading.Add(-1)
				return 0, io.EOF
			}), strings.NewReader(`"usernames":[]}`))
		})
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := client.Group(t.Context(), "a"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if most.Load() > 4 {
			t.Errorf("%d at a time", most.Load())
		}
	})
}

// What a server says about itself is cut, and never ends a run by itself.
func TestLongTextsOfAServer(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 30_000)
	for name, a := range map[string]reply{
		"request id": {500, http.Header{"X-Request-Id": {long}}, ""},
		"code":       {400, nil, `{"code":"` + long + `","message":"no"}`},
		"message":    {400, nil, `{"message":"` + long + `"}`},
		"location":   {302, http.Header{"Location": {"https://" + strings.Repeat("a", 60_000) + ".example/"}}, ""},
		"error":      {200, nil, `{"items":[],"error":{"code":"` + long + `","message":"` + long + `"}}`},
		"name":       {200, nil, `{"items":[{"email":"` + long + `"}]}`},
		"key":        {200, nil, `{"` + long + `":1,"` + long + `":2}`},
	} {
		client := replying(a)
		_, err := client.Users(t.Context())
		if err == nil || utf8.RuneCountInString(err.Error()) > 1200 {
			t.Errorf("%s: error = %.2000v", name, err)
		}
	}
}

func TestLongHeaders(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 512<<10))
		answering(200, oneUser)(w, r)
	})
	if _, err := connect(t, server.URL, xc.TransportOptions{}).Users(t.Context()); err == nil || utf8.RuneCountInString(err.Error()) > 1200 {
		t.Errorf("error = %v", err)
	}
}

// A wait that no run should sit out ends the retries.
func TestHugeRetryAfter(t *testing.T) {
	t.Parallel()
	for _, wait := range []string{"61", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		synctest.Test(t, func(t *testing.T) {
			client := xc.New(xc.Options{BaseURL: "https://tenant.example", Attempts: 3, RetryAfterMax: time.Minute, Transport: tripper(func(r *http.Request) (*http.Response, error) {
				return reply{503, http.Header{"Retry-After": {wait}}, ""}.response(r), nil
			})})
			start := time.Now()
			_, err := client.Users(t.Context())
			var refused *xc.Error
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), "retry-after-max") || time.Since(start) != 0 {
				t.Errorf("%s: error = %v after %v", wait, err, time.Since(start))
			}
		})
	}
}
