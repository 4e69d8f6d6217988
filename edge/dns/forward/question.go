package forward

import (
	"encoding/binary"
	"fmt"

	"github.com/miekg/dns"
)

// Question is what to resolve.
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

// NewQuestion makes the question for a name as people write it.
func NewQuestion(name string, qtype uint16) (Question, error) {
	var buf [maxName]byte
	n, err := dns.PackDomainName(dns.Fqdn(name), buf[:], 0, nil, false)
	if err != nil {
		return Question{}, fmt.Errorf("name %q: %w", name, err)
	}
	return Question{Name: buf[:n], Type: qtype, Class: dns.ClassINET}, nil
}

const (
	maxName = 255
	maxKey  = maxName + 5

	keyDO, keyCD = 1, 2
)

// appendKey appends what the cache knows the question by, which starts with the
// name in lower case. It is false if the question cannot be forwarded.
func (q Question) appendKey(key []byte) ([]byte, bool) {
	if !validName(q.Name) || !forwardable(q.Type, q.Class) {
		return nil, false
	}
	for _, c := range q.Name {
		key = append(key, lower(c))
	}
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

// forwardable says whether a question makes sense to a resolver. Types from 128
// to 254 and OPT are for the hop between two servers (RFC 6895 section 3.1),
// class NONE and ANY for updates.
func forwardable(qtype, class uint16) bool {
	switch {
	case qtype == 0, qtype == dns.TypeOPT, qtype >= 128 && qtype < dns.TypeANY:
		return false
	case class == 0, class >= 128 && class <= 255:
		return false
	default:
		return true
	}
}

// validName says whether name is one whole name without compression.
func validName(name []byte) bool {
	if len(name) == 0 || len(name) > maxName {
		return false
	}
	at := 0
	for at < len(name) && name[at] != 0 {
		if name[at] > 63 {
			return false
		}
		at += 1 + int(name[at])
	}
	return at == len(name)-1
}

// lower is ASCII lower case (RFC 4343). Length octets are below 64, so a whole
// name can go through it.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// sameName compares names in wire form without case.
func sameName(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// within says whether name is zone or below it.
func within(name, zone []byte) bool {
	for len(name) > len(zone) {
		name = name[1+name[0]:]
	}
	return sameName(name, zone)
}
