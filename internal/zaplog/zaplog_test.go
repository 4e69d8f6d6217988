package zaplog

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
)

func TestEntries(t *testing.T) {
	var out bytes.Buffer
	log := New(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})))
	log.Debug("not shown")
	log.Info("elected", zap.Int("term", 3), zap.Strings("peers", []string{"a", "b"}))
	log.With(zap.String("member", "m")).Warn("slow", zap.Duration("took", time.Second))
	log.Error("lost", zap.Error(errors.New("no route")))
	for _, want := range []string{
		"level=INFO msg=elected term=3 peers=\"[a b]\"", "level=WARN msg=slow member=m took=1s", "level=ERROR msg=lost error=\"no route\"",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "not shown") {
		t.Error("the level of the slog.Logger is not respected")
	}
}

func TestQuiet(t *testing.T) {
	var out bytes.Buffer
	log := NewQuiet(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})))
	log.With(zap.String("member", "m")).Warn("tried again")
	log.Info("elected")
	log.Error("lost")
	if got := out.String(); strings.Contains(got, "tried again") || !strings.Contains(got, "level=INFO msg=elected") || !strings.Contains(got, "level=ERROR msg=lost") {
		t.Error(got)
	}
}
