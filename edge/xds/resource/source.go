package resource

import (
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
)

// Proxy is a client of xDS.
type Proxy struct {
	// Node is what the client says about itself. It is never nil.
	Node *corev3.Node
	// Account is the account that the client has proved to belong to.
	Account command.AccountID
	// Private means that the client may have private keys: it has proved who it is, or
	// is a program on this machine.
	Private bool
	// Allowed reports whether the client may do an action of IAM with a resource. Nil
	// means that callers are not authenticated, and everything is allowed.
	Allowed func(action, arn string) bool
	// Task is the task whose proxy the client is; nil for all others.
	Task *Task
}

// Task names a task of ECS.
type Task struct {
	Account     command.AccountID
	Cluster, ID string
}

// Source makes resources for some proxies.
type Source interface {
	// View returns what a proxy sees, or nil if the proxy is none of this source. An
	// error is a gRPC status; it closes the stream.
	View(in *Input, p *Proxy) (View, error)
	// Changes calls changed for every dependency that differs between two states,
	// except those of the registry, which RegistryChanges reports for all sources. Its
	// cost depends on the number of changes.
	Changes(old, new *state.State, changed func(Dep))
}

// View is what some proxies see. It is immutable.
type View interface {
	// Scope groups proxies: resources with equal scope, type and name are the same for
	// all of them, and are made once.
	Scope(t Type, name string) string
	// Names returns the names that a wildcard subscription gets, without duplicates.
	Names(in *Input, t Type) []string
	// Make returns a resource, or nil if there is none with this name. The same input
	// gives the same message on every node.
	Make(in *Input, t Type, name string) *Message
}

// Input is what resources are made from: one snapshot, and a record of the
// dependencies. It is for one goroutine.
type Input struct {
	State *state.State
	Rules *state.Rules
	// Leaving returns instances that have left a service a short time ago, so that
	// proxies can finish their requests. Nil means none.
	Leaving func(registry.ServiceID) []*registry.Instance
	// Now is the time.
	Now time.Time

	deps  map[Dep]struct{}
	until time.Time
}

// Until records that what is made must be made again at a time, if nothing changes
// before. The earliest one counts.
func (in *Input) Until(t time.Time) {
	if in.until.IsZero() || t.Before(in.until) {
		in.until = t
	}
}

// Due returns the time of Until, or the zero time.
func (in *Input) Due() time.Time { return in.until }

// DepKind is what a dependency is.
type DepKind uint8

// The kinds of dependencies. The comments say what Dep.ID is.
const (
	DepNamespaceName DepKind = iota // a name in lower case: the namespaces with it
	DepService                      // id of the namespace, "/", name of the service in lower case
	DepServices                     // id of the namespace: which services it has
	DepInstances                    // id of the service: its instances
	DepMesh                         // an object of a mesh; only the source of meshes knows the form
	DepConnect                      // id of the namespace: its client aliases of Service Connect
)

// Dep names a part of the state that a resource depends on.
type Dep struct {
	Kind DepKind
	ID   string
}

// Use records a dependency, also on what does not exist.
func (in *Input) Use(d Dep) {
	if in.deps == nil {
		in.deps = map[Dep]struct{}{}
	}
	in.deps[d] = struct{}{}
}

// Used calls f for each recorded dependency and forgets them.
func (in *Input) Used(f func(Dep)) {
	for d := range in.deps {
		f(d)
	}
	clear(in.deps)
}
