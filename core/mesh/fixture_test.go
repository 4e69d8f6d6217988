package mesh_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/state"
)

const consumer = command.AccountID("222222222222")

// fixture has a mesh "m" with the virtual node "n", which listens to HTTP on port 8080, the
// virtual router "r" and the virtual gateway "g", which listen there too, the virtual
// service "s.local" with the router as provider, and the node "bare" without a listener.
type fixture struct {
	t        *testing.T
	state    *state.State
	rules    state.Rules
	now      int64
	commands uint64
}

const (
	httpListener = `{"portMapping":{"port":8080,"protocol":"http"}}`
	tcpListener  = `{"portMapping":{"port":9090,"protocol":"tcp"}}`
	dnsDiscovery = `"serviceDiscovery":{"dns":{"hostname":"n.local"}}`
	nodeSpec     = `{"listeners":[` + httpListener + `],` + dnsDiscovery + `}`
	routeSpec    = `{"httpRoute":{"match":{"prefix":"/"},"action":{"weightedTargets":[{"virtualNode":"n","weight":1}]}}}`
	gatewaySpec  = `{"httpRoute":{"match":{"prefix":"/"},"action":{"target":{"virtualService":{"virtualServiceName":"s.local"}}}}}`
)

func newFixture(t *testing.T) *fixture {
	w := &fixture{t: t, state: new(state.State), now: 1_795_000_000_000}
	w.rules.Quotas.Limits = state.DefaultLimits(false)
	w.rules.Mesh.Shares = []mesh.Share{{Owner: owner, Mesh: "m", With: []command.AccountID{consumer}}}
	w.create("mesh/m", `{}`)
	w.create("mesh/m/virtualNode/n", nodeSpec)
	w.create("mesh/m/virtualNode/bare", `{}`)
	w.create("mesh/m/virtualRouter/r", `{"listeners":[`+httpListener+`]}`)
	w.create("mesh/m/virtualService/s.local", `{"provider":{"virtualRouter":{"virtualRouterName":"r"}}}`)
	w.create("mesh/m/virtualGateway/g", `{"listeners":[`+httpListener+`]}`)
	return w
}

// try decides a command and applies it.
func (w *fixture) try(account command.AccountID, c command.Command) (command.Reply, error) {
	w.commands++
	w.now += 1000
	d, err := state.Decide(w.state, &w.rules, command.Meta{
		Account: account, Now: w.now, Entropy: sha256.Sum256(binary.BigEndian.AppendUint64(nil, w.commands)),
	}, c)
	if err == nil {
		w.state = state.Apply(w.state, w.state.Revision+1, d.Changes...)
	}
	return d.Reply, err
}

// ref returns the Ref of a path in the mesh of the owner.
func ref(t *testing.T, path string) mesh.Ref {
	t.Helper()
	r, ok := mesh.ParsePath(owner, path)
	if !ok {
		t.Fatalf("%q is no path", path)
	}
	return r
}

func spec(t *testing.T, k mesh.Kind, text string) mesh.Spec {
	t.Helper()
	s := k.NewSpec()
	if err := json.Unmarshal([]byte(text), s); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// put returns the error of a creation.
func (w *fixture) put(path, text string) error {
	w.t.Helper()
	r := ref(w.t, path)
	_, err := w.try(owner, &mesh.Create{Ref: r, Spec: spec(w.t, r.Kind, text)})
	return err
}

func (w *fixture) create(path, text string) {
	w.t.Helper()
	if err := w.put(path, text); err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
}

// update returns the error of an update.
func (w *fixture) update(path, text string) error {
	w.t.Helper()
	r := ref(w.t, path)
	_, err := w.try(owner, &mesh.Update{Ref: r, Spec: spec(w.t, r.Kind, text)})
	return err
}

func (w *fixture) remove(path string) error {
	w.t.Helper()
	_, err := w.try(owner, &mesh.Delete{Ref: ref(w.t, path)})
	return err
}
