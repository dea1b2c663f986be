package roster

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decode strips a byte-order mark, turns UTF-16 into UTF-8 if the mark says so,
// and returns an error if the file is evidently something other than a CSV.
func decode(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(r)
	start, _ := buffered.Peek(len(mark)) // a shorter file has no mark, and its error comes back on the next read
	switch {
	case string(start) == mark:
		_, _ = buffered.Discard(len(mark))
	case len(start) >= 2 && start[0] == 0xff && start[1] == 0xfe:
		_, _ = buffered.Discard(2)
		buffered = bufio.NewReader(&utf16Reader{source: buffered, order: binary.LittleEndian})
	case len(start) >= 2 && start[0] == 0xfe && start[1] == 0xff:
		_, _ = buffered.Discard(2)
		buffered = bufio.NewReader(&utf16Reader{source: buffered, order: binary.BigEndian})
	}
	begun, _ := buffered.Peek(longestSign)
	if what, hint := foreign(string(begun)); what != "" {
		return nil, fail(1, "", hint, "not a CSV: the file is %s", what)
	}
	return buffered, nil
}

// longestSign is how much of a file is looked at to tell what it is.
const longestSign = 64

// foreign tells by the beginning of a file whether it is something that people
// pass instead of a CSV, and what to do about it; empty for any other file.
func foreign(begun string) (what, hint string) {
	const excel = "in Excel, save it as CSV UTF-8"
	switch {
	case strings.HasPrefix(begun, "PK\x03\x04"):
		return "an Excel workbook or another zip archive", excel
	case strings.HasPrefix(begun, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
		return "an old Excel workbook", excel
	case strings.HasPrefix(begun, "%PDF-"):
		return "a PDF", "export a CSV"
	case strings.HasPrefix(begun, "\x1f\x8b"):
		return "compressed with gzip", "decompress it first"
	case strings.HasPrefix(begun, "version https://git-lfs"):
		return "a Git LFS pointer", "fetch the file itself: set lfs: true for actions/checkout, or run git lfs pull"
	}
	lower := strings.ToLower(strings.TrimLeft(begun, " \t\r\n"))
	for _, sign := range []string{"<!doctype html", "<html", "<head", "<body", "<!--", "<table"} {
		if strings.HasPrefix(lower, sign) {
			return "an HTML page", "it may be a login page: check how the export is downloaded"
		}
	}
	switch {
	case strings.HasPrefix(lower, "<?xml"):
		return "XML", "export a CSV"
	case strings.HasPrefix(lower, "dn:"), strings.HasPrefix(lower, "version: 1\n"), strings.HasPrefix(lower, "version: 1\r"), strings.HasPrefix(lower, "# extended ldif"):
		return "LDIF", "export a CSV, with csvde or Export-Csv"
	case strings.HasPrefix(lower, "{"), strings.HasPrefix(lower, "["):
		return "JSON", "export a CSV"
	}
	return "", ""
}

// errUTF16 says that a text is not valid UTF-16 from here on.
var errUTF16 = errors.New("broken UTF-16")

// utf16Reader turns UTF-16 into UTF-8. Its error is errUTF16 if a surrogate is
// unpaired or the last unit is cut.
type utf16Reader struct {
	source *bufio.Reader
	order  binary.ByteOrder
}

func (u *utf16Reader) Read(p []byte) (n int, err error) {
	for len(p)-n >= utf8.UTFMax {
		if n > 0 && u.source.Buffered() < 4 {
			return n, nil // what is available, before waiting for more
		}
		r, err := u.rune()
		if err != nil {
			return n, err
		}
		n += utf8.EncodeRune(p[n:], r)
	}
	return n, nil
}

func (u *utf16Reader) rune() (rune, error) {
	first, err := u.unit()
	if err != nil || !utf16.IsSurrogate(first) {
		return first, err
	}
	second, err := u.unit()
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	r := utf16.DecodeRune(first, second)
	if r == utf8.RuneError { // a valid pair never decodes to that character
		return 0, errUTF16
	}
	return r, nil
}

func (u *utf16Reader) unit() (rune, error) {
	unit, err := u.source.Peek(2)
	if len(unit) == 2 {
		_, _ = u.source.Discard(2)
		return rune(u.order.Uint16(unit)), nil
	}
	if len(unit) == 1 && errors.Is(err, io.EOF) {
		return 0, errUTF16
	}
	return 0, err
}
