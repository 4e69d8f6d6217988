package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/cairn-discovery/cairn/edge/aws"
	"github.com/cairn-discovery/cairn/edge/dns"
)

// dnsPort is the only port that resolvers of tasks ask; resolv.conf(5) knows no other.
const dnsPort = 53

// gateways serve the API and DNS on the addresses that the networks of tasks have on
// this machine. They take only what comes from these networks: the API may be one that
// must not be open to other machines.
type gateways struct {
	api *aws.Server
	dns *dns.Server
	log *slog.Logger
	// apiPort is that of the API listener.
	apiPort uint16

	mu      sync.Mutex
	group   *errgroup.Group // nil before run and after its end
	ctx     context.Context
	serving map[netip.Addr]gateway
}

// gateway is an address that is served.
type gateway struct {
	network int // index of the interface
	stop    context.CancelFunc
	done    chan struct{}
}

// run serves until ctx ends.
func (g *gateways) run(ctx context.Context) error {
	g.mu.Lock()
	g.group, g.ctx, g.serving = new(errgroup.Group), ctx, map[netip.Addr]gateway{}
	g.mu.Unlock()
	<-ctx.Done()
	g.mu.Lock()
	group := g.group
	g.group = nil
	g.mu.Unlock()
	return group.Wait()
}

// open serves an address, if it is not served. An address that has moved to another
// interface is served there.
func (g *gateways) open(ctx context.Context, addr netip.Addr) error {
	network, err := interfaceOf(addr)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.group == nil {
		return errors.New("the node stops")
	}
	if old, ok := g.serving[addr]; ok {
		if old.network == network.Index {
			return nil
		}
		old.stop()
		<-old.done
		delete(g.serving, addr)
	}
	sockets, ln, err := g.listen(ctx, addr, network.Name)
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(g.ctx)
	one := gateway{network: network.Index, stop: stop, done: make(chan struct{})}
	g.serving[addr] = one
	g.group.Go(func() error {
		defer close(one.done)
		g.serve(serving, addr, sockets, ln)
		return nil
	})
	return nil
}

func (g *gateways) serve(ctx context.Context, addr netip.Addr, sockets *dns.Sockets, ln net.Listener) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.dns.ServeAlso(ctx, sockets) })
	group.Go(func() error { return g.api.Serve(ctx, ln) })
	if err := group.Wait(); err != nil {
		g.log.Warn("tasks are not served any more", "address", addr, "error", err)
	}
}

// listen opens the sockets of an address.
func (g *gateways) listen(ctx context.Context, addr netip.Addr, network string) (*dns.Sockets, net.Listener, error) {
	sockets, err := dns.Listen(ctx, netip.AddrPortFrom(addr, dnsPort).String())
	if err != nil {
		return nil, nil, fmt.Errorf("DNS for tasks: %w", err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", netip.AddrPortFrom(addr, g.apiPort).String())
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("API for tasks: %w", err), sockets.Close())
	}
	for _, c := range append([]any{ln, sockets.TCP}, anys(sockets.UDP)...) {
		if err := onlyFrom(network, c); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("listeners for tasks: %w", err), ln.Close(), sockets.Close())
		}
	}
	return sockets, ln, nil
}

func anys(all []*net.UDPConn) []any {
	var out []any
	for _, c := range all {
		out = append(out, c)
	}
	return out
}

// onlyFrom makes a socket take only what arrives by a network interface.
func onlyFrom(network string, socket any) error {
	c, ok := socket.(syscall.Conn)
	if !ok {
		return errors.New("not a socket")
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var bound error
	err = raw.Control(func(fd uintptr) { bound = bindToDevice(int(fd), network) })
	return errors.Join(err, bound)
}

// interfaceOf returns the interface that has an address.
func interfaceOf(addr netip.Addr) (*net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for i := range all {
		addrs, err := all[i].Addrs()
		if err != nil {
			continue // it has gone
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == addr {
				return &all[i], nil
			}
		}
	}
	return nil, fmt.Errorf("this machine has no address %v", addr)
}
