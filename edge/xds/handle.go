package xds

import (
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// metaAccount is the key of the metadata of a node with which a client says which account
// it means, where nobody is authenticated.
const metaAccount = "cairn.account"

// handle handles one request, and reports whether the stream must look for something to
// send.
func (s *stream) handle(r request) (due bool, err error) {
	if s.proxy == nil {
		if err := s.identify(nodeOf(r)); err != nil {
			return false, err
		}
	}
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if touched := s.hub.catchUp(time.Now()); len(touched) > 0 {
		s.hub.mu.Unlock()
		wakeAll(touched)
		s.hub.mu.Lock()
	}
	if s.left {
		return false, errLeft
	}
	s.handling = true
	err = s.handleType(r)
	s.handling = false
	return s.pending(), err
}

func nodeOf(r request) *corev3.Node {
	switch r := r.(type) {
	case *discoveryv3.DiscoveryRequest:
		return r.GetNode()
	case *discoveryv3.DeltaDiscoveryRequest:
		return r.GetNode()
	}
	return nil
}

// handleType handles a request. The caller holds hub.mu.
func (s *stream) handleType(r request) error {
	t, ok, err := s.typeOf(r.GetTypeUrl())
	if err != nil || !ok {
		return err
	}
	s.server.metrics.requests[t].Inc()
	switch r := r.(type) {
	case *discoveryv3.DiscoveryRequest:
		return s.handleWorld(t, r)
	case *discoveryv3.DeltaDiscoveryRequest:
		return s.handleDelta(t, r)
	}
	return nil
}

// identify finds the view of the client from its first request, the only one with a
// node.
func (s *stream) identify(node *corev3.Node) error {
	if n := proto.Size(node); n > maxNode {
		return status.Errorf(codes.InvalidArgument, "the node has %d octets; at most %d are allowed", n, maxNode)
	}
	node = essential(node)
	s.hub.advance(time.Now())
	if err := s.enter(node); err != nil {
		s.server.cfg.Logger.Warn("stream refused", append(s.attrs(), "node", bounded(node.GetId(), 200), "error", err)...)
		return err
	}
	s.server.cfg.Logger.Debug("client connected", append(s.attrs(), "delta", s.delta)...)
	return nil
}

// enter gives the stream of a client its view.
func (s *stream) enter(node *corev3.Node) error {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if s.left {
		return errLeft
	}
	if text := command.AccountID(node.GetMetadata().GetFields()[metaAccount].GetStringValue()); s.open && text.Valid() {
		s.account = text
	}
	proxy := &resource.Proxy{Node: node, Account: s.account, Private: !s.open || s.local, Allowed: s.allowed, Task: s.task}
	view, err := s.hub.view(s, proxy)
	if err == nil {
		s.proxy, s.view = proxy, view
	}
	return err
}

// maxNode is how many octets the description of a client can have.
const maxNode = 1 << 20

// essential returns what is kept of the description of a client. Envoy also lists all its
// extensions, which would be most of the memory of a stream.
func essential(node *corev3.Node) *corev3.Node {
	return &corev3.Node{
		Id: node.GetId(), Cluster: node.GetCluster(), Metadata: node.GetMetadata(), Locality: node.GetLocality(),
		UserAgentName: node.GetUserAgentName(), ClientFeatures: node.GetClientFeatures(),
	}
}

// handleWorld handles a request of the state-of-the-world protocol. It names everything
// that the client wants of a type.
func (s *stream) handleWorld(t resource.Type, r *discoveryv3.DiscoveryRequest) error {
	first := s.types[t] == nil
	ss := s.subscriptions(t)
	nonce := r.GetResponseNonce()
	s.returning = s.returning || first && r.GetVersionInfo() != ""
	ss.late = nil
	switch {
	case first || nonce == "":
		// A client that has forgotten its nonce does not accept the answer in flight
		// any more.
		ss.inFlight = false
	case nonce != ss.nonce:
		// The client had not seen the newest answer when it sent this. It will say what
		// it wants when it has.
		ss.late, ss.lateAt = r, time.Now()
		return nil
	default:
		s.settle(ss, r.GetErrorDetail())
	}
	if err := s.wantWorld(ss, r.GetResourceNames()); err != nil {
		return err
	}
	if first && r.GetVersionInfo() != "" {
		ss.adopt(r.GetVersionInfo())
	}
	return nil
}

// wantWorld makes the subscriptions by name those of a list.
func (s *stream) wantWorld(ss *subscriptions, names []string) error {
	if err := s.checkSize(len(names) - ss.named); err != nil {
		return err
	}
	star, unique := false, 0
	ss.round++
	for _, name := range names {
		if name == resource.Wildcard && ss.t.Full() {
			star = true
			continue
		}
		if _, err := s.subscribe(ss, name); err != nil {
			return err
		}
		if sub := ss.subs[name]; sub.round != ss.round { // a name may be there twice
			sub.round = ss.round
			unique++
		}
	}
	if ss.t.Full() {
		ss.explicit = ss.explicit || len(names) > 0
		s.setWildcard(ss, star || !ss.explicit)
	}
	if unique == ss.named {
		return nil
	}
	for name, sub := range ss.subs {
		if sub.named && sub.round != ss.round {
			s.unsubscribe(ss, name)
		}
	}
	return nil
}

// adopt notes what a client got on an earlier stream, perhaps from another node. It does so
// if the version of the request says that the client has the newest version of all that it
// wants.
func (ss *subscriptions) adopt(version string) {
	var sum uint64
	for _, sub := range ss.subs {
		if r := sub.current(); r != nil {
			sum += r.Sum
		}
	}
	hash, _, _ := strings.Cut(version, "@")
	if hash != setVersion(sum, false, "") {
		return
	}
	for _, sub := range ss.subs {
		if r := sub.current(); r != nil {
			ss.hold(sub, r)
		}
	}
	ss.answerDue, ss.acked = false, bounded(version, maxVersion)
}

// handleDelta handles a request of the delta protocol. Subscriptions count whatever the
// nonce is.
func (s *stream) handleDelta(t resource.Type, r *discoveryv3.DeltaDiscoveryRequest) error {
	first := s.types[t] == nil
	ss := s.subscriptions(t)
	s.returning = s.returning || first && len(r.GetInitialResourceVersions()) > 0
	if nonce := r.GetResponseNonce(); nonce != "" && nonce == ss.nonce {
		s.settle(ss, r.GetErrorDetail())
	}
	if err := s.checkSize(len(r.GetResourceNamesSubscribe()) + len(r.GetInitialResourceVersions()) + len(ss.removed)); err != nil {
		return err
	}
	for _, name := range r.GetResourceNamesUnsubscribe() {
		s.dropDelta(ss, name)
	}
	if len(ss.removed) > s.server.cfg.MaxSubscriptions {
		return s.checkSize(len(ss.removed))
	}
	wildcard := ss.wildcard || first && len(r.GetResourceNamesSubscribe()) == 0
	for _, name := range r.GetResourceNamesSubscribe() {
		if name == resource.Wildcard {
			wildcard = true
			continue
		}
		isNew, err := s.subscribe(ss, name)
		if err != nil {
			return err
		}
		if !isNew { // the client wants an answer again
			sub := ss.subs[name]
			sub.force = true
			ss.enqueue(name, sub)
		}
	}
	if t.Full() {
		s.setWildcard(ss, wildcard)
	}
	if first {
		return s.adoptDelta(ss, r.GetInitialResourceVersions())
	}
	return nil
}

// dropDelta ends a subscription by name. If a wildcard has the name, the client gets it
// again.
func (s *stream) dropDelta(ss *subscriptions, name string) {
	if name == resource.Wildcard {
		s.setWildcard(ss, false)
		return
	}
	s.unsubscribe(ss, name)
	if sub := ss.subs[name]; sub != nil && !sub.named {
		sub.force = true
		ss.enqueue(name, sub)
	} else if sub == nil && ss.wildcard { // under a wildcard, the client must hear what became of it
		ss.removed = append(ss.removed, name)
	}
}

// adoptDelta notes what a client got on an earlier stream. Of what it has and should
// not have, it hears that it was removed.
func (s *stream) adoptDelta(ss *subscriptions, versions map[string]string) error {
	for name, version := range versions {
		if err := checkName(name); err != nil {
			return err
		}
		sub := ss.subs[name]
		if sub == nil {
			if !ss.wildcard || name == "" {
				continue
			}
			sub = &subscription{gone: true}
			ss.subs[name] = sub
			s.size++
			ss.enqueue(name, sub)
		}
		sub.has, sub.force = bounded(version, maxVersion), false
	}
	return nil
}

// maxVersion is how many octets are kept of a version that a client names. Those of cairn
// are shorter.
const maxVersion = 64

// settle notes that a client has accepted the newest answer, or rejected it.
func (s *stream) settle(ss *subscriptions, problem *rpcstatus.Status) {
	if !ss.inFlight {
		return
	}
	ss.inFlight = false
	if problem == nil {
		ss.acked, ss.rejected = ss.sent, nil
		if ss.t.Full() {
			ss.tainted = false
		}
		s.server.metrics.accepted[ss.t].Inc()
		return
	}
	ss.tainted = true
	ss.rejected = &rejection{
		Time: time.Now(), Type: ss.t.String(), Version: ss.sent, Nonce: ss.nonce,
		Code: codes.Code(problem.GetCode()).String(), Message: bounded(problem.GetMessage(), 1024),
	}
	s.server.reject(s, ss.rejected)
}

// errNoView means that no source serves a client.
var errNoView = status.Error(codes.NotFound, "there is nothing for this node")
