package cloudmap

import (
	"context"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// GetOperation describes an operation.
func (a *api) GetOperation(_ context.Context, c *service.Call, in *GetOperationRequest) (*GetOperationResponse, error) {
	c.Target = *in.OperationId
	id := registry.OperationID(*in.OperationId)
	op, err := c.State.Registry.FindOperation(&c.Rules.Registry, c.Account, c.Owner(in.OwnerAccount), id)
	if err != nil {
		return nil, err
	}
	targets := map[OperationTargetType]string{}
	for kind, target := range op.Targets() {
		targets[OperationTargetType(kind)] = target
	}
	return &GetOperationResponse{Operation: &Operation{
		CreateDate: timestamp.Milliseconds(op.Date), UpdateDate: timestamp.Milliseconds(op.Date), ErrorCode: op.ErrorCode, ErrorMessage: op.ErrorMessage,
		Id: string(op.ID), OwnerAccount: string(op.OwnerAccount()), Status: OperationStatus(op.Status()),
		Targets: targets, Type: OperationType(op.Type),
	}}, nil
}

// ListOperations lists the operations that all filters let through, newest
// first.
func (a *api) ListOperations(_ context.Context, c *service.Call, in *ListOperationsRequest) (*ListOperationsResponse, error) {
	wanted, err := operationFilter(c, in.Filters)
	if err != nil {
		return nil, err
	}
	p, err := newPage(c, in.Filters, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListOperationsResponse{Operations: []OperationSummary{}}
	for id, op := range c.State.Registry.Operations(&c.Rules.Registry, c.Account, registry.OperationID(p.After)) {
		if !wanted(op) {
			continue
		}
		if !p.Add(string(id)) {
			break
		}
		out.Operations = append(out.Operations, OperationSummary{Id: string(id), Status: OperationStatus(op.Status())})
	}
	out.NextToken = p.Next
	return out, nil
}
