package node

import (
	"io"
	"log/slog"
	"os"

	"github.com/cairn-discovery/cairn/node/config"
)

// newLogger returns the node's log. Level can be changed while it runs.
func newLogger(c *Config, level *slog.LevelVar) *slog.Logger {
	var out io.Writer = os.Stderr
	if c.LogOutput != nil {
		out = c.LogOutput
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == config.LogJSON {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}
