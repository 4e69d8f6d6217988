// Package plain makes xDS resources from the registry alone, without any mesh.
//
// The name of a service is SERVICE.NAMESPACE[:PORT][?KEY=VALUE&…]. For each name there
// are a listener with an inline route, for gRPC clients; a cluster; and its endpoints.
// They are made when a client asks for the name, so names cost nothing. A proxy such as
// Envoy gets one listener with a virtual host for each service that its metadata lists,
// see outbound.go. gRPC servers get a listener for any address, see listener.go.
package plain

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// Source is the resource.Source of the registry.
type Source struct {
	// Region is the region of instances that do not name theirs.
	Region string
}

// View returns the view of a proxy. Every proxy has one.
func (s *Source) View(_ *resource.Input, p *resource.Proxy) (resource.View, error) {
	settings, err := settingsOf(p.Node)
	if err != nil {
		return nil, err
	}
	v := &view{account: p.Account, region: s.Region, settings: settings}
	v.shared = string(p.Account)
	v.own = v.shared + "/" + settings.key()
	v.near = v.shared
	if settings.preferNear {
		v.locality = localityOf(p.Node)
		v.near += "/" + v.locality.String()
	}
	return v, nil
}

// Changes reports nothing: everything depends on the registry.
func (*Source) Changes(_, _ *state.State, _ func(resource.Dep)) {}

// view is the resource.View of proxies with equal settings.
type view struct {
	account  command.AccountID
	region   string
	settings settings
	locality locality // of the proxy, if it prefers near instances
	// The scopes: of what all proxies of the account share, of what depends on the
	// settings, and of endpoints.
	shared, own, near string
}

func (v *view) Scope(t resource.Type, name string) string {
	switch {
	case name == v.settings.outbound() || name == resource.Wildcard:
		return v.own
	case t == resource.Endpoints:
		return v.near
	}
	return v.shared
}

func (v *view) Names(in *resource.Input, t resource.Type) []string {
	switch t {
	case resource.Cluster:
		return v.services(in)
	case resource.Listener:
		return v.listeners()
	}
	return nil
}

func (v *view) Make(in *resource.Input, t resource.Type, text string) *resource.Message {
	if m := v.makeOwn(in, t, text); m != nil {
		return m
	}
	if t == resource.Listener {
		if m := ServerListener(text); m != nil {
			return m
		}
	}
	n, ok := parseName(text)
	if !ok {
		return nil
	}
	svc, ok := resolve(in, v.account, n.host)
	if !ok {
		return nil
	}
	switch t {
	case resource.Listener:
		return apiListener(text, n)
	case resource.Cluster:
		return clusterOf(in, svc, text, n)
	case resource.Endpoints:
		o := EndpointOptions{Port: n.port, Region: v.region, match: n.matches}
		if v.settings.preferNear {
			o.near = &v.locality
		}
		return &resource.Message{Proto: Endpoints(in, svc, text, o)}
	}
	return nil
}
