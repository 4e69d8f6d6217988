package ecs

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// tagsOfResource returns the tags of the resource with an ARN, nil if it does not exist.
func tagsOfResource(*state.State, string) access.Tagged { return nil }

// connectNamespace returns the default namespace of Service Connect of a cluster, ""
// without one.
func connectNamespace(*state.State, string) string { return "" }

// definitionARN returns the ARN of the revision that a reference to a task definition
// means: a family is its latest active one. One that does not exist is described by
// all revisions of its family.
func definitionARN(c *service.Call, ref string) string {
	resource := resourceARN(c, "task-definition/", ref)
	if a, ok := arn.Parse(resource); ok && !strings.Contains(a.Resource, ":") {
		return resource + ":*"
	}
	return resource
}

// rolesOfDefinition returns the roles of a task definition, "" without.
func rolesOfDefinition(*service.Call, string) (task, execution string) { return "", "" }
