package roster

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxRow bounds a row, in bytes: a quote that is never closed, or a file that
// is no CSV, must not fill the memory.
const maxRow = 4 << 20

var errLongRow = fmt.Errorf("the row is longer than %d MiB: is there a quote that is not closed?", maxRow>>20)

// checkedText is the export as UTF-8. It refuses what is no text: encoding/csv would
// pass it on, and where a part of a file is damaged rows are lost unnoticed.
type checkedText struct {
	source io.Reader
	buffer []byte
	ready  []byte // of buffer: checked and not read yet
	cut    []byte // of buffer, behind ready: the first bytes of a character
	err    error  // what comes after ready

	line, column int // where the check stands: from 1, in bytes
	row          int // bytes read since the last row
}

func newCheckedText(r io.Reader) *checkedText {
	return &checkedText{source: decoded(r), buffer: make([]byte, 1<<16), line: 1, column: 1}
}

// decoded strips a byte-order mark, and turns UTF-16 into UTF-8 where the mark
// says so.
func decoded(r io.Reader) io.Reader {
	buffered := bufio.NewReader(r)
	mark, _ := buffered.Peek(3) // a shorter file has no mark, and its error comes back on the next read
	switch {
	case len(mark) == 3 && string(mark) == "\xef\xbb\xbf":
		_, _ = buffered.Discard(3)
	case len(mark) >= 2 && (string(mark[:2]) == "\xff\xfe" || string(mark[:2]) == "\xfe\xff"):
		return transform.NewReader(buffered, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder())
	}
	return buffered
}

// nextRow says that a row has ended.
func (t *checkedText) nextRow() { t.row = 0 }

func (t *checkedText) Read(p []byte) (int, error) {
	if t.row > maxRow {
		return 0, errLongRow
	}
	if len(t.ready) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		t.fill()
	}
	n := copy(p, t.ready)
	t.ready = t.ready[n:]
	t.row += n
	return n, nil
}

// fill reads the next piece and checks it.
func (t *checkedText) fill() {
	kept := copy(t.buffer, t.cut)
	n, err := t.source.Read(t.buffer[kept:])
	piece := t.buffer[:kept+n]
	good := clean(piece)
	t.ready, t.cut, t.err = piece[:good], piece[good:], err
	t.line += bytes.Count(t.ready, []byte{'\n'})
	if i := bytes.LastIndexByte(t.ready, '\n'); i >= 0 {
		t.column = good - i
	} else {
		t.column += good
	}
	if len(t.cut) > 0 && (utf8.FullRune(t.cut) || errors.Is(err, io.EOF)) {
		t.err = t.refusal(piece)
	}
}

// clean is how much of a piece is text: up to a zero byte, a byte that is not
// UTF-8, or a character that the piece cuts in two.
func clean(piece []byte) int {
	if zero := bytes.IndexByte(piece, 0); zero >= 0 {
		piece = piece[:zero]
	}
	for back := 1; back < utf8.UTFMax && back <= len(piece); back++ {
		if last := piece[len(piece)-back:]; utf8.RuneStart(last[0]) && !utf8.FullRune(last) {
			piece = piece[:len(piece)-back]
			break
		}
	}
	if utf8.Valid(piece) {
		return len(piece)
	}
	good := 0
	for {
		r, size := utf8.DecodeRune(piece[good:])
		if r == utf8.RuneError && size <= 1 {
			return good
		}
		good += size
	}
}

// refusal says what is wrong with the first byte behind what is ready.
func (t *checkedText) refusal(piece []byte) error {
	if t.cut[0] != 0 {
		return fail(t.line, "", "byte %d of this line is not UTF-8: save the export as UTF-8 (Excel: “CSV UTF-8”), or as UTF-16 with a byte-order mark", t.column)
	}
	// Of UTF-16 text in Latin letters every other byte is zero.
	if start := piece[:min(len(piece), 64)]; t.line == 1 && 3*bytes.Count(start, []byte{0}) > len(start) {
		return fail(t.line, "", "the file looks like UTF-16 without a byte-order mark: save it as UTF-8, or with the mark")
	}
	return fail(t.line, "", "byte %d of this line is zero, which no text holds: the file is damaged", t.column)
}
