package ecs

import (
	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// Condition keys.
const (
	keyCluster    = Name + ":cluster"
	keyRequestTag = "aws:RequestTag"
	keyTagKeys    = "aws:TagKeys"
)

// keys are all condition keys of the API, whether an operation that is implemented
// has them or not.
var keys = []string{
	keyCluster, Name + ":service", Name + ":task-definition", Name + ":container-instances", Name + ":namespace", Name + ":CreateAction", Name + ":ResourceTag/",
}

// policies are as in "Actions, resources, and condition keys for Amazon Elastic
// Container Service" in the Service Authorization Reference. It is never changed.
var policies = map[string]service.Policy{
	"CreateCluster":         {Access: access.Write, Keys: []string{keyRequestTag, keyTagKeys}},
	"CreateService":         {Access: access.Write, Keys: []string{keyCluster, keyRequestTag, keyTagKeys}, Describe: onServices(func(in *CreateServiceRequest) (*string, []string) { return in.Cluster, []string{*in.ServiceName} })},
	"DeleteAccountSetting":  {Access: access.Write},
	"DeleteAttributes":      {Access: access.Write, Describe: onCluster(func(in *DeleteAttributesRequest) *string { return in.Cluster })},
	"DeleteCluster":         {Access: access.Write, Describe: onCluster(func(in *DeleteClusterRequest) *string { return in.Cluster })},
	"DeleteService":         {Access: access.Write, Keys: []string{keyCluster}, Describe: onServices(func(in *DeleteServiceRequest) (*string, []string) { return in.Cluster, []string{*in.Service} })},
	"DeleteTaskDefinitions": {Access: access.Write, Describe: onTaskDefinitions(func(in *DeleteTaskDefinitionsRequest) (*string, []string) { return nil, in.TaskDefinitions })},
	"DeregisterContainerInstance": {Access: access.Write, Keys: []string{keyCluster}, Describe: onInstances(func(in *DeregisterContainerInstanceRequest) (*string, []string) {
		return in.Cluster, []string{*in.ContainerInstance}
	})},
	"DeregisterTaskDefinition": {Access: access.Write, Describe: onTaskDefinitions(func(in *DeregisterTaskDefinitionRequest) (*string, []string) {
		return nil, []string{*in.TaskDefinition}
	})},
	"DescribeCapacityProviders": {Access: access.Read},
	"DescribeClusters":          {Access: access.Read, Describe: onClusters(func(in *DescribeClustersRequest) []string { return in.Clusters })},
	"DescribeContainerInstances": {Access: access.Read, Keys: []string{keyCluster}, Describe: onInstances(func(in *DescribeContainerInstancesRequest) (*string, []string) {
		return in.Cluster, in.ContainerInstances
	})},
	"DescribeServiceDeployments":   {Access: access.Read, Describe: onARNs(func(in *DescribeServiceDeploymentsRequest) []string { return in.ServiceDeploymentArns })},
	"DescribeServiceRevisions":     {Access: access.Read, Describe: onARNs(func(in *DescribeServiceRevisionsRequest) []string { return in.ServiceRevisionArns })},
	"DescribeServices":             {Access: access.Read, Keys: []string{keyCluster}, Describe: onServices(func(in *DescribeServicesRequest) (*string, []string) { return in.Cluster, in.Services })},
	"DescribeTaskDefinition":       {Access: access.Read, Describe: onTaskDefinitions(func(in *DescribeTaskDefinitionRequest) (*string, []string) { return nil, []string{*in.TaskDefinition} })},
	"DescribeTasks":                {Access: access.Read, Keys: []string{keyCluster}, Describe: onTasks(func(in *DescribeTasksRequest) (*string, []string) { return in.Cluster, in.Tasks })},
	"DiscoverPollEndpoint":         {Access: access.Write},
	"GetTaskProtection":            {Access: access.Read, Keys: []string{keyCluster}, Describe: onTasks(func(in *GetTaskProtectionRequest) (*string, []string) { return in.Cluster, in.Tasks })},
	"ListAccountSettings":          {Access: access.Read},
	"ListAttributes":               {Access: access.List, Describe: onCluster(func(in *ListAttributesRequest) *string { return in.Cluster })},
	"ListClusters":                 {Access: access.List},
	"ListContainerInstances":       {Access: access.List, Describe: onCluster(func(in *ListContainerInstancesRequest) *string { return in.Cluster })},
	"ListServiceDeployments":       {Access: access.List, Keys: []string{keyCluster}, Describe: onServices(func(in *ListServiceDeploymentsRequest) (*string, []string) { return in.Cluster, []string{*in.Service} })},
	"ListServices":                 {Access: access.List, Describe: onCluster(func(in *ListServicesRequest) *string { return in.Cluster })},
	"ListServicesByNamespace":      {Access: access.List},
	"ListTagsForResource":          {Access: access.Read, Describe: onARN(func(in *ListTagsForResourceRequest) string { return *in.ResourceArn })},
	"ListTaskDefinitionFamilies":   {Access: access.List},
	"ListTaskDefinitions":          {Access: access.List},
	"ListTasks":                    {Access: access.List, Describe: onCluster(func(in *ListTasksRequest) *string { return in.Cluster })},
	"PutAccountSetting":            {Access: access.Write},
	"PutAccountSettingDefault":     {Access: access.Write},
	"PutAttributes":                {Access: access.Write, Describe: onCluster(func(in *PutAttributesRequest) *string { return in.Cluster })},
	"PutClusterCapacityProviders":  {Access: access.Write, Describe: onCluster(func(in *PutClusterCapacityProvidersRequest) *string { return in.Cluster })},
	"RegisterContainerInstance":    {Access: access.Write, Keys: []string{keyRequestTag, keyTagKeys}, Describe: onCluster(func(in *RegisterContainerInstanceRequest) *string { return in.Cluster })},
	"RegisterTaskDefinition":       {Access: access.Write, Keys: []string{keyRequestTag, keyTagKeys}},
	"RunTask":                      {Access: access.Write, Keys: []string{keyCluster, keyRequestTag, keyTagKeys}, Describe: onTaskDefinitions(func(in *RunTaskRequest) (*string, []string) { return in.Cluster, []string{*in.TaskDefinition} })},
	"StartTask":                    {Access: access.Write, Keys: []string{keyCluster, keyRequestTag, keyTagKeys}, Describe: onTaskDefinitions(func(in *StartTaskRequest) (*string, []string) { return in.Cluster, []string{*in.TaskDefinition} })},
	"StopServiceDeployment":        {Access: access.Write, Describe: onARNs(func(in *StopServiceDeploymentRequest) []string { return []string{*in.ServiceDeploymentArn} })},
	"StopTask":                     {Access: access.Write, Keys: []string{keyCluster}, Describe: onTasks(func(in *StopTaskRequest) (*string, []string) { return in.Cluster, []string{*in.Task} })},
	"SubmitAttachmentStateChanges": {Access: access.Write, Describe: onCluster(func(in *SubmitAttachmentStateChangesRequest) *string { return in.Cluster })},
	"SubmitContainerStateChange":   {Access: access.Write, Describe: onCluster(func(in *SubmitContainerStateChangeRequest) *string { return in.Cluster })},
	"SubmitTaskStateChange":        {Access: access.Write, Describe: onCluster(func(in *SubmitTaskStateChangeRequest) *string { return in.Cluster })},
	"TagResource":                  {Access: access.Tagging, Keys: []string{keyRequestTag, keyTagKeys}, Describe: onARN(func(in *TagResourceRequest) string { return *in.ResourceArn })},
	"UntagResource":                {Access: access.Tagging, Keys: []string{keyTagKeys}, Describe: onARN(func(in *UntagResourceRequest) string { return *in.ResourceArn })},
	"UpdateCluster":                {Access: access.Write, Describe: onCluster(func(in *UpdateClusterRequest) *string { return in.Cluster })},
	"UpdateClusterSettings":        {Access: access.Write, Describe: onCluster(func(in *UpdateClusterSettingsRequest) *string { return in.Cluster })},
	"UpdateContainerAgent": {Access: access.Write, Keys: []string{keyCluster}, Describe: onInstances(func(in *UpdateContainerAgentRequest) (*string, []string) {
		return in.Cluster, []string{*in.ContainerInstance}
	})},
	"UpdateContainerInstancesState": {Access: access.Write, Keys: []string{keyCluster}, Describe: onInstances(func(in *UpdateContainerInstancesStateRequest) (*string, []string) {
		return in.Cluster, in.ContainerInstances
	})},
	"UpdateService":        {Access: access.Write, Keys: []string{keyCluster}, Describe: onServices(func(in *UpdateServiceRequest) (*string, []string) { return in.Cluster, []string{*in.Service} })},
	"UpdateTaskProtection": {Access: access.Write, Keys: []string{keyCluster}, Describe: onTasks(func(in *UpdateTaskProtectionRequest) (*string, []string) { return in.Cluster, in.Tasks })},
}
