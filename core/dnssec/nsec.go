package dnssec

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// AppendNSEC appends the data of an NSEC record that covers no name except its own:
// the next possible name in canonical order, and the types of the name, in any order.
// The name is in wire form and lower case.
func AppendNSEC(b, name []byte, types ...uint16) []byte {
	b = appendSuccessor(b, name)
	slices.Sort(types)
	return appendBitmap(b, types)
}

// AppendChainNSEC appends the data of an NSEC record in the chain of a zone: the next
// name of the zone, and the types of the record's own name, in any order. The next name
// is in wire form and lower case: RFC 4034 section 4.1, RFC 6840 section 5.1.
func AppendChainNSEC(b []byte, next string, types ...uint16) []byte {
	slices.Sort(types)
	return appendBitmap(append(b, next...), types)
}

// appendSuccessor appends the first possible name after another one in the order of
// RFC 4034 section 6.1. That is the name with a label of one zero octet before it. If
// the name is too long for that, the octet is appended to its first label, or else
// that label is incremented (RFC 4471 section 3.1.2).
func appendSuccessor(b, name []byte) []byte {
	label := int(name[0])
	switch {
	case len(name)+2 <= dnswire.MaxName:
		return append(append(b, 1, 0), name...)
	case len(name)+1 <= dnswire.MaxName && label < dnswire.MaxLabel:
		b = append(append(b, byte(label+1)), name[1:1+label]...)
		return append(append(b, 0), name[1+label:]...)
	}
	for len(name) > 1 {
		label = int(name[0])
		for label > 0 && name[label] == 0xff {
			label--
		}
		if label > 0 {
			b = append(append(b, byte(label)), name[1:1+label]...)
			b[len(b)-1] = increment(b[len(b)-1])
			break
		}
		name = name[1+name[0]:]
	}
	return append(b, name[1+name[0]:]...)
}

// increment returns the octet after c. It skips capitals, which are equal to small
// letters.
func increment(c byte) byte {
	if c++; c == 'A' {
		return 'Z' + 1
	}
	return c
}

// appendBitmap appends a type bit map: RFC 4034 section 4.1.2. The types are
// sorted.
func appendBitmap(b []byte, types []uint16) []byte {
	for len(types) > 0 {
		window, n := byte(types[0]>>8), 0
		var bits [32]byte
		for len(types) > 0 && byte(types[0]>>8) == window {
			low := byte(types[0])
			bits[low/8] |= 0x80 >> (low % 8)
			n = int(low/8) + 1
			types = types[1:]
		}
		b = append(append(b, window, byte(n)), bits[:n]...)
	}
	return b
}
