package task

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
)

// ErrorKind is the kind of an Error. Each kind is one error of the ECS API.
type ErrorKind int

// The kinds of errors. An input that breaks a rule is a command.InvalidInput
// (InvalidParameterException), or a ClientError where AWS uses that one, such as for
// task definitions.
const (
	ClientError ErrorKind = iota
	ClusterNotFound
	ClusterContainsInstances
	ClusterContainsServices
	ClusterContainsTasks
	ServiceNotFound
	ServiceNotActive
	ServiceDeploymentNotFound
	NamespaceNotFound
	PlatformUnknown
	PlatformIncompatible
	UpdateInProgress
	ResourceInUse
	ResourceNotFound
	TargetNotFound
	AttributeLimitExceeded
	LimitExceeded
	Unsupported
	AccessDenied
	NoUpdateAvailable
)

// Error is an error that the ECS API declares. Its message is for the client.
type Error struct {
	Kind    ErrorKind
	Message string
}

func (e *Error) Error() string { return e.Message }

// NewError returns an Error with a formatted message.
func NewError(k ErrorKind, format string, args ...any) error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Conflict means that a client token was used for another request.
type Conflict struct {
	// Resources are the ARNs, or the ids, of what the first request created.
	Resources []string
	Message   string
}

func (e *Conflict) Error() string { return e.Message }

// Texts of errors that several commands return.
const (
	textClusterNotFound = "Cluster not found."
	textClusterInactive = "The referenced cluster was inactive."
	textServiceNotFound = "Service not found."
	textTaskNotFound    = "The referenced task was not found."
)

// ErrClusterNotFound returns the error of a cluster that does not exist.
func ErrClusterNotFound() error { return NewError(ClusterNotFound, textClusterNotFound) }

// errClusterInactive returns the error of a cluster that was deleted.
func errClusterInactive() error { return NewError(ClusterNotFound, textClusterInactive) }

// ErrServiceNotFound returns the error of a service that does not exist.
func ErrServiceNotFound() error { return NewError(ServiceNotFound, textServiceNotFound) }

// ErrInstanceNotFound returns the error of a container instance that does not exist.
func ErrInstanceNotFound() error {
	return command.Invalid("The specified container instance does not exist. Specify a valid container instance and try again.")
}

// ErrTaskNotFound returns the error of a task that does not exist.
func ErrTaskNotFound() error { return command.Invalid(textTaskNotFound) }
