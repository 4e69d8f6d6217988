package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/cloudmap"
	"github.com/cairn-discovery/cairn/edge/aws/query"
)

// exchange is one request on its way through the server, with its answer.
type exchange struct {
	id      string // of the request, for the client and the log
	request *http.Request
	region  string
	account command.AccountID
	action  cloudmap.Action
	query   bool   // the protocol is Query, of which name is the action
	name    string // of the operation; empty unless known
	known   bool
	target  string
	start   time.Time

	principal *identity.Principal // nil in open mode
	proof     proof
	unproven  bool // it is not known who sent the request
	flood     bool // and its sender has failed too often
	form      query.Form

	buf *buffers
	out []byte
	err *awsjson.Error // the answer, if it is not out
	// cause is what err does not tell the client.
	cause error

	header [2]string // values of the answer's header
}

// buffers are reused from one request to the next.
type buffers struct{ body, out []byte }

var bufferPool = sync.Pool{New: func() any { return new(buffers) }}

// maxKept is the largest buffer worth keeping for later.
const maxKept = 256 << 10

func (b *buffers) release() {
	if cap(b.body) <= maxKept && cap(b.out) <= maxKept {
		bufferPool.Put(b)
	}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if state := connOf(r.Context()).tlsState(); state != nil {
		r.TLS = state // net/http does not see TLS through our connection
	}
	x := &exchange{id: newRequestID(), start: time.Now(), request: r, query: isQuery(r), buf: bufferPool.Get().(*buffers)}
	defer x.buf.release()
	s.guard(x, w, r)
	s.refuseFlood(x)
	s.audit(r.Context(), x)
	s.write(x, w, r)
	s.metrics.observe(x)
	s.log(r.Context(), x)
}

// guard serves a request and turns a panic into an answer.
func (s *Server) guard(x *exchange, w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			x.cause = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			x.err = internalFailure()
		}
	}()
	if err := s.serve(x, w, r); err != nil {
		x.fail(err)
	}
}

func (x *exchange) fail(err error) {
	switch e := err.(type) {
	case *awsjson.Error:
		x.err = e
		return
	case *query.Error:
		x.err = &awsjson.Error{Code: e.Code, Status: e.Status, Message: e.Message}
		x.unproven = e.Code == "InvalidIdentityToken"
		return
	}
	if x.err = authFailure(err, x.query); x.err != nil {
		x.unproven = true
		return
	}
	x.cause, x.err = err, internalFailure()
}

func internalFailure() *awsjson.Error {
	return &awsjson.Error{Code: "InternalFailure", Status: http.StatusInternalServerError, Message: "An internal error occurred."}
}

// serve does the work of a request.
func (s *Server) serve(x *exchange, w http.ResponseWriter, r *http.Request) error {
	if err := x.route(r); err != nil {
		return err
	}
	rules := &s.cfg.Rules().Registry
	x.region = rules.Region
	body, err := s.readCall(x, w, r)
	if err != nil {
		return err
	}
	if x.query {
		return s.serveQuery(r.Context(), x, body)
	}
	if err := s.limit(x); err != nil {
		return err
	}
	req := cloudmap.Request{Action: x.action, Account: x.account, Body: body}
	if x.principal != nil {
		req.Permit = x
	}
	x.buf.out, err = s.cloudmap.Serve(r.Context(), &req, x.buf.out[:0])
	x.out, x.target = x.buf.out, req.Target
	return err
}

// readCall reads the body and finds out whose call it is. In between a caller
// who is not known is turned away.
func (s *Server) readCall(x *exchange, w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if s.auth == nil {
		x.account = s.account(r)
		return s.readBody(x, w, r)
	}
	if err := s.auth.identify(x, r, x.region); err != nil {
		return nil, err
	}
	body, err := s.readBody(x, w, r)
	if err != nil {
		return nil, err
	}
	if err := s.auth.verify(x, body); err != nil {
		x.principal = nil // it is not them
		return nil, err
	}
	x.setAccount()
	return body, nil
}

// route finds the operation that the request's target header names.
func (x *exchange) route(r *http.Request) error {
	if x.query {
		return nil // the body tells
	}
	if r.Method != http.MethodPost {
		return &awsjson.Error{Code: "UnknownOperationException", Status: http.StatusMethodNotAllowed,
			Message: "Method " + shortened(r.Method) + " is not supported: the AWS JSON protocol uses POST"}
	}
	target := r.Header.Get("X-Amz-Target")
	prefix, name, _ := strings.Cut(target, ".")
	if prefix == cloudmap.TargetPrefix {
		if x.action, x.known = cloudmap.FindAction(name); x.known {
			x.name = x.action.Name()
		}
	}
	if !x.known {
		return &awsjson.Error{Code: "UnknownOperationException", Status: http.StatusBadRequest,
			Message: fmt.Sprintf("X-Amz-Target %q names no operation that is served here", shortened(target))}
	}
	return nil
}

