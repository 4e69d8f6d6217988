// Package zaplog lets libraries that log with zap write to a slog.Logger.
package zaplog

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// New returns a zap.Logger that writes to a slog.Logger. Fatal and panic entries are
// errors there, and then end the process or panic as zap does.
func New(log *slog.Logger) *zap.Logger { return zap.New(core{log, level}) }

// NewQuiet is New for a library whose caller logs what matters: its warnings are at the
// level debug.
func NewQuiet(log *slog.Logger) *zap.Logger {
	return zap.New(core{log, func(l zapcore.Level) slog.Level {
		if l == zapcore.WarnLevel {
			return slog.LevelDebug
		}
		return level(l)
	}})
}

type core struct {
	log   *slog.Logger
	level func(zapcore.Level) slog.Level
}

// Enabled implements zapcore.LevelEnabler.
func (c core) Enabled(l zapcore.Level) bool {
	return c.log.Enabled(context.Background(), c.level(l))
}

// With implements zapcore.Core.
func (c core) With(fields []zapcore.Field) zapcore.Core {
	return core{slog.New(c.log.Handler().WithAttrs(attrs(fields))), c.level}
}

// Check implements zapcore.Core.
func (c core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// Write implements zapcore.Core.
func (c core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	c.log.LogAttrs(context.Background(), c.level(e.Level), e.Message, attrs(fields)...)
	return nil
}

// Sync implements zapcore.Core.
func (core) Sync() error { return nil }

func level(l zapcore.Level) slog.Level {
	switch {
	case l <= zapcore.DebugLevel:
		return slog.LevelDebug
	case l == zapcore.InfoLevel:
		return slog.LevelInfo
	case l == zapcore.WarnLevel:
		return slog.LevelWarn
	}
	return slog.LevelError
}

// attrs converts fields. A field that adds several values becomes a group.
func attrs(fields []zapcore.Field) []slog.Attr {
	all := make([]slog.Attr, 0, len(fields))
	for _, f := range fields {
		m := zapcore.NewMapObjectEncoder()
		f.AddTo(m)
		for key, value := range m.Fields {
			all = append(all, slog.Any(key, value))
		}
	}
	return all
}
