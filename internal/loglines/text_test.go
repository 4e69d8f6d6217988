package loglines

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"
)

// both returns the lines that slog.TextHandler and TextHandler write for a record.
func both(r slog.Record, with ...slog.Attr) (want, got string) {
	var a, b bytes.Buffer
	ctx := context.Background()
	_ = slog.NewTextHandler(&a, nil).WithAttrs(with).Handle(ctx, r.Clone())
	_ = NewTextHandler(&b, nil).WithAttrs(with).Handle(ctx, r.Clone())
	return a.String(), b.String()
}

func TestTextHandler(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 89_999_999, time.FixedZone("", 5*3600+1800))
	record := func(at time.Time, level slog.Level, message string, attrs ...slog.Attr) slog.Record {
		r := slog.NewRecord(at, level, message, 0)
		r.AddAttrs(attrs...)
		return r
	}
	text := slog.String
	for _, r := range []slog.Record{
		record(at, slog.LevelInfo, "request", text("a", "b"), slog.Int("n", -3), slog.Duration("d", 1500*time.Microsecond)),
		record(at.UTC(), slog.LevelDebug-1, "two words", text("a", ""), text("b", `x"y`), text("c", `x\y`), text("d", "x=y")),
		record(at, slog.LevelError, "", text("two words", "x"), text("a", "line\nline\t\x00\x7f")),
		record(at, slog.LevelWarn, "ü", text("a", "x")),
		record(at, slog.LevelInfo, "m", text("a", "é"), text("b", "\xff"), text("c", "<&>")),
		record(at, slog.LevelInfo, "m", text("ü", "x"), text("=", "x"), text("", "x"), slog.Attr{}),
		record(at, slog.LevelInfo, "m", slog.Any("e", errors.New("some error")), slog.Float64("f", 1.5), slog.Bool("b", true), slog.Time("t", at)),
		record(at, slog.LevelInfo, "m", slog.Group("g", text("a", "x"), slog.Group("h", text("b", "y")))),
		record(time.Time{}, slog.LevelInfo, "m", text("a", "x")),
		record(at, slog.LevelInfo, "m"),
	} {
		for _, with := range [][]slog.Attr{nil, {text("part", "api")}, {text("part", "a b"), slog.Int("n", 1)}, {slog.Bool("b", true)}, {slog.Group("g", text("a", "x"))}} {
			if want, got := both(r, with...); got != want {
				t.Errorf("\ngot  %q\nwant %q", got, want)
			}
		}
	}
}

// Handlers of a group, and handlers made from one handler, do not disturb each other.
func TestTextHandlerWith(t *testing.T) {
	lines := func(base slog.Handler, out *bytes.Buffer) string {
		l := slog.New(base).With("a", 1)
		x, y := l.With("b", 2), l.With("c", 3)
		for _, l := range []*slog.Logger{x, y, x.WithGroup("g").With("d", 4), l, slog.New(base)} {
			r := slog.NewRecord(time.Unix(1, 0), slog.LevelInfo, "m", 0)
			r.Add("k", "v")
			_ = l.Handler().Handle(context.Background(), r)
		}
		return out.String()
	}
	var a, b bytes.Buffer
	if want, got := lines(slog.NewTextHandler(&a, nil), &a), lines(NewTextHandler(&b, nil), &b); got != want {
		t.Errorf("\ngot\n%s\nwant\n%s", got, want)
	}
}

func TestTextHandlerLevel(t *testing.T) {
	level := new(slog.LevelVar)
	h := NewTextHandler(io.Discard, level)
	if ctx := context.Background(); h.Enabled(ctx, slog.LevelDebug) || !h.Enabled(ctx, slog.LevelInfo) {
		t.Error("wrong level")
	}
	level.Set(slog.LevelDebug)
	if !h.Enabled(context.Background(), slog.LevelDebug) {
		t.Error("the level was not changed")
	}
}

func FuzzTextHandler(f *testing.F) {
	f.Add("request", "target", "srv-0/i", int64(1), int64(2))
	f.Add("", "a b", "\"\\=\x7f", int64(1<<60), int64(-1))
	f.Add("é", "\xff", "\u2028\U0001f600", int64(-62135596800), int64(0))
	f.Fuzz(func(t *testing.T, message, key, value string, at, n int64) {
		r := slog.NewRecord(time.Unix(at%(1<<37), n%1e9).UTC(), slog.Level(n%20), message, 0)
		r.AddAttrs(slog.String(key, value), slog.Int64("n", n), slog.Duration("d", time.Duration(n)))
		if want, got := both(r, slog.String(value, key)); got != want {
			t.Errorf("\ngot  %q\nwant %q", got, want)
		}
	})
}

// BenchmarkTextHandler compares the line of a request in slog's handler and in ours.
func BenchmarkTextHandler(b *testing.B) {
	for _, c := range []struct {
		name string
		slog.Handler
	}{{"slog", slog.NewTextHandler(io.Discard, nil)}, {"ours", NewTextHandler(io.Discard, nil)}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			h, now := c.WithAttrs([]slog.Attr{slog.String("part", "api")}), time.Now()
			for b.Loop() {
				r := slog.NewRecord(now, slog.LevelInfo, "request", 0)
				r.AddAttrs(slog.String("request_id", "0b5fbbd5-8a5e-4a5e-8a5e-4a5e8a5e4a5e"), slog.String("account", "000000000000"),
					slog.String("service", "servicediscovery"), slog.String("operation", "RegisterInstance"),
					slog.String("target", "srv-abcdefghijklmnop/i-12345"), slog.String("from", "127.0.0.1"),
					slog.Duration("duration", 1234567), slog.String("outcome", "ok"))
				_ = h.Handle(context.Background(), r)
			}
		})
	}
}
