package ecs

import (
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// tags implements access.Tagged.
type tags []task.Tag

// TagValues returns the values of the tags whose key is equal but for case.
func (t tags) TagValues(key string) []string {
	var values []string
	for i := range t {
		if strings.EqualFold(t[i].Key, key) {
			values = append(values, t[i].Value)
		}
	}
	return values
}

// tagsOfResource returns the tags of the resource with an ARN, nil if it does not exist.
func tagsOfResource(s *state.State, resource string) access.Tagged {
	a, ok := arn.Parse(resource)
	if !ok || a.Service != name {
		return nil
	}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	cluster, name, _ := strings.Cut(rest, "/")
	list, ok := tagsOfKind(s, a.Account, kind, cluster, name)
	if !ok {
		return nil
	}
	return tags(list)
}

// tagsOfKind returns the tags of a resource. Of one that is in no cluster, cluster is
// the name.
func tagsOfKind(s *state.State, account command.AccountID, kind, cluster, name string) ([]task.Tag, bool) {
	switch kind {
	case kindCluster:
		if x, ok := s.Task.Cluster(account, cluster); ok {
			return x.Tags, true
		}
	case kindService:
		if x, ok := s.Task.Service(account, cluster, name); ok {
			return x.Tags, true
		}
	case kindTask:
		if x, ok := s.Task.Task(account, cluster, name); ok {
			return x.Tags, true
		}
	case kindInstance:
		if x, ok := s.Task.Instance(account, cluster, name); ok {
			return x.Tags, true
		}
	case kindTaskDefinition:
		if x, ok := findDefinition(s, account, cluster); ok {
			return x.Tags, true
		}
	case kindCapacityProvider:
		if x, ok := s.Task.CapacityProvider(account, cluster); ok {
			return x.Tags, true
		}
	}
	return nil, false
}

// findDefinition returns the revision that FAMILY or FAMILY:REVISION means: of a family
// the latest active one.
func findDefinition(s *state.State, account command.AccountID, name string) (*task.Definition, bool) {
	family, number, has := strings.Cut(name, ":")
	if has {
		revision, err := strconv.Atoi(number)
		if err != nil {
			return nil, false
		}
		return s.Task.Definition(account, family, revision)
	}
	var latest *task.Definition
	for d := range s.Task.Definitions(account, family) {
		if d.Status == task.Active {
			latest = d
		}
	}
	return latest, latest != nil
}

// connectNamespace returns the default namespace of Service Connect of a cluster, ""
// without one.
func connectNamespace(s *state.State, cluster string) string {
	a, ok := arn.Parse(cluster)
	if !ok {
		return ""
	}
	if x, ok := s.Task.Cluster(a.Account, strings.TrimPrefix(a.Resource, kindCluster+"/")); ok {
		return x.ServiceConnectNamespace
	}
	return ""
}

// definitionARN returns the ARN of the revision that a reference to a task definition
// means: a family is its latest active one. One that does not exist is described by
// all revisions of its family.
func definitionARN(c *service.Call, ref string) string {
	resource := resourceARN(c, kindTaskDefinition+"/", ref)
	a, ok := arn.Parse(resource)
	if !ok || strings.Contains(a.Resource, ":") {
		return resource
	}
	if d, ok := findDefinition(c.State, a.Account, strings.TrimPrefix(a.Resource, kindTaskDefinition+"/")); ok {
		return resource + ":" + strconv.Itoa(d.Revision)
	}
	return resource + ":*"
}

// rolesOfDefinition returns the roles of the task definition with an ARN, "" without.
func rolesOfDefinition(c *service.Call, resource string) (task, execution string) {
	a, ok := arn.Parse(resource)
	if !ok || a.Account != c.Account {
		return "", ""
	}
	if d, ok := findDefinition(c.State, a.Account, strings.TrimPrefix(a.Resource, kindTaskDefinition+"/")); ok {
		return d.TaskRoleARN, d.ExecutionRoleARN
	}
	return "", ""
}

// known returns what the state has of a resource, to simulate policies.
func known(s *state.State, _ *state.Rules, resource string) service.Known {
	k := service.Known{Tags: tagsOfResource(s, resource), Keys: access.MapContext{}}
	if cluster := clusterOf(resource); cluster != "" {
		k.Keys[keyCluster] = []string{cluster}
	}
	if of := serviceOfDeployment(resource); of != "" {
		k.Keys[keyService] = []string{of}
	}
	return k
}
