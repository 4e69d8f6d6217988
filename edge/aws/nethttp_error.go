package aws

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/internal/uuid"
)

// refusalHeader is in what net/http answers by itself, past our handler, to what
// it can't take for a request. No answer of ours has it.
var refusalHeader = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

// asRefusal returns an answer of net/http's own, in one piece, in the form of
// every other error here; or nil if p is not one.
func asRefusal(p []byte) []byte {
	const status = len("HTTP/1.1 ")
	if len(p) < status+3 || p[status] != '4' && p[status] != '5' {
		return nil
	}
	_, text, found := bytes.Cut(p, refusalHeader)
	code, err := strconv.Atoi(string(p[status : status+3]))
	e := &wire.Error{Code: "MalformedHttpRequestException", Status: code, Message: string(text)}
	switch {
	case err == nil && code == http.StatusExpectationFailed: // has no text
		e.Message = "417 Expectation Failed: the only one that is met is 100-continue"
	case err != nil || !found:
		return nil
	case code == http.StatusRequestHeaderFieldsTooLarge:
		e.Code = "RequestHeaderFieldsTooLargeException"
	}
	return appendRefusal(nil, e)
}

func appendRefusal(b []byte, e *wire.Error) []byte {
	body := awsjson.AppendError(nil, e)
	b = fmt.Appendf(b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\nContent-Type: %s\r\nx-amzn-ErrorType: %s\r\nx-amzn-RequestId: %s\r\nDate: %s\r\nConnection: close\r\n\r\n",
		e.Status, http.StatusText(e.Status), len(body), awsjson.V11.ContentType(), e.Code, uuid.New(), time.Now().UTC().Format(http.TimeFormat))
	return append(b, body...)
}
