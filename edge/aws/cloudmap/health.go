package cloudmap

import (
	"iter"

	"github.com/cairn-discovery/cairn/core/registry"
)

// UpdateInstanceCustomHealthStatus sets the health of an instance whose service
// has a HealthCheckCustomConfig.
func (a *API) UpdateInstanceCustomHealthStatus(c *call, in *UpdateInstanceCustomHealthStatusRequest) error {
	c.target = *in.ServiceId + "/" + *in.InstanceId
	health := registry.Healthy
	if *in.Status == CustomHealthStatusUnhealthy {
		health = registry.Unhealthy
	}
	_, err := a.do(c, &registry.SetCustomHealth{
		ServiceRef: *in.ServiceId, ID: registry.InstanceID(*in.InstanceId), Health: health,
	})
	return err
}

// GetInstancesHealthStatus returns the health of some or all instances.
func (a *API) GetInstancesHealthStatus(c *call, in *GetInstancesHealthStatusRequest) (*GetInstancesHealthStatusResponse, error) {
	c.target = *in.ServiceId
	svc, err := a.state().Registry.FindService(c.rules, c.account, *in.ServiceId)
	if err != nil {
		return nil, err
	}
	if !svc.HasHealth() {
		return nil, &registry.NoHealthStatus{Service: svc.ID}
	}
	asked, err := askedFor(svc, in.Instances)
	if err != nil {
		return nil, err
	}
	p, err := newPage(c, "GetInstancesHealthStatus", append([]string{string(svc.ID)}, in.Instances...), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &GetInstancesHealthStatusResponse{Status: map[string]HealthStatus{}}
	for id, inst := range instancesAfter(svc, asked, registry.InstanceID(p.after)) {
		if !p.take(string(id)) {
			break
		}
		out.Status[string(id)] = HealthStatus(svc.Health(inst).String())
	}
	out.NextToken = p.next
	return out, nil
}

// askedFor returns the ids that a request names, or nil if it names none. All
// must be there.
func askedFor(svc *registry.Service, ids []string) (map[registry.InstanceID]bool, error) {
	if ids == nil {
		return nil, nil
	}
	asked := map[registry.InstanceID]bool{}
	for _, id := range ids {
		if _, ok := svc.Instance(registry.InstanceID(id)); !ok {
			return nil, &registry.InstanceNotFound{Service: svc.ID, ID: registry.InstanceID(id)}
		}
		asked[registry.InstanceID(id)] = true
	}
	return asked, nil
}

// instancesAfter yields those asked for, or if that is nil all.
func instancesAfter(svc *registry.Service, asked map[registry.InstanceID]bool, after registry.InstanceID) iter.Seq2[registry.InstanceID, *registry.Instance] {
	if asked == nil {
		return svc.Instances(after)
	}
	return func(yield func(registry.InstanceID, *registry.Instance) bool) {
		for id, inst := range svc.Instances(after) {
			if asked[id] && !yield(id, inst) {
				return
			}
		}
	}
}
