package appmesh

import (
	"context"

	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// CreateMesh creates a mesh.
func (a *api) CreateMesh(ctx context.Context, c *service.Call, in *CreateMeshInput) (*CreateMeshOutput, error) {
	r, err := create(ctx, c, meshRef(c, nil, in.MeshName), in.Spec, in.Tags, in.ClientToken)
	return &CreateMeshOutput{Mesh: meshData(c, r, MeshStatusCodeActive)}, err
}

// DescribeMesh describes a mesh.
func (a *api) DescribeMesh(_ context.Context, c *service.Call, in *DescribeMeshInput) (*DescribeMeshOutput, error) {
	r, err := find(c, meshRef(c, in.MeshOwner, in.MeshName))
	return &DescribeMeshOutput{Mesh: meshData(c, r, MeshStatusCodeActive)}, err
}

// UpdateMesh replaces the spec of a mesh, if there is one in the request.
func (a *api) UpdateMesh(ctx context.Context, c *service.Call, in *UpdateMeshInput) (*UpdateMeshOutput, error) {
	var spec any
	if in.Spec != nil {
		spec = in.Spec
	}
	r, err := update(ctx, c, meshRef(c, nil, in.MeshName), spec, in.ClientToken)
	return &UpdateMeshOutput{Mesh: meshData(c, r, MeshStatusCodeActive)}, err
}

// DeleteMesh deletes a mesh, and answers with what it was.
func (a *api) DeleteMesh(ctx context.Context, c *service.Call, in *DeleteMeshInput) (*DeleteMeshOutput, error) {
	r, err := remove(ctx, c, meshRef(c, nil, in.MeshName))
	return &DeleteMeshOutput{Mesh: meshData(c, r, MeshStatusCodeDeleted)}, err
}

// ListMeshes lists the meshes that the caller may see, its own and shared ones.
func (a *api) ListMeshes(_ context.Context, c *service.Call, in *ListMeshesInput) (*ListMeshesOutput, error) {
	p, err := c.NewPage(nil, pageSize(in.Limit), in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListMeshesOutput{Meshes: []MeshRef{}}
	for _, r := range c.State.Mesh.VisibleMeshes(&c.Rules.Mesh, c.Account, p.After) {
		if !p.Add(r.Ref.ID()) {
			break
		}
		m := metadata(c, r)
		out.Meshes = append(out.Meshes, MeshRef{
			MeshName: r.Ref.Mesh, Arn: m.Arn, Version: m.Version,
			CreatedAt: m.CreatedAt, LastUpdatedAt: m.LastUpdatedAt, MeshOwner: m.MeshOwner, ResourceOwner: m.ResourceOwner,
		})
	}
	out.NextToken = p.Next
	return out, nil
}

// meshData describes a mesh. Nil: there was an error.
func meshData(c *service.Call, r *mesh.Resource, status MeshStatusCode) *MeshData {
	if r == nil {
		return nil
	}
	return &MeshData{
		MeshName: r.Ref.Mesh, Metadata: metadata(c, r),
		Spec: specShape[MeshSpec](r.Spec), Status: &MeshStatus{Status: status},
	}
}
