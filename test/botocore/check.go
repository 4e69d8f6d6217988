package botocore

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/edge/aws/constraint"
	"github.com/cairn-discovery/cairn/edge/aws/rest"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// rounds is how many random values each shape is tried with.
const rounds = 12

// API is generated code with the model that it was generated from.
type API struct {
	// Model is the file of the model.
	Model      string
	Operations []service.Operation
	// Handlers is the generated interface of that name.
	Handlers reflect.Type
	Protocol wire.Protocol
	// OwnConstraints is true if constraints are tested elsewhere: the patterns of
	// Cloud Map have look-ahead, which Go's regexp lacks.
	OwnConstraints bool
}

// checker is one run.
type checker struct {
	API
	model  *model
	driver *driver
	router *rest.Router
	random *rand.Rand
	// request is the latest request, for messages.
	request string
}

// Check compares an API's codecs with those of botocore. The seed of the random
// values is fixed, unless BOTOCORE_SEED has another.
func Check(t *testing.T, api API) {
	t.Helper()
	seed, _ := strconv.ParseUint(os.Getenv("BOTOCORE_SEED"), 10, 64)
	c := &checker{API: api, model: loadModel(t, api.Model), driver: startDriver(t), random: rand.New(rand.NewPCG(seed, 0))}
	c.API.Model = absolute(t, api.Model)
	if len(api.Operations) != len(c.model.Operations) {
		t.Fatalf("there are %d operations, %d in the model", len(api.Operations), len(c.model.Operations))
	}
	if c.model.rest() {
		c.makeRouter(t)
	}
	for i := range api.Operations {
		op := &api.Operations[i]
		t.Run(op.Name, func(t *testing.T) {
			for range rounds {
				c.checkRequest(t, i)
				c.checkResponse(t, op)
				if t.Failed() {
					return
				}
			}
			c.checkErrors(t, op)
			if !api.OwnConstraints {
				c.checkConstraints(t, i)
			}
		})
	}
}

func (c *checker) makeRouter(t *testing.T) {
	t.Helper()
	var routes []rest.Route
	for i, op := range c.Operations {
		routes = append(routes, rest.Route{Method: op.Method, Pattern: op.Path, Index: i})
	}
	var err error
	if c.router, err = rest.New(routes); err != nil {
		t.Fatal(err)
	}
}

// checkRequest compares what is decoded of a request of botocore with what went
// in.
func (c *checker) checkRequest(t *testing.T, index int) {
	t.Helper()
	op := &c.Operations[index]
	input := c.model.Operations[op.Name].Input.Shape
	g := &generator{Rand: c.random, m: c.model}
	sent := g.value(input, place{}).(map[string]any)
	in, err := c.decode(t, index, sent)
	if _, ok := errors.AsType[*constraint.Error](err); err != nil && !ok {
		t.Fatalf("%v: %v", sent, err)
	}
	got := c.model.read(input, reflect.ValueOf(in)).(map[string]any)
	c.takeTokens(t, input, sent, got)
	at := member{Shape: input}
	if diff := cmp.Diff(c.model.canonical(input, at, sent, true), c.model.canonical(input, at, got, true)); diff != "" {
		t.Errorf("%s\nis decoded otherwise (-sent +decoded)\n%s", c.request, diff)
	}
}

