package appmesh

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws/rest"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

const (
	account  = "111111111111"
	consumer = "222222222222"
	stranger = "333333333333"
	prefix   = "arn:aws:appmesh:eu-west-1:111111111111:"
)

// fixture is the API on a state, without a front door, a store or a clock. The mesh "m" of
// the account is shared with the consumer.
type fixture struct {
	*testing.T
	api     *service.API
	router  *rest.Router
	state   *state.State
	rules   *state.Rules
	account command.AccountID
	now     int64 // milliseconds since 1970
	n       int   // commands so far
	// asked are what the last call asked to be permitted.
	asked []string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	api, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var routes []rest.Route
	for i, op := range api.All() {
		routes = append(routes, rest.Route{Method: op.Method, Pattern: op.Path, Index: i})
	}
	router, err := rest.New(routes)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{T: t, api: api, router: router, state: new(state.State), account: account, now: 1_764_331_200_123, rules: &state.Rules{
		Registry: registry.Rules{Region: "eu-west-1"},
		Mesh:     mesh.Rules{Shares: []mesh.Share{{Owner: account, Mesh: "m", With: []command.AccountID{consumer}}}},
	}}
}

// Propose implements service.Proposer.
func (w *fixture) Propose(_ context.Context, account command.AccountID, cmd command.Command) (command.Reply, error) {
	w.n++
	m := command.Meta{Account: account, Now: w.now, Entropy: sha256.Sum256(fmt.Append(nil, w.n))}
	d, err := state.Decide(w.state, w.rules, m, cmd)
	if err != nil {
		return command.Reply{}, err
	}
	w.state = state.Apply(w.state, w.state.Revision+1, d.Changes...)
	return d.Reply, nil
}

// Values and Permit implement service.Access: everything is permitted and noted.
func (w *fixture) Values(string) []string { return nil }

func (w *fixture) Permit(r *access.Request) error {
	for _, resource := range r.Resources {
		text := r.Action + " " + resource.ARN
		if resource.Optional {
			text += " optional"
		}
		if values := r.Context.Values("aws:requesttag/team"); len(values) > 0 {
			text += " request=" + strings.Join(values, ",")
		}
		if resource.Tags != nil {
			text += " team=" + strings.Join(resource.Tags.TagValues("team"), ",")
		}
		w.asked = append(w.asked, strings.ReplaceAll(text, prefix, ""))
	}
	return nil
}

// call returns a call of an operation.
func (w *fixture) call(operation string) *service.Call {
	return &service.Call{
		Operation: w.api.Operation(operation), Account: w.account, Now: time.UnixMilli(w.now), State: w.state, Rules: w.rules, Proposer: w,
		Access: w, Caller: new(identity.Principal),
	}
}

// do makes a request, such as PUT /meshes?limit=1, below the prefix of the API.
func (w *fixture) do(method, uri, body string) (string, *wire.Error) {
	w.Helper()
	path, query, _ := strings.Cut("/v20190125"+uri, "?")
	i, labels, ok := w.router.Match(method, path, query)
	if !ok {
		w.Fatalf("%s %s is no operation", method, uri)
	}
	w.asked = nil
	c := w.call(w.api.All()[i].Name)
	r := wire.Response{Body: []byte{}}
	if err := c.Serve(w.Context(), &wire.Request{Method: method, Path: path, RawQuery: query, Labels: labels, Body: []byte(body)}, &r); err != nil {
		e, _ := c.Error(w.api, err)
		return "", e
	}
	return string(r.Body), nil
}

// must makes a request that succeeds, and returns its answer.
func (w *fixture) must(method, uri, body string) map[string]any {
	w.Helper()
	answer, e := w.do(method, uri, body)
	if e != nil {
		w.Fatalf("%s %s %s: %s: %s", method, uri, body, e.Code, e.Message)
	}
	out := map[string]any{}
	if err := json.Unmarshal([]byte(answer), &out); err != nil {
		w.Fatal(err)
	}
	return out
}

// fails makes a request that fails with a code, a status and a text.
func (w *fixture) fails(method, uri, body, code string, status int, text string) {
	w.Helper()
	answer, e := w.do(method, uri, body)
	if e == nil {
		w.Errorf("%s %s %s: got %s, want %s", method, uri, body, answer, code)
	} else if e.Code != code || e.Status != status || !strings.Contains(e.Message, text) {
		w.Errorf("%s %s %s: got %s %d: %s, want %s %d: %s", method, uri, body, e.Code, e.Status, e.Message, code, status, text)
	}
}
