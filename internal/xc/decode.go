package xc

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"xc-group-sync/internal/directory"
)

// maxValue bounds one element of a listing, and any other response, in bytes.
// Real ones are far below: a group of a hundred thousand members has 4 MiB.
const maxValue = 16 << 20

var errLongValue = fmt.Errorf("an element longer than %d MiB", maxValue>>20)

// decoding is how responses are read: as encoding/json/v2 does, so that a key
// that an object has twice is an error, but broken UTF-8 is replaced, not refused.
var decoding = json.JoinOptions(jsontext.AllowInvalidUTF8(true))

// decoder reads a listing as it arrives, with at most one element in memory.
type decoder struct {
	*jsontext.Decoder
	text *bounded
}

func newDecoder(r io.Reader) *decoder {
	text := &bounded{r: r, left: maxValue}
	return &decoder{jsontext.NewDecoder(text, decoding), text}
}

// object reads an object. member must consume the value of the key that it gets.
func (d *decoder) object(member func(key string) error) error {
	return between(d.Decoder, '{', '}', func() error {
		d.text.left = maxValue
		key, err := d.ReadToken()
		if err != nil {
			return err
		}
		return member(key.String())
	})
}

// array reads an array. element must consume one element.
func (d *decoder) array(element func() error) error {
	return between(d.Decoder, '[', ']', func() error {
		d.text.left = maxValue
		return element()
	})
}

// between reads what is between two brackets.
func between(d *jsontext.Decoder, begin, end jsontext.Kind, item func() error) error {
	if _, err := expect(d, begin); err != nil {
		return err
	}
	for d.PeekKind() != end {
		if err := item(); err != nil {
			return err // also of a text that ends here
		}
	}
	_, err := expect(d, end)
	return err
}

// expect returns the next token, which must be of the given kind.
func expect(d *jsontext.Decoder, kind jsontext.Kind) (jsontext.Token, error) {
	token, err := d.ReadToken()
	if err == nil && token.Kind() != kind {
		err = fmt.Errorf("%s instead of %s", token.Kind(), kind)
	}
	return token, err
}

// value decodes the next value.
func (d *decoder) value(out any) error { return json.UnmarshalDecode(d.Decoder, out, decoding) }

// ignore skips the value of a key that is not the listing. If it is F5's error
// field and set, the listing is incomplete.
func (d *decoder) ignore(key string) error {
	if key != "error" {
		return d.SkipValue()
	}
	var e envelope
	if err := d.value(&e.Error); err != nil {
		return err
	}
	return e.partial()
}

// end checks that nothing follows, and reads to the end.
func (d *decoder) end() error {
	switch token, err := d.ReadToken(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("%s after the end", token.Kind())
	}
}

// bounded is a text of which at most a number of bytes may be read.
type bounded struct {
	r    io.Reader
	left int64 // bytes
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongValue
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// decode decodes a response that is one documented object.
func decode(a *answer, out response) error {
	d := newDecoder(a.text)
	if err := d.value(out); err != nil {
		return err
	}
	if err := d.end(); err != nil {
		return err
	}
	return out.partial()
}

// maxEntries bounds the names or roles of one user or group: maxValue has room
// for as many members of usual length.
const maxEntries = 400_000

// names are the groups of a user or the members of a group; nil if the response
// does not say.
type names[T ~string] []T

// UnmarshalJSONFrom refuses an empty name.
func (n *names[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return entries((*[]T)(n), d, func() (T, error) {
		token, err := expect(d, '"')
		name := T(token.String())
		if err == nil && name == "" {
			err = errors.New("an entry without a name")
		}
		return name, err
	})
}

// roles are the roles of a user or group; nil if the response does not say.
type roles []directory.Role

// UnmarshalJSONFrom refuses a role without a name.
func (r *roles) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return entries((*[]directory.Role)(r), d, func() (role directory.Role, err error) {
		err = json.UnmarshalDecode(d, &role)
		if err == nil && role.Role == "" {
			err = errors.New("a role without a name")
		}
		return role, err
	})
}

// entries reads a list. It refuses too many entries: a short text could have
// millions, and each takes more memory than text.
func entries[T any](list *[]T, d *jsontext.Decoder, entry func() (T, error)) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	var few [16]T // the usual number, so that the list has no spare capacity
	read := few[:0]
	err := between(d, '[', ']', func() error {
		next, err := entry()
		if err == nil && len(read) == maxEntries {
			err = fmt.Errorf("more than %d entries", maxEntries)
		}
		read = append(read, next)
		return err
	})
	*list = append([]T{}, read...)
	return err
}

// scalar returns the text of the next value; empty if it is not a string, number
// or boolean.
func scalar(d *jsontext.Decoder) (string, error) {
	switch d.PeekKind() {
	case '{', '[', 'n':
		return "", d.SkipValue()
	}
	token, err := d.ReadToken()
	if err != nil {
		return "", err
	}
	return token.String(), nil
}
