package cloudmap

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/memory"
)

const testAccount command.AccountID = "000000000000"

// harness is an API on a registry in memory. It holds every answer against the
// model: shapes, enums, and which errors an operation declares.
type harness struct {
	*testing.T
	api     *service.API
	replica *replica.Replica
	rules   *atomic.Pointer[state.Rules]
	model   apiModel
	account command.AccountID
}

func newHarness(t *testing.T, strict bool) *harness {
	t.Helper()
	h := &harness{T: t, rules: new(atomic.Pointer[state.Rules]), model: loadModel(t), account: testAccount}
	h.setRules(func(r *state.Rules) {
		*r = state.Rules{Registry: registry.Rules{Region: "eu-west-1", Strict: strict, DefaultTTL: 60}}
	})
	r, err := replica.New(replica.Config{Store: memory.New(), Rules: h.rules.Load, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("replica: %v", err)
		}
	})
	<-r.Loaded()
	h.replica = r
	h.useKeys(testKey)
	return h
}

// useKeys makes an API with other keys for DNSSEC.
func (h *harness) useKeys(keys SigningKeys) {
	h.Helper()
	var err error
	if h.api, err = New(keys); err != nil {
		h.Fatal(err)
	}
}

// inBothModes runs a test in extended and in strict mode.
func inBothModes(t *testing.T, test func(h *harness)) {
	t.Run("extended", func(t *testing.T) { test(newHarness(t, false)) })
	t.Run("strict", func(t *testing.T) { test(newHarness(t, true)) })
}

func (h *harness) setRules(change func(*state.Rules)) {
	var next state.Rules
	if old := h.rules.Load(); old != nil {
		next = *old
	}
	change(&next)
	h.rules.Store(&next)
}

func (h *harness) strict() bool { return h.rules.Load().Registry.Strict }

// object is a JSON object, as it is sent or as it came.
type object = map[string]any

// list is a JSON list to send.
type list = []any

// try calls an operation and returns its answer or its error.
func (h *harness) try(name string, in object) (object, *wire.Error) {
	h.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		h.Fatal(err)
	}
	out, e := h.serve(name, body)
	if e != nil {
		return nil, h.declared(name, e)
	}
	shape := h.model.Operations[name].Output.Shape
	if shape == "" {
		if len(out) != 0 {
			h.Errorf("%s answers %s; it has no output", name, out)
		}
		return nil, nil
	}
	var answer object
	if err := json.Unmarshal(out, &answer); err != nil {
		h.Fatalf("%s answers %s: %v", name, out, err)
	}
	h.conforms(name, shape, answer)
	return answer, nil
}

// serve calls an operation as the front door does.
func (h *harness) serve(name string, body []byte) ([]byte, *wire.Error) {
	h.Helper()
	op := h.api.Operation(name)
	if op == nil {
		h.Fatalf("no operation %s", name)
	}
	c := &service.Call{Operation: op, Account: h.account, State: h.replica.Current().State, Rules: h.rules.Load(), Proposer: h.replica}
	var w wire.Response
	if err := c.Serve(context.Background(), &wire.Request{Body: body, Strict: c.Rules.Registry.Strict}, &w); err != nil {
		e, _ := c.Error(h.api, err)
		return nil, e
	}
	return w.Body, nil
}

// declared checks that an operation may answer with the error.
func (h *harness) declared(name string, e *wire.Error) *wire.Error {
	h.Helper()
	for _, shape := range h.model.Operations[name].Errors {
		if shape.Shape == e.Code {
			h.errorConforms(e)
			return e
		}
	}
	if e.Code != "SerializationException" {
		h.Errorf("%s: the model does not declare %v", name, e)
	}
	return e
}

func (h *harness) errorConforms(e *wire.Error) {
	h.Helper()
	if e.Status != 400 || e.Message == "" {
		h.Errorf("%s has status %d and message %q", e.Code, e.Status, e.Message)
	}
	members := h.model.Shapes[e.Code].Members
	for _, m := range e.Members {
		if _, ok := members[m.Name]; !ok {
			h.Errorf("the model has no %s.%s", e.Code, m.Name)
		}
	}
	if len(e.Members)+1 != len(members) && !(len(e.Members) == 0 && len(members) == 0) {
		h.Errorf("%s has members %v, the model %v", e.Code, e.Members, members)
	}
}

