package aws

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/internal/uuid"
)

// rewriteNetHTTPError returns an answer that net/http has written by itself, to
// something that is no request, in the form of every other error here. It returns
// nil for what is not a whole answer.
func rewriteNetHTTPError(p []byte) []byte {
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(p)), nil)
	if err != nil || answer.StatusCode < 400 {
		return nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil
	}
	e := &wire.Error{Code: "MalformedHttpRequestException", Status: answer.StatusCode, Message: string(text)}
	switch {
	case e.Status == http.StatusRequestHeaderFieldsTooLarge:
		e.Code = "RequestHeaderFieldsTooLargeException"
	case e.Status == http.StatusExpectationFailed && e.Message == "":
		e.Message = "417 Expectation Failed: only 100-continue is supported"
	case e.Message == "":
		e.Message = answer.Status
	}
	return appendRawError(nil, e)
}

// appendRawError appends an error with its HTTP header, for connections that have no
// request. It is in the protocol AWS JSON 1.1.
func appendRawError(b []byte, e *wire.Error) []byte {
	body := awsjson.AppendError(nil, e)
	b = fmt.Appendf(b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\nContent-Type: %s\r\nx-amzn-ErrorType: %s\r\nx-amzn-RequestId: %s\r\nDate: %s\r\nConnection: close\r\n\r\n",
		e.Status, http.StatusText(e.Status), len(body), awsjson.V11.ContentType(), e.Code, uuid.New(), time.Now().UTC().Format(http.TimeFormat))
	return append(b, body...)
}
