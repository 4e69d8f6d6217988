package ecs

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// describer adds to an authorization what a call is about.
type describer = func(*service.Call, *service.Authorization, any)

// onARN describes a call about the resource of an ARN.
func onARN[I any](of func(*I) string) describer {
	return onARNs(func(in *I) []string { return []string{of(in)} })
}

// onARNs describes a call about the resources of some ARNs.
func onARNs[I any](of func(*I) []string) describer {
	return service.Describe(func(_ *service.Call, a *service.Authorization, in *I) {
		for _, ref := range of(in) {
			a.Resource(ref, nil)
		}
	})
}

// onCluster describes a call about a cluster.
func onCluster[I any](of func(*I) *string) describer {
	return service.Describe(func(c *service.Call, a *service.Authorization, in *I) {
		a.Resource(clusterARN(c, of(in)), nil)
	})
}

// onClusters describes a call about some clusters, the default one if none is
// named.
func onClusters[I any](of func(*I) []string) describer {
	return service.Describe(func(c *service.Call, a *service.Authorization, in *I) {
		list := of(in)
		for i := range list {
			a.Resource(clusterARN(c, &list[i]), nil)
		}
		if len(list) == 0 {
			a.Resource(clusterARN(c, nil), nil)
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
		owner := clusterARN(c, cluster)
		a.Key(keyCluster, owner)
		_, name, _ := strings.Cut(owner, "cluster/")
		for _, ref := range refs {
			a.Resource(resourceARN(c, kind+"/"+name+"/", ref), nil)
		}
	})
}

// onTaskDefinitions describes a call about task definitions, on a cluster if it
// has one. A reference without a revision stands for every one of its family.
func onTaskDefinitions[I any](of func(*I) (cluster *string, refs []string)) describer {
	return service.Describe(func(c *service.Call, a *service.Authorization, in *I) {
		cluster, refs := of(in)
		if cluster != nil {
			a.Key(keyCluster, clusterARN(c, cluster))
		}
		for _, ref := range refs {
			if !arn.Is(ref) && !strings.Contains(ref, ":") {
				ref += ":*"
			}
			a.Resource(resourceARN(c, "task-definition/", ref), nil)
		}
	})
}

// defaultCluster is the cluster of calls that name none.
const defaultCluster = "default"

func clusterARN(c *service.Call, ref *string) string {
	name := defaultCluster
	if ref != nil && *ref != "" {
		name = *ref
	}
	return resourceARN(c, "cluster/", name)
}

// resourceARN returns the ARN that a reference means: itself, or that of a
// resource of the caller's account.
func resourceARN(c *service.Call, prefix, ref string) string {
	if arn.Is(ref) {
		return ref
	}
	return arn.Format(Name, c.Rules.Registry.Region, c.Account, prefix+ref)
}
