// Package demo has two commands. Command demo runs a small shop on a node of its own, whose
// clients report what they see while a service grows and shrinks. Command demo mesh runs a
// mesh whose weights move.
package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
)

// Commands returns the commands of this package.
func Commands(p *cli.Program) cli.Group {
	return cli.Group{Title: "Demonstration:", Commands: []*cobra.Command{newDemo(p), newBackend(p)}}
}

// options are the flags of demo.
type options struct {
	driver string
	phase  time.Duration
	rate   float64
}

// Values of --driver.
const (
	driverAuto    = "auto"
	driverProcess = "process"
	driverLocal   = "local"
)

func newDemo(p *cli.Program) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "demo [--driver auto|process|local] [--phase TIME] [--rate N]",
		Short: "Show a shop of four services that grows and shrinks under traffic",
		Long: `Starts a node with an empty store in a temporary folder, and a shop in the namespace
internal.example.com: orders calls inventory by DNS and payments by DiscoverInstances,
and payments calls notifications. All DNS records have a TTL of 5 seconds.

Clients send requests to orders and to inventory while inventory goes from 10
instances to 100 and back to 10. Then it prints what the clients saw: requests,
failures, how long it took until a new instance was used, and answers that named an
instance that had left before the question. It takes about a minute, needs no
Docker and no network, ends by itself and leaves nothing.

As root on Linux the instances are tasks of ECS on the runner "process"; elsewhere,
and with --driver local, they run within this process on loopback addresses.`,
		Example: `  cairn demo
  cairn demo --driver local --phase 5s --rate 100`,
		RunE: cli.Interruptible(func(ctx context.Context, _ []string) error { return run(ctx, p, &o) }),
	}
	cli.Arguments(cmd)
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.driver, "driver", driverAuto, "how instances run: `auto|process|local`")
	f.DurationVar(&o.phase, "phase", 10*time.Second, "`TIME` of each phase")
	f.Float64Var(&o.rate, "rate", 100, "`NUMBER` of requests per second of each client")
	cmd.AddCommand(newDemoMesh(p))
	return cmd
}

func (o *options) check() error {
	switch {
	case o.driver != driverAuto && o.driver != driverProcess && o.driver != driverLocal:
		return cli.Usagef("--driver: %q must be auto, process or local", o.driver)
	case o.phase < time.Second || o.phase > time.Hour:
		return cli.Usagef("--phase: %v must be from 1s to 1h", o.phase)
	case !(o.rate >= 1 && o.rate <= 10_000):
		return cli.Usagef("--rate: %v must be from 1 to 10000", o.rate)
	}
	if o.driver == driverAuto {
		o.driver = driverLocal
		if runtime.GOOS == "linux" && os.Geteuid() == 0 {
			o.driver = driverProcess
		}
	}
	return nil
}

// run runs the demonstration on a node in a temporary folder.
func run(ctx context.Context, p *cli.Program, o *options) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "cairn-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	cfg, err := config.Load(config.Sources{Env: func(string) (string, bool) { return "", false }, Flags: nodeFlags(folder, o.driver)})
	if err != nil {
		return err
	}
	if o.driver == driverProcess {
		cidr, err := freeNetwork()
		if err != nil {
			return err
		}
		cfg.Runner.DefaultSubnet.CIDR.Prefix = cidr
	}
	return withNode(ctx, p, cfg, func(at addrs) error { return show(ctx, p, o, at) })
}

// errInterrupted replaces the error of whatever a signal has interrupted.
var errInterrupted = errors.New("the demonstration was interrupted")

// addrs are the addresses of the node.
type addrs = node.Addrs

// withNode runs a node while f runs.
func withNode(ctx context.Context, p *cli.Program, cfg config.Config, f func(addrs) error) (err error) {
	n, err := node.New(node.Config{Config: cfg, LogOutput: p.Stderr})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan error, 1)
	go func() { stopped <- n.Run(running) }()
	defer func() {
		stop()
		err = errors.Join(err, <-stopped)
	}()
	select {
	case <-n.Ready():
	case err := <-stopped:
		stopped <- nil
		return err
	}
	return f(n.Addrs())
}

// nodeFlags are the settings of the node.
func nodeFlags(folder, driver string) map[string]string {
	flags := map[string]string{
		"data-dir": filepath.Join(folder, "data"), "log-level": "error",
		"api-addr": "127.0.0.1:0", "dns-addr": "127.0.0.1:0", "admin-addr": "127.0.0.1:0", "xds-addr": "127.0.0.1:0",
	}
	if driver == driverProcess {
		flags["runner"] = driverProcess
	}
	return flags
}

// show runs the shop and its clients, and prints the report.
func show(ctx context.Context, p *cli.Program, o *options, at addrs) (err error) {
	a := newAPI("http://" + at.API)
	defer a.close()
	services, err := makeServices(ctx, a)
	if err != nil {
		return err
	}
	var f fleet
	if o.driver == driverProcess {
		f, err = newTaskFleet(ctx, a, services)
	} else {
		f, err = newLocalFleet(a, at.DNS, services)
	}
	if err != nil {
		return err
	}
	defer func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		stop := p.Progress(func() string { return "stopping all instances" })
		defer stop()
		if ctx.Err() != nil {
			err = errInterrupted
		}
		err = errors.Join(err, f.close(limited))
	}()
	say(p, "instances run %s", f.name())
	for _, s := range shop {
		say(p, "starting %d of %s", s.tasks, s.name)
		if err := f.scale(ctx, s, s.tasks); err != nil {
			return err
		}
	}
	rows, err := traffic(ctx, p, o, a, f, at.DNS, services)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout)
	if err := printReport(p.Stdout, rows); err != nil {
		return err
	}
	failed, stale := failures(rows)
	_, err = fmt.Fprintf(p.Stdout, "\n%d failures, %d stale answers\n", failed, stale)
	return err
}

