package aws

import (
	"cmp"
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
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/internal/uuid"
	"github.com/cairn-discovery/cairn/replica"
)

// request is one request on its way through the server, with its answer.
type request struct {
	id     string // for the client and the log
	http   *http.Request
	conn   connInfo
	work   bool // the connection has work: the request is authenticated
	start  time.Time
	region string

	api  *service.API
	op   *service.Operation // nil while it is not known
	form bool               // the protocol is Query, where the body names op
	wire wire.Request
	call service.Call
	// answer is that of the operation. It counts if err is nil.
	answer wire.Response
	// snapshot is what the call is answered from; nil until it is loaded.
	snapshot *replica.Snapshot

	signature       signatureInput
	claimed         bool // the signature was not verified
	unauthenticated bool // it is not known who sent the request
	authLimited     bool // and its sender has failed too often

	bodyBuf, outBuf []byte // kept for later requests
	out             []byte
	err             *wire.Error // the answer, if it is not out
	// cause is what err does not tell the client.
	cause error
}

func (x *request) setOperation(op *service.Operation) {
	x.api, x.op, x.call.Operation = op.API(), op, op
}

// requests are reused, with their buffers.
var requests = sync.Pool{New: func() any { return new(request) }}

// maxKept is the largest buffer that is kept for a later request.
const maxKept = 256 << 10

// release ends the use of a request. Nothing of it may be used any more.
func (x *request) release() {
	body, out := x.bodyBuf, x.outBuf
	if cap(body) > maxKept || cap(out) > maxKept {
		return
	}
	*x = request{}
	x.bodyBuf, x.outBuf = body, out
	requests.Put(x)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn := connOf(r.Context())
	conn.buffered.beginAnswer()
	if state := conn.buffered.tlsState(); state != nil {
		r.TLS = state // net/http does not see TLS through our connection
	}
	x := requests.Get().(*request)
	x.id, x.start, x.http, x.conn = uuid.New(), time.Now(), r, conn
	defer x.release()
	defer x.endWork()
	s.guard(x, w, r)
	s.limitFailedAuth(x)
	s.audit(r.Context(), x)
	s.write(x, w, r)
	now := time.Now()
	s.metrics.observe(x, now)
	s.log(r.Context(), x, now)
}

// guard serves a request and turns a panic into an answer.
func (s *Server) guard(x *request, w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			x.cause = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			x.err = x.api.Fault(x.op, wire.Internal, service.InternalMessage)
		}
	}()
	if err := s.serve(x, w, r); err != nil {
		x.fail(err)
	}
}

// fail makes an error the answer.
func (x *request) fail(err error) {
	if e := authFailure(x.api, err); e != nil {
		x.err, x.unauthenticated = e, true
		return
	}
	x.call.Operation = x.op
	x.err, x.cause = x.call.Error(x.api, err)
	x.unauthenticated = x.err.Unauthenticated || x.claimed
}

// serve does the work of a request.
func (s *Server) serve(x *request, w http.ResponseWriter, r *http.Request) error {
	if err := s.route(x, r); err != nil {
		return err
	}
	rules := s.cfg.Rules()
	x.region = rules.Registry.Region
	if err := s.authenticate(x, w, r); err != nil {
		return err
	}
	if err := x.beginWork(); err != nil {
		return err
	}
	if x.form {
		if err := s.routeForm(x); err != nil {
			return err
		}
	}
	if err := s.limit(x); err != nil {
		return err
	}
	// The snapshot and the rules are loaded here, once: authorization and answer
	// rest on the same.
	if err := s.loadSnapshot(r.Context(), x, r.Header); err != nil {
		return err
	}
	c := &x.call
	c.RequestID, c.Now, c.State, c.Rules = x.id, x.start, x.snapshot.State, rules
	c.Access, c.Proposer = x, s.cfg.Replica
	x.wire.Method, x.wire.Path, x.wire.RawQuery, x.wire.Header = r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header
	x.wire.Strict = rules.Registry.Strict
	x.answer = wire.Response{Body: x.outBuf[:0], RequestID: x.id}
	err := c.Serve(r.Context(), &x.wire, &x.answer)
	if err == nil {
		x.out, x.outBuf = x.answer.Body, x.answer.Body
	}
	return err
}

