package config

import "fmt"

// Health is how instances are checked. A service can change some of it for its
// own instances; docs/health.md has the attributes for that.
type Health struct {
	// Interval is the time between two probes of an instance.
	Interval Duration `yaml:"interval" check:"min=100ms"`
	// SuccessThreshold is how many probes in a row must pass before an unhealthy
	// instance is healthy again, 0 to 10; 0 means the same as its failure
	// threshold. With compatibility strict it is always the same.
	SuccessThreshold int `yaml:"success_threshold"`
	// InitialInterval is the time between the first probes, until the first
	// verdict.
	InitialInterval Duration `yaml:"initial_interval" check:"min=100ms"`
	// MaxProbes is how many probes, and so sockets, can be in flight at once. At
	// most a quarter of the files that the process may open are used.
	MaxProbes int `yaml:"max_probes" check:"min=2"`
	// MaxRate is how many probes can start in a second.
	MaxRate int `yaml:"max_rate" check:"min=1"`
	// MaxRatePerAddress is how many probes one account can start in a second at
	// one IP address, whatever the ports.
	MaxRatePerAddress int `yaml:"max_rate_per_address" check:"min=1"`
	// Allow are the only addresses that may be probed. None means all but the
	// reserved ones; see allow_reserved.
	Allow []Prefix `yaml:"allow"`
	// Deny are addresses that may not be probed, even if allowed.
	Deny []Prefix `yaml:"deny"`
	// AllowReserved are reserved addresses that may be probed. Reserved are
	// link-local and cloud metadata addresses, the node's own listeners, and
	// loopback addresses unless all listeners are on loopback. Multicast and
	// unspecified addresses and the admin listener are never probed.
	AllowReserved []Prefix `yaml:"allow_reserved"`
	// Control are addresses, IP:PORT, that always accept TCP connections, such as a gateway
	// or a name server. If nearly all checks fail at once and none of these addresses can
	// be reached, the node assumes that its own network has failed. Then it marks nothing
	// unhealthy. An empty list means the resolvers of dns.forward, or without these the
	// node's own API listener. That one only shows that this machine is broken, so set the
	// list.
	Control []string `yaml:"control" check:"addrport"`
	// Voters is how many of the nodes that share a store run each check. With 1 there is
	// no vote: one node decides. At most all live nodes vote, which then probe each
	// instance from that many places. It must be the same on all nodes.
	Voters int `yaml:"voters" check:"min=1"`
	// HealthyShare is the share of the votes for a verdict of healthy, from 0 to less than
	// 1: if more nodes than this find an instance healthy, it is. The default is the rule
	// of Route 53, 18 %; 0.5 is a majority. It must be the same on all nodes.
	HealthyShare float64 `yaml:"healthy_share"`
	// DistrustShare is the share of good checks that must turn bad within one
	// interval before control is tried, above 0 and below 1.
	DistrustShare float64 `yaml:"distrust_share"`
}

func defaultHealth() Health {
	return Health{
		Interval: seconds(30), InitialInterval: seconds(1),
		MaxProbes: 4096, MaxRate: 5000, MaxRatePerAddress: 50, DistrustShare: 0.8,
		Voters: 1, HealthyShare: 0.18,
	}
}

func (h *Health) check(k *checker) {
	if n := h.SuccessThreshold; n < 0 || n > 10 {
		k.fail("health.success_threshold", fmt.Sprint(n), "must be 0 to 10")
	}
	if s := h.HealthyShare; !(s >= 0 && s < 1) {
		k.fail("health.healthy_share", fmt.Sprint(s), "must be 0 or above and below 1")
	}
	if s := h.DistrustShare; !(s > 0 && s < 1) {
		k.fail("health.distrust_share", fmt.Sprint(s), "must be above 0 and below 1")
	}
}
