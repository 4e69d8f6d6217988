package cloudmap

import (
	"context"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// fakeAPI is the API with the given handlers.
func fakeAPI(h handlers) *service.API {
	api, err := service.New(service.Definition{Name: apiName, Protocol: awsjson.V11, Operations: operations(h), Policies: policies})
	if err != nil {
		panic(err) // the tables do not fit together
	}
	return api
}

// dispatch serves an operation without a front door: its error is that of the codec
// or of the handler.
func dispatch(h handlers, name string, strict bool, body, out []byte) ([]byte, error) {
	c := &service.Call{Operation: fakeAPI(h).Operation(name)}
	w := wire.Response{Body: out}
	err := c.Serve(context.Background(), &wire.Request{Body: body, Strict: strict}, &w)
	return w.Body, err
}

// fakeHandlers accepts everything: it notes the input and answers with err, or
// else with an empty output.
type fakeHandlers struct {
	got any // the latest input
	err error
}

func (f *fakeHandlers) CreateHttpNamespace(_ context.Context, _ *service.Call, in *CreateHttpNamespaceRequest) (*CreateHttpNamespaceResponse, error) {
	return answer[CreateHttpNamespaceResponse](f, in)
}

func (f *fakeHandlers) CreatePrivateDnsNamespace(_ context.Context, _ *service.Call, in *CreatePrivateDnsNamespaceRequest) (*CreatePrivateDnsNamespaceResponse, error) {
	return answer[CreatePrivateDnsNamespaceResponse](f, in)
}

func (f *fakeHandlers) CreatePublicDnsNamespace(_ context.Context, _ *service.Call, in *CreatePublicDnsNamespaceRequest) (*CreatePublicDnsNamespaceResponse, error) {
	return answer[CreatePublicDnsNamespaceResponse](f, in)
}

func (f *fakeHandlers) CreateService(_ context.Context, _ *service.Call, in *CreateServiceRequest) (*CreateServiceResponse, error) {
	return answer[CreateServiceResponse](f, in)
}

func (f *fakeHandlers) DeleteNamespace(_ context.Context, _ *service.Call, in *DeleteNamespaceRequest) (*DeleteNamespaceResponse, error) {
	return answer[DeleteNamespaceResponse](f, in)
}

func (f *fakeHandlers) DeleteService(_ context.Context, _ *service.Call, in *DeleteServiceRequest) (*DeleteServiceResponse, error) {
	return answer[DeleteServiceResponse](f, in)
}

func (f *fakeHandlers) DeleteServiceAttributes(_ context.Context, _ *service.Call, in *DeleteServiceAttributesRequest) (*DeleteServiceAttributesResponse, error) {
	return answer[DeleteServiceAttributesResponse](f, in)
}

func (f *fakeHandlers) DeregisterInstance(_ context.Context, _ *service.Call, in *DeregisterInstanceRequest) (*DeregisterInstanceResponse, error) {
	return answer[DeregisterInstanceResponse](f, in)
}

func (f *fakeHandlers) DiscoverInstances(_ context.Context, _ *service.Call, in *DiscoverInstancesRequest, out []byte) ([]byte, error) {
	f.got = in
	return append(out, "{}"...), f.err
}

func (f *fakeHandlers) DiscoverInstancesRevision(_ context.Context, _ *service.Call, in *DiscoverInstancesRevisionRequest, out []byte) ([]byte, error) {
	f.got = in
	return append(out, "{}"...), f.err
}

func (f *fakeHandlers) GetInstance(_ context.Context, _ *service.Call, in *GetInstanceRequest) (*GetInstanceResponse, error) {
	return answer[GetInstanceResponse](f, in)
}

func (f *fakeHandlers) GetInstancesHealthStatus(_ context.Context, _ *service.Call, in *GetInstancesHealthStatusRequest) (*GetInstancesHealthStatusResponse, error) {
	return answer[GetInstancesHealthStatusResponse](f, in)
}

func (f *fakeHandlers) GetNamespace(_ context.Context, _ *service.Call, in *GetNamespaceRequest) (*GetNamespaceResponse, error) {
	return answer[GetNamespaceResponse](f, in)
}

func (f *fakeHandlers) GetOperation(_ context.Context, _ *service.Call, in *GetOperationRequest) (*GetOperationResponse, error) {
	return answer[GetOperationResponse](f, in)
}

func (f *fakeHandlers) GetService(_ context.Context, _ *service.Call, in *GetServiceRequest) (*GetServiceResponse, error) {
	return answer[GetServiceResponse](f, in)
}

func (f *fakeHandlers) GetServiceAttributes(_ context.Context, _ *service.Call, in *GetServiceAttributesRequest) (*GetServiceAttributesResponse, error) {
	return answer[GetServiceAttributesResponse](f, in)
}

func (f *fakeHandlers) ListInstances(_ context.Context, _ *service.Call, in *ListInstancesRequest) (*ListInstancesResponse, error) {
	return answer[ListInstancesResponse](f, in)
}

func (f *fakeHandlers) ListNamespaces(_ context.Context, _ *service.Call, in *ListNamespacesRequest) (*ListNamespacesResponse, error) {
	return answer[ListNamespacesResponse](f, in)
}

func (f *fakeHandlers) ListOperations(_ context.Context, _ *service.Call, in *ListOperationsRequest) (*ListOperationsResponse, error) {
	return answer[ListOperationsResponse](f, in)
}

func (f *fakeHandlers) ListServices(_ context.Context, _ *service.Call, in *ListServicesRequest) (*ListServicesResponse, error) {
	return answer[ListServicesResponse](f, in)
}

func (f *fakeHandlers) ListTagsForResource(_ context.Context, _ *service.Call, in *ListTagsForResourceRequest) (*ListTagsForResourceResponse, error) {
	return answer[ListTagsForResourceResponse](f, in)
}

func (f *fakeHandlers) RegisterInstance(_ context.Context, _ *service.Call, in *RegisterInstanceRequest) (*RegisterInstanceResponse, error) {
	return answer[RegisterInstanceResponse](f, in)
}

func (f *fakeHandlers) TagResource(_ context.Context, _ *service.Call, in *TagResourceRequest) (*TagResourceResponse, error) {
	return answer[TagResourceResponse](f, in)
}

func (f *fakeHandlers) UntagResource(_ context.Context, _ *service.Call, in *UntagResourceRequest) (*UntagResourceResponse, error) {
	return answer[UntagResourceResponse](f, in)
}

func (f *fakeHandlers) UpdateHttpNamespace(_ context.Context, _ *service.Call, in *UpdateHttpNamespaceRequest) (*UpdateHttpNamespaceResponse, error) {
	return answer[UpdateHttpNamespaceResponse](f, in)
}

func (f *fakeHandlers) UpdateInstanceCustomHealthStatus(_ context.Context, _ *service.Call, in *UpdateInstanceCustomHealthStatusRequest) error {
	f.got = in
	return f.err
}

func (f *fakeHandlers) UpdatePrivateDnsNamespace(_ context.Context, _ *service.Call, in *UpdatePrivateDnsNamespaceRequest) (*UpdatePrivateDnsNamespaceResponse, error) {
	return answer[UpdatePrivateDnsNamespaceResponse](f, in)
}

func (f *fakeHandlers) UpdatePublicDnsNamespace(_ context.Context, _ *service.Call, in *UpdatePublicDnsNamespaceRequest) (*UpdatePublicDnsNamespaceResponse, error) {
	return answer[UpdatePublicDnsNamespaceResponse](f, in)
}

func (f *fakeHandlers) UpdateService(_ context.Context, _ *service.Call, in *UpdateServiceRequest) (*UpdateServiceResponse, error) {
	return answer[UpdateServiceResponse](f, in)
}

func (f *fakeHandlers) UpdateServiceAttributes(_ context.Context, _ *service.Call, in *UpdateServiceAttributesRequest) (*UpdateServiceAttributesResponse, error) {
	return answer[UpdateServiceAttributesResponse](f, in)
}

func answer[Output any](f *fakeHandlers, in any) (*Output, error) {
	f.got = in
	if f.err != nil {
		return nil, f.err
	}
	return new(Output), nil
}
