package registry

import (
	"fmt"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// invalid returns an InvalidInput with the text of AWS in strict mode, and otherwise
// with a text that names the member, the value and the rule.
func (r *Rules) invalid(aws, format string, args ...any) error {
	if r.Strict {
		return &command.InvalidInput{Message: aws}
	}
	return command.Invalid(format, args...)
}

// NamespaceNotFound means that the account sees no such namespace.
type NamespaceNotFound struct{ ID string }

func (e *NamespaceNotFound) Error() string { return "Namespace not found: " + e.ID }

// ServiceNotFound means that the account sees no such service.
type ServiceNotFound struct{ ID string }

func (e *ServiceNotFound) Error() string { return "Service not found: " + e.ID }

// InstanceNotFound means that the service has no such instance.
type InstanceNotFound struct {
	Service ServiceID
	ID      InstanceID
}

func (e *InstanceNotFound) Error() string {
	return fmt.Sprintf("Instance not found: %s in service %s", e.ID, e.Service)
}

// NoHealthStatus means that the service has no health check.
type NoHealthStatus struct{ Service ServiceID }

func (e *NoHealthStatus) Error() string {
	return fmt.Sprintf("No instance of service %s has a health status: the service has no health check", e.Service)
}

// OperationNotFound means that the account has no such operation, or that it was
// deleted.
type OperationNotFound struct{ ID OperationID }

func (e *OperationNotFound) Error() string { return "Operation not found: " + string(e.ID) }

// NamespaceAlreadyExists means that the name or the CreatorRequestId is in use.
type NamespaceAlreadyExists struct {
	ID               NamespaceID
	CreatorRequestID string // of the existing namespace
}

func (e *NamespaceAlreadyExists) Error() string { return "Namespace already exists." }

// ServiceAlreadyExists means that the name or the CreatorRequestId is in use.
type ServiceAlreadyExists struct {
	ID               ServiceID
	Account          command.AccountID
	CreatorRequestID string // of the existing service
}

func (e *ServiceAlreadyExists) Error() string { return "Service already exists." }

// DuplicateRequest means that the request id belongs to another operation.
type DuplicateRequest struct {
	Operation OperationID
	Call      string // the API operation, such as UpdateHttpNamespace
}

func (e *DuplicateRequest) Error() string {
	return fmt.Sprintf("Another operation of type %s and id %s has completed", e.Call, e.Operation)
}

// TooManyTags means that the resource would have more than 50 tags.
type TooManyTags struct{ Resource string }

func (e *TooManyTags) Error() string {
	return fmt.Sprintf("%s would have more than %d tags", e.Resource, maxTags)
}

// CustomHealthNotFound means that the service has no custom health check.
type CustomHealthNotFound struct{ Service ServiceID }

func (e *CustomHealthNotFound) Error() string {
	return fmt.Sprintf("Service %s has no HealthCheckCustomConfig", e.Service)
}

// ServiceAttributesLimitExceeded means that the service would have more than 30
// attributes.
type ServiceAttributesLimitExceeded struct{ Service ServiceID }

func (e *ServiceAttributesLimitExceeded) Error() string {
	return fmt.Sprintf("Service %s would have more than %d attributes", e.Service, maxServiceAttributes)
}

// quoted lists names for an error message.
func quoted[S ~string](names []S) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", n)
	}
	return b.String()
}
