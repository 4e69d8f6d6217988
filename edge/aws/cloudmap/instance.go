package cloudmap

import (
	"context"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// RegisterInstance adds or replaces an instance.
func (a *api) RegisterInstance(ctx context.Context, c *service.Call, in *RegisterInstanceRequest) (*RegisterInstanceResponse, error) {
	c.Target = *in.ServiceId + "/" + *in.InstanceId
	id, err := a.proposeOperation(ctx, c, &registry.RegisterInstance{
		ServiceRef: *in.ServiceId, ID: registry.InstanceID(*in.InstanceId),
		Attributes: in.Attributes, CreatorRequestID: service.Value(in.CreatorRequestId),
	})
	return &RegisterInstanceResponse{OperationId: id}, err
}

// DeregisterInstance removes an instance.
func (a *api) DeregisterInstance(ctx context.Context, c *service.Call, in *DeregisterInstanceRequest) (*DeregisterInstanceResponse, error) {
	c.Target = *in.ServiceId + "/" + *in.InstanceId
	id, err := a.proposeOperation(ctx, c, &registry.DeregisterInstance{
		ServiceRef: *in.ServiceId, ID: registry.InstanceID(*in.InstanceId),
	})
	return &DeregisterInstanceResponse{OperationId: id}, err
}

// GetInstance describes one instance.
func (a *api) GetInstance(_ context.Context, c *service.Call, in *GetInstanceRequest) (*GetInstanceResponse, error) {
	c.Target = *in.ServiceId + "/" + *in.InstanceId
	svc, inst, err := c.State.Registry.FindInstance(&c.Rules.Registry, c.Account, *in.ServiceId, registry.InstanceID(*in.InstanceId))
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
func (a *api) ListInstances(_ context.Context, c *service.Call, in *ListInstancesRequest) (*ListInstancesResponse, error) {
	c.Target = *in.ServiceId
	svc, err := c.State.Registry.FindService(&c.Rules.Registry, c.Account, *in.ServiceId)
	if err != nil {
		return nil, err
	}
	p, err := newPage(c, string(svc.ID), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListInstancesResponse{Instances: []InstanceSummary{}, ResourceOwner: string(svc.Account)}
	for id, inst := range svc.Instances(registry.InstanceID(p.After)) {
		if !p.Add(string(id)) {
			break
		}
		out.Instances = append(out.Instances, InstanceSummary{
			Attributes: inst.Attributes().Map(), CreatedByAccount: string(svc.Registrar(inst)), Id: string(id),
		})
	}
	out.NextToken = p.Next
	return out, nil
}
