// Package restxml is AWS's REST-XML protocol: its documents and its errors. Package rest
// reads paths, queries and headers, and package awsxml reads XML.
//
// See "AWS restXml protocol" in the Smithy specification.
package restxml

import (
	"net/http"

	"github.com/cairn-discovery/cairn/edge/aws/awsxml"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// contentType is that of an answer.
const contentType = "text/xml"

// Protocol is the REST-XML protocol of an API. It implements wire.Protocol.
type Protocol struct {
	// Namespace is that of the API's XML.
	Namespace string
}

// ContentType implements wire.Protocol.
func (p *Protocol) ContentType() string { return contentType }

// AppendError implements wire.Protocol.
func (p *Protocol) AppendError(b []byte, e *wire.Error, requestID string) []byte {
	b = OpenDocument(b, "ErrorResponse", p.Namespace)
	b = awsxml.Open(b, "Error")
	b = awsxml.AppendText(b, "Type", faultOf(e))
	b = awsxml.AppendText(b, "Code", e.Code)
	b = awsxml.AppendText(b, "Message", e.Message)
	for _, m := range e.Members { // no API with this protocol has errors with lists
		b = awsxml.AppendText(b, m.Name, m.Value)
	}
	b = awsxml.Close(b, "Error")
	b = awsxml.AppendText(b, "RequestId", requestID)
	return awsxml.Close(b, "ErrorResponse")
}

// faultOf says whose fault an error is.
func faultOf(e *wire.Error) string {
	if e.Status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// Common implements wire.Protocol.
func (p *Protocol) Common(k wire.Kind) wire.Code { return commonCodes.Common(k) }

// commonCodes are those that the REST-XML and Query APIs share.
var commonCodes = wire.Codes{
	wire.Internal:              {Name: "InternalFailure", Status: http.StatusInternalServerError},
	wire.Unavailable:           {Name: "ServiceUnavailable", Status: http.StatusServiceUnavailable},
	wire.Serialization:         {Name: "MalformedInput", Status: http.StatusBadRequest},
	wire.Validation:            {Name: "InvalidInput", Status: http.StatusBadRequest},
	wire.UnknownOperation:      {Name: "InvalidAction", Status: http.StatusBadRequest},
	wire.TooLarge:              {Name: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge},
	wire.Throttling:            {Name: "Throttling", Status: http.StatusBadRequest},
	wire.AccessDenied:          {Name: "AccessDenied", Status: http.StatusForbidden},
	wire.MissingAuthentication: {Name: "MissingAuthenticationToken", Status: http.StatusForbidden},
	wire.IncompleteSignature:   {Name: "IncompleteSignature", Status: http.StatusBadRequest},
	wire.InvalidSignature:      {Name: "SignatureDoesNotMatch", Status: http.StatusForbidden},
	wire.UnrecognizedClient:    {Name: "InvalidClientTokenId", Status: http.StatusForbidden},
	wire.ExpiredToken:          {Name: "ExpiredToken", Status: http.StatusForbidden},
	wire.NotSupported:          {Name: "InvalidAction", Status: http.StatusBadRequest},
}

// OpenDocument appends the declaration and the start of the root element.
func OpenDocument(b []byte, root, namespace string) []byte {
	return awsxml.OpenRoot(append(b, awsxml.Header...), root, namespace)
}

// Namespace returns the namespace that a request's document has to be in: that of
// the API in the strict compatibility mode, as in AWS, and otherwise any.
func Namespace(r *wire.Request, api string) string {
	if r.Strict {
		return api
	}
	return ""
}
