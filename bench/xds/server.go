package main

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	serverv3 "github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/memory"
)

// serve runs a server and does what the commands on standard input say: change an
// instance of the first service, change one of the last, which nobody follows, or print
// microseconds of processor time and bytes of memory.
func serve(role string, s size) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	start := startCairn
	if role != "cairn" {
		start = startControlPlane
	}
	change, err := start(ln, s)
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	n := 0
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		n++
		switch lines.Text() {
		case "change":
			err = change(0, n)
		case "other":
			err = change(s.services-1, n)
		}
		if err != nil {
			return err
		}
		cpu, memory := 0.0, 0.0
		switch lines.Text() {
		case "memory":
			runtime.GC()
			cpu, memory = usage()
		case "usage":
			cpu, memory = usage()
		}
		fmt.Println(cpu, memory)
	}
	return nil
}

// usage returns microseconds of processor time, and resident bytes.
func usage() (cpu, memory float64) {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	micros := func(t syscall.Timeval) float64 { return float64(t.Sec)*1e6 + float64(t.Usec) }
	text, _ := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	pages := 0
	if len(fields) > 1 {
		pages, _ = strconv.Atoi(fields[1])
	}
	return micros(u.Utime) + micros(u.Stime), float64(pages * os.Getpagesize())
}

const account = command.AccountID("000000000000")

// startCairn runs a registry in memory and its xDS server.
func startCairn(ln net.Listener, s size) (func(service, n int) error, error) {
	ctx := context.Background()
	rules := &state.Rules{Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60}}
	logger := slog.New(slog.DiscardHandler)
	r, err := replica.New(replica.Config{Store: memory.New(), Rules: func() *state.Rules { return rules }, Logger: logger})
	if err != nil {
		return nil, err
	}
	go func() { _ = r.Run(ctx) }() // until the process ends, as the server below
	<-r.Loaded()
	if _, err := r.Propose(ctx, account, &registry.CreateNamespace{Name: "shop", Type: registry.HTTP}); err != nil {
		return nil, err
	}
	var ns registry.NamespaceID
	for id := range r.Current().Registry.Namespaces(account, "") {
		ns = id
	}
	services := make([]registry.ServiceID, s.services)
	register := func(service, i, port int) error {
		_, err := r.Propose(ctx, account, &registry.RegisterInstance{ServiceRef: string(services[service]), ID: registry.InstanceID(fmt.Sprint("i", i)), Attributes: map[string]string{
			"AWS_INSTANCE_IPV4": fmt.Sprintf("10.%d.%d.%d", service>>8, service&255, i), "AWS_INSTANCE_PORT": strconv.Itoa(port),
		}})
		return err
	}
	for i := range services {
		reply, err := r.Propose(ctx, account, &registry.CreateService{Name: fmt.Sprint("s", i), NamespaceRef: string(ns)})
		if err != nil {
			return nil, err
		}
		services[i] = reply.Value.(*registry.Service).ID
		for j := range s.endpoints {
			if err := register(i, j, 80); err != nil {
				return nil, err
			}
		}
	}
	server, err := xds.New(xds.Config{Replica: r, Rules: func() *state.Rules { return rules }, Logger: logger, Sources: []resource.Source{&plain.Source{}}})
	if err != nil {
		return nil, err
	}
	go func() { _ = server.Serve(ctx, ln) }()
	return func(service, n int) error { return register(service, 0, 1000+n) }, nil
}

// one puts all nodes into one group, which is the best case of the cache.
type one struct{}

func (one) ID(*corev3.Node) string { return "all" }

// startControlPlane runs go-control-plane with its cache of snapshots.
func startControlPlane(ln net.Listener, s size) (func(service, n int) error, error) {
	ctx := context.Background()
	cache := cachev3.NewSnapshotCache(false, one{}, nil) // not ads: requests name some resources of the snapshot
	all := make([]types.Resource, s.services)
	for i := range all {
		all[i] = assignment(i, 80, s.endpoints)
	}
	version := 0
	set := func() error {
		version++
		snapshot, err := cachev3.NewSnapshot(strconv.Itoa(version), map[string][]types.Resource{resource.Endpoints.URL(): all})
		if err != nil {
			return err
		}
		return cache.SetSnapshot(ctx, "all", snapshot)
	}
	if err := set(); err != nil {
		return nil, err
	}
	server := grpc.NewServer()
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(server, serverv3.NewServer(ctx, cache, nil))
	go func() { _ = server.Serve(ln) }()
	return func(service, n int) error {
		all[service] = assignment(service, 1000+n, s.endpoints)
		return set()
	}, nil
}

func assignment(service, port, endpoints int) *endpointv3.ClusterLoadAssignment {
	l := &endpointv3.LocalityLbEndpoints{Locality: &corev3.Locality{}, LoadBalancingWeight: wrapperspb.UInt32(uint32(endpoints))}
	for i := range endpoints {
		p := 80
		if i == 0 {
			p = port
		}
		l.LbEndpoints = append(l.LbEndpoints, &endpointv3.LbEndpoint{
			HealthStatus: corev3.HealthStatus_HEALTHY, LoadBalancingWeight: wrapperspb.UInt32(1),
			HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
				Address: fmt.Sprintf("10.%d.%d.%d", service>>8, service&255, i), PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(p)},
			}}}}},
		})
	}
	return &endpointv3.ClusterLoadAssignment{ClusterName: serviceName(service), Endpoints: []*endpointv3.LocalityLbEndpoints{l}}
}