// closeLimit bounds the end of the demonstration.
const closeLimit = 2 * time.Minute

// say prints what happens.
func say(p *cli.Program, format string, args ...any) {
	fmt.Fprintf(p.Stdout, "%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}

// makeServices creates the namespace and the services in Cloud Map. It returns the ids
// of the services by their names.
func makeServices(ctx context.Context, a *api) (map[string]string, error) {
	var created struct {
		OperationID string `json:"OperationId"`
	}
	err := a.call(ctx, cloudMap+"CreatePrivateDnsNamespace", object{"Name": namespace, "Vpc": vpc, "CreatorRequestId": "demo"}, &created)
	if err != nil {
		return nil, err
	}
	id, err := a.finished(ctx, created.OperationID, "NAMESPACE")
	if err != nil {
		return nil, err
	}
	services := map[string]string{}
	for _, s := range shop {
		var out struct {
			Service struct {
				ID string `json:"Id"`
			}
		}
		err := a.call(ctx, cloudMap+"CreateService", object{
			"Name": s.name, "NamespaceId": id, "CreatorRequestId": s.name,
			"DnsConfig":               object{"DnsRecords": []object{{"Type": "A", "TTL": int(ttl.Seconds())}}},
			"HealthCheckCustomConfig": object{"FailureThreshold": 1},
		}, &out)
		if err != nil {
			return nil, err
		}
		services[s.name] = out.Service.ID
	}
	return services, nil
}

// traffic runs the clients through the phases.
func traffic(ctx context.Context, p *cli.Program, o *options, a *api, f fleet, dns string, services map[string]string) ([]row, error) {
	w := newWatcher(a, services[scaled])
	others := newWatcher(a, services["orders"])
	loads := []*load{
		newLoad("inventory by DNS", dependency{service: scaled}, newFinder(dns, a.endpoint, f.port()), w),
		newLoad("inventory by API", dependency{service: scaled, byAPI: true}, newFinder(dns, a.endpoint, f.port()), w),
		newLoad("orders by DNS", dependency{service: "orders"}, newFinder(dns, a.endpoint, f.port()), others),
	}
	running, stop := context.WithCancel(ctx)
	var clients sync.WaitGroup
	defer clients.Wait()
	defer stop()
	clients.Go(func() { w.run(running) })
	clients.Go(func() { others.run(running) })
	for _, l := range loads {
		clients.Go(func() { l.run(running, o.rate) })
	}
	var rows []row
	end := func(phase string) {
		for _, l := range loads {
			rows = append(rows, row{phase, l.what, l.next()})
		}
	}
	s, _ := named(scaled)
	phases := []struct {
		name string
		n    int
	}{
		{fmt.Sprintf("%d instances", few), few},
		{fmt.Sprintf("%d to %d", few, many), many},
		{fmt.Sprintf("%d to %d", many, few), few},
	}
	for i, phase := range phases {
		w.forget()
		others.forget()
		say(p, "phase %q: %v of requests", phase.name, o.phase)
		begin := time.Now()
		if err := f.scale(ctx, s, phase.n); err != nil {
			return nil, err
		}
		if i > 0 {
			say(p, "%s has %d instances after %v", scaled, phase.n, round(time.Since(begin)))
		}
		if err := sleep(ctx, max(o.phase-time.Since(begin), ttl)); err != nil {
			return nil, err
		}
		end(phase.name)
	}
	return rows, nil
}

// newBackend is the command that runs in the tasks of the demonstration.
func newBackend(p *cli.Program) *cobra.Command {
	var name string
	var port int
	var check bool
	cmd := &cobra.Command{
		Use:     "demo-backend (--service NAME | --check) --port N",
		Short:   "Run an instance of a service of the demonstration",
		Example: `  cairn demo-backend --service orders --port 8080`,
		Hidden:  true,
		RunE: cli.Interruptible(func(ctx context.Context, _ []string) error {
			if check {
				return checkBackend(ctx, port)
			}
			s, ok := named(name)
			if !ok {
				return cli.Usagef("--service: there is no service %q in the demonstration", name)
			}
			return runBackend(ctx, p, s, port)
		}),
	}
	cli.Arguments(cmd)
	cmd.Flags().StringVar(&name, "service", "", "`NAME` of the service")
	cmd.Flags().BoolVar(&check, "check", false, "ask the instance in this task whether it is healthy, and end")
	cmd.Flags().IntVar(&port, "port", taskPort, "`NUMBER` of the port of all instances")
	return cmd
}

// runBackend answers on all addresses of the task until it is told to stop. It finds
// DNS and the API as any program in a task does.
func runBackend(ctx context.Context, p *cli.Program, s service, port int) error {
	l, err := net.Listen("tcp", listenAddress("", port))
	if err != nil {
		return err
	}
	id, err := os.Hostname()
	if err != nil {
		return err
	}
	dns, err := nameserver("/etc/resolv.conf")
	if err != nil {
		return err
	}
	b := &backend{service: s, id: id, finder: newFinder(dns, p.Getenv("AWS_ENDPOINT_URL"), port)}
	return b.serve(ctx, l)
}

// checkBackend returns an error unless the instance in this task is healthy.
func checkBackend(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listenAddress("127.0.0.1", port)+"/health", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/health answers %s", response.Status)
	}
	return nil
}
