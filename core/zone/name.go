package zone

import (
	"encoding/binary"
	"math/bits"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

const (
	hashKey1 = 0x9e3779b97f4a7c15
	hashKey2 = 0xe7037ed1a0b428db
)

// Hash hashes a name in wire form, which must be in lower case.
func Hash(name []byte) uint64 {
	h := uint64(len(name)) * hashKey1
	for len(name) > 8 {
		h = mix(h^binary.LittleEndian.Uint64(name), hashKey2)
		name = name[8:]
	}
	var last uint64
	for i, c := range name {
		last |= uint64(c) << (8 * i)
	}
	return mix(mix(h^last, hashKey2), hashKey1)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

func hashOf(name string) uint64 {
	var buf [dnswire.MaxName]byte
	return Hash(buf[:copy(buf[:], name)])
}

// reversed turns a name around, label by label, so that the names below it are
// those that have it as a prefix.
func reversed(name string) string {
	var labels []string
	for n := name; n != "\x00"; n = dnswire.Parent(n) {
		labels = append(labels, n[:1+n[0]])
	}
	b := make([]byte, 0, len(name))
	for i := len(labels) - 1; i >= 0; i-- {
		b = append(b, labels[i]...)
	}
	return string(b)
}
