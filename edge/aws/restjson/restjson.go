// Package restjson is AWS's REST-JSON protocol: its errors. Package rest reads paths,
// queries and headers, and package awsjson reads JSON.
//
// See "AWS restJson1 protocol" in the Smithy specification.
package restjson

import (
	"net/http"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// Protocol is the REST-JSON protocol. It implements wire.Protocol.
type Protocol struct{}

// ContentType implements wire.Protocol.
func (Protocol) ContentType() string { return "application/json" }

// AppendError implements wire.Protocol. The code is in the header of the answer,
// x-amzn-ErrorType, which the front door writes for every protocol.
func (Protocol) AppendError(b []byte, e *wire.Error, _ string) []byte {
	b = append(b, '{')
	b = awsjson.AppendString(awsjson.AppendName(b, "message"), e.Message)
	for _, m := range e.Members {
		b = awsjson.AppendErrorMember(b, m)
	}
	return append(b, '}')
}

// Common implements wire.Protocol.
func (Protocol) Common(k wire.Kind) wire.Code { return commonCodes.Common(k) }

// commonCodes are those of "Common Errors" in the API references.
var commonCodes = wire.Codes{
	wire.Internal:              {Name: "InternalFailure", Status: http.StatusInternalServerError},
	wire.Unavailable:           {Name: "ServiceUnavailable", Status: http.StatusServiceUnavailable},
	wire.Serialization:         {Name: "SerializationException", Status: http.StatusBadRequest},
	wire.Validation:            {Name: "ValidationException", Status: http.StatusBadRequest},
	wire.UnknownOperation:      {Name: "UnknownOperationException", Status: http.StatusNotFound},
	wire.TooLarge:              {Name: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge},
	wire.Throttling:            {Name: "ThrottlingException", Status: http.StatusTooManyRequests},
	wire.AccessDenied:          {Name: "AccessDeniedException", Status: http.StatusForbidden},
	wire.MissingAuthentication: {Name: "MissingAuthenticationTokenException", Status: http.StatusForbidden},
	wire.IncompleteSignature:   {Name: "IncompleteSignatureException", Status: http.StatusForbidden},
	wire.InvalidSignature:      {Name: "InvalidSignatureException", Status: http.StatusForbidden},
	wire.UnrecognizedClient:    {Name: "UnrecognizedClientException", Status: http.StatusForbidden},
	wire.ExpiredToken:          {Name: "ExpiredTokenException", Status: http.StatusForbidden},
	wire.NotSupported:          {Name: "UnsupportedOperationException", Status: http.StatusBadRequest},
}
