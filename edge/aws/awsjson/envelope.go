package awsjson

import (
	"net/http"

	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// Protocol is a version of the AWS JSON protocol. It implements wire.Protocol.
type Protocol struct{ contentType string }

// The versions. They differ in nothing but the media type.
var (
	V10 = &Protocol{"application/x-amz-json-1.0"}
	V11 = &Protocol{"application/x-amz-json-1.1"}
)

// ContentType implements wire.Protocol.
func (p *Protocol) ContentType() string { return p.contentType }

// AppendError implements wire.Protocol.
func (p *Protocol) AppendError(b []byte, e *wire.Error, _ string) []byte { return AppendError(b, e) }

// Common implements wire.Protocol.
func (p *Protocol) Common(k wire.Kind) wire.Code { return commonCodes.Common(k) }

// commonCodes are those of "Common Errors" in the API references. SDKs look at the
// code: by it they correct their clocks, and refresh what has expired.
var commonCodes = wire.Codes{
	wire.Internal:              {Name: "InternalFailure", Status: http.StatusInternalServerError},
	wire.Unavailable:           {Name: "ServiceUnavailable", Status: http.StatusServiceUnavailable},
	wire.Serialization:         {Name: "SerializationException", Status: http.StatusBadRequest},
	wire.Validation:            {Name: "ValidationException", Status: http.StatusBadRequest},
	wire.UnknownOperation:      {Name: "UnknownOperationException", Status: http.StatusBadRequest},
	wire.TooLarge:              {Name: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge},
	wire.Throttling:            {Name: "ThrottlingException", Status: http.StatusBadRequest},
	wire.AccessDenied:          {Name: "AccessDeniedException", Status: http.StatusBadRequest},
	wire.MissingAuthentication: {Name: "MissingAuthenticationTokenException", Status: http.StatusBadRequest},
	wire.IncompleteSignature:   {Name: "IncompleteSignatureException", Status: http.StatusBadRequest},
	wire.InvalidSignature:      {Name: "InvalidSignatureException", Status: http.StatusBadRequest},
	wire.UnrecognizedClient:    {Name: "UnrecognizedClientException", Status: http.StatusBadRequest},
	wire.ExpiredToken:          {Name: "ExpiredTokenException", Status: http.StatusBadRequest},
	wire.NotSupported:          {Name: "UnsupportedOperationException", Status: http.StatusBadRequest},
}

// AppendError appends the body of an error's answer. The message has both
// spellings that AWS's services use, since clients look for either.
func AppendError(b []byte, e *wire.Error) []byte {
	b = append(b, '{')
	b = appendMember(b, "__type", e.Code)
	b = appendMember(b, "message", e.Message)
	b = appendMember(b, "Message", e.Message)
	for _, m := range e.Members {
		b = AppendErrorMember(b, m)
	}
	return append(b, '}')
}

// AppendErrorMember appends a member of an error.
func AppendErrorMember(b []byte, m wire.Member) []byte {
	if m.Values == nil {
		return appendMember(b, m.Name, m.Value)
	}
	b = append(AppendName(b, m.Name), '[')
	for i, value := range m.Values {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, value)
	}
	return append(b, ']')
}

func appendMember(b []byte, name, value string) []byte {
	return AppendString(AppendName(b, name), value)
}
