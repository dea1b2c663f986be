package xc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The bounds of a JSON text. Real ones are far below: a group of a hundred thousand
// members has 4 MiB, an object of F5's some twenty keys.
const (
	maxValue = 16 << 20 // bytes of one element of a listing, or of any other answer
	maxKeys  = 1000     // of one object
	maxDepth = 1000     // of objects and arrays in each other
)

var (
	errLongValue = fmt.Errorf("an element longer than %d MiB", maxValue>>20)
	errManyKeys  = fmt.Errorf("an object with more than %d keys", maxKeys)
	errTooDeep   = fmt.Errorf("more than %d objects and arrays in each other", maxDepth)
)

// scanner cuts a JSON text into the values it is made of, as it comes: no more
// than one value is in memory. It refuses a key that stands twice in an object, in
// whatever case, which encoding/json would overwrite. What is inside a value it leaves to
// encoding/json to check.
type scanner struct {
	r      io.Reader
	buffer []byte // what was read and not yet dropped
	start  int    // of the value at hand, in buffer
	at     int    // the next byte, in buffer

	open []container // that the next byte is in
	keys []key       // of all of open
}

// container is an object or an array that is not closed yet.
type container struct {
	object bool
	named  bool            // object: a string now is a value
	first  int             // object: of its keys, in keys
	seen   map[string]bool // object: its keys, decoded, once comparing bytes would be slow or wrong; nil before
}

// key is where a key is, without its quotes, in bytes from the value's start.
type key struct{ from, to int }

