package retry

import "errors"

// hinted is an error with a hint.
type hinted struct {
	error
	hint string
}

func (e *hinted) Hint() string  { return e.hint }
func (e *hinted) Unwrap() error { return e.error }

// WithHint adds to err what to do about it: something one can type or click. It
// is not part of the error's text.
func WithHint(err error, hint string) error { return &hinted{err, hint} }

// HintOf returns what to do about an error: the Hint of the first error in its
// chain that has one, or "".
func HintOf(err error) string {
	var with interface{ Hint() string }
	if errors.As(err, &with) {
		return with.Hint()
	}
	return ""
}
