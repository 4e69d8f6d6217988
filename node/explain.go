package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/explain"
	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/task"
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
			if n.follows() {
				return nil // other nodes run the checks
			}
			return checks.Reports(ctx, id)
		}), nil
	}
}

// explainTask answers /tasks/explain. The task is an id or an ARN.
func (n *Node) explainTask(rep *replica.Replica) func(context.Context, string) (fmt.Stringer, error) {
	return func(_ context.Context, ref string) (fmt.Stringer, error) {
		s := rep.Current()
		t, err := findTask(&s.Task, ref)
		if err != nil {
			return nil, err
		}
		return explain.Task(&s.Task, &s.Registry, t, time.Now().UnixMilli()), nil
	}
}

// findTask returns the task with an id or an ARN, in any cluster.
func findTask(s *task.State, ref string) (*task.Task, error) {
	id := ref[strings.LastIndexByte(ref, '/')+1:]
	if id == "" {
		return nil, errors.New("task is missing: the id of a task is needed")
	}
	for cluster := range s.AllClusters() {
		if t, ok := s.Task(cluster.Account, cluster.Name, id); ok {
			return t, nil
		}
	}
	return nil, fmt.Errorf("there is no task %q in any cluster; stopped tasks are kept for a limited time", id)
}
