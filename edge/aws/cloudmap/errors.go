package cloudmap

import (
	"context"
	"errors"
	"net/http"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
)

// Codes that AWS uses in all its services.
const (
	codeSerialization      = "SerializationException"
	codeThrottling         = "ThrottlingException"
	codeAccessDenied       = "AccessDeniedException"
	codeServiceUnavailable = "ServiceUnavailable"
	codeInternalFailure    = "InternalFailure"
)

// wireError is the one table from errors to what clients see. What is not in it
// is an InternalFailure whose text tells nothing; the caller logs the error,
// which is kept as the cause.
func wireError(rules *registry.Rules, err error) error {
	if e, ok := err.(*awsjson.Error); ok {
		return e // from the front door, by way of Permit
	}
	if e, ok := modelled(rules, err); ok {
		return e
	}
	switch {
	case errors.Is(err, replica.ErrBusy):
		return fault(codeThrottling, http.StatusBadRequest, "Rate exceeded")
	case errors.Is(err, store.ErrFull):
		return fault(codeServiceUnavailable, http.StatusServiceUnavailable,
			"The disk is full: nothing can be changed until there is space again. Reads are not affected.")
	case errors.Is(err, replica.ErrUnavailable), errors.Is(err, replica.ErrStopped):
		return fault(codeServiceUnavailable, http.StatusServiceUnavailable,
			"The change could not be stored and was not made. Try again.")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, replica.ErrUncertain):
		return fault(codeInternalFailure, http.StatusInternalServerError,
			"It is not known whether the change was made. Trying again with the same request id is safe.")
	}
	return &Failure{Cause: err}
}

// Failure is an error that clients are told nothing about.
type Failure struct{ Cause error }

func (e *Failure) Error() string { return e.Cause.Error() }

// Unwrap makes Failure an InternalFailure to whoever looks for an awsjson.Error.
func (e *Failure) Unwrap() []error {
	return []error{e.Cause, fault(codeInternalFailure, http.StatusInternalServerError, "An internal error occurred.")}
}

func fault(code string, status int, message string, members ...awsjson.Member) *awsjson.Error {
	return &awsjson.Error{Code: code, Status: status, Message: message, Members: members}
}

// modelled finds the errors that the API declares. All of them are the client's.
func modelled(rules *registry.Rules, err error) (*awsjson.Error, bool) {
	code, members := "", []awsjson.Member(nil)
	switch e := err.(type) {
	case *awsjson.SerializationError:
		code = codeSerialization
	case *ValidationError, *command.InvalidInput:
		code = codeInvalidInput
	case *registry.NotPermitted:
		code = codeAccessDenied
	case *registry.NamespaceNotFound:
		code = codeNamespaceNotFound
	case *registry.ServiceNotFound:
		code = codeServiceNotFound
	case *registry.InstanceNotFound, *registry.NoHealthStatus:
		code = codeInstanceNotFound
	case *registry.OperationNotFound:
		code = codeOperationNotFound
	case *registry.CustomHealthNotFound:
		code = codeCustomHealthNotFound
	case *command.Conflict:
		code = codeResourceInUse
	case *command.LimitExceeded:
		code = codeResourceLimitExceeded
	case *registry.ServiceAttributesLimitExceeded:
		code = codeServiceAttributesLimitExceededException
	case *command.NotFound:
		code = codeResourceNotFoundException
	case *registry.TooManyTags:
		code = codeTooManyTagsException
		members = []awsjson.Member{{Name: "ResourceName", Value: e.Resource}}
	case *registry.DuplicateRequest:
		code = codeDuplicateRequest
		members = []awsjson.Member{{Name: "DuplicateOperationId", Value: string(e.Operation)}}
	case *registry.NamespaceAlreadyExists:
		code = codeNamespaceAlreadyExists
		members = []awsjson.Member{
			{Name: "CreatorRequestId", Value: e.CreatorRequestID},
			{Name: "NamespaceId", Value: string(e.ID)},
		}
	case *registry.ServiceAlreadyExists:
		code = codeServiceAlreadyExists
		members = []awsjson.Member{
			{Name: "CreatorRequestId", Value: e.CreatorRequestID},
			{Name: "ServiceId", Value: string(e.ID)},
			{Name: "ServiceArn", Value: rules.ServiceARN(e.Account, e.ID)},
		}
	default:
		return nil, false
	}
	return fault(code, http.StatusBadRequest, err.Error(), members...), true
}
