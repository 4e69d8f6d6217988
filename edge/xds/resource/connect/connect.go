// Package connect makes the xDS resources of the proxies of Service Connect: an Envoy beside
// each task of an ECS service that uses it.
//
// A proxy has a listener for each port that its task serves, and one for each client alias
// of its namespace. It gets the addresses of the aliases and its own ports when it starts,
// and sends them in the metadata of its node: task.ProxySettings. Everything else is in the
// state: listener.go and cluster.go make it, endpoints are those of package plain.
package connect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

// Source is the resource.Source of proxies of Service Connect.
type Source struct {
	// Region is the region of instances that do not name theirs.
	Region string

	mu sync.Mutex
	// known are the client aliases of namespaces in state. To find those of one costs as much
	// as there are services, and each listener and each change of endpoints needs one of them.
	known map[registry.NamespaceID][]task.ConnectEndpoint
	state *state.State
}

// view is what the proxies of one deployment of a service see.
type view struct {
	source    *Source
	namespace registry.NamespaceID
	owner     *registry.Namespace // for its name and account, which do not change
	settings  *task.ProxySettings
	served    []task.ConnectServed
	logs      *task.ServiceConnectAccessLogConfiguration // nil: none
	ipv6      bool                                       // the task has an IPv6 address
	own       string                                     // scope of what depends on the settings
	shared    string                                     // scope of what all proxies of the namespace share
}

// View returns the view of the proxy of a task. Other clients have none.
func (s *Source) View(in *resource.Input, p *resource.Proxy) (resource.View, error) {
	if p.Task == nil {
		return nil, nil
	}
	tasks := &in.State.Task
	t, ok := tasks.Task(p.Task.Account, p.Task.Cluster, p.Task.ID)
	if !ok {
		return nil, status.Errorf(codes.NotFound, "there is no task %s any more", p.Task.ID)
	}
	config, _ := tasks.ConnectOf(t)
	ns, ok := tasks.ConnectNamespace(&in.State.Registry, &in.Rules.Registry, t)
	if config == nil || !ok {
		return nil, status.Errorf(codes.NotFound, "task %s does not use Service Connect", t.ID)
	}
	settings, err := task.ParseProxySettings(p.Node.GetMetadata().GetFields()[task.ProxyMetadata].GetStructValue().AsMap())
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "metadata %s: %v", task.ProxyMetadata, err)
	}
	v := &view{
		source: s, namespace: ns.ID, owner: ns, settings: settings, served: tasks.ConnectServed(t), logs: config.AccessLogConfiguration,
		ipv6: t.Network != nil && t.Network.IPv6 != "", shared: "connect/" + string(ns.ID),
	}
	v.own, err = v.scope()
	return v, err
}

// scope returns a text that is equal for views that see the same.
func (v *view) scope() (string, error) {
	text, err := json.Marshal([]any{v.settings, v.served, v.logs, v.ipv6})
	if err != nil {
		return "", status.Errorf(codes.Internal, "the scope of a proxy: %v", err)
	}
	sum := sha256.Sum256(text)
	return v.shared + "/" + hex.EncodeToString(sum[:16]), nil
}

// Changes reports the namespaces whose client aliases may differ. The others stay known.
func (s *Source) Changes(old, new *state.State, changed func(resource.Dep)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == old {
		s.state = new
	}
	task.DiffConnect(&old.Task, &new.Task, func(r *task.ServiceConnectResource) {
		for _, in := range []*state.State{old, new} {
			if svc, ok := r.CloudMap(&in.Registry); ok {
				delete(s.known, svc.Namespace)
				changed(depOf(svc.Namespace))
			}
		}
	})
}

// depOf returns the dependency on the client aliases of a namespace.
func depOf(id registry.NamespaceID) resource.Dep {
	return resource.Dep{Kind: resource.DepConnect, ID: string(id)}
}

// Scope implements resource.View.
func (v *view) Scope(t resource.Type, name string) string {
	if (t == resource.Cluster || t == resource.Endpoints) && name != resource.Wildcard && v.servedBy(name) == nil {
		return v.shared
	}
	return v.own
}

// Names implements resource.View.
func (v *view) Names(in *resource.Input, t resource.Type) []string {
	if t != resource.Cluster && t != resource.Listener {
		return nil
	}
	var names []string
	for i := range v.served {
		if v.settings.Ingress[v.served[i].PortName] != 0 {
			names = append(names, ingressName(v.served[i].PortName))
		}
	}
	if t == resource.Listener && v.settings.Egress != 0 {
		names = append(names, egressAll)
	}
	for _, e := range v.known(in) {
		if t == resource.Cluster {
			names = append(names, v.clusterName(&e.ConnectTarget))
		} else {
			names = append(names, egressName(&e))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Make implements resource.View.
func (v *view) Make(in *resource.Input, t resource.Type, name string) *resource.Message {
	switch t {
	case resource.Listener:
		return v.listener(in, name)
	case resource.Cluster:
		if s := v.servedBy(name); s != nil {
			return localCluster(s)
		}
		if target := v.target(in, name); target != nil {
			return upstreamCluster(name, target)
		}
	case resource.Endpoints:
		return v.endpoints(in, name)
	}
	return nil
}

// endpoints returns the instances of a target.
func (v *view) endpoints(in *resource.Input, name string) *resource.Message {
	target := v.target(in, name)
	if target == nil {
		return nil
	}
	svc, ok := in.State.Registry.Service(target.Owner, target.Service)
	in.Use(resource.ServiceNamed(v.namespace, target.DiscoveryName))
	if !ok {
		return nil
	}
	return &resource.Message{Proto: plain.Endpoints(in, svc, name, plain.EndpointOptions{Region: v.source.Region})}
}

// aliases returns all client aliases of the namespace.
func (v *view) aliases(in *resource.Input) []task.ConnectEndpoint {
	in.Use(depOf(v.namespace))
	s := v.source
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != in.State {
		s.state, s.known = in.State, map[registry.NamespaceID][]task.ConnectEndpoint{}
	}
	all, ok := s.known[v.namespace]
	if !ok {
		all = in.State.Task.ConnectEndpoints(&in.State.Registry, v.owner)
		s.known[v.namespace] = all
	}
	return all
}

// known returns the client aliases that existed when the proxy started: only these have an
// address in its task.
func (v *view) known(in *resource.Input) []task.ConnectEndpoint {
	var all []task.ConnectEndpoint
	for _, e := range v.aliases(in) {
		if v.settings.Hosts[e.Name] != "" {
			all = append(all, e)
		}
	}
	return all
}

// target returns what a cluster leads to, or nil.
func (v *view) target(in *resource.Input, cluster string) *task.ConnectTarget {
	for _, e := range v.aliases(in) {
		if v.clusterName(&e.ConnectTarget) == cluster {
			return &e.ConnectTarget
		}
	}
	return nil
}

// servedBy returns the port that a listener or cluster of ingress serves, or nil.
func (v *view) servedBy(name string) *task.ConnectServed {
	for i := range v.served {
		if ingressName(v.served[i].PortName) == name {
			return &v.served[i]
		}
	}
	return nil
}
