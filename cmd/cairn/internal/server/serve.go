package server

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
)

func newServe(p *cli.Program) *cobra.Command {
	var given givenSettings
	var file string
	var checkOnly bool
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Run a node in the foreground",
		Long: `Runs a node in the foreground until SIGTERM or SIGINT. Then it answers the
requests that it has accepted, and stops with exit code 0 within 10 seconds.
SIGHUP reads the configuration again. Accounts, VPCs, quotas, the log level and other
keys change at once; docs/configuration.md lists them.

When all listeners serve, the node logs one line with msg=ready and their
addresses, and /readyz on the admin listener answers 200. Port 0 means any free
port.

Every flag can also be given in the environment (--api-addr as CAIRN_API_ADDR,
--config as CAIRN_CONFIG) and in the configuration file (api_addr). Flags have
precedence over the environment, and the environment over the file.
docs/configuration.md has all keys of the file.

With --check no node runs: the command reads the configuration, keys, secrets,
certificates and policies, tries the listeners, and prints what a node would do.
The exit code is 1 if a node could not start. A node may be running meanwhile.`,
		Example: `  cairn serve
  cairn serve --data-dir /var/lib/cairn --config /etc/cairn.yaml
  cairn serve --check --config /etc/cairn.yaml
  CAIRN_API_ADDR=127.0.0.1:0 cairn serve --log-format json`,
		RunE: cli.Body(func(cmd *cobra.Command, _ []string) error {
			load := func() (node.Config, error) { return loadConfig(p, file, given.values) }
			if checkOnly {
				cfg, err := load()
				if err != nil {
					return err
				}
				return check(cmd.Context(), p, cfg)
			}
			return serve(cmd.Context(), p, load)
		}),
	}
	cli.Arguments(cmd)
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&file, "config", "", "YAML `FILE` with the configuration")
	cmd.Flags().BoolVar(&checkOnly, "check", false, "try the configuration and end, without running a node")
	given.addTo(cmd.Flags())
	return cmd
}

func loadConfig(p *cli.Program, file string, flags map[string]string) (node.Config, error) {
	if file == "" {
		file = p.Getenv("CAIRN_CONFIG")
	}
	cfg, err := config.Load(config.Sources{File: file, Env: p.Env, Flags: flags})
	return node.Config{Config: cfg, LogOutput: p.Stderr}, err
}

// serve runs a node until a signal ends it.
func serve(ctx context.Context, p *cli.Program, load func() (node.Config, error)) error {
	// This comes first: until Notify is called, SIGHUP ends the process.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second ^C ends the process at once.
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) })

	cfg, err := load()
	if err != nil {
		return err
	}
	n, err := node.New(cfg)
	if err != nil {
		return err
	}
	var others sync.WaitGroup
	others.Go(func() { reloadOn(ctx, hangup, n, load) })
	others.Go(func() { showNextSteps(ctx, p, n, cfg.TLS) })
	reserve := reserveHeap()
	defer runtime.KeepAlive(reserve)
	err = n.Run(ctx)
	stop()
	others.Wait()
	return err
}

// reloadOn reloads the configuration at each SIGHUP until ctx ends.
func reloadOn(ctx context.Context, hangup <-chan os.Signal, n *node.Node, load func() (node.Config, error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		}
		err := n.Reload(func() (config.Config, error) {
			cfg, err := load()
			return cfg.Config, err
		})
		if err != nil {
			n.Log().Error("configuration not reloaded; the one before it stays", "error", err)
		}
	}
}