// authenticate reads the body and finds out whose call it is. In between, a caller
// that is not known is refused.
func (s *Server) authenticate(x *request, w http.ResponseWriter, r *http.Request) (err error) {
	if s.auth == nil {
		x.call.Account = s.account(r)
		x.wire.Body, err = s.readBody(x, w, r)
		return err
	}
	x.call.Directory = s.auth.Directory()
	if err := s.auth.identify(x, r); err != nil {
		return err
	}
	if x.wire.Body, err = s.readBody(x, w, r); err == nil {
		err = s.auth.verify(x)
	}
	if err != nil {
		x.call.Caller, x.claimed = nil, x.signature.signed // the claim is wrong or not verified
		return err
	}
	if x.call.Caller != nil {
		x.call.Account = command.AccountID(x.call.Caller.Account)
	}
	return nil
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
func (s *Server) readBody(x *request, w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := s.cfg.Limits.MaxBody
	if r.ContentLength > limit {
		return nil, refuseBody(x.api, w, r, limit)
	}
	body := x.bodyBuf[:0]
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
		x.bodyBuf = body
		if err == io.EOF {
			return body, nil
		}
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, refuseBody(x.api, w, r, limit)
		}
		if err != nil {
			return nil, x.api.Fault(nil, wire.Serialization, "The body of the request could not be read to its end")
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
func refuseBody(api *service.API, w http.ResponseWriter, r *http.Request, limit int64) error {
	w.Header()["Connection"] = []string{"close"}
	if r.Header.Get("Expect") == "" && r.ContentLength <= maxDrained {
		io.CopyN(io.Discard, r.Body, maxDrained) // if that fails, so does the answer
	}
	return api.Fault(nil, wire.TooLarge, fmt.Sprintf("The body of the request has more than %d bytes", limit))
}

// write sends the answer, header and body together. Header names are spelled as
// AWS spells them, for readers that compare them with case.
func (s *Server) write(x *request, w http.ResponseWriter, r *http.Request) {
	h, status := w.Header(), cmp.Or(x.answer.Status, http.StatusOK)
	if x.err != nil {
		status = x.err.Status
		h["x-amzn-ErrorType"] = []string{x.err.Code}
		if status == http.StatusMethodNotAllowed {
			h["Allow"] = []string{http.MethodPost} // RFC 9110 section 15.5.6
		}
		x.out = x.api.Protocol.AppendError(x.outBuf[:0], x.err, x.id)
		x.outBuf, x.answer.Header = x.out, nil
	}
	h["Content-Type"] = s.router.contentTypes[x.api]
	// net/http reads these after ServeHTTP has returned: they are not part of x.
	values := new([3]string)
	s.markConsistency(x, h, values[2:3:3])
	for _, f := range x.answer.Header {
		h[f.Name] = []string{f.Value}
	}
	values[0], values[1] = x.id, strconv.Itoa(len(x.out))
	h["x-amzn-RequestId"] = values[0:1:1]
	h["Content-Length"] = values[1:2:2]
	x.conn.buffered.expectBody(len(x.out))
	w.WriteHeader(status)
	w.Write(x.out) // an error means that the client has gone
}

// log writes one line for a request. Its level is info if the request changes something
// or should have, error if it failed on our side, and else debug: reads, heartbeats and
// repeated requests.
func (s *Server) log(ctx context.Context, x *request, now time.Time) {
	level, to := slog.LevelDebug, s.cfg.RequestLog
	if x.op != nil && !x.op.Reads() && !x.authLimited && !x.call.Unchanged {
		level = slog.LevelInfo
	}
	if x.cause != nil {
		level, to = slog.LevelError, s.cfg.Logger.Handler()
	}
	if !to.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.id), slog.String("account", string(x.call.Account)),
		slog.String("service", x.service()), slog.String("operation", x.operation()), slog.String("target", x.call.Target),
		slog.String("from", x.conn.source),
		slog.Duration("duration", now.Sub(x.start)), slog.String("outcome", x.outcome()),
	}
	if x.call.Caller != nil {
		attrs = append(attrs, slog.String("principal", x.call.Caller.ARN))
	}
	if x.err != nil {
		attrs = append(attrs, slog.String("message", x.err.Message))
	}
	if x.cause != nil {
		attrs = append(attrs, slog.String("cause", x.cause.Error()))
	}
	// A Logger would look for the line of code that logs, which no line says.
	line := slog.NewRecord(now, level, "request", 0)
	line.AddAttrs(attrs...)
	to.Handle(ctx, line)
}

// service is the name of the operation's API in policies, or "unknown".
func (x *request) service() string {
	if x.op == nil {
		return "unknown"
	}
	return x.op.API().Name
}

// operation is the name of the operation, or "unknown".
func (x *request) operation() string {
	if x.op == nil {
		return "unknown"
	}
	return x.op.Name
}

// outcome is "ok" or the error's code.
func (x *request) outcome() string {
	if x.err == nil {
		return "ok"
	}
	return x.err.Code
}
