package node

import (
	"context"
	"math"
	"net"
	"net/netip"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/worker/prober"
)

// newProber builds the worker that runs the health checks.
func (n *Node) newProber(rep *replica.Replica, metrics prometheus.Registerer, l *listeners) (*prober.Prober, error) {
	h := &n.cfg.Health
	return prober.New(prober.Config{
		Replica:          rep,
		Logger:           n.log.With("part", "prober"),
		Registerer:       metrics,
		Interval:         h.Interval.Duration,
		InitialInterval:  h.InitialInterval.Duration,
		SuccessThreshold: h.SuccessThreshold,
		Strict:           n.cfg.Compatibility == compatStrict,
		MaxProbes:        n.probesAllowed(h.MaxProbes),
		MaxRate:          h.MaxRate,
		Allow:            prefixesOf(h.Allow),
		Deny:             prefixesOf(h.Deny),
		Admin:            addrPortOf(l.admin),
		Control:          controlOf(h, l.api),
		DistrustShare:    h.DistrustShare,
		Version:          n.build.Version,
	})
}

func proberPart(p *prober.Prober) part {
	return part{name: "prober", run: func(ctx context.Context) error { return p.Run(ctx) }, grace: workerGrace}
}

// probesAllowed keeps three quarters of the files that the process may open for
// everything else: each probe is a socket.
func (n *Node) probesAllowed(wanted int) int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return wanted
	}
	most := max(int(min(files.Cur, math.MaxInt32)/4), 2)
	if wanted <= most {
		return wanted
	}
	n.log.Warn("fewer probes run at a time than health.max_probes: the process may open too few files", "probes", most, "wanted", wanted, "files", files.Cur)
	return most
}

// controlOf are the addresses of the control probe.
func controlOf(h *Health, api net.Listener) []netip.AddrPort {
	if len(h.Control) == 0 {
		return []netip.AddrPort{dialable(addrPortOf(api))}
	}
	var all []netip.AddrPort
	for _, text := range h.Control {
		addr, err := netip.ParseAddrPort(text)
		if err == nil { // Check has seen to it
			all = append(all, addr)
		}
	}
	return all
}

// dialable is an address at which this machine reaches a listener that may be
// on all addresses.
func dialable(a netip.AddrPort) netip.AddrPort {
	switch {
	case !a.Addr().IsUnspecified():
		return a
	case a.Addr().Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
}

func addrPortOf(ln net.Listener) netip.AddrPort {
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
		a := tcp.AddrPort()
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return netip.AddrPort{}
}
