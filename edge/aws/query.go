package aws

import (
	"context"
	"net/http"
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/query"
	"github.com/cairn-discovery/cairn/edge/aws/sigv4"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
)

// isQuery reports whether a request is of the Query protocol, which is that of
// STS: a form, in the body or in the query.
func isQuery(r *http.Request) bool {
	if r.Header.Get("X-Amz-Target") != "" {
		return false
	}
	if r.Method == http.MethodGet || r.Method == http.MethodPost && r.ContentLength == 0 {
		return strings.Contains(r.URL.RawQuery, "Action=")
	}
	return r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// serveQuery carries out a call of STS, whose caller is known by now if the
// action needs one.
func (s *Server) serveQuery(ctx context.Context, x *exchange, body []byte) error {
	form, err := query.Parse(x.request.Method, x.request.URL.RawQuery, body)
	if err != nil {
		return err
	}
	x.name = form.Text("Action")
	x.known = s.metrics.knows(x.name)
	if s.auth != nil && x.principal == nil && !sts.Unsigned(x.name) {
		return &sigv4.Error{Kind: sigv4.Missing, Message: "Missing Authentication Token"}
	}
	x.form = form
	if err := s.limit(x); err != nil {
		return err
	}
	req := &sts.Request{
		ID: x.id, Form: form, Caller: x.principal, Account: string(x.account), Now: x.start, Context: x,
	}
	x.buf.out, err = s.sts.Serve(ctx, req, x.buf.out[:0])
	x.out, x.target = x.buf.out, req.Target
	return err
}

// appendError appends an error in the form of the request's protocol.
func (x *exchange) appendError(b []byte) []byte {
	if !x.query {
		return awsjson.AppendError(b, x.err)
	}
	e := &query.Error{Code: x.err.Code, Status: x.err.Status, Message: x.err.Message}
	return query.AppendError(b, sts.Namespace, e, x.id)
}
