package httpserver

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// writer is the http.ResponseWriter of a connection. It keeps the answer until
// the handler is done: then its header and body leave together.
type writer struct {
	header http.Header
	status int
	out    []byte // room for the header, and the body so far
	head   []byte
	keys   []string
	close  bool
}

func (w *writer) begin() {
	clear(w.header)
	w.status, w.close = 0, false
	if cap(w.out) > maxKept {
		w.out = nil
	}
	w.out = w.out[:0]
}

// Header returns the answer's header. It is reused for the next answer.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader sets the status. The header is still open to changes.
func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// headRoom is left before the body for the header, which is written last: it has
// the length of the body.
const headRoom = 1 << 10

// Write adds to the body.
func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(w.out) == 0 {
		w.out = append(w.out, make([]byte, headRoom)...)
	}
	w.out = append(w.out, p...)
	return len(p), nil
}

// finish returns the whole answer, and whether the connection may stay open.
func (w *writer) finish(now time.Time, stopping bool) (answer []byte, stay bool) {
	w.Write(nil)
	length := len(w.out) - headRoom
	w.close = stopping || strings.EqualFold(w.header.Get("Connection"), "close")
	w.head = w.appendHeader(w.head[:0], now, length)
	if len(w.head) > headRoom {
		return append(w.head, w.out[headRoom:]...), !w.close
	}
	start := headRoom - len(w.head)
	copy(w.out[start:], w.head)
	return w.out[start:], !w.close
}

// appendHeader writes the status line and the fields, in order of their names.
// The length is what was written, whatever the handler has announced.
func (w *writer) appendHeader(b []byte, now time.Time, length int) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(w.status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(w.status)...)
	b = append(b, "\r\n"...)
	w.keys = w.keys[:0]
	for name := range w.header {
		if name != "Content-Length" && name != "Connection" && name != "Date" {
			w.keys = append(w.keys, name)
		}
	}
	slices.Sort(w.keys)
	for _, name := range w.keys {
		for _, value := range w.header[name] {
			b = appendField(b, name, value)
		}
	}
	if w.close {
		b = appendField(b, "Connection", "close")
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(length), 10)
	b = append(b, "\r\nDate: "...)
	b = append(b, date(now)...)
	return append(b, "\r\n\r\n"...)
}

// newlines would let a value begin fields of its own.
var newlines = strings.NewReplacer("\r", " ", "\n", " ")

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	if strings.IndexByte(value, '\r') >= 0 || strings.IndexByte(value, '\n') >= 0 { // ContainsAny is slower
		value = newlines.Replace(value)
	}
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// lastDate is the newest text of date.
var lastDate atomic.Pointer[dateText]

type dateText struct {
	second int64
	text   string
}

// date is the value of a Date field: RFC 9110 section 5.6.7.
func date(now time.Time) string {
	if d := lastDate.Load(); d != nil && d.second == now.Unix() {
		return d.text
	}
	d := &dateText{now.Unix(), now.UTC().Format(http.TimeFormat)}
	lastDate.Store(d)
	return d.text
}
