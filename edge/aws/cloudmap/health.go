package cloudmap

import (
	"context"
	"iter"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// UpdateInstanceCustomHealthStatus sets the health of an instance whose service
// has a HealthCheckCustomConfig.
func (a *api) UpdateInstanceCustomHealthStatus(ctx context.Context, c *service.Call, in *UpdateInstanceCustomHealthStatusRequest) error {
	c.Target = *in.ServiceId + "/" + *in.InstanceId
	health := registry.Healthy
	if *in.Status == CustomHealthStatusUnhealthy {
		health = registry.Unhealthy
	}
	_, err := c.Propose(ctx, &registry.SetCustomHealth{
		ServiceRef: *in.ServiceId, ID: registry.InstanceID(*in.InstanceId), Health: health,
	})
	return err
}

// GetInstancesHealthStatus returns the health of some or all instances.
func (a *api) GetInstancesHealthStatus(_ context.Context, c *service.Call, in *GetInstancesHealthStatusRequest) (*GetInstancesHealthStatusResponse, error) {
	c.Target = *in.ServiceId
	svc, err := c.State.Registry.FindService(&c.Rules.Registry, c.Account, *in.ServiceId)
	if err != nil {
		return nil, err
	}
	if !svc.HasHealth() {
		return nil, &registry.NoHealthStatus{Service: svc.ID}
	}
	requested, err := requestedInstances(svc, in.Instances)
	if err != nil {
		return nil, err
	}
	p, err := newPage(c, append([]string{string(svc.ID)}, in.Instances...), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &GetInstancesHealthStatusResponse{Status: map[string]HealthStatus{}}
	for id, inst := range instancesAfter(svc, requested, registry.InstanceID(p.After)) {
		if !p.Add(string(id)) {
			break
		}
		out.Status[string(id)] = HealthStatus(svc.Health(inst).String())
	}
	out.NextToken = p.Next
	return out, nil
}

// requestedInstances returns the ids that a request names, or nil if it names none. All
// must be there.
func requestedInstances(svc *registry.Service, ids []string) (map[registry.InstanceID]bool, error) {
	if ids == nil {
		return nil, nil
	}
	requested := map[registry.InstanceID]bool{}
	for _, id := range ids {
		if _, ok := svc.Instance(registry.InstanceID(id)); !ok {
			return nil, &registry.InstanceNotFound{Service: svc.ID, ID: registry.InstanceID(id)}
		}
		requested[registry.InstanceID(id)] = true
	}
	return requested, nil
}

// instancesAfter yields the requested instances that come after an id. Nil: all are requested.
func instancesAfter(svc *registry.Service, requested map[registry.InstanceID]bool, after registry.InstanceID) iter.Seq2[registry.InstanceID, *registry.Instance] {
	if requested == nil {
		return svc.Instances(after)
	}
	return func(yield func(registry.InstanceID, *registry.Instance) bool) {
		for id, inst := range svc.Instances(after) {
			if requested[id] && !yield(id, inst) {
				return
			}
		}
	}
}
