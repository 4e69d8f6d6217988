package ecs

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
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

const (
	account  = "111111111111"
	stranger = "222222222222"
	prefix   = "arn:aws:ecs:eu-west-1:111111111111:"
)

// fixture is the API on a state, without a front door, a store or a clock.
type fixture struct {
	*testing.T
	api     *service.API
	state   *state.State
	rules   *state.Rules
	account command.AccountID
	now     int64 // milliseconds since 1970
	n       int   // commands so far
	// asked are what the last call asked to be permitted, if the fixture is guarded.
	asked   []string
	guarded bool
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	api, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{T: t, api: api, state: new(state.State), account: account, now: 1_764_331_200_000, rules: &state.Rules{
		Registry: registry.Rules{Region: "eu-west-1", DefaultTTL: 60}, Task: task.Rules{Region: "eu-west-1"},
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

// put stores a record, such as tc/111111111111/web.
func (w *fixture) put(key, record string) {
	w.Helper()
	change, err := state.Decode(key, []byte(record))
	if err != nil {
		w.Fatalf("%s: %v", key, err)
	}
	w.state = state.Apply(w.state, w.state.Revision+1, change)
}

// Values and Permit implement service.Access: everything is permitted and noted.
func (w *fixture) Values(string) []string { return nil }

func (w *fixture) Permit(r *access.Request) error {
	for _, resource := range r.Resources {
		text := r.Action + " " + resource.ARN
		for _, key := range keys {
			if values := r.Context.Values(strings.ToLower(key)); len(values) > 0 {
				text += fmt.Sprintf(" %s=%s", key, strings.Join(values, ","))
			}
		}
		if resource.Tags != nil {
			text += fmt.Sprintf(" team=%s", strings.Join(resource.Tags.TagValues("team"), ","))
		}
		w.asked = append(w.asked, strings.ReplaceAll(text, prefix, ""))
	}
	return nil
}

// do calls an operation.
func (w *fixture) do(operation, body string) (string, *wire.Error) {
	w.Helper()
	op := w.api.Operation(operation)
	if op == nil {
		w.Fatalf("%s is no operation", operation)
	}
	c := &service.Call{
		Operation: op, Account: w.account, Now: time.UnixMilli(w.now), State: w.state, Rules: w.rules, Proposer: w, Access: w,
	}
	if w.guarded {
		w.asked, c.Caller = nil, new(identity.Principal)
	}
	r := wire.Response{Body: []byte{}}
	if err := c.Serve(w.Context(), &wire.Request{Body: []byte(body)}, &r); err != nil {
		e, _ := c.Error(w.api, err)
		return "", e
	}
	return string(r.Body), nil
}

// must calls an operation that succeeds.
func (w *fixture) must(operation, body string) string {
	w.Helper()
	answer, e := w.do(operation, body)
	if e != nil {
		w.Fatalf("%s %s: %s: %s", operation, body, e.Code, e.Message)
	}
	return answer
}

// answer calls an operation that succeeds and returns its answer.
func (w *fixture) answer(operation, body string) map[string]any {
	w.Helper()
	out := map[string]any{}
	if err := json.Unmarshal([]byte(w.must(operation, body)), &out); err != nil {
		w.Fatal(err)
	}
	return out
}

// fails calls an operation that fails with a code and a text.
func (w *fixture) fails(operation, body, code, text string) {
	w.Helper()
	answer, e := w.do(operation, body)
	if e == nil {
		w.Errorf("%s %s: got %s, want %s", operation, body, answer, code)
	} else if e.Code != code || !strings.Contains(e.Message, text) {
		w.Errorf("%s %s: got %s: %s, want %s: %s", operation, body, e.Code, e.Message, code, text)
	}
}

// has calls an operation whose answer has some parts.
func (w *fixture) has(operation, body string, parts ...string) {
	w.Helper()
	answer := w.must(operation, body)
	for _, part := range parts {
		if !strings.Contains(answer, part) {
			w.Errorf("%s %s: %s is not in %s", operation, body, part, answer)
		}
	}
}

// cloudMap carries out a command of Cloud Map.
func (w *fixture) cloudMap(cmd command.Command) command.Reply {
	w.Helper()
	reply, err := w.Propose(w.Context(), account, cmd)
	if err != nil {
		w.Fatal(err)
	}
	return reply
}

// registry makes a service of Cloud Map in the first namespace and returns its ARN.
func (w *fixture) registry(name, record string) string {
	w.Helper()
	cmd := &registry.CreateService{Name: name, CustomHealth: true, DNS: &registry.DNSConfig{Records: []registry.DNSRecord{{Type: registry.RecordType(record), TTL: 60}}}}
	for id := range w.state.Registry.VisibleNamespaces(&w.rules.Registry, account, "") {
		cmd.DNSNamespaceRef = string(id)
		break
	}
	svc := w.cloudMap(cmd).Value.(*registry.Service)
	return w.rules.Registry.ServiceARN(svc.Account, svc.ID)
}
