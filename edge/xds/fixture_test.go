package xds_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/memory"
)

const account = command.AccountID("000000000000")

// fixture is a registry and a server of xDS on it.
type fixture struct {
	t       testing.TB
	replica *replica.Replica
	server  *xds.Server
	addr    string
	metrics *prometheus.Registry
	rules   *state.Rules
	stop    func()
	cfg     xds.Config // of the server
}

// start starts a registry and a server, which the end of the test stops.
func start(t testing.TB, change ...func(*xds.Config)) *fixture {
	t.Helper()
	w := &fixture{t: t, metrics: prometheus.NewRegistry(), rules: &state.Rules{Registry: registry.Rules{Region: "eu-west-1", DefaultTTL: 60}}}
	logger := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	w.replica, err = replica.New(replica.Config{Store: memory.New(), Rules: func() *state.Rules { return w.rules }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = w.replica.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	<-w.replica.Loaded()
	cfg := xds.Config{
		Replica: w.replica, Rules: func() *state.Rules { return w.rules }, Logger: logger, Registerer: w.metrics,
		Sources: []resource.Source{&plain.Source{Region: "eu-west-1"}},
	}
	for _, c := range change {
		c(&cfg)
	}
	w.serve(cfg, "127.0.0.1:0")
	return w
}

// serve starts a server, which stop stops.
func (w *fixture) serve(cfg xds.Config, addr string) {
	w.t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.serveOn(cfg, ln)
}

// serveOn does what serve does on a listener.
func (w *fixture) serveOn(cfg xds.Config, ln net.Listener) {
	w.t.Helper()
	server, err := xds.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, ln) }()
	w.server, w.addr, w.cfg = server, ln.Addr().String(), cfg
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Serve: %v", err)
		}
	})
	w.t.Cleanup(func() { w.stop() })
}

// do proposes a command of the account.
func (w *fixture) do(c command.Command) command.Reply {
	w.t.Helper()
	reply, err := w.replica.Propose(w.t.Context(), account, c)
	if err != nil {
		w.t.Fatalf("%T: %v", c, err)
	}
	return reply
}

// namespace creates a namespace and returns its id.
func (w *fixture) namespace(name string) registry.NamespaceID {
	w.t.Helper()
	w.do(&registry.CreateNamespace{Name: name, Type: registry.HTTP})
	for id, ns := range w.replica.Current().Registry.Namespaces(account, "") {
		if ns.Name == name {
			return id
		}
	}
	w.t.Fatal("no namespace")
	return ""
}

// service creates a service with custom health checks and returns its id.
func (w *fixture) service(ns registry.NamespaceID, name string) registry.ServiceID {
	w.t.Helper()
	return w.do(&registry.CreateService{Name: name, NamespaceRef: string(ns), CustomHealth: true}).Value.(*registry.Service).ID
}

// register registers an instance; further attributes are KEY, VALUE, ….
func (w *fixture) register(svc registry.ServiceID, id, ip string, port int, more ...string) {
	w.t.Helper()
	attrs := map[string]string{"AWS_INSTANCE_IPV4": ip, "AWS_INSTANCE_PORT": fmt.Sprint(port)}
	for i := 0; i < len(more); i += 2 {
		attrs[more[i]] = more[i+1]
	}
	w.do(&registry.RegisterInstance{ServiceRef: string(svc), ID: registry.InstanceID(id), Attributes: attrs})
}

func (w *fixture) deregister(svc registry.ServiceID, id string) {
	w.t.Helper()
	w.do(&registry.DeregisterInstance{ServiceRef: string(svc), ID: registry.InstanceID(id)})
}

func (w *fixture) health(svc registry.ServiceID, id string, h registry.Health) {
	w.t.Helper()
	w.do(&registry.SetCustomHealth{ServiceRef: string(svc), ID: registry.InstanceID(id), Health: h})
}

// patience bounds waits, for slow machines.
const patience = 30 * time.Second
