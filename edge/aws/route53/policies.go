package route53

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// Condition keys. Each can have several values.
const (
	keyRecordNames = apiName + ":ChangeResourceRecordSetsNormalizedRecordNames"
	keyRecordTypes = apiName + ":ChangeResourceRecordSetsRecordTypes"
	keyActions     = apiName + ":ChangeResourceRecordSetsActions"
	keyVPCs        = apiName + ":VPCs"
)

var (
	changeKeys = []string{keyRecordNames, keyRecordTypes, keyActions}
	vpcKeys    = []string{keyVPCs}
	keys       = append(slices.Clone(changeKeys), vpcKeys...)
)

// policies are as in "Actions, resources, and condition keys for Amazon Route 53"
// in the Service Authorization Reference. It is never changed.
var policies = map[string]service.Policy{
	"ActivateKeySigningKey":      {Access: access.Write, Describe: on(func(in *ActivateKeySigningKeyRequest) (string, *string) { return "hostedzone", in.HostedZoneId })},
	"AssociateVPCWithHostedZone": {Access: access.Write, Keys: vpcKeys, Describe: onVPC(func(in *AssociateVPCWithHostedZoneRequest) (*string, *VPC) { return in.HostedZoneId, in.VPC })},
	"ChangeResourceRecordSets":   {Access: access.Write, Keys: changeKeys, Describe: service.Describe(describeChange)},
	"ChangeTagsForResource": {Access: access.Tagging, Describe: on(func(in *ChangeTagsForResourceRequest) (string, *string) {
		return string(*in.ResourceType), in.ResourceId
	})},
	"CreateHealthCheck":   {Access: access.Write},
	"CreateHostedZone":    {Access: access.Write, Keys: vpcKeys},
	"CreateKeySigningKey": {Access: access.Write, Describe: on(func(in *CreateKeySigningKeyRequest) (string, *string) { return "hostedzone", in.HostedZoneId })},
	"CreateVPCAssociationAuthorization": {Access: access.Write, Keys: vpcKeys, Describe: on(func(in *CreateVPCAssociationAuthorizationRequest) (string, *string) {
		return "hostedzone", in.HostedZoneId
	})},
	"DeactivateKeySigningKey": {Access: access.Write, Describe: on(func(in *DeactivateKeySigningKeyRequest) (string, *string) { return "hostedzone", in.HostedZoneId })},
	"DeleteHealthCheck":       {Access: access.Write, Describe: on(func(in *DeleteHealthCheckRequest) (string, *string) { return "healthcheck", in.HealthCheckId })},
	"DeleteHostedZone":        {Access: access.Write, Describe: on(func(in *DeleteHostedZoneRequest) (string, *string) { return "hostedzone", in.Id })},
	"DeleteKeySigningKey":     {Access: access.Write, Describe: on(func(in *DeleteKeySigningKeyRequest) (string, *string) { return "hostedzone", in.HostedZoneId })},
	"DeleteVPCAssociationAuthorization": {Access: access.Write, Keys: vpcKeys, Describe: on(func(in *DeleteVPCAssociationAuthorizationRequest) (string, *string) {
		return "hostedzone", in.HostedZoneId
	})},
	"DisableHostedZoneDNSSEC":       {Access: access.Write, Describe: on(func(in *DisableHostedZoneDNSSECRequest) (string, *string) { return "hostedzone", in.HostedZoneId })},
	"DisassociateVPCFromHostedZone": {Access: access.Write, Keys: vpcKeys, Describe: onVPC(func(in *DisassociateVPCFromHostedZoneRequest) (*string, *VPC) { return in.HostedZoneId, in.VPC })},
	"EnableHostedZoneDNSSEC":        {Access: access.Write, Describe: on(func(in *EnableHostedZoneDNSSECRequest) (string, *string) { return "hostedzone", in.HostedZoneId })},
	"GetAccountLimit":               {Access: access.Read},
	"GetChange":                     {Access: access.Read, Describe: on(func(in *GetChangeRequest) (string, *string) { return "change", in.Id })},
	"GetCheckerIpRanges":            {Access: access.List},
	"GetDNSSEC":                     {Access: access.Read, Describe: on(func(in *GetDNSSECRequest) (string, *string) { return "hostedzone", in.HostedZoneId })},
	"GetGeoLocation":                {Access: access.List},
	"GetHealthCheck":                {Access: access.Read, Describe: on(func(in *GetHealthCheckRequest) (string, *string) { return "healthcheck", in.HealthCheckId })},
	"GetHealthCheckCount":           {Access: access.List},
	"GetHealthCheckLastFailureReason": {Access: access.Read, Describe: on(func(in *GetHealthCheckLastFailureReasonRequest) (string, *string) {
		return "healthcheck", in.HealthCheckId
	})},
	"GetHealthCheckStatus":   {Access: access.Read, Describe: on(func(in *GetHealthCheckStatusRequest) (string, *string) { return "healthcheck", in.HealthCheckId })},
	"GetHostedZone":          {Access: access.Read, Describe: on(func(in *GetHostedZoneRequest) (string, *string) { return "hostedzone", in.Id })},
	"GetHostedZoneCount":     {Access: access.List},
	"GetHostedZoneLimit":     {Access: access.Read, Describe: on(func(in *GetHostedZoneLimitRequest) (string, *string) { return "hostedzone", in.HostedZoneId })},
	"ListGeoLocations":       {Access: access.List},
	"ListHealthChecks":       {Access: access.List},
	"ListHostedZones":        {Access: access.List},
	"ListHostedZonesByName":  {Access: access.List},
	"ListHostedZonesByVPC":   {Access: access.List, Keys: vpcKeys, Describe: service.Describe(describeListByVPC)},
	"ListResourceRecordSets": {Access: access.List, Describe: on(func(in *ListResourceRecordSetsRequest) (string, *string) { return "hostedzone", in.HostedZoneId })},
	"ListTagsForResource":    {Access: access.Read, Describe: on(func(in *ListTagsForResourceRequest) (string, *string) { return string(*in.ResourceType), in.ResourceId })},
	"ListTagsForResources":   {Access: access.Read, Describe: service.Describe(describeListTags)},
	"ListVPCAssociationAuthorizations": {Access: access.List, Describe: on(func(in *ListVPCAssociationAuthorizationsRequest) (string, *string) {
		return "hostedzone", in.HostedZoneId
	})},
	"TestDNSAnswer":           {Access: access.Read, Describe: on(func(in *TestDNSAnswerRequest) (string, *string) { return "hostedzone", in.HostedZoneId })},
	"UpdateHealthCheck":       {Access: access.Write, Describe: on(func(in *UpdateHealthCheckRequest) (string, *string) { return "healthcheck", in.HealthCheckId })},
	"UpdateHostedZoneComment": {Access: access.Write, Describe: on(func(in *UpdateHostedZoneCommentRequest) (string, *string) { return "hostedzone", in.Id })},
}
