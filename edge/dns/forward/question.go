package forward

import (
	"encoding/binary"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// Question is a question to resolve.
type Question struct {
	// Name is the name in wire form without compression, in any case.
	Name []byte
	// Type and Class are numbers as on the wire.
	Type, Class uint16
	// DO asks for DNSSEC records (RFC 3225).
	DO bool
	// CD asks the upstream not to validate (RFC 4035 section 3.2.2).
	CD bool
}

const (
	maxKey = dnswire.MaxName + 5

	keyDO, keyCD = 1, 2
)

// appendKey appends the key of the question in the cache, which begins with the
// name in lower case. It returns false if the question cannot be forwarded.
func (q Question) appendKey(key []byte) ([]byte, bool) {
	if !dnswire.IsName(q.Name) || !forwardable(q.Type, q.Class) {
		return nil, false
	}
	key = append(key, q.Name...)
	dnswire.Lower(key[len(key)-len(q.Name):])
	key = binary.BigEndian.AppendUint16(key, q.Type)
	key = binary.BigEndian.AppendUint16(key, q.Class)
	var flags byte
	if q.DO {
		flags |= keyDO
	}
	if q.CD {
		flags |= keyCD
	}
	return append(key, flags), true
}

// forwardable reports whether a resolver can answer questions of a type and class.
// Types from 128 to 254 and OPT are for messages between two servers (RFC 6895
// section 3.1), the classes NONE and ANY for updates.
func forwardable(qtype, class uint16) bool {
	switch {
	case qtype == 0, qtype == dnswire.TypeOPT, qtype >= 128 && qtype < dnswire.TypeANY:
		return false
	case class == 0, class >= 128 && class <= 255:
		return false
	default:
		return true
	}
}
