package prober

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/registry"
)

// check is one instance that is probed. There may be a hundred thousand: keep it
// small. The loop owns it.
type check struct {
	group *group
	id    registry.InstanceID
	addr  netip.AddrPort // not valid: the instance has no address and port

	registered int64 // of the instance; see registry.Verdict
	track      health.Track
	published  health.Verdict // what the registry holds
	last       health.Reason  // of the newest probe
	decided    health.Reason  // of the probe that made the verdict of track
	streak     uint8          // how many like results that was
	lastAt     int64          // end of the newest probe, in nanoseconds since 1970

	due          int64 // next probe, in nanoseconds since 1970
	index        int32 // in the schedule; -1: not there
	state        checkState
	dirty        bool // in loop.dirty
	owner        bool // this node publishes the verdict; otherwise it votes
	taken        bool // from another node, whose results may still arrive
	reserved     bool // due is a place that pace has reserved
	outcome      outcome
	job          *job // the probe while state is running
	decidedAt    int64
	failedAt     int64 // end of the first probe of the failures in a row
	failedSecond int64 // see guard
}

type checkState uint8

const (
	idle    checkState = iota // in the schedule, unless it has no address
	ready                     // in its group's queue
	running                   // being probed
	gone                      // deregistered
)

// group is a service with a check.
type group struct {
	accountID command.AccountID
	service   registry.ServiceID
	account   *account
	check     *registry.Check
	host      string // service.namespace
	rule      rule
	checks    map[registry.InstanceID]*check

	queue     queue[*check] // checks that are due
	running   int           // probes
	waiting   bool          // in account.ready or account.blocked
	blockedAt int           // index in account.blocked; -1: not there

	// healthCheck is a health check of Route 53, which is the only check of its group; nil
	// for a service. Failed is its newest probe that did not pass, failedAt when that
	// ended, in nanoseconds since 1970, resolved the address of its name.
	healthCheck *hostedzone.HealthCheck
	failed      health.Reason
	failedAt    int64
	resolved    netip.Addr
}

// rule is how a service's instances are probed and judged: its check, its own
// settings and those of the node.
type rule struct {
	interval, initial time.Duration
	thresholds        health.Thresholds
	settings          registry.CheckSettings
}

func (p *Prober) ruleOf(c *registry.Check) rule {
	r := rule{
		interval:   p.cfg.Interval,
		thresholds: health.Thresholds{Failure: int(c.FailureThreshold)},
	}
	if !p.cfg.Strict {
		r.settings = c.Settings
		r.thresholds.Success = p.cfg.SuccessThreshold
	}
	if n := r.settings.SuccessThreshold; n > 0 {
		r.thresholds.Success = n
	}
	if d := r.settings.Interval; d > 0 {
		r.interval = d
	}
	r.initial = min(p.cfg.InitialInterval, r.interval)
	return r
}

// hostOf returns the name in a probe's Host header, SNI and authority.
func hostOf(ns *registry.Namespace, svc *registry.Service) string {
	if svc.Name == "." {
		return ns.Name
	}
	return svc.Name + "." + ns.Name
}

// addressOf returns where an instance is probed: IPv4 before IPv6, so that A and
// AAAA share one check, as in AWS.
func addressOf(inst *registry.Instance) netip.AddrPort {
	v4, has4 := inst.Attributes().Get(registry.AttrIPv4)
	v6, _ := inst.Attributes().Get(registry.AttrIPv6)
	text := v6
	if has4 {
		text = v4
	}
	addr, err := netip.ParseAddr(text)
	portText, _ := inst.Attributes().Get(registry.AttrPort)
	port, portErr := strconv.ParseUint(portText, 10, 16)
	if err != nil || portErr != nil || port == 0 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port))
}

// slot returns the place of a check in its interval, always the same for an
// instance and evenly spread over instances. The hash is FNV-1a with a final mix,
// because the low digits of names differ more than the others.
func slot(c *check, interval time.Duration) int64 {
	h := uint64(14695981039346656037)
	for _, s := range [...]string{string(c.group.service), string(c.id)} {
		for _, b := range []byte(s) {
			h = (h ^ uint64(b)) * 1099511628211
		}
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	return int64((h ^ h>>33) % uint64(interval))
}
