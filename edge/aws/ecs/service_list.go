package ecs

import (
	"context"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// Sizes of lists of services.
const (
	maxServices        = 10 // of DescribeServices
	defaultServicePage = 10 // of ListServices and ListServicesByNamespace
)

// DescribeServices describes services of a cluster, deleted ones included.
func (a *api) DescribeServices(_ context.Context, c *service.Call, in *DescribeServicesRequest) (*DescribeServicesResponse, error) {
	cluster, err := findCluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	c.Target = cluster.Name
	if len(in.Services) == 0 {
		return nil, command.Invalid("Services cannot be empty.")
	}
	if err := checkItems("services", len(in.Services), maxServices); err != nil {
		return nil, err
	}
	out := &DescribeServicesResponse{Services: []Service{}, Failures: []Failure{}}
	withTags := slices.Contains(in.Include, ServiceFieldTags)
	for _, text := range in.Services {
		svc, err := findService(c, cluster.Name, text)
		if err != nil {
			return nil, err
		}
		if svc == nil {
			out.Failures = append(out.Failures, missing(c, kindService, cluster.Name, text))
			continue
		}
		out.Services = append(out.Services, *describeService(c, svc, withTags))
	}
	return out, nil
}

// findCluster returns the cluster that an input means, deleted ones included.
func findCluster(c *service.Call, text *string) (*task.Cluster, error) {
	r, err := clusterRef(c, text)
	if err != nil {
		return nil, err
	}
	if cluster, ok := c.State.Task.Cluster(c.Account, r.Name); ok && !r.Foreign {
		return cluster, nil
	}
	return nil, task.ErrClusterNotFound()
}

// findService returns a service, deleted ones included, and nil if there is none.
func findService(c *service.Call, cluster, text string) (*task.Service, error) {
	r, err := parseRef(c, "service", kindService, text)
	if err != nil || !r.in(cluster) {
		return nil, err
	}
	svc, _ := c.State.Task.Service(c.Account, cluster, r.Name)
	return svc, nil
}

// ListServices lists the services of a cluster that are not deleted.
func (a *api) ListServices(_ context.Context, c *service.Call, in *ListServicesRequest) (*ListServicesResponse, error) {
	cluster, err := findCluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	p, err := newPage(c, []any{cluster.Name, in.LaunchType, in.SchedulingStrategy, in.ResourceManagementType}, defaultServicePage, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListServicesResponse{ServiceArns: []string{}}
	for svc := range c.State.Task.Services(c.Account, cluster.Name, p.After) {
		if !passes(svc, in) {
			continue
		}
		if !p.Add(svc.Name) {
			break
		}
		out.ServiceArns = append(out.ServiceArns, c.Rules.Task.ServiceARN(svc.Account, svc.Cluster, svc.Name))
	}
	out.NextToken = p.Next
	return out, nil
}

// passes reports whether a service passes the filters. No service is managed by ECS.
func passes(svc *task.Service, in *ListServicesRequest) bool {
	return svc.Status != task.Inactive &&
		(in.LaunchType == nil || svc.Primary().LaunchType == string(*in.LaunchType)) &&
		(in.SchedulingStrategy == nil || svc.SchedulingStrategy == string(*in.SchedulingStrategy)) &&
		(in.ResourceManagementType == nil || *in.ResourceManagementType == ResourceManagementTypeCustomer)
}

// ListServicesByNamespace lists the services with Service Connect in a namespace, in
// all clusters.
func (a *api) ListServicesByNamespace(_ context.Context, c *service.Call, in *ListServicesByNamespaceRequest) (*ListServicesByNamespaceResponse, error) {
	p, err := newPage(c, in.Namespace, defaultServicePage, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	namespace := namespaceARN(c, service.Value(in.Namespace))
	out := &ListServicesByNamespaceResponse{ServiceArns: []string{}}
	for svc := range c.State.Task.AllServices(c.Account) {
		key := svc.Cluster + "/" + svc.Name
		if key <= p.After || !connects(c, svc, namespace) {
			continue
		}
		if !p.Add(key) {
			break
		}
		out.ServiceArns = append(out.ServiceArns, c.Rules.Task.ServiceARN(svc.Account, svc.Cluster, svc.Name))
	}
	out.NextToken = p.Next
	return out, nil
}

// connects reports whether a service uses Service Connect in a namespace.
func connects(c *service.Call, svc *task.Service, namespace string) bool {
	if svc.Status == task.Inactive {
		return false
	}
	connect := svc.Primary().ServiceConnect
	if connect == nil || !service.Value(connect.Enabled) {
		return false
	}
	name := connect.Namespace
	if name == "" {
		name = connectNamespace(c.State, c.Rules.Task.ClusterARN(svc.Account, svc.Cluster))
	}
	return name != "" && namespaceARN(c, name) == namespace
}
