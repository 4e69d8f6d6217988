package service

import (
	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/identity"
)

// actionPassRole is the permission to give a role to a service; see "Grant a user
// permissions to pass a role to an AWS service" in the IAM User Guide.
const actionPassRole = "iam:PassRole"

// Condition keys of actionPassRole.
const (
	keyPassedToService = "iam:PassedToService"
	keyRoleTag         = "iam:ResourceTag/"
)

// IAM returns what policies can say of IAM: actions that are no operations here, but
// that operations of other APIs ask for.
func IAM() access.Service {
	return access.Service{
		Prefix: "iam", Partial: true,
		Actions: []access.Action{{Name: actionPassRole, Level: access.Write, Keys: []string{keyPassedToService, keyRoleTag}}},
		Keys:    []string{keyPassedToService, keyRoleTag},
	}
}

// passedRole is a role that a call gives to a service.
type passedRole struct{ arn, service string }

// PassRole says that the call gives a role to a service, such as
// ecs-tasks.amazonaws.com. It takes the permission iam:PassRole on the role. The role
// is an ARN or a name of the caller's account; an empty one is none.
func (a *Authorization) PassRole(role, to string) {
	if role == "" {
		return
	}
	if !arn.Is(role) {
		role = identity.RoleARN(string(a.call.Account), role)
	}
	p := passedRole{role, to}
	for _, other := range a.passed {
		if other == p {
			return
		}
	}
	a.passed = append(a.passed, p)
}

// permitRoles asks whether the caller may pass the roles.
func (a *Authorization) permitRoles() error {
	for len(a.passed) > 0 {
		role := a.passed[0].arn
		resource := access.Resource{ARN: role}
		if p, ok := a.call.principal(role); ok {
			resource.Tags = p
		}
		a.request.Action, a.request.Resources = actionPassRole, append(a.resourceBuf[:0], resource)
		if err := a.call.Access.Permit(&a.request); err != nil {
			return err
		}
		a.passed = a.passed[1:]
	}
	return nil
}

// principal returns the user or role with an ARN.
func (c *Call) principal(arn string) (*identity.Principal, bool) {
	if c.Directory == nil {
		return nil, false
	}
	return c.Directory.Principal(arn)
}

// passedValues gives the condition keys of actionPassRole for the first role.
func (a *Authorization) passedValues(key string) []string {
	if key == "iam:passedtoservice" {
		return []string{a.passed[0].service}
	}
	return a.call.Access.Values(key)
}
