package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// taskProxy returns how proxies of Service Connect run in the tasks of this node. It is nil
// if they do not: then clients of Service Connect reach the tasks themselves, by DNS.
func (w *wiring) taskProxy(driver runner.Driver) (*runner.ProxyConfig, error) {
	log, configured := w.log.With("part", "runner"), w.cfg.Runner.Envoy
	if configured == config.EnvoyNone {
		return nil, nil
	}
	if _, ok := driver.(runner.ProxyDriver); !ok {
		if configured != config.EnvoyAuto {
			return nil, fmt.Errorf("runner.envoy: driver %s runs no proxies of Service Connect", driver.Name())
		}
		return nil, nil
	}
	program, err := envoyProgram(configured)
	if err != nil || program == "" {
		return nil, err
	}
	server := w.xds.Load()
	if server == nil {
		log.Warn("tasks get no proxies of Service Connect, because xDS is not served; see xds_addr")
		return nil, nil
	}
	checker, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log.Info("tasks of services with Service Connect get a proxy", "program", program)
	return &runner.ProxyConfig{Program: program, Checker: checker, Serve: func(ctx context.Context, ln net.Listener, t *task.Task) error {
		return server.ServeKnown(ctx, ln, &xds.Caller{
			Account: t.Account, Name: "task " + t.ID, Task: &resource.Task{Account: t.Account, Cluster: t.Cluster, ID: t.ID},
		})
	}}, nil
}

// envoyProgram returns the path of Envoy, or "" if there is none.
func envoyProgram(configured string) (string, error) {
	if configured == config.EnvoyAuto {
		found, err := exec.LookPath("envoy")
		if err != nil {
			return "", nil
		}
		return filepath.Abs(found)
	}
	info, err := os.Stat(configured)
	if err != nil {
		return "", fmt.Errorf("runner.envoy: %w", err)
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return "", fmt.Errorf("runner.envoy: %s is no program", configured)
	}
	return configured, nil
}
