package appmesh

import (
	"context"

	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// CreateVirtualNode creates a virtual node.
func (a *api) CreateVirtualNode(ctx context.Context, c *service.Call, in *CreateVirtualNodeInput) (*CreateVirtualNodeOutput, error) {
	r, err := create(ctx, c, nodeRef(c, in.MeshOwner, in.MeshName, in.VirtualNodeName), in.Spec, in.Tags, in.ClientToken)
	return &CreateVirtualNodeOutput{VirtualNode: virtualNodeData(c, r, VirtualNodeStatusCodeActive)}, err
}

// DescribeVirtualNode describes a virtual node.
func (a *api) DescribeVirtualNode(_ context.Context, c *service.Call, in *DescribeVirtualNodeInput) (*DescribeVirtualNodeOutput, error) {
	r, err := find(c, nodeRef(c, in.MeshOwner, in.MeshName, in.VirtualNodeName))
	return &DescribeVirtualNodeOutput{VirtualNode: virtualNodeData(c, r, VirtualNodeStatusCodeActive)}, err
}

// UpdateVirtualNode replaces the spec of a virtual node.
func (a *api) UpdateVirtualNode(ctx context.Context, c *service.Call, in *UpdateVirtualNodeInput) (*UpdateVirtualNodeOutput, error) {
	r, err := update(ctx, c, nodeRef(c, in.MeshOwner, in.MeshName, in.VirtualNodeName), in.Spec, in.ClientToken)
	return &UpdateVirtualNodeOutput{VirtualNode: virtualNodeData(c, r, VirtualNodeStatusCodeActive)}, err
}

// DeleteVirtualNode deletes a virtual node, and answers with what it was.
func (a *api) DeleteVirtualNode(ctx context.Context, c *service.Call, in *DeleteVirtualNodeInput) (*DeleteVirtualNodeOutput, error) {
	r, err := remove(ctx, c, nodeRef(c, in.MeshOwner, in.MeshName, in.VirtualNodeName))
	return &DeleteVirtualNodeOutput{VirtualNode: virtualNodeData(c, r, VirtualNodeStatusCodeDeleted)}, err
}

// ListVirtualNodes lists the virtual nodes of a mesh.
func (a *api) ListVirtualNodes(_ context.Context, c *service.Call, in *ListVirtualNodesInput) (*ListVirtualNodesOutput, error) {
	p, all, err := list(c, meshRef(c, in.MeshOwner, in.MeshName), mesh.KindVirtualNode, in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListVirtualNodesOutput{VirtualNodes: []VirtualNodeRef{}}
	for r := range all {
		if !p.Add(r.Ref.Name) {
			break
		}
		m := metadata(c, r)
		out.VirtualNodes = append(out.VirtualNodes, VirtualNodeRef{
			MeshName: r.Ref.Mesh, VirtualNodeName: r.Ref.Name, Arn: m.Arn, Version: m.Version,
			CreatedAt: m.CreatedAt, LastUpdatedAt: m.LastUpdatedAt, MeshOwner: m.MeshOwner, ResourceOwner: m.ResourceOwner,
		})
	}
	out.NextToken = p.Next
	return out, nil
}

// virtualNodeData describes a virtual node. Nil: there was an error.
func virtualNodeData(c *service.Call, r *mesh.Resource, status VirtualNodeStatusCode) *VirtualNodeData {
	if r == nil {
		return nil
	}
	return &VirtualNodeData{
		MeshName: r.Ref.Mesh, VirtualNodeName: r.Ref.Name, Metadata: metadata(c, r),
		Spec: specShape[VirtualNodeSpec](r.Spec), Status: &VirtualNodeStatus{Status: status},
	}
}
