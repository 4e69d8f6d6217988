package xds

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// frame is an answer. It refers to resources that are encoded already, so that sending
// one to many streams encodes nothing again.
type frame struct {
	t          resource.Type
	delta      bool
	version    string
	nonce      string
	identifier string // of the control plane
	resources  []*resource.Resource
	removed    []string // of a delta answer
}

// The fields of DiscoveryResponse and DeltaDiscoveryResponse.
const (
	fieldVersion           = 1
	fieldTypeURL           = 4
	fieldNonce             = 5
	fieldControlPlane      = 6
	fieldRemoved           = 6 // delta
	fieldControlPlaneDelta = 7
	fieldIdentifier        = 1 // of ControlPlane
)

// size returns the number of bytes of the resources.
func (f *frame) size() int {
	n := 0
	for _, r := range f.resources {
		n += r.Size()
	}
	return n
}

// buffers returns the encoded answer. The parts of resources are shared.
func (f *frame) buffers() mem.BufferSlice {
	out := make(mem.BufferSlice, 0, 2*len(f.resources)+1)
	for _, r := range f.resources {
		if f.delta {
			out = append(out, mem.SliceBuffer(r.Prefix))
		}
		out = append(out, mem.SliceBuffer(r.Chunk))
	}
	return append(out, mem.SliceBuffer(f.tail()))
}

// tail returns the fields besides the resources.
func (f *frame) tail() []byte {
	size := len(f.version) + len(f.t.URL()) + len(f.nonce) + len(f.identifier) + 32
	for _, name := range f.removed {
		size += len(name) + 4
	}
	b := make([]byte, 0, size)
	b = appendText(b, fieldVersion, f.version)
	b = appendText(b, fieldTypeURL, f.t.URL())
	b = appendText(b, fieldNonce, f.nonce)
	plane := protowire.Number(fieldControlPlane)
	if f.delta {
		for _, name := range f.removed {
			b = appendText(b, fieldRemoved, name)
		}
		plane = fieldControlPlaneDelta
	}
	b = protowire.AppendTag(b, plane, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(protowire.SizeTag(fieldIdentifier)+protowire.SizeBytes(len(f.identifier))))
	return appendText(b, fieldIdentifier, f.identifier)
}

func appendText(b []byte, field protowire.Number, text string) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, text)
}

// codec encodes frames, and decodes requests as gRPC's own codec does.
type codec struct{}

var _ encoding.CodecV2 = codec{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	f, ok := v.(*frame)
	if !ok {
		return nil, fmt.Errorf("xds: %T is not an answer", v)
	}
	return f.buffers(), nil
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("xds: %T is not a request", v)
	}
	buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buf.Free()
	return proto.Unmarshal(buf.ReadOnlyData(), m)
}
