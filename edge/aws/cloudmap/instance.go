package cloudmap

import (
	"github.com/cairn-discovery/cairn/core/registry"
)

// RegisterInstance adds or replaces an instance.
func (a *API) RegisterInstance(c *call, in *RegisterInstanceRequest) (*RegisterInstanceResponse, error) {
	c.target = *in.ServiceId + "/" + *in.InstanceId
	id, err := a.asynchronous(c, &registry.RegisterInstance{
		ServiceRef: *in.ServiceId, ID: registry.InstanceID(*in.InstanceId),
		Attributes: in.Attributes, CreatorRequestID: value(in.CreatorRequestId),
	})
	return &RegisterInstanceResponse{OperationId: id}, err
}

// DeregisterInstance removes an instance.
func (a *API) DeregisterInstance(c *call, in *DeregisterInstanceRequest) (*DeregisterInstanceResponse, error) {
	c.target = *in.ServiceId + "/" + *in.InstanceId
	id, err := a.asynchronous(c, &registry.DeregisterInstance{
		ServiceRef: *in.ServiceId, ID: registry.InstanceID(*in.InstanceId),
	})
	return &DeregisterInstanceResponse{OperationId: id}, err
}

// GetInstance describes one instance.
func (a *API) GetInstance(c *call, in *GetInstanceRequest) (*GetInstanceResponse, error) {
	c.target = *in.ServiceId + "/" + *in.InstanceId
	svc, inst, err := a.state().Registry.FindInstance(c.rules, c.account, *in.ServiceId, registry.InstanceID(*in.InstanceId))
	if err != nil {
		return nil, err
	}
	return &GetInstanceResponse{
		Instance: &Instance{
			Attributes: inst.Attributes().Map(), CreatedByAccount: string(svc.Registrar(inst)),
			CreatorRequestId: inst.CreatorRequestID(), Id: string(inst.ID()),
		},
		ResourceOwner: string(svc.Account),
	}, nil
}

// ListInstances lists the instances of a service.
func (a *API) ListInstances(c *call, in *ListInstancesRequest) (*ListInstancesResponse, error) {
	c.target = *in.ServiceId
	svc, err := a.state().Registry.FindService(c.rules, c.account, *in.ServiceId)
	if err != nil {
		return nil, err
	}
	p, err := newPage(c, "ListInstances", string(svc.ID), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListInstancesResponse{Instances: []InstanceSummary{}, ResourceOwner: string(svc.Account)}
	for id, inst := range svc.Instances(registry.InstanceID(p.after)) {
		if !p.take(string(id)) {
			break
		}
		out.Instances = append(out.Instances, InstanceSummary{
			Attributes: inst.Attributes().Map(), CreatedByAccount: string(svc.Registrar(inst)), Id: string(id),
		})
	}
	out.NextToken = p.next
	return out, nil
}
