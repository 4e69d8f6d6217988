package ecs

import (
	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// Condition keys.
const (
	keyAccountSetting    = name + ":account-setting"
	keyAssignPublicIP    = name + ":auto-assign-public-ip"
	keyCapacityProvider  = name + ":capacity-provider"
	keyCluster           = name + ":cluster"
	keyCompatibility     = name + ":compute-compatibility"
	keyInstances         = name + ":container-instances"
	keyCreateAction      = name + ":CreateAction"
	keyEBSVolumes        = name + ":enable-ebs-volumes"
	keyManagedTags       = name + ":enable-ecs-managed-tags"
	keyExecuteCommand    = name + ":enable-execute-command"
	keyServiceConnect    = name + ":enable-service-connect"
	keyVPCLattice        = name + ":enable-vpc-lattice"
	keyEphemeralKey      = name + ":fargate-ephemeral-storage-kms-key"
	keyNamespace         = name + ":namespace"
	keyPrivileged        = name + ":privileged"
	keyPropagateTags     = name + ":propagate-tags"
	keyResourceTag       = name + ":ResourceTag/"
	keyService           = name + ":service"
	keySubnet            = name + ":subnet"
	keyTaskCPU           = name + ":task-cpu"
	keyTaskDefinition    = name + ":task-definition"
	keyTaskMemory        = name + ":task-memory"
	keyRequestTag        = "aws:RequestTag"
	keyTagKeys           = "aws:TagKeys"
	keyGlobalResourceTag = "aws:ResourceTag"
)

// keys are all condition keys of the API. Those in the second list are of operations
// that are not here.
var keys = append([]string{
	keyAccountSetting, keyAssignPublicIP, keyCapacityProvider, keyCluster, keyCompatibility, keyInstances, keyCreateAction,
	keyEBSVolumes, keyManagedTags, keyExecuteCommand, keyServiceConnect, keyVPCLattice, keyEphemeralKey, keyNamespace,
	keyPrivileged, keyPropagateTags, keyResourceTag, keyService, keySubnet, keyTaskCPU, keyTaskDefinition, keyTaskMemory,
}, name+":container-name", name+":daemon", name+":daemon-task-definition", name+":gateway", name+":instance-metadata-tags-propagation", name+":task")

// permissions are actions that policies can name and that are no operations.
var permissions = []string{"Poll", "StartTelemetrySession"}

// Lists of condition keys that several operations have.
var (
	onResource   = []string{keyGlobalResourceTag, keyResourceTag}
	onCreation   = []string{keyRequestTag, keyTagKeys, keyGlobalResourceTag, keyResourceTag}
	ofCluster    = []string{keyCluster, keyGlobalResourceTag, keyResourceTag}
	ofDeployment = []string{keyCluster, keyService, keyGlobalResourceTag, keyResourceTag}
	settingKeys  = []string{keyAccountSetting}
	serviceKeys  = append([]string{
		keyCluster, keyAssignPublicIP, keyCapacityProvider, keyEBSVolumes, keyManagedTags, keyExecuteCommand, keyServiceConnect,
		keyVPCLattice, keyNamespace, keyPropagateTags, keySubnet, keyTaskDefinition,
	}, onResource...)
	newServiceKeys = append([]string{keyRequestTag, keyTagKeys}, serviceKeys...)
	newTaskKeys    = append([]string{keyCluster, keyCapacityProvider, keyEBSVolumes, keyExecuteCommand}, onCreation...)
	startTaskKeys  = append([]string{keyCluster, keyInstances, keyEBSVolumes, keyExecuteCommand}, onCreation...)
	definitionKeys = append([]string{keyCompatibility, keyPrivileged, keyTaskCPU, keyTaskMemory}, onCreation...)
	taggingKeys    = append([]string{keyCreateAction}, onCreation...)
)

// policies are as in "Actions, resources, and condition keys for Amazon Elastic
// Container Service" in the Service Authorization Reference. It is never changed.
var policies = map[string]service.Policy{
	"CreateCluster":               {Access: access.Write, Keys: []string{keyRequestTag, keyTagKeys, keyCapacityProvider, keyEphemeralKey}, Describe: service.Describe(describeCreateCluster)},
	"CreateService":               {Access: access.Write, Keys: newServiceKeys, Describe: service.Describe(describeCreateService)},
	"DeleteAccountSetting":        {Access: access.Write, Keys: settingKeys, Describe: service.Describe(describeDeleteSetting)},
	"DeleteAttributes":            {Access: access.Write, Keys: ofCluster, Describe: service.Describe(describeDeleteAttributes)},
	"DeleteCluster":               {Access: access.Write, Keys: onResource, Describe: onCluster(func(in *DeleteClusterRequest) *string { return in.Cluster })},
	"DeleteService":               {Access: access.Write, Keys: ofCluster, Describe: onServices(func(in *DeleteServiceRequest) (*string, []string) { return in.Cluster, one(in.Service) })},
	"DeleteTaskDefinitions":       {Access: access.Write, Keys: onResource, Describe: onTaskDefinitions(func(in *DeleteTaskDefinitionsRequest) []string { return in.TaskDefinitions })},
	"DeregisterContainerInstance": {Access: access.Write, Keys: onResource, Describe: onCluster(func(in *DeregisterContainerInstanceRequest) *string { return in.Cluster })},
	"DeregisterTaskDefinition":    {Access: access.Write},
	"DescribeCapacityProviders":   {Access: access.Read, Keys: onResource, Describe: service.Describe(describeCapacityProviders)},
	"DescribeClusters":            {Access: access.Read, Keys: onResource, Describe: onClusters(func(in *DescribeClustersRequest) []string { return in.Clusters })},
	"DescribeContainerInstances": {Access: access.Read, Keys: ofCluster, Describe: onInstances(func(in *DescribeContainerInstancesRequest) (*string, []string) {
		return in.Cluster, in.ContainerInstances
	})},
	"DescribeServiceDeployments":   {Access: access.Read, Keys: ofDeployment, Describe: onDeployments(func(in *DescribeServiceDeploymentsRequest) []string { return in.ServiceDeploymentArns })},
	"DescribeServiceRevisions":     {Access: access.Read, Keys: ofDeployment, Describe: onDeployments(func(in *DescribeServiceRevisionsRequest) []string { return in.ServiceRevisionArns })},
	"DescribeServices":             {Access: access.Read, Keys: ofCluster, Describe: onServices(func(in *DescribeServicesRequest) (*string, []string) { return in.Cluster, in.Services })},
	"DescribeTaskDefinition":       {Access: access.Read},
	"DescribeTasks":                {Access: access.Read, Keys: ofCluster, Describe: onTasks(func(in *DescribeTasksRequest) (*string, []string) { return in.Cluster, in.Tasks })},
	"DiscoverPollEndpoint":         {Access: access.Write, Keys: onResource, Describe: service.Describe(describePollEndpoint)},
	"GetTaskProtection":            {Access: access.Read, Keys: ofCluster, Describe: onTasks(func(in *GetTaskProtectionRequest) (*string, []string) { return in.Cluster, in.Tasks })},
	"ListAccountSettings":          {Access: access.Read},
	"ListAttributes":               {Access: access.List, Keys: onResource, Describe: onCluster(func(in *ListAttributesRequest) *string { return in.Cluster })},
	"ListClusters":                 {Access: access.List},
	"ListContainerInstances":       {Access: access.List, Keys: onResource, Describe: onCluster(func(in *ListContainerInstancesRequest) *string { return in.Cluster })},
	"ListServiceDeployments":       {Access: access.List, Keys: ofCluster, Describe: onServices(func(in *ListServiceDeploymentsRequest) (*string, []string) { return in.Cluster, one(in.Service) })},
	"ListServices":                 {Access: access.List, Keys: []string{keyCluster}, Describe: service.Describe(describeListServices)},
	"ListServicesByNamespace":      {Access: access.List, Keys: []string{keyNamespace}, Describe: service.Describe(describeListByNamespace)},
	"ListTagsForResource":          {Access: access.Read, Keys: onResource, Describe: service.Describe(describeListTags)},
	"ListTaskDefinitionFamilies":   {Access: access.List},
	"ListTaskDefinitions":          {Access: access.List},
	"ListTasks":                    {Access: access.List, Keys: ofCluster, Describe: service.Describe(describeListTasks)},
	"PutAccountSetting":            {Access: access.Write, Keys: settingKeys, Describe: service.Describe(describePutSetting)},
	"PutAccountSettingDefault":     {Access: access.Write, Keys: settingKeys, Describe: service.Describe(describePutDefaultSetting)},
	"PutAttributes":                {Access: access.Write, Keys: ofCluster, Describe: service.Describe(describePutAttributes)},
	"PutClusterCapacityProviders":  {Access: access.Write, Keys: append([]string{keyCapacityProvider}, onResource...), Describe: service.Describe(describePutCapacityProviders)},
	"RegisterContainerInstance":    {Access: access.Write, Keys: onCreation, Describe: service.Describe(describeRegisterInstance)},
	"RegisterTaskDefinition":       {Access: access.Write, Keys: definitionKeys, Describe: service.Describe(describeRegisterTaskDefinition)},
	"RunTask":                      {Access: access.Write, Keys: newTaskKeys, Describe: service.Describe(describeRunTask)},
	"StartTask":                    {Access: access.Write, Keys: startTaskKeys, Describe: service.Describe(describeStartTask)},
	"StopServiceDeployment":        {Access: access.Write, Keys: ofDeployment, Describe: onDeployments(func(in *StopServiceDeploymentRequest) []string { return one(in.ServiceDeploymentArn) })},
	"StopTask":                     {Access: access.Write, Keys: ofCluster, Describe: onTasks(func(in *StopTaskRequest) (*string, []string) { return in.Cluster, one(in.Task) })},
	"SubmitAttachmentStateChanges": {Access: access.Write, Keys: onResource, Describe: onCluster(func(in *SubmitAttachmentStateChangesRequest) *string { return in.Cluster })},
	"SubmitContainerStateChange":   {Access: access.Write, Keys: onResource, Describe: onCluster(func(in *SubmitContainerStateChangeRequest) *string { return in.Cluster })},
	"SubmitTaskStateChange":        {Access: access.Write, Keys: onResource, Describe: onCluster(func(in *SubmitTaskStateChangeRequest) *string { return in.Cluster })},
	"TagResource":                  {Access: access.Tagging, Keys: taggingKeys, Describe: service.Describe(describeTag)},
	"UntagResource":                {Access: access.Tagging, Keys: append([]string{keyTagKeys}, onResource...), Describe: service.Describe(describeUntag)},
	"UpdateCluster":                {Access: access.Write, Keys: append([]string{keyEphemeralKey}, onResource...), Describe: onCluster(func(in *UpdateClusterRequest) *string { return in.Cluster })},
	"UpdateClusterSettings":        {Access: access.Write, Keys: onResource, Describe: onCluster(func(in *UpdateClusterSettingsRequest) *string { return in.Cluster })},
	"UpdateContainerAgent": {Access: access.Write, Keys: ofCluster, Describe: onInstances(func(in *UpdateContainerAgentRequest) (*string, []string) {
		return in.Cluster, one(in.ContainerInstance)
	})},
	"UpdateContainerInstancesState": {Access: access.Write, Keys: ofCluster, Describe: onInstances(func(in *UpdateContainerInstancesStateRequest) (*string, []string) {
		return in.Cluster, in.ContainerInstances
	})},
	"UpdateService":        {Access: access.Write, Keys: serviceKeys, Describe: service.Describe(describeUpdateService)},
	"UpdateTaskProtection": {Access: access.Write, Keys: ofCluster, Describe: onTasks(func(in *UpdateTaskProtectionRequest) (*string, []string) { return in.Cluster, in.Tasks })},
}

// one returns a list of the value, or of "" for one that was left out.
func one(text *string) []string { return []string{service.Value(text)} }
