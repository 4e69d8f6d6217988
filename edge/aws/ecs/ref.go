package ecs

import (
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// Kinds of resources, as in their ARNs.
const (
	kindCluster           = "cluster"
	kindService           = "service"
	kindTask              = "task"
	kindInstance          = "container-instance"
	kindTaskDefinition    = "task-definition"
	kindServiceDeployment = "service-deployment"
	kindServiceRevision   = "service-revision"
	kindCapacityProvider  = "capacity-provider"
	kindContainer         = "container"
)

// ref is what an input means by the name, the id or the ARN of a resource.
type ref struct {
	// Name is the name or the id.
	Name string
	// Cluster is the cluster in a long ARN, "" without.
	Cluster string
	// Foreign means that the ARN has another account or region, in which this account
	// has nothing.
	Foreign bool
}

// in reports whether the resource can be one of the cluster.
func (r ref) in(cluster string) bool { return !r.Foreign && (r.Cluster == "" || r.Cluster == cluster) }

// parseRef returns what text means in the member with that name: a name, the short
// ARN KIND/NAME or the long one KIND/CLUSTER/NAME. The ARN of another kind of resource
// is an error.
func parseRef(c *service.Call, member, kind, text string) (ref, error) {
	if !arn.Is(text) {
		return ref{Name: text}, nil
	}
	a, ok := arn.Parse(text)
	if !ok || a.Service != name {
		return ref{}, command.Invalid("Invalid identifier: %s is %q, which is not the ARN of a %s", member, text, kind)
	}
	has, rest, ok := a.KindAndID()
	if !ok || has != kind {
		return ref{}, command.Invalid("Invalid identifier: Identifier is for %s. %s expects the ARN of a %s", has, member, kind)
	}
	// Terraform makes ARNs without an account if skip_requesting_account_id is set.
	r := ref{Name: rest, Foreign: a.Account != c.Account && a.Account != "" || a.Region != region(c)}
	if kind == kindService || kind == kindTask || kind == kindInstance {
		if cluster, name, long := strings.Cut(rest, "/"); long {
			r.Cluster, r.Name = cluster, name
		}
	}
	return r, nil
}

// clusterRef returns the name of the cluster that an input means. Without one it is the
// default cluster.
func clusterRef(c *service.Call, text *string) (ref, error) {
	if service.Value(text) == "" {
		return ref{Name: defaultCluster}, nil
	}
	return parseRef(c, "cluster", kindCluster, *text)
}

// taskDefinitionRef returns the family and the revision that an input means. Revision 0
// is the latest active one.
func taskDefinitionRef(c *service.Call, text string) (family string, revision int, err error) {
	r, err := parseRef(c, "taskDefinition", kindTaskDefinition, text)
	if err != nil {
		return "", 0, err
	}
	if r.Foreign {
		return "", 0, task.ErrDefinitionNotFound()
	}
	family, number, has := strings.Cut(r.Name, ":")
	if !has {
		return family, 0, nil
	}
	revision, err = strconv.Atoi(number)
	if err != nil || revision < 1 {
		return "", 0, task.NewError(task.ClientError, "Invalid revision number. Number: %s", number)
	}
	return family, revision, nil
}

// region returns the region of this cairn.
func region(c *service.Call) string { return c.Rules.Region() }

// ownARN returns the ARN of a resource of the caller's account. Parts after the kind are
// joined by slashes.
func ownARN(c *service.Call, kind string, parts ...string) string {
	return c.ARN(c.Account, kind+"/"+strings.Join(parts, "/"))
}

// missing returns the entry of a list of failures for a resource that was asked for and
// does not exist. The ARN is complete even if a name was asked for.
func missing(c *service.Call, kind, cluster, text string) Failure {
	f := Failure{Arn: text, Reason: reasonMissing}
	if !arn.Is(text) {
		parts := []string{text}
		if cluster != "" {
			parts = []string{cluster, text}
		}
		f.Arn = ownARN(c, kind, parts...)
	}
	return f
}

// reasonMissing is the reason of a failure for a resource that does not exist.
const reasonMissing = "MISSING"
