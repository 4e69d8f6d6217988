package sidecar

import (
	"context"
	"errors"
	"slices"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"
)

// subscription is what the sidecar has said about a type on a stream.
type subscription struct {
	asked          bool
	names          []string
	version, nonce string
}

// follow keeps the resources until ctx ends. Updated is called after each answer; its
// error ends follow. A stream that breaks is opened again.
func (p *proxy) follow(ctx context.Context, updated func() error) error {
	conn, err := grpc.NewClient(p.cfg.Server, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	for ctx.Err() == nil {
		err := p.stream(ctx, discoveryv3.NewAggregatedDiscoveryServiceClient(conn), updated)
		if fatal, ok := errors.AsType[*listenError](err); ok {
			return fatal.error
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

// listenError is an error after which there is no use in another stream.
type listenError struct{ error }

// stream handles one stream in the state-of-the-world protocol.
func (p *proxy) stream(ctx context.Context, client discoveryv3.AggregatedDiscoveryServiceClient, updated func() error) error {
	stream, err := client.StreamAggregatedResources(ctx)
	if err != nil {
		return err
	}
	metadata, err := structpb.NewStruct(p.cfg.Metadata)
	if err != nil {
		return err
	}
	node := &corev3.Node{Id: p.cfg.ID, Cluster: p.cfg.ID, Metadata: metadata, UserAgentName: "cairn-sidecar"}
	types := map[string]*subscription{}
	// ask says which resources of a type are wanted. An answer of the node is accepted
	// with it, or rejected with a problem.
	ask := func(url string, problem error) error {
		s := types[url]
		s.asked = true
		r := &discoveryv3.DiscoveryRequest{TypeUrl: url, ResourceNames: s.names, VersionInfo: s.version, ResponseNonce: s.nonce, Node: node}
		if problem != nil {
			r.ErrorDetail = &status.Status{Code: int32(codes.InvalidArgument), Message: problem.Error()}
		}
		node = nil // only the first request names the client
		return stream.Send(r)
	}
	for _, url := range []string{clusterType, listenerType} {
		types[url] = new(subscription)
		if err := ask(url, nil); err != nil {
			return err
		}
	}
	for {
		answer, err := stream.Recv()
		if err != nil {
			return err
		}
		s := types[answer.GetTypeUrl()]
		if s == nil {
			return errors.New("an answer to no question")
		}
		s.nonce = answer.GetNonce()
		problem := p.resources.apply(answer.GetTypeUrl(), answer.GetResources())
		if problem == nil {
			s.version = answer.GetVersionInfo()
		}
		if err := ask(answer.GetTypeUrl(), problem); err != nil {
			return err
		}
		if err := p.subscribe(types, ask); err != nil {
			return err
		}
		if err := updated(); err != nil {
			return &listenError{err}
		}
	}
}

// subscribe asks for what clusters and listeners refer to, if that has changed.
func (p *proxy) subscribe(types map[string]*subscription, ask func(string, error) error) error {
	for _, url := range []string{endpointsType, secretType, routeType} {
		names := p.resources.wanted(url)
		s := types[url]
		if s == nil {
			s = new(subscription)
			types[url] = s
		}
		if slices.Equal(names, s.names) {
			continue
		}
		s.names = names
		if err := ask(url, nil); err != nil {
			return err
		}
	}
	return nil
}