// decode has botocore make a request of an input, and decodes that.
func (c *checker) decode(t *testing.T, index int, input map[string]any) (any, error) {
	t.Helper()
	op := &c.Operations[index]
	var request struct {
		Method, URL string
		Headers     map[string]string
		Body        []byte
	}
	c.driver.call(t, map[string]any{"do": "serialize", "model": c.API.Model, "operation": op.Name, "params": input}, &request)
	c.request = fmt.Sprintf("%s %s\n%s", request.Method, request.URL, request.Body)

	u, err := url.Parse(request.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := &wire.Request{Method: request.Method, Path: u.EscapedPath(), RawQuery: u.RawQuery, Header: http.Header{}, Body: request.Body, Strict: true}
	for name, value := range request.Headers {
		r.Header.Set(name, value)
	}
	c.prepare(t, r, index)
	return op.Decode(r)
}

// prepare does what the front door does for a protocol.
func (c *checker) prepare(t *testing.T, r *wire.Request, index int) {
	t.Helper()
	switch {
	case c.model.rest():
		found, labels, ok := c.router.Match(r.Method, r.Path, r.RawQuery)
		if !ok || found != index {
			t.Fatalf("%s %s?%s leads to operation %d, %v", r.Method, r.Path, r.RawQuery, found, ok)
		}
		r.Labels = labels
	case c.model.Metadata.Protocol == "query":
		form, err := url.ParseQuery(string(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		r.Form = form
	}
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// takeTokens removes idempotency tokens that were made because none was sent.
func (c *checker) takeTokens(t *testing.T, input string, sent, got map[string]any) {
	t.Helper()
	for name, part := range c.model.Shapes[input].Members {
		if _, given := sent[name]; part.IdempotencyToken && !given {
			if token, made := got[name].(string); made && !uuidForm.MatchString(token) {
				t.Errorf("token %q is no UUID", token)
			}
			delete(got, name)
		}
	}
}

// checkResponse compares what botocore parses of an answer with what went in.
func (c *checker) checkResponse(t *testing.T, op *service.Operation) {
	t.Helper()
	output := c.model.Operations[op.Name].Output.Shape
	if op.Encode == nil {
		return // no output, or one that is encoded by hand
	}
	g := &generator{Rand: c.random, m: c.model, output: true}
	want := g.value(output, place{}).(map[string]any)
	out := c.newOutput(op)
	c.model.write(output, out.Elem(), want)
	w := &wire.Response{RequestID: "request-1"}
	if err := op.Encode(w, out.Interface()); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Status int
		Value  any
	}
	c.parse(t, op, w, &answer)
	at := member{Shape: output}
	got := c.model.canonical(output, at, c.model.fromJSON(output, answer.Value), true)
	if diff := cmp.Diff(c.model.canonical(output, at, want, true), got); diff != "" {
		t.Errorf("%v\n%s\nis parsed otherwise (-encoded +parsed)\n%s", w.Header, w.Body, diff)
	}
}

// newOutput makes an empty output of an operation: the handlers' method of its
// name says of which type.
func (c *checker) newOutput(op *service.Operation) reflect.Value {
	method, ok := c.Handlers.MethodByName(op.Name)
	if !ok {
		panic("handlers has no method " + op.Name)
	}
	return reflect.New(method.Type.Out(0).Elem())
}

// parse has botocore parse an answer.
func (c *checker) parse(t *testing.T, op *service.Operation, w *wire.Response, answer any) {
	t.Helper()
	headers := map[string]string{"x-amzn-RequestId": "request-1"}
	for _, h := range w.Header {
		headers[h.Name] = h.Value
	}
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
	var raw json.RawMessage
	c.driver.call(t, map[string]any{
		"do": "parse", "model": c.API.Model, "operation": op.Name, "status": w.Status, "headers": headers,
		"body": base64.StdEncoding.EncodeToString(w.Body),
	}, &raw)
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(answer); err != nil {
		t.Fatal(err)
	}
}

// checkErrors has botocore parse each error that an operation declares, and the
// common ones.
func (c *checker) checkErrors(t *testing.T, op *service.Operation) {
	t.Helper()
	codes := slices.Clone(op.Errors)
	for kind := range wire.NotSupported + 1 {
		codes = append(codes, c.Protocol.Common(kind).Name)
	}
	for i, code := range codes {
		e := &wire.Error{Code: code, Status: http.StatusBadRequest, Message: "<Text> & \"quotes\" é"}
		if i%5 == 4 {
			e.Status = http.StatusServiceUnavailable
		}
		w := &wire.Response{Status: e.Status, Header: []wire.Member{{Name: "x-amzn-ErrorType", Value: code}}}
		w.Body = c.Protocol.AppendError(nil, e, "request-1")
		var answer struct {
			Status    int
			RequestID string
			Error     struct{ Code, Message string }
		}
		c.parse(t, op, w, &answer)
		if answer.Error.Code != code || answer.Error.Message != e.Message || answer.RequestID != "request-1" || answer.Status != e.Status {
			t.Errorf("%s\nis parsed as %+v", w.Body, answer)
		}
	}
}
