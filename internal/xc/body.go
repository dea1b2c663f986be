package xc

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// The limits of a response.
const (
	// The listing of a large tenant takes tens of megabytes; an endless one must
	// not use up all memory. In bytes, decompressed.
	maxBody = 512 << 20
	// Of the body of an error, which usually has a few hundred bytes.
	maxErrorBody = 64 << 10
	// All headers of a response together; they usually have a few KiB.
	maxHeader = 256 << 10
	// Listings compress to between a tenth and a thirtieth. A body that grows
	// more was made to fill memory. The first bytes do not count, since short
	// texts repeat a lot.
	maxRatio  = 100
	freeBytes = 1 << 20
	// Each worker reads one group, and there may be many workers. At most
	// maxLarge responses of more than largeAnswer bytes are read at a time; a group
	// of twenty thousand members fits into largeAnswer.
	maxLarge    = 4
	largeAnswer = 1 << 20
)

var (
	errTooLong  = fmt.Errorf("more than %d MiB", maxBody>>20)
	errInflated = fmt.Errorf("the compressed body grows more than %d times", maxRatio)
)

// answer is a response whose body is still to be read. It remembers why reading
// failed, to tell a broken connection from a broken text.
type answer struct {
	status int
	header http.Header
	text   *bufio.Reader // decompressed, within bounds
	failed error         // why the body could not be read to its end

	ctx  context.Context // of the request
	body io.Reader
	wire *counter
	size int64 // decompressed, so far

	large   chan struct{} // has an element for each large response being read; nil if they are not limited
	entered bool          // this is a large response
}

// open returns a response and a function that closes it. The end of ctx ends
// reading, even of a body that net/http would read forever.
func open(ctx context.Context, response *http.Response) (*answer, func()) {
	a := &answer{ctx: ctx, status: response.StatusCode, header: response.Header, wire: &counter{r: response.Body}}
	a.body = a.wire
	a.text = bufio.NewReader(a)
	if strings.EqualFold(response.Header.Get("Content-Encoding"), "gzip") {
		a.body = &gunzip{source: a.wire}
	}
	stop := context.AfterFunc(ctx, func() { _ = response.Body.Close() })
	return a, func() { stop(); a.close(response) }
}

// Read reads the body within its limits.
func (a *answer) Read(p []byte) (int, error) {
	if err := a.enter(); err != nil {
		a.failed = err
		return 0, err
	}
	n, err := a.body.Read(p)
	a.size += int64(n)
	switch {
	case a.size > maxBody:
		err = errTooLong
	case a.size > a.wire.n*maxRatio+freeBytes:
		err = errInflated
	case err != nil && err != io.EOF && a.ctx.Err() != nil:
		err = a.ctx.Err() // not that the body was closed
	}
	if err != nil && err != io.EOF {
		a.failed = err
	}
	return n, err
}

// enter waits until more of a body may be read. It fails if the request has ended:
// decoding what was received must end with it.
func (a *answer) enter() error {
	if a.large != nil && !a.entered && a.size > largeAnswer {
		select {
		case a.large <- struct{}{}:
			a.entered = true
		case <-a.ctx.Done():
		}
	}
	return a.ctx.Err()
}

// close ends reading.
func (a *answer) close(response *http.Response) {
	_ = response.Body.Close()
	if a.entered {
		<-a.large
	}
}

// start returns the first byte of the body that is not white space, if there is
// one, without consuming it.
func (a *answer) start() []byte {
	for {
		c, err := a.text.ReadByte()
		if err != nil {
			return nil
		}
		if !strings.ContainsRune(" \t\r\n", rune(c)) {
			_ = a.text.UnreadByte()
			return []byte{c}
		}
	}
}

// isBound reports whether err is about a response's size rather than the
// connection.
func isBound(err error) bool { return errors.Is(err, errTooLong) || errors.Is(err, errInflated) }

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// gunzip starts to decompress at the first Read. net/http does the same, but
// without a limit.
type gunzip struct {
	source io.Reader
	reader *gzip.Reader
}

func (g *gunzip) Read(p []byte) (n int, err error) {
	if g.reader == nil {
		if g.reader, err = gzip.NewReader(g.source); err != nil {
			return 0, err
		}
	}
	return g.reader.Read(p)
}
