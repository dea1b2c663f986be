package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/report"
)

// newLog creates a log that sanitizes every text. On a terminal its lines read
// like sentences.
func newLog(w io.Writer, settings *config.Config, s report.Sanitizer, terminal bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: settings.LogLevel, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Value.Kind() {
		case slog.KindString, slog.KindAny: // a text or an error
			a.Value = slog.StringValue(s.Line(shown(s, a)))
		}
		return a
	}}
	switch {
	case settings.LogFormat == "json":
		return slog.New(slog.NewJSONHandler(w, options))
	case terminal:
		return slog.New(&terminalHandler{w: w, level: settings.LogLevel, sanitizer: s})
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// shown returns an attribute's value. An error may quote the tenant.
func shown(s report.Sanitizer, a slog.Attr) string {
	if a.Key == "error" {
		return s.ErrorText(a.Value.String())
	}
	return a.Value.String()
}

// terminalHandler writes "message name key=value" lines: no time, and a level
// only for warnings and errors.
type terminalHandler struct {
	w         io.Writer
	level     slog.Level
	sanitizer report.Sanitizer
	attrs     []slog.Attr
}

// Enabled reports whether lines of a level are written.
func (h *terminalHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

// Handle writes one line.
func (h *terminalHandler) Handle(_ context.Context, record slog.Record) error {
	var b strings.Builder
	if record.Level >= slog.LevelWarn {
		b.WriteString(strings.ToLower(record.Level.String()) + ": ")
	}
	b.WriteString(record.Message)
	write := func(a slog.Attr) bool {
		if a.Key == "name" {
			fmt.Fprintf(&b, " %s", a.Value)
		} else {
			fmt.Fprintf(&b, " %s=%s", a.Key, shown(h.sanitizer, a))
		}
		return true
	}
	for _, a := range h.attrs {
		write(a)
	}
	record.Attrs(write)
	_, err := io.WriteString(h.w, h.sanitizer.Line(b.String())+"\n")
	return err
}

// WithAttrs returns a handler that adds attributes to each line.
func (h *terminalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)
	return &with
}

// WithGroup returns h: the program does not use groups.
func (h *terminalHandler) WithGroup(string) slog.Handler { return h }

// withoutErrors is a log on the same stream as the text, which shows all errors.
type withoutErrors struct{ slog.Handler }

// Enabled reports whether lines of a level are written.
func (h withoutErrors) Enabled(ctx context.Context, level slog.Level) bool {
	return level < slog.LevelError && h.Handler.Enabled(ctx, level)
}

// WithAttrs returns a handler that adds attributes to each line.
func (h withoutErrors) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withoutErrors{h.Handler.WithAttrs(attrs)}
}

// WithGroup returns a handler that groups the attributes that follow.
func (h withoutErrors) WithGroup(name string) slog.Handler {
	return withoutErrors{h.Handler.WithGroup(name)}
}
