package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/cairn-discovery/cairn/core/explain"
	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/admin"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/worker/prober"
)

// explainer answers /explain from the snapshot of the moment and what the prober
// remembers.
func (n *Node) explainer(rep *replica.Replica, checks *prober.Prober, fixed *zone.Fixed) func(context.Context, admin.Question) (fmt.Stringer, error) {
	return func(ctx context.Context, q admin.Question) (fmt.Stringer, error) {
		if q.Name == "" {
			return nil, errors.New("name is missing: /explain?name=NAME[&from=IP]")
		}
		from, err := netip.ParseAddr(cmp.Or(q.From, "127.0.0.1"))
		if err != nil {
			return nil, fmt.Errorf("from=%q is not an IP address", q.From)
		}
		client := n.views.Load().Lookup(from)
		s := rep.Current()
		return explain.Name(&s.Registry, &s.Zones, &explain.Query{
			Name: q.Name, From: from,
			View:    zone.View{AllVPCs: client.AllVPCs, VPCs: client.VPCs, Owners: client.Owners},
			Trusted: client.Trusted, Strict: n.currentRules().Registry.Strict,
			Fixed: fixed, Parameters: q.Parameters, Now: time.Now().UnixMilli(),
		}, func(id registry.ServiceID) map[registry.InstanceID]health.Report {
			return checks.Reports(ctx, id)
		}), nil
	}
}
