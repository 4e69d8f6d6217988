package demo

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cairn-discovery/cairn/internal/sidecar"
	"github.com/cairn-discovery/cairn/internal/xdsbootstrap"
)

// startProxy starts the proxy of a virtual node at an address, until ctx ends. The
// application is behind it; a client has none.
func (m *mesh) startProxy(ctx context.Context, node, listen, application string) {
	metadata := map[string]any{"cairn.listen_address": listen}
	if application != "" {
		metadata["cairn.application_address"] = application
	}
	id := "mesh/" + meshName + "/virtualNode/" + node
	m.group.Go(func() {
		var err error
		if m.options.proxy == proxyInternal {
			err = sidecar.Run(ctx, &sidecar.Config{Server: m.xds, ID: id, Metadata: metadata})
		} else {
			err = m.runEnvoy(ctx, listen, &xdsbootstrap.Config{Server: m.xds, ID: id, Metadata: metadata, Admin: "127.0.0.1:0"})
		}
		if ctx.Err() == nil {
			m.failed <- fmt.Errorf("the proxy of %s ended: %w", node, err)
		}
	})
}

// envoyStopLimit is how long an Envoy has to end.
const envoyStopLimit = 5 * time.Second

// runEnvoy runs an Envoy until ctx ends.
func (m *mesh) runEnvoy(ctx context.Context, name string, cfg *xdsbootstrap.Config) error {
	text, err := xdsbootstrap.Envoy(cfg)
	if err != nil {
		return err
	}
	file := filepath.Join(m.folder, name+".json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, m.options.envoy, "--config-path", file, "--disable-hot-restart", "--concurrency", "1", "--log-level", "error")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = envoyStopLimit
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, log.Bytes()[max(0, log.Len()-1000):])
	}
	return nil
}
