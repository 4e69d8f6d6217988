package mesh

import (
	"github.com/cairn-discovery/cairn/core/command"
)

func (m *VirtualNodeSpec) check() error {
	switch {
	case m.ServiceDiscovery != nil && len(m.Listeners) == 0:
		return command.Invalid("Service Discovery can't be set without a listener.")
	case m.ServiceDiscovery == nil && len(m.Listeners) > 0:
		return command.Invalid("Service Discovery must be set for a virtual node with a listener.")
	}
	if err := checkListeners(m.Listeners); err != nil {
		return err
	}
	if err := m.BackendDefaults.check(); err != nil {
		return err
	}
	if err := m.Logging.check(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, b := range m.Backends {
		if b.VirtualService == nil {
			continue
		}
		name := ServiceName(b.VirtualService.VirtualServiceName)
		if name == "" || seen[name] {
			return command.Invalid("backends has the virtual service %q twice, or without a name", name)
		}
		seen[name] = true
		if err := b.VirtualService.ClientPolicy.check("The backend " + name); err != nil {
			return err
		}
	}
	return nil
}

func (m *VirtualGatewaySpec) check() error {
	if len(m.Listeners) == 0 {
		return command.Invalid("A virtual gateway must have a listener")
	}
	if err := checkListeners(m.Listeners); err != nil {
		return err
	}
	if err := m.Logging.check(); err != nil {
		return err
	}
	return m.BackendDefaults.check()
}

func checkListeners(listeners []Listener) error {
	ports := map[int64]bool{}
	for i := range listeners {
		l := &listeners[i]
		if ports[l.PortMapping.Port] {
			return errSamePort(l.PortMapping.Port)
		}
		ports[l.PortMapping.Port] = true
		if err := l.check(); err != nil {
			return err
		}
	}
	return nil
}

func (l *Listener) check() error {
	port, protocol := l.PortMapping.Port, l.PortMapping.Protocol
	if p := l.ConnectionPool; p != nil && p.protocol() != protocol {
		return command.Invalid("The listener on port %d has the protocol %s and a connectionPool for %s: both must be the same", port, protocol, p.protocol())
	}
	if t := l.Timeout; t != nil && t.protocol() != protocol {
		return command.Invalid("The listener on port %d has the protocol %s and a timeout for %s: both must be the same", port, protocol, t.protocol())
	}
	if h := l.HealthCheck; h != nil {
		switch {
		case h.Port != 0 && h.Port != port:
			return command.Invalid("The health check of the listener on port %d has the port %d: it must be that of the listener", port, h.Port)
		case h.Path != nil && h.Protocol != HTTP && h.Protocol != HTTP2:
			return command.Invalid("The health check of the listener on port %d has a path and the protocol %s: only http and http2 have paths", port, h.Protocol)
		}
	}
	if l.TLS != nil && l.TLS.Validation != nil {
		return l.TLS.Validation.SubjectAlternativeNames.check("The listener", false)
	}
	return nil
}

func (p *ConnectionPool) protocol() string {
	return protocolOf(p.HTTP != nil, p.HTTP2 != nil, p.GRPC != nil)
}

func (t *ListenerTimeout) protocol() string {
	return protocolOf(t.HTTP != nil, t.HTTP2 != nil, t.GRPC != nil)
}

// protocolOf returns the protocol of the member of a union that is set.
func protocolOf(http, http2, grpc bool) string {
	switch {
	case http:
		return HTTP
	case http2:
		return HTTP2
	case grpc:
		return GRPC
	}
	return TCP
}
