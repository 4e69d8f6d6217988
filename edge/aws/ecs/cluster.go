package ecs

import (
	"context"
	"slices"
	"strconv"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// clusterName returns the name of the cluster that an input means, whether it exists or
// not. It is for commands, which look the cluster up.
func clusterName(c *service.Call, text *string) (string, error) {
	r, err := clusterRef(c, text)
	if err != nil {
		return "", err
	}
	if r.Foreign {
		return "", task.ErrClusterNotFound()
	}
	return r.Name, task.CheckClusterName(r.Name)
}

// activeCluster returns the active cluster that an input means.
func activeCluster(c *service.Call, text *string) (*task.Cluster, error) {
	name, err := clusterName(c, text)
	if err != nil {
		return nil, err
	}
	return c.State.Task.ActiveCluster(c.Account, name)
}

// CreateCluster creates a cluster, or returns the one with that name.
func (a *api) CreateCluster(ctx context.Context, c *service.Call, in *CreateClusterRequest) (*CreateClusterResponse, error) {
	name := service.Value(in.ClusterName)
	if name == "" {
		name = task.DefaultCluster
	}
	c.Target = name
	reply, err := c.Propose(ctx, &task.CreateCluster{Name: name, ClusterInput: task.ClusterInput{
		Settings:          convert[[]task.ClusterSetting](in.Settings),
		Configuration:     convert[*task.ClusterConfiguration](in.Configuration),
		CapacityProviders: in.CapacityProviders,
		Strategy:          convert[[]task.CapacityProviderStrategyItem](in.DefaultCapacityProviderStrategy),
		ServiceConnect:    connectDefaults(in.ServiceConnectDefaults),
		Tags:              convert[[]task.Tag](in.Tags),
	}})
	if err != nil {
		return nil, err
	}
	return &CreateClusterResponse{Cluster: changedCluster(c, reply.Value.(*task.Cluster))}, nil
}

func connectDefaults(in *ClusterServiceConnectDefaultsRequest) *string {
	if in == nil {
		return nil
	}
	return new(service.Value(in.Namespace))
}

// UpdateCluster changes settings, configuration and the namespace of Service Connect.
func (a *api) UpdateCluster(ctx context.Context, c *service.Call, in *UpdateClusterRequest) (*UpdateClusterResponse, error) {
	cluster, err := a.updateCluster(ctx, c, in.Cluster, task.ClusterInput{
		Settings:       convert[[]task.ClusterSetting](in.Settings),
		Configuration:  convert[*task.ClusterConfiguration](in.Configuration),
		ServiceConnect: connectDefaults(in.ServiceConnectDefaults),
	})
	return &UpdateClusterResponse{Cluster: cluster}, err
}

// UpdateClusterSettings changes settings.
func (a *api) UpdateClusterSettings(ctx context.Context, c *service.Call, in *UpdateClusterSettingsRequest) (*UpdateClusterSettingsResponse, error) {
	cluster, err := a.updateCluster(ctx, c, in.Cluster, task.ClusterInput{Settings: convert[[]task.ClusterSetting](in.Settings)})
	return &UpdateClusterSettingsResponse{Cluster: cluster}, err
}

// PutClusterCapacityProviders sets the capacity providers and the default strategy.
func (a *api) PutClusterCapacityProviders(ctx context.Context, c *service.Call, in *PutClusterCapacityProvidersRequest) (*PutClusterCapacityProvidersResponse, error) {
	cluster, err := a.updateCluster(ctx, c, in.Cluster, task.ClusterInput{
		CapacityProviders: filled(in.CapacityProviders),
		Strategy:          filled(convert[[]task.CapacityProviderStrategyItem](in.DefaultCapacityProviderStrategy)),
	})
	return &PutClusterCapacityProvidersResponse{Cluster: cluster}, err
}

func (a *api) updateCluster(ctx context.Context, c *service.Call, ref *string, in task.ClusterInput) (*Cluster, error) {
	name, err := clusterName(c, ref)
	if err != nil {
		return nil, err
	}
	c.Target = name
	reply, err := c.Propose(ctx, &task.UpdateCluster{Name: name, ClusterInput: in})
	if err != nil {
		return nil, err
	}
	return changedCluster(c, reply.Value.(*task.Cluster)), nil
}

// DeleteCluster makes a cluster INACTIVE.
func (a *api) DeleteCluster(ctx context.Context, c *service.Call, in *DeleteClusterRequest) (*DeleteClusterResponse, error) {
	name, err := clusterName(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	c.Target = name
	reply, err := c.Propose(ctx, &task.DeleteCluster{Name: name})
	if err != nil {
		return nil, err
	}
	return &DeleteClusterResponse{Cluster: changedCluster(c, reply.Value.(*task.Cluster))}, nil
}

// DescribeClusters describes clusters, deleted ones included for a while.
func (a *api) DescribeClusters(_ context.Context, c *service.Call, in *DescribeClustersRequest) (*DescribeClustersResponse, error) {
	refs := in.Clusters
	if len(refs) == 0 {
		refs = []string{task.DefaultCluster}
	}
	if err := checkItems("clusters", len(refs), maxPage); err != nil {
		return nil, err
	}
	out := &DescribeClustersResponse{Clusters: []Cluster{}, Failures: []Failure{}}
	for _, text := range refs {
		r, err := clusterRef(c, &text)
		if err != nil {
			return nil, err
		}
		cluster, ok := c.State.Task.Cluster(c.Account, r.Name)
		if r.Foreign || !ok {
			out.Failures = append(out.Failures, missing(c, kindCluster, "", text))
			continue
		}
		out.Clusters = append(out.Clusters, *clusterShape(c, cluster, in.Include))
	}
	return out, nil
}

// ListClusters lists the active clusters.
func (a *api) ListClusters(_ context.Context, c *service.Call, in *ListClustersRequest) (*ListClustersResponse, error) {
	p, err := newPage(c, nil, maxPage, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListClustersResponse{ClusterArns: []string{}}
	for cluster := range c.State.Task.Clusters(c.Account, p.After) {
		if cluster.Status != task.Active {
			continue
		}
		if !p.Add(cluster.Name) {
			break
		}
		out.ClusterArns = append(out.ClusterArns, ownARN(c, kindCluster, cluster.Name))
	}
	out.NextToken = p.Next
	return out, nil
}

// changedCluster is how a cluster is described after a change.
func changedCluster(c *service.Call, cluster *task.Cluster) *Cluster {
	return clusterShape(c, cluster, []ClusterField{ClusterFieldConfigurations, ClusterFieldSettings, ClusterFieldTags})
}

// clusterShape describes a cluster. Its counts are those of the state of the call.
func clusterShape(c *service.Call, cluster *task.Cluster, include []ClusterField) *Cluster {
	out := &Cluster{
		ClusterArn: ownARN(c, kindCluster, cluster.Name), ClusterName: cluster.Name, Status: cluster.Status,
		CapacityProviders:               filled(cluster.CapacityProviders),
		DefaultCapacityProviderStrategy: filled(convert[[]*CapacityProviderStrategyItem](cluster.DefaultCapacityProviderStrategy)),
		Settings:                        []*ClusterSetting{}, Statistics: []*KeyValuePair{}, Tags: []*Tag{},
	}
	if len(cluster.CapacityProviders) > 0 {
		out.Attachments, out.AttachmentsStatus = []Attachment{}, "UPDATE_COMPLETE"
	}
	if cluster.ServiceConnectNamespace != "" {
		out.ServiceConnectDefaults = &ClusterServiceConnectDefaults{Namespace: cluster.ServiceConnectNamespace}
	}
	if slices.Contains(include, ClusterFieldConfigurations) {
		out.Configuration = convert[*ClusterConfiguration](cluster.Configuration)
	}
	if slices.Contains(include, ClusterFieldSettings) {
		out.Settings = filled(convert[[]*ClusterSetting](cluster.Settings))
	}
	if slices.Contains(include, ClusterFieldTags) {
		out.Tags = filled(convert[[]*Tag](cluster.Tags))
	}
	counts := countsOf(c, cluster)
	out.RunningTasksCount, out.PendingTasksCount = &counts.running, &counts.pending
	out.ActiveServicesCount, out.RegisteredContainerInstancesCount = &counts.services, &counts.instances
	if slices.Contains(include, ClusterFieldStatistics) {
		out.Statistics = counts.statistics()
	}
	return out
}

// clusterCounts are the numbers of what is in a cluster. The maps are by launch type.
type clusterCounts struct {
	running, pending, services, instances   int64
	runningBy, pendingBy, activeBy, drainBy map[string]int64
}

func countsOf(c *service.Call, cluster *task.Cluster) *clusterCounts {
	n := &clusterCounts{runningBy: map[string]int64{}, pendingBy: map[string]int64{}, activeBy: map[string]int64{}, drainBy: map[string]int64{}}
	s := &c.State.Task
	for t := range s.Tasks(c.Account, cluster.Name, "") {
		switch {
		case t.LastStatus == task.StatusRunning:
			n.running++
			n.runningBy[t.LaunchType]++
		case isPending(t):
			n.pending++
			n.pendingBy[t.LaunchType]++
		}
	}
	for svc := range s.Services(c.Account, cluster.Name, "") {
		launch := task.LaunchEC2
		if len(svc.Deployments) > 0 && svc.Primary().LaunchType != "" {
			launch = svc.Primary().LaunchType
		}
		switch svc.Status {
		case task.Active:
			n.services++
			n.activeBy[launch]++
		case task.Draining:
			n.drainBy[launch]++
		}
	}
	for range s.Instances(c.Account, cluster.Name, "") {
		n.instances++
	}
	return n
}

// isPending reports whether a task is on its way to RUNNING.
func isPending(t *task.Task) bool {
	return t.LastStatus == task.StatusProvisioning || t.LastStatus == task.StatusPending || t.LastStatus == task.StatusActivating
}

func (n *clusterCounts) statistics() []*KeyValuePair {
	var list []*KeyValuePair
	for _, launch := range []struct{ word, name string }{{"EC2", task.LaunchEC2}, {"Fargate", task.LaunchFargate}, {"External", task.LaunchExternal}} {
		for _, kind := range []struct {
			name  string
			count int64
		}{
			{"running" + launch.word + "TasksCount", n.runningBy[launch.name]},
			{"pending" + launch.word + "TasksCount", n.pendingBy[launch.name]},
			{"active" + launch.word + "ServiceCount", n.activeBy[launch.name]},
			{"draining" + launch.word + "ServiceCount", n.drainBy[launch.name]},
		} {
			list = append(list, &KeyValuePair{Name: new(kind.name), Value: new(strconv.FormatInt(kind.count, 10))})
		}
	}
	return list
}

// callerARN returns the ARN of who calls; in open mode, that of the account.
func callerARN(c *service.Call) string {
	if c.Caller != nil {
		return c.Caller.ARN
	}
	return rootARN(c)
}

// rootARN returns the ARN of the caller's account.
func rootARN(c *service.Call) string { return arn.Format("iam", "", c.Account, "root") }
