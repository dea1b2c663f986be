package roster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxRow bounds a row, in bytes: a quote that is never closed, or a file that
// is not a CSV, must not fill the memory.
const maxRow = 4 << 20

var errLongRow = fmt.Errorf("the row is longer than %d MiB", maxRow>>20)

const (
	mark       = "\ufeff" // byte-order mark
	substitute = 0x1a     // what DOS and Windows put at the end of a text
)

// textReader reads an export as UTF-8 with line ends that encoding/csv knows. It
// refuses what is not text: encoding/csv would pass it on, and rows of a damaged
// file would be lost unnoticed.
type textReader struct {
	source  io.Reader
	buffer  []byte
	ready   []byte // of buffer: checked and not read yet
	pending []byte // of buffer, after ready: cannot be checked without what follows
	err     error  // returned after ready

	line, column int  // position of the check, from 1, in bytes
	quoted       bool // the check's position is within quotes

	row      int  // bytes read since the last row, without most blank lines
	inQuotes bool // the last byte that was read is within quotes
}

func newTextReader(source io.Reader) *textReader {
	return &textReader{source: source, buffer: make([]byte, 1<<16), line: 1, column: 1}
}

// nextRow is called at the end of a row.
func (t *textReader) nextRow() { t.row = 0 }

func (t *textReader) Read(p []byte) (int, error) {
	if t.row > maxRow {
		return 0, errLongRow
	}
	for len(t.ready) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		t.fill()
	}
	n := copy(p, t.ready)
	t.ready = t.ready[n:]
	t.count(p[:n])
	return n, nil
}

// count counts what was read. Blank lines between rows belong to no row, however
// many there are.
func (t *textReader) count(read []byte) {
	if !t.inQuotes && len(bytes.Trim(read, "\n")) == 0 {
		t.row = 0
		return
	}
	t.row += len(read)
	t.inQuotes = t.inQuotes != (bytes.Count(read, []byte{'"'})%2 == 1)
}

// fill reads the next piece, checks it and rewrites its line ends.
func (t *textReader) fill() {
	kept := copy(t.buffer, t.pending)
	n, err := t.source.Read(t.buffer[kept:])
	piece := t.buffer[:kept+n]
	good := validText(piece)
	isWhole, isLast := good == len(piece), errors.Is(err, io.EOF)
	if isWhole {
		if isLast && good > 0 && piece[good-1] == substitute {
			good--
			piece = piece[:good]
		}
		if err == nil {
			good -= undecided(piece)
		}
	}
	t.pending, t.err = piece[good:], err
	t.ready = t.moveMarks(rewriteLineEnds(piece[:good]))
	t.line += bytes.Count(t.ready, []byte{'\n'})
	if i := bytes.LastIndexByte(t.ready, '\n'); i >= 0 {
		t.column = len(t.ready) - i
	} else {
		t.column += len(t.ready)
	}
	switch {
	case !isWhole && (utf8.FullRune(t.pending) || isLast):
		t.err = t.refusal(piece)
	case errors.Is(err, errUTF16):
		t.err = fail(t.line, "", "export the file again", "broken UTF-16: half a character in this line")
	}
}

// undecided returns how many bytes at the end of a piece need what follows:
// line ends, a byte-order mark before a quote, the end of the file.
func undecided(piece []byte) int {
	if bytes.HasSuffix(piece, []byte(mark)) {
		return len(mark)
	}
	n := 0
	for n < 2 && n < len(piece) && piece[len(piece)-1-n] == '\r' {
		n++
	}
	if n == 0 && len(piece) > 0 && piece[len(piece)-1] == substitute {
		return 1
	}
	return n
}

// rewriteLineEnds writes CR, CRLF and CRCRLF as LF, in place.
func rewriteLineEnds(p []byte) []byte {
	write := bytes.IndexByte(p, '\r')
	if write < 0 {
		return p
	}
	for read := write; read < len(p); {
		if p[read] == '\r' {
			switch {
			case read+1 < len(p) && p[read+1] == '\n':
				read += 2
			case read+2 < len(p) && p[read+1] == '\r' && p[read+2] == '\n':
				read += 3
			default:
				read++
			}
			p[write] = '\n'
			write++
			continue
		}
		end := bytes.IndexByte(p[read:], '\r')
		if end < 0 {
			end = len(p) - read
		}
		write += copy(p[write:], p[read:read+end])
		read += end
	}
	return p[:write]
}

// moveMarks moves a byte-order mark between the beginning of a row and a quote
// into the quotes. Joining files leaves one there, and encoding/csv would refuse
// the quote.
func (t *textReader) moveMarks(p []byte) []byte {
	rest := p
	for {
		i := bytes.Index(rest, []byte(mark+`"`))
		if i < 0 {
			break
		}
		t.quoted = t.quoted != (bytes.Count(rest[:i], []byte{'"'})%2 == 1)
		atStart := i > 0 && rest[i-1] == '\n' || i == 0 && (len(rest) == len(p) && t.column == 1)
		if atStart && !t.quoted {
			copy(rest[i:], `"`+mark)
			t.quoted = true
			rest = rest[i+1+len(mark):]
			continue
		}
		rest = rest[i+len(mark):]
	}
	t.quoted = t.quoted != (bytes.Count(rest, []byte{'"'})%2 == 1)
	return p
}

// validText returns how much of a piece is valid text: up to a NUL byte, a byte
// that is not UTF-8, or a character cut in two by the end of the piece.
func validText(piece []byte) int {
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

// refusal says what is wrong with the first byte that is pending.
func (t *textReader) refusal(piece []byte) error {
	if t.pending[0] != 0 {
		return fail(t.line, "", "save the export as UTF-8 (in Excel: CSV UTF-8), or as UTF-16 with a byte-order mark", "byte %d of this line is not UTF-8", t.column)
	}
	// In UTF-16 text in Latin letters, every other byte is zero.
	if start := piece[:min(len(piece), 64)]; t.line == 1 && 3*bytes.Count(start, []byte{0}) > len(start) {
		return fail(t.line, "", "save the export as UTF-8, or with a byte-order mark", "the file looks like UTF-16 without a byte-order mark")
	}
	return fail(t.line, "", "", "NUL byte at byte %d of this line: not a text file, or corrupted", t.column)
}
