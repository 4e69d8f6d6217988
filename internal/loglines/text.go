package loglines

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
)

// TextHandler is a slog.Handler that writes the same lines as slog.TextHandler with the same
// options. It forms those itself that have no groups and only texts, whole numbers and
// durations, in ASCII. Make one with NewTextHandler.
type TextHandler struct {
	out   io.Writer
	attrs []byte       // of WithAttrs
	usual slog.Handler // for other lines
}

// NewTextHandler returns a TextHandler that writes lines of a level or above it to out.
func NewTextHandler(out io.Writer, level slog.Leveler) *TextHandler {
	return &TextHandler{out: out, usual: slog.NewTextHandler(out, &slog.HandlerOptions{Level: level})}
}

// Enabled implements slog.Handler.
func (h *TextHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.usual.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h *TextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	usual, text, ok := h.usual.WithAttrs(attrs), slices.Clip(h.attrs), true
	for _, a := range attrs {
		if text, ok = appendAttr(text, a); !ok {
			return usual
		}
	}
	return &TextHandler{out: h.out, attrs: text, usual: usual}
}

// WithGroup implements slog.Handler. The handler that it returns is not faster.
func (h *TextHandler) WithGroup(name string) slog.Handler { return h.usual.WithGroup(name) }

// maxKept is the largest buffer that is kept for a later line.
const maxKept = 16 << 10

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Handle implements slog.Handler.
func (h *TextHandler) Handle(ctx context.Context, r slog.Record) error {
	buf := buffers.Get().(*[]byte)
	line, ok := h.appendLine((*buf)[:0], &r)
	var err error
	if ok {
		_, err = h.out.Write(line)
	} else {
		err = h.usual.Handle(ctx, r)
	}
	if cap(line) <= maxKept {
		*buf = line
		buffers.Put(buf)
	}
	return err
}

// appendLine appends the line of a record. It returns false for lines that it cannot form.
func (h *TextHandler) appendLine(b []byte, r *slog.Record) (line []byte, ok bool) {
	if r.Time.IsZero() {
		return b, false
	}
	b = append(b, slog.TimeKey...)
	b = append(b, '=')
	b = r.Time.AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	b = append(b, " level="...)
	b = append(b, r.Level.String()...)
	b = append(b, " msg="...)
	if b, ok = appendText(b, r.Message); !ok {
		return b, false
	}
	b = append(b, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		b, ok = appendAttr(b, a)
		return ok
	})
	return append(b, '\n'), ok
}

func appendAttr(b []byte, a slog.Attr) ([]byte, bool) {
	if !isPlain(a.Key) {
		return b, false
	}
	b = append(b, ' ')
	b = append(b, a.Key...)
	b = append(b, '=')
	switch a.Value.Kind() {
	case slog.KindString:
		return appendText(b, a.Value.String())
	case slog.KindInt64:
		return strconv.AppendInt(b, a.Value.Int64(), 10), true
	case slog.KindDuration:
		return append(b, a.Value.Duration().String()...), true
	}
	return b, false
}

// appendText appends a text, in quotes if it needs them.
func appendText(b []byte, s string) ([]byte, bool) {
	if isPlain(s) {
		return append(b, s...), true
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			return b, false
		}
	}
	return strconv.AppendQuote(b, s), true
}

// isPlain reports whether a text is ASCII that needs no quotes.
func isPlain(s string) bool {
	for i := range len(s) {
		if !plain[s[i]] {
			return false
		}
	}
	return s != ""
}

var plain = func() (t [256]bool) {
	for c := '!'; c <= 0x7f; c++ {
		t[c] = c != '"' && c != '='
	}
	return t
}()
