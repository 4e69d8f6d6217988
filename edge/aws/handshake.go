package aws

import (
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// handshake is that of one connection, done before its first byte is read. A
// wholeConn hides TLS from net/http, which would do it otherwise.
type handshake struct {
	conn    *tls.Conn
	refused func(net.Conn, error)
	done    bool
	state   *tls.ConnectionState // once done
}

// handshakeTimeout bounds what we write. What the client sends has to be there
// before the read deadline that net/http sets for a first request's header.
const handshakeTimeout = 10 * time.Second

func (h *handshake) do() error {
	if err := h.conn.SetWriteDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	if err := h.conn.Handshake(); err != nil {
		h.refused(h.conn, err)
		h.tellPlain(err)
		return err
	}
	state := h.conn.ConnectionState()
	h.done, h.state = true, &state
	return h.conn.SetWriteDeadline(time.Time{})
}

// tellPlain answers a client that speaks HTTP without TLS, in the same words as
// net/http.
func (h *handshake) tellPlain(err error) {
	record, ok := errors.AsType[tls.RecordHeaderError](err)
	if !ok || record.Conn == nil || !startsHTTP(record.RecordHeader) {
		return
	}
	// The connection is closed next; an error changes nothing.
	_, _ = record.Conn.Write([]byte("HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"))
}

// startsHTTP reports whether the bytes that should have begun a record begin a
// request.
func startsHTTP(b [5]byte) bool {
	switch string(b[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO":
		return true
	}
	return false
}

// tlsState returns what the handshake of the connection came to, or nil.
func (c *wholeConn) tlsState() *tls.ConnectionState {
	if c == nil || c.secure == nil {
		return nil
	}
	return c.secure.state
}
