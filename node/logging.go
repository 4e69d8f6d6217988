package node

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"os"
)

// newLogger makes the node's log; level can be changed while it runs.
func newLogger(c *Config, level *slog.LevelVar) *slog.Logger {
	var out io.Writer = os.Stderr
	if c.LogOutput != nil {
		out = c.LogOutput
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == logJSON {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// levelOf reads a level that Config.Check has let pass.
func levelOf(name string) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cmp.Or(name, "info"))); err != nil {
		panic(fmt.Sprintf("node: unchecked log level %q", name))
	}
	return level
}
