package node

import (
	"io"
	"log/slog"
	"os"

	"github.com/cairn-discovery/cairn/internal/loglines"
	"github.com/cairn-discovery/cairn/node/config"
)

// openLog makes the node's log. Its level can be changed while it runs.
func (n *Node) openLog() {
	var to io.Writer = os.Stderr
	if n.cfg.LogOutput != nil {
		to = n.cfg.LogOutput
	}
	out, options := loglines.NewWriter(to), &slog.HandlerOptions{Level: n.level}
	n.logWriter = out
	if n.cfg.LogFormat == config.LogJSON {
		n.log, n.requestLog = slog.New(slog.NewJSONHandler(out, options)), slog.NewJSONHandler(out.Later(), options)
		return
	}
	n.log, n.requestLog = slog.New(slog.NewTextHandler(out, options)), loglines.NewTextHandler(out.Later(), n.level)
}
