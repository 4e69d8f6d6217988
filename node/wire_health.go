package node

import (
	"math"
	"net"
	"net/netip"
	"syscall"

	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/worker/prober"
)

// newProber builds the worker that runs the health checks.
func (w *wiring) newProber() (*prober.Prober, error) {
	h := &w.cfg.Health
	return prober.New(prober.Config{
		Replica:          w.rep,
		Logger:           w.log.With("part", "prober"),
		Registerer:       w.metrics,
		Interval:         h.Interval.Duration,
		InitialInterval:  h.InitialInterval.Duration,
		SuccessThreshold: h.SuccessThreshold,
		Strict:           w.cfg.Strict(),
		MaxProbes:        w.probesAllowed(h.MaxProbes),
		MaxRate:          h.MaxRate,
		Allow:            config.Prefixes(h.Allow),
		Deny:             config.Prefixes(h.Deny),
		Admin:            addrPortOf(w.listeners.admin),
		Control:          controlOf(h, w.listeners.api),
		DistrustShare:    h.DistrustShare,
		Version:          w.build.Version,
	})
}

// probesAllowed leaves three quarters of the files that the process may open for
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

// controlOf returns the addresses of the control probe.
func controlOf(h *config.Health, api net.Listener) []netip.AddrPort {
	if len(h.Control) == 0 {
		return []netip.AddrPort{dialable(addrPortOf(api))}
	}
	var all []netip.AddrPort
	for _, text := range h.Control {
		addr, err := netip.ParseAddrPort(text)
		if err == nil { // Check has made sure of it
			all = append(all, addr)
		}
	}
	return all
}

// dialable returns an address at which this machine reaches a listener that may
// be on all addresses.
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
