package node

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/route53"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
	"github.com/cairn-discovery/cairn/worker/prober"
)

// route53Config connects the API of Route 53 with the DNS server and the prober.
func (w *wiring) route53Config() route53.Config {
	return route53.Config{NewKey: w.newSigningKey, Answer: w.testAnswer, Observe: w.observe, Checkers: checkerAddresses}
}

// testAnswer asks the DNS server of this node, without a socket.
func (w *wiring) testAnswer(ctx context.Context, q route53.Question) (route53.Answer, error) {
	if w.gateways.dns == nil {
		return route53.Answer{}, errors.New("there is no DNS server")
	}
	r := w.gateways.dns.Test(ctx, answer.Test{Name: q.Name, Type: q.Type, VPCs: q.VPCs, From: q.Resolver, Subnet: q.Subnet})
	return route53.Answer{Rcode: answer.RcodeName(r.Rcode), Data: r.Data}, nil
}

// observeTimeout bounds the wait for the prober.
const observeTimeout = 5 * time.Second

// observe returns what the prober of this node last found.
func (w *wiring) observe(check, service, instance string) (route53.Observation, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), observeTimeout)
	defer cancel()
	id, of := registry.InstanceID(instance), registry.ServiceID(service)
	if check != "" {
		id, of = registry.InstanceID(check), prober.CheckGroup(check)
	}
	r, ok := w.checks.Reports(ctx, of)[id]
	if !ok && w.membership != nil {
		key := hostedzone.CheckKey(check)
		if check == "" {
			key = registry.CheckKey(of, id)
		}
		return route53.Observation{By: w.rep.Current().Member.Ring().Owner(key)}, true
	}
	return route53.Observation{Last: r.Last, LastAt: r.LastAt, Failed: r.Failed, FailedAt: r.FailedAt, Resolved: r.Resolved}, ok
}

// checkerAddresses are the addresses of this machine that probes can come from.
func checkerAddresses() []netip.Prefix {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var all []netip.Prefix
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || p.Addr().IsLinkLocalUnicast() {
			continue
		}
		addr := p.Addr().Unmap()
		all = append(all, netip.PrefixFrom(addr, addr.BitLen()))
	}
	return all
}
