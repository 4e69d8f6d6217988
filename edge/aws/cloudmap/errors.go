package cloudmap

import (
	"net/http"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// codeAccessDenied is the code of an action that an account may not take on what
// another one shares with it.
const codeAccessDenied = "AccessDeniedException"

// declaredError returns the answer for an error that the API declares. All of them
// are the client's.
func declaredError(c *service.Call, err error) *wire.Error {
	code, members := "", []wire.Member(nil)
	switch e := err.(type) {
	case *command.InvalidInput:
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
		members = []wire.Member{{Name: "ResourceName", Value: e.Resource}}
	case *registry.DuplicateRequest:
		code = codeDuplicateRequest
		members = []wire.Member{{Name: "DuplicateOperationId", Value: string(e.Operation)}}
	case *registry.NamespaceAlreadyExists:
		code = codeNamespaceAlreadyExists
		members = []wire.Member{
			{Name: "CreatorRequestId", Value: e.CreatorRequestID},
			{Name: "NamespaceId", Value: string(e.ID)},
		}
	case *registry.ServiceAlreadyExists:
		code = codeServiceAlreadyExists
		members = []wire.Member{
			{Name: "CreatorRequestId", Value: e.CreatorRequestID},
			{Name: "ServiceId", Value: string(e.ID)},
			{Name: "ServiceArn", Value: c.Rules.Registry.ServiceARN(e.Account, e.ID)},
		}
	default:
		return nil
	}
	return &wire.Error{Code: code, Status: http.StatusBadRequest, Message: err.Error(), Members: members}
}
