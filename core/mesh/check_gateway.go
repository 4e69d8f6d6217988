package mesh

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// Prefixes of paths and of gRPC services that App Mesh keeps for itself.
var (
	reservedPaths    = []string{"/aws-appmesh", "/aws-app-mesh"}
	reservedServices = []string{"aws.appmesh", "aws.app-mesh"}
)

// reserved reports whether a text begins with one of the prefixes.
func reserved(text string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

func (m *GatewayRouteSpec) check() error {
	if count(m.HTTP != nil, m.HTTP2 != nil, m.GRPC != nil) != 1 {
		return command.Invalid("A gateway route must have exactly one of httpRoute, http2Route and grpcRoute")
	}
	if m.GRPC != nil {
		return m.GRPC.Match.checkGateway()
	}
	route := m.HTTP
	if route == nil {
		route = m.HTTP2
	}
	if err := route.Match.checkGateway(); err != nil {
		return err
	}
	return route.Action.Rewrite.check(&route.Match)
}

func (m *GRPCMatch) checkGateway() error {
	switch {
	case m.ServiceName == nil && m.Hostname == nil:
		return command.Invalid("match must have a serviceName or a hostname")
	case m.ServiceName != nil && reserved(*m.ServiceName, reservedServices):
		return command.Invalid("match has the serviceName %q, which is reserved", *m.ServiceName)
	}
	if err := m.Hostname.check(); err != nil {
		return err
	}
	return checkHeaders(m.Metadata)
}

func (m *HTTPMatch) checkGateway() error {
	switch {
	case m.Prefix == nil && m.Path == nil && m.Hostname == nil:
		return command.Invalid("match must have a prefix, a path or a hostname")
	case m.Prefix != nil && reserved(*m.Prefix, reservedPaths):
		return command.Invalid("match has the prefix %q, which is reserved", *m.Prefix)
	case m.Path != nil && reserved(m.Path.Exact, reservedPaths):
		return command.Invalid("match has the path %q, which is reserved", m.Path.Exact)
	}
	if err := m.Hostname.check(); err != nil {
		return err
	}
	return m.check()
}

func (h *HostnameMatch) check() error {
	if h != nil && count(h.Exact != "", h.Suffix != "") != 1 {
		return command.Invalid("hostname must have exactly one of exact and suffix")
	}
	return nil
}

func (r *HTTPRewrite) check(match *HTTPMatch) error {
	switch {
	case r == nil:
		return nil
	case r.Prefix != nil && r.Path != nil:
		return command.Invalid("rewrite has a prefix and a path: it can have one of them")
	case r.Prefix != nil && match.Path != nil:
		return command.Invalid("rewrite has a prefix and match a path: a prefix can be rewritten only if match has one")
	case r.Path != nil && match.Prefix != nil:
		return command.Invalid("rewrite has a path and match a prefix: a path can be rewritten only if match has one")
	case r.Path != nil && !strings.HasPrefix(r.Path.Exact, "/"):
		return command.Invalid("rewrite has the path %q: it must begin with /", r.Path.Exact)
	}
	if p := r.Prefix; p != nil {
		switch {
		case count(p.DefaultPrefix != "", p.Value != "") != 1:
			return command.Invalid("rewrite must have exactly one of defaultPrefix and value in prefix")
		case p.Value != "" && !(strings.HasPrefix(p.Value, "/") && strings.HasSuffix(p.Value, "/")):
			return command.Invalid("rewrite has the prefix %q: it must begin and end with /", p.Value)
		}
	}
	return nil
}
