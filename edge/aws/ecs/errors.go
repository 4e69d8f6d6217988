package ecs

import (
	"net/http"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// errorCodes has the code of each kind of error. It is never changed.
var errorCodes = map[task.ErrorKind]string{
	task.ClientError:               codeClientException,
	task.ClusterNotFound:           codeClusterNotFoundException,
	task.ClusterContainsInstances:  codeClusterContainsContainerInstancesException,
	task.ClusterContainsServices:   codeClusterContainsServicesException,
	task.ClusterContainsTasks:      codeClusterContainsTasksException,
	task.ServiceNotFound:           codeServiceNotFoundException,
	task.ServiceNotActive:          codeServiceNotActiveException,
	task.ServiceDeploymentNotFound: codeServiceDeploymentNotFoundException,
	task.NamespaceNotFound:         codeNamespaceNotFoundException,
	task.PlatformUnknown:           codePlatformUnknownException,
	task.PlatformIncompatible:      codePlatformTaskDefinitionIncompatibilityException,
	task.UpdateInProgress:          codeUpdateInProgressException,
	task.ResourceInUse:             codeResourceInUseException,
	task.ResourceNotFound:          codeResourceNotFoundException,
	task.TargetNotFound:            codeTargetNotFoundException,
	task.AttributeLimitExceeded:    codeAttributeLimitExceededException,
	task.LimitExceeded:             codeLimitExceededException,
	task.Unsupported:               codeUnsupportedFeatureException,
	task.AccessDenied:              codeAccessDeniedException,
	task.NoUpdateAvailable:         codeNoUpdateAvailableException,
}

// declaredError returns the answer for an error that the API declares. All of them
// are the client's. An operation that does not declare the code of an error answers
// with one that it does.
func declaredError(c *service.Call, err error) *wire.Error {
	var code string
	var members []wire.Member
	switch e := err.(type) {
	case *task.Error:
		code = errorCodes[e.Kind]
	case *task.Conflict:
		code = codeConflictException
		members = []wire.Member{{Name: "resourceIds", Values: e.Resources}}
	case *command.InvalidInput, *command.AlreadyExists:
		code = codeInvalidParameterException
	case *command.NotFound:
		code = codeResourceNotFoundException
	case *command.Conflict:
		code = codeResourceInUseException
	case *command.LimitExceeded:
		code = codeLimitExceededException
	default:
		return nil
	}
	return &wire.Error{Code: declared(c, code), Status: http.StatusBadRequest, Message: err.Error(), Members: members}
}

// declared returns the code, or that of an input that breaks a rule if the operation
// does not declare it: clients have no type for other codes.
func declared(c *service.Call, code string) string {
	if c.Operation != nil && !slices.Contains(c.Operation.Errors, code) && slices.Contains(c.Operation.Errors, codeInvalidParameterException) {
		return codeInvalidParameterException
	}
	return code
}
