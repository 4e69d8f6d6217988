package forward

import (
	"bytes"
	"net/netip"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// localhostTTL is long: the answer never changes.
const localhostTTL = 86400

// localNames answers for names that upstreams must not be asked for: localhost and
// invalid (RFC 6761 sections 6.3 and 6.4), and onion (RFC 7686 section 2). The
// name is in lower case.
func localNames(name []byte, q Question, into *Response) bool {
	switch {
	case bytes.HasSuffix(name, []byte("\x09localhost\x00")):
		*into = Response{Answer: localhost(name, q)}
	case bytes.HasSuffix(name, []byte("\x07invalid\x00")), bytes.HasSuffix(name, []byte("\x05onion\x00")):
		*into = Response{Rcode: dnswire.RcodeNXDomain}
	default:
		return false
	}
	return true
}

func localhost(name []byte, q Question) []RR {
	rr := RR{Name: bytes.Clone(name), Type: q.Type, Class: q.Class, TTL: localhostTTL}
	switch {
	case q.Class != dnswire.ClassIN:
		return nil
	case q.Type == dnswire.TypeA:
		rr.Data = netip.AddrFrom4([4]byte{127, 0, 0, 1}).AsSlice()
	case q.Type == dnswire.TypeAAAA:
		rr.Data = netip.IPv6Loopback().AsSlice()
	default:
		return nil
	}
	return []RR{rr}
}
