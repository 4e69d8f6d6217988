package proxy

import (
	"bytes"
	"context"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/internal/xdsbootstrap"
)

func newGRPC(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "grpc COMMAND",
		Short:   "Write the file with which gRPC clients find services without a proxy",
		Long:    "Writes the file with which gRPC clients and servers use xDS without a proxy.",
		Example: "  cairn grpc bootstrap",
		Args:    cli.NoCommand,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return p.MissingCommand(cmd) }
	cmd.AddCommand(newGRPCBootstrap(p))
	return cmd
}

func newGRPCBootstrap(p *cli.Program) *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:   "bootstrap",
		Short: "Write the file with which gRPC clients and servers start",
		Long: `Writes the file that the environment variable GRPC_XDS_BOOTSTRAP names to standard
output. A client then dials xds:///SERVICE.NAMESPACE[:PORT].`,
		Example: `  cairn grpc bootstrap > grpc.json
  GRPC_XDS_BOOTSTRAP=grpc.json ./client xds:///web.shop`,
		RunE: cli.Interruptible(func(context.Context, []string) error {
			c, err := s.config()
			if err != nil {
				return err
			}
			text, err := xdsbootstrap.GRPC(c)
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

func trimmed(text []byte) string { return string(bytes.TrimSpace(text)) }
