package aws

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// handshake is that of one connection, done before its first byte is read. A
// bufferedConn hides TLS from net/http, which would do it otherwise.
type handshake struct {
	conn   *tls.Conn
	failed func(net.Conn, error)
	done   bool
	state  *tls.ConnectionState // once done
}

// handshakeTimeout limits our writes. For our reads, net/http has set the deadline of a
// first request's header.
const handshakeTimeout = 10 * time.Second

func (h *handshake) do() error {
	if err := h.conn.SetWriteDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	if err := h.conn.Handshake(); err != nil {
		h.failed(h.conn, err)
		replyPlainHTTP(err)
		return err
	}
	state := h.conn.ConnectionState()
	h.done, h.state = true, &state
	return h.conn.SetWriteDeadline(time.Time{})
}

const (
	// maxPlainRequest bounds what is read of a request without TLS.
	maxPlainRequest = 1 << 20
	// plainDrainTime is how long it is read.
	plainDrainTime = time.Second
)

// replyPlainHTTP answers a client that sends HTTP without TLS. The rest of its
// request is read first: a connection that is closed with unread data is reset, and
// the client does not see the answer.
func replyPlainHTTP(err error) {
	record, ok := errors.AsType[tls.RecordHeaderError](err)
	if !ok || record.Conn == nil || !startsHTTP(record.RecordHeader) {
		return
	}
	answer := appendRawError(nil, &wire.Error{
		Code: "MalformedHttpRequestException", Status: http.StatusBadRequest,
		Message: "The request was sent by http:// to a port that speaks TLS: use https:// in the endpoint URL",
	})
	if _, err := record.Conn.Write(answer); err != nil {
		return
	}
	if half, ok := record.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // the connection is closed next anyway
	}
	if record.Conn.SetReadDeadline(time.Now().Add(plainDrainTime)) == nil {
		_, _ = io.CopyN(io.Discard, record.Conn, maxPlainRequest)
	}
}

// startsHTTP reports whether the bytes that should have begun a record begin a
// request.
func startsHTTP(b [5]byte) bool {
	switch string(b[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH":
		return true
	}
	return false
}

// tlsState returns the state after the handshake of the connection, or nil.
func (c *bufferedConn) tlsState() *tls.ConnectionState {
	if c == nil || c.secure == nil {
		return nil
	}
	return c.secure.state
}
