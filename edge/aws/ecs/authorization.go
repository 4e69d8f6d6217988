package ecs

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// describer adds to an authorization what a call is about.
type describer = func(*service.Call, *service.Authorization, any)

// onCluster describes a call about a cluster.
func onCluster[I any](of func(*I) *string) describer {
	return service.Describe(func(c *service.Call, a *service.Authorization, in *I) {
		addResource(c, a, clusterARN(c, of(in)))
	})
}

// onClusters describes a call about some clusters, the default one if none is
// named.
func onClusters[I any](of func(*I) []string) describer {
	return service.Describe(func(c *service.Call, a *service.Authorization, in *I) {
		list := of(in)
		for i := range list {
			addResource(c, a, clusterARN(c, &list[i]))
		}
		if len(list) == 0 {
			addResource(c, a, clusterARN(c, nil))
		}
	})
}

// onServices, onTasks and onInstances describe a call about things of a cluster.
func onServices[I any](of func(*I) (cluster *string, refs []string)) describer {
	return inCluster("service", of)
}

func onTasks[I any](of func(*I) (cluster *string, refs []string)) describer {
	return inCluster("task", of)
}

func onInstances[I any](of func(*I) (cluster *string, refs []string)) describer {
	return inCluster("container-instance", of)
}

func inCluster[I any](kind string, of func(*I) (cluster *string, refs []string)) describer {
	return service.Describe(func(c *service.Call, a *service.Authorization, in *I) {
		cluster, refs := of(in)
		addScoped(c, a, kind, cluster, refs...)
	})
}

// addScoped adds things of a cluster, and the condition key of the cluster. A call
// whose ARNs name another cluster than its member "cluster" is about both.
func addScoped(c *service.Call, a *service.Authorization, kind string, cluster *string, refs ...string) {
	owner := clusterARN(c, cluster)
	a.Key(keyCluster, owner)
	for _, ref := range refs {
		resource := scopedARN(c, kind, owner, ref)
		if other := clusterOf(resource); other != "" && other != owner {
			a.Key(keyCluster, other)
		}
		addResource(c, a, resource)
	}
}

// onDeployments describes a call about service deployments or revisions: those, and
// the services that they are of.
func onDeployments[I any](of func(*I) []string) describer {
	return service.Describe(func(c *service.Call, a *service.Authorization, in *I) {
		var services []string
		for _, ref := range of(in) {
			a.Resource(ref, nil)
			services = append(services, serviceOfDeployment(ref))
		}
		for _, of := range services {
			if of == "" {
				continue // not the ARN of one: the handler says so
			}
			a.Key(keyCluster, clusterOf(of))
		}
		for _, of := range services {
			if of != "" {
				a.Key(keyService, of)
				addResource(c, a, of)
			}
		}
	})
}

// onTaskDefinitions describes a call about task definitions.
func onTaskDefinitions[I any](of func(*I) []string) describer {
	return service.Describe(func(c *service.Call, a *service.Authorization, in *I) {
		for _, ref := range of(in) {
			addResource(c, a, definitionARN(c, ref))
		}
	})
}

// addResource adds a resource with the tags that it has.
func addResource(c *service.Call, a *service.Authorization, resource string) {
	a.Resource(resource, tagsOfResource(c.State, resource))
}

// defaultCluster is the cluster of calls that name none.
const defaultCluster = "default"

// clusterARN returns the ARN of the cluster that a call names.
func clusterARN(c *service.Call, ref *string) string {
	name := defaultCluster
	if ref != nil && *ref != "" {
		name = *ref
	}
	return resourceARN(c, "cluster/", name)
}

// scopedARN returns the ARN of a thing of a cluster, in the long form.
func scopedARN(c *service.Call, kind, cluster, ref string) string {
	_, name, _ := strings.Cut(cluster, "cluster/")
	if !arn.Is(ref) {
		return resourceARN(c, kind+"/"+name+"/", ref)
	}
	prefix, rest, ok := strings.Cut(ref, ":"+kind+"/")
	if !ok || strings.Contains(rest, "/") {
		return ref
	}
	return prefix + ":" + kind + "/" + name + "/" + rest
}

// clusterOf returns the ARN of the cluster of a thing, "" if its ARN names none.
func clusterOf(resource string) string {
	a, ok := arn.Parse(resource)
	parts := strings.Split(a.Resource, "/")
	if !ok || len(parts) < 3 {
		return ""
	}
	a.Resource = "cluster/" + parts[1]
	return formatARN(a)
}

// serviceOfDeployment returns the ARN of the service of a service deployment or
// revision, "" for another ARN.
func serviceOfDeployment(ref string) string {
	a, ok := arn.Parse(ref)
	parts := strings.Split(a.Resource, "/")
	if !ok || len(parts) != 4 {
		return ""
	}
	a.Resource = "service/" + parts[1] + "/" + parts[2]
	return formatARN(a)
}

func formatARN(a arn.ARN) string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + string(a.Account) + ":" + a.Resource
}

// resourceARN returns the ARN that a reference means: itself, or that of a
// resource of the caller's account.
func resourceARN(c *service.Call, prefix, ref string) string {
	if arn.Is(ref) {
		return ref
	}
	return c.ARN(c.Account, prefix+ref)
}

// requestTags are the tags in an input.
func requestTags(in []*Tag) []service.Tag {
	var tags []service.Tag
	for _, t := range in {
		tags = append(tags, service.Tag{Key: service.Value(t.Key), Value: service.Value(t.Value)})
	}
	return tags
}
