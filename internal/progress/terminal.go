package progress

import (
	"io"
	"sync"
)

// Terminal keeps one line at the bottom of a terminal while others are written
// above it. It is safe for concurrent use.
type Terminal struct {
	mu   sync.Mutex
	w    io.Writer
	line string
}

// NewTerminal returns a Terminal on w, which must understand ANSI escapes.
func NewTerminal(w io.Writer) *Terminal { return &Terminal{w: w} }

// erase moves to the beginning of the line and clears it.
const erase = "\r\x1b[K"

// Show replaces the line; an empty one removes it.
func (t *Terminal) Show(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if line != t.line {
		t.line = line
		_, _ = io.WriteString(t.w, erase+line)
	}
}

// Write writes whole lines above the line that is shown.
func (t *Terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.line == "" {
		return t.w.Write(p)
	}
	_, err := io.WriteString(t.w, erase+string(p)+t.line)
	return len(p), err
}