// peek returns the next byte that is no blank. At the end of the text the error
// is io.EOF.
func (s *scanner) peek() (byte, error) {
	for {
		for ; s.at < len(s.buffer); s.at++ {
			if c := s.buffer[s.at]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
				return c, nil
			}
		}
		if len(s.open) == 0 {
			s.start = s.at // blanks between values are not kept
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

// fill reads more, and drops what is before the value at hand.
func (s *scanner) fill() error {
	if s.start > 0 {
		s.buffer = s.buffer[:copy(s.buffer, s.buffer[s.start:])]
		s.at, s.start = s.at-s.start, 0
	}
	if len(s.buffer) > maxValue {
		return errLongValue
	}
	if len(s.buffer) == cap(s.buffer) {
		s.buffer = append(make([]byte, 0, max(2*cap(s.buffer), 64<<10)), s.buffer...)
	}
	for {
		n, err := s.r.Read(s.buffer[len(s.buffer):cap(s.buffer)])
		if s.buffer = s.buffer[:len(s.buffer)+n]; n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// expect takes the next byte, which must be c.
func (s *scanner) expect(c byte) error {
	got, err := s.peek()
	if err != nil {
		return cutOff(err)
	}
	if got != c {
		return fmt.Errorf("%q instead of %q", got, c)
	}
	s.at++
	return nil
}

func cutOff(err error) error {
	if err == io.EOF {
		return errors.New("unexpected end")
	}
	return err
}

// value returns the next value. It is valid until the next call.
func (s *scanner) value() ([]byte, error) {
	if _, err := s.peek(); err != nil {
		return nil, cutOff(err)
	}
	s.start = s.at
	s.open, s.keys = s.open[:0], s.keys[:0]
	for {
		c, err := s.peek()
		if err != nil {
			return nil, cutOff(err)
		}
		switch c {
		case '"':
			err = s.text()
		case '{', '[':
			if len(s.open) == maxDepth {
				return nil, errTooDeep
			}
			s.at++
			s.open = append(s.open, container{object: c == '{', first: len(s.keys)})
		case '}', ']':
			if len(s.open) == 0 {
				return nil, fmt.Errorf("unexpected %q", c)
			}
			s.at++
			s.keys = s.keys[:s.open[len(s.open)-1].first]
			s.open = s.open[:len(s.open)-1]
		case ',', ':':
			if len(s.open) == 0 {
				return nil, fmt.Errorf("unexpected %q", c)
			}
			s.at++
			s.open[len(s.open)-1].named = c == ':'
		default:
			err = s.word()
		}
		if err != nil {
			return nil, err
		}
		if len(s.open) == 0 {
			return s.buffer[s.start:s.at], nil
		}
	}
}

// text takes a string and, if it is a key, checks that it is the only one.
func (s *scanner) text() error {
	s.at++
	from, escaped := s.at-s.start, false
	for {
		for s.at < len(s.buffer) {
			switch s.buffer[s.at] {
			case '"':
				to := s.at - s.start
				s.at++
				if n := len(s.open); n > 0 && s.open[n-1].object && !s.open[n-1].named {
					return s.unique(&s.open[n-1], key{from, to}, escaped)
				}
				return nil
			case '\\':
				escaped = true
				s.at++
			}
			s.at++
		}
		if err := s.fill(); err != nil {
			return cutOff(err)
		}
	}
}

// fewKeys is how many keys of an object are compared one by one.
const fewKeys = 32

// unique adds a key to an object.
func (s *scanner) unique(in *container, added key, escaped bool) error {
	value, before := s.buffer[s.start:], s.keys[in.first:]
	text := value[added.from:added.to]
	s.keys = append(s.keys, added)
	if len(before) == maxKeys {
		return errManyKeys
	}
	if in.seen == nil && (escaped || len(before) == fewKeys) {
		in.seen = map[string]bool{}
		for _, k := range before {
			in.seen[foldKey(string(value[k.from:k.to]))] = true
		}
	}
	twice := false
	if in.seen == nil {
		for _, k := range before {
			twice = twice || bytes.EqualFold(value[k.from:k.to], text)
		}
	} else {
		name := string(text)
		if escaped {
			if err := json.Unmarshal(value[added.from-1:added.to+1], &name); err != nil {
				return err
			}
		}
		name = foldKey(name)
		twice, in.seen[name] = in.seen[name], true
	}
	if twice {
		return fmt.Errorf("the key %.100q stands twice in one object", text)
	}
	return nil
}

// foldKey returns a key in a form in which those that encoding/json takes for one
// field are equal.
func foldKey(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// word takes a number or a literal.
func (s *scanner) word() error {
	for {
		for ; s.at < len(s.buffer); s.at++ {
			switch s.buffer[s.at] {
			case ',', ':', '}', ']', '{', '[', '"', ' ', '\t', '\n', '\r':
				return nil
			}
		}
		if err := s.fill(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// object reads an object. member must take the value of the key that it gets.
func (s *scanner) object(member func(key string) error) error {
	seen := map[string]bool{}
	return s.list('{', '}', func() error {
		raw, err := s.value()
		if err != nil {
			return err
		}
		var name string
		if err := json.Unmarshal(raw, &name); err != nil {
			return err
		}
		switch {
		case seen[name]:
			return fmt.Errorf("the key %.100q stands twice in one object", name)
		case len(seen) == maxKeys:
			return errManyKeys
		}
		seen[name] = true
		if err := s.expect(':'); err != nil {
			return err
		}
		return member(name)
	})
}

// array reads an array. element gets each of its elements; it must not keep it.
func (s *scanner) array(element func([]byte) error) error {
	return s.list('[', ']', func() error {
		raw, err := s.value()
		if err != nil {
			return err
		}
		return element(raw)
	})
}

// list reads what is between two brackets, with commas between the items.
func (s *scanner) list(begin, end byte, item func() error) error {
	if err := s.expect(begin); err != nil {
		return err
	}
	for first := true; ; first = false {
		c, err := s.peek()
		switch {
		case err != nil:
			return cutOff(err)
		case c == end && first:
			s.at++
			return nil
		}
		if err := item(); err != nil {
			return err
		}
		c, err = s.peek()
		switch {
		case err != nil:
			return cutOff(err)
		case c == end:
			s.at++
			return nil
		case c != ',':
			return fmt.Errorf("%q instead of a comma or %q", c, end)
		}
		s.at++
	}
}

// end checks that nothing follows, and reads to the end.
func (s *scanner) end() error {
	switch c, err := s.peek(); {
	case err == io.EOF:
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("%q after the end", c)
	}
}
