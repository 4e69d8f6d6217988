// Package resource says what the xDS edge serves: kinds of resources, and how a source
// makes them from one snapshot.
//
// It is pure. A Source gives each proxy a View. A View makes resources by name from an
// Input, which is one snapshot; it records what it looked at, so that a change makes
// only those resources again that depend on it. A resource is encoded once and shared
// by all streams.
//
//	view, err := source.View(in, proxy)
//	r, err := resource.Encode(t, name, view.Make(in, t, name))
package resource

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Type is a kind of resource. The order of the values is the order in which changes are
// sent: what others refer to comes first.
type Type uint8

// The types that are served.
const (
	Cluster Type = iota
	Endpoints
	Secret
	Listener
	Route
	NumTypes = 5
)

const typePrefix = "type.googleapis.com/"

var typeURLs = [NumTypes]string{
	typePrefix + "envoy.config.cluster.v3.Cluster",
	typePrefix + "envoy.config.endpoint.v3.ClusterLoadAssignment",
	typePrefix + "envoy.extensions.transport_sockets.tls.v3.Secret",
	typePrefix + "envoy.config.listener.v3.Listener",
	typePrefix + "envoy.config.route.v3.RouteConfiguration",
}

// URL returns the type URL of xDS version 3.
func (t Type) URL() string { return typeURLs[t] }

// String returns a short name for logs and metrics.
func (t Type) String() string {
	return [NumTypes]string{"cluster", "endpoints", "secret", "listener", "route"}[t]
}

// Full reports whether a state-of-the-world answer holds all resources of the type, so
// that the absence of one deletes it.
func (t Type) Full() bool { return t == Listener || t == Cluster }

// TypeOf returns the type with a type URL.
func TypeOf(url string) (Type, bool) {
	for t := range Type(NumTypes) {
		if t.URL() == url {
			return t, true
		}
	}
	return 0, false
}

// Wildcard is the name with which clients subscribe to all resources of a type.
const Wildcard = "*"

// Ref names a resource that another one needs.
type Ref struct {
	Type Type
	Name string
}

// Message is a resource before it is encoded.
type Message struct {
	Proto proto.Message
	// Refs are the resources that clients ask for because of this one, and without
	// which they do not use it: the endpoints of a cluster, the routes of a listener.
	Refs []Ref
}

// Resource is an encoded resource. It is immutable.
type Resource struct {
	Name string
	// Version is a hash of the content: equal content has the same version on every
	// node and after a restart.
	Version string
	// Sum is a hash of name and version. The sum of those of a set identifies the set.
	Sum  uint64
	Refs []Ref
	// Chunk is the resource as a field of DiscoveryResponse. With Prefix before it,
	// it is a field of DeltaDiscoveryResponse.
	Chunk, Prefix []byte
}

// Size returns the number of bytes of the resource in an answer.
func (r *Resource) Size() int { return len(r.Chunk) + len(r.Prefix) }

// resourcesField is the number of the field resources of DiscoveryResponse and of
// DeltaDiscoveryResponse, and of the field resource of Resource.
const resourcesField = 2

// Encode encodes a resource.
func Encode(t Type, name string, m *Message) (*Resource, error) {
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Proto)
	if err != nil {
		return nil, err
	}
	packed := make([]byte, 0, len(value)+96)
	packed = protowire.AppendTag(packed, 1, protowire.BytesType)
	packed = protowire.AppendString(packed, t.URL())
	packed = protowire.AppendTag(packed, 2, protowire.BytesType)
	packed = protowire.AppendBytes(packed, value)
	chunk := make([]byte, 0, len(packed)+8)
	chunk = protowire.AppendTag(chunk, resourcesField, protowire.BytesType)
	chunk = protowire.AppendBytes(chunk, packed)
	sum := sha256.Sum256(packed)
	r := &Resource{Name: name, Version: hex.EncodeToString(sum[:8]), Refs: m.Refs, Chunk: chunk}
	r.Prefix = deltaPrefix(r)
	named := sha256.Sum256(append(sum[:], name...))
	r.Sum = binary.BigEndian.Uint64(named[:8])
	return r, nil
}

// deltaPrefix returns what precedes the chunk in a delta answer: the head of a message
// Resource with its name and version.
func deltaPrefix(r *Resource) []byte {
	var head []byte
	head = protowire.AppendTag(head, 3, protowire.BytesType)
	head = protowire.AppendString(head, r.Name)
	head = protowire.AppendTag(head, 1, protowire.BytesType)
	head = protowire.AppendString(head, r.Version)
	b := protowire.AppendTag(nil, resourcesField, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(head)+len(r.Chunk)))
	return append(b, head...)
}