func shortened(s string) string {
	if len(s) > 128 {
		return s[:128] + "..."
	}
	return s
}

// account finds the account of the access key that a request is signed with in
// open mode, where the signature itself is not looked at.
func (s *Server) account(r *http.Request) command.AccountID {
	auth := r.Header.Get("Authorization")
	if _, credential, ok := strings.Cut(auth, "Credential="); ok {
		key, _, _ := strings.Cut(credential, "/")
		if id, listed := s.cfg.Accounts(key); listed {
			return command.AccountID(id)
		}
	}
	return DefaultAccount
}

// readBody reads the whole body into the request's buffer.
func (s *Server) readBody(x *exchange, w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := s.cfg.Limits.MaxBody
	if r.ContentLength > limit {
		return nil, refuseBody(w, r, limit)
	}
	body := x.buf.body[:0]
	if n := r.ContentLength; n > int64(cap(body)) {
		body = make([]byte, 0, n)
	}
	in := r.Body
	if r.ContentLength < 0 { // otherwise net/http lets no more through than was announced
		in = http.MaxBytesReader(w, r.Body, limit)
	}
	for {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		x.buf.body = body
		if err == io.EOF {
			return body, nil
		}
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, refuseBody(w, r, limit)
		}
		if err != nil {
			return nil, unreadable()
		}
		if r.ContentLength == int64(len(body)) {
			return body, nil
		}
	}
}

// maxDrained is how much of a refused body is read, and dropped, before the
// answer. A client that is still sending when the connection closes sees a reset
// connection in place of the answer.
const maxDrained = 64 << 20

// refuseBody answers a body that is too large. One that a client holds back
// until it is told to go on is not asked for.
func refuseBody(w http.ResponseWriter, r *http.Request, limit int64) error {
	w.Header()["Connection"] = []string{"close"}
	if r.Header.Get("Expect") == "" && r.ContentLength <= maxDrained {
		io.CopyN(io.Discard, r.Body, maxDrained) // if that fails, so does the answer
	}
	return tooLarge(limit)
}

func unreadable() error {
	return &awsjson.Error{Code: "SerializationException", Status: http.StatusBadRequest,
		Message: "The body of the request could not be read to its end"}
}

func tooLarge(limit int64) error {
	return &awsjson.Error{Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("The body of the request has more than %d bytes", limit)}
}

var (
	contentType    = []string{"application/x-amz-json-1.1"}
	xmlContentType = []string{query.ContentType}
)

// write sends the answer, header and body together. Header names are spelled as
// AWS spells them, for readers that do not fold their case.
func (s *Server) write(x *exchange, w http.ResponseWriter, r *http.Request) {
	h, status := w.Header(), http.StatusOK
	if x.err != nil {
		status = x.err.Status
		h["x-amzn-ErrorType"] = []string{x.err.Code}
		if status == http.StatusMethodNotAllowed {
			h["Allow"] = []string{http.MethodPost} // RFC 9110 section 15.5.6
		}
		x.out = x.appendError(x.buf.out[:0])
		x.buf.out = x.out
	}
	h["Content-Type"] = contentType
	if x.query {
		h["Content-Type"] = xmlContentType
	}
	x.header = [2]string{x.id, strconv.Itoa(len(x.out))}
	h["x-amzn-RequestId"] = x.header[0:1:1]
	h["Content-Length"] = x.header[1:2:2]
	connOf(r.Context()).expect(len(x.out))
	w.WriteHeader(status)
	w.Write(x.out) // a client that is gone is not our concern
}

// log writes one line for a request that changes something, or that failed on
// our side; the rest is told at debug level.
func (s *Server) log(ctx context.Context, x *exchange) {
	level := slog.LevelDebug
	if x.known && !x.reads() && !x.flood {
		level = slog.LevelInfo
	}
	if x.cause != nil {
		level = slog.LevelError
	}
	if !s.cfg.Logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.id), slog.String("account", string(x.account)),
		slog.String("operation", x.operation()), slog.String("target", x.target),
		slog.Duration("duration", time.Since(x.start)), slog.String("outcome", x.outcome()),
	}
	if x.principal != nil {
		attrs = append(attrs, slog.String("principal", x.principal.ARN))
	}
	if x.err != nil {
		attrs = append(attrs, slog.String("message", x.err.Message))
	}
	if x.cause != nil {
		attrs = append(attrs, slog.String("cause", x.cause.Error()))
	}
	s.cfg.Logger.LogAttrs(ctx, level, "request", attrs...)
}

func (x *exchange) operation() string {
	if !x.known {
		return "unknown"
	}
	return x.name
}

// reads reports whether a known operation changes nothing.
func (x *exchange) reads() bool {
	if x.query {
		return x.name == "GetCallerIdentity"
	}
	return x.action.Reads()
}

// outcome is "ok" or the error's code.
func (x *exchange) outcome() string {
	if x.err == nil {
		return "ok"
	}
	return x.err.Code
}
