package appmesh

import (
	"net/http"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// declaredError returns the answer for an error that the API declares.
func declaredError(_ *service.Call, err error) *wire.Error {
	answer := func(code string, status int) *wire.Error {
		return &wire.Error{Code: code, Status: status, Message: err.Error()}
	}
	switch err.(type) {
	case *command.InvalidInput:
		return answer(codeBadRequestException, http.StatusBadRequest)
	case *command.LimitExceeded:
		return answer(codeLimitExceededException, http.StatusBadRequest)
	case *mesh.TooManyTags:
		return answer(codeTooManyTagsException, http.StatusBadRequest)
	case *mesh.Forbidden:
		return answer(codeForbiddenException, http.StatusForbidden)
	case *command.NotFound:
		return answer(codeNotFoundException, http.StatusNotFound)
	case *command.AlreadyExists:
		return answer(codeConflictException, http.StatusConflict)
	case *command.Conflict:
		return answer(codeResourceInUseException, http.StatusConflict)
	}
	return nil
}
