package prober

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/registry"
)

// A health check of Route 53 is a group of its own with one check: it is scheduled,
// probed and judged like the instances of a service.

// CheckGroup returns what Reports calls the service of a health check of Route 53. The
// id of its only instance is that of the check.
func CheckGroup(id string) registry.ServiceID { return registry.ServiceID(hostedzone.CheckKey(id)) }

// healthCheckChanged adds, changes or removes a health check of Route 53.
func (l *loop) healthCheckChanged(old, now *hostedzone.HealthCheck) {
	if now == nil {
		l.dropGroup(CheckGroup(old.ID))
		return
	}
	id := CheckGroup(now.ID)
	g, rank := l.groups[id], l.share.rank(string(id))
	switch {
	case !now.Config.Probed() || now.Config.Disabled:
		l.dropGroup(id)
	case rank < 0:
		if g != nil {
			l.giveUp(g.checks[registry.InstanceID(now.ID)])
			l.dropGroup(id)
		}
	case g == nil:
		l.addHealthCheck(id, now, rank == 0)
	case g.healthCheck.Version != now.Version:
		l.dropGroup(id) // another target: what was found so far does not count
		l.addHealthCheck(id, now, rank == 0)
	default:
		c := g.checks[registry.InstanceID(now.ID)]
		c.owner = rank == 0
		if g.healthCheck = now; c.published != now.Verdict {
			l.publish(c, now.Verdict)
		} else {
			l.mark(c)
		}
	}
}

func (l *loop) addHealthCheck(id registry.ServiceID, h *hostedzone.HealthCheck, owner bool) {
	cfg := &h.Config
	g := &group{
		accountID: h.Account, account: l.account(h.Account), service: id, blockedAt: -1, healthCheck: h,
		check: checkOf(h), checks: map[registry.InstanceID]*check{}, host: cfg.Domain,
	}
	g.rule = rule{
		interval:   time.Duration(cfg.Interval) * time.Second,
		thresholds: health.Thresholds{Failure: int(cfg.Threshold)},
		settings:   g.check.Settings,
	}
	g.rule.initial = min(l.p.cfg.InitialInterval, g.rule.interval)
	l.groups[id] = g
	addr, err := netip.ParseAddr(cfg.IP)
	if err != nil {
		addr = netip.IPv4Unspecified() // the name is resolved by each probe
	}
	c := &check{group: g, id: registry.InstanceID(h.ID), index: -1, addr: netip.AddrPortFrom(addr.Unmap(), uint16(cfg.Port)), track: health.Start(h.Verdict),
		owner: owner, taken: l.restoring}
	g.checks[c.id] = c
	l.count(c, 1)
	l.resumeSeries(c)
	l.publish(c, h.Verdict)
	l.guard.begin(c)
	due := l.now
	if l.restoring && h.Verdict != health.Unknown {
		due = l.nextDue(c, l.now)
	}
	l.schedule.set(c, due)
}

// checkOf returns a health check in the form of a service's check.
func checkOf(h *hostedzone.HealthCheck) *registry.Check {
	cfg := &h.Config
	c := &registry.Check{Stamp: uint64(h.Version)}
	c.Type, c.FailureThreshold = registry.HealthCheckType(strings.TrimSuffix(cfg.Type, "_STR_MATCH")), cfg.Threshold
	if c.Type != registry.CheckTCP {
		if c.ResourcePath = cfg.Path; !strings.HasPrefix(c.ResourcePath, "/") {
			c.ResourcePath = "/" + c.ResourcePath
		}
	}
	c.Settings.Body = cfg.Search
	if cfg.Domain == "" {
		c.Settings.Host = ""
	}
	return c
}

// resolveTimeout bounds the look-up of the name of a health check.
const resolveTimeout = 4 * time.Second

// resolve finds the address of a probe by name: IPv4 only, as in Route 53.
func (p *Prober) resolve(ctx context.Context, t *target) bool {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	addrs, err := p.cfg.Resolve(ctx, t.host)
	if err != nil || len(addrs) == 0 {
		return false
	}
	t.addr = netip.AddrPortFrom(addrs[0].Unmap(), t.addr.Port())
	return true
}

// lookUp asks the resolver of the machine.
func lookUp(ctx context.Context, name string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip4", name)
}
