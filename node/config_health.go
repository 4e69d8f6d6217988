package node

import (
	"fmt"
	"net/netip"
	"time"
)

// Health says how instances are checked. A service can say otherwise for its
// own instances; docs/health.md has the attributes for that.
type Health struct {
	// Interval is the time between two probes of an instance.
	Interval Duration `yaml:"interval"`
	// SuccessThreshold is how many probes in a row must pass before an
	// instance is healthy again; 0 means the same as its failure threshold.
	// With compatibility strict it is always the same.
	SuccessThreshold int `yaml:"success_threshold"`
	// InitialInterval is the time between the first probes, until the first
	// verdict.
	InitialInterval Duration `yaml:"initial_interval"`
	// MaxProbes bounds the probes, and so the sockets, at a time. There are never
	// more than a quarter of the files that the process may open.
	MaxProbes int `yaml:"max_probes"`
	// MaxRate bounds the probes begun in a second.
	MaxRate int `yaml:"max_rate"`
	// Allow are the only addresses that may be probed. None means all but those
	// that never may: link-local, multicast and cloud metadata addresses, and
	// the node's own admin listener.
	Allow []Prefix `yaml:"allow"`
	// Deny are addresses that may not be probed, even if allowed.
	Deny []Prefix `yaml:"deny"`
	// Control are addresses, IP:PORT, at which something always accepts TCP
	// connections, such as a gateway or a name server. When nearly all checks
	// fail at once and so do these, the node takes itself for cut off and marks
	// nothing unhealthy. None means the node's own API listener.
	Control []string `yaml:"control"`
	// DistrustShare is the share of good checks that must turn bad within one
	// interval for Control to be looked at, above 0 and below 1.
	DistrustShare float64 `yaml:"distrust_share"`
}

func defaultHealth() Health {
	return Health{
		Interval: seconds(30), InitialInterval: seconds(1),
		MaxProbes: 4096, MaxRate: 5000, DistrustShare: 0.8,
	}
}

func (k *checker) health(h Health) {
	k.lasting("health.interval", h.Interval, 100*time.Millisecond)
	k.lasting("health.initial_interval", h.InitialInterval, 100*time.Millisecond)
	if n := h.SuccessThreshold; n < 0 || n > 10 {
		k.bad("health.success_threshold", fmt.Sprint(n), "must be 0 to 10")
	}
	k.atLeast("health.max_probes", int64(h.MaxProbes), 2)
	k.atLeast("health.max_rate", int64(h.MaxRate), 1)
	if s := h.DistrustShare; !(s > 0 && s < 1) {
		k.bad("health.distrust_share", fmt.Sprint(s), "must be above 0 and below 1")
	}
	for i, c := range h.Control {
		if _, err := netip.ParseAddrPort(c); err != nil {
			k.bad(fmt.Sprintf("health.control[%d]", i), c, "must be IP:PORT, such as 10.0.0.1:53 or [fd00::1]:53")
		}
	}
}
