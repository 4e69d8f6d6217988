package cloudmap

// fakeHandlers accepts everything: it notes the input and answers with err, or
// else with an empty output.
type fakeHandlers struct {
	got any // the latest input
	err error
}

func (f *fakeHandlers) CreateHttpNamespace(_ *call, in *CreateHttpNamespaceRequest) (*CreateHttpNamespaceResponse, error) {
	return answer[CreateHttpNamespaceResponse](f, in)
}

func (f *fakeHandlers) CreatePrivateDnsNamespace(_ *call, in *CreatePrivateDnsNamespaceRequest) (*CreatePrivateDnsNamespaceResponse, error) {
	return answer[CreatePrivateDnsNamespaceResponse](f, in)
}

func (f *fakeHandlers) CreatePublicDnsNamespace(_ *call, in *CreatePublicDnsNamespaceRequest) (*CreatePublicDnsNamespaceResponse, error) {
	return answer[CreatePublicDnsNamespaceResponse](f, in)
}

func (f *fakeHandlers) CreateService(_ *call, in *CreateServiceRequest) (*CreateServiceResponse, error) {
	return answer[CreateServiceResponse](f, in)
}

func (f *fakeHandlers) DeleteNamespace(_ *call, in *DeleteNamespaceRequest) (*DeleteNamespaceResponse, error) {
	return answer[DeleteNamespaceResponse](f, in)
}

func (f *fakeHandlers) DeleteService(_ *call, in *DeleteServiceRequest) (*DeleteServiceResponse, error) {
	return answer[DeleteServiceResponse](f, in)
}

func (f *fakeHandlers) DeleteServiceAttributes(_ *call, in *DeleteServiceAttributesRequest) (*DeleteServiceAttributesResponse, error) {
	return answer[DeleteServiceAttributesResponse](f, in)
}

func (f *fakeHandlers) DeregisterInstance(_ *call, in *DeregisterInstanceRequest) (*DeregisterInstanceResponse, error) {
	return answer[DeregisterInstanceResponse](f, in)
}

func (f *fakeHandlers) DiscoverInstances(_ *call, in *DiscoverInstancesRequest, out []byte) ([]byte, error) {
	f.got = in
	return append(out, "{}"...), f.err
}

func (f *fakeHandlers) DiscoverInstancesRevision(_ *call, in *DiscoverInstancesRevisionRequest, out []byte) ([]byte, error) {
	f.got = in
	return append(out, "{}"...), f.err
}

func (f *fakeHandlers) GetInstance(_ *call, in *GetInstanceRequest) (*GetInstanceResponse, error) {
	return answer[GetInstanceResponse](f, in)
}

func (f *fakeHandlers) GetInstancesHealthStatus(_ *call, in *GetInstancesHealthStatusRequest) (*GetInstancesHealthStatusResponse, error) {
	return answer[GetInstancesHealthStatusResponse](f, in)
}

func (f *fakeHandlers) GetNamespace(_ *call, in *GetNamespaceRequest) (*GetNamespaceResponse, error) {
	return answer[GetNamespaceResponse](f, in)
}

func (f *fakeHandlers) GetOperation(_ *call, in *GetOperationRequest) (*GetOperationResponse, error) {
	return answer[GetOperationResponse](f, in)
}

func (f *fakeHandlers) GetService(_ *call, in *GetServiceRequest) (*GetServiceResponse, error) {
	return answer[GetServiceResponse](f, in)
}

func (f *fakeHandlers) GetServiceAttributes(_ *call, in *GetServiceAttributesRequest) (*GetServiceAttributesResponse, error) {
	return answer[GetServiceAttributesResponse](f, in)
}

func (f *fakeHandlers) ListInstances(_ *call, in *ListInstancesRequest) (*ListInstancesResponse, error) {
	return answer[ListInstancesResponse](f, in)
}

func (f *fakeHandlers) ListNamespaces(_ *call, in *ListNamespacesRequest) (*ListNamespacesResponse, error) {
	return answer[ListNamespacesResponse](f, in)
}

func (f *fakeHandlers) ListOperations(_ *call, in *ListOperationsRequest) (*ListOperationsResponse, error) {
	return answer[ListOperationsResponse](f, in)
}

func (f *fakeHandlers) ListServices(_ *call, in *ListServicesRequest) (*ListServicesResponse, error) {
	return answer[ListServicesResponse](f, in)
}

func (f *fakeHandlers) ListTagsForResource(_ *call, in *ListTagsForResourceRequest) (*ListTagsForResourceResponse, error) {
	return answer[ListTagsForResourceResponse](f, in)
}

func (f *fakeHandlers) RegisterInstance(_ *call, in *RegisterInstanceRequest) (*RegisterInstanceResponse, error) {
	return answer[RegisterInstanceResponse](f, in)
}

func (f *fakeHandlers) TagResource(_ *call, in *TagResourceRequest) (*TagResourceResponse, error) {
	return answer[TagResourceResponse](f, in)
}

func (f *fakeHandlers) UntagResource(_ *call, in *UntagResourceRequest) (*UntagResourceResponse, error) {
	return answer[UntagResourceResponse](f, in)
}

func (f *fakeHandlers) UpdateHttpNamespace(_ *call, in *UpdateHttpNamespaceRequest) (*UpdateHttpNamespaceResponse, error) {
	return answer[UpdateHttpNamespaceResponse](f, in)
}

func (f *fakeHandlers) UpdateInstanceCustomHealthStatus(_ *call, in *UpdateInstanceCustomHealthStatusRequest) error {
	f.got = in
	return f.err
}

func (f *fakeHandlers) UpdatePrivateDnsNamespace(_ *call, in *UpdatePrivateDnsNamespaceRequest) (*UpdatePrivateDnsNamespaceResponse, error) {
	return answer[UpdatePrivateDnsNamespaceResponse](f, in)
}

func (f *fakeHandlers) UpdatePublicDnsNamespace(_ *call, in *UpdatePublicDnsNamespaceRequest) (*UpdatePublicDnsNamespaceResponse, error) {
	return answer[UpdatePublicDnsNamespaceResponse](f, in)
}

func (f *fakeHandlers) UpdateService(_ *call, in *UpdateServiceRequest) (*UpdateServiceResponse, error) {
	return answer[UpdateServiceResponse](f, in)
}

func (f *fakeHandlers) UpdateServiceAttributes(_ *call, in *UpdateServiceAttributesRequest) (*UpdateServiceAttributesResponse, error) {
	return answer[UpdateServiceAttributesResponse](f, in)
}

func answer[Output any](f *fakeHandlers, in any) (*Output, error) {
	f.got = in
	if f.err != nil {
		return nil, f.err
	}
	return new(Output), nil
}
