package xds

import (
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// services returns the gRPC services of xDS. Their messages are encoded by codec, so
// they are not those that protoc generates. They are registered with the *Caller that all
// clients of a listener are; nil means that each is authenticated.
func (s *Server) services() []*grpc.ServiceDesc {
	all := []*grpc.ServiceDesc{
		s.service("envoy.service.discovery.v3.AggregatedDiscoveryService", "AggregatedResources", nil),
	}
	for _, one := range []struct {
		name, method string
		t            resource.Type
	}{
		{"envoy.service.cluster.v3.ClusterDiscoveryService", "Clusters", resource.Cluster},
		{"envoy.service.endpoint.v3.EndpointDiscoveryService", "Endpoints", resource.Endpoints},
		{"envoy.service.listener.v3.ListenerDiscoveryService", "Listeners", resource.Listener},
		{"envoy.service.route.v3.RouteDiscoveryService", "Routes", resource.Route},
		{"envoy.service.secret.v3.SecretDiscoveryService", "Secrets", resource.Secret},
	} {
		all = append(all, s.service(one.name, one.method, &one.t))
	}
	return all
}

// service returns a service with a stream of each protocol.
func (s *Server) service(name, method string, only *resource.Type) *grpc.ServiceDesc {
	handler := func(delta bool) grpc.StreamHandler {
		return func(known any, ss grpc.ServerStream) error { return s.serve(ss, known.(*Caller), delta, only) }
	}
	desc := &grpc.ServiceDesc{ServiceName: name, HandlerType: (*any)(nil)}
	desc.Streams = append(desc.Streams,
		grpc.StreamDesc{StreamName: "Stream" + method, Handler: handler(false), ServerStreams: true, ClientStreams: true},
		grpc.StreamDesc{StreamName: "Delta" + method, Handler: handler(true), ServerStreams: true, ClientStreams: true})
	return desc
}

// serve serves one stream.
func (s *Server) serve(ss grpc.ServerStream, known *Caller, delta bool, only *resource.Type) error {
	c, err := s.connect(ss.Context(), known)
	if err != nil {
		return err
	}
	counted := s.conns.of(c.peer)
	if !counted.Begin() {
		return status.Error(codes.Unavailable, "the connection had to give way to another one")
	}
	defer counted.End()
	if !c.open {
		counted.Authenticated()
	}
	st := &stream{
		connection: c, server: s, hub: s.hub, delta: delta, only: only, began: time.Now(), wake: make(chan struct{}, 1),
		send: func(f *frame) error { return ss.SendMsg(f) },
	}
	if err := s.add(st); err != nil {
		return err
	}
	defer s.remove(st)
	return st.run(ss.Context(), func() (request, error) {
		var r request = new(discoveryv3.DiscoveryRequest)
		if delta {
			r = new(discoveryv3.DeltaDiscoveryRequest)
		}
		err := ss.RecvMsg(r)
		return r, err
	})
}

func (s *Server) add(st *stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.streams) >= s.cfg.MaxStreams {
		s.metrics.refused.Inc()
		return status.Errorf(codes.ResourceExhausted, "%d streams are open, which is the limit", s.cfg.MaxStreams)
	}
	s.streams[st] = struct{}{}
	return nil
}

func (s *Server) remove(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, st)
}
