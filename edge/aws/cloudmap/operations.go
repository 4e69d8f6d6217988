package cloudmap

import (
	"github.com/cairn-discovery/cairn/core/registry"
)

// GetOperation describes an operation.
func (a *API) GetOperation(c *call, in *GetOperationRequest) (*GetOperationResponse, error) {
	c.target = *in.OperationId
	id := registry.OperationID(*in.OperationId)
	op, err := a.state().Registry.FindOperation(c.rules, c.account, c.owner(in.OwnerAccount), id)
	if err != nil {
		return nil, err
	}
	targets := map[OperationTargetType]string{}
	for kind, target := range op.Targets() {
		targets[OperationTargetType(kind)] = target
	}
	return &GetOperationResponse{Operation: &Operation{
		CreateDate: op.Date, UpdateDate: op.Date, ErrorCode: op.ErrorCode, ErrorMessage: op.ErrorMessage,
		Id: string(op.ID), OwnerAccount: string(op.OwnerAccount()), Status: OperationStatus(op.Status()),
		Targets: targets, Type: OperationType(op.Type),
	}}, nil
}

// ListOperations lists the operations that all filters let through, newest
// first.
func (a *API) ListOperations(c *call, in *ListOperationsRequest) (*ListOperationsResponse, error) {
	wanted, err := operationFilter(c, in.Filters)
	if err != nil {
		return nil, err
	}
	p, err := newPage(c, "ListOperations", in.Filters, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListOperationsResponse{Operations: []OperationSummary{}}
	for id, op := range a.state().Registry.Operations(c.rules, c.account, registry.OperationID(p.after)) {
		if !wanted(op) {
			continue
		}
		if !p.take(string(id)) {
			break
		}
		out.Operations = append(out.Operations, OperationSummary{Id: string(id), Status: OperationStatus(op.Status())})
	}
	out.NextToken = p.next
	return out, nil
}
