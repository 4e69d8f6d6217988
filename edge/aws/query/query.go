// Package query is the AWS Query protocol: the request is a form, with Action
// and Version among its fields, and the answer is XML.
//
// See "AWS Query protocol" in the Smithy specification. The package knows
// nothing of any API.
package query

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// contentType is that of an answer.
const contentType = "text/xml"

// Protocol is the Query protocol of an API. It implements wire.Protocol.
type Protocol struct {
	// Namespace is that of the API's XML.
	Namespace string
}

// ContentType implements wire.Protocol.
func (p *Protocol) ContentType() string { return contentType }

// AppendError implements wire.Protocol.
func (p *Protocol) AppendError(b []byte, e *wire.Error, requestID string) []byte {
	return appendError(b, p.Namespace, e, requestID)
}

// Common implements wire.Protocol.
func (p *Protocol) Common(k wire.Kind) wire.Code { return commonCodes.Common(k) }

// commonCodes are those of "Common Errors" in the API reference of STS.
var commonCodes = wire.Codes{
	wire.Internal:              {Name: "InternalFailure", Status: http.StatusInternalServerError},
	wire.Unavailable:           {Name: "ServiceUnavailable", Status: http.StatusServiceUnavailable},
	wire.Serialization:         {Name: "SerializationException", Status: http.StatusBadRequest},
	wire.Validation:            {Name: "ValidationError", Status: http.StatusBadRequest},
	wire.UnknownOperation:      {Name: "InvalidAction", Status: http.StatusBadRequest},
	wire.TooLarge:              {Name: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge},
	wire.Throttling:            {Name: "Throttling", Status: http.StatusBadRequest},
	wire.AccessDenied:          {Name: "AccessDenied", Status: http.StatusForbidden},
	wire.MissingAuthentication: {Name: "MissingAuthenticationToken", Status: http.StatusForbidden},
	wire.IncompleteSignature:   {Name: "IncompleteSignature", Status: http.StatusBadRequest},
	wire.InvalidSignature:      {Name: "SignatureDoesNotMatch", Status: http.StatusForbidden},
	wire.UnrecognizedClient:    {Name: "InvalidClientTokenId", Status: http.StatusForbidden},
	wire.ExpiredToken:          {Name: "ExpiredToken", Status: http.StatusForbidden},
	wire.NotSupported:          {Name: "UnsupportedOperation", Status: http.StatusBadRequest},
}

func malformed(format string, args ...any) error {
	return &wire.Error{Code: "MalformedQueryString", Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

// maxFields bounds a form; the largest request of STS has some 200.
const maxFields = 1000

// Form is what a request says.
type Form url.Values

// Parse reads the fields of a request: of the body of a POST, or of the query where
// there is none, as in presigned requests.
func Parse(method, rawQuery string, body []byte) (Form, error) {
	text := rawQuery
	if method == http.MethodPost && len(body) > 0 {
		text = string(body)
	}
	if strings.Count(text, "&") >= maxFields {
		return nil, malformed("The request has more than %d fields", maxFields)
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, malformed("The request is not a form")
	}
	for name, all := range values {
		if len(all) > 1 {
			return nil, malformed("The field %q is given twice", truncateField(name))
		}
	}
	return Form(values), nil
}

func truncateField(s string) string {
	if len(s) > 64 {
		s = s[:61] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}

// Text returns a field, empty where it is left out.
func (f Form) Text(name string) string { return url.Values(f).Get(name) }

// AppendResponse appends the answer to an action: its result as XML, in the
// usual wrapping.
func AppendResponse(b []byte, namespace, action string, result any, requestID string) ([]byte, error) {
	var inner bytes.Buffer
	e := xml.NewEncoder(&inner)
	if err := e.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: action + "Result"}}); err != nil {
		return b, err
	}
	b = append(b, "<"+action+`Response xmlns="`+namespace+`">`...)
	b = append(b, inner.Bytes()...)
	b = append(b, "<ResponseMetadata><RequestId>"+requestID+"</RequestId></ResponseMetadata></"+action+"Response>"...)
	return b, nil
}

// appendError appends an error.
func appendError(b []byte, namespace string, e *wire.Error, requestID string) []byte {
	kind := "Sender"
	if e.Status >= 500 {
		kind = "Receiver"
	}
	b = append(b, `<ErrorResponse xmlns="`+namespace+`"><Error><Type>`+kind+`</Type><Code>`...)
	b = appendText(b, e.Code)
	b = append(b, "</Code><Message>"...)
	b = appendText(b, e.Message)
	return append(b, "</Message></Error><RequestId>"+requestID+"</RequestId></ErrorResponse>"...)
}

func appendText(b []byte, s string) []byte {
	var text bytes.Buffer
	_ = xml.EscapeText(&text, []byte(s)) // a Buffer takes everything
	return append(b, text.Bytes()...)
}