// conforms holds a value against its shape.
func (h *harness) conforms(at, shape string, value any) {
	h.Helper()
	s := h.model.Shapes[shape]
	ok := false
	switch v := value.(type) {
	case object:
		ok = s.Type == "structure" || s.Type == "map"
		for key, member := range v {
			inner := s.Value.Shape
			if s.Type == "structure" {
				inner = s.Members[key].Shape
			}
			if inner == "" {
				h.Errorf("%s: the model has no member %s in %s", at, key, shape)
				continue
			}
			h.conforms(at+"."+key, inner, member)
		}
	case list:
		ok = s.Type == "list"
		for _, member := range v {
			h.conforms(at+"[]", s.Member.Shape, member)
		}
	case string:
		ok = s.Type == "string" && (len(s.Enum) == 0 || slices.Contains(s.Enum, v) || v == string(RoutingPolicyLatency))
	case float64:
		ok = s.Type == "timestamp" || (s.Type == "integer" || s.Type == "long") && v == float64(int64(v))
	}
	if !ok {
		h.Errorf("%s: %v (%T) is no %s (%s)", at, value, value, shape, s.Type)
	}
}

// call calls an operation that must succeed.
func (h *harness) call(name string, in object) object {
	h.Helper()
	answer, e := h.try(name, in)
	if e != nil {
		h.Fatalf("%s %v: %v", name, in, e)
	}
	return answer
}

// fails calls an operation that must fail with the code, and returns the error.
func (h *harness) fails(code, name string, in object) *wire.Error {
	h.Helper()
	answer, e := h.try(name, in)
	if e == nil {
		h.Fatalf("%s %v: got %v, want %s", name, in, answer, code)
	}
	if e.Code != code {
		h.Errorf("%s %v: got %v, want %s", name, in, e, code)
	}
	return e
}

// invalid calls an operation that must fail with InvalidInput and a text.
func (h *harness) invalid(text, name string, in object) {
	h.Helper()
	if e := h.fails("InvalidInput", name, in); !strings.Contains(e.Message, text) {
		h.Errorf("%s %v: got %q, want %q", name, in, e.Message, text)
	}
}

// member returns the member of an error.
func member(e *wire.Error, name string) string {
	for _, m := range e.Members {
		if m.Name == name {
			return m.Value
		}
	}
	return ""
}

// at returns what a path of names leads to, or nil.
func at(v any, path ...string) any {
	for _, name := range path {
		o, ok := v.(object)
		if !ok {
			return nil
		}
		v = o[name]
	}
	return v
}

func text(v any, path ...string) string {
	s, _ := at(v, path...).(string)
	return s
}

// target returns what an operation of the answer works on.
func (h *harness) target(answer object, kind string) string {
	h.Helper()
	op := h.call("GetOperation", object{"OperationId": answer["OperationId"]})
	if got := text(op, "Operation", "Status"); got != "SUCCESS" {
		h.Errorf("operation %v: %v", answer, op)
	}
	return text(op, "Operation", "Targets", kind)
}

func (h *harness) httpNamespace(name string) string {
	h.Helper()
	return h.target(h.call("CreateHttpNamespace", object{"Name": name}), "NAMESPACE")
}

func (h *harness) privateNamespace(name string) string {
	h.Helper()
	return h.target(h.call("CreatePrivateDnsNamespace", object{"Name": name, "Vpc": "vpc-1"}), "NAMESPACE")
}

func (h *harness) publicNamespace(name string) string {
	h.Helper()
	return h.target(h.call("CreatePublicDnsNamespace", object{"Name": name}), "NAMESPACE")
}

// service makes a service and returns its id; more are further members.
func (h *harness) service(namespace, name string, more object) string {
	h.Helper()
	in := object{"Name": name, "NamespaceId": namespace}
	for k, v := range more {
		in[k] = v
	}
	return text(h.call("CreateService", in), "Service", "Id")
}

func (h *harness) register(service, id string, attributes object) {
	h.Helper()
	if attributes == nil {
		attributes = object{}
	}
	h.call("RegisterInstance", object{"ServiceId": service, "InstanceId": id, "Attributes": attributes})
}

// ids returns the sorted member of that name of all elements of a list.
func ids(answer object, listName, name string) []string {
	got := []string{}
	elements, _ := answer[listName].(list)
	for _, e := range elements {
		got = append(got, text(e, name))
	}
	slices.Sort(got)
	return got
}

func (h *harness) wantIDs(what string, got []string, want ...string) {
	h.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		h.Errorf("%s: got %v, want %v", what, got, want)
	}
}
