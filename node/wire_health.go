package node

import (
	"math"
	"net"
	"net/netip"
	"syscall"

	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/store"
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

		MaxRatePerAddress: h.MaxRatePerAddress,

		Allow:         config.Prefixes(h.Allow),
		Deny:          config.Prefixes(h.Deny),
		AllowReserved: config.Prefixes(h.AllowReserved),
		Admin:         addrPortOf(w.listeners.admin.Addr()),
		Listeners:     w.listeners.clientAddrs(),
		Control:       w.controlOf(h),
		DistrustShare: h.DistrustShare,
		Version:       w.build.Version,
		Self:          w.selfName(),
		Voters:        h.Voters,
		HealthyShare:  h.HealthyShare,
		Operations:    w.operations,
	})
}

// operations returns how many operations the store takes in one transaction; 0 means that
// there is no limit.
func (w *wiring) operations() int {
	if s, ok := w.store.(store.Limited); ok {
		limits := s.Limits()
		return min(limits.Writes, limits.Preconditions)
	}
	return 0
}

// clientAddrs returns the addresses of all listeners but the admin one.
func (l *listeners) clientAddrs() []netip.AddrPort {
	all := []netip.AddrPort{addrPortOf(l.dns.Addr())}
	for _, ln := range l.tcp() {
		if ln != l.admin {
			all = append(all, addrPortOf(ln.Addr()))
		}
	}
	return all
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

// controlOf returns the addresses of the control probe: those of the configuration,
// else the upstream resolvers of this node, else its own API listener, which notices
// only that this machine is broken.
func (w *wiring) controlOf(h *config.Health) []netip.AddrPort {
	all := resolverAddrs(h.Control)
	if len(all) == 0 {
		all = resolverAddrs(w.cfg.DNS.Forward)
	}
	if len(all) > 0 {
		return all
	}
	api := addrPortOf(w.listeners.api.Addr())
	if !api.Addr().IsLoopback() {
		w.log.Warn("health.control is not set: a failure of this node's network would look like a failure of all instances; name addresses that always accept TCP connections, such as a gateway")
	}
	return []netip.AddrPort{dialable(api)}
}

// resolverAddrs parses IP:PORT, or IP for port 53. Check has refused anything else.
func resolverAddrs(texts []string) []netip.AddrPort {
	var all []netip.AddrPort
	for _, text := range texts {
		if addr, err := netip.ParseAddrPort(text); err == nil {
			all = append(all, addr)
		} else if addr, err := netip.ParseAddr(text); err == nil {
			all = append(all, netip.AddrPortFrom(addr, 53))
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

// addrPortOf returns an address of TCP or UDP, or none.
func addrPortOf(addr net.Addr) netip.AddrPort {
	a, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
